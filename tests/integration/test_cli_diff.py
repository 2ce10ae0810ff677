# SPDX-License-Identifier: Apache-2.0
"""`admatch diff`: what has changed between two inventories, and which answers; `admatch completion`."""

import subprocess

from command import ADMATCH, COMMANDS, INVENTORY, CommandTest, lines_of, run


def changed(**changes):
    """The inventory with members of some records changed; None takes a record out."""
    for record in INVENTORY:
        change = changes.get(record.get("id"), {})
        if change is not None:
            yield {**record, **change}


class DiffTest(CommandTest):
    def diff(self, records, *options):
        new = self.write("new.jsonl", lines_of(records))
        return self.run_fine("diff", *options, self.inventory, new).stdout.decode()

    def test_nothing_has_changed(self):
        same = "advertisers: 0 added, 0 removed, 0 changed\ncampaigns: 0 added, 0 removed, 0 changed\nads: 0 added, 0 removed, 0 changed\nkeywords: 0 added, 0 removed, 0 changed\n"
        self.assertEqual(self.diff(reversed(INVENTORY)), same)

    def test_every_member_of_an_ad_is_compared(self):
        for change, said in (
            ({"bid": 1.5}, "bid 1.25 -> 1.5"),
            ({"pricing": "cpc", "ctr": 0.02}, 'pricing "cpm" -> "cpc", ctr 0 -> 0.02'),
            ({"quality": 2}, "quality 1 -> 2"),
            ({"sizes": ["300x250"]}, "sizes"),
            ({"status": "paused"}, 'status "active" -> "paused"'),
            ({"start": "2026-01-01T00:00:00Z"}, "start none -> 2026-01-01T00:00:00Z"),
            ({"end": "2027-01-01T00:00:00Z"}, "end none -> 2027-01-01T00:00:00Z"),
            ({"priority": -1}, "priority 0 -> -1"),
            ({"targeting": {"hours": ["mon 09:00-10:00"]}}, "targeting"),
            ({"timezone": "Europe/Paris"}, 'timezone "" -> "Europe/Paris"'),
            ({"labels": ["a"]}, "labels"),
            ({"exclude_labels": ["a"]}, "exclude_labels"),
            ({"categories": ["IAB1"]}, "categories"),
            ({"domain": "acme.example"}, 'domain "" -> "acme.example"'),
            ({"budget": {"clicks": {"daily": 5}}}, "budget"),
            ({"budget": {"daily": 5}, "pacing": "asap"}, 'budget, pacing "even" -> "asap"'),
            ({"frequency_caps": [{"max_impressions": 1, "period": "1d"}], "without_user": "skip"}, "frequency_caps, without_user"),
            ({"url": "https://a.example/"}, 'url "" -> "https://a.example/"'),
            ({"creative": {"a": 1}}, "creative"),
            ({"keywords": ["running shoes"]}, '- keyword "trail shoes"'),
            ({"keywords": [{"text": "running shoes", "bid": 2}, '"trail shoes"']}, "~ keyword running shoes bid the ad's -> 2"),
            ({"negative_keywords": ["[used]"]}, "+ keyword -[used]"),
        ):
            with self.subTest(change=change):
                self.assertEqual(self.diff(changed(shoes=change)).splitlines()[0], f"~ ad shoes: {said}")

    def test_every_setting_of_the_inventory_is_compared(self):
        for settings, said in (
            ({"currency": "EUR"}, 'currency "USD" -> "EUR"'),
            ({"language": "de"}, 'language "en" -> "de"'),
            ({"fold_accents": False}, 'fold_accents "true" -> "false"'),
            ({"stem": False}, 'stem "true" -> "false"'),
            ({"spelling": True}, 'spelling "false" -> "true"'),
            ({"broad_window": 8}, "broad_window 16 -> 8"),
            ({"match_weight": {"exact": 2, "broad": 0.5}}, "match_weight.exact 1 -> 2, match_weight.broad 1 -> 0.5"),
            ({"timezone": "Europe/Paris"}, 'timezone "" -> "Europe/Paris"'),
            ({"unique": "ad", "pacing_curve": "flat"}, 'unique "advertiser" -> "ad", pacing_curve'),
        ):
            with self.subTest(settings=settings):
                first = {"type": "inventory", "language": "en"}
                records = [record for record in INVENTORY if record.get("type") != "inventory"]
                old = self.write("old.jsonl", lines_of([first, *records]))
                new = self.write("new.jsonl", lines_of([{**first, **settings}, *records]))
                printed = self.run_fine("diff", old, new).stdout.decode().splitlines()
                self.assertEqual(printed[0], f"~ inventory: {said}")
                self.assertEqual(printed[3], "ads: 0 added, 0 removed, 0 changed")

    def test_a_keyword_with_another_bid_is_counted_as_changed(self):
        old = self.write("old.jsonl", lines_of(changed(shoes={"keywords": [{"text": "running shoes", "bid": 1.25}, "boots", {"text": "hats", "bid": 1}]})))
        new = self.write("new.jsonl", lines_of(changed(shoes={"keywords": [{"text": "running shoes", "bid": 2}, "boots", "hats"]})))
        said = self.run_fine("diff", old, new).stdout.decode()
        self.assertIn("~ ad shoes: ~ keyword hats bid 1 -> the ad's, ~ keyword running shoes bid 1.25 -> 2\n", said)
        self.assertIn("keywords: 0 added, 0 removed, 2 changed\n", said)

    def test_targeting_is_compared_to_the_last_value(self):
        for tree in ({"country": ["US"], "kv": {"sport": ["golf"]}}, {"country": ["CA"], "kv": {"sport": ["running"]}},
                     {"country": ["US"], "kv": {"spart": ["running"]}}, {"not": {"country": ["US"]}}, {"country": ["US"], "hour": [3]}):
            with self.subTest(tree=tree):
                self.assertIn("~ ad us: targeting\n", self.diff(changed(us={"targeting": tree})))

    def test_records_come_and_go(self):
        records = [*changed(exact=None), {"type": "campaign", "id": "c2", "advertiser": "x"}, {"id": "new", "campaign": "c2", "bid": 1, "keywords": ["a", "-b"]}]
        said = self.diff([*records[:1], {**records[1], "negative_keywords": []}, *records[2:]])
        self.assertEqual(said, "~ campaign c1: - keyword -free\n+ campaign c2\n- ad exact\n+ ad new\n"
                               "advertisers: 0 added, 0 removed, 0 changed\ncampaigns: 1 added, 0 removed, 1 changed\nads: 1 added, 1 removed, 0 changed\nkeywords: 2 added, 2 removed, 0 changed\n")

    def test_records_of_advertisers_are_compared(self):
        acme = {"type": "advertiser", "id": "acme", "budget": {"daily": 5}, "pacing_curve": "flat"}
        flat, given = self.write("flat.jsonl", lines_of([*INVENTORY, acme])), self.write("given.jsonl", lines_of([*INVENTORY, {**acme, "pacing_curve": [1] * 168}]))
        other = self.write("other.jsonl", lines_of([*INVENTORY, {**acme, "pacing_curve": [1] * 167 + [2]}]))
        self.assertIn("+ advertiser acme\nadvertisers: 1 added, 0 removed, 0 changed\n", self.run_fine("diff", self.inventory, flat).stdout.decode())
        self.assertIn("- advertiser acme\n", self.run_fine("diff", flat, self.inventory).stdout.decode())
        for before, after in ((flat, given), (given, other)):
            self.assertIn("~ advertiser acme: pacing_curve\n", self.run_fine("diff", before, after).stdout.decode())
        self.assertIn("advertisers: 0 added, 0 removed, 0 changed\n", self.run_fine("diff", given, given).stdout.decode())

    def test_answers_that_change(self):
        requests = self.write("requests.jsonl", '{"query":"running shoes"}\n{"query":"other"}\n{"query":"trail shoes","count":2}\n')
        said = self.diff(changed(shoes={"keywords": ['"trail shoes"']}), "--requests", requests)
        self.assertEqual(said.splitlines()[-2:], ["request 1: [shoes] -> [anyone]", "answers: 1 of 3 changed"])

    def test_a_request_that_is_none_is_no_unchanged_answer(self):
        requests = self.write("requests.jsonl", '{"query":"running shoes"}\nno json\n')
        done = run("diff", "--requests", requests, self.inventory, self.inventory)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"answers: 0 of 1 changed\n", done.stdout)
        self.assertIn(b'admatch: request 2: {"error":{"status":400', done.stderr)
        self.assertIn(b"admatch: 1 of 2 requests were refused by both inventories", done.stderr)

    def test_a_bad_inventory_is_refused(self):
        done = run("diff", self.inventory, self.write("bad.jsonl", "{"))
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertEqual(run("diff", self.inventory).returncode, 2)


class CompletionTest(CommandTest):
    def complete(self, *words):
        script = 'eval "$("$0" completion bash)"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _admatch; printf "%s\\n" "${COMPREPLY[@]}"'
        done = subprocess.run(["bash", "-c", script, ADMATCH, *words], cwd=self.folder, capture_output=True, check=True, timeout=60)
        return done.stdout.decode().split()

    def test_bash_completes_commands_options_and_files(self):
        self.assertEqual(self.complete("admatch", ""), [*COMMANDS, "--help", "--version"])
        self.assertEqual(self.complete("admatch", "match", "--sp"), ["--spelling"])
        self.assertEqual(self.complete("admatch", "check", "inv"), ["inventory.jsonl"])
        self.assertEqual(self.complete("admatch", "match", "--request", "inv"), ["inventory.jsonl"])
        self.assertEqual(self.complete("admatch", "match", "--query", "inv"), [])
        self.assertEqual(self.complete("admatch", "recount", "--tmpfs", "inv"), ["inventory.jsonl"])
        for command, option in (("diff", "--requests"), ("simulate", "--requests"), ("control", "--ledger"), ("build", "--output")):
            self.assertEqual(self.complete("admatch", command, option, "inv"), ["inventory.jsonl"])
        self.assertEqual(self.complete("admatch", "import", "--language", "inv"), [])

    def test_every_option_is_completed(self):
        for command in COMMANDS:
            named = {word.rstrip(":.;") for word in self.run_fine(command, "--help").stdout.decode().replace(",", " ").split() if word.startswith("--") and len(word) > 2}
            missing = named - set(self.complete("admatch", command, "--")) - {"--help"}
            self.assertEqual(missing, set(), command)
        for shell in ("bash", "zsh"):
            script = self.run_fine("completion", shell).stdout.decode()
            self.assertTrue(all(command in script for command in COMMANDS))
        self.assertEqual(run("completion", "fish").returncode, 2)
