#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Misspells real words in every way that is one slip, and sees what the command takes them for.

The rule's own answer comes from the model, which looks at every word of the inventory. Of the slips in words of eight letters and
more, at least 95 % must become the word again; the others are ties, where another word is as near.
"""

import argparse
import collections
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/model"))

import words  # noqa: E402
from lists import words_of  # noqa: E402

LANGUAGES = ["en", "de", "fr", "es", "ru"]
KEYWORDS = 10000
SLIPS = 20000
LEAST_SHARE = 0.95


def slips_of(word, letters, chooser):
    """A slip of each kind, the first letter right."""
    at = chooser.randint(1, len(word) - 1)
    letter = chooser.choice(letters)
    yield "missing", word[:at] + word[at + 1 :]
    yield "too many", word[: at + 1] + letter + word[at + 1 :]
    yield "wrong", word[:at] + letter + word[at + 1 :]
    if at + 1 < len(word):
        yield "swapped", word[:at] + word[at + 1] + word[at] + word[at + 2 :]


class Nearest:
    """What a word was meant to be, by the rule: of the inventory's words by their first letters and lengths."""

    def __init__(self, listed, rules):
        self.shelves = collections.defaultdict(dict)
        for word in listed:
            folded = words.fold(word, rules)
            shelf = self.shelves[folded[0], len(folded)]
            shelf[folded] = min(word, shelf.get(folded, word), key=lambda text: text.encode("utf-8"))

    def __call__(self, slip):
        near = [
            written
            for length in (len(slip) - 1, len(slip), len(slip) + 1)
            for folded, written in self.shelves.get((slip[0], length), {}).items()
            if words.is_one_slip(slip, folded)
        ]
        return min(near, key=lambda text: text.encode("utf-8"), default=None)


def ask(admatch, language, keywords, queries):
    """What each query was taken for, None where it stayed."""
    with tempfile.TemporaryDirectory(prefix="admatch-spelling-") as folder:
        inventory, requests = Path(folder, "inventory.jsonl"), Path(folder, "requests.jsonl")
        lines = [{"type": "inventory", "language": language, "spelling": True}]
        lines += [{"id": f"a{n}", "advertiser": "x", "bid": 1, "keywords": [word]} for n, word in enumerate(keywords)]
        inventory.write_text("".join(json.dumps(line) + "\n" for line in lines))
        requests.write_text("".join(json.dumps({"query": query}) + "\n" for query in queries))
        done = subprocess.run([admatch, "match", inventory, "--batch", requests], capture_output=True, check=True)
    for line in done.stdout.splitlines():
        yield next((each["to"] for each in json.loads(line).get("corrected", [])), None)


def measure(admatch, language, seed):
    chooser = random.Random(seed)
    rules = words.Rules(language, True)
    listed = sorted({word.casefold() for word in words_of(language) if word.islower() and len(word) >= 3})
    keywords = chooser.sample(listed, KEYWORDS)
    letters = sorted({letter for word in keywords for letter in words.fold(word, rules)})
    keys_known = [words.keys_of(word, rules, language) for word in keywords]
    firsts, seconds = {keys.first for keys in keys_known}, {keys.second for keys in keys_known}
    long_ones = [word for word in keywords if 8 <= len(words.fold(word, rules)) <= 19]
    slips = []
    while len(slips) < SLIPS:
        word = chooser.choice(long_ones)
        for kind, slip in slips_of(words.fold(word, rules), letters, chooser):
            keys = words.keys_of(slip, rules, language)
            counts = keys.first in firsts or keys.second in seconds
            slips.append((word, kind, slip, counts))
    nearest = Nearest(keywords, rules)
    counted = collections.Counter()
    problems = []
    for (word, kind, slip, counts), found in zip(slips, ask(admatch, language, keywords, [slip for _, _, slip, _ in slips])):
        wanted = None if counts else nearest(slip)
        counted["known" if counts else "right" if found == word else "tie" if found else "lost"] += 1
        if found != wanted:
            problems.append(f"{kind}: {slip}: {wanted} expected, found {found}")
    return counted, problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--admatch", default=str(ROOT / "build/release/admatch"), help="the command")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("languages", nargs="*", help=" ".join(LANGUAGES))
    options = parser.parse_args()
    failed = 0
    for language in options.languages or LANGUAGES:
        counted, problems = measure(options.admatch, language, options.seed)
        slips = sum(counted.values()) - counted["known"]
        share = counted["right"] / slips
        good = not problems and not counted["lost"] and share >= LEAST_SHARE
        failed += not good
        print(f"{language}: of {slips} slips {100 * share:.2f} % became the word again, {counted['tie']} another as near,"
              f" {counted['lost']} none; {counted['known']} more made a word that keywords have"
              f"{'' if good else ': FAILED'}", flush=True)
        for problem in problems[:5]:
            print(f"    {problem}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
