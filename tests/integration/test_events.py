# SPDX-License-Identifier: Apache-2.0
"""Events of a server with a ledger: URLs in answers, what counts and what does not, forged tokens, redirects."""

import base64
import concurrent.futures
import contextlib
import random
import re
import unittest
import urllib.parse

from harness import PATIENCE, Connection, eventually, free_port
from ledger import BROWSER, RECORDS, URL, LedgerTest, path_of
from test_metrics import documented

GIF = b"GIF89a"


class AnswerTest(LedgerTest):
    def test_without_options_answers_are_as_before(self):
        """And with a ledger alone, which counts and tells nobody."""
        queries = [{"query": "running shoes"}, {"query": "tea pot", "count": 3}, {"query": "no page", "explain": True}, {"query": "nothing"}]
        plain = self.serve(RECORDS, name="plain")
        counting = self.serve(RECORDS, f"admatch-ledger = {self.ledger}", "admatch-cells = 1024", name="counting")
        for query in queries:
            self.assertEqual(plain.decide(**query).body, counting.decide(**query).body)
        self.assertIn(b"${CLICK_URL}", plain.decide(query="running shoes").body)
        self.assertEqual(plain.ask("GET", "/v1/impression/x").status, 404)
        self.assertNotIn("admatch_events_total", plain.ask("GET", "/metrics").body.decode())

    def test_urls_and_macros(self):
        server = self.count()
        placed = self.place(server, context={"placement": "top & left"})
        self.assertEqual(set(placed["urls"]), {"impression", "click", "view"})
        match = re.fullmatch(r"https://shop\.example/p\?k=running%20shoes&m=broad&a=a1&c=c1&p=top%20%26%20left&i=(\d+-\d+-\d+)&x=", placed["url"])
        self.assertTrue(match, placed["url"])
        page = urllib.parse.parse_qs(urllib.parse.urlsplit(placed["urls"]["click"]).query)["u"][0]
        self.assertEqual(page, placed["url"] + "{click_id}")
        html = placed["creative"]["html"]
        number = match[1].split("-")[2]
        urls = placed["urls"]
        self.assertEqual(html, f"<a href='{urls['click']}'><img src='{urls['impression']}'></a> {urls['view']} {number} "
                               + urllib.parse.quote(urls["click"], safe=""))
        eventually("the decision is logged", lambda: self.lines("decision"))
        self.assertEqual(self.lines("decision")[0]["ads"][0]["id"], match[1])

    def test_an_ad_without_a_page_has_no_click_url(self):
        self.assertEqual(set(self.place(self.count(), "no page")["urls"]), {"impression", "view"})

    def test_a_page_that_no_header_may_hold_has_no_click_url(self):
        records = [{"id": "a", "advertiser": "x", "bid": 1, "keywords": ["tea"], "url": url} for url in ("https://a.example/b c",)]
        self.assertEqual(set(self.place(self.count(records=records), "tea")["urls"]), {"impression", "view"})

    def test_head_places_nothing(self):
        server = self.count()
        self.assertEqual(server.ask("HEAD", "/v1/decide?query=tea+pot").status, 200)
        self.place(server)
        eventually("the other decision is logged", lambda: self.lines("decision"))
        self.assertEqual(len(self.lines("decision")), 1)

    def test_queries_are_logged_as_they_are_wanted(self):
        for option, wanted in (("full", "Running  SHOES, über!"), ("normalised", "running shoes uber")):
            with self.subTest(option):
                server = self.count(f"admatch-log-query = {option}", name=option)
                self.place(server, "Running  SHOES, über!")
                eventually("the decision is logged", lambda: wanted in [line["query"] for line in self.lines("decision")])
                server.stop()

    def test_queries_can_be_kept_out_of_the_log(self):
        server = self.count("admatch-log-query = none")
        self.place(server)
        eventually("the decision is logged", lambda: self.lines("decision"))
        self.assertNotIn("query", self.lines("decision")[0])


class EventTest(LedgerTest):
    def test_each_event_counts_once(self):
        server = self.count("admatch-events = like, share", "threads = 2")
        placed = self.place(server)
        urls = placed["urls"]
        for _ in range(3):
            self.assertEqual(self.fire(server, urls["impression"]).body[:6], GIF)
            self.assertEqual(self.fire(server, urls["view"], "POST").status, 204)
            answer = self.fire(server, urls["click"])
            self.assertEqual(answer.status, 302)
            self.assertEqual(answer.headers["Cache-Control"], "no-store")
        self.assertEqual(self.outcomes(server, "impression"), {"counted": 1, "duplicate": 2})
        self.assertEqual(self.outcomes(server, "view"), {"counted": 1, "duplicate": 2})
        self.assertEqual(self.outcomes(server, "click"), {"counted": 1, "duplicate": 2})
        self.assertEqual(self.counters()["c1"], (0.00125, 1, 1))
        lines = self.lines("impression", "click", "view")
        self.assertEqual(len(lines), 9)
        self.assertEqual(len({line["id"] for line in lines}), 1)
        self.assertEqual(sum(line["billable"] for line in lines), 3)
        self.assertEqual({line["keyword"] for line in lines}, {"running shoes"})
        token = urls["view"].rsplit("/", 1)[1]
        self.assertEqual(server.ask("GET", f"/v1/event/{token}?e=share", headers=BROWSER).body[:6], GIF)
        refused = server.ask("GET", f"/v1/event/{token}?e=other", headers=BROWSER)
        self.assertEqual((refused.status, "admatch-events" in refused.body.decode()), (400, True))
        self.assertEqual(self.lines("event")[0]["name"], "share")

    def test_clicks_are_billed_where_they_are_priced(self):
        server = self.count()
        for _ in range(3):
            urls = self.place(server, "tea pot")["urls"]
            self.fire(server, urls["impression"])
            self.assertEqual(self.fire(server, urls["click"]).headers["Location"], "https://plain.example/x?y=1+2&z=%20")
        self.assertEqual(self.counters()["c2"], (1.5, 3, 3))

    def test_a_counted_click_leads_to_a_conversion(self):
        server = self.count()
        urls = self.place(server)["urls"]
        uncounted = self.fire(server, urls["click"]).headers["Location"]
        self.assertTrue(uncounted.endswith("&x="))
        self.assertEqual(self.outcomes(server, "click"), {"no_impression": 1})
        self.fire(server, urls["impression"])
        click_id = self.fire(server, urls["click"]).headers["Location"].rpartition("&x=")[2]
        self.assertEqual(len(click_id), 60)
        for method in ("GET", "POST"):
            self.assertEqual(server.ask(method, f"/v1/conversion/{click_id}?value=12.50", b"" if method == "POST" else None).status, 204)
        self.assertEqual([(line["value"], line["billable"], line["side"]) for line in self.lines("conversion")], [(12.5, True, "server")] * 2)
        self.assertEqual(server.ask("GET", f"/v1/conversion/{click_id}?value=many").status, 400)
        impression = urls["impression"].rsplit("/", 1)[1]
        server.ask("GET", f"/v1/conversion/{impression}")
        self.assertEqual(self.outcomes(server, "conversion"), {"counted": 2, "bad_signature": 1})
        self.assertEqual([line["side"] for line in self.lines("conversion")], ["server"] * 3)

    def test_clicks_can_come_first(self):
        server = self.count("admatch-click-first = true")
        self.fire(server, self.place(server)["urls"]["click"])
        self.assertEqual(self.outcomes(server, "click"), {"counted": 1})

    def test_what_does_not_count_is_answered_alike_and_claims_nothing(self):
        server = self.count("route-if = equal:${HTTP_X_DATACENTRE};1 addvar:ADMATCH_IGNORE=1")
        url = self.place(server)["urls"]["impression"]
        robot = {"User-Agent": "Examplebot/1.0"}
        answers = [
            self.fire(server, url, headers=robot), self.fire(server, url, headers={}),
            self.fire(server, url, headers={**BROWSER, "Sec-Purpose": "prefetch;prerender"}),
            self.fire(server, url, headers={**BROWSER, "X-Datacentre": "1"}),
            self.fire(server, url[:-1] + ("A" if url[-1] != "A" else "B")), self.fire(server, url + "A"),
        ]
        self.assertEqual({(answer.status, answer.body, tuple(sorted(answer.headers.items()))) for answer in answers},
                         {(200, answers[0].body, tuple(sorted(answers[0].headers.items())))})
        self.assertEqual(self.fire(server, url, "HEAD").status, 200)
        self.assertEqual(self.outcomes(server, "impression"), {"robot": 2, "prefetch": 1, "ignored": 1, "head": 1, "bad_signature": 2})
        self.fire(server, url)
        self.assertEqual(self.outcomes(server, "impression")["counted"], 1)

    def test_robots_of_a_file(self):
        robots = self.folder / "robots"
        robots.write_text("firefox/133\n!gecko/20100101 firefox/133\n")
        server = self.count(f"admatch-robots = {robots}")
        url = self.place(server)["urls"]["impression"]
        self.fire(server, url, headers={"User-Agent": "Mozilla/5.0 (Windows) Firefox/133.0"})
        self.fire(server, url)
        self.assertEqual(self.outcomes(server, "impression"), {"robot": 1, "counted": 1})

    def test_nothing_personal_is_kept(self):
        server = self.count("admatch-trusted = 127.0.0.0/8")
        urls = self.place(server)["urls"]
        agent = {"User-Agent": "Mozilla/5.0 (Secret Phone)", "X-Forwarded-For": "203.0.113.77", "Cookie": "who=me"}
        for url in urls.values():
            answer = self.fire(server, url, headers=agent)
            self.assertNotIn("Set-Cookie", answer.headers)
        eventually("the decision is logged", lambda: self.lines("decision"))
        for path in self.ledger.rglob("*"):
            if path.is_file():
                for secret in (b"Secret Phone", b"203.0.113", b"127.0.0.1", b"who=me"):
                    self.assertNotIn(secret, path.read_bytes(), path)


class PublicTest(LedgerTest):
    def test_a_public_socket_shows_ads_and_takes_events_and_tells_nothing_else(self):
        port = free_port()
        server = self.count(f"http-socket = 127.0.0.1:{port}", f"admatch-public = 127.0.0.1:{port}", "admatch-preview = true", "admatch-test = true")
        inside = self.place(server, "tea pot")

        def ask(method, path, body=None):
            connection = Connection("127.0.0.1", port, timeout=PATIENCE)
            with contextlib.closing(connection):
                return connection.ask(method, path, body, {**BROWSER, "Content-Type": "application/json"} if body else BROWSER)

        placed = ask("GET", "/v1/decide?query=tea+pot").json["slots"][0]["ads"][0]
        self.assertEqual(set(inside) - set(placed), {"price", "pricing", "ecpm"})
        self.assertEqual(ask("GET", path_of(placed["urls"]["impression"])).status, 200)
        self.assertEqual(ask("GET", path_of(placed["urls"]["click"])).status, 302)
        for path, where in (("/v1/decide?query=tea&explain=1", "explain"), ("/v1/decide?query=tea&now=1796126400", "now"),
                            ("/v1/decide?query=tea&why=a1", "why")):
            refused = ask("GET", path)
            self.assertEqual((refused.status, refused.json["error"]["where"]), (400, where))
            self.assertEqual(server.ask("GET", path).status, 200)
        self.assertEqual(ask("POST", "/v1/decide", '{"query":"tea","explain":true}').json["error"]["where"], "$.explain")
        self.assertEqual(ask("GET", "/v1/decide?query=tea&explain=0").status, 200)
        for path in ("/preview", "/metrics", "/openrtb2/bid"):
            self.assertEqual(ask("GET", path).status, 404)
            self.assertNotEqual(server.ask("GET", path).status, 404)
        self.assertEqual(ask("GET", "/healthz").status, 200)

    def test_a_public_socket_is_public_in_the_loop(self):
        """The loop serves from copies of uWSGI's sockets."""
        port = free_port()
        server = self.count("loop = admatch", f"http-socket = 127.0.0.1:{port}", f"admatch-public = 127.0.0.1:{port}")
        for path, status in (("/metrics", 404), ("/v1/decide?query=tea&explain=1", 400), ("/v1/decide?query=tea&why=a1", 400)):
            with contextlib.closing(Connection("127.0.0.1", port, timeout=PATIENCE)) as connection:
                self.assertEqual(connection.ask("GET", path).status, status)
            self.assertEqual(server.ask("GET", path).status, 200)

    def test_an_address_that_is_no_socket_is_refused(self):
        server = self.count("admatch-public = 127.0.0.1:1", start=False).spawn()
        self.assertEqual(server.ends(), 1)
        server.logged("admatch-public = 127.0.0.1:1: expected the address of a socket")


class MetricsTest(LedgerTest):
    def test_every_metric_is_documented_as_it_is(self):
        server = self.count()
        text = server.ask("GET", "/metrics").body.decode()
        helps = dict(re.findall(r"^# HELP (\w+) (.*)$", text, re.M))
        types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.M))
        units = dict(re.findall(r"^# UNIT (\w+) (\w+)$", text, re.M))
        self.assertEqual(documented(ledger=True), {name: (types[name], units.get(name, ""), helps[name]) for name in helps})
        own = {name for name in server.stats()["metrics"] if name.startswith("admatch.")}
        self.assertLess({"admatch.events_total", "admatch.ledger_holder", "admatch.log_unsynced_bytes"}, own)


class RateTest(LedgerTest):
    RATES = "admatch-click-rates = 2/m 3/h"

    def clicks(self, server, count, **headers):
        for _ in range(count):
            urls = self.place(server)["urls"]
            self.fire(server, urls["impression"], headers={**BROWSER, **headers})
            self.assertEqual(self.fire(server, urls["click"], headers={**BROWSER, **headers}).status, 302)
        return self.outcomes(server, "click")

    def test_a_kept_connection_keeps_its_client(self):
        """uWSGI knows the address of a connection's first request alone."""
        for loop in ((), ("loop = admatch",)):
            with self.subTest(loop=loop):
                server = self.count("admatch-trusted = 127.0.0.1", *loop, name=f"kept-{len(loop)}")
                connection = server.connect()
                for number in range(6):
                    urls = self.place(server)["urls"]
                    for kind in ("impression", "click"):
                        connection.ask("GET", path_of(urls[kind]), None, {**BROWSER, "X-Forwarded-For": f"203.0.{number}.1"})
                connection.close()
                self.assertEqual(self.outcomes(server, "click"), {"counted": 6})
                server.stop()

    def test_clients_behind_trusted_proxies_have_rates_of_their_own(self):
        server = self.count("admatch-trusted = 127.0.0.1")
        self.assertEqual(self.clicks(server, 3, **{"X-Forwarded-For": "203.0.113.1"}), {"counted": 2, "rate": 1})
        self.assertEqual(self.clicks(server, 1, **{"X-Forwarded-For": "10.9.9.9, 203.0.113.200"}), {"counted": 2, "rate": 2})
        self.assertEqual(self.clicks(server, 1, **{"X-Forwarded-For": "198.51.100.1"}), {"counted": 3, "rate": 2})
        self.assertEqual(self.clicks(server, 5), {"counted": 8, "rate": 2})

    def test_nobody_else_is_believed(self):
        server = self.count("admatch-trusted = 10.0.0.0/8")
        self.assertEqual(self.clicks(server, 4, **{"X-Forwarded-For": "203.0.113.1"}), {"counted": 4})


class ForgeryTest(LedgerTest):
    def mutated(self, token, random_source):
        """Another token of the same length; never the same one."""
        raw = bytearray(base64.urlsafe_b64decode(token))
        for _ in range(random_source.randrange(1, 4)):
            raw[random_source.randrange(len(raw))] ^= random_source.randrange(1, 256)
        made = base64.urlsafe_b64encode(bytes(raw)).decode()
        return made if made != token else token[::-1]

    def test_forged_tokens_count_nothing(self):
        server = self.count()
        urls = self.place(server)["urls"]
        random_source = random.Random(19)
        connection = server.connect()
        for kind in ("impression", "click", "view"):
            path, token = path_of(urls[kind]).partition("?")[0].rsplit("/", 1)
            query = "?" + urls[kind].partition("?")[2] if kind == "click" else ""
            for _ in range(500):
                answer = connection.ask("GET", f"{path}/{self.mutated(token, random_source)}{query}", headers=BROWSER)
                self.assertEqual(answer.status, 410 if kind == "click" else 200)
            self.assertEqual(self.outcomes(server, kind), {"bad_signature": 500})
        connection.close()
        shown, click = (urls[kind].partition("?")[0].rsplit("/", 1)[1] for kind in ("view", "click"))
        self.assertEqual(server.ask("GET", f"/v1/click/{shown}?" + urls["click"].partition("?")[2], headers=BROWSER).status, 410)
        server.ask("GET", f"/v1/impression/{click}", headers=BROWSER)
        self.assertNotIn("counted", self.outcomes(server, "impression"))

    def test_no_page_but_its_own_is_redirected_to(self):
        server = self.count()
        click = self.place(server)["urls"]["click"]
        base, _, page = click.partition("?u=")
        own = urllib.parse.unquote(page)
        others = ["https://evil.example/", "//evil.example", own + "x", own[:-1], own.replace("shop", "shop.evil"), "", own + "%0d%0aSet-Cookie:a=b",
                  own + "\r\nLocation: https://evil.example", own.upper(), own + "#", " " + own, "javascript:alert(1)"]
        for other in others:
            answer = self.fire(server, f"{base}?u={urllib.parse.quote(other, safe='')}")
            self.assertEqual((answer.status, answer.headers["Location"]), (410, None), other)
        for query in ("", "?", "?u", "?v=" + page, "?u=%zz", f"?u=https%3A%2F%2Fevil.example&u={page}"):
            self.assertEqual(self.fire(server, base + query).status, 410, query)
        self.assertEqual(self.fire(server, f"{base}?x=1&u={page}&y=2").headers["Location"], own.replace("{click_id}", ""))
        self.assertEqual(self.fire(server, f"{base}?u={urllib.parse.quote(own)}").status, 302, "encoded another way")

    def test_keys_of_a_file_rotate(self):
        keys = self.folder / "keys"

        def write(*lines):
            beside = self.folder / "keys.new"
            beside.write_text("".join(line + "\n" for line in lines))
            beside.chmod(0o600)
            beside.rename(keys)

        write("00112233445566778899aabbccddeeff")
        server = self.count(f"admatch-keys = {keys}")
        old = [self.place(server)["urls"]["impression"] for _ in range(3)]
        self.fire(server, old[0])
        write("ffeeddccbbaa99887766554433221100", "00112233445566778899aabbccddeeff")
        eventually("the new key signs", lambda: self.place(server)["urls"]["impression"][:len(URL) + 17] != old[0][:len(URL) + 17])
        self.fire(server, old[1])
        self.assertEqual(self.outcomes(server, "impression"), {"counted": 2})
        write("ffeeddccbbaa99887766554433221100")
        eventually("the old key is forgotten", lambda: self.fire(server, old[2]) and "bad_signature" in self.outcomes(server, "impression"))
        write("short")
        server.logged("keys")
        self.fire(server, self.place(server)["urls"]["impression"])


class ConcurrencyTest(LedgerTest):
    def test_each_url_counts_once_whoever_fires_it(self):
        server = self.count("processes = 4", "threads = 2")
        urls = [self.place(server)["urls"]["impression"] for _ in range(200)]
        shots = urls * 3
        random.Random(3).shuffle(shots)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            statuses = set(pool.map(lambda url: self.fire(server, url).status, shots))
        self.assertEqual(statuses, {200})
        self.assertEqual(self.outcomes(server, "impression"), {"counted": 200, "duplicate": 400})
        self.assertEqual(self.counters()["c1"], (0.25, 200, 0))


if __name__ == "__main__":
    unittest.main()
