# SPDX-License-Identifier: Apache-2.0
"""Why an ad was not shown: `why` in requests, in the command and in the preview page, for every gate and for ads that no keyword reaches."""

import html
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest
import urllib.parse

from harness import SharedServerTest, ad

ROOT = pathlib.Path(__file__).resolve().parents[2]
ADMATCH = os.environ.get("ADMATCH") or str(ROOT / os.environ.get("ADMATCH_BUILD", "build/release") / "admatch")
NOW = "2026-11-20T12:00:00Z"  # a Friday
GATES = ["paused", "not_started", "ended", "negative_keyword", "negatives_unknown", "targeting", "placement", "size", "floor", "blocked_advertiser",
         "blocked_category", "allowed_category", "seat", "creative", "frequency_cap", "budget", "pacing", "duplicate_advertiser", "excluded_label",
         "outranked"]
# Of requests that meet the work limit, of bid requests, and of servers with a ledger.
ELSEWHERE = ["negatives_unknown", "placement", "allowed_category", "seat", "creative", "frequency_cap", "budget", "pacing"]


def of(name, **members):
    return {"id": name, "advertiser": f"of {name}", "bid": 1, "keywords": ["shoes"], **members}


RIVAL = of("rival", advertiser="rivals", bid=9, labels=["airline"])

# Of each gate: the ad, what the request has beside its query, the gates that must stop it, and the detail.
STOPPED = {
    "paused": (of("a", status="paused"), {}, "status"),
    "not_started": (of("a", start="2026-12-01T00:00:00Z"), {}, f"starts 2026-12-01T00:00:00Z; it is {NOW}"),
    "ended": (of("a", end="2026-11-01T00:00:00Z"), {}, f"ended 2026-11-01T00:00:00Z; it is {NOW}"),
    "negative_keyword": (of("a", negative_keywords=["red"]), {"query": "red shoes"}, "red"),
    "targeting": (of("a", targeting={"country": ["US", "CA"]}), {"context": {"country": "fr"}}, "country: wants CA, US; the request has FR"),
    "size": (of("a", sizes=["300x250", "728x90"]), {"size": "160x600"}, "300x250, 728x90; the slot has 160x600"),
    "floor": (of("a", bid=0.5), {"floor": 1}, "eCPM 0.5; the floor is 1"),
    "blocked_advertiser": (of("a", advertiser="bad"), {"block": {"advertisers": ["bad"]}}, "bad"),
    "blocked_category": (of("a", categories=["IAB7-39"]), {"block": {"categories": ["IAB7"]}}, "IAB7-39"),
    "duplicate_advertiser": (of("a", advertiser="rivals"), {"count": 2}, "rival"),
    "excluded_label": (of("a", exclude_labels=["airline"]), {"count": 2}, "airline"),
    "outranked": (of("a"), {}, "rival by score (9 over 1)"),
}


def why(records, request, name="a"):
    with tempfile.TemporaryDirectory(prefix="admatch-why-") as folder:
        path = pathlib.Path(folder, "inventory.jsonl")
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        body = json.dumps({"query": "shoes", "why": name, "now": NOW, **request})
        done = subprocess.run([ADMATCH, "match", path, "--request", "-", "--test"], input=body.encode(), capture_output=True, check=True)
    return json.loads(done.stdout)["why"]


class WhyTest(unittest.TestCase):
    def test_every_gate_says_what_stops_the_ad(self):
        self.assertEqual(list(STOPPED), [gate for gate in GATES if gate not in ELSEWHERE])
        for gate, (record, request, detail) in STOPPED.items():
            with self.subTest(gate=gate):
                answer = why([record, RIVAL], request)
                self.assertEqual([each["gate"] for each in answer["gates"]], GATES)
                stops = {each["gate"]: each.get("detail") for each in answer["gates"] if each["stops"]}
                self.assertEqual(stops, {gate: detail})
                self.assertEqual((answer["known"], answer["reached"], answer["placed"]), (True, True, False))

    def test_all_gates_that_stop_an_ad_say_so(self):
        record = of("a", status="paused", sizes=["300x250"], bid=0.5, end="2026-11-01T00:00:00Z")
        answer = why([record], {"size": "160x600", "floor": 1})
        self.assertEqual([each["gate"] for each in answer["gates"] if each["stops"]], ["paused", "ended", "size", "floor"])

    def test_an_ad_that_is_placed_is_stopped_by_none(self):
        answer = why([of("a", start="2026-11-01T00:00:00Z", sizes=["300x250"])], {"size": "300x250", "floor": 0.5})
        self.assertTrue(answer["placed"])
        self.assertFalse(any(each["stops"] for each in answer["gates"]))
        details = {each["gate"]: each["detail"] for each in answer["gates"] if "detail" in each}
        self.assertEqual(details, {"not_started": f"starts 2026-11-01T00:00:00Z; it is {NOW}", "size": "300x250; the slot has 300x250",
                                   "floor": "eCPM 1; the floor is 0.5"})

    def test_budgets_that_do_not_stop_say_how_far_they_are_used(self):
        flight = {"start": "2026-11-01T00:00:00Z", "end": "2026-12-01T00:00:00Z", "pacing_curve": "flat"}
        records = [{"type": "campaign", "id": "c", "advertiser": "x", "budget": {"total": 1000, "daily": 100, "clicks": {"total": 50}}, **flight},
                   {"id": "a", "campaign": "c", "bid": 1, "keywords": ["shoes"]}]
        state = {"campaign": {"c": {"spend": {"total": 441.2, "daily": 41.2, "line": 45}, "clicks": {"total": 2, "line": 20}}}}
        for query, placed, used in (("shoes", True, "41.201"), ("boots", False, "41.2")):
            with self.subTest(query=query):
                answer = why(records, {"query": query, "state": state})
                details = {each["gate"]: (each["stops"], each.get("detail", "")) for each in answer["gates"] if each["gate"] in ("budget", "pacing")}
                self.assertEqual(answer["placed"], placed)
                self.assertEqual(details["budget"], (False, f"campaign daily {used} of 100"))
                self.assertFalse(details["pacing"][0])
                self.assertRegex(details["pacing"][1], f"^campaign {used} used, [0-9.]+ allowed by 12:00:00$")

    def test_the_nearest_keyword_lacks_the_fewest_words(self):
        cases = (
            (["red trail shoes", "hiking boots"], "trail boots", "hiking boots", ["hiking"]),
            (["red shoes", "green trail shoes"], "trail", "green trail shoes", ["green", "shoes"]),
            (["red shoes", "blue shoes"], "shoes red-blue", None, None),
            (["shoe size", "blue trail"], "trail size", "shoe size", ["shoe"]),
            (['"trail shoes"'], "shoes for the trail", "trail shoes", []),
            (["[trail shoes]"], "my trail shoes", "trail shoes", []),
            (["Größe"], "grosse", None, None),
        )
        for keywords, query, nearest, missing in cases:
            with self.subTest(keywords=keywords):
                answer = why([of("a", keywords=keywords)], {"query": query})
                self.assertEqual(answer["reached"], nearest is None)
                if nearest:
                    self.assertEqual((answer["keyword"], answer["missing"]), (nearest, missing))

    def test_stems_and_corrections_count(self):
        settings = {"type": "inventory", "language": "en", "spelling": True}
        answer = why([settings, of("a", keywords=["running sneakers outlet", "zebra"])], {"query": "runs snekers"})
        self.assertEqual(answer["missing"], ["outlet"])
        settings = {"type": "inventory", "language": "es"}
        answer = why([settings, of("a", keywords=["habitaciones baratas"])], {"query": "habitación"})
        self.assertEqual(answer["missing"], ["baratas"])
        settings = {"type": "inventory", "language": "vi"}
        answer = why([settings, of("a", keywords=['"áo dài đỏ"'])], {"query": "ao dai"})
        self.assertEqual(answer["missing"], ["đỏ"])

    def test_an_ad_without_keywords_and_no_ad_at_all(self):
        answer = why([of("a", keywords=[]), RIVAL], {})
        self.assertFalse(answer["reached"] or "keyword" in answer)
        self.assertEqual(why([RIVAL], {}), {"ad": "a", "known": False})

    def test_other_answers_stay_the_same(self):
        with tempfile.TemporaryDirectory(prefix="admatch-why-") as folder:
            path = pathlib.Path(folder, "inventory.jsonl")
            path.write_text("".join(json.dumps(record) + "\n" for record in [of("a"), RIVAL]))
            ask = [ADMATCH, "match", path, "--query", "shoes", "--now", NOW]
            plain = json.loads(subprocess.run(ask, capture_output=True, check=True).stdout)
            asked = json.loads(subprocess.run([*ask, "--why", "a"], capture_output=True, check=True).stdout)
            self.assertIn("why", asked)
            self.assertEqual({**plain, "why": asked["why"]}, asked)


class WhyServedTest(SharedServerTest):
    RECORDS = [ad("shoes", "shoes", bid=2), ad("elsewhere", "shoes", targeting={"country": ["FR"]}), ad("boots", "hiking <boots>")]
    OPTIONS = ("admatch-preview = true",)

    def test_the_server_answers_as_the_command(self):
        answer = self.server.ask("GET", "/v1/decide?query=shoes&country=US&why=elsewhere").json["why"]
        self.assertEqual([each for each in answer["gates"] if each["stops"]],
                         [{"gate": "targeting", "stops": True, "detail": "country: wants FR; the request has US"}])

    def page(self, **parameters):
        return self.server.ask("GET", "/preview?" + urllib.parse.urlencode(parameters)).body.decode()

    def test_the_page_shows_each_gate_that_stops_the_ad(self):
        page = self.page(query="shoes", country="US", why="elsewhere", size="1x1")
        section = page[page.index("Why not <code>") : page.index("<h2>Ads</h2>")]
        rows = re.findall(r'<p class="gate"><span>(.*?): <b><bdi>(.*?)</bdi></b></span> <code>(.*?)</code></p>', section)
        self.assertEqual(rows, [("its targeting does not hold", "country: wants FR; the request has US", "targeting")])
        self.assertIn("No gate stops it.", self.page(query="shoes", country="US", why="shoes"))

    def test_the_page_shows_the_nearest_keyword(self):
        page = self.page(query="hiking", why="boots")
        self.assertIn("hiking &lt;boots&gt;</bdi></b>: the request lacks <b><bdi>boots</bdi></b>.", page)
        page = self.page(query="shoes", why="<nobody>")
        self.assertIn("No ad has this id.", page)
        self.assertIn(html.escape("<nobody>"), page)


if __name__ == "__main__":
    unittest.main()
