# SPDX-License-Identifier: Apache-2.0
"""`admatch log` and `admatch recount`: a ledger's event log printed, followed, added up, and compared with the live counters."""

import gzip
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

from command import ADMATCH, ROOT, CommandTest, run

ACCOUNT = ROOT / os.environ.get("ADMATCH_BUILD", "build/release") / "tests" / "account"
HOUR = "w{lane}-20261201{hour:02}"


class LogTest(CommandTest):
    """Files written by hand."""

    def setUp(self):
        super().setUp()
        (self.folder / "log").mkdir()

    def put(self, lane, hour, *times, end="\n", packed=False, **members):
        """A file of the log: an impression at each second of the hour; returns its lines."""
        name, text, lines = HOUR.format(lane=lane, hour=hour), "", []
        for second in times:
            line = json.dumps({
                "t": f"2026-12-01T{hour:02}:{second // 60:02}:{second % 60:02}.000000Z", "e": "impression", "n": f"{name}:{len(text)}",
                "campaign": "c1", "advertiser": "acme", "spend": 0.25, "billable": True, **members}, separators=(",", ":"))
            lines.append(line)
            text += line + "\n"
        text = text[:-1] + end
        path = self.folder / "log" / (name + (".jsonl.gz" if packed else ".jsonl"))
        path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
        return lines

    def log(self, *arguments):
        return self.run_fine("log", *arguments, self.folder).stdout.decode().splitlines()

    def recount(self, *arguments):
        return json.loads(self.run_fine("recount", *arguments, self.folder).stdout)

    def test_all_files_are_printed_in_order_of_time(self):
        lines = [*self.put(0, 9, 1, 5, 9, packed=True), *self.put(0, 10, 2, 20), *self.put(7, 9, 2, 3, 3000), *self.put(3, 10, 1)]
        self.assertEqual(self.log(), sorted(lines, key=lambda line: json.loads(line)["t"]))

    def test_lines_before_a_time_are_left_out(self):
        self.put(0, 9, 1, 2, 3)
        late = self.put(0, 10, 1, 2, 3)
        self.assertEqual(self.log("--since", "2026-12-01T10:00:02Z"), late[1:])
        self.assertEqual(self.log("--since", "2026-12-01T12:00:02+02:00"), late[1:])
        self.assertEqual(len(self.log("--since", "36500d")), 6)

    def test_times_that_are_none_are_refused(self):
        for since in ("5", "5x", "yesterday", "-1m", "1mm", "2026-12-01", "99999999999d", "m"):
            message = self.run_refused(2, "log", f"--since={since}", self.folder)
            self.assertIn("--since is a time like 2026-12-01T10:00:00Z, or a while ago like 90m", message)

    def test_a_torn_line_is_not_printed(self):
        lines = self.put(0, 9, 1, 2, end="")
        self.assertEqual(self.log(), lines[:1])

    def test_a_folder_without_a_log_is_a_problem(self):
        self.assertIn("cannot open the log's folder", self.run_refused(1, "log", self.folder / "none"))
        self.assertIn("cannot open the log's folder", self.run_refused(1, "recount", self.folder / "none"))

    def test_a_damaged_packed_file_is_a_problem(self):
        self.put(0, 9, *range(2000), packed=True)
        path = next((self.folder / "log").iterdir())
        path.write_bytes(path.read_bytes()[:-200])
        self.assertIn("damaged", self.run_refused(1, "log", self.folder))
        self.assertIn("damaged", self.run_refused(1, "recount", self.folder))

    def test_what_is_written_is_followed(self):
        lines = self.put(0, 9, 1, 2)
        follower = subprocess.Popen([ADMATCH, "log", "--follow", self.folder], stdout=subprocess.PIPE)
        self.addCleanup(follower.communicate)
        self.addCleanup(follower.kill)
        self.assertEqual([follower.stdout.readline().decode().rstrip() for _ in lines], lines)
        more = self.put(3, 10, 1)
        self.assertEqual(follower.stdout.readline().decode().rstrip(), more[0])

    def test_a_reader_that_leaves_ends_it(self):
        self.put(0, 9, 1, 2)
        follower = subprocess.Popen([ADMATCH, "log", "--follow", self.folder], stdout=subprocess.PIPE)
        self.addCleanup(follower.kill)
        follower.stdout.readline()
        follower.stdout.close()
        self.put(3, 10, 1, 2, 3)
        self.assertEqual(follower.wait(10), 0)

    def test_counters_are_sums(self):
        self.put(0, 9, 1, 2, packed=True)
        self.put(0, 10, 1)
        self.put(1, 10, 3, billable=False, reason="robot")
        counted = self.recount()
        self.assertIsNone(counted["from"])
        self.assertEqual({(cell["kind"], cell["id"]): (cell["spend"], cell["impressions"]) for cell in counted["cells"]},
                         {("advertiser", "acme"): (0.75, 3), ("campaign", "c1"): (0.75, 3)})
        self.assertEqual(counted["events"], {"impression": {"counted": 3, "robot": 1}})
        self.assertEqual((counted["lines"], counted["unreadable"], counted["misplaced"], counted["torn"]), (4, 0, 0, 0))

    def test_what_is_wrong_with_lines_is_counted(self):
        self.put(0, 9, 1, 2, end="")
        self.put(1, 9, 1, n="w1-2026120109:7")
        (self.folder / "log" / "w2-2026120109.jsonl").write_text("nonsense\n")
        done = run("recount", self.folder)
        self.assertEqual(done.returncode, 1)
        counted = json.loads(done.stdout)
        self.assertIn(b"1 lines of the log cannot be read", done.stderr)
        self.assertEqual((counted["unreadable"], counted["misplaced"], counted["torn"]), (1, 1, 1))

    def test_options_that_make_no_sense_are_refused(self):
        self.assertIn("exclude each other", self.run_refused(2, "recount", "--all", "--from=2026-12-01T10:00:00Z", self.folder))
        self.assertIn("--from is a time", self.run_refused(2, "recount", "--from=90m", self.folder))
        self.assertIn("no counters of that time", self.run_refused(1, "recount", "--from=2026-12-01T10:00:00Z", self.folder))


@unittest.skipUnless(ACCOUNT.exists(), "make integration builds it")
class RecountTest(unittest.TestCase):
    """A ledger that is in use."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="admatch-account-"))
        self.addCleanup(shutil.rmtree, self.folder)
        subprocess.run([ACCOUNT, self.folder], check=True)

    def recount(self, *arguments, ledger=None):
        return run("recount", *arguments, "--tmpfs", self.folder / "tmpfs", ledger or self.folder / "ledger")

    def test_the_log_agrees_with_the_counters(self):
        for start in ([], ["--all"], ["--from", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())]):
            done = self.recount("--check", *start)
            self.assertEqual((done.returncode, done.stderr), (0, b""), start)
            counted = json.loads(done.stdout)
            self.assertEqual(counted["from"] is None, start == ["--all"])
            cells = {cell["id"]: (cell["spend"], cell["impressions"], cell["clicks"]) for cell in counted["cells"]}
            self.assertEqual(cells, {"acme": (15, 60, 12), "c1": (10, 40, 8), "c2": (5, 20, 4), "a2": (5, 20, 4)})

    def test_each_difference_is_named(self):
        log = next((self.folder / "ledger" / "log").glob("w0-*.jsonl"))
        lines = [line for line in log.read_text().splitlines(keepends=True)]
        last = max(number for number, line in enumerate(lines) if '"billable":true' in line and '"campaign":"c2"' in line)
        lines[last] = lines[last].replace('"billable":true', '"billable":null')
        log.write_text("".join(lines))
        done = self.recount("--check")
        self.assertEqual(done.returncode, 1)
        message = done.stderr.decode()
        self.assertRegex(message, "admatch: campaign c2: the ledger has spend 5 .*, 20 impressions, 4 clicks; the log 4.75 .*, 19, 4")
        self.assertIn("admatch: advertiser acme: ", message)
        self.assertNotIn("c1", message)

    def test_a_ledger_that_is_not_in_use_is_not_made(self):
        done = self.recount("--check", ledger=self.folder)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"is not in use", done.stderr)
        done = run("recount", "--check", "--tmpfs", self.folder, self.folder / "ledger")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"is not in use", done.stderr)


if __name__ == "__main__":
    unittest.main()
