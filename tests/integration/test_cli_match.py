# SPDX-License-Identifier: Apache-2.0
"""`admatch match`: single requests and batches."""

import gzip
import json
import os
import pathlib
import pty
import re
import subprocess
import unittest

from command import ADMATCH, WITHIN, CommandTest, lines_of, run


class MatchTest(CommandTest):
    def test_an_inventory_and_its_image_give_the_same_answer(self):
        image = self.build()
        arguments = ("--query", "running shoes", "--count", "3", "--explain", "--now", WITHIN)
        answers = [self.match(source, *arguments) for source in (self.inventory, image)]
        self.assertEqual(answers[0], answers[1])
        self.assertEqual([ad["ad"] for ad in answers[0]["slots"][0]["ads"]], ["shoes", "anyone"])

    def test_options_make_the_body_that_a_request_would_have(self):
        body = {
            "id": "r1",
            "query": 'a "quoted" marathon',
            "keywords": ["salomon speedcross 5", "b"],
            "title": "trail shoes",
            "text": "Wörter\nrunning shoes\n",
            "url": "https://site.example/running",
            "slots": [{"count": 4}],
            "context": {"country": ["US", "CA"], "kv": {"sport": ["running", "swimming"]}},
            "explain": True,
        }
        made = self.run_fine(
            "match", self.inventory, "--now", WITHIN, "--id", "r1",
            "--query", body["query"], "--keyword", body["keywords"][0], "--keyword", "b",
            "--title", body["title"], "--text", self.write("text", body["text"]),
            "--url", body["url"], "--count", 4, "--explain",
            "--context", "country=US", "--context", "kv.sport=running",
            "--context", "country=CA", "--context", "kv.sport=swimming",
        )  # fmt: skip
        sent = self.run_fine(
            "match", self.inventory, "--now", WITHIN, "--request", "-", stdin=json.dumps(body)
        )
        self.assertEqual(made.stdout, sent.stdout)
        self.assertEqual(
            [ad["ad"] for ad in json.loads(made.stdout)["slots"][0]["ads"]],
            ["us", "shoes", "exact", "anyone"],
        )

    def test_options_of_the_slot_are_those_of_a_request(self):
        body = {"query": "running shoes", "count": 3, "size": ["300x250", "728x90"], "floor": 0.5, "unique": "none", "why": "us",
                "block": {"advertisers": ["acme", "x"], "categories": ["IAB7"], "domains": ["bad.example"]}}  # fmt: skip
        made = self.run_fine(
            "match", self.inventory, "--now", WITHIN, "--query", "running shoes", "--count", 3, "--size", "300x250", "--size", "728x90",
            "--floor", "0.5", "--unique", "none", "--why", "us", "--block", "advertiser=acme", "--block", "category=IAB7",
            "--block", "advertiser=x", "--block", "domain=bad.example",
        )  # fmt: skip
        sent = self.run_fine("match", self.inventory, "--now", WITHIN, "--request", "-", stdin=json.dumps(body))
        self.assertEqual(made.stdout, sent.stdout)

    def test_spelling_is_switched_on_for_an_inventory_only(self):
        plain = self.winners(self.inventory, "--query", "marathom trail", "--now", WITHIN, "--context", "country=US", "--context", "kv.sport=running")
        self.assertEqual(plain, ["anyone"])
        asked = self.winners(self.inventory, "--query", "marathom trail", "--now", WITHIN, "--context", "country=US", "--context", "kv.sport=running",
                             "--spelling")  # fmt: skip
        self.assertEqual(asked, ["us"])
        refused = run("match", self.build(), "--query", "a", "--spelling")
        self.assertEqual(refused.returncode, 1)
        self.assertIn(b"--spelling needs its inventory", refused.stderr)

    def test_a_terminal_gets_words(self):
        leader, follower = pty.openpty()
        for options, wanted in (((), "1. shoes: 1.25 EUR cpm, eCPM 1.25\r\n   broad keyword \"running shoes\" in query; campaign c1 of acme\r\n"),
                                (("--json",), '{"generation":')):
            with self.subTest(options=options):
                subprocess.run([ADMATCH, "match", self.inventory, "--query", "running shoes", *options], stdout=follower, check=True, timeout=60)
                self.assertTrue(os.read(leader, 4096).decode().startswith(wanted))
        os.close(leader)
        os.close(follower)

    def test_context_decides_targeting(self):
        arguments = (self.inventory, "--now", WITHIN, "--query", "marathon")
        self.assertEqual(self.winners(*arguments), ["anyone"])
        country = ("--context", "country=us")
        sport = ("--context", "kv.sport=running")
        self.assertEqual(self.winners(*arguments, *country), ["anyone"])
        self.assertEqual(self.winners(*arguments, *country, *sport), ["us"])

    def test_a_request_may_have_no_words_at_all(self):
        self.assertEqual(self.winners(self.inventory, "--context", "country=US"), ["anyone"])

    def test_a_state_is_given_by_a_file_or_by_the_request(self):
        records = [{"type": "campaign", "id": "c1", "advertiser": "acme", "budget": {"impressions": {"daily": 10}}, "pacing": "asap", "frequency_caps": [{"max_impressions": 1, "period": "1d"}]},
                   {"id": "a1", "campaign": "c1", "bid": 1, "keywords": ["shoes"]}]
        inventory = self.write("limited.jsonl", lines_of(records))
        used = {"campaign": {"c1": {"impressions": {"daily": 10}}}}
        seen = {"campaign": {"c1": {"caps": {"24h": {"count": 1, "opened": WITHIN}}}}}
        ask = lambda state, *options, **more: self.match(inventory, "--now", WITHIN, "--request", "-", *options, stdin=json.dumps({"query": "shoes", "explain": True, **({"state": state} if state is not None else {}), **more}))
        self.assertNotIn("pace", ask(None)["slots"][0]["ads"][0])
        self.assertEqual(ask({}, "--test")["slots"][0]["ads"][0]["pace"], "line")
        self.assertEqual(ask(used, "--test")["explain"]["rejected"][0]["detail"], "campaign daily impressions 10 of 10")
        self.assertEqual(ask(seen, "--test", user={"key": "ann"})["explain"]["rejected"][0]["detail"], "campaign 1 in 1d")
        self.assertEqual(len(ask(seen, "--test")["slots"][0]["ads"]), 1)
        state = self.write("state.json", json.dumps(used))
        self.assertEqual(ask(None, "--state", state)["explain"]["rejected"][0]["reason"], "budget")
        self.assertEqual(len(ask({}, "--state", state, "--test")["slots"][0]["ads"]), 1)

    def test_states_that_are_refused(self):
        inventory = self.write("limited.jsonl", lines_of([{"type": "campaign", "id": "c1", "advertiser": "acme"}, {"id": "a1", "campaign": "c1", "bid": 1, "keywords": ["shoes"]}]))
        for state, where in (({"campaign": {"cx": {}}}, "$.campaign.cx"), ({"campaigns": {}}, "$.campaigns"), ({"campaign": {"c1": {"spend": {"total": -1}}}}, "$.campaign.c1.spend.total"),
                             ({"ad": {"a1": {"clicks": {"daily": 1.5}}}}, "$.ad.a1.clicks.daily"), ({"ad": {"a1": {"caps": {"1w": {}}}}}, '$.ad.a1.caps["1w"]'),
                             ({"ad": {"a1": {"paused": 1}}}, "$.ad.a1.paused"), ({"ad": {"a1": {"spent": {}}}}, "$.ad.a1.spent"), ({"ad": []}, "$.ad")):
            with self.subTest(state=state):
                done = run("match", inventory, "--test", "--request", "-", stdin=json.dumps({"query": "shoes", "state": state}).encode())
                self.assertEqual((done.returncode, json.loads(done.stdout)["error"]["where"]), (1, where))
        done = run("match", inventory, "--request", "-", stdin=b'{"state":{}}')
        self.assertIn("state is for tests", json.loads(done.stdout)["error"]["reason"])

    def test_now_and_test_move_the_clock(self):
        context = {"country": "US", "kv": {"sport": ["running"]}}
        body = json.dumps({"query": "marathon", "context": context, "now": WITHIN})
        request = (self.inventory, "--request", "-")
        self.assertEqual(self.winners(*request, "--now", WITHIN, stdin=body), ["us"])
        late = ("--now", "2027-01-01T00:00:00Z")
        self.assertEqual(self.winners(*request, *late, stdin=body), ["anyone"])
        self.assertEqual(self.winners(*request, *late, "--test", stdin=body), ["us"])

    def test_text_comes_from_standard_input(self):
        found = self.winners(self.inventory, "--text", "-", stdin="we like trail shoes, too")
        self.assertEqual(found, ["shoes"])

    def test_an_invalid_request_is_answered_with_its_error(self):
        done = run("match", self.inventory, "--request", "-", stdin='{"query":1}')
        self.assertEqual(done.returncode, 1)
        error = json.loads(done.stdout)["error"]
        self.assertEqual((error["status"], error["where"]), (400, "$.query"))

    def test_answers_go_to_a_file(self):
        output = self.folder / "answer.json"
        done = self.run_fine("match", self.inventory, "--query", "x", "-o", output)
        self.assertEqual(done.stdout, b"")
        self.assertIn("slots", json.loads(output.read_text()))

    def test_no_input_is_written_over(self):
        requests = self.write("requests", '{"query":"a"}\n')
        message = self.run_refused(
            2, "match", self.inventory, "--batch", requests, "-o", requests
        )
        self.assertIn("would be written over", message)
        self.assertEqual(requests.read_text(), '{"query":"a"}\n')

    def test_problems_of_the_inventory_are_told(self):
        bad = self.write("bad.jsonl", self.inventory.read_text() + "nonsense\n")
        done = run("match", bad, "--query", "a")
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(f"{bad}:7: error: ".encode(), done.stderr)
        self.assertEqual(self.winners(bad, "--skip", "--query", "a"), ["anyone"])

    def test_a_broken_image_is_not_matched_against(self):
        data = bytearray(self.build().read_bytes())
        data[-70] ^= 1
        self.run_refused(1, "match", self.write("broken.admx", bytes(data)), "--query", "a")


class BatchTest(CommandTest):
    def batch(self, text, code=0, **options):
        done = run("match", self.inventory, "--batch", "-", stdin=text, **options)
        self.assertEqual(done.returncode, code, done.stderr.decode())
        return done.stdout.decode().splitlines()

    def test_answers_are_those_of_single_requests_in_order(self):
        queries = ["running shoes", "nothing", "salomon speedcross 5", "free running shoes"]
        answers = self.batch(lines_of({"id": q, "query": q} for q in queries))
        self.assertEqual([json.loads(answer)["id"] for answer in answers], queries)
        for query, answer in zip(queries, answers):
            single = self.run_fine("match", self.inventory, "--id", query, "--query", query)
            self.assertEqual(single.stdout.decode(), answer + "\n")

    def test_many_requests_keep_their_order(self):
        answers = self.batch(lines_of({"id": str(i), "query": "x"} for i in range(50_000)))
        self.assertEqual([json.loads(a)["id"] for a in answers], [str(i) for i in range(50_000)])

    def test_an_invalid_line_gets_its_error_and_the_rest_goes_on(self):
        text = '{"id":"1"}\nnonsense\n\n{"id":"4"}\n'
        answers = [json.loads(line) for line in self.batch(text, code=1)]
        self.assertEqual([answer.get("id") for answer in answers], ["1", None, None, "4"])
        self.assertEqual([a["error"]["status"] for a in answers[1:3]], [400, 400])
        done = run("match", self.inventory, "--batch", "-", stdin=text)
        self.assertIn(b"2 of 4 requests were refused, the first in line 2", done.stderr)

    def test_a_line_that_is_too_long_is_refused_alone(self):
        long = json.dumps({"id": "2", "query": "x" * 5_000_000})
        answers = self.batch(f'{{"id":"1"}}\n{long}\n{{"id":"3"}}\n', code=1)
        answers = [json.loads(line) for line in answers]
        self.assertEqual([answer.get("id") for answer in answers], ["1", None, "3"])
        self.assertEqual(answers[1]["error"]["status"], 413)

    def test_lines_may_end_with_carriage_returns_or_the_file(self):
        answers = [json.loads(line) for line in self.batch('{"id":"1"}\r\n{"id":"2"}')]
        self.assertEqual([answer["id"] for answer in answers], ["1", "2"])

    def test_no_requests_give_no_answers(self):
        self.assertEqual(self.batch(""), [])

    def test_a_batch_may_be_gzip(self):
        text = lines_of({"id": str(i)} for i in range(1000))
        self.assertEqual(self.batch(gzip.compress(text.encode())), self.batch(text))

    def test_gzip_that_is_cut_is_an_error_after_its_answers(self):
        text = lines_of({"id": str(i)} for i in range(1000))
        done = run("match", self.inventory, "--batch", "-", stdin=gzip.compress(text.encode())[:-9])
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"gzip", done.stderr)

    def test_memory_does_not_grow_with_the_batch(self):
        line = (json.dumps({"id": "1", "text": "word " * 20_000}) + "\n").encode()
        files = [str(self.inventory), "--batch", "-", "-o", "/dev/null"]
        child = subprocess.Popen([ADMATCH, "match", *files], stdin=subprocess.PIPE)
        peaks = []
        for count in (30, 300):
            for _ in range(count):
                child.stdin.write(line)
            child.stdin.flush()
            status = pathlib.Path(f"/proc/{child.pid}/status").read_text()
            peaks.append(int(re.search(r"VmHWM:\s*(\d+)", status)[1]))
        child.stdin.close()
        self.assertEqual(child.wait(), 0)
        self.assertLess(peaks[1], peaks[0] + 4096)

    def test_a_reader_that_leaves_ends_the_batch_quietly(self):
        path = self.write("requests", '{"query":"running shoes"}\n' * 200_000)
        child = subprocess.Popen(
            [ADMATCH, "match", str(self.inventory), "--batch", str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.assertTrue(child.stdout.readline().startswith(b"{"))
        child.stdout.close()
        self.assertEqual(child.stderr.read(), b"")
        child.stderr.close()
        self.assertEqual(child.wait(timeout=60), 0)


if __name__ == "__main__":
    unittest.main()
