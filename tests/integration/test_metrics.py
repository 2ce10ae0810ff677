# SPDX-License-Identifier: Apache-2.0
"""What is counted, where it can be read, and that docs/METRICS.md says so."""

import contextlib
import json
import pathlib
import re
import socket
import time
import unittest

from harness import LOOP, PATIENCE, ROOT, ServerTest, SharedServerTest, ad, eventually, forks_late, put

ADS = [ad("shoes", "running shoes"), ad("paused", "running shoes", status="paused", bid=5), ad("anyone", "*", bid=0.1)]


def is_of_ledger(name):
    """What only an instance with a ledger has: test_events looks at it."""
    return re.sub(r"^admatch[._]", "", name).split("_")[0] in ("events", "ledger", "log", "ring")


def documented(loop=bool(LOOP), ledger=False):
    """{name: (type, unit, help)} of the tables in docs/METRICS.md, with those of the loop or without."""
    rows = re.findall(r"^\| `(admatch_\w+)` \| (\w+) \| (\w*) *\| ([^|]*) \|$", (ROOT / "docs" / "METRICS.md").read_text(), re.M)
    return {name: (kind, unit, text.strip()) for name, kind, unit, text in rows if (loop or not name.startswith("admatch_loop_")) and (ledger or not is_of_ledger(name))}


class CountersTest(SharedServerTest):
    RECORDS, OPTIONS = ADS, ("processes = 2", "threads = 2")
    ARGUMENTS = ("--log-format", "%(status) %(admatch.ad)|%(admatch.keyword)|%(admatch.generation)|%(admatch.ads)|%(admatch.words)|")

    def difference(self, ask, requests):
        """What so many requests add to the metrics. A request is counted after its answer has been sent."""
        before = self.server.metrics()
        ask()

        def counted():
            after = self.server.metrics()
            found = {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}
            others = sum(value for name, value in found.items() if name.startswith("admatch_requests_total") and "metrics" not in name)
            return found if others >= requests else None

        return eventually("the requests are counted", counted)

    def test_a_decision_is_counted_once_wherever_it_belongs(self):
        found = self.difference(lambda: self.server.decide(text="my running shoes", slots=[{"count": 4}]), 1)
        for name, value in {
            'admatch_requests_total{endpoint="decide",status="200"}': 1, "admatch_decisions_total": 1,
            "admatch_ads_placed_total": 2, "admatch_positions_unfilled_total": 2, "admatch_candidates_total": 3,
            'admatch_rejections_total{gate="paused"}': 1, "admatch_words_total": 3, "admatch_text_bytes_total": 16,
            "admatch_decide_seconds_count": 1, 'admatch_decide_seconds_bucket{le="+Inf"}': 1,
        }.items():
            self.assertEqual(found.get(name), value, name)
        self.assertGreater(found["admatch_body_bytes_total"], 16)

    def test_refused_requests_are_counted_by_endpoint_and_status(self):
        def ask():
            self.server.ask("GET", "/nowhere")
            self.server.ask("DELETE", "/healthz")
            self.server.ask("POST", "/v1/decide", "{", {"Content-Type": "application/json"})
            self.server.ask("POST", "/v1/decide", "{", {"Content-Type": "image/png"})

        found = self.difference(ask, 4)
        for endpoint, status in (("other", 404), ("healthz", 405), ("decide", 400), ("decide", 415)):
            self.assertEqual(found[f'admatch_requests_total{{endpoint="{endpoint}",status="{status}"}}'], 1)
        self.assertNotIn("admatch_decisions_total", found)

    def test_histograms_add_up(self):
        for _ in range(20):
            self.server.decide(query="shoes")
        samples = self.server.metrics()
        for name in ("decide", "request"):
            buckets = [value for key, value in samples.items() if key.startswith(f"admatch_{name}_seconds_bucket")]
            self.assertEqual(buckets, sorted(buckets))
            self.assertEqual(buckets[-1], samples[f"admatch_{name}_seconds_count"])
            self.assertGreater(samples[f"admatch_{name}_seconds_sum"], 0)
        requests = sum(value for key, value in samples.items() if key.startswith("admatch_requests_total"))
        self.assertEqual(samples["admatch_request_seconds_count"], requests)

    def test_cpu_time_of_requests_is_measured(self):
        connection = self.server.connect()
        self.addCleanup(connection.close)
        for _ in range(300):
            connection.ask("GET", "/healthz")
        samples = self.server.metrics()
        self.assertGreater(samples["admatch_cpu_seconds_total"], 0)
        self.assertTrue(0 < samples["admatch_cpu_seconds_per_1000_requests"] < 10)

    def test_every_metric_is_documented_as_it_is(self):
        text = self.server.ask("GET", "/metrics").body.decode()
        helps = dict(re.findall(r"^# HELP (\w+) (.*)$", text, re.M))
        types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.M))
        units = dict(re.findall(r"^# UNIT (\w+) (\w+)$", text, re.M))
        self.assertEqual(documented(), {name: (types[name], units.get(name, ""), helps[name]) for name in helps})

    def test_names_follow_the_conventions_of_prometheus(self):
        text = self.server.ask("GET", "/metrics").body.decode()
        for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", text, re.M):
            self.assertEqual(name.endswith("_total"), kind == "counter", name)
        for line in text.splitlines():
            if not line.startswith("#"):
                self.assertRegex(line, r'^admatch_\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? -?\d+(\.\d+)?$')

    def test_the_content_type_is_that_of_prometheus(self):
        self.assertEqual(self.server.ask("GET", "/metrics").headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")

    def test_uwsgi_shows_the_same_values(self):
        self.server.decide(query="running shoes")
        wanted = self.server.metrics()["admatch_decisions_total"]
        metrics = lambda: self.server.stats()["metrics"]
        eventually("the collector has run", lambda: metrics()["admatch.decisions_total"]["value"] == wanted)
        self.assertEqual(metrics()["admatch.ads"]["value"], len(ADS))
        self.assertGreater(metrics()["admatch.build_microseconds"]["value"], 0)
        named = set(re.findall(r"`(admatch\.\w+)`", (ROOT / "docs" / "METRICS.md").read_text()))
        named = {name for name in named if (LOOP or not name.startswith("admatch.loop_")) and not is_of_ledger(name)}
        self.assertEqual({name for name in metrics() if name.startswith("admatch.")}, named)

    def test_the_access_log_carries_the_decision(self):
        generation = self.server.decide(query="running shoes").generation
        eventually("it is logged", lambda: f"200 shoes|running shoes|{generation}|1|2|" in self.server.log())


class GaugesTest(ServerTest):
    def test_the_generation_is_described(self):
        server = self.serve([{"type": "campaign", "id": "c", "advertiser": "x", "negative_keywords": ["bad"]}, *ADS])
        samples = server.metrics()
        self.assertEqual([samples[f"admatch_{name}"] for name in ("publication", "ads", "campaigns", "keywords")], [1, 3, 1, 4])
        self.assertEqual(samples["admatch_image_bytes"], (server.state / server.images()[0]).stat().st_size)
        self.assertEqual((samples["admatch_builds_total"], samples["admatch_found_total"], samples["admatch_swaps_total"]), (1, 0, 0))
        eventually("it ages", lambda: server.metrics()["admatch_generation_age_seconds"] >= 1)
        eventually("it is checked", lambda: server.metrics()["admatch_last_check_timestamp_seconds"] > 0)

    @forks_late
    def test_no_core_lags_behind_for_want_of_requests_or_of_its_worker(self):
        server = self.serve(ADS, "processes = 3", "threads = 2", "cheaper = 1", "cheaper-algo = manual")
        for command in "++":
            server.command(command)
            time.sleep(1.1)
        eventually("all workers are there", lambda: len(server.workers()) == 3)
        for _ in range(60):
            server.decide(query="shoes")
        server.command("-")
        eventually("one is gone", lambda: len(server.workers()) == 2)
        put(self.inventory, ADS[:2])
        eventually("it is published", lambda: server.metrics()["admatch_publication"] == 2)
        eventually("no core lags", lambda: server.metrics()["admatch_lagging_cores"] == 0, 3)


PLUGINS = pathlib.Path("/usr/lib/uwsgi/plugins")


class PusherTest(ServerTest):
    """The numbers leave through uWSGI's own pushers."""

    WANTED = "admatch.ads"

    def plugin(self, name):
        path = PLUGINS / f"{name}_plugin.so"
        if not path.exists():
            self.skipTest(f"there is no {path}")
        return f"plugin = {path}"

    def listen(self):
        listener = socket.socket()
        self.addCleanup(listener.close)
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(20)
        return listener, listener.getsockname()[1]

    def test_carbon(self):
        listener, port = self.listen()
        listener.listen()
        self.serve(ADS, self.plugin("carbon"), f"carbon = 127.0.0.1:{port}", "carbon-freq = 1", "carbon-use-metrics = true")

        def received():
            connection = listener.accept()[0]
            with connection, connection.makefile() as lines:
                return [line for line in lines if f".{self.WANTED} " in line]

        self.assertEqual(eventually("the number of ads was sent", received)[0].split()[1], str(len(ADS)))


class AccessLogTest(SharedServerTest):
    RECORDS = [ad('a"b\\\u2028\u202e', '"running shoes"')]
    ARGUMENTS = ("--log-format", '%(status) ad=%(admatch.ad) keyword="%(admatch.keyword)" ads=%(admatch.ads) words=%(admatch.words)')

    def test_it_tells_the_decision_in_one_line_that_no_text_can_break(self):
        self.server.decide(query="my running shoes")
        eventually("it is logged", lambda: '200 ad=a\'b/?? keyword="running shoes" ads=1 words=3\n' in self.server.log())


def series_of(name):
    """What a scrape has for that metric."""
    return {f"{name}_bucket", f"{name}_sum", f"{name}_count"} if documented(True, True)[name][0] == "histogram" else {name}


class DashboardTest(unittest.TestCase):
    def setUp(self):
        self.board = json.loads((ROOT / "configs" / "grafana" / "admatch.json").read_text())
        self.expressions = [target["expr"] for panel in self.board["panels"] for target in panel["targets"]]
        self.series = set().union(*map(series_of, documented(True, True)))

    def named(self, text):
        return set(re.findall(r"\badmatch_\w+", text))

    def test_every_metric_that_it_names_exists(self):
        queries = [*self.expressions, *(note["expr"] for note in self.board["annotations"]["list"]),
                   *(variable["definition"] for variable in self.board["templating"]["list"] if variable["type"] == "query")]
        for query in queries:
            self.assertTrue(self.named(query), query)
            self.assertEqual(self.named(query) - self.series, set(), query)
            self.assertEqual([query.count(mark) for mark in "([{"], [query.count(mark) for mark in ")]}"], query)

    def test_every_metric_is_on_it(self):
        shown = set().union(*map(self.named, self.expressions))
        self.assertEqual({name for name in documented(True, True) if not shown & series_of(name)}, set())

    def test_its_panels_are_complete_and_do_not_overlap(self):
        cells = [(x, y) for panel in self.board["panels"] for place in [panel["gridPos"]]
                 for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])]
        self.assertEqual(len(cells), len(set(cells)))
        self.assertLessEqual(max(x for x, _ in cells), 23)
        self.assertEqual(len({panel["id"] for panel in self.board["panels"]}), len(self.board["panels"]))

    def test_alarms_name_metrics_that_exist(self):
        text = (ROOT / "docs" / "OPERATIONS.md").read_text()
        self.assertGreater(len(self.named(text)), 5)
        self.assertEqual({name for name in self.named(text) - self.series if not name.endswith("_plugin")}, set())

    def alarms(self):
        """Those of the table, as PromQL."""
        section = (ROOT / "docs" / "OPERATIONS.md").read_text().split("\n## Alarms\n")[1].split("\n## ")[0]
        return [expression.replace("\\|", "|") for expression in re.findall(r"^\| `(.*?)` \|", section, re.M)]

    def test_the_rules_are_the_alarms(self):
        text = (ROOT / "configs" / "prometheus" / "admatch.rules.yml").read_text()
        rules = [re.sub(r"^>-\s+|\s+", lambda found: "" if ">" in found[0] else " ", rule).strip()
                 for rule in re.findall(r"^        expr: (.*?)\n        (?=[a-z])", text, re.M | re.S)]
        self.assertEqual(rules, self.alarms())
        self.assertEqual(len(set(re.findall(r"- alert: (\w+)", text))), len(rules))


@unittest.skipUnless((PLUGINS / "stats_pusher_statsd_plugin.so").exists(), "uWSGI has no pusher to StatsD here")
class StatsdTest(SharedServerTest):
    """StatsD adds up what it gets as counters, and uWSGI pushes totals. With the options of docs/METRICS.md."""

    RECORDS = [ad("shoes", "shoes")]
    receiver = socket.socket(type=socket.SOCK_DGRAM)

    @classmethod
    def setUpClass(cls):
        cls.receiver.bind(("127.0.0.1", 0))
        cls.receiver.settimeout(PATIENCE)
        cls.addClassCleanup(cls.receiver.close)
        lines = re.search(r"^    plugins = stats_pusher_statsd\n((?:    .*\n)+)", (ROOT / "docs" / "METRICS.md").read_text(), re.M)[0]
        lines = lines.replace("127.0.0.1:8125", f"127.0.0.1:{cls.receiver.getsockname()[1]}").replace("freq = 10", "freq = 1")
        cls.OPTIONS = [line.strip() for line in lines.splitlines()]
        super().setUpClass()

    def received(self, value):
        return f"ads.admatch.ads_placed_total:{value}|g" in self.receiver.recv(65536).decode()

    def test_totals_are_gauges(self):
        for value in (1, 2):
            self.server.decide(query="shoes")
            eventually(f"a total of {value} arrives", lambda: self.received(value))


if __name__ == "__main__":
    unittest.main()
