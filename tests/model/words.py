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


# What an apostrophe is written as.
APOSTROPHES = "'\u2019\u2018\u02bc\u02bb\uff07\u00b4`"
SUPERSCRIPT_DIGITS = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"
TRADE_SIGNS = "\u2122\u2120"
FRACTION_SLASH = "\u2044"

ELISIONS = {
    "fr": "c d j l m n s t qu jusqu lorsqu puisqu quoiqu".split(),
    "it": (
        "c ch d l m n s t v un all dall dell nell sull coll pell gl agl dagl degl negl sugl anch com cos dov mezz"
        " quand quest quell bell sant senz tutt"
    ).split(),
    "ca": "d l m n s t".split(),
}

# Letters that stand for others where accents are folded, beside those that have marks.
PLAIN_LETTERS = {
    "\u0131": "i",
    "\u0142": "l",
    "\u00f8": "o",
    "\u0111": "d",
    "\u0127": "h",
    "\u0167": "t",
    "\u00e6": "ae",
    "\u0153": "oe",
    "\u0671": "\u0627",
    "\u0649": "\u064a",
    "\u06cc": "\u064a",
    "\u06a9": "\u0643",
}


class Rules(NamedTuple):
    """What an inventory says about words."""

    language: str = ""  # a code of ISO 639-1; "" for none
    fold_accents: bool = True


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
    text: str  # as it is compared; "" for a word that is too long to match anything
    written: str  # the same before accents were folded
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


# ---- characters to pieces ---------------------------------------------------------------------


def turkish_case(sources):
    """Lower-case i and dotless i for their capitals; a dot that is a character of its own belongs to its I."""
    changed = []
    at = 0
    while at < len(sources):
        character, begin, end = sources[at]
        at += 1
        if character == "I" and at < len(sources) and sources[at].character == "\u0307":
            character, end = "i", sources[at].end
            at += 1
        elif character == "I":
            character = "\u0131"
        elif character == "\u0130":
            character = "i"
        changed.append(Source(character, begin, end))
    return changed


@functools.lru_cache(maxsize=None)
def normal_form(character):
    """What one character of a text becomes."""
    if character in APOSTROPHES:
        return "'"
    if character in TRADE_SIGNS:
        return " "
    folded = fold_character(character)
    if FRACTION_SLASH in folded:
        return " " + folded + " "
    return folded


def is_inside_word(pieces):
    """Whether a letter or a digit, with its marks, is the last there is."""
    at = len(pieces) - 1
    while at >= 0 and pieces[at].kind == "mark":
        at -= 1
    return at >= 0 and pieces[at].kind in ("letter", "own word", "digit"), at


def superscripts(pieces, run):
    """The pieces that a run of superscript digits gives after those that are there."""
    digits = [Piece(fold_character(s.character), "digit", s.begin, s.end) for s in run]
    inside, last = is_inside_word(pieces)
    if not inside:
        return digits
    if len(digits) == 1 and digits[0].character in "23" and pieces[last].kind != "digit":
        return digits
    return []


def normalise(sources, rules):
    """All characters decomposed and folded, accents still in place."""
    if rules.language in ("tr", "az"):
        sources = turkish_case(sources)
    pieces = []
    at = 0
    while at < len(sources):
        run_end = at
        while run_end < len(sources) and sources[run_end].character in SUPERSCRIPT_DIGITS:
            run_end += 1
        if run_end > at:
            pieces += superscripts(pieces, sources[at:run_end])
            at = run_end
            continue
        for character in normal_form(sources[at].character):
            pieces.append(Piece(character, kind_of(character), sources[at].begin, sources[at].end))
        at += 1
    return pieces


# ---- pieces to words --------------------------------------------------------------------------


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


def without_marks(pieces):
    """The text of pieces without accents."""
    return "".join(piece.character for piece in pieces if not "\u0300" <= piece.character <= "\u036f")


def takes_suffix(taken):
    letters = sum(piece.kind == "letter" for piece in taken)
    return letters >= 2 or any(piece.kind == "digit" for piece in taken)


def suffix_end(pieces, at):
    """Where the letters and digits from `at` on end."""
    while kind_at(pieces, at) in ("letter", "digit", "mark"):
        at += 1
    return at


def take_word(pieces, at, language):
    """The pieces of the word that begins at `at` with a letter or a digit, and where to go on."""
    turkish = language in ("tr", "az")
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
        if joiner == "'" and turkish and following == "letter" and takes_suffix(taken):
            over = suffix_end(pieces, end + 1)
            if without_marks(pieces[end + 1 : over]) not in ("s", "an"):
                return taken, over
            at = end + 1
        elif joiner == "'" and last == "letter" and following == "letter":
            if without_marks(taken) in ELISIONS.get(language, ()):
                return taken, end + 1
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


# ---- ornaments and accents --------------------------------------------------------------------


def is_cyrillic(letter):
    return "\u0400" <= letter <= "\u052f" or "\ua640" <= letter <= "\ua69f"


def with_letters(text):
    """Each character of a decomposed word, with the letter that it stands on (or is)."""
    letter = ""
    for character in text:
        if kind_of(character) != "mark":
            letter = character
        yield character, letter


def is_ornament(character, letter):
    if character in "\u0300\u0301":
        return is_cyrillic(letter) and not (character == "\u0301" and letter in "\u0433\u043a")
    if "\u0591" <= character <= "\u05c7":
        return kind_of(character) == "mark"
    arabic = [(0x064B, 0x0652), (0x0656, 0x065F), (0x0670, 0x0670), (0x0640, 0x0640)]
    return in_ranges(character, arabic)


def is_accent(character, letter):
    if "\u0300" <= character <= "\u036f":
        return not is_cyrillic(letter) or character + letter == "\u0308\u0435"
    return "\u0653" <= character <= "\u0655"


def without_ornaments(text):
    text = unicodedata.normalize("NFD", text)
    kept = "".join(c for c, letter in with_letters(text) if not is_ornament(c, letter))
    return unicodedata.normalize("NFC", kept)


def plain_letter(character, language):
    if character in "\u00f8\u00e6" and language in ("da", "no"):
        return character
    if unicodedata.category(character) == "Nd":
        return str(unicodedata.decimal(character))
    return PLAIN_LETTERS.get(character, character)


@functools.lru_cache(maxsize=100000)
def fold(text, rules):
    """A word without its accents."""
    if not rules.fold_accents:
        return text
    text = unicodedata.normalize("NFD", text)
    kept = (plain_letter(c, rules.language) for c, letter in with_letters(text) if not is_accent(c, letter))
    return unicodedata.normalize("NFC", "".join(kept))


def byte_length(text):
    return len(text.encode("utf-8"))


def split_sources(sources, rules):
    """The words of a text, given as characters with their places."""
    pieces = normalise(sources, rules)
    words = []
    at = 0
    while at < len(pieces):
        if pieces[at].kind not in ("letter", "digit", "own word"):
            at += 1
            continue
        taken, at = take_word(pieces, at, rules.language)
        written = without_ornaments("".join(piece.character for piece in taken))
        if not written:
            continue
        text = fold(written, rules)
        if byte_length(text) > LONGEST_WORD:
            text = written = ""
        if byte_length(written) > LONGEST_WORD:
            written = text
        words.append(Word(text, written, taken[0].begin, max(piece.end for piece in taken)))
    return tuple(words)


@functools.lru_cache(maxsize=20000)
def split(data, rules):
    """The words of a text, given as bytes."""
    return split_sources(decode(data), rules)


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


# libstemmer's names of languages that have a code.
LANGUAGE_NAMES = {
    "arabic": "ar", "armenian": "hy", "basque": "eu", "catalan": "ca", "danish": "da", "dutch": "nl", "english": "en",
    "finnish": "fi", "french": "fr", "german": "de", "greek": "el", "hindi": "hi", "hungarian": "hu",
    "indonesian": "id", "irish": "ga", "italian": "it", "lithuanian": "lt", "nepali": "ne", "norwegian": "no",
    "portuguese": "pt", "romanian": "ro", "russian": "ru", "serbian": "sr", "spanish": "es", "swedish": "sv",
    "tamil": "ta", "turkish": "tr", "yiddish": "yi",
    "nb": "no", "nn": "no",
}  # fmt: skip


def language_code(name):
    """The code of a language, however an inventory names it."""
    name = re.split("[-_]", name.lower())[0]
    return LANGUAGE_NAMES.get(name, name)


@functools.lru_cache(maxsize=None)
def stemmer(language):
    """Snowball's stemmer of a language, given by its code, or None."""
    return snowball().sb_stemmer_new(language.encode("ascii"), b"UTF_8") if language else None


@functools.lru_cache(maxsize=None)
def stem(language, word):
    """The stem of a word; `language` is "" where nothing is stemmed."""
    has_symbol = any(c in "&+#" or kind_of(c) == "digit" for c in word)
    if word == "" or has_symbol or stemmer(language) is None:
        return word
    data = word.encode("utf-8")
    address = snowball().sb_stemmer_stem(stemmer(language), data, len(data))
    return ctypes.string_at(address, snowball().sb_stemmer_length(stemmer(language))).decode("utf-8") or word


# ---- what broad matching compares -------------------------------------------------------------

# Korean particles: behind a word of two syllables or more, and behind a single one.
PARTICLES = (
    "은 는 이 가 을 를 의 에 에서 에게 한테 께 으로 로 으로서 로서 으로써 로써 와 과 랑 이랑 도 만 까지 부터 보다 처럼 만큼 마다"
    " 밖에 조차 마저 이나 나 이란 란 이라는 라는 이라고 라고 이라도 라도 이든 든 이며 며 이고 이다 입니다 인가 인가요 하고 에는 에도"
    " 에만 에서는 에서도 에서만 에서의 에게는 에게도 으로는 로는 으로도 로도 으로의 로의 으로만 로만 으로부터 로부터 와는 과는 와의"
    " 과의 와도 과도 까지는 까지도 까지의 부터는 부터의 만은 만이 만을 만의 보다는 보다도 들 들은 들이 들을 들의 들에 들에게 들과"
    " 들도 들로"
).split()
PARTICLES_OF_SYLLABLE = (
    "은 을 를 이 에 에는 에도 에만 에서 에서는 에서도 에게 으로 으로는 으로도 으로부터 까지 부터 보다 처럼 만큼 마다 이나 이란"
    " 이라는 입니다 이다 이며 이고 인가요 인가 와 과 와의 과의 한테"
).split()


class Keys(NamedTuple):
    first: str
    second: str
    rests: tuple  # what is left without a particle


def without_particle(word):
    for particle in PARTICLES:
        rest = word[: -len(particle)]
        if not word.endswith(particle) or not rest:
            continue
        alone = len(rest) == 1 and "\uac00" <= rest <= "\ud7a3"
        if not alone or particle in PARTICLES_OF_SYLLABLE:
            yield rest


@functools.lru_cache(maxsize=100000)
def keys_of(written, rules, stemmed):
    """The keys of a word; `stemmed` is the language of its stems, or ""."""
    folded = fold(written, rules)
    first = fold(stem(stemmed, written), rules) or folded
    rests = tuple(without_particle(folded)) if rules.language == "ko" else ()
    return Keys(first, stem(stemmed, folded), rests)


def counts_as(of_text, of_keyword):
    """Whether a text's word counts as a broad keyword's, both given by their keys."""
    if of_text is None:
        return False
    return (
        of_text.first == of_keyword.first
        or of_text.second == of_keyword.second
        or of_keyword.first in of_text.rests
    )


# ---- misspelt words ---------------------------------------------------------------------------

SCRIPTS = {
    "Latin": [(0x61, 0x7A), (0xC0, 0x2AF), (0x1E00, 0x1EFF), (0x2C60, 0x2C7F), (0xA720, 0xA7FF), (0xAB30, 0xAB6F)],
    "Greek": [(0x370, 0x3FF), (0x1F00, 0x1FFF)],
    "Cyrillic": [(0x400, 0x52F), (0x1C80, 0x1C8F), (0xA640, 0xA69F)],
}


def script_of(word):
    """The script that all characters of a word are letters of, or None."""
    for name, ranges in SCRIPTS.items():
        if word and all(kind_of(c) == "letter" and in_ranges(c, ranges) for c in word):
            return name
    return None


def is_one_slip(word, meant):
    """Whether two words are at Damerau-Levenshtein distance 1 and begin with the same letter; of one that is meant, of
    fewer than eight letters, only a change of places, or of a double letter, counts."""
    if word == meant or not word or not meant or word[0] != meant[0]:
        return False
    short = len(meant) < 8
    if len(word) == len(meant):
        differ = [i for i in range(len(word)) if word[i] != meant[i]]
        if len(differ) == 1:
            return not short
        return (
            len(differ) == 2
            and differ[1] == differ[0] + 1
            and word[differ[0]] == meant[differ[1]]
            and word[differ[1]] == meant[differ[0]]
        )
    longer, shorter = (word, meant) if len(word) > len(meant) else (meant, word)
    if len(longer) != len(shorter) + 1:
        return False
    for i in range(len(longer)):
        if longer[:i] + longer[i + 1 :] == shorter:
            doubled = (i > 0 and longer[i - 1] == longer[i]) or (i + 1 < len(longer) and longer[i + 1] == longer[i])
            if not short or doubled:
                return True
    return False


def corrected(word, spellings):
    """What a misspelt word was meant to be; `spellings`: of each script, (keywords, written, folded) of its words."""
    script = script_of(word)
    if script is None or not 5 <= len(word) <= 20:
        return None
    found = [(-n, written.encode("utf-8"), written) for n, written, folded in spellings[script] if is_one_slip(word, folded)]
    return min(found)[2] if found else None
