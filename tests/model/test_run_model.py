#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The comparison must see what it is there to see: the model agrees with itself, and differs from itself with one rule
broken; a difference shrinks to what the rule needs."""

import unittest
from unittest import mock

import hits
import inventory
import model
import run_model
import words


def answer_all(lines, requests):
    """What the command would answer if it were the model."""
    loaded = inventory.load(lines)
    return [{"generation": "g", **model.decide(loaded, request)} for request in requests]


def broken(module, name, replacement):
    """The command, if it were the model with one function replaced."""

    def answer_all_broken(lines, requests):
        with mock.patch.object(module, name, replacement):
            return answer_all(lines, requests)

    return answer_all_broken


def last_phrase(wanted, present):
    for begin in range(len(present) - len(wanted), -1, -1):
        if present[begin : begin + len(wanted)] == wanted:
            return list(range(begin, begin + len(wanted)))
    return None


def joined(found):
    merged = []
    for begin, end in sorted(found):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def load_changed(change):
    def load(lines, original=inventory.load):
        loaded = original(lines)
        for ad in loaded.ads:
            change(ad)
        return loaded

    return load


def end_later(ad):
    ad.end = None if ad.end is None else ad.end + 1


def without_campaign_labels(ad):
    ad.labels = ad.labels - ad.campaign.labels if ad.campaign else ad.labels


BROKEN_RULES = {
    "a phrase is shown at its last place": broken(hits, "find_phrase", last_phrase),
    "the broad window is one word too wide": broken(
        hits,
        "find_broad",
        lambda wanted, present, window, find=hits.find_broad: find(wanted, present, window + 1),
    ),
    "spans may overlap": broken(hits, "disjoint", sorted),
    "spans that touch are one": broken(hits, "disjoint", joined),
    "an ad is not over at its end": broken(inventory, "load", load_changed(end_later)),
    "a campaign's labels do not count": broken(inventory, "load", load_changed(without_campaign_labels)),
    "the larger rotation comes first": broken(
        model, "fnv1a", lambda data, fnv1a=model.fnv1a: -fnv1a(data)
    ),
    "UTF-16 spans count characters": broken(
        words, "utf16_length", lambda data: len(words.decode(data))
    ),
    "a label is the largest in bytes": broken(
        model, "smallest", lambda texts: max(texts, key=lambda text: text.encode("utf-8"))
    ),
    "money has needless zeros": broken(
        model, "money", lambda micros: model.Decimal(micros) / 1000000 * model.Decimal("1.0")
    ),
}


class Comparison(unittest.TestCase):
    def test_agrees_with_the_model_itself(self):
        for seed in range(1, 6):
            self.assertEqual(run_model.differences(answer_all, *run_model.generate(seed, 20)), [])

    def test_sees_every_broken_rule(self):
        for rule, answer_broken in BROKEN_RULES.items():
            with self.subTest(rule):
                cases = (run_model.generate(seed, 100) for seed in range(1, 60))
                self.assertTrue(any(run_model.differences(answer_broken, *case) for case in cases))

    def test_sees_an_answer_of_another_generation(self):
        def answer_twice(lines, requests):
            answers = answer_all(lines, requests)
            answers[-1]["generation"] = "h"
            return answers

        found = run_model.differences(answer_twice, *run_model.generate(1, 3))
        self.assertEqual([difference.place for difference in found], [2])

    def test_counts_every_request_when_the_command_fails(self):
        def fail(lines, requests):
            raise run_model.NoAnswers("0 answers, exit status 1: inventory.jsonl:3: no")

        found = run_model.differences(fail, *run_model.generate(1, 3))
        self.assertEqual(len(found), 3)

    def test_shrinks_to_what_the_rule_needs(self):
        lines = [{"type": "inventory", "language": "en", "broad_window": 4}]
        for number in range(6):
            line = {"id": f"x{number}", "advertiser": f"y{number}", "bid": 1, "keywords": ["k"]}
            lines.append(line)
        keywords = ["[one]", '"two three"', "k"]
        lines.append({"id": "a", "advertiser": "b", "bid": 2, "keywords": keywords})
        now = "2026-11-01T00:00:00Z"
        request = {"id": "r", "now": now, "title": "k", "text": "two three or two three"}
        answer_broken = BROKEN_RULES["a phrase is shown at its last place"]
        lines, requests = run_model.shrink(answer_broken, (lines, [request] * 3), "answer")
        self.assertEqual(len(lines), 1)
        self.assertEqual(len(lines[0]["keywords"]), 1)
        self.assertEqual(len(requests), 1)
        self.assertEqual(set(requests[0]), {"now", "text"})
        first, last = requests[0]["text"].split(" ")
        self.assertEqual(first, last)


if __name__ == "__main__":
    unittest.main()
