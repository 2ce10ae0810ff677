# SPDX-License-Identifier: Apache-2.0
"""configs/postgresql against Debian's server: an event log loaded twice, by parts and as a whole, is what its lines say. The server
runs in a folder of its own, on a socket there, and ends with the test."""

import collections
import decimal
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIGS = ROOT / "configs" / "postgresql"
ADMATCH = ROOT / os.environ.get("ADMATCH_BUILD", "build/release") / "admatch"
sys.path.insert(0, str(ROOT / "tests" / "bench"))
from generate_log import generate  # noqa: E402

BIN = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
ACCOUNT = "postgres" if os.geteuid() == 0 else None  # the server refuses to run as root


def as_owner(*command):
    return ["runuser", "-u", ACCOUNT, "--", *map(str, command)] if ACCOUNT else [str(part) for part in command]


class LoadTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="admatch-postgresql-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.folder.chmod(0o755)
        data, sockets = cls.folder / "data", cls.folder / "sockets"
        for path in (data, sockets):
            path.mkdir()
            if ACCOUNT:
                shutil.chown(path, ACCOUNT)
        data.chmod(0o700)
        subprocess.run(as_owner(BIN / "initdb", "-D", data, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"), check=True, capture_output=True)
        options = f"-c listen_addresses= -c unix_socket_directories={sockets} -c fsync=off"
        subprocess.run(as_owner(BIN / "pg_ctl", "-D", data, "-w", "-l", data / "log", "-o", options, "start"), check=True, capture_output=True)
        cls.addClassCleanup(subprocess.run, as_owner(BIN / "pg_ctl", "-D", data, "-m", "immediate", "stop"), check=True, capture_output=True)
        superuser = ACCOUNT or os.environ.get("USER", "postgres")
        cls.environment = os.environ | {"PGHOST": str(sockets), "PGUSER": superuser, "PGDATABASE": "postgres", "ADMATCH": str(ADMATCH)}
        cls.run_psql("-f", CONFIGS / "tables.sql")
        cls.ledger = cls.folder / "ledger"
        generate(cls.ledger, 3000, 10, 3, 1)
        cls.add_special_lines()
        cls.lines = [json.loads(line, parse_float=decimal.Decimal) for path in sorted((cls.ledger / "log").iterdir()) for line in path.read_text().splitlines()]

    @classmethod
    def add_special_lines(cls):
        """What a query may hold, and a refund."""
        with (cls.ledger / "log" / "w9-2026110100.jsonl").open("w") as file:
            for members in ('"e":"decision","query":"a\\u0000\\u0000b \\\\u0000 \\"q\\" \\u0001,\\t\\\\","ads":[]',
                            '"e":"control","change":"adjust","campaign":"campaign1","spend":-0.000000001,"impressions":-3',
                            '"e":"impression","campaign":"campaign1","spend":1234567.000000001,"billable":true',
                            '"e":"counters","cut":"x","part":0,"cells":[]'):
                file.write(f'{{"t":"2026-11-01T00:00:01.000000Z","n":"w9-2026110100:{file.tell()}",{members}}}\n')

    @classmethod
    def run_psql(cls, *arguments, **more):
        return subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *map(str, arguments)], env=cls.environment, check=True, capture_output=True, text=True, **more).stdout

    def query(self, statement):
        return [line.split("|") for line in self.run_psql("-c", statement).splitlines()]

    def load(self, ledger, name):
        done = subprocess.run([CONFIGS / "load.sh", ledger, name], env=self.environment, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def check_loaded(self, name):
        sums = collections.defaultdict(lambda: [0, 0, decimal.Decimal(0)])
        for line in self.lines:
            adjusts = line.get("change") == "adjust"
            if adjusts or (line["e"] in ("impression", "click") and line["billable"]):
                row = sums[line["campaign"]]
                row[0] += line.get("impressions", 0) if adjusts else line["e"] == "impression"
                row[1] += line["e"] == "click"
                row[2] += line["spend"]
        found = self.query(f"SELECT campaign, sum(impressions), sum(clicks), sum(spend) FROM admatch.hourly WHERE ledger = '{name}' GROUP BY 1")
        self.assertEqual({row[0]: [int(row[1]), int(row[2]), decimal.Decimal(row[3])] for row in found}, dict(sums))
        loaded = sum(line["e"] != "counters" for line in self.lines)
        self.assertEqual(self.query(f"SELECT count(*) FROM admatch.lines WHERE ledger = '{name}'"), [[str(loaded)]])

    def test_loading_twice_is_loading_once(self):
        for _ in range(2):
            self.load(self.ledger, "whole")
        self.check_loaded("whole")

    def test_a_log_that_grows(self):
        part = self.folder / "part"
        shutil.copytree(self.ledger, part)
        late = [path for path in (part / "log").iterdir() if int(path.name[-8:-6]) >= 12]
        self.assertTrue(late)
        for path in late:
            path.unlink()
        self.load(part, "grows")
        for path in late:
            shutil.copy(self.ledger / "log" / path.name, path)
        self.load(part, "grows")
        self.check_loaded("grows")

    def test_queries_are_kept(self):
        self.load(self.ledger, "queries")
        kept = self.run_psql("-c", "SELECT line->'query' FROM admatch.lines WHERE ledger = 'queries' AND n = 'w9-2026110100:0'")
        self.assertEqual(json.loads(kept), 'a\ufffd\ufffdb \\u0000 "q" \u0001,\t\\')
        [[placed, asked]] = self.query("SELECT count(*), count(query) FROM admatch.placements WHERE ledger = 'queries' AND ad IS NOT NULL")
        self.assertEqual((placed, asked), ("3000", "3000"))

    def test_events_have_types(self):
        self.load(self.ledger, "events")
        found = self.query("SELECT event, counted, coalesce(reason, ''), count(*) FROM admatch.events WHERE ledger = 'events' GROUP BY 1, 2, 3")
        wanted = collections.Counter((line["e"], "t" if line["billable"] else "f", line.get("reason", "")) for line in self.lines if "billable" in line)
        self.assertEqual({tuple(row[:3]): int(row[3]) for row in found}, dict(wanted))

    def test_a_log_that_cannot_be_read_is_an_error(self):
        done = subprocess.run([CONFIGS / "load.sh", self.folder / "none", "none"], env=self.environment, capture_output=True, text=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("cannot open the log's folder", done.stderr)


if __name__ == "__main__":
    unittest.main()
