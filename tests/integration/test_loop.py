# SPDX-License-Identifier: Apache-2.0
"""loop = admatch: connections in pieces and in heaps, whatever uWSGI's threads do."""

import contextlib
import http.client
import json
import pathlib
import random
import re
import socket
import struct
import subprocess
import time
import unittest

from harness import BUILD, PATIENCE, ServerTest, SharedServerTest, ad, eventually

ADS = [ad("shoes", "running shoes"), ad("anyone", "*", bid=0.1)]
GET = b"GET /v1/decide?query=running+shoes HTTP/1.1\r\nHost: h\r\n\r\n"
LIMIT = 8192
SOCKET_TIMEOUTS = ("admatch-head-timeout = 10", "admatch-body-timeout = 10", "admatch-write-timeout = 10")


def post(body, *headers, path="/v1/decide"):
    head = "".join(f"{line}\r\n" for line in (f"POST {path} HTTP/1.1", "Host: h", *headers))
    return head.encode() + (b"Content-Length: %d\r\n\r\n" % len(body) if "Transfer-Encoding: chunked" not in headers else b"\r\n") + body


def in_chunks(*parts):
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))


class Raw:
    """A connection of bytes, and the answers that come back on it."""

    def __init__(self, address, receive_buffer=None):
        self.socket = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(address if isinstance(address, str) else ("127.0.0.1", address))
        self.buffered = b""

    def send(self, data, piece=None, pause=0.0):
        for at in range(0, len(data), piece or len(data)):
            self.socket.sendall(data[at : at + (piece or len(data))])
            time.sleep(pause)
        return self

    def close_write(self):
        self.socket.shutdown(socket.SHUT_WR)
        return self

    def close(self):
        self.socket.close()

    def receive(self):
        """False at the end of the connection."""
        with contextlib.suppress(ConnectionResetError):
            data = self.socket.recv(65536)
            self.buffered += data
            return bool(data)
        return False

    def answer(self):
        """(status, headers, body) of the next answer; None where the connection ends instead."""
        while b"\r\n\r\n" not in self.buffered:
            if not self.receive():
                return None
        head, self.buffered = self.buffered.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:])
        size = int(headers.get("Content-Length", 0))
        while len(self.buffered) < size:
            if not self.receive():
                return None
        body, self.buffered = self.buffered[:size], self.buffered[size:]
        return int(lines[0].split()[1]), headers, body

    def ends(self):
        return not self.buffered and not self.receive()


class LoopTest(SharedServerTest):
    """One process and no thread beside it: whatever waits would make all others wait."""

    RECORDS = ADS
    OPTIONS = ("loop = admatch", "processes = 1", f"admatch-limit-body = {LIMIT}", "admatch-preview = true", *SOCKET_TIMEOUTS)

    def setUp(self):
        self.before = self.server.workers()

    def tearDown(self):
        began = time.monotonic()
        self.assertEqual(self.server.decide(query="running shoes").ads, ["shoes"])
        self.assertLess(time.monotonic() - began, 2)
        self.assertEqual(self.server.workers(), self.before, "the worker died")

    def raw(self, **options):
        raw = Raw(self.server.port, **options)
        self.addCleanup(raw.close)
        return raw

    def assert_shoes(self, answer):
        self.assertIsNotNone(answer)
        self.assertEqual((answer[0], json.loads(answer[2])["slots"][0]["ads"][0]["ad"]), (200, "shoes"))

    def test_more_connections_than_there_are_threads_are_all_kept(self):
        raws = [self.raw() for _ in range(300)]
        for _ in range(3):
            for raw in raws:
                raw.send(GET)
            for raw in raws:
                self.assert_shoes(raw.answer())
        self.assertEqual(self.server.metrics()["admatch_loop_connections"], 301)

    def test_a_head_may_come_byte_by_byte(self):
        raw = self.raw()
        for _ in range(2):
            self.assert_shoes(raw.send(GET, piece=1, pause=0.001).answer())

    def test_bytes_of_many_heads_may_come_in_turn(self):
        raws = [self.raw() for _ in range(20)]
        for at in range(len(GET)):
            for raw in raws:
                raw.send(GET[at : at + 1])
        for raw in raws:
            self.assert_shoes(raw.answer())
        self.assertEqual(self.server.metrics()["admatch_loop_buffered_bytes"], 0)

    def test_a_body_may_come_byte_by_byte(self):
        raw = self.raw()
        for body in (b'{"query":"running shoes"}', b'{"query":"running shoes","title":"%s"}' % (b"x" * 2000)):
            self.assert_shoes(raw.send(post(body), piece=1).answer())

    def test_chunks_may_come_byte_by_byte(self):
        raw = self.raw().send(post(in_chunks(b'{"query":', b'"running ', b'shoes"}'), "Transfer-Encoding: chunked"), piece=1, pause=0.001)
        self.assert_shoes(raw.answer())
        self.assertTrue(raw.ends())

    def test_chunks_with_a_trailer_are_read_to_its_end(self):
        body = in_chunks(b'{"query":"running shoes"}')[:-2] + b"X-Checksum: 1\r\n\r\n"
        self.assert_shoes(self.raw().send(post(body, "Transfer-Encoding: chunked"), piece=7, pause=0.01).answer())

    def test_chunks_that_are_none_are_refused_at_once(self):
        for chunks in (b"zz\r\n", b"\r\n", b"5\r\nabcdeXX", b"ffffffffffffffffff\r\n"):
            with self.subTest(chunks):
                answer = self.raw().send(post(chunks, "Transfer-Encoding: chunked")).answer()
                self.assertEqual((answer[0], answer[1]["Connection"]), (400, "close"))

    def test_a_hundred_requests_in_one_go_are_answered_in_order(self):
        requests, wanted = b"", []
        for number in range(100):
            requests += [GET, post(b'{"id":"%d","query":"shoes"}' % number), b"GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n"][number % 3]
            wanted.append((200, 200, 404)[number % 3])
        for piece in (None, 1000, 37):
            raw = self.raw().send(requests, piece=piece)
            answers = [raw.answer() for _ in range(100)]
            self.assertEqual([answer[0] for answer in answers], wanted)
            for number in range(1, 100, 3):
                self.assertEqual(json.loads(answers[number][2])["id"], str(number))
            self.assert_shoes(raw.send(GET).answer())

    def test_requests_after_a_chunked_body_are_not_taken_for_its_part(self):
        raw = self.raw().send(post(in_chunks(b'{"query":"running shoes"}'), "Transfer-Encoding: chunked") + GET)
        self.assert_shoes(raw.answer())
        self.assertTrue(raw.ends(), "the answer said close")

    def test_half_closed_connections_are_answered_to_the_end(self):
        raw = self.raw().send(GET * 3).close_write()
        for _ in range(3):
            self.assert_shoes(raw.answer())
        self.assertTrue(raw.ends())

    def test_half_closed_within_a_request(self):
        self.assertTrue(self.raw().send(GET[:20]).close_write().ends())
        answer = self.raw().send(post(b"{}" + b" " * 50)[:-10]).close_write().answer()
        self.assertEqual((answer[0], answer[1]["Connection"]), (400, "close"))

    def test_a_slow_reader_makes_nobody_wait_and_gets_everything(self):
        raw = self.raw(receive_buffer=4096)
        body = json.dumps({"text": "running shoes " * 500, "explain": True, "count": 100}).encode()
        sent = 0
        raw.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while sent < 20_000_000:
                sent += raw.socket.send(post(body)[sent % len(post(body)) :])
        self.assertLess(sent, 20_000_000, "the server goes on reading from a client that takes no answer")
        for _ in range(20):
            self.assertEqual(self.server.decide(query="running shoes").ads, ["shoes"])
        raw.socket.settimeout(PATIENCE)
        whole = sent // len(post(body))
        for _ in range(whole):
            self.assert_shoes(raw.answer())

    def test_an_answer_larger_than_the_socket_takes_is_whole(self):
        text = "running+shoes+" * 120
        raw = self.raw(receive_buffer=4096).send(f"GET /preview?text={text} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        time.sleep(0.3)
        status, headers, page = raw.answer()
        self.assertEqual((status, len(page)), (200, int(headers["Content-Length"])))
        self.assertTrue(page.rstrip().endswith(b"</html>"))
        self.assert_shoes(raw.send(GET).answer())

    def test_a_client_that_asks_to_close_is_told_so_and_closed(self):
        raw = self.raw().send(GET.replace(b"\r\n\r\n", b"\r\nConnection: Keep-Alive, Close\r\n\r\n"))
        answer = raw.answer()
        self.assert_shoes(answer)
        self.assertEqual(answer[1]["Connection"], "close")
        self.assertTrue(raw.ends())

    def test_http_10_closes(self):
        raw = self.raw().send(GET.replace(b"HTTP/1.1", b"HTTP/1.0"))
        self.assert_shoes(raw.answer())
        self.assertTrue(raw.ends())

    def test_who_expects_to_go_on_may(self):
        raw = self.raw().send(post(b"{}" * 10, "Expect: 100-continue")[:-20])
        self.assertEqual(raw.answer()[0], 100)
        self.assertEqual(raw.send(b'{"query":"a"}       ').answer()[0], 200)

    def test_a_body_above_the_limit_is_refused_at_once_and_its_rest_does_not_break_the_answer(self):
        for size in (LIMIT + 1, 3 * LIMIT):
            raw = self.raw().send(post(b"x" * size)[:-100])
            answer = raw.answer()
            self.assertEqual((answer[0], answer[1]["Connection"]), (413, "close"))
            raw.send(b"x" * 100)
            self.assertTrue(raw.ends())

    def test_requests_that_are_none_are_answered_or_the_connection_ends(self):
        for data in (b"\0" * 100 + b"\r\n\r\n", b"GET\r\n\r\n", b"x" * 70000, b"\r\n" * 10):
            with self.subTest(data[:10]), contextlib.suppress(OSError):
                answer = self.raw().send(data).close_write().answer()
                self.assertTrue(answer is None or answer[0] in (400, 404), answer)

    def test_a_head_above_the_buffer_ends_the_connection(self):
        for piece in (None, 100):
            with contextlib.suppress(ConnectionError):
                self.assertTrue(self.raw().send(b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\n\r\n", piece=piece).ends())

    def test_clients_that_leave_at_any_byte_leave_nothing_behind(self):
        requests = GET + post(b'{"query":"running shoes"}') + post(in_chunks(b"{}"), "Transfer-Encoding: chunked")
        for end in range(0, len(requests), 3):
            Raw(self.server.port).send(requests[:end] or b"G").close()
        eventually("all are gone", lambda: self.server.metrics()["admatch_loop_connections"] == 1)
        self.assertEqual(self.server.metrics()["admatch_loop_buffered_bytes"], 0)

    def test_clients_that_reset_their_connections_are_not_worth_a_line(self):
        raws = [self.raw() for _ in range(20)]
        for raw in raws:
            self.assert_shoes(raw.send(GET).answer())
        lines = self.server.log().count("\n")
        for raw in raws:
            raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raw.close()
        eventually("all are gone", lambda: self.server.metrics()["admatch_loop_connections"] <= 1)
        self.assertNotIn("Connection reset by peer", "\n".join(self.server.log().split("\n")[lines:]))

    def test_clients_that_reset_connections_with_requests_still_buffered_harm_nobody(self):
        """A reset connection that is due to be served again leaves the list of those."""
        requests = b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n" * 600
        for _ in range(30):
            raws = [Raw(self.server.port) for _ in range(60)]
            for raw in raws:
                raw.socket.setblocking(False)
                with contextlib.suppress(OSError):
                    raw.socket.send(requests)
            for raw in raws:
                raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                raw.close()
        eventually("all are gone", lambda: self.server.metrics()["admatch_loop_connections"] == 1)
        self.assertEqual(self.server.metrics()["admatch_loop_buffered_bytes"], 0)

    def test_requests_and_times_are_in_the_statistics(self):
        worker = self.server.stats()["workers"][0]
        connection = self.server.connect()
        self.addCleanup(connection.close)
        for _ in range(50):
            connection.ask("GET", "/v1/decide?query=running+shoes")
        after = self.server.stats()["workers"][0]
        self.assertEqual(after["requests"], worker["requests"] + 50)
        self.assertEqual(after["cores"][0]["requests"], worker["cores"][0]["requests"] + 50)
        self.assertEqual(after["cores"][0]["in_request"], 0)
        self.assertGreater(after["running_time"], worker["running_time"])
        self.assertGreater(after["tx"], worker["tx"])

    def test_every_metric_of_the_loop_is_there(self):
        names = set(re.findall(r"^\| `(admatch_loop_\w+)`", (pathlib.Path(__file__).parents[2] / "docs" / "METRICS.md").read_text(), re.M))
        shown = {name.split("{")[0] for name in self.server.metrics() if name.startswith("admatch_loop_")}
        self.assertEqual(names, shown)


def random_request(generator, number, blocking):
    """(bytes, status, id of the answer or None, whether the connection ends after it). A blocking thread reads what is above the limit."""
    body = json.dumps({"id": str(number), "query": "running shoes", "title": "x" * generator.choice((0, 10, 3000, 9000))}).encode()
    kind = generator.randrange(8)
    if kind < 3:
        return f"GET /v1/decide?id={number}&query=running+shoes HTTP/1.1\r\nHost: {'h' * generator.choice((1, 900))}\r\n\r\n".encode(), 200, str(number), False
    if kind < 5:
        return post(body), 413 if len(body) > LIMIT else 200, None if len(body) > LIMIT else str(number), len(body) > LIMIT and not blocking
    if kind == 5:
        cuts = sorted(generator.randrange(1, len(body)) for _ in range(generator.randrange(4)))
        parts = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)]) if b > a]
        return post(in_chunks(*parts), "Transfer-Encoding: chunked"), 413 if len(body) > LIMIT else 200, None if len(body) > LIMIT else str(number), True
    if kind == 6:
        return post(b"body that nobody reads", path="/nowhere"), 404, None, False
    return f"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: {generator.choice(('close', 'keep-alive'))}\r\n\r\n".encode(), 200, None, None


class Conversation:
    """A connection with random requests in random pieces, and what must come back."""

    def __init__(self, generator, port, blocking):
        self.generator, self.raw, self.wanted, data, ends = generator, Raw(port), [], b"", False
        for number in range(generator.randrange(1, 12)):
            request, status, identity, ends = random_request(generator, number, blocking)
            ends = b"Connection: close" in request if ends is None else ends
            data += request
            self.wanted.append((status, identity))
            if ends:
                break
        self.ends, self.data = ends, data
        self.piece = generator.choice((1 << 20, 3000, 100, 17))

    def go_on(self):
        """Sends some more. False when all has been sent."""
        size = self.generator.randrange(1, self.piece + 1)
        with contextlib.suppress(ConnectionError):
            self.raw.socket.sendall(self.data[:size])
        self.data = self.data[size:]
        return bool(self.data)

    def check(self, test):
        for status, identity in self.wanted:
            answer = self.raw.answer()
            test.assertIsNotNone(answer, self.wanted)
            test.assertEqual(answer[0], status)
            if identity:
                test.assertEqual(json.loads(answer[2])["id"], identity)
        if self.ends:
            test.assertTrue(self.raw.ends())
        else:
            test.assertEqual(self.raw.send(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n").answer()[0], 200)
        self.raw.close()


class RandomTest(ServerTest):
    def converse(self, server, seeds, beside, blocking):
        for seed in seeds:
            with self.subTest(seed=seed):
                generator = random.Random(seed)
                conversations = [Conversation(generator, server.port, blocking) for _ in range(beside)]
                open_ones = list(conversations)
                while open_ones:
                    one = generator.choice(open_ones)
                    if not one.go_on():
                        open_ones.remove(one)
                for one in conversations:
                    one.check(self)
        metrics = eventually("all connections are gone", lambda: (metrics := server.metrics())["admatch_loop_connections"] == 1 and metrics)
        own = 1 if blocking else 0  # the request for the metrics
        self.assertLessEqual(metrics["admatch_loop_blocking_requests"], own)
        self.assertLessEqual(metrics["admatch_loop_buffered_bytes"], 1024 * own)

    def test_any_requests_in_any_pieces(self):
        self.converse(self.serve(ADS, "loop = admatch", "processes = 1", f"admatch-limit-body = {LIMIT}", "buffer-size = 8192"), range(60), 8, False)

    def test_any_requests_in_any_pieces_by_blocking_threads(self):
        server = self.serve(ADS, "loop = admatch", "processes = 1", "threads = 4", f"admatch-limit-body = {LIMIT}", "buffer-size = 8192", "route-run = addheader:X-Routed: yes")
        self.converse(server, range(60, 90), 3, True)


class AddressTest(ServerTest):
    def logged(self, server, data, answers, *addresses):
        raw = Raw(server.port)
        self.addCleanup(raw.close)
        for request in data:
            self.assertEqual(raw.send(request).answer()[0], 200)
        eventually("the addresses are logged", lambda: re.findall(r"^from (\S+)$", server.log(), re.M)[-answers:] == list(addresses))

    def serve_with_log(self, *options):
        return self.serve(ADS, "loop = admatch", *options, arguments=("--log-format", "from %(addr)"))

    def test_a_kept_connection_keeps_its_address(self):
        self.logged(self.serve_with_log("processes = 1"), [GET, GET], 2, "127.0.0.1", "127.0.0.1")

    def test_the_proxy_protocol_says_it_once_for_a_connection(self):
        server = self.serve_with_log("processes = 1", "enable-proxy-protocol = true")
        first, lie = b"PROXY TCP4 192.0.2.7 192.0.2.1 5000 80\r\n" + GET, b"PROXY TCP4 198.51.100.9 192.0.2.1 5000 80\r\n" + GET
        self.logged(server, [first, GET], 2, "192.0.2.7", "192.0.2.7")
        self.logged(server, [b"PROXY TCP6 2001:db8::1 2001:db8::2 5000 80\r\n" + GET, GET], 2, "2001:db8::1", "2001:db8::1")
        raw = Raw(server.port)
        self.addCleanup(raw.close)
        raw.send(first).answer()
        raw.send(lie).answer()
        self.assertNotIn("198.51.100.9", server.log())

    def test_the_proxy_protocol_says_it_also_to_blocking_threads(self):
        server = self.serve_with_log("processes = 1", "threads = 2", "enable-proxy-protocol = true", "route-run = addheader:X-Routed: yes")
        self.logged(server, [b"PROXY TCP4 192.0.2.7 192.0.2.1 5000 80\r\n" + GET, GET], 2, "192.0.2.7", "192.0.2.7")


class ProtocolTest(ServerTest):
    def packet(self, modifier=65, **variables):
        asked = {"REQUEST_METHOD": "GET", "PATH_INFO": "/v1/decide", "QUERY_STRING": "query=running+shoes", "REQUEST_URI": "/v1/decide",
                 "SERVER_PROTOCOL": "HTTP/1.1", **variables}
        pairs = b"".join(struct.pack("<H", len(part)) + part.encode() for item in asked.items() for part in item)
        return struct.pack("<BHB", modifier, len(pairs), 0) + pairs

    def test_packets_of_uwsgi_may_come_byte_by_byte(self):
        server = self.serve(ADS, "loop = admatch", f"socket = {self.folder}/unix", *SOCKET_TIMEOUTS)
        body = b'{"query":"running shoes"}'
        posted = self.packet(REQUEST_METHOD="POST", CONTENT_LENGTH=str(len(body)), QUERY_STRING="") + body
        for data in (self.packet(), posted):
            for piece in (None, 1, 5):
                raw = Raw(str(self.folder / "unix")).send(data, piece=piece)
                self.assertEqual(json.loads(raw.answer()[2])["slots"][0]["ads"][0]["ad"], "shoes")
                self.assertTrue(raw.ends())
                raw.close()
        self.assertEqual(server.decide(query="running shoes").ads, ["shoes"])

    def test_sockets_of_all_kinds_at_once(self):
        server = self.serve(ADS, "loop = admatch", arguments=("--http11-socket", f"{self.folder}/http", "--http-socket", f"{self.folder}/once"))
        for name, kept in (("http", True), ("once", False)):
            raw = Raw(str(self.folder / name)).send(GET)
            self.assertEqual(raw.answer()[0], 200)
            if kept:
                self.assertEqual(raw.send(GET).answer()[0], 200)
            else:
                self.assertTrue(raw.ends())
            raw.close()
        self.assertEqual(server.decide(query="running shoes").ads, ["shoes"])

    def refused(self, *options, protocol="http11-socket"):
        server = self.serve(ADS, "loop = admatch", *options, start=False, protocol=protocol)
        server.spawn()
        self.assertEqual(server.ends(), 1)
        return server.log()

    def test_other_protocols_are_refused_with_what_to_do(self):
        self.assertIn("it speaks http11, http and uwsgi", self.refused(protocol="fastcgi-socket"))
        self.assertIn("leave that out", self.refused("async = 4", protocol="http-socket"))

    def test_tls_is_refused_with_what_to_do(self):
        (self.folder / "pem").write_text("")
        server = self.serve(ADS, "loop = admatch", start=False, protocol="https-socket")
        server.ini.write_text(server.ini.read_text().replace(f"127.0.0.1:{server.port}\n", f"127.0.0.1:{server.port},{self.certificate()}\n"))
        server.spawn()
        self.assertEqual(server.ends(), 1)
        self.assertIn("it does not speak TLS: terminate it", server.log())

    def certificate(self):
        files = self.folder / "certificate", self.folder / "key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost", "-out", files[0], "-keyout", files[1]],
                       check=True, capture_output=True)
        return f"{files[0]},{files[1]}"


BLOCKING = f"plugin = {BUILD}/tests/blocking_plugin.so"


class BlockingTest(ServerTest):
    """Requests of another plugin, which sleeps."""

    def serve_blocking(self, *options):
        return self.serve(ADS, "loop = admatch", BLOCKING, "processes = 1", f"socket = {self.folder}/unix", *options)

    def blocking(self, server, milliseconds):
        pairs = {"REQUEST_METHOD": "GET", "QUERY_STRING": str(milliseconds), "REQUEST_URI": "/", "SERVER_PROTOCOL": "HTTP/1.1"}
        packed = b"".join(struct.pack("<H", len(part)) + part.encode() for item in pairs.items() for part in item)
        raw = Raw(str(self.folder / "unix")).send(struct.pack("<BHB", 67, len(packed), 0) + packed)
        self.addCleanup(raw.close)
        return raw

    def test_they_run_in_threads_and_nobody_waits_for_them(self):
        server = self.serve_blocking("threads = 3")
        waiting = [self.blocking(server, 2500) for _ in range(4)]
        began = time.monotonic()
        for _ in range(50):
            self.assertEqual(server.decide(query="running shoes").ads, ["shoes"])
        self.assertLess(time.monotonic() - began, 2.5)
        self.assertEqual(server.metrics()["admatch_loop_blocking_requests"], 4)
        busy = [core["in_request"] for core in server.stats()["workers"][0]["cores"]]
        self.assertEqual(busy[1:], [1, 1])
        answers = [raw.answer() for raw in waiting]
        self.assertEqual(sorted(answer[2] for answer in answers), [b"core 1", b"core 1", b"core 2", b"core 2"])
        self.assertGreater(time.monotonic() - began, 4.5, "two threads cannot run four at once")
        eventually("all have come back", lambda: server.metrics()["admatch_loop_blocking_requests"] == 0)
        self.assertEqual(server.metrics()["admatch_loop_handed_over_total"], 4)

    def test_without_threads_they_run_in_the_loop(self):
        server = self.serve_blocking()
        self.assertEqual(self.blocking(server, 10).answer()[2], b"core 0")
        self.assertEqual(server.decide(query="running shoes").ads, ["shoes"])

    def test_a_plugin_that_never_blocks_may_be_let_in(self):
        server = self.serve_blocking("threads = 2", "admatch-loop-modifier = 67")
        self.assertEqual(self.blocking(server, 0).answer()[2], b"core 0")

    def test_connections_come_back_with_all_that_was_sent(self):
        server = self.serve(ADS, "loop = admatch", BLOCKING, "threads = 2", "http-socket-modifier1 = 67", start=False).spawn()
        eventually("it answers", lambda: server.process.poll() is None and self.connects(server))
        raw = Raw(server.port)
        self.addCleanup(raw.close)
        request = b"GET /?1 HTTP/1.1\r\nHost: h\r\n\r\n"
        for piece in (None, 1, 100):
            raw.send(request * 10, piece=piece)
            for _ in range(10):
                self.assertEqual(raw.answer()[2], b"core 1")
        self.assertTrue(raw.send(request.replace(b"Host: h", b"Connection: close")).answer())
        self.assertTrue(raw.ends())

    def test_a_body_that_a_plugin_leaves_unread_is_no_request(self):
        server = self.serve(ADS, "loop = admatch", BLOCKING, "threads = 2", "http-socket-modifier1 = 67", start=False).spawn()
        eventually("it answers", lambda: self.connects(server))
        hidden = b"GET /?2 HTTP/1.1\r\nHost: h\r\n\r\n"
        for data in (post(in_chunks(hidden), "Transfer-Encoding: chunked", path="/?1"), post(hidden, path="/?1"),
                     post(hidden, "Transfer-Encoding: gzip", path="/?1")):
            raw = Raw(server.port).send(data)
            self.assertEqual(raw.answer()[2], b"core 1")
            self.assertTrue(raw.ends(), data)
            raw.close()

    def connects(self, server):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", server.port)).close()
            return True

    def test_a_request_that_hangs_ends_the_worker_although_others_are_answered(self):
        server = self.serve_blocking("threads = 2", "harakiri = 2")
        worker = server.workers()
        hanging = self.blocking(server, 60000)

        def killed():
            with contextlib.suppress(OSError, http.client.HTTPException):
                server.decide(query="running shoes")
            return "HARAKIRI ON WORKER" in server.log()

        began = time.monotonic()
        eventually("the master ends it", killed)
        self.assertLess(time.monotonic() - began, 8)
        self.assertTrue(hanging.ends())
        eventually("another is there", lambda: server.workers() and server.workers() != worker)

    def test_quick_requests_beside_a_slow_one_do_not_end_the_worker(self):
        server = self.serve_blocking("threads = 2", "harakiri = 4")
        worker, slow = server.workers(), self.blocking(server, 1500)
        for _ in range(100):
            server.decide(query="running shoes")
        self.assertEqual(slow.answer()[2], b"core 1")
        time.sleep(5)
        self.assertEqual(server.workers(), worker)

    def test_signals_of_uwsgi_are_handled(self):
        server = self.serve_blocking("threads = 2")
        server.logged("blocking plugin: signal 17 in worker 1, its own", 2)


class ConfigurationTest(ServerTest):
    """What makes uWSGI block makes the loop hand all requests over."""

    def test_routes(self):
        server = self.serve(ADS, "loop = admatch", "threads = 3", "route = ^/gone break:410 Gone", "route-run = addheader:X-Routed: yes")
        connection = server.connect()
        self.addCleanup(connection.close)
        for _ in range(3):
            answer = connection.ask("GET", "/v1/decide?query=running+shoes")
            self.assertEqual((answer.status, answer.headers["X-Routed"], answer.ads), (200, "yes", ["shoes"]))
        gone = server.ask("GET", "/gone")
        self.assertEqual((gone.status, gone.headers["Connection"]), (410, "close"), "uWSGI sends no length: only the end of the connection shows it")
        self.assertIn("each request may block", server.log())
        self.assertGreater(server.metrics()["admatch_loop_handed_over_total"], 4)

    def test_static_files(self):
        (self.folder / "static").mkdir()
        (self.folder / "static" / "file").write_bytes(b"x" * 3_000_000)
        server = self.serve(ADS, "loop = admatch", "threads = 2", f"static-map = /static={self.folder}/static")
        self.assertEqual(len(server.ask("GET", "/static/file").body), 3_000_000)
        self.assertEqual(server.decide(query="running shoes").ads, ["shoes"])

    def test_static_files_by_offload_threads(self):
        (self.folder / "static").mkdir()
        (self.folder / "static" / "file").write_bytes(b"x" * 3_000_000)
        server = self.serve(ADS, "loop = admatch", "threads = 2", "offload-threads = 1", f"static-map = /static={self.folder}/static")
        for _ in range(20):
            self.assertEqual(len(server.ask("GET", "/static/file").body), 3_000_000)
        eventually("no connection is left", lambda: server.metrics()["admatch_loop_connections"] == 1)

    def test_post_buffering(self):
        server = self.serve(ADS, "loop = admatch", "threads = 2", "post-buffering = 1024")
        for text in ("running shoes", "running shoes " * 300):
            self.assertEqual(server.decide(text=text).ads, ["shoes"])

    def test_without_an_inventory_it_is_idle(self):
        server = self.serve(None, "loop = admatch", "master = true", "http-socket-modifier1 = 65", inventory=None, start=False)
        server.inventory = None
        server.spawn()
        answer = eventually("it answers", lambda: self.answer_of(server))
        self.assertEqual(answer.status, 503)

    def answer_of(self, server):
        with contextlib.suppress(OSError, http.client.HTTPException):
            return server.ask("GET", "/v1/decide?query=a")


if __name__ == "__main__":
    unittest.main()
