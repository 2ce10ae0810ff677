# SPDX-License-Identifier: Apache-2.0
"""The ladder: the same inventory and the same requests served by PHP that unserialises the tree at every
request, by Python with nested dicts in prefork uWSGI, by Java with one shared tree, and by admatch."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request

from common import HERE, ROOT, bar, count, median, run
from measure_server import free_port, wrk

PARTS = HERE / "ladder"
UWSGI = ["uwsgi-core", "--master", "--die-on-term", "--disable-logging", "--buffer-size", "65535", "--listen", "128"]


PYTHON = "Python, dicts, prefork uWSGI"
CONSTANT = "five constant bytes"  # an empty plugin, with uWSGI's metrics on as admatch has them: as fast, and as small, as can be


class Way:
    """A server of one way, with all processes that it consists of. `keeps`: it keeps connections."""

    def __init__(self, context, name, workers, keeps=False):
        self.port = free_port()
        folder = context.work / "ladder"
        environment = dict(os.environ, LADDER=str(folder), PHP_CLI_SERVER_WORKERS=str(workers))
        http = ["--http11-socket" if keeps else "--http-socket", f"127.0.0.1:{self.port}", "--processes", str(workers)]
        commands = {
            "PHP, unserialise": ["php", "-d", "memory_limit=-1", "-S", f"127.0.0.1:{self.port}", PARTS / "ladder.php"],
            PYTHON: [*UWSGI, *http, "--plugin", "python3", "--wsgi-file", PARTS / "ladder.py", "--need-app"],
            "Java, shared tree": ["java", "-Xmx6g", "-Dsun.net.httpserver.nodelay=true", "-cp", context.work, "Ladder", self.port, workers],
            "admatch": [*UWSGI, *http, "--plugins-dir", context.build, "--need-plugin", "admatch", "--admatch-inventory", folder / "ads.jsonl",
                        "--admatch-state-dir", context.work / "state"],
            CONSTANT: [*UWSGI, *http, "--enable-metrics", "--plugins-dir", context.work, "--need-plugin", "constant"],
        }
        self.name = name
        self.path = "/v1/decide?count=3&unique=ad&text=" if name == "admatch" else "/?text="
        self.process = subprocess.Popen([str(part) for part in commands[name]], env=environment, cwd=ROOT, start_new_session=True,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(900):
            try:
                self.answer("x")
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit(f"{name} did not start")

    def url(self, text):
        return f"http://127.0.0.1:{self.port}{self.path}{urllib.parse.quote_plus(text)}"

    def answer(self, text):
        with urllib.request.urlopen(self.url(text), timeout=30) as response:
            return response.read()

    def ads(self, text):
        answer = json.loads(self.answer(text))
        return answer["ads"] if "ads" in answer else [placed["ad"] for placed in answer["slots"][0]["ads"]]

    def rate(self, text, concurrency, seconds):
        done = run("ab", "-q", "-t", seconds, "-n", 10_000_000, "-c", concurrency, self.url(text), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        failed = re.search(r"Non-2xx responses:\s+(\d+)", done.stdout)
        if failed:
            raise SystemExit(f"{self.name}: {failed[0]}")
        return float(re.search(r"Requests per second:\s+([\d.]+)", done.stdout)[1])

    def rate_kept(self, context, text, connections, seconds):
        requests = context.work / "ladder" / "request.txt"
        requests.write_text(self.url(text).partition(str(self.port))[2] + "\n")
        result = wrk(self.port, requests, None, connections, seconds)
        if result["errors"]:
            raise SystemExit(f"{self.name}: {result['errors']} errors")
        return result["rate"]

    def requests(self, text, number):
        run("ab", "-q", "-n", number, "-c", 8, self.url(text), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def megabytes(self):
        """Proportional share of all processes of the session."""
        total = 0
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if os.getsid(int(process.name)) == self.process.pid:
                    total += int(re.search(r"^Pss:\s+(\d+)", (process / "smaps_rollup").read_text(), re.M)[1])
            except (OSError, TypeError):
                continue
        return total / 1024

    def stop(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def prepare(context, size):
    folder = context.work / "ladder"
    folder.mkdir(exist_ok=True)
    inventory = context.inventory(context.plain("phrases", size), "phrase")
    shutil.copy(inventory, folder / "ads.jsonl")
    run(sys.executable, PARTS / "make_tree.py", inventory, folder)
    if shutil.which("php"):
        run("php", "-d", "memory_limit=-1", PARTS / "ladder.php", env=dict(os.environ, LADDER=str(folder)))
    if shutil.which("javac"):
        run("javac", "-d", context.work, PARTS / "Ladder.java")


def ways_here(notes):
    wanted = {"PHP, unserialise": "php", PYTHON: "uwsgi-core", "Java, shared tree": "java", "admatch": "uwsgi-core"}
    for name, program in wanted.items():
        if shutil.which(program) and shutil.which("ab"):
            yield name
        else:
            notes.append(f"left out: {name}: {program} or ab is not installed")


def check_same(ways, texts):
    """All give the same ads, but for the order of equal bids, which admatch lets take turns."""
    for text in texts:
        answers = {way.name: set(way.ads(text)) for way in ways}
        sizes = {len(answer) for answer in answers.values()}
        if len(sizes) > 1:
            raise SystemExit(f"different answers: {answers}")
    return sum(len({frozenset(way.ads(text)) for way in ways}) == 1 for text in texts)


KEPT = "requests/s, 2 kept connections"


def measure_kept(context, rows, text, seconds):
    """ab opens a connection for each request, which takes longer than an answer does. PHP's own server keeps none."""
    for row in rows:
        row[KEPT] = ""
    rows = [row for row in rows if not row["way"].startswith("PHP")]
    ways = [Way(context, row["way"], 2, keeps=True) for row in rows]
    rates = [[] for _ in rows]
    for _ in range(1 if context.quick else 3):
        for way, kept in zip(ways, rates):
            kept.append(way.rate_kept(context, text, 2, seconds))
    for way, row, kept in zip(ways, rows, rates):
        row[KEPT] = round(median(kept), 1)
        way.stop()


def memory_rows(context, names, text):
    rows = []
    for name in [*names, CONSTANT]:
        for workers in (1, 8) if context.quick else (1, 2, 4, 8):
            way = Way(context, name, workers)
            loaded = way.megabytes()
            way.requests(text, 20 if name.startswith("PHP") else 1000 * workers)
            rows.append({"way": name, "workers": workers, "MiB loaded": round(loaded), "MiB after requests": round(way.megabytes(), 1)})
            way.stop()
    return rows


def pss(rows, name, workers):
    return next(row["MiB after requests"] for row in rows if row["way"] == name and row["workers"] == workers)


def bars_of(rows, memory):
    rate = {row["way"]: row["requests/s, 10 at a time"] for row in rows}
    kept = {row["way"]: row[KEPT] for row in rows if row.get(KEPT)}
    ours = rate["admatch"]
    bars = []
    for name, limit in (("PHP, unserialise", 100), (PYTHON, 10), ("Java, shared tree", 1)):
        if name in rate:
            bars.append(bar(f"requests/s, times {name} ({limit} or more)", ours / rate[name], limit))
    if PYTHON in kept:
        bars.append(bar("the same over kept connections, times Python (10 or more)", kept["admatch"] / kept[PYTHON], 10))
    empty = pss(memory, CONSTANT, 8) - pss(memory, CONSTANT, 1)
    if "Java, shared tree" in rate:
        bars.append(bar("memory with 8 workers, share of Java's, % (at most 10)",
                        100 * pss(memory, "admatch", 8) / pss(memory, "Java, shared tree", 8), 10, "lower"))
    bars.append(bar("memory of 8 workers over 1, the empty workers' own apart (at most 1.05)",
                    (pss(memory, "admatch", 8) - empty) / pss(memory, "admatch", 1), 1.05, "lower"))
    return bars


def measure(context):
    from measure_server import build_constant

    build_constant(context)
    size = context.sizes[-2]
    prepare(context, size)
    notes = [f"{count(size)} phrases, one ad each; a page of about 700 words; 2 workers. One connection a request, by ab; kept connections, by wrk, where it is there."]
    names = list(ways_here(notes))
    texts = context.plain("pages").read_text().splitlines()[:20]
    ways = [Way(context, name, 2) for name in [*names, CONSTANT]]
    same = check_same(ways[:-1], texts)
    notes.append(f"All find as many ads for {len(texts)} pages, and for {same} of them the very same; elsewhere bids are equal, and admatch lets equal ads take turns.")
    rows, seconds = [], 1 if context.quick else 3
    for way in ways:
        rows.append({"way": way.name})
    for concurrency in (1, 10):
        for _ in range(1 if context.quick else 3):
            for way, row in zip(ways, rows):
                row.setdefault(concurrency, []).append(way.rate(texts[0], concurrency, seconds))
    for way, row in zip(ways, rows):
        row["requests/s, one at a time"] = round(median(row.pop(1)), 1)
        row["requests/s, 10 at a time"] = round(median(row.pop(10)), 1)
        way.stop()
    if shutil.which("wrk"):
        measure_kept(context, rows, texts[0], seconds)
    memory = memory_rows(context, names, texts[0])
    return {
        "title": "The ladder",
        "rows": rows,
        "more": [{"title": "Memory of all processes together (PSS)", "rows": memory}],
        "notes": notes,
        "bars": [] if context.quick else bars_of(rows, memory),
        "plots": [{"name": "ladder", "title": "Pages of 700 words, 10 at a time", "unit": "requests/s",
                   "bars": [(row["way"], row["requests/s, 10 at a time"]) for row in rows]}],
    }
