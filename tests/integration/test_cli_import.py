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
        found = {line["id"]: line for line in lines}
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
                           (6, 'status not understood: "Odd"'),
                           (6, 'column not understood: "Ad Schedule", it has no effect'),
                           (7, 'keyword without an ad group: "b"'),
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

    def test_what_is_no_table_is_refused(self):
        cases = (
            (b"a,b\n1,2\n", 'expected a column "Keyword" in its first line'),
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
