#!/usr/bin/env python3
"""The comparison must see what it is there to see: the model against itself agrees, and against copies of itself with one
rule broken it differs, and shrinks to what the rule needs."""

import sys
import tempfile
import unittest
from pathlib import Path

import run_model

HERE = Path(__file__).resolve().parent

PREAMBLE = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
import hits, inventory, model, model_command, targeting, words
"""
CLOSING = """
sys.exit(model_command.main(sys.argv[1:]))
"""

BROKEN_RULES = {
    "a phrase is shown at its last place": """
first = hits.find_phrase
def find_phrase(wanted, present):
    first_place = first(wanted, present)
    if first_place is None:
        return None
    begin = len(present) - len(wanted)
    while present[begin : begin + len(wanted)] != wanted:
        begin -= 1
    return list(range(begin, begin + len(wanted)))
hits.find_phrase = find_phrase
""",
    "the broad window is one word too wide": """
narrow = hits.find_broad
hits.find_broad = lambda wanted, present, window: narrow(wanted, present, window + 1)
""",
    "the end belongs to the time of an ad": """
load = inventory.load
def later(lines):
    loaded = load(lines)
    for ad in loaded.ads:
        ad.end = None if ad.end is None else ad.end + 1
    return loaded
inventory.load = later
""",
    "the larger rotation comes first": """
hash_of = model.fnv1a
model.fnv1a = lambda data: -hash_of(data)
""",
    "a campaign's labels do not count": """
load = inventory.load
def own_labels(lines):
    loaded = load(lines)
    for ad in loaded.ads:
        ad.labels = ad.records[0].labels
    return loaded
inventory.load = own_labels
""",
    "utf16 counts characters": """
words.utf16_length = lambda data: len(words.decode(data))
""",
}


class Comparison(unittest.TestCase):
    def command(self, folder, broken):
        script = Path(folder, "broken.py")
        script.write_text(PREAMBLE + broken + CLOSING, encoding="utf-8")
        return [sys.executable, str(script)]

    def test_agrees_with_itself(self):
        with tempfile.TemporaryDirectory() as folder:
            for seed in range(1, 6):
                case = run_model.generate(seed, 20)
                self.assertIsNone(run_model.first_difference(self.command(folder, ""), *case))

    def test_sees_every_broken_rule(self):
        for rule, broken in BROKEN_RULES.items():
            with self.subTest(rule), tempfile.TemporaryDirectory() as folder:
                command = self.command(folder, broken)
                cases = (run_model.generate(seed, 100) for seed in range(1, 60))
                self.assertTrue(any(run_model.first_difference(command, *case) for case in cases))

    def test_shrinks_to_what_the_rule_needs(self):
        lines = [{"type": "inventory", "language": "en", "broad_window": 4}]
        lines += [{"id": f"x{n}", "advertiser": f"y{n}", "bid": 1, "keywords": [f"k{n}"]} for n in range(6)]
        lines += [{"id": "a", "advertiser": "b", "bid": 1, "keywords": ["[one]", '"two three"', "k1"]}]
        requests = [{"id": "r", "now": "2026-11-01T00:00:00Z", "query": "k1", "text": "two three k1 two three"}] * 3
        with tempfile.TemporaryDirectory() as folder:
            command = self.command(folder, BROKEN_RULES["a phrase is shown at its last place"])
            (line,), (request,) = run_model.shrink(command, (lines, requests), False)
        self.assertEqual(len(line["keywords"]), 1)
        self.assertEqual(request["text"].split(), [request["text"].split()[0]] * 2)
        self.assertNotIn("query", request)


if __name__ == "__main__":
    unittest.main()
