#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes data to measure admatch with: phrase lists, pages, queries, inventories and requests.

Nothing comes from outside: words are invented from syllables, and drawn by Zipf's law. The same
options and the same seed give the same bytes.

    generate.py phrases -n 1000000 -o phrases.txt.gz
    generate.py pages -n 3000 --phrases phrases.txt.gz -o pages.txt
    generate.py queries -n 20000 --phrases phrases.txt.gz -o queries.txt
    generate.py inventory phrases.txt.gz --match broad -o inventory.jsonl
    generate.py requests pages.txt --field text -o requests.jsonl

`inventory` and `requests` also take lists that were not made here: plain or gzip, one item a line.
"""

import argparse
import gzip
import itertools
import json
import random
import sys

VOCABULARY = 200_000
# Shares of phrases of 1, 2 ... 6 words, in percent.
PHRASE_LENGTHS = (8, 26, 28, 20, 12, 6)
QUERY_LENGTHS = range(2, 11)
PAGE_WORDS = 715
# One page word in this many begins a phrase of the list.
WORDS_BETWEEN_PHRASES = 40
# Running text repeats its common words more than phrases do, which leave most of them out.
TEXT_EXPONENT = 1.0
PHRASE_EXPONENT = 0.6


def open_text(path, mode):
    """A text file, gzip by its first bytes (reading) or its name (writing); "-" is standard."""
    if path == "-":
        return sys.stdin if mode == "r" else sys.stdout
    if mode == "r":
        with open(path, "rb") as probe:
            packed = probe.read(2) == b"\x1f\x8b"
    else:
        packed = path.endswith(".gz")
    if packed:
        return gzip.open(path, mode + "t", encoding="utf-8", newline="\n")
    return open(path, mode, encoding="utf-8", newline="\n")


def read_lines(path):
    with open_text(path, "r") as lines:
        return [line for line in (line.rstrip("\n") for line in lines) if line]


def make_words(count, generator):
    """Distinct pronounceable words; the short ones come first, as common words are short."""
    onsets = "b c d f g h j k l m n p r s t v w z br ch cl dr fl gr pl pr sh sl sp st tr th".split()
    vowels = "a e i o u ai ea ee ie oa ou".split()
    codas = ["", "", "", "n", "r", "s", "t", "l", "m", "nd", "st", "ck"]
    words, seen = [], set()
    syllables = 1
    tries = 0
    while len(words) < count:
        word = "".join(
            generator.choice(onsets) + generator.choice(vowels) for _ in range(syllables)
        ) + generator.choice(codas)
        if word not in seen:
            seen.add(word)
            words.append(word)
        tries += 1
        # Go on to longer words well before the short ones run out.
        if tries >= 3_000 * 8 ** (syllables - 1):
            syllables, tries = syllables + 1, 0
    return words


def cumulative_zipf(count, exponent):
    return list(itertools.accumulate((rank + 2.7) ** -exponent for rank in range(count)))


class Drawer:
    """Draws words by rank, many at a time, because one by one is slow."""

    def __init__(self, words, exponent, generator):
        self.words = words
        self.weights = cumulative_zipf(len(words), exponent)
        self.generator = generator

    def draw(self, count):
        return self.generator.choices(self.words, cum_weights=self.weights, k=count)


def make_phrases(count, words, generator):
    """Distinct phrases in random order, with the shares of PHRASE_LENGTHS."""
    drawer = Drawer(words, PHRASE_EXPONENT, generator)
    phrases = set()
    for length, share in enumerate(PHRASE_LENGTHS, 1):
        wanted = len(phrases) + count * share // 100
        if length == len(PHRASE_LENGTHS):
            wanted = count
        if length == 1:
            phrases.update(generator.sample(words, wanted))
        while len(phrases) < wanted:
            drawn = drawer.draw((wanted - len(phrases)) * length)
            phrases.update(map(" ".join, zip(*[iter(drawn)] * length)))
    ordered = sorted(phrases)
    generator.shuffle(ordered)
    return ordered


def make_pages(count, words, phrases, generator):
    drawer = Drawer(words, TEXT_EXPONENT, generator)
    for _ in range(count):
        size = max(50, round(generator.gauss(PAGE_WORDS, PAGE_WORDS / 5)))
        page = drawer.draw(size)
        for _ in range(size // WORDS_BETWEEN_PHRASES if phrases else 0):
            at = generator.randrange(size)
            phrase = generator.choice(phrases).split(" ")
            page[at : at + len(phrase)] = phrase
        yield punctuate(page, generator)


def punctuate(words, generator):
    """Sentences of 5 to 25 words: capital letters and full stops, now and then a comma."""
    at = 0
    words = list(words)
    while at < len(words):
        end = min(len(words), at + generator.randint(5, 25))
        words[at] = words[at].capitalize()
        if end - at > 8:
            words[at + 4] += ","
        words[end - 1] += "."
        at = end
    return " ".join(words)


def make_queries(count, words, phrases, generator):
    """Half of the queries hold the words of a phrase, in some order, among others."""
    drawer = Drawer(words, TEXT_EXPONENT, generator)
    for index in range(count):
        length = generator.choice(QUERY_LENGTHS)
        query = drawer.draw(length)
        if phrases and index % 2:
            query = (generator.choice(phrases).split(" ") + query)[:length]
            generator.shuffle(query)
        yield " ".join(query)


def keyword_of(phrase, match):
    """The keyword in JSON: in notation, or as an object where the notation would be mistaken."""
    if any(mark in phrase for mark in '"[]*\\') or phrase.startswith("-"):
        return json.dumps({"text": phrase, "match": match}, ensure_ascii=False)
    if match == "phrase":
        return '"\\"' + phrase + '\\""'
    return '"[' + phrase + ']"' if match == "exact" else '"' + phrase + '"'


def make_bids(count, generator):
    """Bids as accounts have them: most are small, and many are equal (steps of 0.05)."""
    choices = [f"{cents / 100:.2f}" for cents in range(5, 2001, 5)]
    weights = [1 / (1 + index) ** 1.2 for index in range(len(choices))]
    return generator.choices(choices, weights=weights, k=count)


def make_inventory(phrases, options, generator):
    language = "" if options.language == "none" else f',"language":"{options.language}"'
    yield f'{{"type":"inventory","currency":"USD"{language}}}'
    usable = [phrase for phrase in phrases if any(letter.isalnum() for letter in phrase)]
    per_ad = options.keywords_per_ad
    groups = range(0, len(usable), per_ad)
    bids = make_bids(len(groups), generator)
    campaign = -1
    for ad, start in enumerate(groups):
        advertiser = ad // options.ads_per_advertiser
        owner = f'"advertiser":"advertiser-{advertiser}"'
        if options.ads_per_campaign:
            if ad // options.ads_per_campaign != campaign:
                campaign = ad // options.ads_per_campaign
                yield f'{{"type":"campaign","id":"c{campaign}",{owner}}}'
            owner = f'"campaign":"c{campaign}"'
        keywords = ",".join(
            keyword_of(phrase, options.match) for phrase in usable[start : start + per_ad]
        )
        yield (
            f'{{"id":"a{ad}",{owner},"bid":{bids[ad]},"keywords":[{keywords}],'
            f'"url":"https://ads.example/a{ad}"}}'
        )


def make_requests(lines, options):
    for index, line in enumerate(lines):
        request = {"id": f"r{index}", options.field: line}
        if options.count > 1:
            request["slots"] = [{"count": options.count}]
        yield json.dumps(request, ensure_ascii=False, separators=(",", ":"))


def write_lines(path, lines):
    output = open_text(path, "w")
    try:
        while chunk := list(itertools.islice(lines, 10_000)):
            output.write("\n".join(chunk) + "\n")
    finally:
        if output is not sys.stdout:
            output.close()


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("expected a number from 1")
    return number


def parse_arguments():
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--seed", type=int, default=1, help="another seed, other data (1)")
    shared.add_argument("-o", "--output", default="-", help="file; .gz packs it; - is stdout")
    invented = argparse.ArgumentParser(add_help=False)
    invented.add_argument("-n", "--number", type=positive, required=True, help="how many lines")
    invented.add_argument("--vocabulary", type=positive, default=VOCABULARY, help="distinct words")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds = parser.add_subparsers(dest="kind", required=True)
    kinds.add_parser("phrases", parents=[shared, invented], help="distinct phrases of 1-6 words")
    for kind, what in (("pages", "pages of about 715 words"), ("queries", "queries of 2-10 words")):
        made = kinds.add_parser(kind, parents=[shared, invented], help=what)
        made.add_argument("--phrases", help="list whose phrases stand in them now and then")
    inventory = kinds.add_parser("inventory", parents=[shared], help="ads of a phrase list")
    inventory.add_argument("list", help="phrases, one a line, plain or gzip")
    inventory.add_argument("--match", choices=("phrase", "broad", "exact"), default="phrase")
    inventory.add_argument("--language", default="en")
    inventory.add_argument("--keywords-per-ad", type=positive, default=1)
    inventory.add_argument("--ads-per-advertiser", type=positive, default=10)
    inventory.add_argument("--ads-per-campaign", type=positive, help="none: ads without campaigns")
    requests = kinds.add_parser("requests", parents=[shared], help="JSON bodies of a list")
    requests.add_argument("list", help="texts, one a line, plain or gzip")
    requests.add_argument("--field", choices=("query", "title", "text"), default="query")
    requests.add_argument("--count", type=positive, default=1, help="ads asked for")
    options = parser.parse_args()
    campaign = getattr(options, "ads_per_campaign", None)
    if campaign and options.ads_per_advertiser % campaign:
        parser.error("--ads-per-advertiser must be a multiple of --ads-per-campaign")
    if options.kind == "phrases" and options.vocabulary < options.number // 10:
        parser.error("the vocabulary is too small for so many phrases")
    return options


def make(options):
    generator = random.Random(options.seed)
    if options.kind == "requests":
        return make_requests(read_lines(options.list), options)
    if options.kind == "inventory":
        return make_inventory(read_lines(options.list), options, generator)
    # Words have a seed of their own, so that lists of other seeds share one vocabulary.
    words = make_words(options.vocabulary, random.Random(0))
    if options.kind == "phrases":
        return iter(make_phrases(options.number, words, generator))
    phrases = read_lines(options.phrases) if options.phrases else []
    maker = make_pages if options.kind == "pages" else make_queries
    return maker(options.number, words, phrases, generator)


if __name__ == "__main__":
    arguments = parse_arguments()
    write_lines(arguments.output, iter(make(arguments)))
