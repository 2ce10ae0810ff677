# SPDX-License-Identifier: Apache-2.0
"""What is derived of visitors, from addresses, agents and languages; and what is not."""

import json
import subprocess

from harness import BUILD, PATIENCE, ServerTest, ad, eventually

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
NETWORKS = "192.0.2.0/24 US CA Springfield 807\n198.51.100.0/24 DE BE Berlin 0\n2001:db8::/32 FR - - 0\n"
ALL = "admatch-derive = geo,agent,language"


def targeted(identity, **targeting):
    return ad(identity, "*", sizes=["300x250"], domain="acme.test", categories=["IAB17"], bid=5, creative={"adm": "<a href='https://x.test/'>x</a>"},
              targeting={name: [value] for name, value in targeting.items()})


class DeriveTest(ServerTest):
    def write(self, networks=NETWORKS, kind="Test-City"):
        self.places = self.folder / "places.mmdb"
        subprocess.run([BUILD / "tests" / "mmdb", self.places, kind], input=networks, text=True, check=True, timeout=PATIENCE)
        return f"admatch-geoip = {self.places}"

    def derived(self, server, headers=None, **request):
        answer = server.ask("POST", "/v1/decide", json.dumps({"explain": True, **request}), {"Content-Type": "application/json", **(headers or {})})
        self.assertEqual(answer.status, 200, answer.body)
        return [(item["attribute"], item["value"]) for item in answer.json["explain"].get("derived", [])]

    def from_address(self, server, address, **request):
        return self.derived(server, {"X-Forwarded-For": address}, **request)

    def everything(self):
        return self.serve([ad("a1", "x")], self.write(), ALL, "admatch-trusted = 127.0.0.1")

    def test_nothing_is_derived_by_default(self):
        server = self.serve([targeted("a1", browser="chrome")], "admatch-trusted = 127.0.0.1")
        self.assertEqual(self.derived(server, {"User-Agent": CHROME, "Accept-Language": "de", "X-Forwarded-For": "192.0.2.1"}), [])
        self.assertEqual(server.ask("GET", "/v1/decide?query=x", headers={"User-Agent": CHROME}).ads, [])

    def test_each_switch_alone(self):
        for switch, wanted in (("agent", ["device", "os", "browser"]), ("language", ["language"])):
            server = self.serve([ad("a1", "x")], f"admatch-derive = {switch}", "admatch-trusted = 127.0.0.1", name=switch)
            found = self.derived(server, {"User-Agent": CHROME, "Accept-Language": "de", "X-Forwarded-For": "192.0.2.1"})
            self.assertEqual([name for name, _ in found], wanted)

    def test_a_place_by_address(self):
        server = self.everything()
        place = [("country", "us"), ("region", "ca"), ("metro", "807"), ("city", "springfield")]
        self.assertEqual(self.from_address(server, "192.0.2.9"), place)
        self.assertEqual(self.derived(server, ip="192.0.2.9"), place)
        self.assertEqual(self.from_address(server, "2001:db8::9"), [("country", "fr")])
        self.assertEqual(self.derived(server), [])  # 127.0.0.1 is nowhere
        self.assertEqual(self.from_address(server, "198.51.100.1, 192.0.2.9"), place)  # the left one is the client's own word
        for context, wanted in (({"country": "US"}, place[1:]), ({"country": "DE"}, []), ({"city": "x"}, place[:3])):
            self.assertEqual(self.from_address(server, "192.0.2.9", context=context), wanted)

    def test_only_trusted_proxies_are_believed(self):
        server = self.serve([ad("a1", "x")], self.write(), ALL)
        self.assertEqual(self.from_address(server, "192.0.2.9"), [])

    def test_agents_and_languages(self):
        server = self.everything()
        self.assertEqual(self.derived(server, {"User-Agent": IPHONE, "Accept-Language": "de-AT,en;q=0.5"}),
                         [("device", "mobile"), ("os", "ios"), ("browser", "safari"), ("language", "de-at"), ("language", "de")])
        self.assertEqual(self.derived(server, {"User-Agent": CHROME, "Sec-CH-UA-Platform": '"Linux"', "Accept-Language": "de"}, context={"device": "tv", "language": "fr"}),
                         [("os", "linux"), ("browser", "chrome")])

    def test_a_server_asks_for_its_visitor(self):
        server = self.everything()
        own = {"User-Agent": CHROME, "Accept-Language": "de", "X-Forwarded-For": "198.51.100.1"}
        self.assertEqual(self.derived(server, own, agent=IPHONE), [("device", "mobile"), ("os", "ios"), ("browser", "safari")])
        self.assertEqual(self.derived(server, own, ip="2001:db8::1"), [("country", "fr")])
        answer = server.decide(query="x", ip="here")
        self.assertEqual((answer.status, answer.json["error"]["where"]), (400, "$.ip"))
        self.assertEqual(server.ask("GET", "/v1/decide?query=x&ip=192.0.2.1&agent=Firefox%2F1&explain=1").json["explain"]["derived"][0],
                         {"attribute": "country", "value": "us"})

    def bid(self, server, **device):
        body = json.dumps({"id": "r", "imp": [{"id": "1", "banner": {"w": 300, "h": 250}}], "device": device})
        return server.ask("POST", "/openrtb2/bid", body, {"Content-Type": "application/json", "User-Agent": CHROME}).status

    def test_bids(self):
        for name, targeting, good, bad in (("browser", {"browser": "chrome"}, {"ua": CHROME}, {"ua": IPHONE}), ("device", {"device": "mobile"}, {"ua": IPHONE}, {"ua": IPHONE, "devicetype": 2}),
                                           ("place", {"country": "DE"}, {"ip": "198.51.100.1"}, {"ip": "192.0.2.1"}), ("six", {"country": "FR"}, {"ipv6": "2001:db8::1"}, {"ip": "", "ipv6": 3}),
                                           ("private", {"country": "DE"}, {"ip": "198.51.100.1", "dnt": 1}, {}), ("city", {"city": "Berlin"}, {"ip": "198.51.100.1"}, {"ip": "198.51.100.1", "dnt": 1})):
            with self.subTest(name):
                server = self.serve([targeted("a1", **targeting)], self.write(), ALL, name=name)
                self.assertEqual(self.bid(server, **good), 200)
                self.assertEqual(self.bid(server, **bad), 204)
                server.stop()

    def test_a_newer_file_is_used_and_a_bad_one_is_not(self):
        server = self.everything()
        self.write(NETWORKS.replace("US", "CA"))
        eventually("the newer file is used", lambda: self.from_address(server, "192.0.2.9")[:1] == [("country", "ca")])
        self.write(kind="Test-ASN")
        server.logged("addresses: the last good file stays in use: ")
        for _ in range(20):  # from whichever context: at worst the file of the start
            self.assertIn(self.from_address(server, "192.0.2.9")[:1], ([("country", "ca")], [("country", "us")]))
        self.write(NETWORKS.replace("US", "MX"))
        eventually("the next good file is used", lambda: self.from_address(server, "192.0.2.9")[:1] == [("country", "mx")])

    def test_a_start_says_what_is_wrong(self):
        broken = self.folder / "broken.mmdb"
        broken.write_bytes(b"x" * 1000)
        for name, options, text in (("one", ["admatch-derive = geo"], "need one another"), ("other", [self.write()], "need one another"),
                                    ("word", ["admatch-derive = ip"], "expected geo, agent, language"), ("none", ["admatch-derive = geo", "admatch-geoip = /nonexistent"], "cannot read /nonexistent"),
                                    ("bad", ["admatch-derive = geo", f"admatch-geoip = {broken}"], "is no sound MaxMind DB file"), ("kind", ["admatch-derive = geo", self.write(kind="Test-ASN")], "found Test-ASN")):
            server = self.serve([ad("a1", "x")], *options, start=False, name=name).spawn()
            self.assertNotEqual(server.ends(), 0)
            self.assertIn(text, server.log())
