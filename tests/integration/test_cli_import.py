# SPDX-License-Identifier: Apache-2.0
"""`admatch import`: tables of Google Ads Editor, and plain ones, to inventories that are checked and served."""

import csv
import io
import json
import unittest

from command import CommandTest, run

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
            {"Campaign": "Spring sale", "Ad Group": "Trail Shoes", "Keyword": "a", "Criterion Type": "Fuzzy", "Max CPC": "much"},
            {"Campaign": "Spring sale", "Ad Schedule": "(Monday[09:00-17:00])", "Comment": "call them", "Campaign Status": "Odd"},
            {"Campaign": "Spring sale", "Keyword": "b", "Criterion Type": "Broad"},
            {"Comment": "only this"}]
        _, report = self.convert(as_text(rows, ",").encode(), "--advertiser", "shop")
        table = self.folder / "table.csv"
        for line, said in ((2, 'column not understood: "Budget", it has no effect'),
                           (5, 'match type not understood, broad was taken: "Fuzzy"'),
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

    def test_amounts_are_read_as_people_write_them(self):
        amounts = {"1.20": 1.2, "1,20": 1.2, "$1.20": 1.2, "0,80 €": 0.8, "€ 0,80": 0.8, "1,234.50": 1234.5, "1.234,50": 1234.5,
                   "1'234.50": 1234.5, "1\u202f234,50": 1234.5, "USD 3": 3, "3 EUR": 3, "1,000,000": 1000000, "1,234,567": None,
                   ".50": 0.5, "0.125": 0.125, "2,5 zł": 2.5, "1.2345678": None, "1,234": None, "1.2.3,4.5": None, "12 apples": None, "-1": None}
        rows = "".join(f'"a{n}"\tacme\tshoes\t"{text}"\n' for n, text in enumerate(amounts))
        ads, report = self.ads("id\tadvertiser\tkeywords\tbid\n" + rows)
        for n, (text, bid) in enumerate(amounts.items()):
            with self.subTest(amount=text):
                ad = ads[f"a{n}"]
                self.assertEqual((ad["bid"], ad.get("status")), (bid or 0, None if bid else "paused"))
                self.assertEqual(f'bid not understood: "{text}"' in report, not bid)
        self.assertIn('bid not understood: "1,234", thousands or decimals? Expected 1234 or 1.234\n', report)

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
        self.assertIn('3: keyword left out: "#NAME?", a spreadsheet took it for a formula', report)

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
