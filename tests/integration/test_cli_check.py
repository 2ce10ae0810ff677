# SPDX-License-Identifier: Apache-2.0
"""`admatch check`: problems, the summary, keywords that can never win."""

import gzip
import itertools
import json
import unittest

from command import WITHIN, CommandTest, lines_of, run


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

    def test_an_image_is_not_read_as_an_inventory(self):
        said = self.run_refused(1, "check", self.build())
        self.assertIn("is an image, not an inventory: `admatch verify` checks images", said)

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

    def test_what_is_quoted_cannot_steer_a_terminal(self):
        """Neither in problems of the reader nor in keywords that can never win: a next line, text from right to left, a CSI of C1."""
        steering = "\u2028\u202e\u009b"
        records = [
            {"type": "inventory", "broad_window": 2},
            {"id": "1" + steering, "advertiser": "x", "bid": 1, "keywords": ["a b c" + steering], "x" + steering: 1},
            {"id": "2", "advertiser": "x", "bid": 1, "keywords": ["d" + steering, "-d" + steering]},
        ]
        told = self.run_fine("check", self.write("steering.jsonl", lines_of(records))).stdout.decode()
        for text in ('ad "1???": unknown member "x???"', 'ad 1???: the keyword "a b c???" can never', 'the negative broad keyword "d???"'):
            self.assertIn(text, told)
        self.assertFalse(set(steering) & set(told))

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


if __name__ == "__main__":
    unittest.main()
