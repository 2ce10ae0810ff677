# SPDX-License-Identifier: Apache-2.0
"""Through a real uWSGI: requests a second and latencies, beside a plugin that reads the same request and
answers five constant bytes on the same kind of socket."""

import atexit
import contextlib
import http.client
import json
import pathlib
import re
import shutil
import socket
import subprocess
import time
import urllib.parse

from common import HERE, ROOT, bar, count, median, run, spread

PARTS = HERE / "server"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def build_constant(context):
    flags = subprocess.run(["uwsgi-core", "--cflags"], capture_output=True, text=True).stdout.split()
    wanted = [flag for flag in flags if re.match("-D|-I/", flag)]
    run("gcc", "-O2", "-shared", "-fPIC", "-w", "-D_GNU_SOURCE", *wanted, "-isystem", context.build, "-o",
        context.work / "constant_plugin.so", PARTS / "constant_plugin.c")


def wrk(port, requests, content, connections, seconds):
    """The requests of a file over kept connections: their rate, latencies and errors (requests.lua)."""
    done = run("wrk", "-t", "1", "-c", connections, "-d", f"{seconds}s", "-s", PARTS / "requests.lua", f"http://127.0.0.1:{port}",
               "--", requests, *([content] if content else []), stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


class Server:
    """A uWSGI with the plugin of that name in `folder`, which answers when this returns. `before`: a command that starts it."""

    def __init__(self, folder, plugin, processes, threads, *options, before=()):
        self.port = free_port()
        self.process = subprocess.Popen(
            [*before, "uwsgi-core", "--plugins-dir", folder, "--need-plugin", plugin, "--http11-socket", f"127.0.0.1:{self.port}", "--master", "--die-on-term",
             "--processes", str(processes), "--threads", str(threads), "--disable-logging", "--buffer-size", "65535", "--listen", "128", *options],
            cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        atexit.register(self.process.terminate)  # should a measurement fail
        self.plugin = plugin
        self.wait_until_it_answers()

    def wait_until_it_answers(self):
        """The socket takes connections long before a worker does, so a request is asked."""
        deadline = time.monotonic() + 60
        while self.process.poll() is None and time.monotonic() < deadline:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
                connection.request("GET", "/healthz")
                connection.getresponse().read()
                return
            time.sleep(0.05)
        raise SystemExit(f"{self.plugin} did not start")

    def workers(self):
        return [int(child) for child in pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()]

    def load(self, requests, content=None, connections=16, seconds=2):
        return wrk(self.port, requests, content, connections, seconds)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def admatch(context, image, processes, threads, *options):
    return Server(context.build, "admatch", processes, threads, "--admatch-inventory", str(image), "--admatch-state-dir",
                  str(context.work / "state"), *options)


def request_files(context):
    queries = context.plain("queries").read_text().splitlines()[:5000]
    pages = context.plain("pages").read_text().splitlines()
    encode = urllib.parse.quote_plus
    several = {"slots": [{"id": "top", "count": 2, "size": ["300x250"]}, {"id": "side", "count": 1, "floor": 0.2}, {"id": "end", "count": 3}],
               "context": {"country": "US", "device": "mobile", "kv": {"sport": ["running"]}}}
    return {
        "a query, GET": (context.file("get-queries.txt", lambda: [f"/v1/decide?count=3&query={encode(q)}" for q in queries]), None),
        "a query, POST JSON": (context.file("post-queries.txt", lambda: [json.dumps({"query": q}) for q in queries]), "application/json"),
        "a 700-word page, GET": (context.file("get-pages.txt", lambda: [f"/v1/decide?count=3&text={encode(p)}" for p in pages]), None),
        "a 700-word page, POST text": (pages and context.plain("pages"), "text/plain"),
        "a 700-word page, POST JSON": (context.file("post-pages.txt", lambda: [json.dumps({"text": p}) for p in pages]), "application/json"),
        "three slots and a context, POST JSON": (
            context.file("post-several.txt", lambda: [json.dumps({"query": q, **several}) for q in queries]), "application/json"),
    }


def side_by_side(first, second, requests, content, rounds, seconds):
    """Rates and latencies of both, in turns."""
    results = ([], [])
    for number in range(rounds):
        turns = list(zip((first, second), results))
        for server, kept in turns if number % 2 else reversed(turns):
            kept.append(server.load(requests, content, seconds=seconds))
    return results


def medians(results, name):
    return median([result[name] for result in results])


def measure_sizes(context, constant, requests, rounds, seconds):
    """The same queries to inventories of all sizes, and to the constant plugin, in turns."""
    servers = [admatch(context, context.image(context.inventory(context.plain("phrases", size), "broad", "en")), 2, 8) for size in context.sizes]
    turns = [[server.load(requests, seconds=seconds) for server in (constant, *servers)] for _ in range(rounds)]
    for server in servers:
        server.stop()
    return [{
        "ads": count(size), "requests/s": round(median([turn[at]["rate"] for turn in turns])),
        "of the constant's %": round(100 * median([turn[at]["rate"] / turn[0]["rate"] for turn in turns]), 1),
        "times slower than with the fewest": round(median([turn[1]["rate"] / turn[at]["rate"] for turn in turns]), 3),
    } for at, size in enumerate(context.sizes, 1)]


def measure(context):
    if not shutil.which("wrk"):
        return {"title": "The server", "rows": [], "notes": ["left out: wrk is not installed"]}
    build_constant(context)
    # Many short turns: a machine that is slow for some seconds then slows both.
    rounds, seconds = (1, 1) if context.quick else (9, 1)
    image = {kind: context.image(context.inventory(context.plain("phrases", context.sizes[-1]), kind, "en")) for kind in ("phrase", "broad")}
    rows, ratios = [], {}
    constant = Server(context.work, "constant", 2, 8)
    servers = {kind: admatch(context, path, 2, 8) for kind, path in image.items()}
    for label, (requests, content) in request_files(context).items():
        ours = servers["phrase" if "page" in label else "broad"]
        theirs, mine = side_by_side(constant, ours, requests, content, rounds, seconds)
        ratios[label] = median([b["rate"] / a["rate"] for a, b in zip(theirs, mine)])
        rows.append({
            "request": label, "admatch, requests/s": round(medians(mine, "rate")), "constant, requests/s": round(medians(theirs, "rate")),
            "of the constant's %": round(100 * ratios[label], 1), "p50 us": round(medians(mine, "p50")), "p99 us": round(medians(mine, "p99")),
            "constant p99 us": round(medians(theirs, "p99")), "spread %": round(spread([result["rate"] for result in mine])),
            "errors": sum(result["errors"] for result in mine)})
    queries = request_files(context)["a query, GET"][0]
    by_size = measure_sizes(context, constant, queries, rounds, seconds)
    for server in (constant, *servers.values()):
        server.stop()
    shapes = []
    for processes, threads in ((1, 1), (1, 8), (2, 1), (2, 8), (4, 4)):
        server = admatch(context, image["broad"], processes, threads)
        result = server.load(queries, None, 1 if threads == 1 and processes == 1 else 16)
        server.stop()
        shapes.append({"processes": processes, "threads": threads, "requests/s": round(result["rate"]), "p50 us": result["p50"], "p99 us": result["p99"]})
    bars = [
        bar("a query, share of the constant plugin's rate, % (90 or more)", 100 * ratios["a query, GET"], 90),
        bar("a 700-word page, share of the constant plugin's rate, % (65 or more)", 100 * ratios["a 700-word page, GET"], 65),
        bar("a query at 1,000,000 ads over 10,000, times slower (at most 1.5)", by_size[-1]["times slower than with the fewest"], 1.5, "lower"),
    ]
    return {
        "title": "The server",
        "rows": rows,
        "more": [{"title": "By ads, a query by GET", "rows": by_size},
                 {"title": "By processes and threads, a query by GET", "rows": shapes}],
        "notes": ["uWSGI with 2 processes of 8 threads on http11-socket, wrk with 16 connections, on the same machine. Connections are kept; "
                  "without threads a worker serves one connection at a time.",
                  "Pages against 1,000,000 phrases, queries against 1,000,000 broad keywords with stems; three ads an answer."],
        "bars": [] if context.quick else bars,
    }
