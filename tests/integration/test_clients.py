# SPDX-License-Identifier: Apache-2.0
"""HTTP as clients and proxies use it: how connections end, what is waited for, prefixes, packed answers, scripts of other sites."""

import contextlib
import gzip
import json
import pathlib
import shutil
import socket
import ssl
import subprocess
import time
import unittest

from harness import LOOP, PATIENCE, UWSGI, Connection, ServerTest, SharedServerTest, UnixConnection, ad, children_of, eventually, free_port, put, stopped
from test_loop import Raw, in_chunks, post
from test_requests import exchange, uwsgi_packet

ADS = [ad("shoes", "running shoes"), ad("anyone", "*", bid=0.1)]
MANY = [ad(f"ad{number}", "shoes", creative={"title": "the same words again"}) for number in range(100)]
GET = b"GET /v1/decide?query=running+shoes HTTP/1.1\r\nHost: h\r\n"
POOL = pathlib.Path("/usr/lib/uwsgi/plugins/zergpool_plugin.so")
AT_ONCE = 2  # seconds; all timeouts are longer
JSON = {"Content-Type": "application/json"}


def heads(received):
    """The heads of the answers in some bytes."""
    return [part.rpartition(b"HTTP/1.1 ")[2].lower() for part in received.split(b"\r\n\r\n") if b"HTTP/1.1 " in part]


class ConnectionTest(SharedServerTest):
    RECORDS, OPTIONS = ADS, ("threads = 2",)

    def test_close_is_heeded_at_once(self):
        for value in (b"close", b"Close", b"keep-alive, close"):
            with self.subTest(value=value):
                began = time.monotonic()
                received = exchange(self.server.port, GET + b"Connection: " + value + b"\r\n\r\n")
                self.assertLess(time.monotonic() - began, AT_ONCE)
                self.assertEqual(len(heads(received)), 1)
                self.assertIn(b"\r\nconnection: close", heads(received)[0])

    def test_close_is_heeded_after_a_body(self):
        began = time.monotonic()
        received = exchange(self.server.port, post(b'{"query":"running shoes"}', "Connection: close"))
        self.assertLess(time.monotonic() - began, AT_ONCE)
        self.assertIn(b'"ad":"shoes"', received)

    def test_a_word_that_contains_close_is_another_one(self):
        connection = self.server.connect()
        self.addCleanup(connection.close)
        for _ in range(2):
            self.assertNotIn("Connection", connection.ask("GET", "/healthz", headers={"Connection": "keep-alive, enclosed"}).headers)

    def test_pipelined_requests_are_answered_or_the_connection_says_close(self):
        """All at once, and in two pieces."""
        requests = [GET + b"\r\n", post(b'{"query":"running shoes"}'), GET + b"\r\n", b"HEAD /healthz HTTP/1.1\r\nHost: h\r\n\r\n", GET + b"\r\n"]
        for pieces in ([b"".join(requests)], [b"".join(requests[:2]), b"".join(requests[2:])]):
            raw = Raw(self.server.port)
            self.addCleanup(raw.close)
            answered = closes = 0
            for piece in pieces:
                with contextlib.suppress(OSError):
                    raw.send(piece)
            raw.socket.settimeout(AT_ONCE)
            with contextlib.suppress(TimeoutError):
                while raw.receive():
                    pass
            for head in heads(raw.buffered):
                self.assertTrue(head.startswith(b"200 "), head)
                answered, closes = answered + 1, closes + (b"\r\nconnection: close" in head)
            self.assertTrue(answered == len(requests) and not closes or closes == 1 and answered >= 1, raw.buffered)

    def test_requests_of_1_0_end_with_their_answer(self):
        began = time.monotonic()
        self.assertIn(b" 200 OK", exchange(self.server.port, b"GET /healthz HTTP/1.0\r\n\r\n"))
        self.assertLess(time.monotonic() - began, AT_ONCE)

    def test_the_answer_has_the_version_of_the_server(self):
        self.assertTrue(exchange(self.server.port, b"GET /healthz HTTP/1.2\r\nHost: a\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 200 OK\r\n"))

    def test_a_connection_of_http_1_0_ends_with_its_answer(self):
        answer = exchange(self.server.port, b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        self.assertIn(b" 200 OK", answer)
        self.assertIn(b"\r\nConnection: close\r\n", answer)


class OneRequestTest(ServerTest):
    """Sockets that close after each answer."""

    def test_http_socket_says_so(self):
        answer = self.serve(ADS, protocol="http-socket").ask("GET", "/v1/decide?query=running+shoes")
        self.assertEqual((answer.ads, answer.headers["Connection"]), (["shoes"], "close"))

    @unittest.skipIf(LOOP, "the loop does not speak TLS")
    def test_https_socket_says_so(self):
        key = self.folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2",
                        "-keyout", key, "-out", self.folder / "certificate.pem"], check=True, capture_output=True)
        port = free_port()
        self.serve(ADS, f"https-socket = 127.0.0.1:{port},{self.folder / 'certificate.pem'},{key}")
        context = ssl.create_default_context(cafile=str(self.folder / "certificate.pem"))
        requests = {
            "a body": (post(b'{"query":"running shoes"}', "Expect: 100-continue"), b'"ad":"shoes"'),
            "chunks": (post(in_chunks(b'{"query":', b" " * 50000, b'"running shoes"}'), "Transfer-Encoding: chunked"), b'"ad":"shoes"'),
            "broken chunks": (post(b"2\r\n{}}\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), b" 400 Bad Request"),
        }
        for name, (request, expected) in requests.items():
            with self.subTest(name), socket.create_connection(("127.0.0.1", port), PATIENCE) as plain, \
                    context.wrap_socket(plain, server_hostname="localhost") as secure:
                secure.sendall(request)
                received = b"".join(iter(lambda: secure.recv(65536), b""))
                self.assertIn(expected, received)
                self.assertIn(b"\r\nconnection: close", heads(received)[-1])

    def test_the_uwsgi_protocol_has_no_connections_to_speak_of(self):
        server = self.serve(ADS, start=False, protocol="socket").spawn()
        eventually("it listens", lambda: "spawned uWSGI worker 2" in server.log())
        packet = uwsgi_packet({"REQUEST_METHOD": "GET", "PATH_INFO": "/healthz", "REQUEST_URI": "/healthz", "SERVER_PROTOCOL": "HTTP/1.1",
                               "QUERY_STRING": "", "HTTP_CONNECTION": "close"}, 65)
        self.assertNotIn(b"Connection", exchange(server.port, packet))


class ExpectTest(SharedServerTest):
    RECORDS, OPTIONS = ADS, ("threads = 2", "admatch-limit-body = 4096")
    CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

    def ask(self, whole):
        """Sends the head, waits for what comes, then the body; (interim answer, final status)."""
        head, _, body = whole.partition(b"\r\n\r\n")
        raw = Raw(self.server.port).send(head + b"\r\n\r\n")
        self.addCleanup(raw.close)
        raw.receive()
        interim = raw.buffered.startswith(self.CONTINUE)
        if interim:
            raw.buffered = raw.buffered[len(self.CONTINUE):]
            raw.send(body)
        return interim, raw.answer()

    def test_a_client_that_waits_is_told_to_go_on(self):
        for request in (post(b'{"query":"running shoes"}', "Expect: 100-continue"),
                        post(in_chunks(b'{"query":', b'"running shoes"}'), "Expect: 100-Continue", "Transfer-Encoding: chunked")):
            began = time.monotonic()
            interim, (status, _, body) = self.ask(request)
            self.assertEqual((interim, status), (True, 200))
            self.assertIn(b'"ad":"shoes"', body)
            self.assertLess(time.monotonic() - began, AT_ONCE)

    def test_a_client_that_waits_is_refused_without_its_body(self):
        for request, refused in ((post(b"x" * 5000, "Expect: 100-continue"), 413),
                                 (post(b"", "Expect: 100-continue", "Transfer-Encoding: gzip"), 400)):
            began = time.monotonic()
            interim, (status, headers, _) = self.ask(request)
            self.assertEqual((interim, status, headers["Connection"]), (False, refused, "close"))
            self.assertLess(time.monotonic() - began, AT_ONCE)

    def test_a_client_that_does_not_wait_needs_no_word(self):
        raw = Raw(self.server.port).send(post(b'{"query":"running shoes"}', "Expect: 100-continue"))
        self.addCleanup(raw.close)
        self.assertEqual(raw.answer()[0], 200)

    def test_the_connection_goes_on(self):
        raw = Raw(self.server.port)
        self.addCleanup(raw.close)
        for _ in range(3):
            raw.send(post(b'{"query":"running shoes"}', "Expect: 100-continue").partition(b"{")[0])
            raw.receive()
            self.assertEqual(raw.buffered, self.CONTINUE)
            raw.buffered = b""
            self.assertEqual(raw.send(b'{"query":"running shoes"}').answer()[0], 200)


class TransformedTest(ServerTest):
    """uWSGI's own transformations, as its manual shows them."""

    ROUTES = {
        "gzip": ("route-if = contains:${HTTP_ACCEPT_ENCODING};gzip gzip:",),
        "chunked": ("route-run = chunked:",),
        "gzip in chunks": ("route-if = contains:${HTTP_ACCEPT_ENCODING};gzip gzip:", "route-run = chunked:"),
        "late": ("response-route-run = gzip:",),
    }

    def test_answers_are_whole(self):
        for name, routes in self.ROUTES.items():
            with self.subTest(routes=name):
                server = self.serve(MANY, *(f"plugin = /usr/lib/uwsgi/plugins/transformation_{kind}_plugin.so" for kind in ("gzip", "chunked")),
                                    "admatch-gzip = 100", "threads = 2", *routes, name=name.replace(" ", "-"))
                for _ in range(2):
                    answer = server.ask("GET", "/v1/decide?query=shoes&count=100", headers={"Accept-Encoding": "gzip"})
                    body = gzip.decompress(answer.body) if "gzip" in answer.headers.get_all("Content-Encoding", []) else answer.body
                    self.assertEqual(len(json.loads(body)["slots"][0]["ads"]), 100)
                    self.assertNotIn("Content-Length", answer.headers)
                    self.assertEqual("gzip" in answer.headers.get_all("Content-Encoding", []), name != "chunked")
                    self.assertEqual(server.ask("HEAD", "/v1/decide?query=shoes", headers={"Accept-Encoding": "gzip"}).status, 200)
                server.stop()

    def test_without_one_the_length_is_there(self):
        server = self.serve(ADS, "plugin = /usr/lib/uwsgi/plugins/transformation_gzip_plugin.so", *self.ROUTES["gzip"])
        answer = server.ask("GET", "/v1/decide?query=running+shoes")
        self.assertEqual(int(answer.headers["Content-Length"]), len(answer.body))


class GzipTest(SharedServerTest):
    RECORDS, OPTIONS = MANY, ("admatch-gzip = 1000", "threads = 2")

    def test_long_answers_are_packed_on_a_connection_that_stays(self):
        connection = self.server.connect()
        self.addCleanup(connection.close)
        request = json.dumps({"query": "shoes", "unique": "none", "slots": [{"count": 100}]})
        for _ in range(5):
            plain = connection.ask("POST", "/v1/decide", request, JSON)
            packed = connection.ask("POST", "/v1/decide", request, {**JSON, "Accept-Encoding": "gzip, deflate, br"})
            self.assertEqual((packed.headers["Content-Encoding"], packed.headers["Vary"]), ("gzip", "Accept-Encoding"))
            self.assertEqual(int(packed.headers["Content-Length"]), len(packed.body))
            self.assertLess(len(packed.body), len(plain.body) // 4)
            self.assertEqual(gzip.decompress(packed.body), plain.body)
            self.assertEqual(plain.headers["Content-Encoding"], None)
            short = connection.ask("GET", "/healthz", headers={"Accept-Encoding": "gzip"})
            self.assertEqual((short.headers["Content-Encoding"], short.json), (None, {"ok": True}))

    def test_head_has_the_head_of_get(self):
        headers = {"Accept-Encoding": "gzip"}
        got, headed = (self.server.ask(method, "/v1/decide?query=shoes&count=100&unique=none", headers=headers) for method in ("GET", "HEAD"))
        self.assertEqual((headed.body, headed.headers["Content-Length"]), (b"", got.headers["Content-Length"]))
        self.assertEqual(headed.headers["Content-Encoding"], "gzip")

    def test_the_metrics_are_packed(self):
        answer = self.server.ask("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
        self.assertIn(b"admatch_requests_total", gzip.decompress(answer.body))


class ScriptsTest(ServerTest):
    """Pages of other sites (CORS)."""

    def test_preflights_and_answers(self):
        server = self.serve(ADS, "admatch-cors = https://a.example https://b.example:8443")
        connection = server.connect()
        self.addCleanup(connection.close)
        asked = {"Origin": "https://b.example:8443", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
        for _ in range(2):
            preflight = connection.ask("OPTIONS", "/v1/decide", headers=asked)
            self.assertEqual((preflight.status, preflight.body), (204, b""))
            self.assertEqual(preflight.headers["Access-Control-Allow-Origin"], "https://b.example:8443")
            self.assertIn("Content-Type", preflight.headers["Access-Control-Allow-Headers"])
            answer = connection.ask("POST", "/v1/decide", b'{"query":"running shoes"}', {**JSON, "Origin": "https://b.example:8443"})
            self.assertEqual((answer.ads, answer.headers["Access-Control-Allow-Origin"]), (["shoes"], "https://b.example:8443"))
        other = connection.ask("POST", "/v1/decide", b"{}", {**JSON, "Origin": "https://c.example"})
        self.assertEqual((other.status, other.headers["Access-Control-Allow-Origin"]), (200, None))

    def test_any_page(self):
        server = self.serve(ADS, "admatch-cors = *")
        self.assertEqual(server.ask("GET", "/v1/decide", headers={"Origin": "null"}).headers["Access-Control-Allow-Origin"], "*")

    def test_origins_that_are_none_end_the_start(self):
        for value in ("a.example", "https://a.example/", "https://a.example, https://b.example"):
            server = self.serve(ADS, f"admatch-cors = {value}", start=False)
            server.spawn()
            self.assertEqual(server.ends(), 1, server.log())
            self.assertIn("expected *, or origins like", server.log())


class PrefixTest(ServerTest):
    """admatch below a path."""

    def assert_served_below(self, server, prefix, connect):
        for path, status in ((f"{prefix}/v1/decide?query=running+shoes", 200), (f"{prefix}/healthz/", 200), (f"{prefix}/preview", 200), (f"{prefix}x/healthz", 404)):
            with contextlib.closing(connect()) as connection:
                self.assertEqual(connection.ask("GET", path).status, status, path)

    def test_script_name_of_a_proxy(self):
        server = self.serve(ADS, start=False, protocol="socket").spawn()
        eventually("it listens", lambda: "spawned uWSGI worker 2" in server.log())
        for script, path, status in (("/ads", "/ads/v1/decide", 200), ("/ads/", "/ads/v1/decide", 200), ("/ads", "/v1/decide", 200), ("", "/v1/decide", 200),
                                     ("/ads", "/adsv1/decide", 404), ("/v1", "/v1/decide", 404), ("/ads", "/ads", 404)):
            packet = uwsgi_packet({"REQUEST_METHOD": "GET", "PATH_INFO": path, "SCRIPT_NAME": script, "REQUEST_URI": path, "QUERY_STRING": "query=shoes",
                                   "SERVER_PROTOCOL": "HTTP/1.1"}, 65)
            self.assertIn(b" %d " % status, exchange(server.port, packet).split(b"\r\n")[0], (script, path))

    def test_mounted_below_a_prefix(self):
        for mount in ("/ads", "/ads/"):
            with self.subTest(mount=mount):
                server = self.serve(ADS, f"mount = {mount}=admatch", "manage-script-name = true", "admatch-preview = true", "threads = 2",
                                    name=f"mount{len(mount)}")
                self.assert_served_below(server, "/ads", server.connect)
                self.assertEqual(server.ask("GET", "/v1/decide?query=running+shoes").ads, ["shoes"], "and at the root, too")
                self.assertEqual(server.ask("GET", "/ads/ads/healthz").status, 404, "a prefix comes off once")
                server.stop()

    @unittest.skipUnless(shutil.which("nginx"), "nginx is not installed")
    def test_a_location_of_nginx(self):
        """With the parameters that come with it, by either protocol; and a client that sends chunks."""
        for protocol, passes in (("socket", "include /etc/nginx/uwsgi_params; uwsgi_param SCRIPT_NAME /ads; uwsgi_pass unix:{path};"),
                                 ("http-socket", "proxy_pass http://unix:{path}:/;")):
            with self.subTest(protocol=protocol):
                path = self.folder / f"{protocol}.socket"
                server = self.serve(ADS, f"{protocol} = {path}", "admatch-preview = true", "threads = 2", protocol="http11-socket", name=protocol)
                port, nginx = self.run_nginx(protocol, passes.format(path=path))
                self.assert_served_below(server, "/ads", lambda: Connection("127.0.0.1", port, timeout=PATIENCE))
                with contextlib.closing(Connection("127.0.0.1", port, timeout=PATIENCE)) as connection:
                    answer = connection.ask("POST", "/ads/v1/decide", iter([b'{"query":', b'"running shoes"}']), JSON)
                    self.assertEqual((answer.status, answer.ads), (200, ["shoes"]))
                nginx.terminate()
                nginx.wait()
                server.stop()

    def run_nginx(self, name, passes):
        folder, port = self.folder / f"nginx-{name}", free_port()
        folder.mkdir()
        self.folder.chmod(0o755)
        temporary = " ".join(f"{kind}_temp_path t;" for kind in ("client_body", "proxy", "fastcgi", "scgi", "uwsgi"))
        (folder / "nginx.conf").write_text(
            f"daemon off; user root; pid n.pid; error_log e.log; events {{}} http {{ access_log off; {temporary} "
            f"server {{ listen 127.0.0.1:{port}; location /ads/ {{ {passes} }} }} }}")
        nginx = subprocess.Popen(["nginx", "-p", folder, "-e", "e.log", "-c", folder / "nginx.conf"])
        self.addCleanup(nginx.wait)
        self.addCleanup(nginx.terminate)

        def listens():
            with contextlib.suppress(OSError), contextlib.closing(socket.create_connection(("127.0.0.1", port), 1)):
                return True

        eventually("nginx listens", listens)
        return port, nginx


class JsonLogTest(SharedServerTest):
    RECORDS = [ad('back\\slash "quoted"', "running shoes"), ad("trailing\\", "boots"), ad("\\" * 127 + "é" * 64, "hats", advertiser="x")]
    ARGUMENTS = ("--log-format", '{"uri":"%(uri)","ad":"%(admatch.ad)","keyword":"%(admatch.keyword)"}')

    def test_no_id_breaks_it(self):
        for query, expected in (("running+shoes", "back/slash 'quoted'"), ("boots", "trailing/"), ("hats", "/" * 127 + "é" * 64)):
            self.server.ask("GET", f"/v1/decide?query={query}")
            line = eventually("it is logged", lambda: [line for line in self.server.log().splitlines() if f"query={query}" in line and line.startswith("{")])[0]
            self.assertEqual(json.loads(line)["ad"], expected)


class ZergTest(ServerTest):
    """Instances that share a socket: the one that answers /metrics there may be any of them."""

    @unittest.skipUnless(POOL.exists(), "uWSGI has no plugin zergpool here")
    def test_each_instance_of_a_pool_can_be_scraped_by_a_socket_of_its_own(self):
        port, pool = free_port(), self.folder / "pool.socket"
        process = subprocess.Popen([UWSGI, "--plugin", str(POOL), "--master", "--die-on-term", "--zerg-pool", f"{pool}:127.0.0.1:{port}"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        eventually("there is a pool", pool.exists)
        put(self.inventory, ADS)
        servers = [
            self.serve(None, f"zerg = {pool}", "protocol = http11", f"http-socket = {self.folder / name}.scrape", "processes = 1", "threads = 2",
                       protocol="protocol", name=name, start=False).spawn() for name in ("first", "second")]
        for server in servers:
            server.logged("spawned uWSGI worker 1")

        def decisions(name):
            with contextlib.closing(UnixConnection(f"{self.folder / name}.scrape", timeout=PATIENCE)) as connection:
                body = connection.ask("GET", "/metrics").body.decode()
            return float(next(line.split()[1] for line in body.splitlines() if line.startswith("admatch_decisions_total ")))

        def others_stopped(name):
            """While the other instance stands still, this one answers what comes to the pool."""
            other = next(server for server in servers if server.name != name)
            return stopped(eventually("it has a worker and a mule", lambda: len(children_of(other.process.pid)) == 2 and children_of(other.process.pid)))

        for name, asked in (("first", 3), ("second", 2)):
            with others_stopped(name):
                for _ in range(asked):
                    with contextlib.closing(Connection("127.0.0.1", port, timeout=PATIENCE)) as connection:
                        self.assertEqual(connection.ask("GET", "/v1/decide?query=running+shoes").ads, ["shoes"])
        self.assertEqual((decisions("first"), decisions("second")), (3, 2))


if __name__ == "__main__":
    unittest.main()
