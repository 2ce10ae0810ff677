# SPDX-License-Identifier: Apache-2.0
"""tests/data/bad: an inventory for each thing that the reader can find wrong, and beside it (.problems) every line that `admatch check`
then prints of it. And that there is one: each text of the reader's source must stand in some .problems file."""

import os
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ADMATCH = os.environ.get("ADMATCH") or str(ROOT / os.environ.get("ADMATCH_BUILD", "build/release") / "admatch")
BAD = ROOT / "tests" / "data" / "bad"

# Whose texts end up in messages about an inventory, and the calls that they are arguments of.
SOURCES = [*sorted((ROOT / "plugin" / "inventory").glob("*.c")), ROOT / "plugin" / "base" / "json.c"]
CALLS = ("am_inventory_reader_error", "am_inventory_reader_warning", "am_inventory_reader_expected", "am_error_set", "am_error_set_errno", "expected",
         "am_inventory_read_text", "am_inventory_read_boolean", "am_inventory_read_number", "am_inventory_read_strings", "am_inventory_reader_unknown", "read_objects", "require", "snprintf")
# Texts that no file can bring about, and where else they are tested, or why they are not.
ELSEWHERE = {
    "out of memory": "tests/unit/test_allocations",
    "out of memory while reading line %u": "tests/unit/test_allocations",
    "%s: out of memory": "tests/unit/test_allocations",
    "%s: out of memory while reading": "tests/unit/test_allocations",
    "%s: out of memory while unpacking": "tests/unit/test_allocations",
    "%s: %llu bytes of gzip data unpack to more than %d times as many": "tests/unit/test_inventory",
    "%s: a file of %lld bytes, expected at most %lld": "tests/unit/test_inventory",
    "more than 4,294,967,294 lines": "a file of 4 GiB at least",
    "%zu bytes of JSON: expected less than 4 GiB": "a line ends at 1 MiB",
    "not gzip": "zlib has words for each fault of gzip data",
    "more than %u values, at byte %zu": "the reader gives the parser as many places as it asks for",
}

STRING = r'"(?:[^"\\]|\\.)*"'
MACROS = {"AM_QUOTED": '"%.*s%s"'}


def problems_of(path):
    """The lines of `admatch check` about a file, the summary left out."""
    done = subprocess.run([ADMATCH, "check", "--now", "2026-01-01T00:00:00Z", path], cwd=BAD, capture_output=True, timeout=60)
    lines = done.stdout.decode().splitlines(keepends=True)
    told = [line for line in lines if line.startswith(f"{path}:")]
    return done.returncode, "".join(told) + done.stderr.decode()


def arguments_of(text, start):
    """What stands in the parentheses that open before `start`."""
    depth, at = 1, start
    for token in re.finditer(rf"{STRING}|'(?:[^'\\]|\\.)'|[()]", text[start:]):
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        at = start + token.end()
        if depth == 0:
            break
    return text[start:at]


def unquoted(literal):
    return re.sub(r'\\(["\\])', r"\1", literal[1:-1])


def texts_of(source):
    """All string literals that are arguments of CALLS, neighbours joined; and those with a name of their own."""
    text = re.sub(r"/\*.*?\*/", "", source.read_text(), flags=re.S)
    for macro, literal in MACROS.items():
        text = re.sub(rf"\b{macro}\b", lambda _: literal, text)
    text = re.sub(r"^#.*(?:\\\n.*)*", "", text, flags=re.M)
    pieces = [arguments_of(text, call.end()) for call in re.finditer(rf"\b(?:{'|'.join(CALLS)})\(", text)]
    pieces += re.findall(rf"static const char \w+\[\] = ({STRING});", text)
    for piece in pieces:
        for literals in re.findall(rf"{STRING}(?:\s+{STRING})*", piece):
            yield "".join(map(unquoted, re.findall(STRING, literals)))


def expression_of(text):
    """A regular expression for what printf makes of a format."""
    parts = re.split(r"%(?:\.\*|\d*)(?:ll|z)?[a-zA-Z]", text.replace("%%", "%"))
    return ".*".join(map(re.escape, parts))


class BadInventoryTest(unittest.TestCase):
    def test_each_bad_inventory_is_refused_with_exactly_these_words(self):
        inventories = sorted(path for path in BAD.iterdir() if path.suffix != ".problems")
        self.assertEqual({path.name.split(".")[0] for path in inventories}, {path.stem for path in BAD.glob("*.problems")})
        for path in inventories:
            with self.subTest(inventory=path.name):
                expected = BAD.joinpath(path.name.split(".")[0] + ".problems").read_text()
                status, told = problems_of(path.name)
                self.assertEqual(told, expected)
                self.assertEqual(status, 1 if "admatch: " in expected else 0)

    def test_a_file_that_cannot_be_read_is_told(self):
        self.assertEqual(problems_of("."), (1, "admatch: cannot read .: Is a directory\n"))
        self.assertEqual(problems_of("nowhere"), (1, "admatch: cannot open nowhere: No such file or directory\n"))

    def test_there_is_a_bad_inventory_for_each_text_of_the_reader(self):
        told = "".join(path.read_text() for path in BAD.glob("*.problems")) + problems_of(".")[1] + problems_of("nowhere")[1]
        found = {text for source in SOURCES for text in texts_of(source)}
        self.assertGreater(len(found), 100)
        untold = {text for text in found if not re.search(expression_of(text), told)}
        self.assertEqual(untold, set(ELSEWHERE), "expected an inventory in tests/data/bad that brings about each text, or its reason")


if __name__ == "__main__":
    unittest.main()
