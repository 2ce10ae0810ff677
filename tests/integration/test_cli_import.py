# SPDX-License-Identifier: Apache-2.0
"""`admatch import`: tables of Google Ads Editor, and plain ones, to inventories that are checked and served."""

import csv
import io
import json
import unittest

from command import INVENTORY, CommandTest, lines_of, run

HEADER = ["Campaign", "Labels", "Campaign Type", "Networks", "Budget", "Budget type", "Languages", "Bid Strategy Type", "Start Date", "End Date",
          "Ad Schedule", "Ad Group", "Max CPC", "Max CPM", "Ad Group Type", "Keyword", "Criterion Type", "Final URL", "Ad type",
          *[f"Headline {n}" for n in range(1, 16)], *[f"Description {n}" for n in range(1, 5)], "Path 1", "Path 2", "Campaign Status",
          "Ad Group Status", "Status", "Approval Status", "Comment"]
SEASONS = ["Spring", "Summer", "Autumn", "Winter"]
GOODS = ["trail shoes", "road shoes", "hiking boots", "rain jackets", "sun hats", "wool socks"]


def row(**cells):
    return {name.replace("_", " "): cell for name, cell in cells.items()}


def export():
    """What the Editor writes of an account: 4 campaigns, 24 ad groups, 200 rows in all."""
    rows = []
    for season in SEASONS:
        where = {"Campaign": f"{season} sale"}
        paused = "Paused" if season == "Winter" else "Enabled"
        rows.append({**where, "Campaign Type": "Search", "Networks": "Google search", "Budget": "25.00", "Budget type": "Daily",
                     "Languages": "en", "Bid Strategy Type": "Manual CPC", "Labels": "sale;outdoor", "Start Date": "2026-01-01",
                     "End Date": "2099-12-31", "Campaign Status": paused})
        rows.append({**where, "Keyword": "free", "Criterion Type": "Campaign Negative Broad", "Campaign Status": paused})
        for goods in GOODS:
            group = {**where, "Ad Group": goods.title(), "Campaign Status": paused, "Ad Group Status": "Enabled"}
            rows.append({**group, "Max CPC": "0.80", "Max CPM": "0.01", "Ad Group Type": "Standard"})
            rows.append({**group, "Keyword": f"{season} {goods}", "Criterion Type": "Broad", "Max CPC": "1.10", "Status": "Enabled"})
            rows.append({**group, "Keyword": goods, "Criterion Type": "Phrase", "Status": "Enabled"})
            rows.append({**group, "Keyword": f"buy {goods}, cheap", "Criterion Type": "Exact", "Max CPC": "1,45", "Status": "Enabled"})
            rows.append({**group, "Keyword": f"used {goods}", "Criterion Type": "Broad", "Status": "Paused"})
            rows.append({**group, "Keyword": "repair", "Criterion Type": "Negative Phrase", "Status": "Enabled"})
            for number in (1, 2):
                rows.append({**group, "Ad type": "Responsive search ad", "Final URL": f"https://shop.example/{season}/{goods.replace(' ', '-')}",
                             "Headline 1": f"{season} {goods.title()}", "Headline 2": 'Save "up to" 30 %', "Headline 3": f"Offer {number}",
                             "Description 1": "Free returns, café included.\nOpen on Sundays.", "Path 1": "sale", "Path 2": season.lower(),
                             "Status": "Enabled" if number == 1 else "Removed", "Approval Status": "Approved"})
            rows.append({**group, "Keyword": "☂", "Criterion Type": "Negative Broad", "Status": "Enabled"})
    return rows


def as_text(rows, delimiter, header=HEADER):
    written = io.StringIO()
    writer = csv.DictWriter(written, header, delimiter=delimiter, lineterminator="\r\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()


class ImportTest(CommandTest):
    def convert(self, content, *options):
        """The lines of the inventory, and the report."""
        table = self.folder / "table.csv"
        table.write_bytes(content)
        done = run("import", *options, "-o", self.folder / "inventory.jsonl", table)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return [json.loads(line) for line in (self.folder / "inventory.jsonl").read_text().splitlines()], done.stderr.decode()

    def test_an_export_in_utf_8_with_commas_and_in_utf_16_with_tabs_is_the_same(self):
        rows = export()
        self.assertGreaterEqual(len(rows), 200)
        commas, _ = self.convert(as_text(rows, ",").encode(), "--advertiser", "shop")
        tabs, _ = self.convert(as_text(rows, "\t").encode("utf-16"), "--advertiser", "shop")
        self.assertEqual(commas, tabs)
        self.assertEqual([line["id"] for line in commas if line.get("type") == "campaign"], [f"{season} sale" for season in SEASONS])
        self.assertEqual(sum("bid" in line for line in commas), 24)

    def test_what_the_export_says_is_in_the_inventory(self):
        lines, _ = self.convert(as_text(export(), ",").encode(), "--advertiser", "shop", "--ctr", "0.02")
        self.assertEqual(lines[0], {"type": "inventory", "language": "en"})
        found = {line["id"]: line for line in lines[1:]}
        self.assertEqual(found["Spring sale"], {"type": "campaign", "id": "Spring sale", "advertiser": "shop", "start": "2026-01-01T00:00:00Z",
                                                "end": "2100-01-01T00:00:00Z", "labels": ["sale", "outdoor"],
                                                "negative_keywords": [{"text": "free", "match": "broad"}]})
        self.assertEqual(found["Winter sale"]["status"], "paused")
        self.assertEqual(found["Spring sale/Trail Shoes"], {
            "id": "Spring sale/Trail Shoes", "campaign": "Spring sale", "bid": 0.8, "pricing": "cpc", "ctr": 0.02,
            "keywords": [{"text": "Spring trail shoes", "match": "broad", "bid": 1.1}, {"text": "trail shoes", "match": "phrase"},
                         {"text": "buy trail shoes, cheap", "match": "exact", "bid": 1.45}],
            "negative_keywords": [{"text": "repair", "match": "phrase"}, {"text": "☂", "match": "broad"}],
            "url": "https://shop.example/Spring/trail-shoes",
            "creative": {"title": "Spring Trail Shoes", "headlines": ["Spring Trail Shoes", 'Save "up to" 30 %', "Offer 1"],
                         "descriptions": ["Free returns, café included.\nOpen on Sundays."], "paths": ["sale", "spring"]}})

    def test_what_was_not_understood_is_reported_by_line_and_column(self):
        rows = export()[:3] + [
            {"Campaign": "Spring sale", "Ad Group": "Trail Shoes", "Keyword": "a", "Criterion Type": "Broad", "Max CPC": "much"},
            {"Campaign": "Spring sale", "Ad Schedule": "(Monday[09:00-17:00])", "Comment": "call them", "Campaign Status": "Odd"},
            {"Campaign": "Spring sale", "Keyword": "b", "Criterion Type": "Broad"},
            {"Comment": "only this"},
            {"Campaign": "Spring sale", "Ad Group": "Trail Shoes", "Keyword": "c", "Criterion Type": "Fuzzy"}]
        _, report = self.convert(as_text(rows, ",").encode(), "--advertiser", "shop")
        table = self.folder / "table.csv"
        for line, said in ((2, 'column not understood: "Budget", it has no effect'),
                           (9, 'match type not understood, broad was taken: "Fuzzy"'),
                           (5, 'bid not understood: "much", expected an amount like 1.20'),
                           (6, 'status not understood: "Odd", read as paused'),
                           (6, 'column not understood: "Ad Schedule", it has no effect'),
                           (7, 'keyword without an ad group: "b", left out'),
                           (8, 'nothing understood in this line: "only this"')):
            self.assertIn(f"{table}:{line}: {said}\n", report)
        self.assertEqual(report.count('"Budget"'), 1)

    def test_the_import_is_checked_without_a_warning_and_served(self):
        self.convert(as_text(export(), "\t").encode("utf-16"), "--advertiser", "shop")
        inventory = self.folder / "inventory.jsonl"
        done = run("check", inventory)
        self.assertEqual(done.returncode, 0, done.stdout)
        warned = [line for line in done.stdout.decode().splitlines() if "warning" in line and "☂" not in line and ", cheap" not in line]
        self.assertEqual(warned, [])
        done = run("match", inventory, "--query", "my hiking boots", "--count", "3", "--now", "2026-06-01T00:00:00Z")
        ads = json.loads(done.stdout)["slots"][0]["ads"]
        self.assertEqual([ad["advertiser"] for ad in ads], ["shop"])
        self.assertTrue(ads[0]["ad"].endswith("/Hiking Boots"))
        self.assertEqual(ads[0]["creative"]["headlines"][1], 'Save "up to" 30 %')
        done = run("match", inventory, "--query", "free hiking boots", "--now", "2026-06-01T00:00:00Z")
        self.assertEqual(json.loads(done.stdout)["slots"][0]["ads"], [])

    def test_a_plain_table_is_an_inventory(self):
        header = ["id", "advertiser", "keywords", "bid", "url", "title", "country"]
        rows = [["a1", "acme", 'running shoes; "trail shoes"; -kids', "1.25", "https://acme.example/", "Run", "US, CA"],
                ["a2", "beta", "boots", "0.5", "https://beta.example/", "Walk", ""]]
        content = "\n".join(";".join('"' + cell.replace('"', '""') + '"' for cell in line) for line in [header, *rows])
        lines, _ = self.convert(content.encode())
        self.assertEqual(lines[0], {
            "id": "a1", "advertiser": "acme", "bid": 1.25, "pricing": "cpc", "ctr": 0.01, "targeting": {"country": ["US", "CA"]},
            "keywords": [{"text": "running shoes", "match": "broad"}, {"text": "trail shoes", "match": "phrase"}],
            "negative_keywords": [{"text": "kids", "match": "broad"}], "url": "https://acme.example/",
            "creative": {"title": "Run", "headlines": ["Run"]}})

    def ads(self, content, *options):
        """The inventory's ads by id, and the report without the table's path."""
        lines, report = self.convert(content.encode() if isinstance(content, str) else content, *options)
        return {line["id"]: line for line in lines if "bid" in line}, report.replace(f"{self.folder}/table.csv:", "")

    def test_a_landing_page_needs_no_title(self):
        ads, _ = self.ads("id,advertiser,keywords,bid,url\na,acme,shoes,1,https://acme.example/\n")
        self.assertEqual(ads["a"]["url"], "https://acme.example/")

    def test_rows_of_one_id_make_one_ad_where_they_say_the_same(self):
        ads, _ = self.ads("id,advertiser,keyword,bid,country,url\n"
                          "a,acme,shoes,1,US,https://acme.example/\na,acme,boots,2,US,https://acme.example/\na,acme,hats,3,,\n")
        self.assertEqual(list(ads), ["a"])
        self.assertEqual([(k["text"], k["bid"]) for k in ads["a"]["keywords"]], [("shoes", 1), ("boots", 2), ("hats", 3)])

    def test_rows_of_one_id_that_differ_are_ads_of_their_own_and_said(self):
        ads, report = self.ads("id,advertiser,keywords,bid,country\na,acme,shoes,1,US\na,acme,shoes,0.4,CA\na,acme,boots,0.4,CA\n")
        self.assertEqual([(ad["id"], ad["bid"], ad["targeting"]["country"]) for ad in ads.values()],
                         [("a", 1, ["US"]), ("a/2", 0.4, ["CA"])])
        self.assertEqual([k["text"] for k in ads["a/2"]["keywords"]], ["shoes", "boots"])
        self.assertIn('3: the same id, but another: "bid": an ad of its own\n', report)

    def test_ids_are_distinct_whatever_the_names(self):
        ads, _ = self.ads("Campaign,Ad Group,Keyword,Max CPC,Final URL,Headline 1\n"
                          "c,g,,1,u1,one\nc,g,,1,u2,two\nc,g/2,,1,u3,three\nc,g/2,,1,u4,four\nc,g,shoes,,,\n", "--advertiser", "acme")
        self.assertEqual({ad["url"]: name for name, ad in ads.items()},
                         {"u1": "c/g", "u2": "c/g/2", "u3": "c/g/2/2", "u4": "c/g/2/3"})

    def bids(self, *amounts, currency="USD"):
        """What ads that bid these amounts have come to: the bid, or None for a paused one; and the report."""
        rows = "".join(f'"a{n}"\tacme\tshoes\t"{text}"\n' for n, text in enumerate(amounts))
        ads, report = self.ads("id\tadvertiser\tkeywords\tbid\n" + rows, "--currency", currency)
        bids = [ads[f"a{n}"] for n in range(len(amounts))]
        return [None if ad.get("status") == "paused" else ad["bid"] for ad in bids], report

    def test_amounts_are_read_as_people_write_them(self):
        amounts = {"1.20": 1.2, "1,20": 1.2, "$1.20": 1.2, "1,234.50": 1234.5, "1.234,50": 1234.5, "1'234.50": 1234.5, "1\u202f234,50": 1234.5,
                   "USD 3": 3, "usd 3": 3, "$3 USD": 3, "1,000,000": 1000000, "1 000 000": 1000000, "1,234.567": 1234.567, ".50": 0.5,
                   "0.125": 0.125, "007": 7, "0": 0}
        bids, _ = self.bids(*amounts)
        self.assertEqual(bids, list(amounts.values()))
        self.assertEqual(self.bids("0,80 €", "€ 0,80", "3 EUR", "3 Euro", "3 eur", "1", currency="EUR")[0], [0.8, 0.8, 3, 3, 3, 1])
        self.assertEqual(self.bids("2,5 zł", currency="PLN")[0], [2.5])

    def test_amounts_that_may_be_another_are_not_read(self):
        amounts = ("0.5 0.7", "0,50 0,70", "1.2.3", "1,2,3", "1 2", "1'5", "1,23.4", "12,34,567", "1,234,56", "1.234,567.8", "0,123,456", "1 234'567",
                   "1,234 567", "1234,567.8", "1€50", "5.", "1,234,567", "1.2345678", "1.2.3,4.5", "12 apples", "-1", "5 CPM", "3 USD EUR", "0.50-0.70", "1..5")
        bids, report = self.bids(*amounts)
        self.assertEqual([text for text, bid in zip(amounts, bids, strict=True) if bid is not None], [])
        for text in amounts:
            self.assertIn(f'bid not understood: "{text}"', report)
        self.assertIn('bid not understood: "1,234", thousands or decimals? Expected 1234 or 1.234\n', self.bids("1,234")[1])

    def test_a_period_is_of_thousands_where_semicolons_separate(self):
        _, report = self.ads("id;advertiser;keywords;bid\na;acme;shoes;1.234\nb;acme;shoes;1,5\n")
        self.assertIn('2: bid not understood: "1.234", thousands or decimals?', report)

    def test_what_has_no_bid_is_paused_and_said(self):
        table = "id,advertiser,keyword,bid\na,acme,shoes,\nb,acme,shoes,2\nb,acme,boots,\nc,acme,shoes,0\n"
        ads, report = self.ads(table)
        self.assertEqual([(ad["bid"], ad.get("status")) for ad in ads.values()], [(0, "paused"), (2, None), (0, None)])
        self.assertIn('the ad "a" has no bid, so it is paused; --bid AMOUNT sets one\n', report)
        self.assertIn('the ad "b" has keywords without a bid, which take its lowest', report)
        self.assertIn('5: bid of nothing: "0", it is served for free\n', report)
        ads, report = self.ads(table, "--bid", "0.30")
        self.assertEqual([(ad["bid"], ad.get("status")) for ad in ads.values()], [(0.3, None), (0.3, None), (0, None)])
        self.assertNotIn("--bid", report)

    def test_what_is_not_utf_8_is_said_and_converted(self):
        table = "id;advertiser;keywords;bid\na;Müller;wäsche;0,80 €\n"
        ads, report = self.ads(table.encode("cp1252"))
        self.assertEqual((ads["a"]["advertiser"], ads["a"]["keywords"][0]["text"]), ("Müller", "wäsche"))
        self.assertIn("not UTF-8: read as windows-1252, of Western Europe; --encoding NAME", report)
        ads, report = self.ads("id,advertiser,keywords,bid\na,b,обувь,1\n".encode("cp1251"), "--encoding", "CP1251")
        self.assertEqual(ads["a"]["keywords"][0]["text"], "обувь")
        self.assertNotIn("windows-1252", report)
        ads, report = self.ads(b"\xef\xbb\xbf" + table.encode())
        self.assertEqual(ads["a"]["advertiser"], "Müller")
        self.assertNotIn("not UTF-8", report)
        done = run("import", "--encoding", "no-such", self.folder / "table.csv")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"no such encoding: no-such", done.stderr)

    def test_currency_and_language_are_of_the_table_or_of_the_options(self):
        plain = "id,advertiser,keywords,bid\na,acme,shoes,1\n"
        lines, report = self.convert(plain.encode())
        self.assertEqual(lines[0]["id"], "a")
        self.assertIn("no currency is named, so bids are in USD; --currency CODE sets another", report)
        self.assertIn("no language is named, so broad keywords are not stemmed", report)
        lines, report = self.convert(plain.encode(), "--currency", "EUR", "--language", "de")
        self.assertEqual(lines[0], {"type": "inventory", "currency": "EUR", "language": "de"})
        self.assertNotIn(" is named", report)
        lines, report = self.convert(b"id,advertiser,keywords,bid,currency,languages\na,acme,x,1,GBP,fr\nb,acme,y,2,EUR,de\n")
        self.assertEqual(lines[0], {"type": "inventory", "currency": "GBP", "language": "fr"})
        self.assertIn('another currency: "EUR"', report)
        self.assertIn('another language: "de"', report)
        for option, value in (("--currency", "euro"), ("--language", "klingon"), ("--bid", "much"), ("--ctr", "2")):
            done = run("import", option, value, self.folder / "table.csv")
            self.assertEqual(done.returncode, 2, option)
            self.assertIn(f"{option}: expected", done.stderr.decode())

    def test_a_report_of_the_web_has_lines_around_its_table(self):
        ads, report = self.ads('Search keyword report\n"November 1, 2026 - November 30, 2026"\n'
                               "Keyword status,Keyword,Match type,Campaign,Ad group,Status,Currency code,Max. CPC,Clicks\n"
                               "Enabled,[trail shoes],Exact match,Autumn,Trail,Eligible,EUR,1.20,12\n"
                               "Removed,old,Broad match,Autumn,Trail,Removed,EUR,1.20,12\n"
                               "Total: Account, --, --, --, --, --,EUR, --,17\n", "--advertiser", "shop")
        self.assertEqual(ads["Autumn/Trail"]["keywords"], [{"text": "trail shoes", "match": "exact", "bid": 1.2}])
        self.assertIn('1: before the line of column names, left out: "Search keyword report"\n', report)
        self.assertIn('6: a line of totals, left out: "Total: Account"\n', report)

    def test_what_typography_and_spreadsheets_made_of_keywords(self):
        ads, report = self.ads("id,advertiser,bid,keywords\n"
                               'a,acme,1,"“red shoes”; –cheap; +trail +boots; [a, b]; ""c; d"""\nb,acme,1,#NAME?\n')
        self.assertEqual([(k["text"], k["match"]) for k in ads["a"]["keywords"]],
                         [("red shoes", "phrase"), ("trail boots", "broad"), ("a, b", "exact"), ("c; d", "phrase")])
        self.assertEqual(ads["a"]["negative_keywords"], [{"text": "cheap", "match": "broad"}])
        self.assertIn('2: typographic dash or quotes: "–cheap"', report)
        self.assertIn('2: broad match modifier: "+trail +boots"', report)
        self.assertIn('3: keyword left out: "#NAME?", that is an error of a spreadsheet', report)

    def test_days_are_read_where_only_one_is_meant(self):
        days = {"2026-11-30": "2026-11-30", "2026/11/30": "2026-11-30", "20261130": "2026-11-30", "30.11.2026": "2026-11-30",
                "11/30/2026": "2026-11-30", "03.04.2026": "2026-04-03", "03/04/2026": None, "2026-02-30": None, "soon": None}
        rows = "".join(f"a{n},acme,shoes,1,{day}\n" for n, day in enumerate(days))
        ads, report = self.ads("id,advertiser,keywords,bid,start date\n" + rows)
        for n, (day, start) in enumerate(days.items()):
            with self.subTest(day=day):
                ad = ads[f"a{n}"]
                self.assertEqual(ad.get("start"), start and f"{start}T00:00:00Z")
                self.assertEqual(ad.get("status"), None if start else "paused")
        self.assertIn('date not understood: "03/04/2026", day or month first?', report)

    def test_a_table_of_a_marketplace(self):
        ads, report = self.ads("Advertiser,Campaign,Flight,Rate Type,Rate,Keywords,Click URL,End Date,Status,Geo,Size\n"
                               "Acme,Spring,A,CPM,2.50,shoes,https://acme.example/1,12/31/2026,Active,US,300x250\n"
                               "Acme,Spring,B,CPC,0.50,boots,https://acme.example/2,,Draft,US|CA,\n"
                               "Acme,Spring,C,CPA,5,hats,https://acme.example/3,,Active,,\n")
        self.assertEqual(ads["Spring/A"], {
            "id": "Spring/A", "campaign": "Spring", "bid": 2.5, "pricing": "cpm", "end": "2027-01-01T00:00:00Z", "sizes": ["300x250"],
            "targeting": {"country": ["US"]}, "keywords": [{"text": "shoes", "match": "broad"}], "url": "https://acme.example/1"})
        self.assertEqual((ads["Spring/B"]["status"], ads["Spring/B"]["targeting"]["country"]), ("paused", ["US", "CA"]))
        self.assertEqual(ads["Spring/C"]["status"], "paused")
        self.assertIn('4: pricing not understood: "CPA", expected cpc or cpm: the ad is paused\n', report)

    def test_what_the_editor_writes_beside_keywords_and_ads(self):
        ads, report = self.ads("Campaign\tID\tLocation\tAd Group\tMax CPC\tKeyword\tCriterion Type\tFinal URL\tAd type\tHeadline 1\tStatus\n"
                               "c\t2276\tGermany\t\t\t\t\t\t\t\tEnabled\nc\t\t\tg\t1\t\t\t\t\t\tEnabled\n"
                               "c\t\t\tg\t\tboots\tExact\thttps://x.example/boots\t\t\tEnabled\n"
                               "c\t\t\t\t\tjob\tCampaign Negative Broad\t\t\t\tRemoved\n"
                               "c\t\t\tg\t\t\t\thttps://x.example/\tResponsive search ad\t{KeyWord:Boots} here\tEnabled\n", "--advertiser", "a")
        self.assertEqual(list(ads), ["c/g"])
        self.assertEqual((ads["c/g"]["url"], ads["c/g"]["creative"]["title"]), ("https://x.example/", "Boots here"))
        for said in ('2: column not understood: "Location", it has no effect', '4: a keyword\'s own landing page is left out: "https://x.example/boots"',
                     '5: negative keyword left out, it is not active: "job"',
                     '6: nothing is inserted into texts: "{KeyWord:Boots} here", its default was taken'):
            self.assertIn(said + "\n", report)
        self.assertNotIn("nothing understood", report)

    def test_what_bids_in_another_currency_is_paused_or_left_out(self):
        table = "id,advertiser,keywords,bid,currency\na,acme,shoes,100,JPY\nb,acme,boots,5.00,USD\n"
        ads, report = self.ads(table, "--currency", "USD")
        self.assertEqual([ad.get("status") for ad in ads.values()], ["paused", None])
        self.assertIn('2: another currency: "JPY", the inventory\'s is USD', report)
        keywords = "id,advertiser,keyword,bid\na,acme,shoes,5.00\na,acme,boots,100 JPY\na,acme,hats,3.00\n"
        lines, report = self.convert(keywords.encode())
        self.assertEqual([(k["text"], k["bid"]) for k in lines[0]["keywords"]], [("shoes", 5), ("hats", 3)])
        self.assertIn('another currency: "100 JPY", the inventory\'s is USD', report)
        self.assertIn('keyword left out: "boots", what it bids is not certain', report)
        self.assertEqual(self.bids("¥100", "$1", "1 kr", "£1", currency="EUR")[0], [None] * 4)
        self.assertEqual(self.bids("¥100", currency="CNY")[0], [100])
        self.assertEqual(self.bids("$100", currency="CAD")[0], [100])

    def test_most_amounts_say_which_currency_an_inventory_has(self):
        lines, report = self.convert("id,advertiser,keywords,bid\na,x,s,1 €\nb,x,s,2 €\nc,x,s,3\n".encode())
        self.assertEqual((lines[0], [line["bid"] for line in lines[1:]]), ({"type": "inventory", "currency": "EUR"}, [1, 2, 3]))
        self.assertIn("amounts that name no currency are read as EUR, like the others\n", report)

    def test_a_currency_cell_is_understood_or_reported(self):
        for cell, code in (("Euro", "EUR"), ("€", "EUR"), ("eur", "EUR"), ("pounds", "GBP")):
            with self.subTest(cell=cell):
                lines, report = self.convert(f"id,advertiser,keywords,bid,currency\na,acme,x,1,{cell}\n".encode())
                self.assertEqual(lines[0], {"type": "inventory", "currency": code})
                self.assertNotIn("status", lines[1])
                self.assertEqual(run("check", self.folder / "inventory.jsonl").returncode, 0)
        ads, report = self.ads("id,advertiser,keywords,bid,currency\na,acme,x,1,Taler\n")
        self.assertEqual(ads["a"]["status"], "paused")
        self.assertIn('2: currency not understood: "Taler", expected a code like EUR', report)
        self.assertEqual(run("import", "--currency", "XXX", self.folder / "table.csv").returncode, 2)

    def test_a_keyword_whose_own_bid_is_unreadable_is_left_out(self):
        ads, report = self.ads("Campaign,Ad Group,Keyword,Criterion Type,Max CPC,Final URL,Headline 1\n"
                               "c,g,,,0.80,,\nc,g,,,,https://x.example/,One\nc,g,shoes,Broad,1 2,,\nc,g,free,Negative Broad,1 2,,\nc,g,boots,Broad,,,\n",
                               "--advertiser", "acme")
        self.assertEqual([k["text"] for k in ads["c/g"]["keywords"]], ["boots"])
        self.assertEqual([k["text"] for k in ads["c/g"]["negative_keywords"]], ["free"])
        self.assertIn('4: keyword left out: "shoes", what it bids is not certain\n', report)

    def test_a_group_whose_bid_is_unreadable_takes_no_other(self):
        ads, _ = self.ads("id,advertiser,keywords,bid,cpm\na,acme,shoes,1 2,\nb,acme,shoes,1 2,3\nc,acme,shoes,1,3\n", "--bid", "0.10")
        self.assertEqual([ad.get("status") for ad in ads.values()], ["paused"] * 3)

    def test_columns_of_one_meaning_that_differ_fail_closed(self):
        ads, report = self.ads("id,advertiser,keyword,keyword status,ad status,bid,max cpc\n"
                               "a,acme,shoes,Enabled,Paused,1,1\na,acme,boots,Enabled,Eligible,1,9\na,acme,hats,Enabled,Enabled,1.00,1\n")
        self.assertEqual([k["text"] for k in ads["a"]["keywords"]], ["hats"])
        self.assertIn('2: two columns of one meaning differ: "Paused", the strictest counts\n', report)
        self.assertIn('3: two columns of one meaning differ: "9", none of them counts', report)
        ads, _ = self.ads("id,advertiser,keywords,bid,country,geo,start,start date,negatives,excluded keywords\n"
                          "a,acme,s,1,US,CA,,,,\nb,acme,s,1,US,,2026-01-01,2027-01-01,,\nc,acme,s,1,,,,,kids,free\n")
        self.assertEqual([ad.get("status") for ad in ads.values()], ["paused", "paused", None])
        self.assertEqual([k["text"] for k in ads["c"]["negative_keywords"]], ["kids", "free"])

    def test_an_id_is_all_that_is_served(self):
        columns = {"cpm": ("1", "9"), "description": ("One", "Two"), "headline 2": ("One", "Two"), "path 1": ("a", "b"), "advertiser": ("x", "y"),
                   "max cpc": ("1", "2"), "size": ("300x250", "728x90")}
        for column, (one, two) in columns.items():
            with self.subTest(column=column):
                ads, report = self.ads(f"id,keywords,title,{column}\na,shoes,T,{one}\na,boots,T,{two}\n", "--bid", "1", "--advertiser", "z")
                self.assertEqual([[k["text"] for k in ad["keywords"]] for ad in ads.values()], [["shoes"], ["boots"]])
                self.assertIn(f': the same id, but another: "', report)
        ads, _ = self.ads("id,keywords,cpm\na,shoes,1\na,boots,9\n", "--advertiser", "z")
        self.assertEqual([(ad["bid"], ad["pricing"]) for ad in ads.values()], [(1, "cpm"), (9, "cpm")])

    def test_empty_cells_repeat_what_the_line_before_said(self):
        ads, _ = self.ads("id,advertiser,keywords,bid,url,title,country\na,acme,shoes,1,https://x.example/,T,US\na,,boots,,,,CA\n")
        self.assertEqual([(ad["bid"], ad["url"], ad["creative"]["title"], ad["targeting"]["country"]) for ad in ads.values()],
                         [(1, "https://x.example/", "T", ["US"]), (1, "https://x.example/", "T", ["CA"])])

    def test_lines_of_one_ad_group_that_differ_pause_it(self):
        flights = "Campaign,Flight,Rate,Keywords,Geo,End Date,Advertiser,Status\nc,f,1,shoes,US,2026-12-31,x,Active\n"
        self.assertNotIn("status", self.ads(flights)[0]["c/f"])
        for line in ("c,f,9,boots,US,2026-12-31,x,Active", "c,f,1,boots,CA,2026-12-31,x,Active", "c,f,1,boots,US,2027-12-31,x,Active",
                     "c,f,1,boots,US,2026-12-31,x,Paused", "c,f,1 2,boots,US,2026-12-31,x,Active"):
            with self.subTest(line=line):
                self.assertEqual(self.ads(flights + line + "\n")[0]["c/f"].get("status"), "paused")
        lines, report = self.convert((flights + "c,g,1,boots,US,2026-12-31,y,Active\n").encode())
        self.assertEqual(lines[0]["status"], "paused")
        self.assertIn('account: "y", a line before says something else: paused\n', report)

    def test_a_pause_is_not_undone_by_a_later_line(self):
        ads, _ = self.ads("Campaign,Ad Group,Ad Group Status,Keyword,Max CPC,End Date\n"
                          "c,g,Enabled,,1,03/04/2026\nc,g,Enabled,shoes,,\nc,h,Paused,,1,\nc,h,Enabled,shoes,,\n", "--advertiser", "acme")
        self.assertEqual([ad.get("status") for ad in ads.values()], ["paused", "paused"])

    def test_ads_times_keywords_are_bounded(self):
        rows = "".join(f"c,g,,,https://x.example/{n},One {n}\nc,g,keyword {n},Broad,,\n" for n in range(4000))
        table = self.folder / "table.csv"
        table.write_text("Campaign,Ad Group,Keyword,Criterion Type,Final URL,Headline 1\n" + rows)
        done = run("import", "--advertiser", "acme", "-o", self.folder / "inventory.jsonl", table)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b'"g": 4000 ads with 4000 keywords each: the inventory would be too large', done.stderr)
        self.assertEqual(self.inventory.read_text(), lines_of(INVENTORY), "the last good one is not touched")
        lines, _ = self.convert(("id,advertiser,keywords,bid,description\n" + "".join(f"a,acme,k{n},1,D {n}\n" for n in range(8000))).encode())
        self.assertEqual((len(lines), sum(len(line["keywords"]) for line in lines)), (8000, 8000))

    def test_half_a_character_of_utf_16_is_one_damaged_character(self):
        table = "id\tadvertiser\tkeywords\tbid\na\tacme\tshoes\t1\nb\tacme\tX boots\t1\nc\tacme\thats\t1\n"
        for encoding, half in (("utf-16-le", b"\x00\xdc"), ("utf-16-be", b"\xdc\x00")):
            mark = "\ufeff".encode(encoding)
            ads, report = self.ads(mark + table.encode(encoding).replace("X".encode(encoding), half))
            self.assertEqual(list(ads), ["a", "b", "c"])
            self.assertEqual(ads["c"]["keywords"][0]["text"], "hats")
            self.assertIn("1 characters are not UTF-16", report)
            self.assertIn(", the first in line 3\n", report)
            self.assertIn('3: keyword left out: "\ufffd boots", some of its letters could not be decoded\n', report)

    def test_the_delimiter_is_the_one_that_makes_a_header(self):
        ads, _ = self.ads("id,advertiser,keywords,bid,url,title\na,acme,shoes;boots;hats;caps;ties;belts,1,https://x.example/,T\n")
        self.assertEqual(([k["text"] for k in ads["a"]["keywords"]], ads["a"]["bid"]), (["shoes", "boots", "hats", "caps", "ties", "belts"], 1))
        ads, _ = self.ads("Report\n\nid;advertiser;keywords;bid\na;acme;shoes,boots,hats,caps;1,5\n")
        self.assertEqual((len(ads["a"]["keywords"]), ads["a"]["bid"]), (4, 1.5))

    def test_quotes_that_enclose_nothing(self):
        table = 'id\tadvertiser\tkeywords\tbid\ttitle\na\tacme\tshoes\t1\t5" rims\nb\tacme\tboots\t1\t"Best" boots\n'
        ads, report = self.ads(table)
        self.assertEqual([ad["creative"]["title"] for ad in ads.values()], ['5" rims', '"Best" boots'])
        self.assertIn("quotes do not enclose cells here, and are read as they are\n", report)
        bad = self.folder / "bad.csv"
        bad.write_text(table.replace("\t", ","))
        done = run("import", bad)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f'{bad}: line 2: a quote in the midst of a cell, or one that is not closed; expected such a cell in quotes', done.stderr.decode())

    def test_errors_of_spreadsheets_are_not_served(self):
        ads, report = self.ads("id,advertiser,keywords,bid,title\na,acme,#REF!; shoes; -#N/A; #WERT!,1,T\nb,acme,boots,1,#N/A\n#REF!,acme,x,1,T\n")
        self.assertEqual(list(ads), ["a", "b"])
        self.assertEqual([k["text"] for k in ads["a"]["keywords"]], ["shoes"])
        self.assertNotIn("negative_keywords", ads["a"])
        self.assertEqual(ads["b"]["status"], "paused")
        self.assertIn('3: an error of a spreadsheet: "#N/A": the ad is paused\n', report)
        self.assertIn('4: line left out, its name is an error of a spreadsheet: "#REF!"\n', report)

    def test_a_name_may_begin_with_total(self):
        ads, _ = self.ads("id,advertiser,keywords,bid\ntotal: war game,acme,strategy,1\nSub total: b,acme,x,1\nTotal: all,,,2\n")
        self.assertEqual(list(ads), ["total: war game", "Sub total: b"])

    def test_times_are_read_as_they_are(self):
        ads, _ = self.ads("id,advertiser,keywords,bid,start,end\na,acme,x,1,2026-11-01T00:00:00Z,2026-12-01T12:00:00+02:00\n")
        self.assertEqual((ads["a"]["start"], ads["a"]["end"], ads["a"].get("status")), ("2026-11-01T00:00:00Z", "2026-12-01T10:00:00Z", None))

    def test_a_language_is_understood_or_reported(self):
        for cell, code in (("Deutsch", "de"), ("français", "fr"), ("german", "german")):
            lines, _ = self.convert(f"id,advertiser,keywords,bid,language\na,acme,x,1,{cell}\n".encode())
            self.assertEqual(lines[0], {"type": "inventory", "language": code})
            self.assertEqual(run("check", self.folder / "inventory.jsonl").returncode, 0)
        lines, report = self.convert(b"id,advertiser,keywords,bid,language\na,acme,x,1,Klingon\n")
        self.assertEqual(lines[0]["id"], "a")
        self.assertIn('2: language not understood: "Klingon", expected a code like en or de', report)

    def test_workbooks_are_refused_by_name(self):
        for content in (b"PK\x03\x04rest", b"\xd0\xcf\x11\xe0rest"):
            table = self.folder / "book.xlsx"
            table.write_bytes(content)
            done = run("import", table)
            self.assertEqual((done.returncode, done.stdout), (1, b""))
            self.assertIn(b"this is a workbook of a spreadsheet (xlsx, ods, xls); save it as CSV", done.stderr)

    def test_what_is_no_table_is_refused(self):
        cases = (
            (b"a,b\n1,2\n", 'expected a column "Keyword" in its first line'),
            (b"Kampagne,Status,Bid\n", "; found: Kampagne, Status, Bid"),
            (b"keyword\nshoes\n", 'it has no column "Account": expected --advertiser NAME'),
            (b'keyword\n"shoes\n', "line 2"),
            (b"", 'expected a column "Keyword" in its first line'),
        )
        for content, said in cases:
            with self.subTest(said=said):
                table = self.folder / "bad.csv"
                table.write_bytes(content)
                done = run("import", table)
                self.assertEqual((done.returncode, done.stdout), (1, b""))
                self.assertIn(said, done.stderr.decode())


if __name__ == "__main__":
    unittest.main()
