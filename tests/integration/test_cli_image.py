# SPDX-License-Identifier: Apache-2.0
"""`admatch build`, `info` and `verify`; and an image read as docs/FORMAT.md tells."""

import itertools
import os
import pty
import stat
import struct
import subprocess
import unittest

from command import ADMATCH, INVENTORY, CommandTest, lines_of, run


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
        self.assertRegex(shown, r"(?m)^records dropped +1$")

    def test_the_inventory_is_not_overwritten(self):
        message = self.run_refused(2, "build", self.inventory, "-o", self.inventory)
        self.assertIn("the inventory itself", message)
        self.assertEqual(self.inventory.read_text(), lines_of(INVENTORY))

    def test_nothing_but_a_regular_file_is_replaced(self):
        """A device, by which a system would miss its /dev/null; a pipe, a link, a folder."""
        target = self.folder / "target"
        target.write_text("kept")
        os.mkfifo(self.folder / "pipe")
        (self.folder / "link").symlink_to(target)
        (self.folder / "folder").mkdir()
        names = ["pipe", "link", "folder"]
        if os.geteuid() == 0:
            os.mknod(self.folder / "device", 0o600 | stat.S_IFCHR, os.makedev(1, 3))
            names.append("device")
        for name in names:
            with self.subTest(output=name):
                before = (self.folder / name).lstat()
                message = self.run_refused(2, "build", self.inventory, "-o", self.folder / name)
                self.assertIn("no regular file", message)
                after = (self.folder / name).lstat()
                self.assertEqual((after.st_ino, after.st_mode), (before.st_ino, before.st_mode))
        self.assertEqual(target.read_text(), "kept")

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

    def test_an_inventory_and_an_image_are_not_taken_for_one_another(self):
        image = self.build()
        self.assertIn("is an image, not an inventory", self.run_refused(1, "build", image, "-o", self.folder / "other"))
        self.assertIn("is an image, not an inventory", self.run_refused(1, "check", image))
        self.assertIn("is no image: `admatch check` checks inventories", self.run_refused(1, "verify", self.write("ads.jsonl", lines_of(INVENTORY).encode())))

    def test_info_tells_counts_sections_and_settings(self):
        shown = self.run_fine("info", self.build()).stdout.decode()
        for pattern in (
            r"^format version +11.0$",
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
            entry = struct.unpack_from("<HxxIQQ", data, 128 + 24 * index)
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
        mixed = (parent * 0x9E3779B1 + word * 0x85EBCA77) % 2**32
        hashed = (mixed ^ mixed >> 15) * 0xC2B2AE3D % 2**32
        at = hashed * count >> 32
        while True:
            bucket = self.record(4, at, "5Q5II")
            if key in bucket[:5]:
                return bucket[5 + bucket.index(key)]
            if not bucket[10] >> (hashed & 31) & 1:
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


if __name__ == "__main__":
    unittest.main()
