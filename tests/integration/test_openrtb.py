# SPDX-License-Identifier: Apache-2.0
"""POST /openrtb2/bid on a real server, and the command beside it, which must answer the same bytes."""

import gzip
import json
import math
import os
import random
import subprocess
import unittest
from decimal import Decimal

from harness import BUILD, SharedServerTest, ad

ADMATCH = os.environ.get("ADMATCH") or str(BUILD / "admatch")
JSON = {"Content-Type": "application/json"}
PATH = "/openrtb2/bid"
LIMIT = 65536
RECORDS = [
    {"type": "inventory", "currency": "USD", "language": "en"},
    {"type": "campaign", "id": "c1", "advertiser": "acme", "domain": "acme.example", "categories": ["IAB17"]},
    {"id": "shoes", "campaign": "c1", "bid": 2.5, "keywords": ["running shoes"], "sizes": ["300x250"], "creative": {"adm": "<b>Run</b>"}},
    ad("trail", '"trail shoes"', bid=0.3, pricing="cpc", ctr=0.01, targeting={"country": ["US"]}, creative={"adm": "<i>Trail</i>"}),
    ad("anyone", "*", bid=0.1, creative={"title": "Naïve \u2028 <&>"}, targeting={"not": {"device": ["tv"]}}),
]


def bid_request(**more):
    return {"id": "r1", "imp": [{"id": "1", "banner": {"w": 300, "h": 250}}], **more}


def random_request(chooser):
    """Members that matter, each there or not, now and then of a type or value that is wrong."""
    def maybe(probability, value):
        return value if chooser.random() < probability else None

    def impression(number):
        banner = maybe(0.9, {"w": chooser.choice([300, 728, 0, "x"] if chooser.random() < 0.1 else [300]), "h": 250,
                             "format": maybe(0.3, [{"w": 728, "h": 90}, {"wratio": 4}])})
        return {"id": maybe(0.97, str(number)), "banner": banner, "bidfloor": maybe(0.3, chooser.choice([0, 0.05, 1e-7, 2.5, 99, -1])),
                "bidfloorcur": maybe(0.3, chooser.choice(["USD", "EUR"])), "secure": maybe(0.3, 1), "video": maybe(0.1, {}),
                "pmp": maybe(0.1, {"private_auction": chooser.choice([0, 1])}), "tagid": maybe(0.2, "top")}

    words = ["running shoes", "trail shoes", "tea", "Größe", "東京", "\u0000", "a,b", ""]
    return {
        "id": maybe(0.97, chooser.choice(["r1", "é", 'q"uote'])),
        "imp": maybe(0.97, [impression(number) for number in range(chooser.choice([0, 1, 1, 1, 2, 5]))]),
        "site": maybe(0.7, {"page": maybe(0.5, "https://x.example/running-shoes?q=trail+shoes"), "search": maybe(0.3, chooser.choice(words)),
                            "keywords": maybe(0.5, ",".join(chooser.sample(words, 3))), "content": maybe(0.3, {"title": chooser.choice(words)})}),
        "device": maybe(0.7, {"geo": {"country": chooser.choice(["USA", "DEU", "us", "??"])}, "devicetype": chooser.choice([1, 2, 3, 9])}),
        "user": maybe(0.3, {"keywords": "trail shoes"}), "regs": maybe(0.3, {"coppa": chooser.choice([0, 1])}),
        "test": maybe(0.4, 1), "cur": maybe(0.3, [chooser.choice(["USD", "EUR"])]), "badv": maybe(0.2, ["acme.example"]),
        "bcat": maybe(0.2, [chooser.choice(["IAB17", "IAB1"])]), "wseat": maybe(0.2, ["acme"]), "bseat": maybe(0.2, ["acme"]),
        "ext": maybe(0.2, {"admatch": {"unique": "none", "text": "new running shoes"}}), "unknown": {"a": [1, {}]},
    }


def as_decide_request(request):
    """What docs/OPENRTB.md makes of a random request, in the words of /v1/decide; None where there can be no bid."""
    site, device, own = (request.get(name) or {} for name in ("site", "device", "ext"))
    own = own.get("admatch", {})
    slots = []
    for impression in request["imp"]:
        banner, floor = impression["banner"], max(impression["bidfloor"] or 0, 0)
        if banner is None or impression["id"] is None or (impression["pmp"] or {}).get("private_auction") or (floor and impression["bidfloorcur"] == "EUR"):
            continue
        given = [*(banner["format"] or []), banner]
        sizes = [f"{size['w']}x{size['h']}" for size in given if isinstance(size.get("w"), int) and size.get("w") and size.get("h")]
        if sizes:  # all of these banners say something of their size
            slots.append({"id": impression["id"], "floor": math.ceil(Decimal(repr(floor)) * 1000000) / 1000000, "size": sizes})
    if not slots or "USD" not in (request.get("cur") or ["USD"]):
        return None
    keywords = [word.strip() for word in (site.get("keywords") or "").split(",")]
    if not (request.get("regs") or {}).get("coppa"):
        keywords.append((request.get("user") or {}).get("keywords", ""))
    context = {"country": {"USA": "US", "us": "US", "DEU": "DE"}.get((device.get("geo") or {}).get("country")),
               "device": {1: "mobile", 2: "desktop", 3: "tv"}.get(device.get("devicetype")),
               "placement": request["imp"][0]["tagid"] if len(request["imp"]) == 1 else None}
    asked = {"id": request["id"], "query": site.get("search"), "keywords": [word for word in keywords if word],
             "title": (site.get("content") or {}).get("title"), "text": own.get("text"), "url": site.get("page"), "unique": own.get("unique") or "ad",
             "slots": slots, "context": {key: value for key, value in context.items() if value},
             "block": {"domains": request.get("badv") or [], "categories": request.get("bcat") or [], "advertisers": request.get("bseat") or []}}
    return {key: value for key, value in asked.items() if value is not None}


class OpenRtbTest(SharedServerTest):
    RECORDS = RECORDS
    OPTIONS = (f"admatch-limit-body = {LIMIT}", "threads = 2")

    def bid(self, body, headers=None):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.server.ask("POST", PATH, body, JSON if headers is None else headers)

    def command(self, option, data):
        return subprocess.run([ADMATCH, "match", str(self.folder / "inventory.jsonl"), option, "-"], input=data, capture_output=True)

    def test_a_request_gets_a_bid(self):
        answer = self.bid(bid_request(site={"page": "https://x.example/running-shoes"}))
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["X-OpenRTB-Version"], "2.6")
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        self.assertEqual(int(answer.headers["Content-Length"]), len(answer.body))
        self.assertEqual(answer.json, {
            "id": "r1", "bidid": answer.generation, "cur": "USD",
            "seatbid": [{"seat": "acme", "bid": [{"id": "08dc8307b57be76c-1", "impid": "1", "price": 2.5, "adid": "shoes", "adm": "<b>Run</b>", "adomain": ["acme.example"],
                                                  "cid": "c1", "crid": "shoes", "cat": ["IAB17"], "w": 300, "h": 250, "mtype": 1}]}]})

    def test_no_bid_is_204_and_the_connection_stays(self):
        connection = self.server.connect()
        self.addCleanup(connection.close)
        for _ in range(3):
            answer = connection.ask("POST", PATH, json.dumps(bid_request(device={"devicetype": 3})), JSON)
            self.assertEqual((answer.status, answer.body), (204, b""))
            self.assertIsNone(answer.headers["Content-Length"])
            self.assertIsNone(answer.headers["Content-Type"])
            self.assertEqual(answer.headers["X-OpenRTB-Version"], "2.6")
            self.assertEqual(connection.ask("POST", PATH, json.dumps(bid_request()), JSON).status, 200)

    def test_no_bid_of_a_test_request_says_why(self):
        answer = self.bid(bid_request(test=1, cur=["GBP"]))
        self.assertEqual((answer.status, answer.json), (200, {"id": "r1", "seatbid": [], "nbr": 501}))

    def test_only_post_is_allowed(self):
        for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS"):
            answer = self.server.ask(method, PATH)
            self.assertEqual((answer.status, answer.headers["Allow"]), (405, "POST"), method)

    def test_bodies_come_plain_packed_or_in_chunks(self):
        body = json.dumps(bid_request()).encode()
        packed = gzip.compress(body)
        wanted = self.bid(body).body
        self.assertEqual(self.bid(body, {}).body, wanted)
        self.assertEqual(self.bid(body, {"Content-Type": "application/json; charset=utf-8"}).body, wanted)
        self.assertEqual(self.bid(packed, {**JSON, "Content-Encoding": "gzip"}).body, wanted)
        self.assertEqual(self.bid(packed, {**JSON, "Content-Encoding": "x-gzip"}).body, wanted)
        self.assertEqual(self.bid(body, {"Content-Type": "text/plain; charset=utf-8"}).body, wanted)
        self.assertEqual(self.server.ask("POST", PATH, iter([body[:7], body[7:]]), JSON).body, wanted)

    def test_other_types_and_encodings_are_refused(self):
        for headers in ({"Content-Type": "text/html"}, {"Content-Type": "application/x-protobuf"}, {**JSON, "Content-Encoding": "br"}):
            self.assertEqual(self.bid(bid_request(), headers).status, 415)

    def test_bodies_that_are_no_bid_requests_are_refused_with_their_place(self):
        for body, status, where in (
            (b"", 400, None), (b"{", 400, None), (b"\xff", 400, None), (b'{"id":"\xed\xa0\x80"}', 400, "$"), (b"{}", 400, "$"),
            (json.dumps(bid_request(site={"kwarray": ["x"] * 40000})).encode(), 413, None), (b"[" + b"0," * 32767 + b"0]", 413, None),
            (b"[" + b"0," * 16400 + b"0]", 400, "$"),
        ):
            answer = self.bid(body)
            self.assertEqual((answer.status, answer.json["error"].get("where")), (status, where), body[:60])
            if status == 400:
                self.assertEqual(answer.headers["X-OpenRTB-Version"], "2.6")
        self.assertEqual(self.bid(gzip.compress(b"0" * 10_000_000), {**JSON, "Content-Encoding": "gzip"}).status, 413)
        self.assertEqual(self.bid(b"no gzip", {**JSON, "Content-Encoding": "gzip"}).status, 400)
        self.assertEqual(self.bid(bid_request()).status, 200)

    def test_what_is_odd_or_too_much_is_no_error(self):
        for body, status in (
            (b'{"id":7,"imp":[{"id":8,"banner":{"w":"300","h":"250"},"bidfloor":"0.05","secure":"0"}]}', 200),
            (b'{"id":"r","imp":[{"id":"1","banner":[]}]}', 200), (b'{"id":"\xed\xa0\x80","imp":[{"id":"1","banner":{}}]}', 200),
            (b'{"id":"r","imp":[{"id":{}}]}', 204), (b'{"id":"r","imp":[{"id":"1","banner":{},"bidfloor":"x"}]}', 204), (b"[" * 1000, 204),
            (json.dumps(bid_request(badv=["d%d" % i for i in range(4097)])).encode(), 204),
        ):
            answer = self.bid(body)
            self.assertEqual(answer.status, status, body[:60])
            if status == 200:
                self.assertEqual({bid["price"] for seat in answer.json["seatbid"] for bid in seat["bid"]}, {0.1})

    def test_oddities_and_reasons_are_counted(self):
        def counted(label):
            return self.server.metrics().get(f"admatch_openrtb_{label}", 0)

        labels = ('oddities_total{member="imp.bidfloor"}', 'oddities_total{member="bcat"}', 'no_bids_total{nbr="500"}', 'no_bids_total{nbr="505"}')
        before = [counted(label) for label in labels]
        self.bid(bid_request(bcat="IAB1,IAB2"))
        self.bid({"id": "r", "imp": [{"id": "1", "banner": {}, "bidfloor": "99"}, {"id": "2", "banner": {}, "bidfloor": "99"}]})
        self.bid(bid_request(bcat=True))
        self.assertEqual([counted(label) - was for label, was in zip(labels, before)], [1, 2, 1, 1])

    def test_requests_are_counted_apart(self):
        def counted(status):
            return self.server.metrics().get(f'admatch_requests_total{{endpoint="openrtb",status="{status}"}}', 0)

        before = {status: counted(status) for status in ("200", "204", "400")}
        self.bid(bid_request())
        self.bid(bid_request(device={"devicetype": 3}))
        self.bid(b"{}")
        for status, count in before.items():
            self.assertEqual(counted(status), count + 1, status)

    def test_the_command_answers_the_same_bytes(self):
        chooser = random.Random(20260)
        lines = [json.dumps({key: value for key, value in random_request(chooser).items() if value is not None}).encode() for _ in range(600)]
        done = self.command("--openrtb-batch", b"".join(line + b"\n" for line in lines))
        answers = done.stdout.split(b"\n")
        self.assertEqual((len(answers), answers.pop()), (len(lines) + 1, b""))
        connection = self.server.connect()
        self.addCleanup(connection.close)
        seen = {}
        for line, wanted in zip(lines, answers):
            answer = connection.ask("POST", PATH, line, JSON)
            self.assertEqual(answer.body, wanted, line)
            seen[answer.status] = seen.get(answer.status, 0) + 1
        for status in (200, 204, 400):
            self.assertGreater(seen.get(status, 0), 30, seen)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{seen[400]} of 600 requests were refused", done.stderr.decode())

    def test_the_ads_that_win_are_those_of_decide(self):
        chooser = random.Random(7)
        connection = self.server.connect()
        self.addCleanup(connection.close)
        compared = 0
        while compared < 400:
            request = {key: value for key, value in random_request(chooser).items() if value is not None and key not in ("wseat", "test")}
            for impression in request.get("imp", []):
                impression["secure"] = None
            answer = connection.ask("POST", PATH, json.dumps(request), JSON)
            if answer.status == 400:
                continue
            compared += 1
            bids = [(bid["impid"], bid["adid"], bid["price"], seat["seat"]) for seat in (answer.json["seatbid"] if answer.body else ()) for bid in seat["bid"]]
            asked = as_decide_request(request)
            decided = connection.ask("POST", "/v1/decide", json.dumps(asked), JSON).json["slots"] if asked else []
            placed = [(slot["id"], won["ad"], won["ecpm"], won["advertiser"]) for slot in decided for won in slot["ads"]]
            self.assertEqual(sorted(bids), sorted(placed), request)

    def test_the_command_answers_one_request(self):
        body = json.dumps(bid_request()).encode()
        done = self.command("--openrtb", body)
        self.assertEqual((done.returncode, done.stdout), (0, self.bid(body).body + b"\n"))
        done = self.command("--openrtb", json.dumps(bid_request(device={"devicetype": 3})).encode())
        self.assertEqual((done.returncode, done.stdout), (0, b"\n"))
        done = self.command("--openrtb", b"{}")
        self.assertEqual((done.returncode, done.stdout), (1, self.bid(b"{}").body + b"\n"))

    def test_the_command_explains_bid_requests(self):
        body = json.dumps(bid_request(device={"devicetype": 3})).encode()
        done = subprocess.run([ADMATCH, "match", str(self.folder / "inventory.jsonl"), "--openrtb", "-", "--explain"], input=body, capture_output=True)
        answer = json.loads(done.stdout)
        self.assertEqual((answer["seatbid"], answer["nbr"]), ([], 500))
        self.assertEqual([each["reason"] for each in answer["ext"]["admatch"]["explain"]["rejected"]], ["targeting"])
        asked = self.bid(bid_request(device={"devicetype": 3}, ext={"admatch": {"explain": True}}))
        self.assertEqual((asked.status, asked.body + b"\n"), (200, done.stdout))

    def test_the_command_takes_one_kind_of_request(self):
        done = subprocess.run([ADMATCH, "match", "x", "--openrtb", "a", "--batch", "b"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--openrtb and --batch exclude one another", done.stderr)


if __name__ == "__main__":
    unittest.main()
