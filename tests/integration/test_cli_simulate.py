# SPDX-License-Identifier: Apache-2.0
"""`admatch simulate`: a day of requests in simulated time, its options, its errors."""

import csv
import json
import unittest

from command import CommandTest, lines_of, run

DAY0 = 1796083200  # 2026-12-01T00:00:00Z
INVENTORY = [
    {"type": "inventory", "currency": "EUR", "timezone": "UTC", "pacing_curve": "flat"},
    {"type": "campaign", "id": "paced", "advertiser": "acme", "budget": {"daily": 1}},
    {"type": "campaign", "id": "open", "advertiser": "bolt"},
    {"type": "campaign", "id": "clicks", "advertiser": "dash", "budget": {"clicks": {"daily": 3}}},
    {"id": "a1", "campaign": "paced", "bid": 5, "keywords": ["shoes"]},
    {"id": "a2", "campaign": "open", "bid": 1, "priority": 2, "keywords": ["boots"]},
    {"id": "a3", "campaign": "clicks", "bid": 0.2, "pricing": "cpc", "ctr": 0.5, "keywords": ["clogs"]},
    {"id": "a4", "advertiser": "crew", "bid": 2, "keywords": ["socks"]},
]


def requests_of(query, times):
    return lines_of({"query": query, "now": DAY0 + time} for time in times)


class SimulateTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.inventory = self.write("inventory.jsonl", lines_of(INVENTORY))

    def simulate(self, requests, *options):
        done = self.run_fine("simulate", self.inventory, "--requests", self.write("requests.jsonl", requests), "--report", "-", *options)
        return json.loads(done.stdout)

    def campaign(self, report, name):
        return next(campaign for campaign in report["campaigns"] if campaign["id"] == name)

    def limit(self, report, name):
        return next(limit for limit in report["limits"] if limit["id"] == name)


class WholeDays(SimulateTest):
    def test_a_budget_is_paced_and_used_up(self):
        report = self.simulate(requests_of("shoes", range(0, 86400, 60)), "--render", "1", "--delay", "0")
        campaign = self.campaign(report, "paced")
        self.assertEqual((campaign["billed"], campaign["impressions"]), ("1", 200))
        self.assertEqual(self.limit(report, "paced"), {
            "kind": "campaign", "id": "paced", "unit": "spend", "total": None, "daily": "1", "counted": "1", "today": "0",
            "reserved": "0"})  # the last reservation ends on the next day
        self.assertLessEqual(max(campaign["series"].values()), 12)  # 200 / 96, and at first the lead and the slack
        self.assertEqual(sum(campaign["series"].values()), 200)

    def test_asap_uses_it_up_at_once(self):
        report = self.simulate(requests_of("shoes", range(0, 86400, 60)), "--render", "1", "--delay", "0", "--asap")
        self.assertEqual(max(map(int, self.campaign(report, "paced")["series"])), 199 * 60 // 900)

    def test_what_nothing_limits(self):
        report = self.simulate(requests_of("boots", range(100)) + requests_of("socks", range(100, 150)), "--render", "1", "--delay", "0")
        self.assertEqual((report["requests"], report["filled"], report["fill"], report["placements"]), (150, 150, 1, 150))
        self.assertEqual((report["revenue"], report["by_priority"], report["expired"]), ("0.2", {"2": 100, "0": 50}, 0))
        self.assertEqual(self.campaign(report, "open")["spend_series"], {"0": "0.1"})

    def test_what_is_never_shown_expires_and_costs_nothing(self):
        report = self.simulate(requests_of("shoes", range(0, 3000, 100)), "--render", "0", "--asap")
        self.assertEqual((report["revenue"], report["expired"], report["placements"]), ("0", 30, 30))
        self.assertEqual(self.limit(report, "paced")["reserved"], "0")

    def test_impressions_after_the_reservation_are_late(self):
        report = self.simulate(requests_of("shoes", range(0, 86400, 10)), "--delay", "30", "--reserve", "5", "--asap")
        campaign = self.campaign(report, "paced")
        self.assertEqual(campaign["billed"], "1")
        self.assertGreater(campaign["late"], 100)
        self.assertGreater(campaign["unbilled"], 0)

    def test_clicks(self):
        report = self.simulate(requests_of("clogs", range(0, 86400, 10)), "--asap")
        campaign = self.campaign(report, "clicks")
        self.assertEqual((campaign["clicks"], campaign["billed"]), (3, "0.6"))
        self.assertEqual(self.limit(report, "clicks")["daily"], 3)

    def test_a_seed_is_a_day(self):
        requests = requests_of("shoes", range(0, 86400, 30))
        first, again, other = (self.simulate(requests, "--seed", seed) for seed in ("1", "1", "2"))
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)

    def test_the_room_in_flight_does_not_matter(self):
        """A file is read again with more room for placements in flight; a pipe has much from the start."""
        requests = requests_of("shoes", sorted(2 * list(range(0, 6000))))
        report = self.simulate(requests, "--reserve", "10000", "--asap")
        piped = run("simulate", self.inventory, "--requests", "-", "--report", "-", "--reserve", "10000", "--asap", stdin=requests)
        self.assertEqual(report, json.loads(piped.stdout))

    def test_caps_by_user(self):
        records = INVENTORY[:2] + [{"id": "a1", "campaign": "paced", "bid": 1, "keywords": ["shoes"],
                                    "frequency_caps": [{"max_impressions": 2, "period": "1h"}]}]
        self.inventory = self.write("inventory.jsonl", lines_of(records))
        requests = lines_of({"query": "shoes", "now": DAY0 + time, "user": {"key": "u1"}} for time in range(0, 7200, 100))
        self.assertEqual(self.simulate(requests, "--render", "1")["placements"], 4)

    def test_series(self):
        path = self.folder / "series.csv"
        requests = requests_of("shoes", range(0, 86400, 60))
        plain = self.simulate(requests, "--render", "1")
        self.assertEqual(plain, self.simulate(requests, "--render", "1", "--series", path))  # looking changes nothing
        rows = [row for row in csv.DictReader(path.read_text().splitlines()) if row["id"] == "paced"]
        self.assertEqual(rows[0], {"time": "2026-12-01T00:15:00Z", "kind": "campaign", "id": "paced", "unit": "spend",
                                   "counted": rows[0]["counted"], "reserved": rows[0]["reserved"], "line": "0.010416666", "limit": "1"})
        self.assertEqual([float(row["line"]) for row in rows[:95]], sorted(float(row["line"]) for row in rows[:95]))
        self.assertTrue(all(float(row["counted"]) <= float(row["line"]) + 0.03 for row in rows))  # slack and lead
        self.assertEqual(rows[95]["time"], "2026-12-02T00:00:00Z")
        self.assertEqual(rows[95]["counted"], "0")

    def test_words_for_people(self):
        done = self.run_fine("simulate", self.inventory, "--requests", self.write("requests.jsonl", requests_of("boots", [5])), "--render", "1")
        self.assertIn(b"requests    1\nfilled      1 (100.0 %)\nplacements  1\nexpired     0\nrevenue     0.001 EUR\n", done.stdout)

    def test_no_requests(self):
        report = self.simulate("")
        self.assertEqual((report["requests"], report["fill"], report["limits"]), (0, 0, []))


class Errors(SimulateTest):
    def refused(self, requests, *options):
        done = run("simulate", self.inventory, "--requests", self.write("requests.jsonl", requests), *options)
        self.assertNotEqual(done.returncode, 0)
        return done.stderr.decode()

    def test_requests(self):
        self.assertIn('needs its \\"now\\"', self.refused('{"query":"shoes"}\n'))
        message = self.refused(requests_of("shoes", [5, 4]))
        self.assertIn("requests ascend by time", message)
        self.assertIn("requests.jsonl, line 2", message)
        self.assertIn("line 1", self.refused("{\n"))
        self.assertIn("has no state", self.refused(json.dumps({"query": "shoes", "now": DAY0, "state": {}})))

    def test_options(self):
        for option, value in (("--render", "1.1"), ("--render", "x"), ("--delay", "-1"), ("--seed", "-1"), ("--reserve", "0"), ("--reserve", "86401")):
            self.assertIn(f"{option} is a", self.refused(requests_of("shoes", [1]), option, value))
        self.assertIn("--requests is missing", run("simulate", self.inventory).stderr.decode())
        path = self.write("requests.jsonl", requests_of("shoes", [1]))
        for option in ("--report", "--series"):
            done = run("simulate", self.inventory, "--requests", path, option, path)
            self.assertIn("would be written over", done.stderr.decode())
        self.assertIn("cannot write", self.refused(requests_of("shoes", [1]), "--series", self.folder / "none" / "series"))


if __name__ == "__main__":
    unittest.main()
