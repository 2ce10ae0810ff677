#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the keys of broad keywords' words against Snowball, over lists of real words.

Two words that Snowball gives one stem must count as each other, but for the letters that word rules 2 treat apart: й, which
is no и with an accent, and the Turkish I.

Of the pairs that count as each other, it counts those that neither Snowball nor the folding of accents unites alone, and
splits them: by one stem of the words without accents, as rules 1 had them, and by one first key only, which rules 2 add.
docs/DESIGN.md says why the limit is on what rules 2 add.
"""

import argparse
import collections
import itertools
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/model"))

import words  # noqa: E402
from lists import LANGUAGES, words_of  # noqa: E402

LIMIT = 0.01  # of united pairs, those that neither Snowball nor folding unites, nor rules 1 did
LEAST_WORDS = 20000
SHOWN = 5  # pairs of a kind
CAPITAL_I = str.maketrans("Iİ", "ıi")  # Turkish


def keys_of(admatch, language, listed):
    """What the command gives for each listed word that it takes for one word: (first key, second key)."""
    text = "\n".join(listed).encode("utf-8")
    done = subprocess.run([admatch, "words", "--language", language, "-"], input=text, capture_output=True, check=True)
    starts, at = {}, 0
    for word in listed:
        starts[at] = word
        at += len(word.encode("utf-8")) + 1
    keys = {}
    for line in done.stdout.decode("utf-8").splitlines():
        _, span, _, original, first, second = line.split("\t")
        word = starts.get(int(span.split("-")[0]))
        if word == original:
            keys[word] = first, second
    return keys


def pairs(groups):
    for group in groups.values():
        yield from itertools.combinations(group, 2)


def grouped(listed, key):
    groups = collections.defaultdict(list)
    for word in listed:
        groups[key(word)].append(word)
    return groups


def is_excepted(language, pair):
    return (language == "ru" and any("й" in word or "Й" in word for word in pair)) or (
        language == "tr" and any(letter in word for word in pair for letter in "Iİ")
    )


class Language:
    """The words of a language, with their keys by the command and their stems by Snowball."""

    def __init__(self, admatch, name):
        self.name = name
        self.keys = keys_of(admatch, name, words_of(name))
        self.words = list(self.keys)
        rules = words.Rules(name, True)
        lower = {word: word.translate(CAPITAL_I).lower() if name == "tr" else word.lower() for word in self.words}
        self.stems = {word: words.stem(name, lower[word]) for word in self.words}
        self.folded = {word: words.fold(lower[word], rules) for word in self.words}

    def stems_folded(self, word):
        return words.stem(self.name, self.folded[word])

    def separated(self):
        """(pairs that Snowball unites, those of them that are separated, those that a letter separates)."""
        count, separated, excepted = 0, [], 0
        for one, other in pairs(grouped(self.words, self.stems.get)):
            count += 1
            if all(self.keys[one][place] != self.keys[other][place] for place in (0, 1)):
                if is_excepted(self.name, (one, other)):
                    excepted += 1
                else:
                    separated.append((one, other))
        return count, separated, excepted

    def united(self):
        """(pairs that count as each other; those of them that only Snowball and folding one after the other unite: by one
        stem without accents; by one first key only)."""
        count, by_second, by_first = 0, [], []
        for place in (0, 1):
            for one, other in pairs(grouped(self.words, lambda word: self.keys[word][place])):
                if place == 1 and self.keys[one][0] == self.keys[other][0]:
                    continue
                count += 1
                if self.stems[one] != self.stems[other] and self.folded[one] != self.folded[other]:
                    same = self.stems_folded(one) == self.stems_folded(other)
                    (by_second if same else by_first).append((one, other))
        return count, by_second, by_first


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--admatch", default=str(ROOT / "build/release/admatch"), help="the command")
    parser.add_argument("--pairs", action="store_true", help="show some of the pairs")
    parser.add_argument("languages", nargs="*", help=" ".join(LANGUAGES))
    options = parser.parse_args()
    failed = 0
    for language in options.languages or LANGUAGES:
        lists = Language(options.admatch, language)
        by_snowball, separated, excepted = lists.separated()
        united, by_second, by_first = lists.united()
        good = len(lists.words) >= LEAST_WORDS and not separated and len(by_first) <= LIMIT * united
        failed += not good
        shares = [f"{100 * len(found) / united:.2f} %" for found in (by_second + by_first, by_second, by_first)]
        print(f"{language}: {len(lists.words)} words; of {by_snowball} pairs that Snowball unites {len(separated)} are separated,"
              f" {excepted} by a letter; of {united} united pairs {shares[0]} by neither Snowball nor folding alone:"
              f" {shares[1]} by one stem without accents, as in rules 1, {shares[2]} by one first key"
              f"{'' if good else ': FAILED'}", flush=True)
        for name, listed in (("separated", separated), ("stem without accents", by_second), ("first key", by_first)):
            for pair in listed[:: max(1, len(listed) // SHOWN)][: SHOWN if options.pairs or name == "separated" else 0]:
                print(f"    {name}: {' '.join(pair)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
