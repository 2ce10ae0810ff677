# SPDX-License-Identifier: Apache-2.0
"""The page tag in a real browser, on pages of another origin, under a Content-Security-Policy, at a public socket with a ledger."""

import http.server
import json
import shutil
import threading
import unittest

from webdriver import Browser, Driver
from harness import ad, eventually, free_port, new_folder, new_server, put
from ledger import home_of

FILLER = "The council met on Monday to talk about the harbour and its old bridge. "
ARTICLE = ("<p>" + FILLER * 8 + "Light <em>running shoes</em> &amp; socks were worn by all. Fast running shoes, too.</p>") * 30  # about 3,000 words
RECORDS = [
    ad("text", "running shoes", bid=3, sizes=["120x600"], url="https://shop.example/shoes", creative={"title": "Run <far>", "text": "Light & fast"}),
    ad("markup", "harbour", bid=2, sizes=["300x250"], url="https://shop.example/boats", creative={"html": "<p id=x>Boats</p><script>x.textContent = 'Boats run'; top.document.title</script>"}),
    ad("image", "bridge", bid=1, sizes=["728x90"], url="https://shop.example/steel", creative={"image": "PAGES/picture.gif"}),
    ad("house", "*", bid=0.1, url="https://house.example/"),
]
GIF = b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\4\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"


class Pages(http.server.ThreadingHTTPServer):
    """The publisher's site: pages by path."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages, self.policy = {}, ""
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def origin(self):
        return f"http://localhost:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        picture = self.path == "/picture.gif"
        body = GIF if picture else self.server.pages.get(self.path, "").encode()
        self.send_response(200)
        self.send_header("Content-Type", "image/gif" if picture else "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if not picture:
            self.send_header("Content-Security-Policy", self.server.policy)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Says nothing."""


class TagTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = new_folder(cls.addClassCleanup)
        cls.pages = Pages()
        cls.addClassCleanup(cls.pages.server_close)
        cls.addClassCleanup(cls.pages.shutdown)
        inventory, ledger, port = cls.folder / "inventory.jsonl", cls.folder / "ledger", free_port()
        put(inventory, json.loads(json.dumps(RECORDS).replace("PAGES", cls.pages.origin)))
        ledger.mkdir(0o700)
        cls.ads = f"http://127.0.0.1:{port}"
        cls.server = new_server(cls.addClassCleanup, cls.folder, inventory, "threads = 8", f"http-socket = 127.0.0.1:{port}", f"admatch-public = 127.0.0.1:{port}",
                                f"admatch-cors = {cls.pages.origin}", f"admatch-ledger = {ledger}", f"admatch-public-url = {cls.ads}", "admatch-cells = 1024",
                                "admatch-ring = 1048576", "admatch-preview = true").start()
        cls.addClassCleanup(shutil.rmtree, home_of(ledger), ignore_errors=True)
        cls.pages.policy = f"default-src 'none'; script-src {cls.ads}; connect-src {cls.ads}; img-src 'self'; frame-src 'self'; style-src 'unsafe-inline'"
        driver = Driver(cls.folder)
        cls.addClassCleanup(driver.stop)
        cls.browser = Browser(driver)
        cls.addClassCleanup(cls.browser.close)
        cls.browser.resize(1280)

    def show(self, body, options=""):
        self.pages.pages["/page"] = f"<!doctype html><title>News</title>{body}<script src={self.ads}/v1/tag.js {options} async></script>"
        self.browser.requested(), self.browser.console()
        self.browser.open(self.pages.origin + "/page")

    def filled(self, slot):
        return self.browser.run(f"const e = document.querySelector('[data-admatch-slot={slot}]'); return e && e.dataset.admatchState === 'filled' ? e.dataset.admatchAd : null")

    def fired(self, event):
        """How often it was; none counts, since a browser without a screen is a robot."""
        lines = self.server.ask("GET", "/metrics").body.decode().splitlines()
        return sum(float(line.split()[1]) for line in lines if line.startswith(f'admatch_events_total{{event="{event}",'))

    def test_a_news_page(self):
        views = self.fired("view"), self.fired("impression")
        self.show("<div data-admatch-slot=top data-size=728x90 style=height:90px></div><div data-admatch-slot=side data-size=300x250 style=height:250px></div>"
                  f"<article>{ARTICLE}</article><div data-admatch-slot=late data-lazy></div>", "data-in-text=1")
        for slot, wanted in (("top", "image"), ("side", "markup")):
            self.assertEqual(eventually(f"{slot} is filled", lambda: self.filled(slot)), wanted)
        self.assertIsNone(self.filled("late"))
        asked = self.browser.requested()
        self.assertEqual(sum(url == self.ads + "/v1/decide" for url in asked), 1)
        self.assertEqual(self.browser.console(), [])
        shift = self.browser.run("return new Promise(done => new PerformanceObserver(list => done(list.getEntries().reduce((sum, each) => sum + each.value, 0)))"
                                 ".observe({type: 'layout-shift', buffered: true}) || setTimeout(() => done(0), 500))")
        self.assertEqual(shift, 0)
        eventually("what is in view for a second is a view", lambda: self.fired("view") >= views[0] + 2)
        self.assertGreaterEqual(self.fired("impression"), views[1] + 2)
        self.browser.run("document.querySelector('[data-admatch-slot=late]').scrollIntoView()")
        eventually("a lazy slot is filled when it comes near", lambda: self.filled("late"))
        self.assertEqual(self.browser.console(), [])

    def test_creatives(self):
        self.show("<article><p>Fast running shoes.</p></article><div data-admatch-slot=any></div>")
        self.assertEqual(eventually("it is filled", lambda: self.filled("any")), "text")
        link = self.browser.run("const a = document.querySelector('[data-admatch-slot] a'); return [a.textContent, a.href, a.rel, a.children.length]")
        self.assertEqual((link[0], link[2], link[3]), ("Run <far>Light & fast", "sponsored noopener nofollow", 2))
        self.assertTrue(link[1].startswith(self.ads + "/v1/click/"), link[1])
        self.show("<article><p>The harbour.</p></article><div data-admatch-slot=any data-size=300x250></div>")
        self.assertEqual(eventually("it is filled", lambda: self.filled("any")), "markup")
        frame = self.browser.one("[data-admatch-slot] iframe")
        self.assertEqual(self.browser.in_frame(frame, "return document.getElementById('x').textContent"), "Boats")  # the page's policy allows no inline script
        self.assertNotIn("allow-same-origin", self.browser.run("return document.querySelector('iframe').getAttribute('sandbox')"))

    def test_words_are_marked_and_the_text_stays(self):
        self.show("<article><h2>Shoes</h2><p>My <em>running</em> shoes, <a href=/x>running shoes</a> and running shoes &amp; socks.</p></article>", "data-in-text=1")
        marked = eventually("words are marked", lambda: self.browser.run("return [...document.querySelectorAll('a.admatch_word')].map(a => a.textContent)"))
        self.assertEqual(marked, ["running", "shoes"])
        self.assertEqual(self.browser.run("return document.querySelector('article p').textContent"), "My running shoes, running shoes and running shoes & socks.")
        self.assertEqual(self.browser.run("return document.querySelectorAll('a a').length"), 0)

    def test_what_has_no_words_in_the_text_marks_nothing(self):
        self.show("<article><p>The harbour.</p></article><div data-admatch-slot=any data-size=300x250></div>", "data-in-text=2")
        self.assertEqual(eventually("it is filled", lambda: self.filled("any")), "markup")
        self.assertEqual(self.browser.find("a.admatch_word"), [])
        self.assertEqual(self.browser.console(), [])

    def test_private_pages_and_consent(self):
        self.show("<article><p>Fast running shoes.</p></article><div data-admatch-slot=any></div>", "data-no-text")
        self.assertEqual(eventually("it is filled", lambda: self.filled("any")), "house")
        self.show("<article><p>Fast running shoes.</p></article><div data-admatch-slot=any></div>", "data-wait")
        eventually("the script is there", lambda: self.browser.run("return !!window.admatch"))
        self.assertIsNone(self.filled("any"))
        self.browser.run("admatch.go()")
        self.assertEqual(eventually("it is filled", lambda: self.filled("any")), "text")

    def test_the_demo(self):
        self.browser.open(f"http://127.0.0.1:{self.server.port}/demo")
        eventually("the demo has ads", lambda: self.browser.run("return document.querySelectorAll('[data-admatch-state=filled]').length"))


if __name__ == "__main__":
    unittest.main()
