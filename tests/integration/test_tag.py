# SPDX-License-Identifier: Apache-2.0
"""The page tag as a file: how it is sent, and to whom. What it does is tests/browser/test_tag.py's."""

import gzip

from harness import SharedServerTest, ad, free_port, Connection

PUBLIC = free_port()


class TagTest(SharedServerTest):
    RECORDS = [ad("a1", "shoes")]
    OPTIONS = ("admatch-preview = true", f"http-socket = 127.0.0.1:{PUBLIC}", f"admatch-public = 127.0.0.1:{PUBLIC}")

    def test_it_is_small_and_may_be_kept(self):
        answer = self.server.ask("GET", "/v1/tag.js")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["Content-Type"], "text/javascript; charset=utf-8")
        self.assertEqual(answer.headers["Cache-Control"], "public, max-age=3600")
        self.assertEqual(answer.headers["Cross-Origin-Resource-Policy"], "cross-origin")
        self.assertLess(len(gzip.compress(answer.body, 6)), 5000)
        self.assertTrue(answer.body.isascii())
        self.assertNotIn(b"eval", answer.body)
        self.assertNotIn(b"cookie", answer.body)
        self.assertEqual(self.server.ask("POST", "/v1/tag.js", b"").status, 405)

    def test_on_a_public_socket_there_is_the_script_but_no_demo(self):
        for path, status in (("/v1/tag.js", 200), ("/demo", 404)):
            self.assertEqual(Connection("127.0.0.1", PUBLIC, timeout=10).ask("GET", path).status, status, path)
        self.assertEqual(self.server.ask("GET", "/demo").status, 200)


class DemoTest(SharedServerTest):
    RECORDS = [ad("a1", "shoes")]

    def test_without_preview_there_is_no_demo(self):
        self.assertEqual(self.server.ask("GET", "/demo").status, 404)
        self.assertEqual(self.server.ask("GET", "/v1/tag.js").status, 200)
