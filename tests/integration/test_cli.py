# SPDX-License-Identifier: Apache-2.0
"""The command line: help, usage, and `admatch words`."""

import subprocess
import unittest

from command import ADMATCH, COMMANDS, CommandTest


class UsageTest(CommandTest):
    def test_help_names_every_command(self):
        overview = self.run_fine("--help").stdout.decode()
        for command in COMMANDS:
            self.assertIn(f"  {command} ", overview)

    def test_every_command_explains_itself_and_all_its_options(self):
        for command in COMMANDS:
            shown = self.run_fine(command, "--help").stdout.decode()
            self.assertTrue(shown.startswith(f"usage: admatch {command} "))
            self.assertIn("-h, --help", shown)

    def test_version_is_printed(self):
        self.assertRegex(self.run_fine("--version").stdout.decode(), r"^admatch \d+\.\d+\.\d+\n$")

    def test_a_wrong_command_line_ends_with_2(self):
        for arguments in (
            [],
            ["nonsense"],
            ["check"],
            ["check", "a", "b"],
            ["check", "--nonsense", "a"],
            ["check", "-x", "a"],
            ["check", "--skip=1", "a"],
            ["check", "--now", "yesterday", "a"],
            ["check", "--now"],
            ["build", self.inventory],
            ["build", self.inventory, "-o"],
            ["build", self.inventory, "-o", "-"],
            ["info"],
            ["verify"],
            ["words"],
            ["words", "--language", "klingon", "a"],
            ["match", self.inventory],
            ["match", "--query", "a"],
            ["match", self.inventory, "--query", "a", "--count", "0"],
            ["match", self.inventory, "--query", "a", "--count", "3x"],
            ["match", self.inventory, "--query", "a", "--count", "-1"],
            ["match", self.inventory, "--query", "a", "--context", "country"],
            ["match", self.inventory, "--query", "a", "--context", "=US"],
            ["match", self.inventory, "--query", "a", "--now", "now"],
            ["match", self.inventory, "--query", "a", "--batch", "b"],
            ["match", self.inventory, "--request", "a", "--explain"],
            ["match", self.inventory, "--request", "a", "--batch", "b"],
        ):
            with self.subTest(arguments=arguments):
                self.run_refused(2, *arguments)

    def test_output_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "wb") as full:
            for arguments in (
                ["--help"],
                ["check", self.inventory],
                ["match", self.inventory, "--query", "a"],
            ):
                with self.subTest(arguments=arguments):
                    done = subprocess.run(
                        [ADMATCH, *map(str, arguments)], stdout=full, stderr=subprocess.PIPE
                    )
                    self.assertEqual(done.returncode, 1)
                    self.assertIn(b"No space left on device", done.stderr)


class WordsTest(CommandTest):
    def rows(self, *arguments, **options):
        text = self.run_fine("words", *arguments, **options).stdout.decode()
        return [tuple(line.split("\t")) for line in text.splitlines()]

    def test_words_are_shown_with_their_spans(self):
        self.assertEqual(
            self.rows("Women's t-shirt, C++"),
            [
                ("womens", "0-7", "0-7", "Women's"),
                ("t", "8-9", "8-9", "t"),
                ("shirt", "10-15", "10-15", "shirt"),
                ("c++", "17-20", "17-20", "C++"),
            ],
        )

    def test_spans_count_bytes_and_utf16_units(self):
        self.assertEqual(
            self.rows("\U0001f600 Café x"),
            [("cafe", "5-10", "3-7", "Café"), ("x", "11-12", "8-9", "x")],
        )

    def test_accents_are_kept_when_asked(self):
        self.assertEqual(self.rows("--keep-accents", "Café")[0][0], "café")

    def test_stems_are_shown_when_asked(self):
        shown = [(row[0], *row[4:]) for row in self.rows("--language", "en", "Running shoes")]
        self.assertEqual(shown, [("running", "run", "run"), ("shoes", "shoe", "shoe")])
        shown = [(row[0], *row[4:]) for row in self.rows("--language", "es", "habitación")]
        self.assertEqual(shown, [("habitacion", "habit", "habitacion")])
        self.assertEqual(len(self.rows("--language", "vi", "áo")[0]), 4)

    def test_a_page_shows_its_words_where_they_stand_in_the_source(self):
        rows = self.rows("--html", "<p>Caf&eacute; <b>run</b>ning<script>no</script>")
        self.assertEqual([(row[0], row[1], row[3]) for row in rows], [("cafe", "3-14", "Caf&eacute;"), ("running", "18-29", "run</b>ning")])

    def test_text_comes_from_standard_input_or_after_a_dash(self):
        self.assertEqual([row[0] for row in self.rows("-", stdin="one two\n")], ["one", "two"])
        self.assertEqual([row[0] for row in self.rows("--", "-cheap")], ["cheap"])

    def test_words_of_one_character_take_no_longer_than_others(self):
        rows = self.rows("-", stdin="½" * 500000)
        self.assertEqual(rows[-2:], [("1", "999998-1000000", "499999-500000", "½"), ("2", "999998-1000000", "499999-500000", "½")])

    def test_a_text_without_words_shows_nothing(self):
        self.assertEqual(self.rows("... !"), [])


if __name__ == "__main__":
    unittest.main()
