# SPDX-License-Identifier: Apache-2.0
"""Fields and hits, as docs/DECISION.md sections 2 and 3 rule."""

import functools
import re
from typing import NamedTuple

import markup
import words


class Field(NamedTuple):
    name: str  # as an answer names it
    index: int  # of an item of `keywords`
    original: bytes
    words: tuple  # normalised words
    keys: tuple  # of each word, None for one that matches nothing
    spans: tuple  # (begin, end) of each word, in bytes of the original
    folded: bool  # keywords are compared without their accents, whatever the inventory says


class Hit(NamedTuple):
    field: Field
    positions: list  # of the words, ascending


# ---- fields -----------------------------------------------------------------------------------


def percent_decode(data, begin, end, separators):
    """The bytes between begin and end, decoded; with each, where it stood. `separators` are spaces where they are
    written as they are."""
    decoded = []
    at = begin
    while at < end:
        if re.fullmatch(rb"%[0-9A-Fa-f]{2}", data[at : min(at + 3, end)]):
            decoded.append((int(data[at + 1 : at + 3], 16), at, at + 3))
            at += 3
        else:
            byte = 0x20 if data[at] in separators else data[at]
            decoded.append((byte, at, at + 1))
            at += 1
    return decoded


def first_equals_signs(data, begin, end):
    """Where the first = of each parameter of a query string stands."""
    for parameter in re.finditer(rb"[^&;]+", data[begin:end]):
        place = data.find(b"=", begin + parameter.start(), begin + parameter.end())
        if place >= 0:
            yield place


def decode_url(url):
    """Path and query string of a URL, decoded; with each byte, where it stood in the URL."""
    absolute = re.match(rb"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*", url)
    begin = absolute.end() if absolute else 0
    end = url.find(b"#", begin)
    end = len(url) if end < 0 else end
    path_end = url.find(b"?", begin, end)
    path_end = end if path_end < 0 else path_end
    decoded = percent_decode(url, begin, path_end, b"&;") + percent_decode(url, path_end, end, b"&;+")
    separators = set(first_equals_signs(url, path_end, end))
    return [(0x20 if at in separators else byte, at, after) for byte, at, after in decoded]


def make_field(name, index, original, found, rules, stemmed, folded=False):
    texts = tuple(word.text for word in found)
    keys = tuple(words.keys_of(word.written, rules, stemmed) if word.text else None for word in found)
    return Field(name, index, original, texts, keys, tuple((w.begin, w.end) for w in found), folded)


@functools.lru_cache(maxsize=20000)
def text_field(name, index, text, rules, stemmed):
    data = text.encode("utf-8")
    folded = rules.language == "vi" and not rules.fold_accents and name in ("query", "keywords") and text.isascii()
    if folded:
        rules = rules._replace(fold_accents=True)
    return make_field(name, index, data, words.split(data, rules), rules, stemmed, folded)


@functools.lru_cache(maxsize=20000)
def marked_field(name, text, rules, stemmed):
    """The title or the text, with character references."""
    data = text.encode("utf-8")
    sources = markup.with_references(words.decode(data), False)
    return make_field(name, 0, data, words.split_sources(sources, rules), rules, stemmed)


@functools.lru_cache(maxsize=20000)
def page_fields(html, rules, stemmed):
    """The title of a page, or None, and its text."""
    data = html.encode("utf-8")
    page = markup.Page(data)
    title, text = (
        sources if sources is None else make_field(name, 0, data, words.split_sources(sources, rules), rules, stemmed)
        for name, sources in (("title", page.title), ("text", page.text))
    )
    return title, text


@functools.lru_cache(maxsize=20000)
def url_field(url, rules, stemmed):
    original = url.encode("utf-8")
    decoded = decode_url(original)
    found = []
    for word in words.split(bytes(byte for byte, _, _ in decoded), rules):
        begin, end = decoded[word.begin][1], decoded[word.end - 1][2]
        found.append(word._replace(begin=begin, end=end))
    return make_field("url", 0, original, found, rules, stemmed)


def fields_of(request, rules, stemmed):
    """The fields of a request, in the order in which they are searched."""
    fields = []
    if "query" in request:
        fields.append(text_field("query", 0, request["query"], rules, stemmed))
    for index, text in enumerate(request.get("keywords", [])):
        fields.append(text_field("keywords", index, text, rules, stemmed))
    title, text = page_fields(request["html"], rules, stemmed) if "html" in request else (None, None)
    if "title" in request:
        title = marked_field("title", request["title"], rules, stemmed)
    if "text" in request:
        text = marked_field("text", request["text"], rules, stemmed)
    fields += [field for field in (title, text) if field]
    if "url" in request:
        fields.append(url_field(request["url"], rules, stemmed))
    return fields


MOST_CORRECTED = 4
MOST_TRIED = 32


def correct(field, loaded):
    """The query with its misspelt words as what they were meant to be, and what has become what."""
    settings = loaded.settings
    keys, done, tried = list(field.keys), [], 0
    for position, word in enumerate(field.words):
        if len(done) == MOST_CORRECTED or tried == MOST_TRIED:
            break
        if word == "" or word in loaded.run_words or any(words.counts_as(keys[position], k) for k in loaded.broad_words):
            continue
        if words.script_of(word) is None or not 5 <= len(word) <= 20:
            continue
        tried += 1
        meant = words.corrected(word, loaded.spellings)
        if meant:
            keys[position] = words.keys_of(meant, settings.rules, settings.stemmed)
            done.append({"from": word, "to": meant})
    return field._replace(keys=tuple(keys)), done


# ---- hits -------------------------------------------------------------------------------------


def find_exact(wanted, present):
    return list(range(len(wanted))) if wanted == present else None


def find_phrase(wanted, present):
    if wanted[0] not in present:
        return None
    for begin in range(len(present) - len(wanted) + 1):
        if present[begin : begin + len(wanted)] == wanted:
            return list(range(begin, begin + len(wanted)))
    return None


def find_broad(wanted, present, window):
    """Both are keys of words."""
    if not all(any(words.counts_as(word, key) for word in present) for key in wanted):
        return None
    for end in range(len(present)):
        begin = max(0, end - window + 1)
        last = [max((p for p in range(begin, end + 1) if words.counts_as(present[p], key)), default=None) for key in wanted]
        if None not in last:
            return sorted(set(last))
    return None


def find_in(keyword, field, window):
    """The positions of the keyword's words in one field, or None."""
    if field.folded:
        keyword = keyword.folded
    if keyword.match == "exact":
        whole = field.name in ("query", "keywords")
        return find_exact(keyword.words, field.words) if whole else None
    if keyword.match == "phrase":
        return find_phrase(keyword.words, field.words)
    return find_broad(keyword.words, field.keys, window)


def find(keyword, fields, window):
    """The first place where a keyword hits, or None."""
    for field in fields:
        positions = find_in(keyword, field, window)
        if positions is not None:
            return Hit(field, positions)
    return None


def disjoint(found):
    """Spans in the order of the text; those that overlap are one, those that only touch are not."""
    merged = []
    for begin, end in sorted(found):
        if merged and begin < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def spans(hit):
    """The spans of a hit's words in the original text, as an answer shows them."""
    original = hit.field.original
    found = disjoint(hit.field.spans[position] for position in hit.positions)
    return [{"bytes": [*span], "utf16": words.utf16_span(original, *span)} for span in found]
