# SPDX-License-Identifier: Apache-2.0
"""Where a request ends: bodies in chunks, and heads that two readers could understand differently. The same answers from
uWSGI's threads and in the loop."""

import contextlib
import json
import time
import unittest

from harness import ServerTest, SharedServerTest, ad, eventually, status_of
from test_loop import Raw, in_chunks

LIMIT = 8192
QUESTION = b'{"query":"running shoes"}'
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n"

SOUND = {
    "one chunk": b"19\r\n%s\r\n0\r\n\r\n" % QUESTION,
    "leading zeros, capitals": b"0019\r\n%s\r\n000\r\n\r\n" % QUESTION,
    "an extension": b"19;a=b\r\n%s\r\n0;c\r\n\r\n" % QUESTION,
    "extensions with spaces and quotes": b'19 ; a = "b;\\"\t" ;c\r\n%s\r\n0\r\n\r\n' % QUESTION,
    "trailers": b"19\r\n%s\r\n0\r\nX-Checksum: 1\r\nContent-Length: 5\r\n\r\n" % QUESTION,
    "a byte each": in_chunks(*(QUESTION[at : at + 1] for at in range(len(QUESTION)))),
}

BROKEN = {
    "no size": b"\r\n%s\r\n0\r\n\r\n" % QUESTION,
    "no hexadecimal size": b"zz\r\n",
    "a sign": b"+19\r\n%s\r\n0\r\n\r\n" % QUESTION,
    "a prefix": b"0x19\r\n%s\r\n0\r\n\r\n" % QUESTION,
    "a space before the size": b" 19\r\n%s\r\n0\r\n\r\n" % QUESTION,
    "a space behind the size": b"19 \r\n%s\r\n0\r\n\r\n" % QUESTION,
    "a size that wraps": b"10000000000000019\r\n%s\r\n0\r\n\r\n" % QUESTION,
    "line feeds alone": b"19\n%s\n0\n\n" % QUESTION,
    "a carriage return alone": b"19\r%s\r\n0\r\n\r\n" % QUESTION,
    "longer than its size": b"19\r\n%sXX0\r\n\r\n" % QUESTION,
    "shorter than its size": b"1a\r\n%s\r\n0\r\n\r\n" % QUESTION,
    "an extension without a name": b"19;=b\r\n%s\r\n0\r\n\r\n" % QUESTION,
    "an extension with a line end in quotes": b'19;a="\r\n"\r\n%s\r\n0\r\n\r\n' % QUESTION,
    "a trailer that is none": b"19\r\n%s\r\n0\r\nno colon\r\n\r\n" % QUESTION,
    "a folded trailer": b"19\r\n%s\r\n0\r\nA: b\r\n c\r\n\r\n" % QUESTION,
    "a size of 5000 digits": b"0" * 5000,
}

LARGE = {
    "one chunk": in_chunks(b" " * (LIMIT + 1)),
    "one chunk, far above": in_chunks(b" " * (LIMIT + 9001)),
    "a size alone": b"ffffffff\r\n" + b" " * 100,
    "many chunks": in_chunks(*[b" " * 1000] * 10),
    "a byte each": in_chunks(*[b" "] * (LIMIT + 1)),
    "extensions": b"".join(b"1;%s\r\n \r\n" % (b"a" * 4000) for _ in range(30)),
    "trailers": in_chunks(QUESTION)[:-2] + b"A: b\r\n" * 15000,
}

CHUNKED = "Transfer-Encoding: chunked"

# What frames a body for one reader and not for another. Behind each head comes a body of no chunks, and a request.
SMUGGLING = {
    "a space before the colon": ["Transfer-Encoding : chunked"],
    "a tab before the colon": ["Transfer-Encoding\t: chunked"],
    "a space before another colon": [CHUNKED, "X-A : b"],
    "a length with a space before the colon": ["Content-Length : 5"],
    "a space before the name": [" Transfer-Encoding: chunked"],
    "a control character in the name": ["Transfer-Encoding\x0b: chunked"],
    "a folded coding": ["Transfer-Encoding:\r\n chunked"],
    "a coding in a fold": ["X-A: b\r\n Transfer-Encoding: chunked"],
    "a folded header": ["X-A: b\r\n\tc", CHUNKED],
    "a line feed alone": ["X-A: b\nTransfer-Encoding: chunked"],
    "a NUL": ["X-A: b\0c", CHUNKED],
    "coding and length": [CHUNKED, "Content-Length: 5"],
    "length and coding": ["Content-Length: 5", CHUNKED],
    "two codings": [CHUNKED, CHUNKED],
    "a coding twice": ["Transfer-Encoding: chunked, chunked"],
    "a coding before it": ["Transfer-Encoding: gzip, chunked"],
    "a coding after it": ["Transfer-Encoding: chunked, identity"],
    "the coding of nothing": ["Transfer-Encoding: identity"],
    "no coding": ["Transfer-Encoding:"],
    "a quoted coding": ['Transfer-Encoding: "chunked"'],
    "a control character in the coding": ["Transfer-Encoding: \x0bchunked"],
    "a coding with a parameter": ["Transfer-Encoding: chunked;a=b"],
    "another coding": ["Transfer-Encoding: xchunked"],
    "underlines": ["Transfer_Encoding: chunked", "Content-Length: 5"],
    "two lengths": ["Content-Length: 5", "Content-Length: 0"],
    "equal lengths": ["Content-Length: 5, 5"],
    "no length": ["Content-Length:"],
    "a length with a sign": ["Content-Length: +5"],
    "a hexadecimal length": ["Content-Length: 0x5"],
    "a length that wraps": ["Content-Length: 18446744073709551621"],
}

LINES = {
    "an old version": ("POST /v1/decide HTTP/1.0", [CHUNKED]),
    "a version to come": ("POST /v1/decide HTTP/2.0", [CHUNKED]),
    "two spaces": ("POST  /v1/decide HTTP/1.1", [CHUNKED]),
    "a fourth word": ("POST /v1/decide HTTP/1.1 x", [CHUNKED]),
    "a line feed alone": ("POST /v1/decide HTTP/1.1\nX-A: b", [CHUNKED]),
    "a line feed in the method": ("A\nB /v1/decide HTTP/1.1", [CHUNKED]),
    "a second line in the method": ("GET\r\nX /v1/decide HTTP/1.1", [CHUNKED]),
    "a control character in the method": ("G\x01ET /v1/decide HTTP/1.1", [CHUNKED]),
    "no method but a quote": ("\" /v1/decide HTTP/1.1", [CHUNKED]),
    "a line feed in the target": ("POST /v1/decide\nX-A: HTTP/1.1", [CHUNKED]),
}


def head(*headers, line="POST /v1/decide HTTP/1.1"):
    return "".join(f"{text}\r\n" for text in (line, "Host: h", *headers, "")).encode("latin-1")


class FramingTest(SharedServerTest):
    RECORDS = [ad("shoes", "running shoes")]
    OPTIONS = (f"admatch-limit-body = {LIMIT}", "threads = 4", "processes = 1", "socket-timeout = 3")

    def raw(self, data, **more):
        """What refuses closes, too, and then there is no use in sending on."""
        raw = Raw(self.server.port)
        self.addCleanup(raw.close)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            raw.send(data, **more)
        return raw

    def refused(self, raw, status=400):
        """Once, and then the connection ends: what is behind is no request."""
        answer = raw.answer()
        self.assertEqual((answer[0], answer[1]["Connection"]), (status, "close"), answer)
        self.assertTrue(raw.ends())
        return answer

    def test_sound_chunks_are_read_in_any_pieces(self):
        for name, chunks in SOUND.items():
            for piece in (None, 1, 7):
                with self.subTest(name, piece=piece):
                    raw = self.raw(head(CHUNKED) + chunks, piece=piece)
                    answer = raw.answer()
                    self.assertEqual(answer[0], 200, answer)
                    self.assertIn(b'"ad":"shoes"', answer[2])

    def test_what_follows_sound_chunks_is_answered_or_the_connection_closes(self):
        for name, chunks in SOUND.items():
            with self.subTest(name):
                raw = self.raw(head(CHUNKED) + chunks + HIDDEN)
                answer = raw.answer()
                self.assertEqual(answer[0], 200)
                if answer[1].get("Connection") == "close":
                    self.assertTrue(raw.ends())
                else:
                    self.assertEqual(raw.answer()[0], 404)

    def test_broken_chunks_are_refused_in_any_pieces(self):
        for name, chunks in BROKEN.items():
            for piece in (None, 3):
                with self.subTest(name, piece=piece):
                    self.refused(self.raw(head(CHUNKED) + chunks + HIDDEN, piece=piece))

    def test_bodies_beyond_the_limit_are_too_large_however_they_are_cut(self):
        for name, chunks in LARGE.items():
            with self.subTest(name):
                self.refused(self.raw(head(CHUNKED) + chunks), 413)

    def test_chunks_that_end_early_are_refused(self):
        whole = b"5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n"
        for size in range(len(whole)):
            with self.subTest(whole[:size]):
                raw = self.raw(head(CHUNKED) + whole[:size]).close_write()
                self.assertIn(b"ended before its last chunk", self.refused(raw)[2])

    def test_a_byte_a_chunk_costs_no_more_than_time_that_grows_with_them(self):
        body = head(CHUNKED) + in_chunks(*[b" "] * (LIMIT - len(QUESTION)), QUESTION)
        self.raw(body).answer()
        began = time.monotonic()
        for _ in range(20):
            self.assertEqual(self.raw(body).answer()[0], 200)
        self.assertLess(time.monotonic() - began, 5)

    def test_heads_that_two_readers_understand_differently_are_refused(self):
        for name, headers in SMUGGLING.items():
            for method in ("POST", "GET"):
                with self.subTest(name, method=method):
                    line = f"{method} /v1/decide HTTP/1.1"
                    self.refused(self.raw(head(*headers, line=line) + b"0\r\n\r\n" + HIDDEN))

    def test_request_lines_that_two_readers_understand_differently_are_refused(self):
        for name, (line, headers) in LINES.items():
            with self.subTest(name):
                self.refused(self.raw(head(*headers, line=line) + b"0\r\n\r\n" + HIDDEN))

    def test_there_is_one_host(self):
        for hosts in ("", "Host: h\r\nHost: h\r\n", "Host: h\r\nHost: other\r\n"):
            with self.subTest(hosts):
                self.refused(self.raw(f"GET /healthz HTTP/1.1\r\n{hosts}\r\n".encode()))
        self.assertEqual(self.raw(b"GET /healthz HTTP/1.0\r\n\r\n").answer()[0], 200)

    def test_a_target_may_name_the_host(self):
        for target in ("http://h/v1/decide?query=running+shoes", "HTTPS://h:80/v1/decide?query=running+shoes"):
            with self.subTest(target):
                self.assertIn(b'"ad":"shoes"', self.raw(head(line=f"GET {target} HTTP/1.1")).answer()[2])

    def test_spaces_around_values_mean_nothing(self):
        for headers in (["Transfer-Encoding:chunked"], ["Transfer-Encoding: \tchunked \t"], ["transfer-encoding: Chunked"]):
            with self.subTest(headers):
                self.assertEqual(self.raw(head(*headers) + SOUND["one chunk"]).answer()[0], 200)
        self.assertEqual(self.raw(head("Content-Length:  25 ") + QUESTION).answer()[0], 200)


class MemoryTest(ServerTest):
    def test_what_large_chunks_used_is_given_back(self):
        server = self.serve([ad("shoes", "running shoes")], "processes = 1", "threads = 1")
        kept = lambda: int(status_of(server.workers()[0])["RssAnon"].split()[0])
        self.ask_in_chunks(server, b"running shoes")
        before = kept()
        self.ask_in_chunks(server, b"running shoes" + b" " * 900000)
        eventually("it is given back", lambda: kept() < before + 500)

    def ask_in_chunks(self, server, text):
        raw = Raw(server.port).send(head(CHUNKED, "Content-Type: text/plain") + in_chunks(text))
        self.assertEqual(raw.answer()[0], 200)
        raw.close()


class FramingInLoopTest(FramingTest):
    OPTIONS = (*FramingTest.OPTIONS, "loop = admatch", "admatch-body-timeout = 3")

    def test_http10_is_not_told_to_continue(self):
        raw = self.raw(head("Content-Length: 25", "Expect: 100-continue", line="POST /v1/decide HTTP/1.0"))
        time.sleep(0.2)
        self.assertEqual(raw.send(QUESTION).answer()[0], 200)


class SlowPreviewTest(ServerTest):
    """Bodies that come slowly cost no thread, whatever their path."""

    def test_threads_get_whole_bodies_alone(self):
        server = self.serve([ad("shoes", "running shoes")], "processes = 1", "threads = 2", "loop = admatch", "admatch-preview =",
                            "admatch-body-timeout = 2")
        for path in ("/preview", "/preview/", "/previewzzz"):
            with self.subTest(path):
                raw = Raw(server.port).send(head("Content-Length: 1000", line=f"POST {path} HTTP/1.1") + b"text=a")
                self.addCleanup(raw.close)
                began = time.monotonic()
                large = json.dumps({"text": "running shoes " * 8000})
                self.assertEqual(server.ask("POST", "/v1/decide", large, {"Content-Type": "application/json"}).ads, ["shoes"])
                self.assertLess(time.monotonic() - began, 1.5)
                raw.answer()
                self.assertTrue(raw.ends())


if __name__ == "__main__":
    unittest.main()
