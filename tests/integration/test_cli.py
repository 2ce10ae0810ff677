"""The `admatch` command, run as a user runs it. ADMATCH names the binary to test."""

import gzip
import itertools
import json
import os
import pathlib
import pty
import re
import shutil
import struct
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ADMATCH = os.environ.get("ADMATCH", str(ROOT / "build" / "release" / "admatch"))
COMMANDS = ("check", "build", "info", "verify", "match", "words")

INVENTORY = [
    {"type": "inventory", "currency": "EUR", "language": "en"},
    {"type": "campaign", "id": "c1", "advertiser": "acme", "negative_keywords": ["free"]},
    {"id": "shoes", "campaign": "c1", "bid": 1.25, "keywords": ["running shoes", '"trail shoes"']},
    {"id": "exact", "advertiser": "bolt", "bid": 0.8, "keywords": ["[salomon speedcross 5]"]},
    {"id": "anyone", "advertiser": "crew", "bid": 0.1, "keywords": ["*"]},
    {
        "id": "us",
        "advertiser": "dash",
        "bid": 3,
        "keywords": ["marathon", "-cheap"],
        "targeting": {"country": ["US"], "kv": {"sport": ["running"]}},
        "start": "2026-11-01T00:00:00Z",
        "end": "2026-12-01T00:00:00Z",
    },
]
WITHIN = "2026-11-15T00:00:00Z"


def lines_of(records):
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def run(*arguments, stdin=b"", **options):
    if isinstance(stdin, str):
        stdin = stdin.encode()
    return subprocess.run(
        [ADMATCH, *map(str, arguments)], input=stdin, capture_output=True, timeout=120, **options
    )


class CommandTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.inventory = self.write("inventory.jsonl", lines_of(INVENTORY))

    def write(self, name, text):
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def run_fine(self, *arguments, **options):
        done = run(*arguments, **options)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return done

    def run_refused(self, code, *arguments, **options):
        done = run(*arguments, **options)
        self.assertEqual(done.returncode, code, done.stderr.decode())
        self.assertTrue(done.stderr.startswith(b"admatch: "), done.stderr)
        return done.stderr.decode()

    def build(self, records=None, name="image.admx"):
        source = self.inventory
        if records is not None:
            source = self.write(name + ".jsonl", lines_of(records))
        image = self.folder / name
        self.run_fine("build", source, "-o", image)
        return image

    def match(self, source, *arguments, **options):
        return json.loads(self.run_fine("match", source, *arguments, **options).stdout)

    def winners(self, source, *arguments, **options):
        answer = self.match(source, *arguments, **options)
        return [ad["ad"] for slot in answer["slots"] for ad in slot["ads"]]

    def summary(self, *arguments):
        """The summary of `check` as a dictionary."""
        text = self.run_fine("check", *arguments).stdout.decode()
        rows = [line.rsplit(None, 1) for line in text.splitlines() if ": " not in line]
        return {row[0].strip(): row[1] for row in rows if len(row) == 2}


class UsageTest(CommandTest):
    def test_help_names_every_command(self):
        overview = self.run_fine("--help").stdout.decode()
        for command in COMMANDS:
            self.assertIn(f"  {command} ", overview)

    def test_every_command_explains_itself_and_all_its_options(self):
        for command in COMMANDS:
            shown = self.run_fine(command, "--help").stdout.decode()
            self.assertTrue(shown.startswith(f"usage: admatch {command} "))
            self.assertIn("-h, --help", shown)

    def test_version_is_printed(self):
        self.assertRegex(self.run_fine("--version").stdout.decode(), r"^admatch \d+\.\d+\.\d+\n$")

    def test_a_wrong_command_line_ends_with_2(self):
        for arguments in (
            [],
            ["nonsense"],
            ["check"],
            ["check", "a", "b"],
            ["check", "--nonsense", "a"],
            ["check", "-x", "a"],
            ["check", "--skip=1", "a"],
            ["check", "--now", "yesterday", "a"],
            ["check", "--now"],
            ["build", self.inventory],
            ["build", self.inventory, "-o"],
            ["build", self.inventory, "-o", "-"],
            ["info"],
            ["verify"],
            ["words"],
            ["words", "--language", "klingon", "a"],
            ["match", self.inventory],
            ["match", "--query", "a"],
            ["match", self.inventory, "--query", "a", "--count", "0"],
            ["match", self.inventory, "--query", "a", "--count", "3x"],
            ["match", self.inventory, "--query", "a", "--count", "-1"],
            ["match", self.inventory, "--query", "a", "--context", "country"],
            ["match", self.inventory, "--query", "a", "--context", "=US"],
            ["match", self.inventory, "--query", "a", "--now", "now"],
            ["match", self.inventory, "--query", "a", "--batch", "b"],
            ["match", self.inventory, "--request", "a", "--explain"],
            ["match", self.inventory, "--request", "a", "--batch", "b"],
        ):
            with self.subTest(arguments=arguments):
                self.run_refused(2, *arguments)

    def test_output_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "wb") as full:
            for arguments in (
                ["--help"],
                ["check", self.inventory],
                ["match", self.inventory, "--query", "a"],
            ):
                with self.subTest(arguments=arguments):
                    done = subprocess.run(
                        [ADMATCH, *map(str, arguments)], stdout=full, stderr=subprocess.PIPE
                    )
                    self.assertEqual(done.returncode, 1)
                    self.assertIn(b"No space left on device", done.stderr)


class CheckTest(CommandTest):
    def test_a_good_inventory_is_summed_up(self):
        summary = self.summary("--now", WITHIN, self.inventory)
        expected = {
            "ads": "4",
            "campaigns": "1",
            "advertisers": "4",
            "keywords": "5",
            "exact": "1",
            "phrase": "1",
            "broad": "2",
            "any": "1",
            "negative keywords": "2",
            "distinct words": "9",
            "duplicates dropped": "0",
            "records dropped": "0",
            "can never win": "0",
            "currency": "EUR",
            "language": "en",
        }
        self.assertEqual({key: summary.get(key) for key in expected}, expected)

    def test_an_inventory_comes_from_a_pipe_or_gzip_as_well(self):
        plain = self.run_fine("check", "--now", WITHIN, self.inventory).stdout
        packed = self.write("inventory.bin", gzip.compress(self.inventory.read_bytes()))
        self.assertEqual(self.run_fine("check", "--now", WITHIN, packed).stdout, plain)
        piped = self.run_fine("check", "--now", WITHIN, "-", stdin=self.inventory.read_bytes())
        self.assertEqual(piped.stdout, plain)

    def test_every_bad_line_is_told_with_its_place(self):
        bad = self.write(
            "bad.jsonl",
            '{"id":"a","advertiser":"x","bid":1,"keywords":["k"]}\n'
            "nonsense\n"
            '{"id":"b","advertiser":"x","bid":-1,"keywords":["k"]}\n'
            '{"id":"c","advertiser":"x","bid":1,"keywords":["k"],"kewords":[]}\n',
        )
        done = run("check", bad)
        self.assertEqual(done.returncode, 1)
        text = done.stdout.decode()
        self.assertRegex(text, f"(?m)^{bad}:2: error: ")
        self.assertRegex(text, f"(?m)^{bad}:3: error: ")
        self.assertRegex(text, f"(?m)^{bad}:4: warning: .*keywords")
        self.assertNotRegex(text, f"(?m)^{bad}:1: ")
        self.assertIn(b"2 errors", done.stderr)

    def test_skip_drops_bad_records_and_counts_them(self):
        bad = self.write("bad.jsonl", self.inventory.read_text() + "nonsense\n")
        self.assertEqual(run("check", bad).returncode, 1)
        summary = self.summary("--skip", bad)
        self.assertEqual((summary["ads"], summary["records dropped"]), ("4", "1"))

    def test_problems_beyond_the_listed_ones_are_counted(self):
        bad = self.write("bad.jsonl", "nonsense\n" * 150)
        text = run("check", bad).stdout.decode()
        self.assertEqual(text.count(": error: "), 100)
        self.assertIn("50 more problems are not listed", text)

    def test_a_file_that_is_not_there_is_a_problem(self):
        self.assertIn("No such file", self.run_refused(1, "check", self.folder / "nothing"))

    def test_keywords_of_paused_and_ended_ads_can_never_win(self):
        ad = {"advertiser": "x", "bid": 1, "keywords": ["k"]}
        records = [
            {"type": "campaign", "id": "p", "advertiser": "x", "status": "paused"},
            {"type": "campaign", "id": "late", "advertiser": "x", "start": "2027-02-01T00:00:00Z"},
            {"id": "1", **ad, "status": "paused"},
            {"id": "2", "campaign": "p", "bid": 1, "keywords": ["k", "l"]},
            {"id": "3", **ad, "end": "2026-11-15T00:00:00Z"},
            {"id": "4", **ad, "end": "2026-11-15T00:00:01Z"},
            {"id": "5", "campaign": "late", "bid": 1, "keywords": ["k"],
             "end": "2027-01-01T00:00:00Z"},
            {"id": "6", **ad},
        ]
        summary = self.summary("--now", WITHIN, self.write("idle.jsonl", lines_of(records)))
        self.assertEqual(
            [summary[key] for key in ("can never win", "paused", "ended", "no common time")],
            ["5", "3", "1", "1"],
        )

    def test_a_broad_keyword_with_more_words_than_the_window_is_told(self):
        records = [
            {"type": "inventory", "broad_window": 2},
            {"id": "1", "advertiser": "x", "bid": 1, "keywords": ["a b c", "a b a b", '"a b c"']},
        ]
        path = self.write("wide.jsonl", lines_of(records))
        self.assertEqual(self.summary(path)["wider than window"], "1")
        text = self.run_fine("check", path).stdout.decode()
        self.assertIn(f'{path}:2: warning: ad 1: the keyword "a b c" can never win', text)

    def test_a_veto_is_told_exactly_when_no_text_lets_the_keyword_win(self):
        """Each pair of a positive and a negative keyword, against all texts of up to 5 words."""
        written = ["{}", '"{}"', "[{}]"]
        positives = [form.format(words) for form in written for words in ("a", "a b", "a b c")]
        negatives = [
            "-" + form.format(words)
            for form in written
            for words in ("a", "c", "b a", "a b", "c a", "a b c")
        ]
        texts = [" ".join(t) for n in range(1, 6) for t in itertools.product("abcx", repeat=n)]
        requests = lines_of(
            {"query": text, "slots": [{"count": 256}], "unique": "ad"} for text in texts
        )
        for window in (2, 16):
            pairs = [
                {"id": f"{p} {n}", "advertiser": "x", "bid": 1, "keywords": [p, n]}
                for p in positives
                for n in negatives
                if not (window == 2 and p == "a b c")
            ]
            records = [{"type": "inventory", "broad_window": window}, *pairs]
            path = self.write("veto.jsonl", lines_of(records))
            answers = self.run_fine("match", path, "--batch", "-", stdin=requests).stdout
            won = {
                ad["ad"]
                for answer in map(json.loads, answers.splitlines())
                for ad in answer["slots"][0]["ads"]
            }
            told = self.run_fine("check", path).stdout.decode()
            vetoed = {
                line.split(": ad ", 1)[1].split(": the keyword", 1)[0]
                for line in told.splitlines()
                if "can never win: the negative" in line
            }
            self.assertEqual(vetoed, {pair["id"] for pair in pairs} - won)
            self.assertTrue(vetoed and won)

    def test_a_negative_phrase_of_one_word_leaves_other_forms_of_a_stemmed_word(self):
        records = [
            {"type": "inventory", "language": "en"},
            {"id": "form", "advertiser": "x", "bid": 1, "keywords": ["shoe", '-"shoe"']},
            {"id": "stem", "advertiser": "y", "bid": 1, "keywords": ["shoes", "-shoe"]},
        ]
        path = self.write("stems.jsonl", lines_of(records))
        self.assertEqual(self.winners(path, "--query", "shoes", "--count", 9), ["form"])
        self.assertEqual(self.summary(path)["always vetoed"], "1")

    def test_a_campaigns_negative_keyword_vetoes_its_ads_only(self):
        records = [
            {"type": "campaign", "id": "c", "advertiser": "x", "negative_keywords": ["used"]},
            {"type": "campaign", "id": "d", "advertiser": "x"},
            {"id": "1", "campaign": "c", "bid": 1, "keywords": ["used cars", "new cars"]},
            {"id": "2", "campaign": "d", "bid": 1, "keywords": ["used cars"]},
        ]
        path = self.write("campaigns.jsonl", lines_of(records))
        self.assertEqual(self.summary(path)["always vetoed"], "1")


class BuildTest(CommandTest):
    def test_an_image_is_built_quietly_in_a_pipe(self):
        image = self.folder / "image.admx"
        done = self.run_fine("build", self.inventory, "-o", image)
        self.assertEqual((done.stdout, done.stderr), (b"", b""))
        self.assertIn(b"a sound image", self.run_fine("verify", image).stdout)

    def test_the_same_inventory_gives_the_same_bytes(self):
        first, second = self.build(name="1.admx"), self.build(name="2.admx")
        self.assertEqual(first.read_bytes(), second.read_bytes())

    def test_a_broken_inventory_leaves_the_old_image_alone(self):
        image = self.build()
        before = image.read_bytes()
        bad = self.write("bad.jsonl", "nonsense\n")
        done = run("build", bad, "-o", image)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{bad}:1: error: ".encode(), done.stderr)
        self.assertEqual(image.read_bytes(), before)

    def test_skip_builds_from_the_good_records(self):
        bad = self.write("bad.jsonl", self.inventory.read_text() + "nonsense\n")
        image = self.folder / "image.admx"
        self.run_fine("build", "--skip", bad, "-o", image)
        shown = self.run_fine("info", image).stdout.decode()
        self.assertRegex(shown, r"(?m)^bad records +dropped$")

    def test_the_inventory_is_not_overwritten(self):
        message = self.run_refused(2, "build", self.inventory, "-o", self.inventory)
        self.assertIn("the inventory itself", message)
        self.assertEqual(self.inventory.read_text(), lines_of(INVENTORY))

    def test_a_folder_that_is_not_there_is_a_problem(self):
        self.run_refused(1, "build", self.inventory, "-o", self.folder / "no" / "image.admx")

    def test_nothing_but_the_image_is_left_behind(self):
        self.build()
        done = run("build", self.write("bad", "nonsense\n"), "-o", self.folder / "b.admx")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(
            sorted(path.name for path in self.folder.iterdir()),
            ["bad", "image.admx", "inventory.jsonl"],
        )

    def test_a_terminal_is_told_what_was_built(self):
        try:
            controller, terminal = pty.openpty()
        except OSError as error:
            self.skipTest(f"this machine gives no pseudo-terminals: {error}")
        image = self.folder / "image.admx"
        done = subprocess.run(
            [ADMATCH, "build", self.inventory, "-o", image], stdout=terminal, stderr=terminal
        )
        os.close(terminal)
        shown = b""
        try:
            while chunk := os.read(controller, 4096):
                shown += chunk
        except OSError:  # the terminal has no other end any more
            pass
        os.close(controller)
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"4 ads", shown)


class ImageTest(CommandTest):
    def test_verify_refuses_what_is_no_sound_image(self):
        whole = self.build().read_bytes()
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 1
        for name, data in {
            "flipped": bytes(flipped),
            "cut": whole[:-64],
            "longer": whole + bytes(64),
            "empty": b"",
            "short": whole[:100],
            "version": whole[:8] + b"\x63" + whole[9:],
            "words": whole[:12] + b"\x63" + whole[13:],
            "text": b"hello world\n" * 100,
        }.items():
            with self.subTest(name):
                path = self.write(name, data)
                self.assertIn(str(path), self.run_refused(1, "verify", path))
                self.run_refused(1, "info", path)
        self.run_refused(1, "verify", self.folder / "nothing")

    def test_info_tells_counts_sections_and_settings(self):
        shown = self.run_fine("info", self.build()).stdout.decode()
        for pattern in (
            r"^format version +4$",
            r"^generation +[0-9a-f]{16}$",
            r"^currency +EUR$",
            r"^language +en$",
            r"^ads +4$",
            r"^keywords, exact +1$",
            r"^keywords, negative +2$",
            r"^index bytes/keyword +[0-9.]+$",
            r"^strings +1 ",
        ):
            self.assertRegex(shown, f"(?m){pattern}")

    def test_the_generation_is_that_of_answers(self):
        image = self.build()
        generation = self.match(image, "--query", "x")["generation"]
        self.assertIn(generation, self.run_fine("info", image).stdout.decode())


class ImageReader:
    """A reader written from docs/FORMAT.md alone, for words of up to 16 bytes."""

    NONE = 2**32 - 1
    WRAP = 2**64 - 1
    SETTINGS = {"V": 9, "S": 10, "L": 11, "T": 12, "N": 13, "any": 14, "ads": 20}

    def __init__(self, data):
        self.data = data
        assert data[:8] == b"ADMATCH\x1a"
        self.sections = {}
        for index in range(struct.unpack_from("<I", data, 56)[0]):
            entry = struct.unpack_from("<IIQQ", data, 128 + 24 * index)
            self.sections[entry[0]] = entry[1:]
        settings = struct.unpack_from("<31I", data, self.sections[1][1])
        self.settings = {name: settings[at] for name, at in self.SETTINGS.items()}

    def record(self, section, index, layout):
        size, offset, count = self.sections[section]
        assert index < count
        return struct.unpack_from("<" + layout, self.data, offset + size * index)

    def string(self, reference):
        at = self.sections[16][1] + 4 * reference
        size = struct.unpack_from("<I", self.data, at)[0]
        return self.data[at + 4 : at + 4 + size].decode()

    def mix(self, a, b):
        product = (a ^ 0xA0761D6478BD642F) * (b ^ 0xE7037ED1A0B428DB)
        return product & self.WRAP ^ product >> 64

    def word(self, text):
        key = text.encode().ljust(16, b"\0")
        count = self.sections[2][2]
        hashed = self.mix(*struct.unpack("<QQ", key))
        at = hashed * count >> 64
        while True:
            bucket = self.record(2, at, "16s16s16s3I3BB")
            if key in bucket[:3]:
                return bucket[3 + bucket.index(key)]
            if not bucket[9] >> (hashed & 7) & 1:
                return self.NONE
            at = (at + 1) % count

    def child(self, parent, word):
        key = parent << 32 | word
        count = self.sections[4][2]
        hashed = self.mix(key, 0x8EBC6AF09C88C6E3)
        at = hashed * count >> 64
        while True:
            bucket = self.record(4, at, "5Q5II")
            if key in bucket[:5]:
                return bucket[5 + bucket.index(key)]
            if not bucket[10] >> (hashed >> 24 & 31) & 1:
                return self.NONE
            at = (at + 1) % count

    def postings(self, terminal):
        postings = []
        while not postings or not postings[-1][1] >> 31:
            postings.append(self.record(6, terminal + len(postings), "II"))
        return [(rank, ad & 2**31 - 1) for rank, ad in postings]

    def ads(self, terminal):
        if terminal >= self.settings["T"]:
            return []
        ads = [ad for rank, ad in self.postings(terminal) if rank]
        return [self.string(self.record(9, ad, "QI")[1]) for ad in ads]

    def walk(self, node, words):
        for word in words:
            node = self.child(node, word)
            if node == self.NONE:
                break
        return self.ads(node)

    def phrase(self, text):
        words = [self.word(word) for word in text.split()]
        if self.NONE in words:
            return []
        if len(words) == 1:
            return self.ads(self.record(3, words[0], "III")[1])
        return self.walk(self.settings["N"] + words[0], words[1:])

    def exact(self, text):
        words = [self.word(word) for word in text.split()]
        return self.walk(self.settings["N"] + 2 * self.settings["V"], words)

    def broad(self, text):
        words = sorted({self.word(word) for word in text.split()})
        if self.NONE in words:
            return []
        if len(words) == 1:
            return self.ads(self.record(3, words[0], "III")[2])
        return self.walk(self.settings["N"] + self.settings["V"] + words[0], words[1:])


class FormatTest(CommandTest):
    def test_a_reader_made_from_the_specification_finds_every_keyword(self):
        phrases = [" ".join(p) for n in (1, 2, 3) for p in itertools.permutations("uvwxyz", n)]
        records = [{"type": "inventory", "stem": False}]
        for form in ("{}", '"{}"', "[{}]"):
            for phrase in phrases:
                keyword = form.format(phrase)
                records.append(
                    {"id": keyword, "advertiser": "x", "bid": 1, "keywords": [keyword, "-nothing"]}
                )
        reader = ImageReader(self.build(records).read_bytes())
        self.assertEqual(reader.settings["ads"], 3 * len(phrases))
        for phrase in phrases:
            self.assertEqual(reader.phrase(phrase), [f'"{phrase}"'])
            self.assertEqual(reader.exact(phrase), [f"[{phrase}]"])
            same_set = {" ".join(p) for p in itertools.permutations(phrase.split())}
            self.assertEqual(set(reader.broad(phrase)), same_set)
        self.assertEqual(reader.phrase("u v u"), [])
        self.assertEqual(reader.phrase("unknown"), [])
        self.assertEqual(reader.phrase("nothing"), [])

    def test_the_better_bid_stands_first(self):
        records = [
            {"id": name, "advertiser": name, "bid": bid, "keywords": ['"k"']}
            for name, bid in (("low", 1), ("high", 3), ("middle", 2))
        ]
        reader = ImageReader(self.build(records).read_bytes())
        self.assertEqual(reader.phrase("k"), ["high", "middle", "low"])


class MatchTest(CommandTest):
    def test_an_inventory_and_its_image_give_the_same_answer(self):
        image = self.build()
        arguments = ("--query", "running shoes", "--count", "3", "--explain", "--now", WITHIN)
        answers = [self.match(source, *arguments) for source in (self.inventory, image)]
        self.assertEqual(answers[0], answers[1])
        self.assertEqual([ad["ad"] for ad in answers[0]["slots"][0]["ads"]], ["shoes", "anyone"])

    def test_options_make_the_body_that_a_request_would_have(self):
        body = {
            "id": "r1",
            "query": 'a "quoted" marathon',
            "keywords": ["salomon speedcross 5", "b"],
            "title": "trail shoes",
            "text": "Wörter\nrunning shoes\n",
            "url": "https://site.example/running",
            "slots": [{"count": 4}],
            "context": {"country": ["US", "CA"], "kv": {"sport": ["running", "swimming"]}},
            "explain": True,
        }
        made = self.run_fine(
            "match", self.inventory, "--now", WITHIN, "--id", "r1",
            "--query", body["query"], "--keyword", body["keywords"][0], "--keyword", "b",
            "--title", body["title"], "--text", self.write("text", body["text"]),
            "--url", body["url"], "--count", 4, "--explain",
            "--context", "country=US", "--context", "kv.sport=running",
            "--context", "country=CA", "--context", "kv.sport=swimming",
        )  # fmt: skip
        sent = self.run_fine(
            "match", self.inventory, "--now", WITHIN, "--request", "-", stdin=json.dumps(body)
        )
        self.assertEqual(made.stdout, sent.stdout)
        self.assertEqual(
            [ad["ad"] for ad in json.loads(made.stdout)["slots"][0]["ads"]],
            ["us", "shoes", "exact", "anyone"],
        )

    def test_context_decides_targeting(self):
        arguments = (self.inventory, "--now", WITHIN, "--query", "marathon")
        self.assertEqual(self.winners(*arguments), ["anyone"])
        country = ("--context", "country=us")
        sport = ("--context", "kv.sport=running")
        self.assertEqual(self.winners(*arguments, *country), ["anyone"])
        self.assertEqual(self.winners(*arguments, *country, *sport), ["us"])

    def test_a_request_may_have_no_words_at_all(self):
        self.assertEqual(self.winners(self.inventory, "--context", "country=US"), ["anyone"])

    def test_now_and_test_move_the_clock(self):
        context = {"country": "US", "kv": {"sport": ["running"]}}
        body = json.dumps({"query": "marathon", "context": context, "now": WITHIN})
        request = (self.inventory, "--request", "-")
        self.assertEqual(self.winners(*request, "--now", WITHIN, stdin=body), ["us"])
        late = ("--now", "2027-01-01T00:00:00Z")
        self.assertEqual(self.winners(*request, *late, stdin=body), ["anyone"])
        self.assertEqual(self.winners(*request, *late, "--test", stdin=body), ["us"])

    def test_text_comes_from_standard_input(self):
        found = self.winners(self.inventory, "--text", "-", stdin="we like trail shoes, too")
        self.assertEqual(found, ["shoes"])

    def test_an_invalid_request_is_answered_with_its_error(self):
        done = run("match", self.inventory, "--request", "-", stdin='{"query":1}')
        self.assertEqual(done.returncode, 1)
        error = json.loads(done.stdout)["error"]
        self.assertEqual((error["status"], error["where"]), (400, "$.query"))

    def test_answers_go_to_a_file(self):
        output = self.folder / "answer.json"
        done = self.run_fine("match", self.inventory, "--query", "x", "-o", output)
        self.assertEqual(done.stdout, b"")
        self.assertIn("slots", json.loads(output.read_text()))

    def test_no_input_is_written_over(self):
        requests = self.write("requests", '{"query":"a"}\n')
        message = self.run_refused(
            2, "match", self.inventory, "--batch", requests, "-o", requests
        )
        self.assertIn("would be written over", message)
        self.assertEqual(requests.read_text(), '{"query":"a"}\n')

    def test_problems_of_the_inventory_are_told(self):
        bad = self.write("bad.jsonl", self.inventory.read_text() + "nonsense\n")
        done = run("match", bad, "--query", "a")
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(f"{bad}:7: error: ".encode(), done.stderr)
        self.assertEqual(self.winners(bad, "--skip", "--query", "a"), ["anyone"])

    def test_a_broken_image_is_not_matched_against(self):
        data = bytearray(self.build().read_bytes())
        data[-70] ^= 1
        self.run_refused(1, "match", self.write("broken.admx", bytes(data)), "--query", "a")


class BatchTest(CommandTest):
    def batch(self, text, code=0, **options):
        done = run("match", self.inventory, "--batch", "-", stdin=text, **options)
        self.assertEqual(done.returncode, code, done.stderr.decode())
        return done.stdout.decode().splitlines()

    def test_answers_are_those_of_single_requests_in_order(self):
        queries = ["running shoes", "nothing", "salomon speedcross 5", "free running shoes"]
        answers = self.batch(lines_of({"id": q, "query": q} for q in queries))
        self.assertEqual([json.loads(answer)["id"] for answer in answers], queries)
        for query, answer in zip(queries, answers):
            single = self.run_fine("match", self.inventory, "--id", query, "--query", query)
            self.assertEqual(single.stdout.decode(), answer + "\n")

    def test_many_requests_keep_their_order(self):
        answers = self.batch(lines_of({"id": str(i), "query": "x"} for i in range(50_000)))
        self.assertEqual([json.loads(a)["id"] for a in answers], [str(i) for i in range(50_000)])

    def test_an_invalid_line_gets_its_error_and_the_rest_goes_on(self):
        text = '{"id":"1"}\nnonsense\n\n{"id":"4"}\n'
        answers = [json.loads(line) for line in self.batch(text, code=1)]
        self.assertEqual([answer.get("id") for answer in answers], ["1", None, None, "4"])
        self.assertEqual([a["error"]["status"] for a in answers[1:3]], [400, 400])
        done = run("match", self.inventory, "--batch", "-", stdin=text)
        self.assertIn(b"2 of 4 requests were refused, the first in line 2", done.stderr)

    def test_a_line_that_is_too_long_is_refused_alone(self):
        long = json.dumps({"id": "2", "query": "x" * 5_000_000})
        answers = self.batch(f'{{"id":"1"}}\n{long}\n{{"id":"3"}}\n', code=1)
        answers = [json.loads(line) for line in answers]
        self.assertEqual([answer.get("id") for answer in answers], ["1", None, "3"])
        self.assertEqual(answers[1]["error"]["status"], 413)

    def test_lines_may_end_with_carriage_returns_or_the_file(self):
        answers = [json.loads(line) for line in self.batch('{"id":"1"}\r\n{"id":"2"}')]
        self.assertEqual([answer["id"] for answer in answers], ["1", "2"])

    def test_no_requests_give_no_answers(self):
        self.assertEqual(self.batch(""), [])

    def test_a_batch_may_be_gzip(self):
        text = lines_of({"id": str(i)} for i in range(1000))
        self.assertEqual(self.batch(gzip.compress(text.encode())), self.batch(text))

    def test_gzip_that_is_cut_is_an_error_after_its_answers(self):
        text = lines_of({"id": str(i)} for i in range(1000))
        done = run("match", self.inventory, "--batch", "-", stdin=gzip.compress(text.encode())[:-9])
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"gzip", done.stderr)

    def test_memory_does_not_grow_with_the_batch(self):
        line = (json.dumps({"id": "1", "text": "word " * 20_000}) + "\n").encode()
        files = [str(self.inventory), "--batch", "-", "-o", "/dev/null"]
        child = subprocess.Popen([ADMATCH, "match", *files], stdin=subprocess.PIPE)
        peaks = []
        for count in (30, 300):
            for _ in range(count):
                child.stdin.write(line)
            child.stdin.flush()
            status = pathlib.Path(f"/proc/{child.pid}/status").read_text()
            peaks.append(int(re.search(r"VmHWM:\s*(\d+)", status)[1]))
        child.stdin.close()
        self.assertEqual(child.wait(), 0)
        self.assertLess(peaks[1], peaks[0] + 4096)

    def test_a_reader_that_leaves_ends_the_batch_quietly(self):
        path = self.write("requests", '{"query":"running shoes"}\n' * 200_000)
        child = subprocess.Popen(
            [ADMATCH, "match", str(self.inventory), "--batch", str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.assertTrue(child.stdout.readline().startswith(b"{"))
        child.stdout.close()
        self.assertEqual(child.stderr.read(), b"")
        child.stderr.close()
        self.assertEqual(child.wait(timeout=60), 0)


class WordsTest(CommandTest):
    def rows(self, *arguments, **options):
        text = self.run_fine("words", *arguments, **options).stdout.decode()
        return [tuple(line.split("\t")) for line in text.splitlines()]

    def test_words_are_shown_with_their_spans(self):
        self.assertEqual(
            self.rows("Women's t-shirt, C++"),
            [
                ("womens", "0-7", "0-7", "Women's"),
                ("t", "8-9", "8-9", "t"),
                ("shirt", "10-15", "10-15", "shirt"),
                ("c++", "17-20", "17-20", "C++"),
            ],
        )

    def test_spans_count_bytes_and_utf16_units(self):
        self.assertEqual(
            self.rows("\U0001f600 Café x"),
            [("cafe", "5-10", "3-7", "Café"), ("x", "11-12", "8-9", "x")],
        )

    def test_accents_are_kept_when_asked(self):
        self.assertEqual(self.rows("--keep-accents", "Café")[0][0], "café")

    def test_stems_are_shown_when_asked(self):
        shown = [(row[0], row[4]) for row in self.rows("--language", "en", "Running shoes")]
        self.assertEqual(shown, [("running", "run"), ("shoes", "shoe")])

    def test_text_comes_from_standard_input_or_after_a_dash(self):
        self.assertEqual([row[0] for row in self.rows("-", stdin="one two\n")], ["one", "two"])
        self.assertEqual([row[0] for row in self.rows("--", "-cheap")], ["cheap"])

    def test_a_text_without_words_shows_nothing(self):
        self.assertEqual(self.rows("... !"), [])


if __name__ == "__main__":
    unittest.main()
