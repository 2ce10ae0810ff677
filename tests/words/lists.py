# SPDX-License-Identifier: Apache-2.0
"""Debian's lists of words: /usr/share/dict, and the dictionaries of Hunspell with all that their affixes make of a word."""

import re
import unicodedata
from pathlib import Path

LISTS = {
    "en": "american-english",
    "de": "ngerman",
    "fr": "french",
    "es": "spanish",
    "it": "italian",
    "pt": "portuguese",
}
DICTIONARIES = {"ru": "ru_RU", "tr": "tr_TR"}
LANGUAGES = [*LISTS, *DICTIONARIES]
ENTRIES = 40000  # of a dictionary of Hunspell, evenly spread


def read_lines(path):
    head = path.read_bytes()[:4096]
    encoding = re.search(rb"^SET\s+(\S+)", head, re.M)
    return path.read_text(encoding=encoding[1].decode() if encoding else "utf-8", errors="replace").splitlines()


class Affixes:
    """The suffixes of a dictionary: by flag, what goes and what comes, and behind which words."""

    def __init__(self, path):
        lines = read_lines(path)
        self.numbered = any(line.split()[:2] == ["FLAG", "num"] for line in lines)
        self.suffixes = {}
        for line in lines:
            parts = line.split()
            if len(parts) >= 5 and parts[0] == "SFX":
                _, flag, strip, add, condition = parts[:5]
                strip, add = ("" if part == "0" else part.split("/")[0] for part in (strip, add))
                self.suffixes.setdefault(flag, []).append((strip, "" if add == "0" else add, re.compile(condition + "$")))

    def forms(self, word, flags):
        yield word
        for flag in flags.split(",") if self.numbered else flags:
            for strip, add, condition in self.suffixes.get(flag, []):
                if word.endswith(strip) and condition.search(word):
                    yield word[: len(word) - len(strip)] + add


def forms_of(name, folder=Path("/usr/share/hunspell")):
    affixes = Affixes(folder / f"{name}.aff")
    entries = [line.split("\t")[0].strip() for line in read_lines(folder / f"{name}.dic")[1:]]
    for entry in entries[:: max(1, len(entries) // ENTRIES)]:
        word, _, flags = entry.partition("/")
        yield from affixes.forms(word, flags)


def words_of(language):
    """The words of a language that consist of letters, each once."""
    if language in LISTS:
        found = read_lines(Path("/usr/share/dict", LISTS[language]))
    else:
        found = forms_of(DICTIONARIES[language])
    return sorted({unicodedata.normalize("NFC", word) for word in found if word.isalpha()})
