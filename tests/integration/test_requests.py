# SPDX-License-Identifier: Apache-2.0
"""Endpoints, methods, bodies and connections, on each protocol that uWSGI speaks."""

import gzip
import json
import socket
import struct
import unittest

from harness import PATIENCE, ServerTest, SharedServerTest, ad, eventually

ADS = [ad("shoes", "running shoes"), ad("anyone", "*", bid=0.1)]
JSON = {"Content-Type": "application/json"}
LIMIT = 8192


def exchange(port, data, until_closed=True):
    """Sends raw bytes, and returns what comes until the server closes (or, quietly, until the timeout)."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(data)
        while True:
            try:
                block = connection.recv(65536)
            except ConnectionResetError:
                break
            if not block:
                break
            received += block
    return received


def uwsgi_packet(variables, modifier):
    pairs = b"".join(
        struct.pack("<H", len(part)) + part for item in variables.items() for part in (str(item[0]).encode(), str(item[1]).encode())
    )
    return struct.pack("<BHB", modifier, len(pairs), 0) + pairs


class RequestsTest(SharedServerTest):
    RECORDS = ADS + [ad("later", "shoes of tomorrow", start="2100-01-01T00:00:00Z")]
    OPTIONS = (f"admatch-limit-body = {LIMIT}", "threads = 2")

    def test_a_query_string_gets_ads(self):
        answer = self.server.ask("GET", "/v1/decide?query=running+shoes&count=2")
        self.assertEqual((answer.status, answer.ads), (200, ["shoes", "anyone"]))
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        self.assertEqual(int(answer.headers["Content-Length"]), len(answer.body))
        self.assertRegex(answer.generation, "^[0-9a-f]{16}$")
        self.assertEqual(answer.json["generation"], answer.generation)

    def test_a_json_body_gets_ads(self):
        self.assertEqual(self.server.decide(query="running shoes").ads, ["shoes"])

    def test_a_plain_text_body_is_the_text(self):
        answer = self.server.ask("POST", "/v1/decide", "my running shoes", {"Content-Type": "text/plain; charset=utf-8"})
        self.assertEqual(answer.ads, ["shoes"])

    def test_a_page_in_html_is_read_as_a_browser_shows_it(self):
        page = "<title>of tomorrow</title><p>my <b>run</b>ning&nbsp;shoes"
        answer = self.server.ask("POST", "/v1/decide", page, {"Content-Type": "text/html"})
        self.assertEqual(answer.ads, ["shoes"])
        spans = answer.json["slots"][0]["ads"][0]["match"]["spans"]
        self.assertEqual([page[slice(*span["bytes"])] for span in spans], ["run</b>ning", "shoes"])

    def test_a_text_comes_in_its_charset(self):
        for charset in ("ISO-8859-1", '"windows-1252"', "us-ascii"):
            body = "\u00e9 my running shoes".encode("latin-1")
            answer = self.server.ask("POST", "/v1/decide", body, {"Content-Type": f"text/plain; a=b; charset={charset}"})
            spans = answer.json["slots"][0]["ads"][0]["match"]["spans"]
            self.assertEqual(spans[0], {"bytes": [5, 12], "utf16": [5, 12]})

    def test_an_unknown_charset_is_refused(self):
        for kind in ("text/plain", "text/html"):
            answer = self.server.ask("POST", "/v1/decide", "my running shoes", {"Content-Type": f"{kind}; charset=utf-16"})
            self.assertEqual(answer.status, 415)
            self.assertIn("charset", answer.json["error"]["reason"])

    def test_a_body_without_content_type_is_json(self):
        self.assertEqual(self.server.ask("POST", "/v1/decide", b'{"query":"running shoes"}').ads, ["shoes"])

    def test_a_gzip_body_is_unpacked(self):
        body = gzip.compress(b'{"query":"running shoes"}')
        answer = self.server.ask("POST", "/v1/decide", body, {**JSON, "Content-Encoding": "gzip"})
        self.assertEqual(answer.ads, ["shoes"])

    def test_a_gzip_body_that_unpacks_above_the_limit_is_refused(self):
        body = gzip.compress(json.dumps({"text": "word " * LIMIT}).encode())
        self.assertEqual(self.server.ask("POST", "/v1/decide", body, {**JSON, "Content-Encoding": "gzip"}).status, 413)

    def test_a_chunked_body_is_read(self):
        chunks = [b'{"query":', b'"running ', b'shoes"}']
        self.assertEqual(self.server.ask("POST", "/v1/decide", iter(chunks), JSON).ads, ["shoes"])

    def test_a_chunked_body_above_the_limit_is_refused(self):
        chunks = [b"x" * 1000] * 20
        self.assertEqual(self.server.ask("POST", "/v1/decide", iter(chunks), JSON).status, 413)

    def test_chunks_that_are_none_are_refused(self):
        head = b"POST /v1/decide HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        self.assertIn(b" 400 ", exchange(self.server.port, head + b"zz\r\n").split(b"\r\n")[0])

    def test_after_a_chunked_body_the_connection_closes_and_says_so(self):
        answer = self.server.ask("POST", "/v1/decide", iter([b"{}"]), JSON)
        self.assertEqual(answer.headers["Connection"], "close")

    def test_a_post_without_length_asks_for_one(self):
        head = b"POST /v1/decide HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=PATIENCE) as connection:
            connection.sendall(head)
            self.assertIn(b" 411 ", connection.recv(65536).split(b"\r\n")[0])

    def test_bodies_whose_end_is_in_doubt_are_refused_and_the_connection_closes(self):
        for headers in (b"Content-Length: 5, 7", b"Content-Length: 18446744073709551618", b"Content-Length: -1",
                        b"Content-Length: 2\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked"):
            with self.subTest(headers=headers):
                head = b"POST /v1/decide HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n\r\n"
                received = exchange(self.server.port, head + b"{}GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                self.assertIn(b" 400 ", received.split(b"\r\n")[0])
                self.assertEqual(received.count(b"HTTP/1.1 "), 1)

    def test_a_body_above_the_limit_is_refused_after_it_has_been_read(self):
        answer = self.server.ask("POST", "/v1/decide", b"x" * (LIMIT + 1), JSON)
        self.assertEqual((answer.status, answer.json["error"]["status"]), (413, 413))

    def test_a_body_far_above_the_limit_closes_the_connection(self):
        head = b"POST /v1/decide HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n"
        received = exchange(self.server.port, head + b"x" * (LIMIT * 4 + 1))
        self.assertTrue(received == b"" or b" 413 " in received.split(b"\r\n")[0])
        self.assertEqual(self.server.decide(query="running shoes").ads, ["shoes"])

    def test_a_body_that_ends_early_is_no_crash(self):
        head = b"POST /v1/decide HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
        with socket.create_connection(("127.0.0.1", self.server.port)) as connection:
            connection.sendall(head)
        self.assertEqual(self.server.decide(query="running shoes").ads, ["shoes"])

    def test_other_content_types_are_refused(self):
        for headers in ({"Content-Type": "application/xml"}, {**JSON, "Content-Encoding": "br"}):
            answer = self.server.ask("POST", "/v1/decide", "{}", headers)
            self.assertEqual((answer.status, answer.json["error"]["status"]), (415, 415))

    def test_broken_json_is_refused_with_its_place(self):
        answer = self.server.ask("POST", "/v1/decide", '{"slots":[{"count":"x"}]}', JSON)
        self.assertEqual((answer.status, answer.json["error"]["where"]), (400, "$.slots[0].count"))

    def test_other_paths_are_not_found(self):
        for path in ("/", "/v1/decide//", "/v1", "/metricsx"):
            answer = self.server.ask("GET", path)
            self.assertEqual((answer.status, answer.json["error"]["status"]), (404, 404))

    def test_other_methods_are_told_which_are_allowed(self):
        for path, allow in (("/v1/decide", "GET, HEAD, POST"), ("/healthz", "GET, HEAD"), ("/readyz", "GET, HEAD"), ("/metrics", "GET, HEAD")):
            for method in ("OPTIONS", "DELETE", "PUT", "PATCH"):
                answer = self.server.ask(method, path)
                self.assertEqual((answer.status, answer.headers["Allow"]), (405, allow))
        self.assertEqual(self.server.ask("POST", "/healthz", "x").status, 405)

    def test_head_sends_the_head_of_get_and_no_body(self):
        for path in ("/v1/decide?query=running+shoes", "/healthz", "/readyz", "/nowhere"):
            with self.subTest(path=path):
                connection = self.server.connect()
                self.addCleanup(connection.close)
                got, headed = self.server.ask("GET", path), connection.ask("HEAD", path)
                self.assertEqual((headed.status, headed.body), (got.status, b""))
                self.assertEqual(headed.headers["Content-Length"], got.headers["Content-Length"])
                self.assertEqual(connection.ask("GET", "/healthz").status, 200)

    def test_health_and_readiness(self):
        self.assertEqual(self.server.ask("GET", "/healthz").json, {"ok": True})
        self.assertEqual(self.server.ask("GET", "/readyz").json, {"ready": True})

    def test_one_connection_carries_many_requests_of_all_kinds(self):
        connection = self.server.connect()
        self.addCleanup(connection.close)
        local = None
        for _ in range(3):
            for method, path, body, status in (
                ("GET", "/v1/decide?query=running+shoes", None, 200), ("POST", "/v1/decide", b'{"query":"running shoes"}', 200),
                ("POST", "/v1/decide", b"{", 400), ("POST", "/nowhere", b"some body", 404), ("DELETE", "/healthz", b"body", 405),
                ("GET", "/healthz", b"a body that nobody wants", 200), ("HEAD", "/metrics", None, 200),
            ):
                self.assertEqual(connection.ask(method, path, body, JSON if body else {}).status, status)
                local = local or connection.sock.getsockname()
                self.assertEqual(connection.sock.getsockname(), local)

    def test_now_counts_only_in_tests(self):
        answer = self.server.decide(query="shoes of tomorrow", now="2101-01-01T00:00:00Z", slots=[{"count": 3}])
        self.assertEqual(answer.ads, ["anyone"])

    def test_percent_encoded_and_unusual_bytes_are_no_crash(self):
        for query in ("query=%00%ff%zz", "query=%F0%9F%91%9F", "&&&===", "count=-1", "query=" + "a" * 3000):
            self.assertIn(self.server.ask("GET", "/v1/decide?" + query).status, (200, 400, 422))


class TestModeTest(ServerTest):
    def test_a_test_server_obeys_the_time_of_the_request(self):
        campaign = ad("late", "shoes", start="2030-01-01T00:00:00Z")
        server = self.serve([campaign, ad("anyone", "*", bid=0.1)], "admatch-test = true")
        self.assertEqual(server.decide(query="shoes", now="2031-01-01T00:00:00Z").ads, ["late"])
        self.assertEqual(server.decide(query="shoes", now="2029-01-01T00:00:00Z").ads, ["anyone"])

    def test_the_limit_of_words_is_kept(self):
        server = self.serve(ADS, "admatch-limit-words = 3")
        self.assertEqual(server.decide(text="my running shoes").ads, ["shoes"])
        self.assertEqual(server.decide(text="oh my running shoes").status, 413)


class ProtocolTest(ServerTest):
    def test_http_socket_answers(self):
        server = self.serve(ADS, protocol="http-socket")
        self.assertEqual(server.decide(query="running shoes").ads, ["shoes"])
        self.assertEqual(server.ask("POST", "/v1/decide", iter([b'{"query":"running shoes"}']), JSON).ads, ["shoes"])

    def ask_uwsgi(self, port, modifier, **variables):
        asked = {"REQUEST_METHOD": "GET", "PATH_INFO": "/v1/decide", "QUERY_STRING": "query=running+shoes", "REQUEST_URI": "/v1/decide",
                 "SERVER_PROTOCOL": "HTTP/1.1", **variables}
        return exchange(port, uwsgi_packet(asked, modifier))

    def test_the_uwsgi_protocol_is_answered_with_modifier_0_and_its_own(self):
        server = self.serve(ADS, start=False, protocol="socket")
        server.spawn()
        eventually("it listens", lambda: "spawned uWSGI worker 2" in server.log())
        for modifier in (0, 65):
            received = self.ask_uwsgi(server.port, modifier)
            self.assertIn(b" 200 OK", received.split(b"\r\n")[0])
            self.assertEqual(json.loads(received.split(b"\r\n\r\n", 1)[1])["slots"][0]["ads"][0]["ad"], "shoes")

    def test_another_plugin_keeps_modifier_0(self):
        server = self.serve(ADS, "plugin = 0:/usr/lib/uwsgi/plugins/ping_plugin.so", "http-socket-modifier1 = 65")
        self.assertEqual(server.decide(query="running shoes").ads, ["shoes"])
        self.assertIn("modifier 0 belongs to ping", server.log())


class ResponseHeaderTest(ServerTest):
    """uWSGI's own options about response headers; without them, all headers of an answer go out in one piece."""

    def test_headers_are_counted_one_by_one(self):
        server = self.serve(ADS, arguments=("--log-format", "counted %(headers) for %(uri)"))
        self.assertEqual(server.ask("GET", "/healthz").status, 200)
        server.logged("counted 4 for /healthz")

    def test_a_header_can_be_removed(self):
        headers = self.serve(ADS, "del-header = X-Admatch-Generation").ask("GET", "/v1/decide?query=shoes").headers
        self.assertNotIn("X-Admatch-Generation", headers)
        self.assertEqual(headers["Content-Type"], "application/json")

    def test_a_header_can_be_collected_and_added(self):
        server = self.serve(ADS, "collect-header = X-Admatch-Generation GENERATION", "add-header = X-Site: example",
                            arguments=("--log-format", "answered from %(var.GENERATION)."))
        answer = server.ask("GET", "/v1/decide?query=shoes")
        self.assertEqual(answer.headers["X-Site"], "example")
        server.logged(f"answered from {answer.generation}.")


if __name__ == "__main__":
    unittest.main()
