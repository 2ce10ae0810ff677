# SPDX-License-Identifier: Apache-2.0
"""Servers with a ledger, for tests: what browsers fire, what the log and the counters say."""

import json
import os
import re
import shutil
import subprocess

from harness import BUILD, SHARED_MEMORY, ServerTest, ad

BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/133.0"}
URL = "http://ads.example"
LANDING = "https://shop.example/p?k={keyword}&m={match_type}&a={ad}&c={campaign}&p={placement}&i={id}&x={click_id}"
CREATIVE = {"html": "<a href='${CLICK_URL}'><img src='${IMPRESSION_URL}'></a> ${VIEW_URL} ${CACHEBUSTER} ${CLICK_URL_ENC}"}
RECORDS = [
    {"type": "campaign", "id": "c1", "advertiser": "acme"},
    {"type": "campaign", "id": "c2", "advertiser": "other"},
    {"id": "a1", "campaign": "c1", "bid": 1.25, "keywords": ["running shoes"], "url": LANDING, "creative": CREATIVE},
    {"id": "a2", "campaign": "c2", "bid": 0.5, "pricing": "cpc", "ctr": 0.01, "keywords": ["tea pot"], "url": "https://plain.example/x?y=1+2&z=%20"},
    ad("bare", "no page"),
]


def home_of(folder):
    """The ledger's folder on the tmpfs, once a server has made it."""
    status = os.stat(folder)
    home, = SHARED_MEMORY.glob(f"admatch-ledger-{status.st_uid}-{status.st_dev:x}-{status.st_ino:x}-*")
    return home


def remove_home(folder):
    """The same folder, where there is one."""
    status = os.stat(folder)
    for home in SHARED_MEMORY.glob(f"admatch-ledger-*-{status.st_dev:x}-{status.st_ino:x}-*"):
        shutil.rmtree(home, ignore_errors=True)


def path_of(url):
    assert url.startswith(URL + "/"), url
    return url[len(URL):]


class LedgerTest(ServerTest):
    """A server with a small ledger, which leaves nothing behind."""

    RATES = "admatch-click-rates = none"

    def setUp(self):
        super().setUp()
        self.ledger = self.folder / "ledger"
        self.ledger.mkdir(0o700)
        self.addCleanup(remove_home, self.ledger)

    @property
    def home(self):
        return home_of(self.ledger)

    def count(self, *options, records=RECORDS, **more):
        defaults = [f"admatch-ledger = {self.ledger}", f"admatch-public-url = {URL}", "admatch-cells = 1024", "admatch-ring = 1048576", self.RATES, "disable-logging = true"]
        given = {option.split("=")[0].strip() for option in options}
        return self.serve(records, *(line for line in defaults if line.split("=")[0].strip() not in given), *options, **more)

    def place(self, server, query="running shoes", **more):
        """One ad placed; as its answer has it."""
        answer = server.decide(query=query, **more)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json["slots"][0]["ads"][0]

    def fire(self, server, url, method="GET", headers=BROWSER):
        return server.ask(method, path_of(url), b"" if method == "POST" else None, headers)

    def lines(self, *kinds):
        """The log's lines of these kinds, in order of time; those of decisions come within a tenth of a second."""
        done = subprocess.run([BUILD / "admatch", "log", self.ledger], capture_output=True, text=True, check=True)
        return [line for line in map(json.loads, done.stdout.splitlines()) if not kinds or line["e"] in kinds]

    def recount(self, *arguments, status=0):
        done = subprocess.run([BUILD / "admatch", "recount", self.ledger, *arguments], capture_output=True, text=True)
        self.assertEqual(done.returncode, status, done.stdout[-2000:] + done.stderr[-2000:])
        return json.loads(done.stdout)

    def agrees(self):
        """Whether the log's sums are the live counters."""
        return subprocess.run([BUILD / "admatch", "recount", "--check", self.ledger], capture_output=True).returncode == 0

    def counters(self):
        """What recount says of each campaign, once the live counters agree: (spend, impressions, clicks)."""
        cells = self.recount("--check")["cells"]
        return {cell["id"]: (cell["spend"], cell["impressions"], cell["clicks"]) for cell in cells if cell["kind"] == "campaign"}

    def outcomes(self, server, event):
        found = {}
        for name, value in server.metrics().items():
            if match := re.fullmatch(r'admatch_events_total\{event="(\w+)",outcome="(\w+)"\}', name):
                if match[1] == event and value:
                    found[match[2]] = int(value)
        return found
