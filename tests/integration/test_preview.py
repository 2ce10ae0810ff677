# SPDX-License-Identifier: Apache-2.0
"""GET and POST /preview: the page for people, and that nothing in it can do harm."""

import base64
import hashlib
import html
import html.parser
import re
import unittest
import urllib.parse

from harness import ServerTest, SharedServerTest, ad

EVIL = "<script>alert('x')</script>\"&'<img src=x onerror=alert(1)>"
RECORDS = [
    {"type": "inventory", "currency": "EUR", "language": "en"},
    ad("shoes", "running shoes", bid=2, creative={"title": "Run far"}, url="https://shoes.example/?a=1&b=2"),
    ad(f"evil{EVIL}", f'"evil shoes {EVIL[:30]}"', "evil", advertiser=f"adv{EVIL}", creative={"title": EVIL, "x": "</pre></style>"}, url="javascript:alert(1)"),
    ad("clicks", "shoes", bid=0.5, pricing="cpc", ctr=0.004),
    ad("paused", "shoes", status="paused"),
    ad("elsewhere", "shoes", targeting={"country": ["FR"]}),
    ad("signs", "1/2 inch", "1/2 price sandals", "น้ำ", "キロ", "ﷺ"),
    ad("looks", "looks", creative={"headline": "נעליים", "body": "Light & fast", "image": "https://cdn.example/a.png", "cta": "Buy"}),
    ad("markup", "markup", sizes=["300x250", "728x90"],
       creative={"adm": '<b style="color:red">"&amp;</b><LINK rel=preconnect href=//x><iframe src=//x></iframe>'}),
    ad("video", "video", creative={"adm": " <VAST version='4.2'></VAST>"}),
    ad("weekend", "weekend", targeting={"hour": list(range(120, 168))}),
    ad("sporty", "shoes", bid=3, targeting={"kv": {"sport": ["running"]}}),
]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
VOID = {"meta", "input", "link", "img", "br", "option"}


class Page(html.parser.HTMLParser):
    """Tags in order, with a check that they close as they opened."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.texts, self.inputs, self.labelled = [], [], [], {}, set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        if tag in ("input", "textarea", "select"):
            self.inputs.setdefault(attributes.get("name"), []).append(attributes)
            if "label" in self.open:
                self.labelled.add(attributes.get("name"))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open}"
        self.open.pop()

    def handle_data(self, data):
        self.texts.append((self.open[-1] if self.open else None, data))

    def inside(self, tag):
        return [data for parent, data in self.texts if parent == tag]


def names_of(page):
    """The ads shown, in order."""
    return [html.unescape(name) for name in re.findall(r"<h3>ad <code><bdi>(.*?)</bdi></code></h3>", page.text)]


class PreviewTest(SharedServerTest):
    RECORDS = RECORDS
    OPTIONS = ("admatch-preview = true", "buffer-size = 16384", "admatch-limit-body = 20000")

    def get(self, status=200, **parameters):
        query = urllib.parse.urlencode(parameters, doseq=True)
        return self.page(self.server.ask("GET", "/preview?" + query if query else "/preview"), status)

    def page(self, answer, status=200):
        self.assertEqual(answer.status, status)
        self.assertEqual(answer.headers["Content-Type"], "text/html; charset=utf-8")
        text = answer.body.decode()
        page = Page(text)
        self.assertEqual(page.open, [])
        page.text, page.answer = text, answer
        return page

    def test_the_empty_form_asks_for_something(self):
        page = self.get()
        self.assertIn("Paste a page or type a query", page.text)
        self.assertEqual(page.inputs["count"][0]["value"], "5")
        self.assertNotIn("Not shown", page.text)

    def test_every_field_has_a_label(self):
        page = self.get(query="shoes", **{"kv.sport": "running"})
        shown = set(page.inputs)
        self.assertEqual(shown, page.labelled)
        self.assertGreaterEqual(shown, {"text", "query", "title", "url", "count", "country", "device", "size", "floor", "unique", "now", "timezone", "kv"})

    def test_the_page_shows_who_won_where_and_why(self):
        page = self.get(text="I ran in new running shoes, and liked it", count=2)
        self.assertEqual(page.inside("mark"), ["running", "shoes", "shoes"])
        self.assertEqual(names_of(page), ["shoes", "clicks"])
        for expected in ("<b>2 EUR</b> a thousand views", "<b>0.5 EUR</b> a click, eCPM 2 EUR",
                         '<span class="type">broad</span> keyword <b><bdi>running shoes</bdi></b> in the text'):
            self.assertIn(expected, page.text)
        self.assertIn(("a", {"rel": "noopener noreferrer nofollow", "href": "https://shoes.example/?a=1&b=2"}), page.tags)

    def test_the_page_shows_the_text_alone(self):
        """Where one character gives several words, too."""
        for text in ("½ inch pipe", " sandals price ½", "ขายน้ำดื่ม", "5㌔", "ﷺ"):
            page = self.get(text=text, title="not of this text")
            excerpts = re.findall(r'<p class="excerpt" dir="auto">(.*?)</p>', page.text)
            self.assertEqual([re.sub("</?mark>", "", excerpt) for excerpt in excerpts], [text])
            spans = self.server.decide(text=text).json["slots"][0]["ads"][0]["match"]["spans"]
            marked = [text.encode()[slice(*span["bytes"])].decode() for span in spans]
            self.assertEqual(page.inside("mark"), marked)

    def test_the_page_says_why_an_ad_was_not_shown(self):
        page = self.get(query="shoes", why="elsewhere")
        self.assertIn("<h2>Why not <code><bdi>elsewhere</bdi></code></h2>", page.text)
        self.assertIn("country: wants FR; the request has none", page.text)
        self.assertIn("No keyword reaches it.", self.get(query="nothing", why="elsewhere").text)
        self.assertIn("No ad has this id.", self.get(query="shoes", why="nobody").text)

    def test_the_page_shows_why_others_did_not_win(self):
        page = self.get(query="shoes", country="US")
        rows = re.findall(r'<li><p class="loser"><code><bdi>(.*?)</bdi></code>.*?<span>(.*?)</span> <code>(.*?)</code></p></li>', page.text)
        self.assertEqual([(name, html.unescape(re.sub("<.*?>", "", words)), gate) for name, words, gate in rows],
                         [("sporty", "its targeting does not hold: kv.sport: wants running; the request has none", "targeting"),
                          ("paused", "the ad or its campaign is paused", "paused"),
                          ("elsewhere", "its targeting does not hold: country: wants FR; the request has US", "targeting")])

    def test_numbers_have_the_noun_that_fits(self):
        page = self.get(query="inch")
        self.assertIn("0 ads shown, of 0 that a keyword reached; 1 word read, with 0 keyword hits.", page.text)
        self.assertIn("11 ads of 0 campaigns", page.text)
        page = self.get(query="1/2 inch")
        self.assertIn("1 ad shown, of 1 that a keyword reached; 3 words read, with 1 keyword hit.", page.text)

    def test_time_and_zone_count_on_any_server(self):
        """Without admatch-test: a preview serves nobody. /v1/decide would not obey that time, so there is no link to it."""
        page = self.get(query="weekend", now="2026-12-26T18:00", timezone="America/New_York")
        self.assertEqual(names_of(page), ["weekend"])
        self.assertIn("As of Sat 2026-12-26 18:00 UTC, Sat 13:00 in America/New_York.", page.text)
        self.assertEqual(page.inputs["now"][0]["value"], "2026-12-26T18:00:00")
        self.assertEqual([attributes["href"] for tag, attributes in page.tags if tag == "a" and "explain" in attributes["href"]], [])
        page = self.get(query="weekend", now="2026-12-26T04:59:59Z", timezone="America/New_York")
        self.assertEqual(names_of(page), [])
        self.assertEqual(page.inputs["now"][0]["value"], "2026-12-26T04:59:59")

    def test_key_values_are_lines(self):
        page = self.get(query="shoes", kv="sport = running\r\nteam=reds\r\n")
        self.assertEqual(names_of(page)[0], "sporty")
        self.assertIn("\nsport=running\nteam=reds\n", page.inside("textarea"))
        self.assertIn(("a", {"href": "v1/decide?query=shoes&kv.sport=running&kv.team=reds&explain=1"}), page.tags)
        page = self.get(400, query="shoes", kv="sport")
        self.assertIn("<code>kv</code>: expected lines of KEY=VALUE", page.text)
        self.assertIn("\nsport\n", page.inside("textarea"))

    def test_unique_stays_chosen(self):
        page = self.get(query="shoes", unique="none")
        self.assertEqual([attributes["value"] for tag, attributes in page.tags if tag == "option" and "selected" in attributes], ["none"])

    def test_creatives_look_like_ads(self):
        page = self.get(query="evil shoes inch looks", count=9, unique="none")
        look = re.search(r'<bdi>looks</bdi>.*?<div class="creative">\n<div class="box">\n(.*?)</div>\n<pre', page.text, re.S)[1]
        self.assertEqual(look, '<p class="image"><span>image</span><a rel="noopener noreferrer nofollow" href="https://cdn.example/a.png"><bdi>'
                               'https://cdn.example/a.png</bdi></a></p>\n<p class="title" dir="auto">נעליים</p>\n<p class="text" dir="auto">Light &amp; fast</p>\n'
                               '<p class="action"><bdi>Buy</bdi></p>\n')
        self.assertIn("<pre dir=\"ltr\">{&quot;headline&quot;: &quot;נעליים&quot;, ", page.text)

    def test_markup_is_shown_in_a_frame_that_does_nothing(self):
        page = self.get(query="markup", size="728x90")
        frame = next(attributes for tag, attributes in page.tags if tag == "iframe")
        self.assertEqual(frame, {"sandbox": None, "inert": None, "title": "the ad's markup", "width": "728", "height": "90",
                                 "srcdoc": '<b style="color:red">"&amp;</b><x-LINK rel=preconnect href=//x><x-iframe src=//x></x-iframe>'.replace("</x-iframe>", "</iframe>")})
        frame = next(attributes for tag, attributes in self.get(query="markup").tags if tag == "iframe")
        self.assertEqual((frame["width"], frame["height"]), ("300", "250"))
        self.assertEqual([tag for tag, _ in self.get(query="video").tags if tag == "iframe"], [])

    def test_the_page_decides_as_the_api_does(self):
        for parameters in ({"query": "running shoes", "count": 3}, {"text": "shoes " * 20, "country": "FR"}, {"query": "shoes", "kv.sport": "running", "floor": "1"}):
            query = urllib.parse.urlencode(parameters)
            decided = self.server.ask("GET", f"/v1/decide?{query}&explain=1").json
            page = self.get(**parameters)
            self.assertEqual(names_of(page), [placed["ad"] for placed in decided["slots"][0]["ads"]])
            rejected = re.findall(r'<p class="loser"><code><bdi>(.*?)</bdi>', page.text)
            self.assertEqual(rejected, [row["ad"] for row in decided["explain"]["rejected"]])

    def test_links_lead_to_the_same_question(self):
        page = self.get(query="running shoes", country="US", size="")
        links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
        self.assertEqual(links[:3], ["#request", "preview?query=running+shoes&country=US#answer", "v1/decide?query=running+shoes&country=US&explain=1"])
        self.assertEqual(self.server.ask("GET", "/" + links[2]).ads, ["shoes"])

    def test_the_answer_has_an_anchor(self):
        page = self.get(query="shoes")
        self.assertIn(("form", {"id": "request", "method": "post", "action": "preview#answer"}), page.tags)
        self.assertEqual([tag for tag, attributes in page.tags if attributes.get("id") == "answer"], ["div"])

    def test_a_posted_form_is_answered_alike(self):
        body = urllib.parse.urlencode({"text": "running shoes", "count": "1", "country": "", "size": ""})
        body += "&now=2026-12-24T18%3A00%3A00Z"
        posted = self.page(self.server.ask("POST", "/preview", body, FORM))
        self.assertEqual(posted.text, self.get(text="running shoes", count=1, now="2026-12-24T18:00:00Z").text)

    def test_a_long_text_can_be_posted(self):
        text = "so many words " * 600 + "running shoes" + " and more" * 600
        page = self.page(self.server.ask("POST", "/preview", urllib.parse.urlencode({"text": text}), FORM))
        self.assertEqual(page.inside("mark"), ["running", "shoes"])
        self.assertIn("… ", page.text)
        self.assertNotIn("Link to this page", page.text)
        excerpt = re.search(r'<p class="excerpt" dir="auto">(.*?)</p>', page.text)[1]
        self.assertLess(len(excerpt), 300)

    def test_what_was_typed_stays_in_the_form(self):
        page = self.get(text="\nfirst line\nrunning shoes", query='a "b" & <c>', country="US", city="Paris",
                        **{"kv.sport": ["running", "golf"], "kv.a": " b", "kv.c\nd": "e", "block.domains": "x"})
        self.assertEqual(page.inputs["query"][0]["value"], 'a "b" & <c>')
        self.assertEqual(page.inside("textarea"), ["\n\nfirst line\nrunning shoes", "\nsport=running\nsport=golf\n"])
        self.assertEqual(page.inputs["city"][0]["value"], "Paris")
        self.assertEqual(page.inputs["kv.a"], [{"type": "checkbox", "name": "kv.a", "value": " b", "checked": None}])
        self.assertEqual([field["value"] for field in page.inputs["kv.c\nd"]], ["e"])
        self.assertIn(("details", {"open": None}), page.tags)
        self.assertIn(("details", {}), self.get(query="a").tags)

    def test_a_second_value_of_a_field_stays_in_force(self):
        page = self.get(query="shoes", country=["US", "FR"])
        self.assertEqual([(field["value"], field.get("type")) for field in page.inputs["country"]], [("US", None), ("FR", "checkbox")])

    def test_excerpts_never_cut_characters(self):
        for letter in ("é", "→", "👟", "a"):
            for shift in range(5):
                text = letter * 100 + "!" * (shift + 1) + "running!!" + letter * 100 + "!shoes!" + letter * 100
                page = self.page(self.server.ask("POST", "/preview", urllib.parse.urlencode({"text": text}), FORM))
                self.assertEqual(page.inside("mark"), ["running", "shoes"])
                self.assertNotIn("\ufffd", page.text)

    def test_hits_in_the_address_are_marked_as_given(self):
        page = self.get(url="https://x.example/my%20running%2Dshoes?x=<b>")
        self.assertEqual(page.inside("mark"), ["running", "shoes"])
        self.assertIn("<mark>running</mark>%2D<mark>shoes</mark>?x=&lt;b&gt;", page.text)

    def test_nothing_of_requests_or_inventory_becomes_markup(self):
        for page in (
            self.get(query="evil", text=EVIL, title=EVIL, count=5, **{"kv." + EVIL: EVIL, "language": EVIL, "kv": f"{EVIL}={EVIL}", "timezone": "Europe/Paris"}),
            self.get(400, kv=EVIL.replace("=", ""), now=EVIL, unique=EVIL),
            self.get(query=EVIL + " evil shoes", id=EVIL),
            self.get(400, size=EVIL, query=EVIL),
            self.get(400, **{EVIL: EVIL}),
            self.page(self.server.ask("GET", "/preview?query=%00%FF%3Cscript%3E%zz"), 400),
        ):
            tags = {tag for tag, _ in page.tags}
            self.assertFalse(tags & {"script", "img", "iframe", "object", "base", "svg"}, tags)
            self.assertEqual([attributes for tag, attributes in page.tags if tag == "link"], [{"rel": "icon", "href": "data:,"}])
            for tag, attributes in page.tags:
                self.assertFalse([name for name in attributes if name.startswith("on") or name == "style" or name == "src"], (tag, attributes))
                self.assertFalse(attributes.get("href", "").lower().lstrip().startswith("javascript:"))
            self.assertNotIn("<script", page.text)
            self.assertEqual(page.text.count("<style>"), 1)
            self.assertEqual(page.text.count("</style>"), 1)
        self.assertIn(html.escape(EVIL).replace("&#x27;", "&#39;"), self.get(query="evil").text)

    def test_errors_are_pages_with_their_status(self):
        page = self.get(400, query="shoes", count=0)
        self.assertIn("<code>count</code>: expected a whole number from 1 to 256", page.text)
        self.assertEqual(page.inputs["query"][0]["value"], "shoes")
        page = self.get(422, query="shoes", timezone="Nowhere")
        self.assertIn("unknown time zone", page.text)
        self.assertEqual(self.server.ask("POST", "/preview", "x" * 30000, FORM).status, 413)
        self.assertEqual(self.server.ask("POST", "/preview", "{}", {"Content-Type": "application/json"}).status, 415)

    def test_the_policy_allows_that_style_and_nothing_else(self):
        page = self.get()
        style = re.search(r"<style>(.*?)</style>", page.text, re.S)[1]
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self.assertEqual(page.answer.headers["Content-Security-Policy"],
                         f"default-src 'none'; style-src 'sha256-{digest}'; style-src-attr 'unsafe-inline'; img-src data:; "
                         "form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
        self.assertEqual(page.answer.headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(page.answer.headers["Cache-Control"], "no-store")
        self.assertEqual(page.answer.headers["Referrer-Policy"], "no-referrer")

    def test_methods(self):
        answer = self.server.ask("DELETE", "/preview")
        self.assertEqual((answer.status, answer.headers["Allow"]), (405, "GET, HEAD, POST"))
        got, headed = self.server.ask("GET", "/preview?query=shoes"), self.server.ask("HEAD", "/preview?query=shoes")
        self.assertEqual((headed.status, headed.body, headed.headers["Content-Length"]), (200, b"", str(len(got.body))))

    def test_previews_count_as_requests_and_not_as_decisions(self):
        before = self.server.metrics()
        self.get(query="shoes")
        after = self.server.metrics()
        name = 'admatch_requests_total{endpoint="preview",status="200"}'
        self.assertEqual(after[name], before.get(name, 0) + 1)
        self.assertEqual(after["admatch_decisions_total"], before["admatch_decisions_total"])


class SwitchTest(ServerTest):
    def test_without_the_option_there_is_no_page(self):
        server = self.serve(RECORDS)
        for method, path in (("GET", "/preview"), ("GET", "/preview?query=shoes"), ("POST", "/preview")):
            answer = server.ask(method, path, "query=shoes" if method == "POST" else None, FORM)
            self.assertEqual((answer.status, answer.json["error"]["reason"]), (404, "there is nothing at this path"))


if __name__ == "__main__":
    unittest.main()
