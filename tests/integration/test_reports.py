# SPDX-License-Identifier: Apache-2.0
"""Reports of a server that runs: the ledger's holder rolls its log up by itself."""

import json
import os
import signal
import subprocess
import time

from harness import BUILD
from ledger import LedgerTest


class ReportsTest(LedgerTest):
    def report(self, *arguments):
        done = subprocess.run([BUILD / "admatch", "report", "--format", "json", *arguments, self.ledger], capture_output=True, text=True)
        return json.loads(done.stdout) if done.returncode == 0 else {"rows": []}

    def wait_for(self, wanted, *arguments, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            rows = self.report(*arguments)["rows"]
            if rows == wanted or (callable(wanted) and wanted(rows)):
                return rows
            time.sleep(0.3)
        self.fail(f"expected {wanted}, found {rows}")

    def show(self, server, count, query="running shoes"):
        for _ in range(count):
            urls = self.place(server, query=query)["urls"]
            self.fire(server, urls["impression"])
            self.fire(server, urls["impression"])

    def impressions(self, count):
        return lambda rows: [row["impressions"] for row in rows if row["campaign"] == "c1"] == [count]

    def test_what_is_shown_is_reported(self):
        server = self.count()
        self.show(server, 3, query="Running  SHOES")
        [row] = self.wait_for(self.impressions(3))
        self.assertEqual((row["decisions"], row["spend"], row["cpm"], row["invalid_impressions"]), (3, 0.00375, 1.25, 3))
        [row] = self.wait_for(lambda rows: rows and rows[0]["impressions"] == 3, "--terms")
        self.assertEqual((row["term"], row["keyword"], row["match"], row["field"], row["ad"]), ("running shoes", "running shoes", "broad", "query", "a1"))
        self.assertEqual(self.counters()["c1"][:2], (0.00375, 3))

    def test_a_killed_holder_and_removed_reports_lose_and_double_nothing(self):
        server = self.count()
        self.show(server, 2)
        self.wait_for(self.impressions(2))
        os.kill(server.mule(), signal.SIGKILL)
        self.show(server, 2)
        self.wait_for(self.impressions(4))
        for path in self.ledger.glob("reports.sqlite*"):
            path.unlink()
        self.show(server, 1)
        self.wait_for(self.impressions(5))
        server.logged("were removed: making new ones")

    def test_terms_beyond_the_most_are_others(self):
        server = self.count("admatch-terms = 0")
        self.show(server, 2)
        self.wait_for(lambda rows: [(row["term"], row["impressions"]) for row in rows] == [("(other)", 2)], "--terms")
