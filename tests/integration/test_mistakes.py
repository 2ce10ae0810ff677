# SPDX-License-Identifier: Apache-2.0
"""Mistakes that people make in inventories, more than a hundred: `admatch check` must say of each what was probably meant."""

import bz2
import gzip
import io
import json
import lzma
import os
import pathlib
import subprocess
import tempfile
import unittest
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
ADMATCH = os.environ.get("ADMATCH") or str(ROOT / os.environ.get("ADMATCH_BUILD", "build/release") / "admatch")
AD = {"id": "a", "advertiser": "x", "bid": 1, "keywords": ["shoes"]}


def lines(*records):
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def with_ad(**members):
    return lines({**AD, **members})


def with_keyword(keyword):
    return with_ad(keywords=[keyword])


def with_language(language, keyword):
    return lines({"type": "inventory", "language": language}, {**AD, "keywords": [keyword]})


def with_targeting(**members):
    return with_ad(targeting=members)


def with_settings(**members):
    return lines({"type": "inventory", **members}, AD)


def zipped(content):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inventory.jsonl", content)
    return packed.getvalue()


ARRAY = json.dumps([AD, AD]).encode() + b"\n"
TABLE = b"Campaign,Ad group,Keyword,Max CPC\nSpring,Shoes,running shoes,1.20\n"

# What the file holds, and what must be said.
MISTAKES = {
    "en dash": (with_keyword("–kids"), 'did you mean "-kids"?'),
    "em dash and a space": (with_keyword("— for kids"), 'did you mean "- for kids"?'),
    "minus sign": (with_keyword("−free"), 'did you mean "-free"?'),
    "dash in an object": (with_keyword({"text": "–kids"}), 'did you mean "kids" with "negative":true?'),
    "hyphen in an object": (with_keyword({"text": "-kids"}), 'did you mean "negative":true?'),
    "quotes in an object": (with_keyword({"text": '"for kids"'}), 'did you mean "match":"phrase"?'),
    "brackets in an object": (with_keyword({"text": "[kids]"}), 'did you mean "match":"exact"?'),
    "curly quotes": (with_keyword("“trail shoes”"), r'did you mean "\"trail shoes\""?'),
    "German quotes": (with_keyword("„trail shoes“"), r'did you mean "\"trail shoes\""?'),
    "guillemets": (with_keyword("«trail shoes»"), r'did you mean "\"trail shoes\""?'),
    "single quotes": (with_keyword("'trail shoes'"), r'did you mean "\"trail shoes\""?'),
    "wide brackets": (with_keyword("［trail shoes］"), 'did you mean "[trail shoes]"?'),
    "one quote": (with_keyword('"trail shoes'), "with both quotes or brackets"),
    "one bracket": (with_keyword("[trail shoes"), "with both quotes or brackets"),
    "cell with commas": (with_keyword("rental, hire, lease"), "did you mean 3 keywords?"),
    "cell with semicolons": (with_keyword("boots;shoes"), "did you mean 2 keywords?"),
    "cell with bars": (with_keyword("boots | shoes"), "did you mean 2 keywords?"),
    "cell in Japanese": (with_keyword("靴、ブーツ"), "did you mean 2 keywords?"),
    "keywords as one string": (with_ad(keywords="boots, shoes"), "expected a list of keywords"),
    "error of a spreadsheet": (with_keyword("#N/A"), "an error of a spreadsheet"),
    "wrong charset": (with_keyword("cafÃ©"), "expected UTF-8"),
    "wrong charset, windows-1252": (with_keyword("Ã„pfel"), "expected UTF-8"),
    "wrong charset, sharp s": (with_keyword("StraÃŸe"), "expected UTF-8"),
    "wrong charset, Cyrillic": (with_keyword("Ð¾Ð±ÑƒÐ²ÑŒ"), "expected UTF-8"),
    "wrong charset, apostrophe": (with_keyword("menâ€™s shoes"), "expected UTF-8"),
    "lost character": (with_keyword("caf\ufffd"), "expected UTF-8"),
    "wildcard": (with_keyword("shoe*"), "* is no wildcard"),
    "address as keyword": (with_keyword("https://acme.example/shoes"), "that is an address"),
    "entity": (with_keyword("salt &amp; pepper"), "references are not decoded in keywords"),
    "keyword insertion": (with_keyword("{KeyWord:shoes}"), "expected the words alone"),
    "signs only": (with_keyword("!!!"), "expected at least one letter or digit"),
    "negative emoji": (with_ad(negative_keywords=["👶"]), "no word is left, so it stops nothing"),
    "no keyword": (with_ad(keywords=[]), "nothing can reach this ad"),
    "UK": (with_targeting(country=["UK"]), 'read as "GB"'),
    "EL": (with_targeting(country=["el"]), 'read as "GR"'),
    "language as country": (with_targeting(country=["EN"]), 'did you mean "GB"?'),
    "no country": (with_targeting(country=["EU"]), "no code of ISO 3166-1"),
    "three letters": (with_targeting(country=["USA"]), 'did you mean "US"?'),
    "name of a country": (with_targeting(country=["Germany"]), 'codes like "US"'),
    "country without a list": (with_targeting(country="US"), "expected a list"),
    "device": (with_targeting(device=["moblie"]), 'did you mean "mobile"?'),
    "os": (with_targeting(os=["andriod"]), 'did you mean "android"?'),
    "browser": (with_targeting(browser=["fire fox"]), 'did you mean "firefox"?'),
    "attribute": (with_targeting(contry=["US"]), 'did you mean "country"?'),
    "hours of a day": (with_targeting(hour=[9, 10, 11]), 'did you mean those of every day'),
    "site as address": (with_targeting(site=["https://good.example/"]), 'did you mean its host, "good.example"?'),
    "white space": (with_targeting(site=["good.example "]), 'did you mean "good.example"?'),
    "domain as address": (with_ad(domain="https://acme.example/"), 'did you mean its host, "acme.example"?'),
    "address without scheme": (with_ad(url="acme.example/run"), 'did you mean "https://acme.example/run"?'),
    "number in quotes": (with_ad(bid="1.80"), "expected 1.80 without quotes"),
    "decimal comma": (with_ad(bid="1,80"), "expected 1.80 without quotes"),
    "bid below 0": (with_ad(bid=-1), "expected a decimal from 0"),
    "word in quotes": (with_settings(spelling="true"), "expected true or false without quotes"),
    "date without time": (with_ad(start="2026-11-01"), 'a time like "2026-11-01T00:00:00Z"'),
    "status": (with_ad(status="enabled"), '"active" or "paused"'),
    "size": (with_ad(sizes=["300 x 250"]), 'sizes like "300x250"'),
    "member": (with_ad(targetting={}), 'did you mean "targeting"?'),
    "campaign without ads": (lines({"type": "campaign", "id": "c", "advertiser": "x"}, AD), "no ad names it"),
    "campaign of another name": (lines({"id": "a", "campaign": "C1", "bid": 1, "keywords": ["a"]}), "is nowhere in this inventory"),
    "language without stems": (with_settings(language="ja"), 'there are no stems for "ja"'),
    "language": (with_settings(language="englisch"), 'did you mean "english"?'),
    "comma after a line": (lines(AD).strip() + b",\n", "without a comma after it"),
    "Python's quotes": (b"{'id': 'a'}\n", "the quotes of JSON are"),
    "Python's words": (b'{"id":"a","stem": True}\n', "JSON has true, false and null"),
    "JSON array": (ARRAY, "jq -c '.[]'"),
    "JSON over lines": (json.dumps(AD, indent=2).encode(), "jq -c ."),
    "CSV": (TABLE, "admatch import"),
    "CSV in gzip": (gzip.compress(TABLE), "admatch import"),
    "UTF-16": (lines(AD).decode().encode("utf-16"), "iconv -f UTF-16 -t UTF-8"),
    "UTF-16 without a mark": (lines(AD).decode().encode("utf-16-le"), "iconv -f UTF-16 -t UTF-8"),
    "xz": (lzma.compress(lines(AD)), "xz -dc"),
    "bzip2": (bz2.compress(lines(AD)), "bzip2 -dc"),
    "zip": (zipped(lines(AD)), "a ZIP archive"),
    "hyphen inside": (with_keyword("laufschuhe -billig"), 'a keyword and the negative keyword "-billig"?'),
    "broad match modifier": (with_keyword("+trail +shoes"), "+ means nothing here"),
    "insertion inside": (with_keyword("buy {KeyWord:shoes}"), "these brackets mean nothing"),
    "operators": (with_keyword("shoes OR boots"), "did you mean several keywords?"),
    "operators in lower case": (with_keyword("shoes or boots"), "did you mean several keywords?"),
    "operators in German": (with_language("de-DE", "schuhe oder stiefel"), 'the word for "or"'),
    "capitals in German": (with_keyword("schuhe UND stiefel"), "did you mean several keywords?"),
    "operators in French": (with_language("fr", "chaussures ou bottes"), 'the word for "or"'),
    "operators in Italian": (with_language("it", "scarpe o stivali"), 'the word for "or"'),
    "operators in Russian": (with_language("ru", "ботинки или сапоги"), 'the word for "or"'),
    "capitals in Russian": (with_language("ru", "ботинки И сапоги"), "did you mean several keywords?"),
    "Japanese quotes": (with_keyword("「運動靴」"), r'did you mean "\"運動靴\""?'),
    "Japanese double quotes": (with_keyword("『運動靴』"), r'did you mean "\"運動靴\""?'),
    "no-break space at an end": (with_targeting(site=["\xa0acme.example"]), 'did you mean "acme.example"?'),
    "several phrases": (with_keyword('"shoes" "boots"'), "did you mean several?"),
    "empty quotes": (with_keyword('""'), 'keyword "": expected at least one word in it'),
    "empty brackets": (with_keyword("[]"), "keyword []: expected at least one word in it"),
    "hyphen of the typographer": (with_keyword("‑kids"), 'did you mean "-kids"?'),
    "match type of the ad": (with_ad(match_type="exact"), "it belongs to a keyword"),
    "match type of a keyword": (with_keyword({"text": "shoes", "match_type": "exact"}), 'did you mean "match"?'),
    "text of a keyword": (with_keyword({"keyword": "shoes"}), 'did you mean "text"?'),
    "country of the ad": (with_ad(country=["US"]), 'it belongs into "targeting"'),
    "landing page": (with_ad(landing_page="https://acme.example/"), 'did you mean "url"?'),
    "max CPC": (with_ad(max_cpc=1), 'did you mean "bid"?'),
    "title": (with_ad(title="Shoes"), 'it belongs into "creative"'),
    "currency of an ad": (with_ad(currency="EUR"), 'the line of type "inventory"'),
    "enabled": (with_ad(enabled=True), 'did you mean "status"'),
    "negatives": (with_ad(negatives=["kids"]), 'did you mean "negative_keywords"?'),
    "bid of a campaign": (lines({"type": "campaign", "id": "c", "advertiser": "x", "bid": 1}, {**AD, "campaign": "c"}), "it belongs to the campaign's ads"),
    "keywords of a campaign": (lines({"type": "campaign", "id": "c", "advertiser": "x", "keywords": ["a"]}, {**AD, "campaign": "c"}), "it belongs to the campaign's ads"),
    "size in targeting": (with_targeting(size=["300x250"]), "it is a member of the ad"),
    "key-value with a point": (with_targeting(**{"kv.sport": ["golf"]}), 'did you mean "kv":'),
    "not as a list": (with_targeting(**{"not": [{"country": ["US"]}]}), "targeting.not: expected an object"),
    "phone": (with_targeting(device=["phone"]), 'did you mean "mobile"?'),
    "PC": (with_targeting(device=["PC"]), 'did you mean "desktop"?'),
    "iPhone": (with_targeting(os=["iPhone"]), 'did you mean "ios"?'),
    "Windows 10": (with_targeting(os=["Windows 10"]), 'did you mean "windows"?'),
    "IE": (with_targeting(browser=["IE"]), 'did you mean "internet explorer"?'),
    "en dash in hours": (with_targeting(hours=["mon-fri 08:00–18:00"]), 'did you mean "mon-fri 08:00-18:00"?'),
    "hours in words": (with_targeting(hours=["Monday–Friday 9am to 6pm"]), 'did you mean "mon-fri 09:00-18:00"?'),
    "hours without days": (with_targeting(hours=["08–18"]), 'did you mean "mon-sun 08:00-18:00"?'),
    "hours in French": (with_targeting(hours=["9h-18h"]), 'did you mean "mon-sun 09:00-18:00"?'),
    "half hours in French": (with_targeting(hours=["9h30 - 18h"]), 'did you mean "mon-sun 09:30-18:00"?'),
    "sign of multiplication": (with_ad(sizes=["300×250"]), 'did you mean "300x250"?'),
    "capital X": (with_ad(sizes=["300X250"]), 'did you mean "300x250"?'),
    "case of a time zone": (with_ad(timezone="europe/paris"), 'did you mean "Europe/Paris"?'),
    "city as a time zone": (with_ad(timezone="New York"), 'did you mean "America/New_York"?'),
    "abbreviation as a time zone": (with_ad(timezone="PST"), 'did you mean "America/Los_Angeles"?'),
    "Deutsch": (with_settings(language="Deutsch"), 'did you mean "de"?'),
    "français": (with_settings(language="français"), 'did you mean "fr"?'),
    "español": (with_settings(language="espanol"), 'did you mean "es"?'),
    "Chinese": (with_settings(language="中文"), 'did you mean "zh"?'),
    "country for a language": (with_settings(language="us"), 'did you mean "en"?'),
    "no language, German": (with_ad(keywords=["laufschuhe für damen", "schuhe kaufen", "günstige schuhe"]), '"language":"de"'),
    "no language, Russian": (with_ad(keywords=["купить обувь", "кроссовки", "сапоги женские", "тёплые ботинки"]), '"language":"ru"'),
    "no language, Arabic": (with_ad(keywords=["أحذية رياضية", "شراء حقيبة", "ساعة يد"]), '"language":"ar"'),
    "no language, English": (with_ad(keywords=["shoes for men", "buy boots", "cheap hats"]), '"language":"en"'),
    "name of a currency": (with_settings(currency="euro"), 'did you mean "EUR"?'),
    "small currency": (with_settings(currency="usd"), 'did you mean "USD"?'),
    "no such day": (with_ad(start="2026-02-30T00:00:00Z"), "expected a day and time that exist"),
    "end before start": (with_ad(start="2026-03-01T00:00:00Z", end="2026-02-01T00:00:00Z"), "found 2026-02-01T00:00:00Z, and 2026-03-01T00:00:00Z as start"),
    "weight": (with_settings(match_weight={"exact": 1001}), "match_weight.exact: expected"),
    "twice in the creative": (b'{"id":"a","advertiser":"x","bid":1,"keywords":["s"],"creative":{"a":1,"a":2}}\n', 'ad "a": the member "a" stands twice'),
    "nothing in a thousand": (with_ad(bid=0.000001, pricing="cpc", ctr=0.0001), "give an eCPM of 0"),
    "JavaScript": (with_ad(url="javascript:alert(1)"), "is no landing page"),
    "data": (with_ad(url="data:text/html,x"), "is no landing page"),
    "relative address": (with_ad(url="/landing"), "is relative"),
    "address without scheme, slashes": (with_ad(url="//acme.example/"), 'did you mean "https://acme.example/"?'),
    "one slash": (with_ad(url="https:/acme.example"), 'did you mean "https://acme.example"?'),
    "no colon": (with_ad(url="https//acme.example"), 'did you mean "https://acme.example"?'),
    "space in an address": (with_ad(url="https://acme.example/a b"), "expected %20"),
    "HTML": (b"<!DOCTYPE html><title>404 Not Found</title>\n", "HTML or XML"),
}  # fmt: skip

ACCEPTED = {
    "a byte order mark": b"\xef\xbb\xbf" + lines(AD),
    "a byte order mark in gzip": gzip.compress(b"\xef\xbb\xbf" + lines(AD)),
    "gzip with padding": gzip.compress(lines(AD)) + bytes(1000),
    "a house ad": with_ad(bid=0),
    "an inch": with_keyword('monitor 27"'),
    "a thousand": with_keyword("under 12,000 miles"),
    "two names in quotes": with_keyword("“north” and “south”"),
    "apostrophes": with_keyword("men's & women's"),
    "Windows' ends of lines": lines(AD).replace(b"\n", b"\r\n"),
    "apps": lines({**AD, "url": "market://details?id=x"}, {**AD, "id": "b", "url": "tel:+123"}),
    "signs of words": with_ad(keywords=["c++", "google +", "rock - pop", "t-shirt", "SALT AND PEPPER", "+1"]),
    "vitamins and names": with_ad(keywords=["vitamin E oil", "rock and roll", "generation Y books", '"trick or treat"', "hotel OU stadium"]),
    "stems unwanted": lines({"type": "inventory", "stem": False}, {**AD, "keywords": ["купить обувь", "кроссовки", "сапоги"]}),
    "two of a language": with_ad(keywords=["schuhe kaufen", "für alle", "nike", "adidas"]),
    "Ukrainian": with_ad(keywords=["купити взуття", "дитячі черевики", "жіночі чоботи", "зимові кросівки"]),
    "Persian": with_ad(keywords=["خرید کفش", "کفش ورزشی", "کیف چرمی", "ساعت مچی"]),
    "Bulgarian": with_ad(keywords=["евтини обувки", "детски маратонки", "зимни ботуши"]),
    "capitals of Portuguese": with_keyword("SÃO PAULO"),
    "Kosovo": with_targeting(country=["XK"]),
}


def check(content):
    with tempfile.TemporaryDirectory(prefix="admatch-mistakes-") as folder:
        path = pathlib.Path(folder, "inventory.jsonl")
        path.write_bytes(content)
        done = subprocess.run([ADMATCH, "check", path], capture_output=True, timeout=60)
        said = [line for line in done.stdout.decode().splitlines() if line.startswith(str(path))]
    return done.returncode, "\n".join(said) + done.stderr.decode()


class MistakesTest(unittest.TestCase):
    def test_of_each_mistake_it_is_said_what_was_meant(self):
        self.assertGreaterEqual(len(MISTAKES), 120)
        for name, (content, wanted) in MISTAKES.items():
            with self.subTest(mistake=name):
                self.assertIn(wanted, check(content)[1])

    def test_each_file_of_another_kind_is_one_error(self):
        for name, (content, wanted) in MISTAKES.items():
            if wanted.startswith(("jq", "admatch", "iconv", "xz", "bzip2", "a ZIP", "HTML")):
                with self.subTest(mistake=name):
                    status, said = check(content)
                    self.assertEqual((status, said.count("\n")), (1, 1))

    def test_a_wrong_pricing_is_one_message(self):
        for pricing in ("CPC", "cpa"):
            status, said = check(with_ad(pricing=pricing, ctr=0.01))
            self.assertEqual((status, said.count("ctr")), (1, 0), said)

    def test_what_is_right_is_not_warned_of(self):
        for name, content in ACCEPTED.items():
            with self.subTest(file=name):
                self.assertEqual(check(content), (0, ""))


if __name__ == "__main__":
    unittest.main()
