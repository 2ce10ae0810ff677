# SPDX-License-Identifier: Apache-2.0
"""The configuration in README.md serves; the examples of docs/INVENTORY.md load, or fail as the text says; the worked request of
docs/DECISION.md is answered as it says."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from harness import BUILD, ServerTest, ad, put

ROOT = pathlib.Path(__file__).resolve().parents[2]
ADMATCH = os.environ.get("ADMATCH") or str(ROOT / os.environ.get("ADMATCH_BUILD", "build/release") / "admatch")


class ReadmeTest(ServerTest):
    def test_the_configuration_serves_as_it_stands(self):
        lines = re.search(r"^    \[uwsgi\]\n((?:    .*\n)+)", (ROOT / "README.md").read_text(), re.M)[1]
        server = self.serve(start=False)
        for name, here in (("build/release", BUILD), ("/srv/ads/inventory.jsonl", self.inventory), ("127.0.0.1:8080", f"127.0.0.1:{server.port}")):
            self.assertEqual(lines.count(name), 1, name)
            lines = lines.replace(name, str(here))
        put(self.inventory, [ad("shoes", "shoes")])
        server.ini.write_text(f"[uwsgi]\n{lines}stats = {server.stats_path}\nadmatch-state-dir = {server.state}\n")
        server.start()
        self.assertEqual(server.decide(query="shoes").ads, ["shoes"])


class GuideTest(unittest.TestCase):
    def test_every_example_does_what_the_guide_says(self):
        text = (ROOT / "docs" / "INVENTORY.md").read_text()
        examples = re.findall(r"^```jsonl(?: fails: ([^\n]*))?\n(.*?)^```", text, re.M | re.S)
        self.assertGreaterEqual(len(examples), 8)
        for failure, lines in examples:
            with self.subTest(lines=lines):
                done = subprocess.run([ADMATCH, "check", "-"], input=lines.encode(), capture_output=True)
                self.assertEqual(done.returncode, 1 if failure else 0, done.stderr)
                self.assertIn(failure, done.stderr.decode())


class WorkedRequestTest(unittest.TestCase):
    def test_the_worked_request_gets_the_answer_shown(self):
        text = (ROOT / "docs" / "DECISION.md").read_text()
        inventory, request, answer = (
            re.search(rf"^```{kind}\n(.*?)^```", text, re.M | re.S)[1] for kind in ("jsonl", "json request", "json answer"))
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
            file.write(inventory)
            file.flush()
            done = subprocess.run([ADMATCH, "match", file.name, "--request", "-"], input=request.encode(), capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        given = json.loads(done.stdout)
        del given["generation"]
        self.assertEqual(given, json.loads(answer))
