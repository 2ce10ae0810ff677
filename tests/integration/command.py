# SPDX-License-Identifier: Apache-2.0
"""The `admatch` command, run as a user runs it, and an inventory for it. ADMATCH names the binary to test."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ADMATCH = os.environ.get("ADMATCH", str(ROOT / "build" / "release" / "admatch"))
COMMANDS = ("check", "build", "info", "verify", "match", "words", "import", "diff", "completion", "log", "recount", "report", "control", "simulate")

INVENTORY = [
    {"type": "inventory", "currency": "EUR", "language": "en"},
    {"type": "campaign", "id": "c1", "advertiser": "acme", "negative_keywords": ["free"]},
    {"id": "shoes", "campaign": "c1", "bid": 1.25, "keywords": ["running shoes", '"trail shoes"']},
    {"id": "exact", "advertiser": "bolt", "bid": 0.8, "keywords": ["[salomon speedcross 5]"]},
    {"id": "anyone", "advertiser": "crew", "bid": 0.1, "keywords": ["*"]},
    {
        "id": "us",
        "advertiser": "dash",
        "bid": 3,
        "keywords": ["marathon", "-cheap"],
        "targeting": {"country": ["US"], "kv": {"sport": ["running"]}},
        "start": "2026-11-01T00:00:00Z",
        "end": "2026-12-01T00:00:00Z",
    },
]
WITHIN = "2026-11-15T00:00:00Z"


def lines_of(records):
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def run(*arguments, stdin=b"", **options):
    if isinstance(stdin, str):
        stdin = stdin.encode()
    return subprocess.run(
        [ADMATCH, *map(str, arguments)], input=stdin, capture_output=True, timeout=120, **options
    )


class CommandTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.inventory = self.write("inventory.jsonl", lines_of(INVENTORY))

    def write(self, name, text):
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def run_fine(self, *arguments, **options):
        done = run(*arguments, **options)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return done

    def run_refused(self, code, *arguments, **options):
        done = run(*arguments, **options)
        self.assertEqual(done.returncode, code, done.stderr.decode())
        self.assertTrue(done.stderr.startswith(b"admatch: "), done.stderr)
        return done.stderr.decode()

    def build(self, records=None, name="image.admx"):
        source = self.inventory
        if records is not None:
            source = self.write(name + ".jsonl", lines_of(records))
        image = self.folder / name
        self.run_fine("build", source, "-o", image)
        return image

    def match(self, source, *arguments, **options):
        return json.loads(self.run_fine("match", source, *arguments, **options).stdout)

    def winners(self, source, *arguments, **options):
        answer = self.match(source, *arguments, **options)
        return [ad["ad"] for slot in answer["slots"] for ad in slot["ads"]]

    def summary(self, *arguments):
        """The summary of `check` as a dictionary."""
        text = self.run_fine("check", *arguments).stdout.decode()
        rows = [line.rsplit(None, 1) for line in text.splitlines() if ": " not in line]
        return {row[0].strip(): row[1] for row in rows if len(row) == 2}
