# SPDX-License-Identifier: Apache-2.0
"""Fields and hits, as docs/DECISION.md sections 2 and 3 rule."""

import functools
import re
from typing import NamedTuple

import words


class Field(NamedTuple):
    name: str  # as an answer names it
    index: int  # of an item of `keywords`
    original: bytes
    words: tuple  # normalised words
    stems: tuple  # of each word
    spans: tuple  # (begin, end) of each word, in bytes of the original


class Hit(NamedTuple):
    field: Field
    positions: list  # of the words, ascending


# ---- fields -----------------------------------------------------------------------------------


def percent_decode(data, begin, end, plus_is_space):
    """The bytes between begin and end, decoded; with each, where it stood."""
    decoded = []
    at = begin
    while at < end:
        if re.fullmatch(rb"%[0-9A-Fa-f]{2}", data[at : min(at + 3, end)]):
            decoded.append((int(data[at + 1 : at + 3], 16), at, at + 3))
            at += 3
        else:
            byte = 0x20 if plus_is_space and data[at] == 0x2B else data[at]
            decoded.append((byte, at, at + 1))
            at += 1
    return decoded


def decode_url(url):
    """Path and query string of a URL, decoded; with each byte, where it stood in the URL."""
    absolute = re.match(rb"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*", url)
    begin = absolute.end() if absolute else 0
    end = url.find(b"#", begin)
    end = len(url) if end < 0 else end
    path_end = url.find(b"?", begin, end)
    path_end = end if path_end < 0 else path_end
    return percent_decode(url, begin, path_end, False) + percent_decode(url, path_end, end, True)


def make_field(name, index, original, found, language):
    texts = tuple(word.text for word in found)
    stems = tuple(words.stem(language, text) for text in texts)
    return Field(name, index, original, texts, stems, tuple((w.begin, w.end) for w in found))


@functools.lru_cache(maxsize=20000)
def text_field(name, index, text, fold_accents, language):
    data = text.encode("utf-8")
    return make_field(name, index, data, words.split(data, fold_accents), language)


@functools.lru_cache(maxsize=20000)
def url_field(url, fold_accents, language):
    original = url.encode("utf-8")
    decoded = decode_url(original)
    found = []
    for word in words.split(bytes(byte for byte, _, _ in decoded), fold_accents):
        begin, end = decoded[word.begin][1], decoded[word.end - 1][2]
        found.append(words.Word(word.text, begin, end))
    return make_field("url", 0, original, found, language)


def fields_of(request, fold_accents, language):
    """The fields of a request, in the order in which they are searched."""
    fields = []
    if "query" in request:
        fields.append(text_field("query", 0, request["query"], fold_accents, language))
    for index, text in enumerate(request.get("keywords", [])):
        fields.append(text_field("keywords", index, text, fold_accents, language))
    for name in ("title", "text"):
        if name in request:
            fields.append(text_field(name, 0, request[name], fold_accents, language))
    if "url" in request:
        fields.append(url_field(request["url"], fold_accents, language))
    return fields


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
    if not wanted.issubset(present):
        return None
    for end in range(len(present)):
        begin = max(0, end - window + 1)
        last = {}
        for position in range(begin, end + 1):
            if present[position] in wanted:
                last[present[position]] = position
        if len(last) == len(wanted):
            return sorted(last.values())
    return None


def find_in(keyword, field, window):
    """The positions of the keyword's words in one field, or None."""
    if keyword.match == "exact":
        whole = field.name in ("query", "keywords")
        return find_exact(keyword.words, field.words) if whole else None
    if keyword.match == "phrase":
        return find_phrase(keyword.words, field.words)
    return find_broad(keyword.words, field.stems, window)


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
