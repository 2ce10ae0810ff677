# SPDX-License-Identifier: Apache-2.0
"""Clients that mean harm, or do not care: no worker may die, no other client may wait, and the next good
request is answered."""

import pathlib
import shutil
import socket
import subprocess
import time
import unittest

from harness import PATIENCE, ServerTest, SharedServerTest, ad, eventually, free_port

GOOD = b"GET /v1/decide?query=running+shoes HTTP/1.1\r\nHost: h\r\n\r\n"


def send(port, data, half_close=False, wait=1.0):
    """Sends raw bytes; what comes within a second of silence."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        try:
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            connection.settimeout(wait)
            while block := connection.recv(65536):
                received += block
        except OSError:
            pass
    return received


def post(body, *headers, length=None):
    lines = ["POST /v1/decide HTTP/1.1", "Host: h", *headers]
    if length is not False:
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class HostileTest(SharedServerTest):
    RECORDS = [ad("shoes", "running shoes")]
    OPTIONS = ("processes = 2", "threads = 4", "socket-timeout = 2", "admatch-limit-body = 8192")

    def setUp(self):
        self.before = sorted(self.server.workers())

    def tearDown(self):
        self.assertEqual(self.server.decide(query="running shoes").ads, ["shoes"])
        self.assertEqual(sorted(self.server.workers()), self.before, "a worker died")

    def answers(self, data, *statuses, **more):
        """One of the statuses, or, where 0 is among them, no answer at all."""
        answer = send(self.server.port, data, **more)
        status = int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/") else 0
        self.assertIn(status, statuses, (data[:100], answer[:200]))
        return answer

    def test_lengths_that_lie(self):
        for length in (-1, 10**30, "18446744073709551617", "abc", "1,1", "+3", "0x3"):
            with self.subTest(length):
                self.answers(post(b'{"query":"a"}', length=length), 400, 411, 413, 0)

    def test_two_lengths(self):
        self.answers(post(b"{}", "Content-Length: 1"), 400, 0)

    def test_a_length_and_chunks(self):
        self.answers(post(b"2\r\n{}\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), 400, 0)

    def test_folded_and_broken_headers(self):
        for header in ("X-A: b\r\n c", "No colon", ": no name", "X\0Y: z", "X-A : b", "Transfer-Encoding: xchunked"):
            with self.subTest(header):
                self.answers(post(b"{}", header), 200, 400, 411, 501, 0)

    def test_a_flood_of_headers(self):
        self.answers(post(b"{}", *[f"X-{index}: {'v' * 100}" for index in range(1000)]), 400, 413, 431, 0)

    def test_requests_that_are_none(self):
        for data in (b"\0" * 1000, b"GET\r\n\r\n", b"\x16\x03\x01\x02\0\x01\0", b"GET / HTTP/9.9\r\n\r\n", b" " * 5000, b"\r\n\r\n", GOOD[:20]):
            with self.subTest(data[:20]):
                self.answers(data, 200, 400, 404, 0, half_close=True)

    def test_paths_that_wander(self):
        for path in ("/../../etc/passwd", "/v1/../v1/decide", "//v1/decide", "/v1/decide/", "/%2e%2e/", "/v1%2fdecide", "/v1/decide%00", "/" + "a" * 3000, "*"):
            with self.subTest(path):
                answer = self.answers(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode(), 200, 400, 404, 0)
                self.assertNotIn(b"root:", answer)

    def test_a_client_that_closes_its_side_is_answered(self):
        self.assertIn(b'"shoes"', send(self.server.port, GOOD, half_close=True))

    def test_clients_that_leave_before_their_answer(self):
        for _ in range(50):
            with socket.create_connection(("127.0.0.1", self.server.port), timeout=PATIENCE) as connection:
                connection.sendall(GOOD)

    def test_expecting_to_go_on(self):
        self.answers(post(b'{"query":"running shoes"}', "Expect: 100-continue"), 100, 200, 417)

    def test_requests_in_one_go_are_answered_in_order_or_not_at_all(self):
        answer = send(self.server.port, GOOD.replace(b"\r\n\r\n", b"\r\nConnection: keep-alive\r\n\r\n") * 3)
        self.assertIn(answer.count(b"HTTP/1.1 200"), (1, 2, 3))

    def test_slow_clients_keep_nobody_waiting_and_are_let_go(self):
        slow = []
        for data in (b"GET /v1/decide?qu", post(b'{"query"', length=4000), b""):
            connection = socket.create_connection(("127.0.0.1", self.server.port), timeout=PATIENCE)
            connection.sendall(data)
            slow.append(connection)
        began = time.monotonic()
        for _ in range(20):
            self.assertEqual(self.server.decide(query="running shoes").ads, ["shoes"])
        self.assertLess(time.monotonic() - began, 5)
        for connection in slow[:2]:
            connection.settimeout(PATIENCE)
            self.assertIsNotNone(connection.recv(65536))  # an answer or the end, but not silence
        for connection in slow:
            connection.close()


@unittest.skipUnless(shutil.which("nginx"), "nginx is not installed")
class SmugglingTest(ServerTest):
    """What nginx passes on to uWSGI is one request, whatever the client says of its length."""

    def start_nginx(self, server):
        port = free_port()
        config = self.folder / "nginx.conf"
        config.write_text(
            f"daemon off; pid {self.folder}/nginx.pid; error_log {self.folder}/nginx.log; worker_processes 1; events {{}}\n"
            f"http {{ access_log off; client_body_temp_path {self.folder}/b; proxy_temp_path {self.folder}/p; fastcgi_temp_path {self.folder}/f;\n"
            f"uwsgi_temp_path {self.folder}/u; scgi_temp_path {self.folder}/s; server {{ listen 127.0.0.1:{port};\n"
            f"location / {{ include /etc/nginx/uwsgi_params; uwsgi_pass 127.0.0.1:{server.port}; }} }} }}\n")
        process = subprocess.Popen(["nginx", "-c", str(config), "-p", str(self.folder)], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        eventually("nginx answers", lambda: pathlib.Path(self.folder / "nginx.pid").exists() and send(port, b"GET /healthz HTTP/1.0\r\n\r\n"))
        return port

    def test_a_second_request_cannot_hide_in_the_first(self):
        server = self.serve([ad("shoes", "running shoes")], protocol="socket", start=False)
        server.spawn()
        port = self.start_nginx(server)
        eventually("it answers through nginx", lambda: b" 200 " in send(port, b"GET /healthz HTTP/1.0\r\n\r\n"))
        hidden = b"GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n"
        tries = {
            "length and chunks": post(b"0\r\n\r\n" + hidden, "Transfer-Encoding: chunked"),
            "chunks, obscured": post(b"0\r\n\r\n" + hidden, "Transfer-Encoding: \x0bchunked"),
            "two lengths": post(b"{}" + hidden, "Content-Length: 2", length=2 + len(hidden)),
            "a body to GET": b"GET /healthz HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(hidden) + hidden,
        }
        for name, data in tries.items():
            with self.subTest(name):
                answer = send(port, data)
                self.assertNotIn(b"/hidden", answer)
                self.assertNotIn(b" 404 ", answer)
        self.assertIn(b'"shoes"', send(port, GOOD.replace(b"HTTP/1.1", b"HTTP/1.0")))


if __name__ == "__main__":
    unittest.main()
