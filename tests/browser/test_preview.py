# SPDX-License-Identifier: Apache-2.0
"""The preview in a real browser: it fits any screen, asks for nothing, complains of nothing, and shows ads without running them.
With SCREENSHOTS=FOLDER the pages are left there as pictures."""

import contextlib
import os
import pathlib
import socket
import threading
import unittest
import urllib.parse

from webdriver import Browser, Driver, Refusal
from harness import SharedServerTest, ad, eventually

WIDTHS = (320, 390, 768, 1280)
LONG = "x" * 200


class Trap:
    """A port that ads name and that nobody may reach."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.reached = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                self.socket.accept()[0].close()
                self.reached += 1


TRAP = Trap()
AWAY = f"http://127.0.0.1:{TRAP.port}"
# Each would load, run or open something if it could.
HOSTILE = {
    "style": f"<style>body{{background:url({AWAY}/a)}}@import '{AWAY}/b';</style>",
    "refresh": f"<meta http-equiv=refresh content='0;url={AWAY}/'>",
    "image": f"<img src={AWAY}/a><picture><source srcset={AWAY}/b><img></picture><input type=image src={AWAY}/c>",
    "background": f"<body background={AWAY}/a><p style='background:url({AWAY}/b)'>x",
    "script": f"<script src={AWAY}/a></script><script>top.document.title = 'seized'; fetch('{AWAY}/b')</script><img src=x onerror=alert(1)>",
    "frame": f"<iframe src={AWAY}/a></iframe><IFRAME srcdoc='&lt;link rel=preconnect href={AWAY}&gt;'></iframe>",
    "frameset": f"<frameset><frame src={AWAY}/a></frameset>",
    "media": f"<video src={AWAY}/a poster={AWAY}/b autoplay></video><audio src={AWAY}/c autoplay></audio><track src={AWAY}/d>",
    "object": f"<object data={AWAY}/a type=text/html></object><embed src={AWAY}/b>",
    "form": f"<base href={AWAY}><form action={AWAY}/a><button autofocus>go</button></form><a href=/b ping={AWAY}/c>go</a>",
    "vector": f"<svg><image href={AWAY}/a /><use href={AWAY}/b#c /><script href={AWAY}/d /></svg>",
    "hint": f"<LiNk rel=preconnect href={AWAY}><link rel='dns-prefetch prefetch preload' as=image href={AWAY}/a><link rel=stylesheet href={AWAY}/b>",
    "rules": f'<script type=speculationrules>{{"prefetch":[{{"source":"list","urls":["{AWAY}/a"]}}]}}</script>',
}
RECORDS = [
    {"type": "inventory", "currency": "EUR", "language": "en"},
    {"type": "campaign", "id": "spring", "advertiser": "Acme Running"},
    {"id": "shoes", "campaign": "spring", "bid": 2, "keywords": ["running shoes"], "url": "https://shoes.example/?a=1&b=2",
     "creative": {"title": "Run far", "text": "Light shoes for long trails.", "image": f"https://cdn.example/{LONG}.jpg", "cta": "Shop now"}},
    ad("markup", "shoes", bid=1.5, sizes=["300x250"], creative={"adm": "<b style='color:green;font-size:2rem'>Half price</b>"}),
    ad("banner", "shoes", bid=1.4, sizes=["970x250"], creative={"html": "<b>wide</b>"}),
    ad("hebrew", "shoes", bid=1.3, advertiser="חברת נעליים", creative={"title": "נעלי ריצה!", "text": "קנו עכשיו (2 ב-1)."}),
    ad(LONG, f'"shoes {LONG}"', "shoes", bid=1.2, url=f"https://{LONG}.example/", creative={LONG: {"key": LONG}}),
    ad("paused", "shoes", status="paused"),
    ad("elsewhere", "shoes", targeting={"country": ["FR"]}),
    ad("sporty", "shoes", bid=3, targeting={"kv": {"sport": ["running"]}}),
    *(ad(f"house-{number}", "*", bid=0.1) for number in range(4)),
    *(ad(name, f"hostile {name}", sizes=["300x250"], creative={"adm": markup}) for name, markup in HOSTILE.items()),
]
QUESTIONS = {
    "form": {},
    "ads": {"text": "I ran in new running shoes, " * 30 + "נעלי ריצה", "title": "shoes", "count": 5, "timezone": "America/New_York",
            "now": "2026-12-24T18:00:00Z", "kv.team": "reds", "country": ["US", "FR"], "device": ["mobile", LONG], "block.domains": "a.example"},
    "none": {"query": "inch", "country": "US"},
    "refusal": {"query": "shoes", "size": LONG},
}


class PreviewTest(SharedServerTest):
    RECORDS = RECORDS
    OPTIONS = ("admatch-preview = true", "buffer-size = 16384")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        driver = Driver(cls.folder)
        cls.addClassCleanup(driver.stop)
        cls.browser = Browser(driver)
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        self.browser.resize(1280)
        self.prefer("light")
        self.browser.open("about:blank")
        self.browser.console(), self.browser.requested()

    def open(self, parameters, anchor=""):
        query = urllib.parse.urlencode(parameters, doseq=True)
        self.browser.open(f"http://127.0.0.1:{self.server.port}/preview{'?' if query else ''}{query}{anchor}")

    def prefer(self, scheme):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.browser.ask("POST", "/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": {"features": features}})

    def complaints(self):
        """What the console says of the page, but for the status of a page that is a refusal."""
        return [text for level, text in self.browser.console() if "status of 400" not in text]

    def screenshot(self, name):
        folder = os.environ.get("SCREENSHOTS")
        if folder:
            pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
            self.browser.screenshot(pathlib.Path(folder) / f"{name}.png")

    def submit(self):
        self.browser.run("window.isOld = true")
        self.browser.one("button").click()
        eventually("the answer is there", self.is_new)

    def is_new(self):
        with contextlib.suppress(Refusal):
            return self.browser.run("return !window.isOld && document.readyState === 'complete'")
        return False

    def test_no_screen_is_too_narrow(self):
        for width in WIDTHS:
            self.browser.resize(width)
            for name, parameters in QUESTIONS.items():
                with self.subTest(width=width, page=name):
                    self.open(parameters)
                    found = self.browser.run("""
                        const root = document.documentElement, sideways = [...document.querySelectorAll("body *")].filter(
                            element => element.getBoundingClientRect().right > root.clientWidth + 0.5 ||
                            (element.scrollWidth > element.clientWidth + 1 && ["auto", "scroll"].includes(getComputedStyle(element).overflowX)));
                        return [innerWidth, root.clientWidth, root.scrollWidth, sideways.map(element => element.outerHTML.slice(0, 80))]""")
                    self.assertEqual(found, [width, width, width, []])
                    self.assertEqual(self.complaints(), [])
                    self.screenshot(f"{name}-{width}")

    def test_the_page_is_all_that_is_asked_for(self):
        self.open(QUESTIONS["ads"])
        asked = [url for url in self.browser.requested() if not url.startswith(("data:", "chrome:", "about:"))]
        self.assertEqual(asked, [self.browser.url])

    def test_the_form_leads_to_its_answer(self):
        """On a phone the answer is below the form: the browser goes there, and back by a link."""
        self.browser.resize(390)
        self.open({})
        self.browser.one("textarea[name=text]").type("new running shoes")
        self.browser.one("textarea[name=kv]").type("sport=running\nteam=reds")
        self.submit()
        self.assertTrue(self.browser.url.endswith("/preview#answer"), self.browser.url)
        self.assertLess(self.browser.run("return document.getElementById('answer').getBoundingClientRect().top"), 100)
        self.assertEqual([name.text for name in self.browser.find("h3")], ["ad sporty", "ad shoes", "ad markup", "ad banner", "ad hebrew"])
        self.assertEqual([mark.text for mark in self.browser.find("mark")][:1], ["shoes"])
        self.assertEqual(self.browser.one("textarea[name=kv]").property("value"), "sport=running\nteam=reds\n")
        self.browser.one("a.up").click()
        self.assertLess(abs(self.browser.run("return document.getElementById('request').getBoundingClientRect().top")), 100)

    def test_time_goes_through_the_form_and_back(self):
        self.open({"query": "shoes", "now": "2026-12-24T18:00:30Z", "timezone": "America/New_York"})
        self.submit()
        self.assertEqual(self.browser.one("input[name=now]").property("value"), "2026-12-24T18:00:30")
        self.assertIn("As of Thu 2026-12-24 18:00 UTC, Thu 13:00 in America/New_York.", self.browser.find(".counts")[0].text)
        self.browser.run("document.querySelector('input[name=now]').value = '2026-12-25T07:30'")
        self.submit()
        self.assertIn("As of Fri 2026-12-25 07:30 UTC", self.browser.find(".counts")[0].text)

    def test_a_mark_taken_off_drops_a_parameter(self):
        self.open({"query": "shoes", "country": ["US", "FR"]})
        self.browser.one(".other input").click()
        self.submit()
        self.assertEqual(self.browser.find(".other"), [])
        self.assertIn("elsewhere", [loser.text.split()[0] for loser in self.browser.find(".loser")])

    def test_each_text_has_its_direction(self):
        self.open({"query": "נעלי shoes", "count": 9})
        directions = self.browser.run("""
            return ["input[name=query]", "input[name=title]", ".box .title", ".excerpt", "pre"].map(selector => {
                const all = [...document.querySelectorAll(selector)], element = all.find(each => /[א-ת]/.test(each.textContent)) || all[0];
                return getComputedStyle(element).direction})""")
        self.assertEqual(directions, ["rtl", "ltr", "rtl", "rtl", "ltr"])

    def test_markup_is_drawn(self):
        self.open({"query": "shoes", "count": 9})
        frame = self.browser.one('iframe[width="300"]')
        look = self.browser.in_frame(frame, "const b = document.querySelector('b'); return [b.textContent, getComputedStyle(b).color, innerWidth]")
        self.assertEqual(look, ["Half price", "rgb(0, 128, 0)", 298])
        self.assertEqual(self.complaints(), [])

    def test_markup_loads_runs_and_opens_nothing(self):
        for name in HOSTILE:
            with self.subTest(markup=name):
                before = TRAP.reached
                self.open({"query": f"hostile {name}"})
                frame = self.browser.one("iframe")
                self.browser.run("document.querySelector('iframe').scrollIntoView()")
                self.assertRaises(Refusal, frame.click)
                self.assertEqual(self.browser.run("return document.title"), "admatch preview")
                # Another page comes after it: what the ad began is over by then.
                self.browser.open(f"http://127.0.0.1:{self.server.port}/preview")
                self.assertEqual(TRAP.reached, before)

    def test_the_trap_works(self):
        """What the test above finds nothing in does find something: the page without its policy."""
        before = TRAP.reached
        self.browser.run(f"new Image().src = '{AWAY}/'")
        eventually("the trap is reached", lambda: TRAP.reached > before)

    def test_dark_and_light_are_readable(self):
        """Contrast of at least 4.5, as WCAG 2.1 asks of text (1.4.3)."""
        for scheme in ("light", "dark"):
            self.prefer(scheme)
            for name in ("ads", "refusal"):
                self.open(QUESTIONS[name])
                self.screenshot(f"{name}-{scheme}")
                poor = self.browser.run("""
                    const light = text => { const [r, g, b] = text.match(/[\\d.]+/g).slice(0, 3).map(x => { x /= 255;
                        return x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4 }); return 0.2126 * r + 0.7152 * g + 0.0722 * b };
                    const ground = element => { for (; element; element = element.parentElement) {
                        const colour = getComputedStyle(element).backgroundColor; if (colour !== "rgba(0, 0, 0, 0)") return colour } };
                    const contrast = element => { const pair = [light(getComputedStyle(element).color), light(ground(element))].sort();
                        return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05) };
                    return [...document.querySelectorAll("p, label, code, h1, h2, h3, a, b, mark, button, input, textarea, summary, legend, pre")]
                        .filter(element => contrast(element) < 4.5).map(element => contrast(element).toFixed(1) + " " + element.outerHTML.slice(0, 80))""")
                self.assertEqual(poor, [], scheme)


if __name__ == "__main__":
    unittest.main()
