# SPDX-License-Identifier: Apache-2.0
"""Calls from a Python app in the same instance, and the route that hands requests to admatch."""

import base64
import json
import pathlib
import unittest

from harness import SANITIZER, ServerTest, ad, eventually, put
from ledger import BROWSER, RECORDS, LedgerTest

HERE = pathlib.Path(__file__).resolve().parent
PLUGINS = pathlib.Path("/usr/lib/uwsgi/plugins")
PYTHON = ("plugins-dir = " + str(PLUGINS), "need-plugin = python3", f"wsgi-file = {HERE / 'rpc_app.py'}", "threads = 4", "enable-threads = true",
          "route = ^/ads admatch:/ads/", "admatch-rpc = 4")
FACTOR = 20  # calls are at least so many times as frequent as requests by http.client over a kept connection

needs_python = unittest.skipUnless((PLUGINS / "python3_plugin.so").exists(), "uWSGI's python3 plugin is not installed")


class CallsTest:
    """What both kinds of server are asked by."""

    def options(self, *more):
        given = {option.split("=")[0].strip() for option in more}
        return [line for line in PYTHON if line.split("=")[0].strip() not in given] + list(more)

    def post(self, server, path, **asked):
        answer = server.ask("POST", path, json.dumps(asked))
        self.assertEqual(answer.status, 200, server.log()[-3000:])
        return answer.json

    def call(self, server, name, *arguments):
        """The answer's bytes, or None."""
        answer = self.post(server, "/call", name=name, arguments=[base64.b64encode(argument).decode() for argument in arguments])
        return None if answer is None else base64.b64decode(answer)

    def decide(self, server, body, name="admatch.decide"):
        pieces = [body[at:at + 65535] for at in range(0, len(body), 65535)]
        return self.call(server, name, b"%d" % len(body), *pieces)


@needs_python
class RpcTest(CallsTest, ServerTest):
    ADS = [ad("a1", "running shoes"), ad("a2", "trail", domain="x.test", categories=["IAB17"], creative={"adm": "<a href='https://x.test/'>x</a>"})]

    def setUp(self):
        super().setUp()
        self.server = self.serve(self.ADS, *self.options())

    def by_socket(self, body):
        return self.server.ask("POST", "/ads/v1/decide", body, {"Content-Type": "application/json"}).body

    def test_an_answer_is_that_of_the_socket(self):
        for body in (b'{"query":"running shoes"}', b"{", b'{"slots":3}', json.dumps({"text": "running shoes " * 20000}).encode()):
            self.assertEqual(self.decide(self.server, body), self.by_socket(body))

    def test_a_body_in_pieces_may_be_cut_anywhere(self):
        body = b'{"query":"running shoes"}'
        whole = self.decide(self.server, body)
        self.assertIn(b'"a1"', whole)
        self.assertEqual(self.call(self.server, "admatch.decide", b"25", body[:1], b"", body[1:13], body[13:]), whole)

    def test_a_body_that_uwsgi_has_cut_is_refused(self):
        body = b'{"query":"' + b"x" * 65536 + b'"}'
        for arguments in ((b"%d" % len(body), body), (), (b"",), (b"25x", b"{}"), (b"-2", b"{}"), (b"9" * 30, b"{}"), (b"1", b"{}")):
            error = json.loads(self.call(self.server, "admatch.decide", *arguments))["error"]
            self.assertEqual(error["status"], 400, arguments)
            self.assertRegex(error["reason"], "length")

    def test_a_body_above_the_limit_is_refused(self):
        answer = json.loads(self.decide(self.server, b" " * ((1 << 20) + 1)))
        self.assertEqual(answer["error"]["status"], 413)

    def test_bids(self):
        answer = json.loads(self.decide(self.server, b'{"id":"1","imp":[{"id":"1","banner":{}}],"site":{"page":"http://x.example/trail"}}', "admatch.openrtb"))
        self.assertEqual(answer["id"], "1")
        self.assertEqual(self.decide(self.server, b'{"id":"1","imp":[{"id":"1","banner":{},"bidfloor":99}],"site":{"page":"http://x.example/trail"}}', "admatch.openrtb"), b"")

    def test_threads_of_the_app(self):
        body = base64.b64encode(b'{"query":"running shoes"}').decode()
        answers = self.post(self.server, "/often", name="admatch.decide", arguments=[base64.b64encode(b"25").decode(), body], threads=16, times=400)
        self.assertEqual(len(answers), 1)
        self.assertIn(b'"a1"', base64.b64decode(answers[0]))

    def test_calls_are_counted(self):
        before = self.decisions()
        for _ in range(5):
            self.decide(self.server, b'{"query":"running shoes"}')
        self.assertEqual(self.decisions(), before + 5)

    def decisions(self):
        lines = self.server.ask("GET", "/ads/metrics").body.decode().splitlines()
        return sum(float(line.split()[1]) for line in lines if line.startswith('admatch_requests_total{endpoint="decide",status="200"}'))

    def test_a_swap_reaches_callers(self):
        put(self.inventory, [ad("newer", "running shoes")])
        eventually("calls get the new inventory", lambda: b'"newer"' in self.decide(self.server, b'{"query":"running shoes"}'))

    def test_the_master_says_that_it_does_not_answer(self):
        self.assertEqual(self.server.ask("GET", "/start").json, '{"error":{"status":503,"reason":"only workers answer calls, once they have been forked"}}')

    def test_without_a_ledger_there_are_no_events(self):
        self.assertEqual(json.loads(self.call(self.server, "admatch.event", b"view", b"x", b"192.0.2.1", b"Mozilla"))["error"]["status"], 404)

    def test_the_route_takes_what_is_below_its_prefix(self):
        self.assertEqual(self.server.ask("GET", "/ads/v1/decide?query=trail").ads, ["a2"])
        self.assertEqual(self.server.ask("GET", "/ads/healthz").status, 200)
        self.assertIn("error", self.server.ask("GET", "/ads").json)
        self.assertEqual(self.server.ask("GET", "/adsense").json, {"python": "/adsense"})
        self.assertEqual(self.server.ask("GET", "/v1/decide").json, {"python": "/v1/decide"})

    @unittest.skipIf(SANITIZER, "a sanitizer slows one side down")
    def test_a_call_is_many_times_as_fast_as_a_request(self):
        """The best of several tries: other processes take their share of this machine."""
        plain = self.serve(self.ADS, "threads = 2", name="plain")  # so that Python itself answers no request
        tries = []
        for _ in range(5):
            tries.append(self.post(self.server, "/rates", port=plain.port))
            if tries[-1]["call"] >= FACTOR * tries[-1]["http.client"]:
                return
        self.fail(f"calls a second: {tries}")


@needs_python
class SwitchTest(CallsTest, ServerTest):
    def test_without_the_option_there_are_no_functions(self):
        server = self.serve([ad("a1", "running shoes")], *self.options("admatch-rpc = 0"))
        self.assertIsNone(self.decide(server, b"{}"))


@needs_python
class EventsTest(CallsTest, LedgerTest):
    AGENT = BROWSER["User-Agent"].encode()

    def setUp(self):
        super().setUp()
        self.server = self.count(*self.options("admatch-events = close"), records=RECORDS)

    def place_one(self):
        answer = json.loads(self.decide(self.server, b'{"query":"running shoes"}'))
        return {kind: url.partition("/v1/" + kind + "/")[2] for kind, url in answer["slots"][0]["ads"][0]["urls"].items()}

    def event(self, *arguments):
        return json.loads(self.call(self.server, "admatch.event", *(argument.encode() if isinstance(argument, str) else argument for argument in arguments)))

    def outcome(self, kind, name="counted"):
        lines = self.server.ask("GET", "/ads/metrics").body.decode().splitlines()
        found = [line for line in lines if line.startswith(f'admatch_events_total{{event="{kind}",outcome="{name}"}}')]
        return sum(float(line.split()[1]) for line in found)

    def test_events_count_once(self):
        urls = self.place_one()
        for kind in ("impression", "view"):
            for _ in range(2):
                self.assertEqual(self.event(kind, urls[kind], "192.0.2.7", self.AGENT), {"status": 204})
            self.assertEqual((self.outcome(kind), self.outcome(kind, "duplicate")), (1, 1))
        token, _, query = urls["click"].partition("?")
        answer = self.event("click", token, "192.0.2.7", self.AGENT, query)
        self.assertEqual(answer["status"], 302)
        self.assertTrue(answer["location"].startswith("https://shop.example/p?k="))
        self.assertEqual(self.outcome("click"), 1)

    def test_robots_do_not_count(self):
        urls = self.place_one()
        self.assertEqual(self.event("impression", urls["impression"], "2001:db8::1", b"Googlebot/2.1"), {"status": 204})
        self.assertEqual((self.outcome("impression"), self.outcome("impression", "robot")), (0, 1))

    def test_what_is_wrong_is_refused(self):
        urls = self.place_one()
        for arguments in ((), ("view",), ("view", urls["view"]), ("view", urls["view"], "nobody", self.AGENT), ("view", urls["view"], "192.0.2.1", self.AGENT, "", "")):
            self.assertEqual(self.event(*arguments)["error"]["status"], 400, arguments)
        self.assertEqual(self.event("nothing", urls["view"], "192.0.2.1", self.AGENT)["error"]["status"], 404)
        self.assertEqual(self.event("view", "x" * 300, "192.0.2.1", self.AGENT)["error"]["status"], 404)
        self.assertEqual(self.event("click", "x" * 60, "192.0.2.1", self.AGENT)["error"]["status"], 410)
