# SPDX-License-Identifier: Apache-2.0
"""loop = admatch beside uWSGI's threads: rates, processor time a request, ten thousand kept connections, and what one costs.

Where rates are compared, the constant plugin (server/constant_plugin.c) answers on the same kind of socket, by threads and in
the same loop. Ten thousand connections are compared with nginx and `return 200`."""

import atexit
import json
import pathlib
import re
import shutil
import subprocess
import time

from common import ROOT, bar, count, median, run, spread
from measure_server import PARTS, Server, admatch, build_constant, free_port, request_files

PROCESSES, THREADS, CONNECTIONS = 2, 8, 16
LOOP = ("--loop", "admatch")
HERD, HERD_RATE, HERD_SECONDS = 10_000, 20_000, 5
NGINX = """daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; worker_processes 2; worker_rlimit_nofile 20000;
events {{ worker_connections 16000; }}
http {{ access_log off; default_type application/json; keepalive_timeout 150s; keepalive_requests 1000000000;
client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
server {{ listen 127.0.0.1:{port} backlog=1024; location / {{ return 200 "12345"; }} }} }}
"""


def children_of(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def cpu_seconds(pid):
    """Of all threads of all children: workers and mules."""
    return sum(int(path.read_text().split()[0]) for child in children_of(pid) for path in pathlib.Path(f"/proc/{child}/task").glob("*/schedstat")) / 1e9


def pss(pid):
    """KiB of all children."""
    texts = [pathlib.Path(f"/proc/{child}/smaps_rollup").read_text() for child in children_of(pid)]
    return sum(int(re.search(r"^Pss: +(\d+)", text, re.M)[1]) for text in texts)


# ---- rates --------------------------------------------------------------------------------------


def constant_in_loop(context):
    """The constant plugin has modifier 0; admatch, without an inventory, only brings the loop."""
    return Server(context.work, "constant", PROCESSES, 2, "--plugins-dir", str(context.build), "--need-plugin", "admatch", *LOOP, "--admatch-loop-modifier", "0")


def load(server, requests, content, seconds):
    """A turn: the rate and latencies, and processor time a request in microseconds."""
    before = cpu_seconds(server.process.pid)
    result = server.load(requests, content, CONNECTIONS, seconds)
    result["cpu"] = (cpu_seconds(server.process.pid) - before) / (result["rate"] * seconds) * 1e6
    return result


def compare(servers, requests, content, rounds, seconds):
    """For each server its turns; the order is reversed each time."""
    turns = {name: [] for name in servers}
    for number in range(rounds):
        for name in list(servers) if number % 2 else reversed(list(servers)):
            turns[name].append(load(servers[name], requests, content, seconds))
    return turns


def rate_rows(label, turns):
    base = turns["constant, threads"]
    return [{
        "request": label, "server": name, "requests/s": round(median([turn["rate"] for turn in results])),
        "of the constant's in threads %": round(100 * median([turn["rate"] / other["rate"] for turn, other in zip(results, base)]), 1),
        "CPU us a request": round(median([turn["cpu"] for turn in results]), 1),
        "beyond the constant's": round(median([turn["cpu"] - other["cpu"] for turn, other in zip(results, base)]), 1),
        "p50 us": round(median([turn["p50"] for turn in results])), "p99 us": round(median([turn["p99"] for turn in results])),
        "spread %": round(spread([turn["rate"] for turn in results])), "errors": sum(turn["errors"] for turn in results),
    } for name, results in turns.items()]


def measure_rates(context, rounds, seconds):
    rows, shares = [], {}
    image = {kind: context.image(context.inventory(context.plain("phrases", context.sizes[-1]), kind, "en")) for kind in ("phrase", "broad")}
    constants = {"constant, threads": Server(context.work, "constant", PROCESSES, THREADS), "constant, loop": constant_in_loop(context)}
    for label, kind in (("a query, GET", "broad"), ("a 700-word page, GET", "phrase")):
        servers = {**constants, "admatch, threads": admatch(context, image[kind], PROCESSES, THREADS),
                   "admatch, loop": admatch(context, image[kind], PROCESSES, 2, *LOOP)}
        found = rate_rows(label, compare(servers, *request_files(context)[label], rounds, seconds))
        shares[label] = found[-1]["of the constant's in threads %"]
        rows += found
        for name in ("admatch, threads", "admatch, loop"):
            servers[name].stop()
    for server in constants.values():
        server.stop()
    return rows, shares


# ---- ten thousand connections -------------------------------------------------------------------


def start_nginx(context):
    port, folder = free_port(), context.work / "nginx"
    folder.mkdir(exist_ok=True)
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
    process = subprocess.Popen(["nginx", "-p", folder, "-c", folder / "nginx.conf"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    atexit.register(process.terminate)
    time.sleep(1)
    return port, process


class Herd:
    """Connected; the load begins with run()."""

    def __init__(self, context, port, targets, connections, seconds):
        self.process = subprocess.Popen([context.work / "herd", str(port), str(connections), str(HERD_RATE), str(seconds)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdin.write("".join(f"{target}\n" for target in targets) + "\n")
        self.process.stdin.flush()
        if self.process.stdout.readline() != "connected\n":
            raise SystemExit("the load client could not connect")

    def run(self):
        self.process.stdin.close()
        result = json.loads(self.process.stdout.read())
        self.process.wait()
        return result


def measure_herd(context, rounds):
    """Turns of admatch and nginx; also what an idle connection costs."""
    run("gcc", "-O2", "-std=gnu11", "-D_GNU_SOURCE", "-o", context.work / "herd", PARTS / "herd.c")
    connections, seconds = (500, 1) if context.quick else (HERD, HERD_SECONDS)
    image = context.image(context.inventory(context.plain("phrases", context.sizes[-1]), "broad", "en"))
    targets = request_files(context)["a query, GET"][0].read_text().splitlines()
    server = admatch(context, image, PROCESSES, 2, *LOOP, "--listen", "1024")
    nginx_port, nginx = start_nginx(context)
    found, per_connection = {"admatch, loop": [], "nginx, return 200": []}, []
    Herd(context, server.port, targets, connections, seconds).run()  # the table of connections is touched once
    for _ in range(rounds):
        before = pss(server.process.pid)
        herd = Herd(context, server.port, targets, connections, seconds)
        found["admatch, loop"].append(herd.run())
        herd = Herd(context, server.port, targets, connections, seconds)
        per_connection.append((pss(server.process.pid) - before) / connections)
        herd.process.kill()
        herd.process.wait()
        found["nginx, return 200"].append(Herd(context, nginx_port, ["/"], connections, seconds).run())
    server.stop()
    nginx.terminate()
    nginx.wait()
    return found, max(per_connection), connections


def herd_rows(found, connections):
    return [{
        "server": name, "connections": count(connections), "requests/s": round(median([turn["rate"] for turn in turns])),
        **{f"{key} us": round(median([turn[key] for turn in turns])) for key in ("p50", "p99", "p999", "longest")},
        **{key: sum(turn[key] for turn in turns) for key in ("late", "dropped", "other")},
    } for name, turns in found.items()]


def measure(context):
    if not shutil.which("wrk") or not shutil.which("nginx"):
        return {"title": "The loop", "rows": [], "notes": ["left out: wrk or nginx is not installed"]}
    build_constant(context)
    rounds, seconds = (1, 1) if context.quick else (9, 1)
    rows, shares = measure_rates(context, rounds, seconds)
    found, per_connection, connections = measure_herd(context, 1 if context.quick else 5)
    ratio = median([ours["p99"] / theirs["p99"] for ours, theirs in zip(*found.values())])
    lost = sum(turn["dropped"] + turn["other"] for turn in found["admatch, loop"])
    bars = [
        bar("in the loop, a query's share of the rate of the constant plugin in threads, % (92 or more)", shares["a query, GET"], 92),
        bar("in the loop, a 700-word page's share of it, % (75 or more)", shares["a 700-word page, GET"], 75),
        bar("p99 of 10,000 connections over that of nginx, times (at most 3)", ratio, 3, "lower"),
        bar("requests lost", lost, 0, "lower"),
        bar("PSS of an idle connection, KiB (under 16)", per_connection, 16, "lower"),
    ]
    return {
        "title": "The loop",
        "rows": rows,
        "more": [{"title": f"Kept connections at {count(HERD_RATE)} requests a second, `late`: not asked, since the last answer was not there",
                  "rows": herd_rows(found, connections)}],
        "notes": [f"{PROCESSES} processes; threads: {THREADS} each, wrk with {CONNECTIONS} connections, on the same machine. 1,000,000 ads, keywords with stems.",
                  f"An idle kept connection took {per_connection:.2f} KiB of PSS."],
        "bars": [] if context.quick else bars,
    }
