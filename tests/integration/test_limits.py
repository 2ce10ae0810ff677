# SPDX-License-Identifier: Apache-2.0
"""Every limit of docs/HTTP.md, at the limit and one past it, over a real server."""

import contextlib
import gzip
import http.client
import json
import unittest
import zlib

from harness import ServerTest, SharedServerTest, ad

BODY = 65536
WORDS = 3000
JSON = {"Content-Type": "application/json"}


def slots(number, **more):
    return [{"id": f"s{index}", **more} for index in range(number)]


def sizes(number):
    return [f"{width}x1" for width in range(1, number + 1)]


# Member or members at the limit, one past it, where the error is said to be, and its status.
LIMITS = {
    "id": ({"id": "x" * 255}, {"id": "x" * 256}, "$.id", 400),
    "keywords": ({"keywords": ["a"] * 252}, {"keywords": ["a"] * 253}, "$.keywords", 400),
    "slots": ({"slots": slots(64)}, {"slots": slots(65)}, "$.slots", 400),
    "no slots": ({"slots": slots(1)}, {"slots": []}, "$.slots", 400),
    "slot id": ({"slots": [{"id": "x" * 255}]}, {"slots": [{"id": "x" * 256}]}, "$.slots[0].id", 400),
    "count": ({"count": 256}, {"count": 257}, "$.count", 400),
    "no count": ({"count": 1}, {"count": 0}, "$.count", 400),
    "ads in all": ({"slots": slots(2, count=128)}, {"slots": slots(2, count=129)}, "$.slots", 422),
    "sizes": ({"size": sizes(32)}, {"size": sizes(33)}, "$.size", 400),
    "width": ({"size": "65535x1"}, {"size": "65536x1"}, "$.size", 400),
    "height": ({"size": "1x1"}, {"size": "1x0"}, "$.size", 400),
    "floor": ({"floor": 1000000}, {"floor": 1000000.000001}, "$.floor", 400),
    "floor places": ({"floor": 0.000001}, {"floor": 0.0000001}, "$.floor", 400),
    "attribute value": ({"context": {"city": "x" * 255}}, {"context": {"city": "x" * 256}}, "$.context.city", 400),
    "attribute values": ({"context": {"city": ["x"] * 1024}}, {"context": {"city": ["x"] * 1025}}, "$.context", 400),
    "key": ({"context": {"kv": {"k" * 255: "v"}}}, {"context": {"kv": {"k" * 256: "v"}}}, "$.context.kv", 400),
    "country": ({"context": {"country": "US"}}, {"context": {"country": "USA"}}, "$.context.country", 400),
    "blocked names": ({"block": {"domains": ["d.e"] * 4096}}, {"block": {"domains": ["d.e"] * 4097}}, "$.block", 400),
    "blocked name": ({"block": {"advertisers": ["x" * 255]}}, {"block": {"advertisers": ["x" * 256]}}, "$.block.advertisers", 400),
    "now": ({"now": "9999-12-31T23:59:59Z"}, {"now": "10000-01-01T00:00:00Z"}, "$.now", 400),
    "words": ({"text": "a " * WORDS}, {"text": "a " * (WORDS + 1)}, "", 413),
}


class BufferTest(ServerTest):
    def test_a_query_string_for_which_there_is_no_room_is_refused(self):
        """uWSGI serves on without it: an advertiser that was to be blocked would be shown."""
        server = self.serve([ad("a1", "shoes", advertiser="acme")])
        for size in (100, 1200, 1700, 1900, 2100, 2300, 2500, 2900, 3500):
            with self.subTest(size):
                with contextlib.suppress(OSError, http.client.HTTPException):
                    answer = server.ask("GET", f"/v1/decide?query=shoes&block.advertisers=acme&text={'a' * size}")
                    if answer.status == 200:
                        self.assertEqual(answer.json["slots"][0]["ads"], [])


class LimitsTest(SharedServerTest):
    RECORDS = [ad("shoes", "running shoes"), ad("anyone", "*", bid=0.1)]
    OPTIONS = (f"admatch-limit-body = {BODY}", f"admatch-limit-words = {WORDS}", "threads = 2", "buffer-size = 8192")

    def refused(self, answer, status, where=""):
        self.assertEqual(answer.status, status, answer.body[:200])
        error = answer.json["error"]
        self.assertEqual(error["status"], status)
        self.assertTrue(error["reason"])
        self.assertTrue(error.get("where", "").startswith(where), error)

    def test_members_of_a_request(self):
        for name, (fine, over, where, status) in LIMITS.items():
            with self.subTest(name):
                self.assertEqual(self.server.decide(**fine).status, 200)
                self.refused(self.server.decide(**over), status, where)

    def test_the_size_of_a_body(self):
        shell = len(json.dumps({"text": ""}))
        for size, status in ((BODY, 200), (BODY + 1, 413)):
            body = json.dumps({"text": "-" * (size - shell)})
            self.assertEqual(self.server.ask("POST", "/v1/decide", body, JSON).status, status)

    def test_the_size_of_a_packed_body(self):
        shell = len(json.dumps({"text": ""}))
        for size, status in ((BODY, 200), (BODY + 1, 413)):
            body = gzip.compress(json.dumps({"text": "-" * (size - shell)}).encode())
            self.assertEqual(self.server.ask("POST", "/v1/decide", body, {**JSON, "Content-Encoding": "gzip"}).status, status)

    def test_the_size_of_a_query_string(self):
        """uWSGI keeps it twice in its buffer, in the address and by itself."""
        self.assertEqual(self.server.ask("GET", "/v1/decide?query=shoes&text=" + "a+" * 1900).status, 200)
        self.refused(self.server.ask("GET", "/v1/decide?query=shoes&text=" + "a+" * 2900), 400)

    def test_the_depth_of_json(self):
        for depth in (50, 10000):
            body = '{"query":' + "[" * depth + "]" * depth + "}"
            self.refused(self.server.ask("POST", "/v1/decide", body, JSON), 400)

    def test_numbers_that_no_machine_holds(self):
        for number in ("1e999", "-1e999", "1" * 400, "0." + "0" * 400 + "1", "NaN", "Infinity", "0x10", "01", "1.", "-"):
            with self.subTest(number):
                self.refused(self.server.ask("POST", "/v1/decide", '{"count":%s}' % number, JSON), 400)

    def test_strings_that_are_no_text(self):
        for text, status in ((b'"a\\u0000b"', 200), (b'"\\ud800"', 400), (b'"\\udc00\\ud800"', 400), (b'"a\x00b"', 400), (b'"\xff"', 400), (b'"\\x"', 400)):
            with self.subTest(text):
                answer = self.server.ask("POST", "/v1/decide", b'{"query":%s}' % text, JSON)
                self.assertEqual(answer.status, status, answer.body)

    def test_the_same_member_twice(self):
        for body in ('{"query":"a","query":"b"}', '{"context":{"kv":{"a":"b","a":"c"}}}', '{"slots":[{"count":1,"count":2}]}'):
            with self.subTest(body):
                self.refused(self.server.ask("POST", "/v1/decide", body, JSON), 400)

    def test_packed_bodies_that_are_broken(self):
        whole = gzip.compress(b'{"query":"running shoes"}')
        wrong = {"cut": whole[:-9], "wrong check": whole[:-8] + b"\0" * 8, "not gzip": b"{}", "raw deflate": zlib.compress(b"{}"),
                 "something after": whole + b"x", "a bomb": gzip.compress(b" " * 60_000_000)}
        for name, body in wrong.items():
            with self.subTest(name):
                answer = self.server.ask("POST", "/v1/decide", body, {**JSON, "Content-Encoding": "gzip"})
                self.refused(answer, 413 if name == "a bomb" else 400)


if __name__ == "__main__":
    unittest.main()
