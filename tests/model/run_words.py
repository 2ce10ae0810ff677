#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds `admatch words` against the model's splitter: every assigned character in a few surroundings, and random
strings of the characters that the rules speak of, ill-formed UTF-8 among them, by the rules of several languages."""

import argparse
import random
import subprocess
import sys
import unicodedata
from pathlib import Path

import markup
import words

ROOT = Path(__file__).resolve().parents[2]

SURROUNDINGS = ["{}", "a{}b", "1{}1", "a'{}", "c+{}", "3.{}", "\u3042{}a", "a{}\u0301", "{}'s", "{}\u0338&a", "x{}\u00b2"]
OF_LANGUAGES = ["l{}a", "l'{}", "{}'a", "kur'{}n'da", "ab'a{}", "2'{}", "I{}"]

# The first two get every character in the first surroundings, the others in the second.
RULES = [
    words.Rules(),
    words.Rules(fold_accents=False),
    words.Rules("tr"),
    words.Rules("az", False),
    words.Rules("fr"),
    words.Rules("it", False),
    words.Rules("ca"),
    words.Rules("no"),
]

# Long runs of characters that are all alike are sampled: Han, Hangul, private use and so on.
ALIKE = [(0x3400, 0xA48C), (0xAC00, 0xD7A3), (0xE000, 0xF8FF), (0x13000, 0x18CFF), (0x20000, 0x10FFFF)]
SAMPLE = 61

ALPHABET = (
    list("aZs09'.&+#- \t\"*[]")
    + list("\u2019\uff07\uff0e\uff06\uff0b\uff03\u00ad\u200b\u200d\ufeff\ufe0f\u0301\u0308\u0323\u0338\u20e3\u0345")
    + list("\u00e9\u00df\ufb01\u0130\u0131\u017f\u212a\u00bd\u2167\u2460\u0663\u00b4\u2026\u2100\u338f\u3231")
    + list("\u3042\u30ab\u3099\u309a\uff76\uff9e\u30fc\uff70\u4e2d\u3005\u3006\u3007\U00020000\u31f0")
    + list("\u0e01\u0e33\u0e49\u0e31\u0e51\u0e81\u0eb3\u0ec8\u1780\u17d2\u17b6\u1019\u103c\u103a\ua9e0\uaa60")
    + list("\u0939\u093f\u094d\u1112\u1161\u11ab\ud55c\u05d0\u05b8\u0627\u064b\u1d2c\U0001d400\U0001f600\ufffd")
    + list("\u09c7\u09be\u1ffc\u03c9\u03a3\u03c2\u0149\u01c5\u1e9e\uff21\uff11\U0001f1e6\u02bc\u0387")
    + list("`\u2018\u02bb\u2122\u2120\u00ae\u00b2\u00b3\u00b9\u2075\u2044\u215f\u2155\u0640\u0650\u0670\u0654\u0671\u0649")
    + list("\u0439\u0451\u0433\u0450\u045d\u0453\u05bc\u05be\u0142\u00f8\u00e6\u0153\u0111\u0967\u06f3IinNdlqu")
)
PARTS = ["l'", "d\u2019", "qu'", "Kur'an", "'da", "n\u0302", "I\u0307", "jusqu", "dell'", "\u00b9\u00b2", "'s"]
BAD_BYTES = [b"\xff", b"\x80", b"\xc3", b"\xe2\x82", b"\xe0\x80", b"\xed\xa0\x80", b"\xf0\x9f\x98"]
BAD_BYTES += [b"\xf4\x90\x80\x80", b"\xc0\xaf"]


def every_character(surroundings):
    """A line for each assigned character in each of the surroundings."""
    for code in range(sys.maxunicode + 1):
        alike = any(first <= code <= last for first, last in ALIKE)
        character = chr(code)
        if character == "\n" or unicodedata.category(character) in ("Cn", "Cs") or (alike and code % SAMPLE):
            continue
        for surrounding in surroundings:
            yield surrounding.format(character).encode("utf-8")


def random_lines(seed, count):
    chooser = random.Random(seed)
    pieces = [character.encode("utf-8") for character in ALPHABET + PARTS] + BAD_BYTES
    for _ in range(count):
        few = chooser.choices(pieces, k=chooser.randint(2, 8))
        yield b"".join(chooser.choices(few, k=chooser.randint(1, 24)))


def expected_words(lines, rules):
    """(line, word, bytes, UTF-16 units, original) of every word, as the command writes them."""
    begin = utf16_begin = 0
    for line in lines:
        for word in words.split.__wrapped__(line, rules):
            first, last = words.utf16_span(line, word.begin, word.end)
            original = line[word.begin : word.end]
            spans = f"{begin + word.begin}-{begin + word.end}\t{utf16_begin + first}-{utf16_begin + last}"
            yield line, word.text, spans, original
        begin += len(line) + 1
        utf16_begin += words.utf16_length(line) + 1


def compare(admatch, lines, rules):
    """How many words there are, and the first line that splits differently, with both readings."""
    options = ["words", "-"] + ([] if rules.fold_accents else ["--keep-accents"])
    options += ["--language", rules.language] if rules.language else []
    done = subprocess.run([admatch] + options, input=b"\n".join(lines), capture_output=True, check=True)
    found = [b"\t".join(line.split(b"\t")[:4]) for line in done.stdout.split(b"\n")[:-1]]
    count = 0
    for line, text, spans, original in expected_words(lines, rules):
        wanted = f"{text}\t{spans}\t".encode("utf-8") + original
        if count >= len(found) or found[count] != wanted:
            return count, (line, wanted, found[count] if count < len(found) else b"")
        count += 1
    return count, (b"", b"", found[count]) if len(found) > count else None


# ---- pages ------------------------------------------------------------------------------------

NAMES = (
    "a b sup span p div br svg template script style noscript iframe title textarea xmp noembed i em table td li img wbr"
    " plaintext custom-tag h1 A Sup SCRIPT sPan q"
).split()
TEXTS = (
    "run", "ning", "shoes", " ", " ", "1", "2", "12", "3", "TM", " sm ", "m", "x", "\u00e9", "\u00b2", "&amp;", "&nbsp;", "&amp",
    "&ampx", "&copy", "&notit;", "&notin;", "&sup2;", "&sup2", "&#39;", "&#x2019;", "&#146", "&#0;", "&#xD800;", "&#x110000;",
    "&frac12;", "&bogus;", "&", "&#", "&#x", "&#;", "&apos;", "&apos", "&Eacute;", "&EACUTE;", "<", "< b", "<3", ">", "'", "\"",
    "<!--", "-->", "--!>", "--", "<!-->", "<!--->", "<!DOCTYPE html>", "<?php ?>", "</>", "</ b>", "<![CDATA[", "]]>", "<!x>",
    "</", "<a href='", "<a title=\"", "<br/", "\u65e5", "'s", "AT&T", "AT&amp;T", "l&rsquo;", "\n", "\t",
)  # fmt: skip
ATTRIBUTES = ["", "", "", " class=x", " a='<b>' ", ' b = "</a>"', " c=a/", "/", " / ", " =d", " e='\"", "\n"]


def random_page(chooser):
    parts = []
    for _ in range(chooser.randint(1, 25)):
        if chooser.random() < 0.5:
            parts.append(chooser.choice(TEXTS))
            continue
        name = chooser.choice(NAMES if chooser.random() < 0.6 else ["a", "b", "sup", "span", "svg", "template", "p"])
        kind = chooser.random()
        attributes = chooser.choice(ATTRIBUTES)
        if kind < 0.45:
            parts.append(f"<{name}{attributes}>")
        elif kind < 0.9:
            parts.append(f"</{name}{attributes if kind < 0.5 else ''}>")
        else:
            parts.append(f"<{name}>{chooser.choice(TEXTS)}</{name}>")
    return "".join(parts).encode("utf-8")


def expected_of_page(page, rules):
    """What the command writes of a page."""
    for word in words.split_sources(markup.Page(page).text, rules):
        begin, end = words.utf16_span(page, word.begin, word.end)
        original = page[word.begin : word.end]
        yield f"{word.text}\t{word.begin}-{word.end}\t{begin}-{end}\t".encode("utf-8") + original


def compare_pages(admatch, seed, count):
    """How many words there are in random pages, and how many pages differ."""
    chooser = random.Random(seed)
    passed = failed = 0
    for _ in range(count):
        page = random_page(chooser)
        wanted = list(expected_of_page(page, words.Rules()))
        command = [admatch, "words", "--html", "-"]
        done = subprocess.run(command, input=page, capture_output=True, check=True)
        if done.stdout == b"".join(line + b"\n" for line in wanted):
            passed += len(wanted)
            continue
        failed += 1
        if failed <= 3:
            print(f"seed {seed}: page    {page}\n  model   {wanted}\n  command {done.stdout}")
    return passed, failed


# ---- the run ----------------------------------------------------------------------------------


def in_batches(lines, size=20000):
    batch = []
    for line in lines:
        batch.append(line)
        if len(batch) == size:
            yield batch
            batch = []
    yield batch


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--admatch", default=str(ROOT / "build/release/admatch"), help="the command")
    parser.add_argument("--random", type=int, default=20000, help="random lines")
    parser.add_argument("--pages", type=int, default=2000, help="random pages")
    parser.add_argument("--seed", type=int, default=1, help="of the random lines")
    options = parser.parse_args()
    passed = failed = 0
    for place, rules in enumerate(RULES):
        surroundings = SURROUNDINGS if place < 2 else OF_LANGUAGES
        for source in (every_character(surroundings), random_lines(options.seed, options.random)):
            for lines in in_batches(source):
                count, difference = compare(options.admatch, lines, rules)
                passed += count
                if difference:
                    failed += 1
                    print(f"{rules}, seed {options.seed}:")
                    for name, text in zip(["line   ", "model  ", "command"], difference):
                        print(f"  {name} {ascii(text.decode('utf-8', 'backslashreplace'))}")
    of_pages = compare_pages(options.admatch, options.seed, options.pages)
    passed, failed = passed + of_pages[0], failed + of_pages[1]
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
