# SPDX-License-Identifier: Apache-2.0
"""Bid requests in the shapes that senders use, made with a seed; and the same with members that senders get wrong.

Each sender is a function that draws a well-formed request. `oddly` writes one as real senders do: nothing changes of what it says.
"""

import random

CATEGORIES = ["IAB1", "IAB2-3", "IAB7", "IAB7-39", "IAB8-18", "IAB17", "IAB19", "IAB25"]
HOSTS = ["news.example", "www.daily.example", "m.sport.example", "kitchen.example", "blog.travel.example"]
PATHS = ["/running-shoes-review", "/coffee/grinders?page=2", "/holiday-in-the-alps", "/", "/2026/12/01/markets.html", "/a%20b"]
SIZES = [(300, 250), (728, 90), (160, 600), (320, 50), (970, 250), (300, 600)]
DOMAINS = ["shop.example", "bank.example", "casino.example", "shoes.example"]
COUNTRIES = ["USA", "DEU", "FRA", "GBR", "UK", "BRA", "JPN"]


class Sender:
    """Draws from one seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def maybe(self, share, value):
        return value if self.random.random() < share else None

    def some(self, values, most):
        return self.random.sample(values, self.random.randint(1, min(most, len(values))))

    def hexadecimal(self, digits):
        return "".join(self.random.choice("0123456789abcdef") for _ in range(digits))

    def banner(self, **more):
        sizes = [{"w": width, "h": height} for width, height in self.some(SIZES, 3)]
        return given({**sizes[0], "format": self.maybe(0.6, sizes), "battr": self.maybe(0.4, self.some([1, 3, 8, 13, 17], 4)),
                      "btype": self.maybe(0.2, [4]), "api": self.maybe(0.3, [3, 5]), "pos": self.maybe(0.3, self.random.choice([0, 1, 3])),
                      "mimes": self.maybe(0.2, ["image/jpeg", "image/png", "text/html"]), **more})

    def impression(self, number, **more):
        return given({"id": str(number), "banner": self.banner(), "bidfloor": self.maybe(0.7, self.random.choice([0, 0.01, 0.5, 1.1, 2.75])),
                      "bidfloorcur": self.maybe(0.5, "USD"), "secure": self.maybe(0.7, 1), "tagid": self.maybe(0.5, f"slot-{number}"),
                      "instl": self.maybe(0.1, 1), **more})

    def device(self, kind):
        return given({"ua": "Mozilla/5.0 (X11; Linux x86_64)", "ip": "203.0.113.0", "language": self.maybe(0.7, self.random.choice(["en", "de", "pt-BR"])),
                      "geo": self.maybe(0.8, {"country": self.random.choice(COUNTRIES), "region": "BY", "city": "Somewhere", "type": 2}),
                      "devicetype": kind, "os": self.random.choice(["iOS", "Android", "Windows"]), "dnt": self.maybe(0.3, 0), "lmt": self.maybe(0.2, 0)})

    def blocks(self):
        return given({"bcat": self.maybe(0.6, self.some(CATEGORIES, 4)), "badv": self.maybe(0.6, self.some(DOMAINS, 3)),
                      "bapp": self.maybe(0.2, ["com.game.app"]), "wseat": self.maybe(0.1, ["acme", "bank"]), "bseat": self.maybe(0.1, ["acme"]),
                      "cur": self.maybe(0.4, ["USD"]), "acat": self.maybe(0.1, ["IAB17", "IAB8"]), "cattax": self.maybe(0.2, 1)})

    def page(self):
        host = self.random.choice(HOSTS)
        return given({"id": self.hexadecimal(6), "domain": self.maybe(0.8, host), "page": self.maybe(0.9, f"https://{host}{self.random.choice(PATHS)}"),
                      "cat": self.maybe(0.5, self.some(CATEGORIES, 2)), "keywords": self.maybe(0.4, "running shoes,coffee, travel"),
                      "publisher": {"id": self.hexadecimal(4), "name": "A publisher"}, "ref": self.maybe(0.3, "https://search.example/?q=x")})

    def request(self, **more):
        return given({"id": self.hexadecimal(24), "at": self.random.choice([1, 2]), "tmax": 120, "test": self.maybe(0.5, 1), **self.blocks(), **more})


def given(members):
    return {name: value for name, value in members.items() if value is not None}


# ---- senders ----------------------------------------------------------------------------------


def supply_platform(sender):
    """Display on pages, OpenRTB 2.5: one impression, privacy in ext."""
    return sender.request(imp=[sender.impression(1)], site=sender.page(), device=sender.device(2), user={"id": sender.hexadecimal(16), "keywords": "shoes"},
                          regs=sender.maybe(0.5, {"ext": {"gdpr": 0, "us_privacy": "1---"}}), source={"tid": sender.hexadecimal(16), "ext": {"schain": {"ver": "1.0"}}})


def header_bidding(sender):
    """A page with several places, as Prebid Server asks: ext.prebid, tagids, deals now and then."""
    impressions = [sender.impression(f"div-{number}", ext={"prebid": {"storedrequest": {"id": "1"}}, "tid": sender.hexadecimal(8)},
                                     pmp=sender.maybe(0.2, {"private_auction": 0, "deals": [{"id": "deal-1", "bidfloor": 1}]}))
                   for number in range(sender.random.randint(2, 6))]
    return sender.request(imp=impressions, site=sender.page(), device=sender.device(2), ext={"prebid": {"targeting": {}, "channel": {"name": "pbjs"}}},
                          regs=sender.maybe(0.3, {"gdpr": 1}), user=sender.maybe(0.3, {"ext": {"consent": "CPx"}}))


def large_exchange(sender):
    """Formats, long block lists, a page language, everything secure; 2.6."""
    return sender.request(imp=[sender.impression(1, secure=1, metric=[{"type": "viewability", "value": 0.7}], clickbrowser=1)], site={**sender.page(), "mobile": 1},
                          device={**sender.device(4), "sua": {"mobile": 1}}, bcat=CATEGORIES[:5], badv=[f"blocked{number}.example" for number in range(80)] + DOMAINS[:2],
                          wlang=["en", "de"], regs={"coppa": 0, "gpp": "", "gpp_sid": []})


def application(sender):
    """A phone's game."""
    app = {"id": sender.hexadecimal(8), "bundle": sender.random.choice(["com.game.app", "628677149", "com.news.app"]), "name": "Coffee and running shoes",
           "storeurl": "https://store.example/app", "cat": ["IAB9"], "publisher": {"id": "p1"}}
    return sender.request(imp=[sender.impression(1, instl=sender.random.choice([0, 1]), displaymanager="sdk", clickbrowser=0)], app=app,
                          device={**sender.device(4), "ifa": sender.hexadecimal(32), "carrier": "310-410", "connectiontype": 6})


def television(sender):
    """Connected television: video, sometimes with a companion banner, content and a network."""
    video = {"mimes": ["video/mp4"], "minduration": 5, "maxduration": 30, "protocols": [2, 3, 7], "w": 1920, "h": 1080, "plcmt": 1}
    return sender.request(imp=[given({**sender.impression(1), "video": video, "banner": sender.maybe(0.4, sender.banner())})],
                          app={"bundle": "tv.channel", "content": {"title": "Holiday in the Alps", "genre": "travel", "language": "en", "network": {"name": "n"}}},
                          device=sender.device(3))


def native_feed(sender):
    """A native place; sometimes a banner would do, too."""
    native = {"ver": "1.2", "request": '{"ver":"1.2","assets":[{"id":1,"required":1,"title":{"len":90}}]}'}
    return sender.request(imp=[given({**sender.impression(1), "native": native, "banner": sender.maybe(0.5, sender.banner())})], site=sender.page(), device=sender.device(4))


def screen(sender):
    """A screen in a shop."""
    return sender.request(imp=[sender.impression(1, qty={"multiplier": 12.5})], dooh={"id": "d1", "domain": "screens.example", "keywords": "coffee", "venuetype": ["retail"]},
                          device=sender.device(8))


SENDERS = [supply_platform, header_bidding, large_exchange, application, television, native_feed, screen]


# ---- as senders write them --------------------------------------------------------------------

# Members whose values may be written otherwise, by the name of their object's member: the way they are written, and what they say.
NUMBERS = {"bidfloor", "secure", "instl", "w", "h", "devicetype", "dnt", "lmt", "private_auction", "test", "cattax", "gdpr", "coppa", "pos"}
LISTS = {"bcat", "badv", "bapp", "cat", "cur", "acat", "wlang", "mimes"}
NUMBER_LISTS = {"battr", "btype", "api"}
OBJECTS = {"geo", "site", "app", "publisher", "device", "regs"}
ABSENT = ["keywords", "tagid", "ref", "region", "storeurl"]


def odd_value(chooser, name, value):
    """Another way to write the same."""
    if name in NUMBERS and not isinstance(value, (str, list)):
        return chooser.choice([str(value), f" {value}", [value], [str(value)]])
    if name in LISTS and isinstance(value, list) and value:
        return chooser.choice([",".join(value), [None, *value], value[0] if len(value) == 1 else ", ".join(value)])
    if name in NUMBER_LISTS and isinstance(value, list):
        return chooser.choice([[str(item) for item in value], ",".join(map(str, value)), [*value, None]])
    if name in OBJECTS and isinstance(value, dict):
        return [value]
    if name == "keywords" and isinstance(value, str):
        return [item.strip() for item in value.split(",")]
    return value


def oddly(chooser, value, share=0.4):
    if isinstance(value, list):
        return [oddly(chooser, item, share) for item in value]
    if not isinstance(value, dict):
        return value
    written = {}
    for name, item in value.items():
        item = oddly(chooser, item, share)
        written[name] = odd_value(chooser, name, item) if chooser.random() < share else item
    for name in ABSENT:
        if name not in written and chooser.random() < 0.1:
            written[name] = chooser.choice(["", None, []])
    return written


def requests(count):
    """`count` well-formed requests, of all senders in turn."""
    return [SENDERS[number % len(SENDERS)](Sender(number)) for number in range(count)]


INVENTORY = [
    {"type": "inventory", "currency": "USD", "language": "en"},
    {"type": "campaign", "id": "run", "advertiser": "acme", "domain": "shoes.example", "categories": ["IAB17"]},
    {"id": "run-1", "campaign": "run", "bid": 4, "keywords": ["running shoes"], "sizes": ["300x250", "728x90", "320x50"], "creative": {"adm": "<a href=\"http://shoes.example/\">Run</a>"}},
    {"id": "run-2", "campaign": "run", "bid": 3.5, "keywords": ["shoes"], "creative": {"adm": "<img src=\"http://shoes.example/i.png\">", "attr": [1]}},
    {"id": "coffee", "advertiser": "beans", "domain": "www.shop.example", "categories": ["IAB8-18"], "bid": 2, "keywords": ["coffee"], "creative": {"adm": "<b>Coffee</b>", "attr": [3, 8], "apis": [5]}},
    {"id": "alps", "advertiser": "travel", "domain": "alps.example", "categories": ["iab20"], "bid": 1.5, "keywords": ["holiday", "travel"], "creative": {"image": "https://alps.example/i.jpg", "mime": "image/jpeg"}},
    {"id": "bank", "advertiser": "bank", "domain": "bank.example", "categories": ["IAB13"], "bid": 1.2, "keywords": ["*"], "targeting": {"country": ["US", "DE", "GB"]}, "creative": {"adm": "<i>Bank</i>"}},
    {"id": "game", "advertiser": "games", "categories": ["IAB9"], "bid": 0.9, "keywords": ["*"], "creative": {"adm": "<i>Game</i>", "bundle": "com.game.app", "instl": 1}},
    {"id": "casino", "advertiser": "casino", "domain": "casino.example", "categories": ["IAB25"], "bid": 0.8, "keywords": ["*"], "targeting": {"not": {"site": ["daily.example"]}}, "creative": {"adm": "<u>Play</u>", "type": 4}},
    {"id": "film", "advertiser": "films", "domain": "film.example", "bid": 6, "keywords": ["*"], "url": "https://film.example/?a=1&b=2",
     "creative": {"title": "Film & more", "duration": 20, "media": [{"url": "https://film.example/v.mp4", "mime": "video/mp4", "w": 1280, "h": 720}]}},
    {"id": "story", "advertiser": "stories", "domain": "story.example", "bid": 1.3, "keywords": ["*"], "url": "https://story.example/\"x\"", "creative": {"title": "A \"story\"", "text": "Read on"}},
    {"id": "long-film", "advertiser": "films", "bid": 7, "keywords": ["*"], "creative": {"vast": "<VAST/>", "duration": 60}},
    {"id": "house", "advertiser": "house", "bid": 0.05, "keywords": ["*"], "creative": {"adm": "<p>House</p>"}},
    {"id": "empty", "advertiser": "house", "bid": 9, "keywords": ["*"]},
]
