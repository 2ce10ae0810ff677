# SPDX-License-Identifier: Apache-2.0
"""Random inventories and requests, the same for the same seed, small enough that ads meet each other all the time.

Characters stay inside Unicode 14, so that it does not matter which of the two sides knows a newer version.
"""

import datetime
import random
import unicodedata
import urllib.parse

from inventory import seconds

ATOMS = [
    "run", "running", "runs", "Runner", "shoe", "SHOES", "trail", "cheap", "cheaper", "a", "b", "x",
    "salomon", "caf\u00e9", "cafe\u0301", "CAFE", "na\u00efve", "women's", "womens", "WOMEN\u2019S",
    "women\uff07s", "'tis", "dogs'", "c++", "C+++", "c#", "c#+#", "c", "a+b", "+x",
    "at&t", "AT\uff06T", "at&", "r&3",
    "3.5", "3\uff0e5", "3", "5", "3.5.1", ".5", "v3.x", "t-shirt", "t", "shirt", "shirts",
    "\uff21\uff22\uff23", "abc", "\u65e5\u672c\u8a9e", "\u65e5", "\u6771\u4eac", "\u6771", "\u3007", "\u3005",
    "\u30e9\u30fc\u30e1\u30f3", "\uff97\uff70\uff92\uff9d", "\u304c", "\u304b\u3099", "\u3072\u3089",
    "\u0e20\u0e32\u0e29\u0e32", "\u0e19\u0e49\u0e33", "\u0e81\u0eb3", "\u1780\u17d2\u1798", "\u1019\u103c\u1014\u103a",
    "\u00bd", "1", "2", "5\u00bd", "51", "\u3314", "\u30ad", "\ufdfa", "\u0639\u0644\u064a\u0647",
    "stra\u00dfe", "STRASSE", "\ufb01t", "FIT", "\u216b", "xii", "co\u00adop", "coop",
    "\u200dzero\u200b", "zero", "\u0939\u093f\u0928\u094d\u0926\u0940", "\ud55c\uad6d\uc5b4", "\u1112\u1161\u11ab",
    "\u0130stanbul", "istanbul", "i\u0307stanbul", "\u0391\u0394\u0397\u03a3", "\u03b1\u03b4\u03b7\u03c2",
    "\u0410\u043d\u043d\u0430", "\u0439\u043e\u0434", "\u0438\u0306\u043e\u0434", "\u05e9\u05c1\u05dc", "\u1d400\U0001d400",
    "\u00e5\u0323", "a\u0323\u030a", "\u212b", "\u338f", "\u3231", "\u2103", "caresses", "ponies", "pony",
    "generously", "generous", "sneakers", "accommodation", "restaurant",
]  # fmt: skip
# What the rules say of one language; an inventory without a language may have any of them.
ATOMS_OF = {
    "en": ["sneakers", "sneaker", "running shoes", "accommodation", "accomodation", "naive", "naïve", "naïvely", "cafés", "caf\u00e9's", "NorthPeak™", "northpeak", "rate¹²", "rate", "m²", "m2"],
    "de": ["Häuser", "hauser", "haus", "Haus", "häuschen", "größe", "grosse", "Große", "schön", "schöner", "schon"],
    "fr": ["l'assurance", "assurance", "l’eau", "d'eau", "eau", "aujourd'hui", "l'hôtel", "hôtel", "hotels", "qu'une",
           "été", "étés", "ete", "D'AUJOURD'HUI", "œuvre", "oeuvres", "d´or", "c'"],
    "es": ["habitación", "habitaciones", "habitacion", "Habitación", "español", "espanola", "años", "ano", "canción"],
    "it": ["dell'acqua", "acqua", "un'auto", "auto", "città", "citta", "po'", "all'aperto", "perché", "virtù"],
    "ru": ["автомобиль", "автомобили", "красный", "красная", "красныи", "ёлка", "елка", "ёлки", "за́мок", "замок", "замки", "синий", "синии", "мʼяч"],
    "tr": ["KIŞ", "kış", "kis", "kışlar", "İstanbul'da", "istanbul", "İSTANBUL", "2010'da", "2010", "Levi's", "levis",
           "Kur'an'da", "kuran", "ışık", "IŞIK", "I", "ı", "i", "I\u0307", "X'e", "3G'de"],
    "ar": ["كتاب", "كـتـاب", "كِتاب", "الكتاب", "أحمد", "احمد", "إسلام", "على", "علي", "٣", "3", "ـ", "ٱلكتاب", "کتاب"],
    "ko": ["운동화", "운동화를", "운동화는", "운동", "TV를", "tv", "학교에서는", "학교에서", "학교", "꽃이", "꽃", "고양이", "고양",
           "5를", "책에는", "책"],
    "ja": ["靴", "くつ", "ランニング", "ﾗﾝﾆﾝｸﾞ", "東京¹", "東京", "㌔", "２０"],
    "th": ["น้ำ", "ภาษา", "รองเท้า", "๓", "3"],
    "vi": ["áo dài", "ao dai", "áo", "ao", "đào", "dao", "dạo", "Ðào", "má", "ma", "mà"],
}  # fmt: skip
# What a word may have at its end.
ENDINGS = ["s", "es", "en", "'da", "ler", "를", "에서는", "는", "²", "¹²", "™", "'s", "ы", "ая", "e"]
LANGUAGES = {
    "en": ["en", "english", "en-US"], "de": ["de", "german", "DE_at"], "fr": ["fr", "French"], "es": ["es", "es-419"],
    "it": ["it"], "ru": ["ru", "Russian"], "tr": ["tr", "tr-TR", "turkish"], "ar": ["ar"], "ko": ["ko"], "ja": ["ja"],
    "th": ["th"], "vi": ["vi", "vi_VN"],
}  # fmt: skip
NOISE = ["\U0001f600", "\u0301", "\u00b4", "\u20ac", "--", "\u2026", "\ufe0f", "\u00a0", "\u00b7", "_", "\ufffd"]
GLUE = [" "] * 12 + [", ", "-", "\u3000", "", ".", "/", "\n", "'", "&", "+", " \U0001f600 "]

NOW = [1774746000, 1774749600, 1792893600, 1782820800, 1793507400]  # two clock changes; a Tuesday; a Sunday
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"]
MONEY = [0.5, 1, 1, 1, 1.25, 1.25, 2, 0.000001, 3.333333, 0.9]
ATTRIBUTES = {
    "country": ["US", "CA", "DE", "us", "UK", "GB"],
    "region": ["CA", "ny"],
    "metro": ["501", "807"],
    "city": ["M\u00fcnchen", "m\u00fcnchen", "New York"],
    "device": ["mobile", "desktop", "Mobile"],
    "os": ["ios", "android"],
    "browser": ["firefox", "chrome"],
    "language": ["en", "de"],
    "site": ["good.example", "bad.example"],
    "placement": ["top", "side"],
    "category": ["IAB1", "IAB17", "IAB17-3"],
}
INVISIBLE = ["\u200f", "\u202a", "\u2066", "\ufeff", "\u200b", "\xad", "\xa0", " \u3000 "]
KEYS = {"sport": ["running", "Running", "golf"], "age": ["1", "2"]}
SIZES = ["300x250", "728x90", "160x600", "90x728"]
LABELS = ["airline", "bank", "\u00e9t\u00e9", "z"]
CATEGORIES = ["IAB7", "IAB7-39", "IAB70", "IAB17", "IAB17-3", "iab7-39", "Iab17"]
DOMAINS = ["acme.example", "shop.acme.example", "Bad.example", "notacme.example"]
ADVERTISERS = ["acme", "beta", "gamma", "delta", "epsilon"]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.language = self.pick(list(LANGUAGES))
        self.atoms = self.random.sample(ATOMS, self.random.randint(4, 12))
        self.atoms += self.random.sample(ATOMS_OF[self.language], self.random.randint(2, 5))
        self.now = self.random.choice(NOW)
        self.slips = False  # queries have misspelt words
        self.flat = self.chance(0.4)  # hardly anything ranks one ad before another: ties
        self.keyword_texts = []

    def chance(self, probability):
        return self.random.random() < probability

    def pick(self, items):
        return self.random.choice(items)

    def some(self, items, most=2):
        items = list(items)
        return self.random.sample(items, self.random.randint(1, min(most, len(items))))

    def maybe(self, record, name, probability, make):
        if self.chance(probability):
            record[name] = make()

    def money(self):
        return 1 if self.flat and self.chance(0.9) else self.pick(MONEY)

    # ---- inventory ----

    def time(self):
        moment = self.now + self.pick([-3600, -1, 0, 1, 3600, -86400, 86400])
        zone = datetime.timezone(datetime.timedelta(hours=self.pick([0, 0, 2, -5])))
        text = datetime.datetime.fromtimestamp(moment, zone).isoformat()
        return text.replace("+00:00", "Z")

    def keyword_text(self):
        count = self.pick([1, 1, 1, 2, 2, 2, 3, 4])
        text = self.pick([" ", " ", " ", " ", "", "-"]).join(self.pick(self.atoms) for _ in range(count))
        text = text.strip("'-+&.# ")
        if not any(c.isalnum() and c != "\u0640" for c in text):
            text = "run"
        self.keyword_texts.append(text)
        return text

    def notation(self):
        text = self.keyword_text()
        return self.pasted(self.pick(["{}", "{}", '"{}"', "[{}]"]).format(text))

    def pasted(self, text):
        """Sometimes with what shows nothing at its ends."""
        ends = ["", *INVISIBLE] if self.chance(0.1) else [""]
        return self.pick(ends) + text + self.pick(ends)

    def keyword_object(self):
        keyword = {"text": self.keyword_text()}
        self.maybe(keyword, "match", 0.7, lambda: self.pick(["exact", "phrase", "broad"]))
        if self.chance(0.1):
            keyword["negative"] = True
        else:
            self.maybe(keyword, "bid", 0.7, self.money)
            self.maybe(keyword, "negative", 0.1, lambda: False)
        return keyword

    def keyword(self):
        kind = self.random.random()
        if kind < 0.03:
            return "*"
        if kind < 0.07:
            return self.pasted("-" + self.notation())
        if kind < 0.25:
            return self.keyword_object()
        return self.notation()

    def targeting(self, depth=0):
        tree = {}
        for _ in range(self.pick([1, 1, 2, 3])):
            kind = self.random.random()
            if kind < 0.5 or depth > 2:
                name = self.pick(list(ATTRIBUTES))
                tree[name] = self.some(ATTRIBUTES[name], 3)
            elif kind < 0.6:
                tree["kv"] = {key: self.some(KEYS[key]) for key in self.some(KEYS)}
            elif kind < 0.7:
                tree["hour"] = sorted(self.random.sample(range(168), self.random.randint(60, 160)))
            elif kind < 0.75:
                tree["hours"] = [self.hours() for _ in range(self.random.randint(1, 3))]
            elif kind < 0.82:
                tree["not"] = self.targeting(depth + 1)
            else:
                children = [self.targeting(depth + 1) for _ in range(self.random.randint(1, 3))]
                tree[self.pick(["any", "any", "all"])] = children
        return tree

    def hours(self):
        """Times of the week, often near the present."""
        days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "Mon", "SUN"]
        times = ["00:00", "00:30", "02:59", "03:00", "09:00", "12:00", "17:30", "22:00", "23:59"]
        day = self.pick(["", "", "-" + self.pick(days)])
        return f"{self.pick(days)}{day} {self.pick(times)}-{self.pick(times + ['24:00'])}"

    def rules(self, record):
        """What a campaign and an ad may both have."""
        self.maybe(record, "status", 0.15, lambda: self.pick(["active", "active", "paused"]))
        self.maybe(record, "start", 0.1, self.time)
        self.maybe(record, "end", 0.1, self.time)
        if "start" in record and "end" in record and seconds(record["end"]) <= seconds(record["start"]):
            del record["end"]
        self.maybe(record, "priority", 0.02 if self.flat else 0.15, lambda: self.pick([-1, 0, 1, 5]))
        self.maybe(record, "targeting", 0.25, lambda: self.pick([{}, self.targeting(), self.targeting()]))
        self.maybe(record, "timezone", 0.3, lambda: self.pick(ZONES))
        self.maybe(record, "labels", 0.2, lambda: self.some(LABELS))
        self.maybe(record, "exclude_labels", 0.15, lambda: self.some(LABELS))
        self.maybe(record, "categories", 0.25, lambda: self.some(CATEGORIES))
        self.maybe(record, "domain", 0.25, lambda: self.pick(DOMAINS))
        self.maybe(record, "negative_keywords", 0.1, lambda: [self.notation()])

    # ---- budgets and caps ----

    def amount(self, unit):
        """Some prices' worth, often just about a few."""
        if unit == 0:
            return self.pick([0, 0.001, 0.002, 0.00125, 0.005, 0.05, 1, 2.5, 40, 9000000000])
        return self.pick([1, 2, 3, 10, 1000, 9000000000])

    def limits(self, unit):
        limits = {}
        self.maybe(limits, "daily", 0.6, lambda: self.amount(unit))
        if not limits or self.chance(0.4):
            limits["total"] = self.amount(unit)
        return limits

    def budget(self):
        budget = self.limits(0) if self.chance(0.7) else {}
        self.maybe(budget, "impressions", 0.3, lambda: self.limits(1))
        self.maybe(budget, "clicks", 0.2, lambda: self.limits(2))
        return budget or self.limits(0)

    def curve(self):
        return self.pick(["traffic", "flat", [self.random.choice([1, 2, 50, 1000]) for _ in range(168)]])

    def caps(self):
        periods = self.some(["1m", "30m", "1h", "1d", "48h", "180d", "lifetime"], 3)
        return [{"max_impressions": self.pick([1, 1, 2, 3]), "period": period} for period in periods]

    def delivery(self, record):
        """What advertisers, campaigns and ads may have."""
        self.maybe(record, "budget", 0.4, self.budget)
        self.maybe(record, "pacing", 0.4, lambda: self.pick(["even", "frontloaded", "asap"]))
        self.maybe(record, "frequency_caps", 0.25, self.caps)
        self.maybe(record, "without_user", 0.4, lambda: self.pick(["serve", "skip"]))

    def advertiser(self, name):
        line = {"type": "advertiser", "id": name}
        self.delivery(line)
        self.maybe(line, "timezone", 0.3, lambda: self.pick(ZONES))
        self.maybe(line, "pacing_curve", 0.3, self.curve)
        return line

    def add_delivery(self, lines):
        """Budgets and caps to an inventory without."""
        for line in lines:
            if line.get("type", "ad") != "inventory":
                self.delivery(line)
            if line.get("type") == "campaign":
                self.maybe(line, "pacing_curve", 0.3, self.curve)
                if "budget" in line and self.chance(0.5):
                    line["start"], line["end"] = self.moment(-86400 * 2, 0), self.moment(1, 86400 * 2)
            if line.get("type") == "inventory":
                self.maybe(line, "timezone", 0.4, lambda: self.pick(ZONES))
                self.maybe(line, "unique", 0.4, lambda: self.pick(["advertiser", "campaign", "ad", "none"]))
                self.maybe(line, "pacing_curve", 0.3, self.curve)
        lines += [self.advertiser(name) for name in ADVERTISERS if self.chance(0.5)]

    def moment(self, first, last):
        return datetime.datetime.fromtimestamp(self.now + self.random.randint(first, last), datetime.timezone.utc).isoformat().replace("+00:00", "Z")

    def before(self, time):
        """A moment up to an hour before."""
        moment = datetime.datetime.fromtimestamp(seconds(time) - self.random.randint(0, 4000), datetime.timezone.utc)
        return moment.isoformat().replace("+00:00", "Z")

    def used(self, unit):
        """Near the amounts of budgets."""
        used = {}
        amount = lambda: self.pick([0, 0, self.amount(unit), self.amount(unit)])
        self.maybe(used, "total", 0.6, amount)
        self.maybe(used, "daily", 0.6, amount)
        self.maybe(used, "line", 0.4, amount)
        return used

    def record_state(self, caps):
        record = {}
        for unit, name in enumerate(["spend", "impressions", "clicks"]):
            self.maybe(record, name, 0.5, lambda: self.used(unit))
        self.maybe(record, "paused", 0.1, lambda: self.chance(0.7))
        if caps:
            counted = lambda: {"count": self.random.randint(1, 3), "opened": self.before(self.asked)}
            self.maybe(record, "caps", 0.5, lambda: {cap["period"]: counted() for cap in caps})
        return record

    def state(self):
        """Of the records of the inventory."""
        state = {}
        for line in self.lines:
            kind = line.get("type", "ad")
            if kind != "inventory" and self.chance(0.3):
                state.setdefault(kind, {})[line["id"]] = self.record_state(line.get("frequency_caps"))
        return state

    def add_state(self, request):
        self.asked = request["now"]
        request["state"] = self.state()
        self.maybe(request, "user", 0.6, lambda: self.pick([{"key": "ann"}, {"caps": ""}]))
        self.maybe(request, "privacy", 0.1, lambda: self.pick([{"gdpr": 1}, {"coppa": 0}, {"us_privacy": "1YYN"}, {"gpp": ""}]))

    def head(self):
        line = {"type": "inventory"}
        self.maybe(line, "currency", 0.5, lambda: "USD")
        self.maybe(line, "language", 0.9, lambda: self.pick(LANGUAGES[self.language]))
        self.maybe(line, "fold_accents", 0.4, lambda: self.chance(0.5))
        self.maybe(line, "stem", 0.3, lambda: self.chance(0.5))
        self.maybe(line, "spelling", 0.4, lambda: self.chance(0.8))
        self.slips = line.get("spelling", False)
        self.maybe(line, "broad_window", 0.6, lambda: self.pick([1, 2, 3, 4, 64]))
        names = self.some(["exact", "phrase", "broad"], 3)
        weights = {name: self.pick([0, 0.5, 1, 1.5, 2.001]) for name in names}
        self.maybe(line, "match_weight", 0.1 if self.flat else 0.4, lambda: weights)
        return line

    def campaign(self, number):
        line = {"type": "campaign", "id": f"c{number}", "advertiser": self.pick(ADVERTISERS)}
        self.rules(line)
        return line

    def ad(self, number, campaigns):
        line = {"id": self.pick(["a{}", "ad-{}", "\u00e9{}"]).format(number), "bid": self.money()}
        self.maybe(line, "type", 0.5, lambda: "ad")
        if campaigns and self.chance(0.7):
            line["campaign"] = self.pick(campaigns)["id"]
        else:
            line["advertiser"] = self.pick(ADVERTISERS)
        line["keywords"] = [self.keyword() for _ in range(self.random.randint(1, 6))]
        if all(isinstance(k, str) and k.startswith("-") or isinstance(k, dict) for k in line["keywords"]):
            line["keywords"].append(self.keyword_text())
        if self.chance(0.02 if self.flat else 0.2):
            line["pricing"] = "cpc"
            line["ctr"] = self.pick([0.001, 0.02, 0.333333, 1, 0.000001])
        elif self.chance(0.2):
            line["pricing"] = "cpm"
        self.maybe(line, "quality", 0.02 if self.flat else 0.2, lambda: self.pick([0, 0.5, 1, 1.001, 2]))
        self.maybe(line, "sizes", 0.5, lambda: self.some(SIZES, 3))
        self.maybe(line, "url", 0.3, lambda: f"https://acme.example/{number}")
        self.maybe(line, "creative", 0.3, lambda: {"title": self.pick(self.atoms), "n": [1.5, None, True, {}]})
        self.rules(line)
        return line

    def inventory(self):
        campaigns = [self.campaign(number) for number in range(self.random.randint(0, 6))]
        count = 140 if self.chance(0.01) else self.random.randint(5, 40)
        lines = campaigns + [self.ad(number, campaigns) for number in range(count)]
        self.random.shuffle(lines)
        if self.chance(0.8):
            lines.insert(self.random.randint(0, len(lines)), self.head())
        self.limited = self.chance(0.5)
        if self.limited:
            self.add_delivery(lines)
        self.lines = lines
        return lines

    # ---- requests ----

    def slip(self, text):
        """A text whose longest word has one letter wrong, or nearly so."""
        longest = max(text.split() or [text], key=len)
        at = text.index(longest) + self.random.randint(0, len(longest))
        letter = self.pick(text) if self.chance(0.7) else self.pick("aeinrstçжλ")
        return self.pick(
            [
                text[:at] + letter + text[at:],
                text[:at] + text[at + 1 :],
                text[:at] + letter + text[at + 1 :],
                text[:at] + text[at : at + 1] + text[at:],
                text[:at] + text[at : at + 2][::-1] + text[at + 2 :],
            ]
        )

    def variant(self, text):
        """A text as somebody else would write it."""
        if self.chance(0.3):
            return self.slip(text)
        kind = self.random.random()
        if kind < 0.35:
            marked = unicodedata.normalize("NFD", text).replace("đ", "d").replace("Đ", "D")
            text = "".join(c for c in marked if not unicodedata.combining(c))
        elif kind < 0.45:
            text = text.upper()
        elif kind < 0.55:
            text = text + self.pick(ENDINGS)
        elif kind < 0.65:
            text = text[: -self.random.randint(1, 2)] or text
        elif kind < 0.75:
            text = text.replace("'", self.pick(["’", "ʼ", "´", " ", ""]))
        return unicodedata.normalize(self.pick(["NFC", "NFC", "NFD"]), text)

    def text(self, most):
        parts = []
        for _ in range(self.random.randint(1, most)):
            kind = self.random.random()
            if kind < 0.1:
                parts.append(self.variant(self.pick(self.keyword_texts)))
            elif kind < 0.3:
                parts.append(self.pick(self.keyword_texts))
            elif kind < 0.35:
                parts.append(self.pick(NOISE))
            elif kind < 0.3505:
                parts.append(self.pick(["a", "\u00e9"]) * 1001)
            else:
                parts.append(self.pick(self.atoms))
            parts.append(self.pick(GLUE))
        return "".join(parts[:-1])

    def whole(self):
        kind = self.random.random()
        if self.slips and kind < 0.5:
            return self.slip(max(self.some(self.keyword_texts, 3), key=len))
        if kind < 0.25:
            return self.variant(self.pick(self.keyword_texts))
        return self.pick(self.keyword_texts) if kind < 0.6 else self.text(3)

    def with_references(self, text):
        """A text, some of whose characters are written as references, some so that they are none."""
        return "".join(
            self.pick([f"&#{ord(c)};", f"&#x{ord(c):x};", f"&#{ord(c)}", "&amp;", "&nbsp;", "&eacute;", "&frac12;", "&copy"])
            if self.chance(0.04)
            else c
            for c in text
        )

    def html(self, most):
        """A page, or a part of one."""
        parts = []
        self.maybe_title(parts, 0.4)
        for _ in range(self.random.randint(1, 4)):
            text = self.with_references(self.text(most))
            tag = self.pick(["b", "p", "i", "span", "a", "td", "sup", "script", "svg", "x-card", "h1 class='a>b'"])
            at = self.random.randint(0, len(text))
            open_tag, close_tag = f"<{tag}>", f"</{tag.split()[0]}>"
            parts.append(self.pick([f"{open_tag}{text}{close_tag}", text[:at] + open_tag + text[at:] + close_tag, text]))
            self.maybe_title(parts, 0.1)
            if self.chance(0.1):
                parts.append(self.pick(["<!-- ", "<br>", "-->", "<", "</svg>", "<sup>TM</sup>", "</a><a>"]))
        return "".join(parts)

    def maybe_title(self, parts, probability):
        if self.chance(probability):
            parts.append(f"<title>{self.with_references(self.text(4))}</title>")

    def url(self):
        path = urllib.parse.quote(self.text(3))
        query = self.pick([urllib.parse.quote_plus, lambda text: text.replace("#", "")])(self.text(3))
        bad = self.pick(["", "", "%FF", "%E2%82", "%zz", "%", "+"])
        host = self.pick(["https://run.example", "http://shoes.example:80", ""])
        query_string = self.pick(["", "?", f"?q={query}", f"?q={query}{bad}&x=1"])
        return f"{host}/{path}{bad}{query_string}" + self.pick(["", "", "#trail"])

    def slot(self, number):
        slot = {}
        self.maybe(slot, "id", 0.7, lambda: f"slot {number}")
        self.maybe(slot, "count", 0.7, lambda: self.random.randint(1, 4))
        self.maybe(slot, "size", 0.4, lambda: self.some(SIZES))
        self.maybe(slot, "floor", 0.3, lambda: self.pick(MONEY))
        return slot

    def context(self):
        context = {}
        self.maybe(context, "timezone", 0.1, lambda: self.pick(ZONES))
        for name, values in ATTRIBUTES.items():
            if self.chance(0.5):
                context[name] = self.pick(values) if self.chance(0.7) else self.some(values, 2)
        if self.chance(0.6):
            context["kv"] = {
                key: self.pick(KEYS[key]) if self.chance(0.5) else self.some(KEYS[key]) for key in self.some(KEYS)
            }
        return context

    def block(self):
        block = {}
        self.maybe(block, "advertisers", 0.5, lambda: self.some(ADVERTISERS, 1))
        self.maybe(block, "categories", 0.5, lambda: self.some(CATEGORIES, 1))
        self.maybe(block, "domains", 0.5, lambda: self.some(["acme.example", "BAD.example", "example.net"]))
        return block

    def request(self):
        request = {"now": self.time()}
        self.maybe(request, "id", 0.8, lambda: f"r{self.random.randint(0, 999)}")
        self.maybe(request, "query", 0.5, self.whole)
        self.maybe(request, "keywords", 0.3, lambda: [self.whole() for _ in range(self.random.randint(1, 3))])
        self.maybe(request, "title", 0.3, lambda: self.with_references(self.text(4)))
        if self.chance(0.25):
            request["html"] = self.html(8)
        else:
            self.maybe(request, "text", 0.6, lambda: self.with_references(self.text(16)))
        self.maybe(request, "url", 0.2, self.url)
        self.maybe(request, "slots", 0.85, lambda: [self.slot(n) for n in range(self.random.randint(1, 3))])
        self.maybe(request, "context", 0.7, self.context)
        if "timezone" not in request.get("context", {}):
            self.maybe(request, "timezone", 0.2, lambda: self.pick(ZONES))
        self.maybe(request, "block", 0.25, self.block)
        self.maybe(request, "unique", 0.6, lambda: self.pick(["advertiser", "campaign", "ad", "none"]))
        self.maybe(request, "explain", 0.9, lambda: self.chance(0.95))
        if self.limited and self.chance(0.9):
            self.add_state(request)
        return request


def generate(seed, request_count):
    """The lines of an inventory, and requests to it."""
    generator = Generator(seed)
    lines = generator.inventory()
    return lines, [generator.request() for _ in range(request_count)]
