# SPDX-License-Identifier: Apache-2.0
"""Budgets, pacing and frequency caps of a server with a ledger: what stops, what answers say, what is counted, and who may opt out."""

import datetime
import unittest

from harness import eventually, put
from ledger import LedgerTest

CAPPED = [{"max_impressions": 2, "period": "1d"}]


def campaign(**more):
    return {"type": "campaign", "id": "c1", "advertiser": "acme", **more}


def ad(identity="a1", **more):
    return {"id": identity, "campaign": "c1", "bid": 1000, "keywords": ["shoes"], **more}


class BudgetTest(LedgerTest):
    def ads(self, server, **request):
        answer = server.decide(query="shoes", **request)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json["slots"][0]["ads"]

    def reason(self, server, **request):
        """(gate, detail) of the first ad that lost."""
        lost = server.decide(query="shoes", explain=True, **request).json["explain"]["rejected"][0]
        return lost["reason"], lost.get("detail", "")

    def reason_if_any(self, server, **request):
        lost = server.decide(query="shoes", explain=True, **request).json["explain"]["rejected"]
        return lost[0]["detail"] if lost else ""

    def ready(self, server):
        """Limited ads run from the ledger's first step on."""
        eventually("the ledger is stepped", lambda: server.ask("HEAD", "/v1/decide?query=shoes").status == 200 and self.why(server) != "stale")
        return server

    def why(self, server):
        gates = {gate["gate"]: gate for gate in server.decide(query="nothing at all", why="a1").json["why"]["gates"]}
        return "stale" if "not up to date" in gates["budget"].get("detail", "") else "fine"

    def test_a_budget_stops_and_is_never_exceeded(self):
        server = self.ready(self.count(records=[campaign(budget={"impressions": {"total": 5}}, pacing="asap"), ad()]))
        shown = []
        for _ in range(20):
            shown += self.ads(server)
        self.assertEqual(len(shown), 5)
        self.assertEqual({placed["pace"] for placed in shown}, {"line"})
        self.assertEqual(list(shown[0])[-2:], ["pace", "urls"])
        self.assertEqual(self.reason(server), ("budget", "campaign total impressions 5 of 5"))
        for placed in shown:
            self.fire(server, placed["urls"]["impression"])
        eventually("all are counted", lambda: self.counters()["c1"][1] == 5)
        self.assertEqual(self.ads(server), [])

    def test_reservations_are_given_back(self):
        server = self.ready(self.count(records=[campaign(budget={"impressions": {"total": 1}}, pacing="asap"), ad()]))
        for _ in range(10):
            self.assertEqual(server.ask("HEAD", "/v1/decide?query=shoes").status, 200)
        self.assertEqual(len(self.ads(server)), 1)
        self.assertEqual(self.ads(server), [])

    def test_a_page_for_people_takes_nothing(self):
        server = self.ready(self.count("admatch-preview = true", records=[campaign(budget={"impressions": {"total": 1}}, pacing="asap"), ad()]))
        for _ in range(3):
            self.assertIn(b"a1", server.ask("GET", "/preview?query=shoes").body)
        self.assertEqual(len(self.ads(server)), 1)

    def test_several_slots_see_one_another(self):
        server = self.ready(self.count(records=[campaign(budget={"impressions": {"total": 2}}, pacing="asap"), ad()]))
        answer = server.decide(query="shoes", unique="none", slots=[{"id": str(i)} for i in range(4)]).json
        self.assertEqual([len(slot["ads"]) for slot in answer["slots"]], [1, 1, 0, 0])

    def test_an_even_budget_waits_for_its_line(self):
        server = self.ready(self.count(records=[campaign(start="2020-01-01T00:00:00Z", end="2099-01-01T00:00:00Z", budget={"total": 1000}, pacing_curve="flat"), ad()]))
        gates = []
        for _ in range(30):
            if not self.ads(server):
                gates.append(self.reason(server))
        self.assertEqual({gate for gate, _ in gates}, {"pacing"})
        self.assertRegex(gates[-1][1], r"^campaign [0-9.]+ used, [0-9.]+ allowed by \d\d:\d\d:\d\d$")

    def test_a_cap_by_key(self):
        server = self.ready(self.count(records=[campaign(frequency_caps=CAPPED), ad()]))
        self.assertEqual([len(self.ads(server, user={"key": "ann"})) for _ in range(4)], [1, 1, 0, 0])
        self.assertEqual(self.reason(server, user={"key": "ann"}), ("frequency_cap", "campaign 2 in 1d"))
        self.assertEqual(len(self.ads(server, user={"key": "bob"})), 1)
        self.assertEqual(len(self.ads(server)), 1)
        self.assertNotIn("pace", self.ads(server)[0])

    def test_caps_that_the_caller_carries(self):
        server = self.ready(self.count(records=[campaign(frequency_caps=CAPPED), ad()]))
        state, filled = "", []
        for _ in range(4):
            answer = server.decide(query="shoes", user={"caps": state}).json
            self.assertEqual(list(answer)[-2:], ["slots", "user"])
            state = answer["user"]["caps"]
            filled.append(len(answer["slots"][0]["ads"]))
        self.assertEqual(filled, [1, 1, 0, 0])
        forged = state[:-1] + ("A" if state[-1] != "A" else "B")
        self.assertEqual(len(self.ads(server, user={"caps": forged})), 1)

    def test_who_opted_out_has_no_user(self):
        server = self.ready(self.count(records=[campaign(frequency_caps=CAPPED, without_user="skip"), ad()]))
        self.assertEqual(len(self.ads(server, user={"key": "ann"})), 1)
        for privacy in ({"coppa": 1}, {"gdpr": True}, {"gpp": "DBABMA~CPXxRfA"}, {"us_privacy": "1YYN"}):
            with self.subTest(privacy):
                self.assertEqual(self.reason(server, user={"key": "ann"}, privacy=privacy), ("frequency_cap", "no user"))
        for privacy in ({"coppa": 0}, {"gdpr": False}, {"gpp": ""}, {"us_privacy": "1YNN"}, {}):
            with self.subTest(privacy):
                self.assertNotEqual(self.reason_if_any(server, user={"key": "carol"}, privacy=privacy), "no user")
        answer = server.ask("POST", "/v1/decide", b'{"query":"shoes","user":{"key":"dave"},"explain":true}', {"Sec-GPC": "1"}).json
        self.assertEqual(answer["explain"]["rejected"][0]["detail"], "no user")
        self.assertEqual(self.reason(server), ("frequency_cap", "no user"))

    def test_bad_users_are_refused(self):
        server = self.count(records=[campaign(frequency_caps=CAPPED), ad()])
        for user, where in (({"key": "a", "caps": ""}, "$.user.caps"), ({"key": ""}, "$.user.key"), ({"key": "k" * 256}, "$.user.key"), ({"kee": "a"}, "$.user.kee"),
                            ({"caps": "c" * 1025}, "$.user.caps"), ({"key": 5}, "$.user.key"), ("ann", "$.user")):
            with self.subTest(user=user):
                answer = server.decide(query="shoes", user=user)
                self.assertEqual((answer.status, answer.json["error"]["where"]), (400, where))
        for privacy, where in (({"gdpr": 2}, "$.privacy.gdpr"), ({"us_privacy": "1"}, "$.privacy.us_privacy"), ({"ccpa": 1}, "$.privacy.ccpa")):
            with self.subTest(privacy=privacy):
                answer = server.decide(query="shoes", privacy=privacy)
                self.assertEqual((answer.status, answer.json["error"]["where"]), (400, where))

    def test_limits_need_a_ledger(self):
        records = [campaign(budget={"daily": 5}), ad()]
        refused = self.serve(records, start=False, name="refused")
        refused.spawn()
        eventually("it says what to set", lambda: "admatch-ledger = none to ignore them" in refused.log())
        refused.ends()
        ignoring = self.serve(records, "admatch-ledger = none", name="ignoring")
        self.assertEqual(len(ignoring.decide(query="shoes").json["slots"][0]["ads"]), 1)

    def test_another_currency_is_refused(self):
        first = self.count(records=[{"type": "inventory", "currency": "EUR"}, campaign(), ad()])
        first.stop()
        second = self.count(records=[{"type": "inventory", "currency": "USD"}, campaign(), ad()], start=False, name="second")
        second.spawn()
        eventually("it says why", lambda: "EUR" in second.log() and "USD" in second.log())
        second.ends()

    def test_what_was_stopped_at_a_publication_runs_again(self):
        """The step marks what is stopped; a mark of the publication's moment must not stay."""
        start = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
        flight = {"start": start.isoformat().replace("+00:00", "Z"), "end": (start + datetime.timedelta(seconds=600)).isoformat().replace("+00:00", "Z")}
        records = [campaign(budget={"impressions": {"total": 300}}, pacing_curve="flat", **flight), ad()]
        server = self.ready(self.count(records=records))
        while self.ads(server):
            pass
        before = server.generation()
        put(self.inventory, [*records, {"id": "other", "advertiser": "x", "bid": 1, "keywords": ["hats"]}])
        while server.generation() == before:
            self.ads(server)
        eventually("its line goes on", lambda: self.ads(server))

    def test_a_budget_is_raised_while_serving(self):
        records = [campaign(budget={"impressions": {"total": 2}}, pacing="asap"), ad()]
        server = self.ready(self.count(records=records))
        self.assertEqual([len(self.ads(server)) for _ in range(4)], [1, 1, 0, 0])
        before = server.generation()
        records[0]["budget"]["impressions"]["total"] = 3
        put(self.inventory, records)
        eventually("the new budget serves", lambda: server.generation() != before)
        eventually("one more runs", lambda: self.ads(server))
        self.assertEqual(self.ads(server), [])


if __name__ == "__main__":
    unittest.main()
