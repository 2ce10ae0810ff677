#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the words of the pages in pages/ against what a browser shows of them, and their spans against their sources.

pages/NAME.txt is the innerText of pages/NAME.html in Chromium. With --browser Chromium is asked again, and must say the same;
--write keeps what it says. Where the words differ, word rules 2 say so, and DIFFERENCES says where.
"""

import argparse
import difflib
import html
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = Path(__file__).resolve().parent / "pages"

FOLLOWS = "a link or a span that follows another separates, and every element that is not of the running text"
SUPERSCRIPTS = "digits in sup are superscripts, TM is a sign"
STYLE = "styles are not looked at, nor which elements start out closed or hidden"
FALLBACK = "of all elements but script, style, noscript, template, iframe and svg the content counts"
NAMES = "named references are the 252 of HTML 4, and apos"

# Of a page: what the browser shows, what the command reads, and the rule.
DIFFERENCES = {
    "forum-06-poll": [("teacoffee", "tea coffee", FOLLOWS)],
    "forum-09-frames": [
        ("", "your browser shows no video nor audio nor objects nor drawings no embed no frames", FALLBACK),
    ],
    "shop-01-shoes": [
        ("homemenwomen", "home men women", FOLLOWS),
        ("89.00add", "89.00 add", FOLLOWS),
        ("99add", "99 add", FOLLOWS),
    ],
    "shop-02-spec-table": [("northpeaktm", "northpeak", SUPERSCRIPTS), ("two12", "two", SUPERSCRIPTS)],
    "shop-03-menus": [
        ("jacketstrousershats newsalebrands", "jackets trousers hats new sale brands", FOLLOWS),
    ],
    "shop-04-custom": [
        ("kettle29.90", "kettle 29.90", FOLLOWS),
        ("steelworks", "steel works", FOLLOWS),
        ("newrare", "new rare", FOLLOWS),
    ],
    "shop-05-hidden": [
        ("", "kept from view styled away invisible words", STYLE),
        ("", "three days by post", STYLE),
        ("", "sign up for news", STYLE),
    ],
    "shop-06-form": [("", "write b here b now half three listed never", FALLBACK)],
    "shop-07-entities": [("", "percnt", NAMES)],
}


def words_of(admatch, data, *options):
    """(word, its place in bytes) for each word."""
    done = subprocess.run([admatch, "words", *options, "-"], input=data, capture_output=True, check=True)
    for line in done.stdout.decode("utf-8").splitlines():
        word, span, *_ = line.split("\t")
        begin, end = map(int, span.split("-"))
        yield word, (begin, end)


def differences(shown, read):
    """What one list of words has in place of the other's."""
    for kind, a, b, c, d in difflib.SequenceMatcher(None, shown, read, autojunk=False).get_opcodes():
        if kind != "equal":
            yield " ".join(shown[a:b]), " ".join(read[c:d])


def without_markup(source):
    """What a piece of source says; TM and digits in sup apart, which stand in no word."""
    source = re.sub(rb"<!--.*?-->|<(script|style)\b.*?</\1>", b"", source, flags=re.S | re.I)
    return html.unescape(re.sub(rb"<[^>]*>", b"", source).decode("utf-8")).encode("utf-8")


def check_page(admatch, path, shown):
    page = path.read_bytes()
    read = list(words_of(admatch, page, "--html"))
    wanted = [entry[:2] for entry in DIFFERENCES.get(path.stem, [])]
    found = list(differences([word for word, _ in words_of(admatch, shown.encode("utf-8"))], [word for word, _ in read]))
    if found != wanted:
        yield f"differences: {wanted} expected, found {found}"
    spans = dict.fromkeys(span for _, span in read)  # both words of a fraction have one
    said = b"\n".join(without_markup(page[slice(*span)]) for span in spans)
    again = [word for word, _ in words_of(admatch, said)]
    for (word, span), other in zip(read, again):
        if word != other:
            yield f"span {span}: {word!r} expected, found {other!r} in {page[slice(*span)]!r}"
            return
    if len(again) != len(read):
        yield f"spans: {len(read)} words expected, found {len(again)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--admatch", default=str(ROOT / "build/release/admatch"), help="the command")
    parser.add_argument("--browser", action="store_true", help="ask Chromium")
    parser.add_argument("--write", action="store_true", help="ask it, and keep the answers")
    options = parser.parse_args()
    paths = sorted(PAGES.glob("*.html"))
    texts = {}
    if options.browser or options.write:
        import browser

        texts = browser.inner_texts(PAGES)
    failed = 0
    for path in paths:
        kept = path.with_suffix(".txt")
        if options.write:
            kept.write_text(texts[path.name], encoding="utf-8")
        shown = kept.read_text(encoding="utf-8")
        problems = list(check_page(options.admatch, path, shown))
        if options.browser and texts[path.name] != shown:
            problems.append(f"the browser shows something else than {kept.name}")
        failed += bool(problems)
        for problem in problems:
            print(f"{path.name}: {problem}")
    listed = sum(map(len, DIFFERENCES.values()))
    print(f"{len(paths) - failed} pages passed, {failed} failed; {listed} differences that the rules name")
    return 1 if failed or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
