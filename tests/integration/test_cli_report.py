# SPDX-License-Identifier: Apache-2.0
"""`admatch report`: roll-ups of an event log against plain sums of its lines, whatever is killed, torn, packed or missing."""

import collections
import csv
import decimal
import gzip
import io
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest

from command import ADMATCH, CommandTest

HOURS = range(8, 14)
TEXTS = ("shoes", "Running  Shoes", "ТЕЛЕФОН", "weiß", "=1+1", 'say "hi", ok', "\t tab", "tea")
KEYWORDS = ("running shoes", "+tea +pot", "=cmd()", 'a "b", c', "größe", "x\ny")
REASONS = ("robot", "duplicate", "budget", "prefetch")


class ReportTest(CommandTest):
    """A log written by hand, of several lanes."""

    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(tempfile.mkdtemp(dir="/dev/shm", prefix="admatch-report-"))  # many small transactions
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "log").mkdir()
        self.texts, self.lines = {}, []

    def put(self, lane, hour, second, event, day=1, **members):
        name = f"w{lane}-202611{day:02}{hour:02}"
        text = self.texts.get(name, "")
        line = {"t": f"2026-11-{day:02}T{hour:02}:{second // 60:02}:{second % 60:02}.000000Z", "e": event, "n": f"{name}:{len(text.encode())}", **members}
        self.lines.append(line)
        self.texts[name] = text + json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n"

    def save(self, packed=()):
        for name, text in self.texts.items():
            path = self.folder / "log" / f"{name}.jsonl"
            if name in packed:
                path.unlink(missing_ok=True)
                path.with_suffix(".jsonl.gz").write_bytes(gzip.compress(text.encode(), 1))
            else:
                path.write_text(text, encoding="utf-8")

    def cut(self, count):
        """The files as they were when the first lines of all had been written."""
        self.texts = {}
        for line in self.lines[:count]:
            name = line["n"].partition(":")[0]
            self.texts[name] = self.texts.get(name, "") + json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n"

    def place(self, number, lane, hour, second, day=1, query=None, ad=1, keyword="tea", events=("impression",), event_lane=None):
        """A decision of one ad, and events that follow it in another lane."""
        place = {"id": f"1-1-{number}", "ad": f"a{ad}", "campaign": f"c{ad % 3}", "advertiser": f"v{ad % 2}", "keyword": keyword, "match": "broad"}
        asked = {} if query is None else {"query": query}
        self.put(lane, hour, second, "decision", day, **asked, slots=[{"count": 1, "filled": 1}], ads=[{"position": 0, **place, "field": "query", "price": 0.001, "pricing": "cpm"}])
        for event in events:
            self.put(lane if event_lane is None else event_lane, hour, second, event, day, **place, spend=0.00125 if event == "impression" else 0.5, position=0, billable=True)
        return place

    def fill(self, seed=1, count=3000, lanes=4):
        draw = random.Random(seed)
        for hour in HOURS:
            for second in sorted(draw.randrange(3600) for _ in range(count // len(HOURS))):
                number = len(self.lines) + 1
                place = self.place(number, draw.randrange(lanes), hour, second, query=draw.choice(TEXTS + (None,)), ad=draw.randrange(7), keyword=draw.choice(KEYWORDS), events=())
                for event in ("impression", "click", "view"):
                    if draw.random() < 0.6:
                        spend = {"spend": json.loads(f"0.{draw.randrange(10**9):09}", parse_float=float)} if event != "view" else {}
                        self.put(draw.randrange(lanes), hour, second, event, **place, **spend, billable=True, **({"late": True} if draw.random() < 0.1 else {}))
                    elif draw.random() < 0.5:
                        self.put(draw.randrange(lanes), hour, second, event, **place, billable=False, reason=draw.choice(REASONS))
            self.put(0, hour, 3599, "control", change="adjust", campaign="c1", spend=-1.5, impressions=-2)
            self.put(1, hour, 3599, "counters", cut="x", part=0, cells=[])

    def report(self, *arguments):
        return json.loads(self.run_fine("report", "--format", "json", *arguments, self.folder).stdout, parse_float=decimal.Decimal)

    def sums(self, *members):
        """Plain sums of the lines."""
        sums = collections.defaultdict(lambda: collections.Counter({"spend": decimal.Decimal(0)}))
        for line in self.lines:
            if line["e"] == "decision":
                for ad in line["ads"]:
                    sums[tuple(ad.get(member, "") for member in members)]["decisions"] += 1
                continue
            row = sums[tuple(line["t"][:13] + ":00Z" if member == "hour" else line.get(member, "") for member in members)]
            if line["e"] == "control" or (line["e"] in ("impression", "click") and line["billable"]):
                row["spend"] += decimal.Decimal(repr(line.get("spend", 0)))
                row["impressions"] += line.get("impressions", 0) if line["e"] == "control" else line["e"] == "impression"
                row["clicks"] += line["e"] == "click"
            elif line["e"] == "view" and line["billable"]:
                row["viewable"] += 1
            if line["e"] in ("impression", "click", "view") and line["billable"]:
                row["late"] += line.get("late", False)
            if line["e"] in ("impression", "click", "view") and not line["billable"]:
                if line["reason"] == "budget":
                    row["unbilled"] += 1
                elif line["e"] != "view":
                    row[f"invalid_{line['e']}s"] += 1
        return {key: row for key, row in sums.items() if any(row.values())}

    def check_sums(self, *members):
        plain = self.sums(*members)
        found = {}
        for row in self.report("--by", ",".join(members))["rows"]:
            measures = {name: value for name, value in row.items() if value and name in ("decisions", "impressions", "clicks", "viewable", "spend", "late", "unbilled", "invalid_impressions", "invalid_clicks")}
            if measures:
                found[tuple(row[member] for member in members)] = measures
        self.assertEqual(found, {key: {name: value for name, value in row.items() if value} for key, row in plain.items()})

    def check_all(self):
        for members in (("campaign",), ("advertiser",), ("campaign", "ad", "keyword", "match")):
            self.check_sums(*members)


class RollupTest(ReportTest):
    def test_sums_are_those_of_the_lines_to_the_nano(self):
        self.fill()
        self.save()
        self.run_fine("report", "--update", self.folder)
        self.check_all()
        total = self.report()["total"]
        self.assertEqual(total["spend"], sum(row["spend"] for row in self.sums("campaign").values()))

    def test_packed_files_and_a_torn_line(self):
        self.fill()
        names = sorted(self.texts)
        self.save(packed=names[: len(names) // 2])
        last = self.folder / "log" / f"{names[-1]}.jsonl"
        whole = last.read_bytes()
        last.write_bytes(whole + b'{"t":"2026-11-01T13:59:59.000000Z","e":"impression","n":"w3-20261101')
        self.run_fine("report", "--update", self.folder)
        self.check_all()
        last.write_bytes(whole)  # the lane goes on where the torn line began
        self.put(int(names[-1][1]), 13, 3599, "impression", ad="a1", campaign="c9", advertiser="v1", spend=1, billable=True, id="1-1-9999999")
        self.save(packed=names[: len(names) // 2])
        self.run_fine("report", "--update", self.folder)
        self.check_all()

    def test_a_file_is_packed_between_two_rounds(self):
        self.fill(count=600)
        self.cut(len(self.lines) // 2)
        self.save()
        self.run_fine("report", "--update", self.folder)
        self.cut(len(self.lines))
        self.save(packed=list(self.texts))
        self.run_fine("report", "--update", self.folder)
        self.check_all()
        state = self.rows("SELECT lines, unreadable, gone FROM state")
        self.assertEqual(state, [(len(self.lines), 0, 0)])

    def rows(self, statement):
        with sqlite3.connect(self.folder / "reports.sqlite") as database:
            return database.execute(statement).fetchall()

    def test_updates_in_small_steps_count_each_line_once(self):
        self.fill(count=600)
        for step in range(1, 11):
            self.cut(len(self.lines) * step // 10)
            self.save()
            self.run_fine("report", "--update", self.folder)
        self.check_all()

    def test_killed_anywhere_it_counts_each_line_once(self):
        self.fill(count=12000)
        self.save()
        draw = random.Random(5)
        started = time.monotonic()
        self.run_fine("report", "--update", self.folder)
        whole = time.monotonic() - started
        self.check_all()
        for path in self.folder.glob("reports.sqlite*"):
            path.unlink()
        kills = 0
        for _ in range(40):
            process = subprocess.Popen([ADMATCH, "report", "--update", self.folder], stdout=subprocess.DEVNULL)
            try:
                process.wait(draw.random() * whole / 3)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills += 1
        self.assertGreater(kills, 5)
        self.run_fine("report", "--update", self.folder)
        self.check_all()

    def test_two_at_once_count_each_line_once(self):
        self.fill(count=6000)
        self.save()
        both = [subprocess.Popen([ADMATCH, "report", "--update", self.folder], stdout=subprocess.DEVNULL) for _ in range(3)]
        self.assertEqual([process.wait(60) for process in both], [0, 0, 0])
        self.check_all()

    def test_a_file_that_is_gone_is_reported(self):
        self.place(1, 0, 8, 1)
        self.place(2, 0, 8, 2)
        self.save()
        self.run_fine("report", "--update", self.folder)
        (self.folder / "log" / "w0-2026110108.jsonl").unlink()
        self.texts.clear()
        self.place(3, 0, 10, 2)
        self.save()
        done = self.run_fine("report", "--update", self.folder)
        self.assertIn(b"admatch: 1 files of the log were removed before they were counted to their ends", done.stderr)
        self.check_all()

    def test_what_is_no_line_is_reported(self):
        self.place(1, 0, 8, 1)
        self.save()
        with (self.folder / "log" / "w0-2026110108.jsonl").open("a") as file:
            file.write("nonsense\n")
        done = self.run_fine("report", "--update", self.folder)
        self.assertIn(b"admatch: 1 lines of the log could not be read", done.stderr)
        self.check_all()

    def test_a_damaged_file_of_reports_says_what_to_do(self):
        self.place(1, 0, 8, 1)
        self.save()
        (self.folder / "reports.sqlite").write_bytes(b"nonsense" * 1000)
        for option in ("--update", "--by=ad"):
            self.assertIn("remove reports.sqlite*, and they are made again from the log", self.run_refused(1, "report", option, self.folder))

    def test_reports_of_another_version_are_refused(self):
        with sqlite3.connect(self.folder / "reports.sqlite") as database:
            database.execute("PRAGMA user_version = 99")
        for option in ("--update", "--by=ad"):
            self.assertIn("are of version 99, and version 1 is expected", self.run_refused(1, "report", option, self.folder))

    def test_a_damaged_packed_file_changes_nothing(self):
        self.fill(count=600)
        name = sorted(self.texts)[0]
        self.save(packed=[name])
        path = self.folder / "log" / f"{name}.jsonl.gz"
        whole = path.read_bytes()
        path.write_bytes(whole[:-100])
        self.assertIn("is damaged", self.run_refused(1, "report", "--update", self.folder))
        path.write_bytes(whole)
        self.run_fine("report", "--update", self.folder)
        self.check_all()

    def test_events_find_their_decisions_in_other_lanes(self):
        for number in range(1, 400):
            self.place(number, number % 5, 9, number, query="Tea  Pot", event_lane=(number + 1) % 5, events=("impression", "click"))
        self.save()
        self.run_fine("report", "--update", self.folder)
        [row] = self.report("--terms", "--ad", "a1")["rows"]
        self.assertEqual((row["term"], row["decisions"], row["impressions"], row["clicks"]), ("tea pot", 399, 399, 399))

    def test_a_click_after_midnight_keeps_its_term(self):
        place = self.place(1, 0, 23, 3599, query="tea", events=())
        self.put(1, 0, 10, "click", day=2, **place, spend=0.5, billable=True)
        self.put(1, 0, 10, "click", day=2, **{**place, "id": "1-1-777"}, spend=0.25, billable=True)
        self.save()
        self.run_fine("report", "--update", self.folder)
        found = [(row["term"], row["clicks"], row["spend"]) for row in self.report("--terms", "--from=2026-11-02")["rows"]]
        self.assertEqual(found, [("(unknown)", 1, decimal.Decimal("0.25")), ("tea", 1, decimal.Decimal("0.5"))])
        self.assertEqual([row["decisions"] for row in self.report("--terms", "--to=2026-11-01")["rows"]], [1])

    def test_repeats_of_conversions_and_custom_events_are_found(self):
        place = self.place(1, 0, 9, 1)
        for second, value in ((5, 10), (6, 99)):
            self.put(second % 2, 9, second, "conversion", **place, value=value, billable=True)
        for name in ("play", "end", "play"):
            self.put(0, 9, 9, "event", **place, name=name, billable=True)
        self.save()
        self.run_fine("report", "--update", self.folder)
        total = self.report()["total"]
        self.assertEqual((total["conversions"], total["events"]), (1, 2))
        found = {(row["event"], row["name"], row["outcome"]): row["count"] for row in self.report("--outcomes")["rows"]}
        self.assertEqual(found, {("conversion", "", "duplicate"): 1, ("event", "play", "counted"): 1, ("event", "end", "counted"): 1, ("event", "play", "duplicate"): 1})


class ShowTest(ReportTest):
    """What `report` prints."""

    def setUp(self):
        super().setUp()
        for number, keyword in enumerate(KEYWORDS, 1):
            self.place(number, 0, 9, number, query=TEXTS[number], ad=number, keyword=keyword)
        self.place(50, 0, 23, 0, query="tea", ad=1)
        self.place(51, 0, 23, 0, query="TEA", ad=1)
        self.save()
        self.run_fine("report", "--update", self.folder)

    def rows(self, *arguments):
        text = self.run_fine("report", "--format", "csv", *arguments, self.folder).stdout
        self.assertTrue(text.startswith(b"\xef\xbb\xbf"))
        self.assertEqual(text.count(b"\n") - text.count(b"\r\n"), sum(keyword.count("\n") for keyword in KEYWORDS) if b"x\ny" in text else 0)
        return list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"), newline="")))

    def test_csv_is_what_spreadsheets_open(self):
        found = {row["keyword"] for row in self.rows("--by", "keyword")}
        self.assertEqual(found, {"running shoes", "'+tea +pot", "'=cmd()", 'a "b", c', "größe", "x\ny", "tea"})
        self.assertIn("'=1+1", {row["term"] for row in self.rows("--terms")})

    def test_json_changes_no_text(self):
        self.assertEqual({row["keyword"] for row in self.report("--by", "keyword")["rows"]}, {*KEYWORDS, "tea"})

    def test_terms_are_folded(self):
        found = {row["term"]: row["impressions"] for row in self.report("--terms")["rows"]}
        self.assertEqual(found, {"running shoes": 1, "телефон": 1, "weiss": 1, "=1+1": 1, 'say "hi", ok': 1, "tab": 1, "tea": 2})

    def test_rare_terms_are_hidden(self):
        found = collections.Counter()
        for row in self.report("--terms", "--min=2")["rows"]:
            found[row["term"]] += row["impressions"]
        self.assertEqual(found, {"tea": 2, "(rare)": 6})

    def test_a_table_is_aligned(self):
        lines = self.run_fine("report", "--by", "keyword,hour", self.folder).stdout.decode().splitlines()
        self.assertRegex(lines[0], r"^keyword +hour +decisions  impressions +spend +cpm")
        self.assertRegex(lines[-1], r"^total  ")
        self.assertEqual(len({len(line) for line in lines}), 1, lines)
        self.assertIn("x?y", "".join(lines))

    def test_times_and_zones(self):
        def by_day(*arguments):
            return {row["day"]: row["impressions"] for row in self.report("--by=day", *arguments)["rows"]}
        self.assertEqual(by_day(), {"2026-11-01": 8})
        self.assertEqual(by_day("--timezone=Europe/Paris"), {"2026-11-01": 6, "2026-11-02": 2})
        self.assertEqual(by_day("--timezone=Europe/Paris", "--from=2026-11-02"), {"2026-11-02": 2})
        self.assertEqual(by_day("--timezone=Europe/Paris", "--to=2026-11-01"), {"2026-11-01": 6})
        self.assertEqual(by_day("--from=2026-11-01T10:00:00Z"), {"2026-11-01": 2})
        self.assertEqual(by_day("--to=2026-11-01T09:00:00Z"), {})
        hours = [row["hour"] for row in self.report("--by=hour", "--timezone=Europe/Paris")["rows"]]
        self.assertEqual(hours, ["2026-11-01T10:00+01:00", "2026-11-02T00:00+01:00"])
        self.assertEqual([row["month"] for row in self.report("--by=month")["rows"]], ["2026-11"])
        self.assertIn("no whole number of hours", self.run_refused(1, "report", "--by=day", "--timezone=Asia/Kolkata", self.folder))

    def test_only_one_campaign(self):
        self.assertEqual([row["campaign"] for row in self.report("--campaign=c1")["rows"]], ["c1"])
        self.assertEqual([row["ad"] for row in self.report("--by=ad", "--advertiser=v0")["rows"]], ["a2", "a4", "a6"])
        self.assertEqual({row["ad"] for row in self.report("--terms", "--ad=a1")["rows"]}, {"a1"})

    def test_nothing_to_show(self):
        answer = self.report("--campaign=none")
        self.assertEqual(answer["rows"], [])
        self.assertEqual((answer["total"]["impressions"], answer["total"]["ctr"]), (0, None))
        self.assertEqual(len(self.rows("--campaign=none")), 0)
        self.run_fine("report", "--campaign=none", self.folder)

    def test_options_that_make_no_sense_are_refused(self):
        for arguments, message in (
            (("--by=colour",), "--by is a list like campaign,day"),
            (("--by=ad,ad",), "--by is a list like campaign,day"),
            (("--by=",), "--by is a list like campaign,day"),
            (("--format=xml",), "--format is table, json or csv, not 'xml'"),
            (("--min=0", "--terms"), "--min is a whole number of impressions"),
            (("--min=5",), "--min is for --terms"),
            (("--terms", "--outcomes"), "exclude each other"),
            (("--terms", "--by=ad"), "leave --by out"),
            (("--terms", "--timezone=UTC"), "leave --timezone out"),
        ):
            self.assertIn(message, self.run_refused(2, "report", *arguments, self.folder))
        for arguments, message in (
            (("--from=yesterday",), "--from and --to are dates like 2026-12-01, or times on the hour"),
            (("--from=2026-11-01T10:30:00Z",), "times on the hour"),
            (("--terms", "--from=2026-11-01T10:00:00Z"), "are dates like 2026-12-01"),
            (("--from=2026-11-02", "--to=2026-11-01"), "--from is not before --to"),
            (("--timezone=Mars/Base",), "--timezone is a name like Europe/Paris"),
        ):
            self.assertIn(message, self.run_refused(1, "report", *arguments, self.folder))

    def test_without_reports(self):
        self.assertIn("there are no reports at", self.run_refused(1, "report", self.folder / "none"))
        self.assertIn("reports", self.run_refused(1, "report", "--update", self.folder / "none"))

    def test_a_reader_that_leaves_is_no_problem(self):
        process = subprocess.Popen([ADMATCH, "report", "--by=keyword,hour", self.folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.close()
        self.assertEqual((process.wait(20), process.stderr.read()), (0, b""))
        process.stderr.close()

    @unittest.skipUnless(os.path.exists("/dev/full"), "no /dev/full")
    def test_a_full_disk_is_reported(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([ADMATCH, "report", self.folder], stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"cannot write standard output: No space left on device", done.stderr)


if __name__ == "__main__":
    unittest.main()
