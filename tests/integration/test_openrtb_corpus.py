# SPDX-License-Identifier: Apache-2.0
"""A corpus of bid requests in the shapes of senders: every answer is valid, none that is odd but readable is refused."""

import json
import os
import pathlib
import random
import subprocess
import tempfile
import unittest

import openrtb_corpus
import openrtb_schema
from harness import BUILD

ADMATCH = os.environ.get("ADMATCH") or str(BUILD / "admatch")
COUNT = 420


def answers_to(requests):
    """Of the command, a line each; None for no bid."""
    with tempfile.TemporaryDirectory(prefix="admatch-corpus-") as folder:
        inventory = pathlib.Path(folder, "inventory.jsonl")
        inventory.write_text("".join(json.dumps(record) + "\n" for record in openrtb_corpus.INVENTORY))
        lines = "".join(json.dumps(request) + "\n" for request in requests)
        done = subprocess.run([ADMATCH, "match", inventory, "--openrtb-batch", "-"], input=lines.encode(), capture_output=True)
    answers = done.stdout.decode().split("\n")
    assert answers.pop() == "" and len(answers) == len(requests), done.stderr
    return [json.loads(answer) if answer else None for answer in answers]


def won_by(answer):
    return sorted((bid["impid"], bid["adid"], bid["price"]) for seat in (answer or {}).get("seatbid", []) for bid in seat["bid"])


class CorpusTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.requests = openrtb_corpus.requests(COUNT)
        cls.answers = answers_to(cls.requests)

    def test_every_answer_is_valid(self):
        bids = 0
        for request, answer in zip(self.requests, self.answers):
            if answer is None:
                continue
            self.assertNotIn("error", answer, request)
            self.assertEqual(openrtb_schema.check_response(answer), [], (request, answer))
            self.assertEqual(openrtb_schema.check_against(answer, request), [], (request, answer))
            bids += len(won_by(answer))
        self.assertGreater(bids, COUNT / 2)

    def test_every_sender_gets_bids_and_no_bids(self):
        for number, sender in enumerate(openrtb_corpus.SENDERS):
            answers = [won_by(answer) for answer in self.answers[number::len(openrtb_corpus.SENDERS)]]
            self.assertTrue(any(answers) and not all(answers), sender.__name__)

    def test_what_is_written_oddly_is_understood_the_same(self):
        chooser = random.Random(26)
        odd = [openrtb_corpus.oddly(chooser, request) for request in self.requests]
        self.assertGreater(sum(one != other for one, other in zip(odd, self.requests)), COUNT * 0.9)
        for request, written, wanted, answer in zip(self.requests, odd, self.answers, answers_to(odd)):
            self.assertNotIn("error", answer or {}, written)
            self.assertEqual(won_by(answer), won_by(wanted), written)
            if answer:
                self.assertEqual(openrtb_schema.check_response(answer), [], written)

    def test_what_is_cut_off_or_of_any_type_is_never_refused(self):
        chooser = random.Random(7)
        values = [None, True, False, 0, -1, 1.5, "", "x", "\ud800", [], [None], [[]], [{}], {}, {"a": 1}, "1,2"]

        def spoil(value):
            if isinstance(value, dict):
                return {name: chooser.choice(values) if chooser.random() < 0.1 and name not in ("id", "imp") else spoil(item) for name, item in value.items()}
            return [spoil(item) for item in value] if isinstance(value, list) else value

        for answer in answers_to([spoil(request) for request in self.requests]):
            self.assertNotIn("error", answer or {})
            self.assertEqual(openrtb_schema.check_response(answer) if answer else [], [])


class SchemaTest(unittest.TestCase):
    """The checker finds what is wrong."""

    def test_problems_are_found(self):
        fine = {"id": "r", "cur": "USD", "seatbid": [{"seat": "s", "bid": [{"id": "1", "impid": "1", "price": 1, "adm": "x", "mtype": 1, "cat": ["IAB1-2"]}]}]}
        request = {"id": "r", "imp": [{"id": "1", "banner": {}}]}
        self.assertEqual(openrtb_schema.check_response(fine) + openrtb_schema.check_against(fine, request), [])
        bid = fine["seatbid"][0]["bid"][0]
        for more in ({"price": "1"}, {"attr": ["1"]}, {"cat": "IAB1"}, {"w": True}, {"unknown": 1}, {"ext": []}):
            self.assertTrue(openrtb_schema.check_response({**fine, "seatbid": [{"bid": [{**bid, **more}]}]}), more)
        for more in ({"id": "s"}, {"imp": [{"id": "2", "banner": {}}]}, {"bcat": ["iab1"]}, {"cur": ["EUR"]}, {"wseat": ["t"]}, {"bseat": ["s"]},
                     {"imp": [{"id": "1", "banner": {}, "bidfloor": 2}]}, {"imp": [{"id": "1", "video": {}}]}):
            self.assertTrue(openrtb_schema.check_against(fine, {**request, **more}), more)


if __name__ == "__main__":
    unittest.main()
