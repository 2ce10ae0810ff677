# SPDX-License-Identifier: Apache-2.0
"""The glossary of docs/ARCHITECTURE.md: one word for each thing. Code, messages, metrics, configurations and documents have none of
the other names that its last column lists. And figures of speed, which age, are in no comment of the code. Usage: glossary.py"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
GLOSSARY = ROOT / "docs" / "ARCHITECTURE.md"
# Words that mean something else, and rightly, where these paths say: a seat is OpenRTB's buyer, and a gate.
ELSEWHERE = {"seat": re.compile(r"openrtb|plugin/match/|docs/DECISION|docs/BENCHMARKS", re.I)}
# Nowhere, whatever they are meant for.
NOWHERE = ("whom", "turned away", "turn away")
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
SPEED = re.compile(r"\b(?:a|two|three|four|five|\d+) (?:half|third|quarter|fifth|sixth|seventh|eighth|ninth|tenth)s? (?:off|of its time)\b"
                   r"|\btimes as (?:fast|slow)\b|\b[\d.]+ ?% of (?:a|the|its)\b|\b[\d.]+ (?:ns|us|ms|s) (?:with|without|less)\b|\bhalf the time\b")


def rows():
    """(word, [(name that it never has, whether only in code)])."""
    section = GLOSSARY.read_text().partition("\n## Glossary\n")[2].partition("\n## ")[0]
    for word, never in re.findall(r"^\| (?!word |---)([^|]+?) \| [^|]*? \|(.*)\|$", section, re.M):
        yield word, [(name, bool(marked)) for name, marked in re.findall(r"`([^`]+)`( \(name\))?", never)]


def pattern(name):
    """Whole words, their plurals, and parts of names in code; whatever white space and marks of comments are between words."""
    words = re.split(r"\s+", name)
    return re.compile(r"(?<![A-Za-z])" + r"(?:\s|\*|\\n|\")+".join(map(re.escape, words)) + r"s?(?![A-Za-z])", re.I)


def blank(found):
    return re.sub(r"[^\n]", " ", found[0])


def names_of(text):
    """C without comments and strings: what is left has the names."""
    return re.sub(r'"(?:[^"\\\n]|\\.)*"', blank, COMMENT.sub(blank, text))


def texts():
    """(path, all of its text, its names)."""
    for path in sorted((ROOT / "plugin").rglob("*.[ch]")):
        text = path.read_text()
        yield path, text, names_of(text)
    documents = [*(ROOT / "docs").glob("*.*"), *(path for path in ROOT.glob("*.md") if path.name != "CHANGELOG.md")]
    configurations = [path for path in (ROOT / "configs").rglob("*") if path.is_file() and path.suffix != ".jsonl"]
    for path in sorted([*documents, *configurations]):
        text = path.read_text()
        if path == GLOSSARY:
            text = text.partition("\n## Glossary\n")[0]
        yield path, text, ""


def find(pattern_, path, text, advice):
    for found in pattern_.finditer(text):
        yield f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, found.start()) + 1}: {' '.join(found[0].split())}: {advice}"


def check_words(glossary, files):
    searches = [(pattern(name), name, in_code, f"the glossary says {word}") for word, names in glossary for name, in_code in names]
    searches += [(pattern(name), name, False, "never said here") for name in NOWHERE]
    for path, text, names in files:
        for search, name, in_code, advice in searches:
            if name not in ELSEWHERE or not ELSEWHERE[name].search(str(path.relative_to(ROOT))):
                yield from find(search, path, names if in_code else text, advice)


def check_speed(files):
    for path, text, names in files:
        for comment in COMMENT.finditer(text) if names else ():
            for found in SPEED.finditer(" ".join(re.sub(r"\n \*", "\n", comment[0]).split())):
                line = text.count("\n", 0, comment.start()) + 1
                yield f"{path.relative_to(ROOT)}:{line}: {found[0]}: figures of speed live in docs/BENCHMARKS.md"


def check_order(glossary):
    words = [word.lower() for word, _ in glossary]
    for before, after in zip(words, words[1:]):
        if before >= after:
            yield f"docs/ARCHITECTURE.md: glossary: {after} comes after {before}"


def main():
    glossary, files = list(rows()), list(texts())
    problems = [*check_order(glossary), *check_words(glossary, files), *check_speed(files)]
    if not glossary or not any(names for _, names in glossary):
        problems.append("docs/ARCHITECTURE.md has no glossary with a last column")
    print("\n".join(problems) or f"glossary: {len(files)} files use the {len(glossary)} words of the glossary")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
