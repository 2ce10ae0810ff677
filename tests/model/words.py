# SPDX-License-Identifier: Apache-2.0
"""Words, as docs/DECISION.md section 1 rules: bytes in, normalised words with their spans out."""

import ctypes
import functools
import re
import unicodedata
from typing import NamedTuple

LONGEST_WORD = 1000  # normalised bytes

# Default_Ignorable_Code_Point, Unicode 15.
DEFAULT_IGNORABLE = [
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x061C, 0x061C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
]

# Where the letters of Han, Hiragana, Katakana, Thai, Lao, Khmer and Myanmar stand.
UNSPACED_SCRIPTS = [
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),  # 々〆〇
    (0x3021, 0x3029),  # 〡 to 〩
    (0x303B, 0x303B),
    (0x3041, 0x30FA),  # Hiragana, Katakana
    (0x30FC, 0x30FF),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xA9E0, 0xA9FF),  # Myanmar Extended-B
    (0xAA60, 0xAA7F),  # Myanmar Extended-A
    (0xF900, 0xFAFF),
    (0x1AFF0, 0x1AFFF),  # Kana
    (0x1B000, 0x1B16F),
    (0x20000, 0x3FFFD),
]
HAN_NUMERALS = "\u3007\u3021\u3022\u3023\u3024\u3025\u3026\u3027\u3028\u3029"  # category Nl, yet like letters of Han


class Source(NamedTuple):
    """A character of the original text and where it stands there."""

    character: str
    begin: int
    end: int


class Piece(NamedTuple):
    """A character after normalisation and the part of the original text that it came from."""

    character: str
    kind: str  # "letter", "own word", "digit", "mark", "other"
    begin: int
    end: int


class Word(NamedTuple):
    text: str  # "" for a word that is too long to match anything
    begin: int
    end: int


def in_ranges(character, ranges):
    return any(first <= ord(character) <= last for first, last in ranges)


def decode(data):
    """The characters of UTF-8; each maximal ill-formed part is one U+FFFD."""
    sources = []
    at = 0
    while at < len(data):
        try:
            good, bad = data[at:].decode("utf-8"), 0
        except UnicodeDecodeError as error:
            good = data[at : at + error.start].decode("utf-8")
            bad = error.end - error.start
        for character in good:
            size = len(character.encode("utf-8"))
            sources.append(Source(character, at, at + size))
            at += size
        if bad:
            sources.append(Source("\ufffd", at, at + bad))
            at += bad
    return sources


@functools.lru_cache(maxsize=None)
def fold_character(character):
    """NFKC_Casefold of one character, left decomposed."""
    before, after = None, character
    while before != after:
        before = after
        visible = [c for c in before if not in_ranges(c, DEFAULT_IGNORABLE)]
        decomposed = unicodedata.normalize("NFKD", "".join(visible))
        after = unicodedata.normalize("NFKD", decomposed.casefold())
    return after


@functools.lru_cache(maxsize=None)
def kind_of(character):
    category = unicodedata.category(character)
    if character in HAN_NUMERALS:
        return "own word"
    if category[0] == "L":
        return "own word" if in_ranges(character, UNSPACED_SCRIPTS) else "letter"
    return {"N": "digit", "M": "mark"}.get(category[0], "other")


def normalise(sources, fold_accents):
    """All characters decomposed and folded. A dropped accent still belongs to the span of its letter or digit."""
    pieces = []
    for source in sources:
        for character in fold_character(source.character):
            if fold_accents and "\u0300" <= character <= "\u036f":
                if pieces and pieces[-1].kind != "other":
                    pieces[-1] = pieces[-1]._replace(end=source.end)
            else:
                pieces.append(Piece(character, kind_of(character), source.begin, source.end))
    return pieces


def kind_at(pieces, at):
    return pieces[at].kind if at < len(pieces) else "end"


def after_marks(pieces, at):
    while kind_at(pieces, at) == "mark":
        at += 1
    return at


def tail_end(pieces, at):
    """Where a run of + and # from `at` on ends."""
    while at < len(pieces) and pieces[at].character in "+#":
        at += 1
    return at


def take_word(pieces, at):
    """The pieces of the word that begins at `at` with a letter or a digit, and where it ends."""
    taken = []
    while True:
        last = pieces[at].kind
        end = after_marks(pieces, at + 1)
        taken += pieces[at:end]
        if last == "own word" or kind_at(pieces, end) in ("own word", "mark", "end"):
            return taken, end
        if kind_at(pieces, end) in ("letter", "digit"):
            at = end
            continue
        joiner = pieces[end].character
        following = kind_at(pieces, end + 1)
        if joiner in "'\u2019" and last == "letter" and following == "letter":
            at = end + 1  # the apostrophe vanishes
        elif joiner == "." and last == "digit" and following == "digit":
            taken.append(pieces[end])
            at = end + 1
        elif joiner == "&" and last == "letter" and following == "letter":
            taken.append(pieces[end])
            at = end + 1
        elif joiner in "+#":
            run_end = tail_end(pieces, end)
            if kind_at(pieces, run_end) not in ("letter", "digit"):
                taken += pieces[end : min(run_end, end + 2)]
            return taken, run_end
        else:
            return taken, end


@functools.lru_cache(maxsize=20000)
def split(data, fold_accents):
    """The words of a text, given as bytes."""
    pieces = normalise(decode(data), fold_accents)
    words = []
    at = 0
    while at < len(pieces):
        if pieces[at].kind not in ("letter", "digit", "own word"):
            at += 1
            continue
        taken, at = take_word(pieces, at)
        text = unicodedata.normalize("NFC", "".join(piece.character for piece in taken))
        if len(text.encode("utf-8")) > LONGEST_WORD:
            text = ""
        words.append(Word(text, taken[0].begin, max(piece.end for piece in taken)))
    return tuple(words)


@functools.lru_cache(maxsize=20000)
def utf16_length(data):
    """UTF-16 units of a piece of original text."""
    return len(data.decode("utf-8", "replace").encode("utf-16-le")) // 2


def utf16_span(data, begin, end):
    return [utf16_length(data[:begin]), utf16_length(data[:end])]


# ---- stems ------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=None)
def snowball():
    library = ctypes.CDLL("libstemmer.so.0d")
    library.sb_stemmer_new.restype = ctypes.c_void_p
    library.sb_stemmer_new.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
    library.sb_stemmer_stem.restype = ctypes.c_void_p
    library.sb_stemmer_stem.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
    library.sb_stemmer_length.restype = ctypes.c_int
    library.sb_stemmer_length.argtypes = [ctypes.c_void_p]
    return library


@functools.lru_cache(maxsize=None)
def stemmer(language):
    """Snowball's stemmer of a language, or None."""
    if not re.fullmatch("[A-Za-z_]+", language):
        return None
    return snowball().sb_stemmer_new(language.lower().encode("ascii"), b"UTF_8")


@functools.lru_cache(maxsize=None)
def stem(language, word):
    """The stem of a word; `language` is "" where nothing is stemmed."""
    has_symbol = any(c in "&+#" or kind_of(c) == "digit" for c in word)
    if not language or word == "" or has_symbol or stemmer(language) is None:
        return word
    data = word.encode("utf-8")
    address = snowball().sb_stemmer_stem(stemmer(language), data, len(data))
    return ctypes.string_at(address, snowball().sb_stemmer_length(stemmer(language))).decode("utf-8")
