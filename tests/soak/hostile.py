# SPDX-License-Identifier: Apache-2.0
"""Good clients, more of them than there are threads, and hostile ones beside them, while inventories come and go, good ones and broken ones.

The servers are those of configs/hardened: nginx in front, uWSGI behind it. uWSGI has a second socket here, to which hostile
clients talk without the proxy."""

import concurrent.futures
import contextlib
import gzip
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time

from common import ADMATCH, ROOT, TOPICS, Load, Server, Version, children_of, eventually, everyone, failures, folder, open_files, rollup, serving
from harness import free_port
from hostile_client import ACTS

PROCESSES, THREADS = 4, 2
KEPT, ONCE = 32, 16  # good connections
VERSIONS, FILLERS = 6, 3000
SWAP_SECONDS = 2.0
LOAD_SHARE = 0.15  # of what is answered at most, where latencies are compared
MARKS_OF_ONE_AD = 5
# longer than the load client waits for an answer
FRONTS, FRONT_SECONDS, FRONT_RATE, FRONT_MILLISECONDS = ("http11-socket", "http router", "nginx"), 12, 100, 1000
MEMORY_RATIO, MEMORY_SLACK = 1.05, 2 << 20  # at most, after the warm-up
# on Debian the router is a plugin of its own
HTTP_PLUGIN = ("plugins-dir = /usr/lib/uwsgi/plugins", "need-plugin = http") if pathlib.Path("/usr/lib/uwsgi/plugins/http_plugin.so").exists() else ()
HARDENED = ROOT / "configs" / "hardened"
# what a test must have otherwise: paths, ports, and rights that only root can give up
OTHERWISE = {"strict", "plugins-dir", "need-plugin", "socket", "processes", "threads", "uid", "gid", "admatch-inventory", "admatch-state-dir", "admatch-refresh"}


# ---- good requests, and what the command answers to them ---------------------------------------------------


def asked(topic):
    """A request as the load client sends it, and as the command is given it: (line, is a bid request, JSON)."""
    words, name = f"topic{topic} sale", f"r{topic}"
    if topic % 5 == 0:
        body = {"id": name, "text": f"What is in {words} today, and what is not?", "unique": "none", "slots": [{"id": "top", "count": 10}]}
        return json.dumps(body), False, body
    if topic % 5 == 1:
        return (f"GET /v1/decide?id={name}&query={words.replace(' ', '+')}&count=5&unique=none&country=US&explain=1", False,
                {"id": name, "query": words, "count": 5, "unique": "none", "context": {"country": "US"}, "explain": True})
    if topic % 5 == 2:
        return f"POST /v1/decide text/plain Nothing but {words}.", False, {"text": f"Nothing but {words}."}
    if topic % 5 == 3:
        bid = {"id": name, "imp": [{"id": "1", "banner": {}}, {"id": "2", "bidfloor": 1, "banner": {}}], "site": {"page": f"https://x.example/topic{topic}/sale"},
               "ext": {"admatch": {"text": words, "unique": "none"}}}
        return f"POST /openrtb2/bid application/json {json.dumps(bid)}", True, bid
    body = {"id": name, "title": words, "keywords": [words, "other"], "url": f"https://x.example/topic{topic}-sale", "explain": True,
            "slots": [{"id": "a", "count": 2}, {"id": "b", "floor": 0.5}]}
    return json.dumps(body), False, body


REQUESTS = [asked(topic) for topic in range(TOPICS)]


def hash_of(body):
    """As the load client makes it: FNV-1a."""
    value = 0xCBF29CE484222325
    for byte in body:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value or 1:016x}"


def expected(workspace, version):
    """The hash of each request's answer from an inventory, by the command."""
    hashes = [None] * len(REQUESTS)
    for bids, option in ((False, "--batch"), (True, "--openrtb-batch")):
        numbers = [number for number, request in enumerate(REQUESTS) if request[1] == bids]
        batch = workspace / "batch.jsonl"
        batch.write_text("".join(json.dumps(REQUESTS[number][2]) + "\n" for number in numbers))
        answers = subprocess.run([ADMATCH, "match", version.path, option, batch], check=True, stdout=subprocess.PIPE).stdout.splitlines()
        for number, answer in zip(numbers, answers, strict=True):
            hashes[number] = hash_of(answer)
    return hashes


# ---- the servers --------------------------------------------------------------------------------------------


def hardened_options(port):
    lines = (HARDENED / "hardened.ini").read_text().splitlines()
    options = [line for line in lines if " = " in line and not line.startswith(";") and line.split(" = ")[0] not in OTHERWISE]
    return [*options, f"socket = 127.0.0.1:{port}", f"processes = {PROCESSES}", f"threads = {THREADS}", "admatch-refresh = 0", "disable-logging = true"]


@contextlib.contextmanager
def nginx(workspace, uwsgi_port):
    """nginx with the hardened configuration: its process and its port."""
    port, prefix = free_port(), workspace / "nginx"
    prefix.mkdir()
    workspace.chmod(0o755)  # its worker is another user
    config = prefix / "nginx.conf"
    config.write_text((HARDENED / "nginx.conf").read_text().replace("127.0.0.1:8088", f"127.0.0.1:{uwsgi_port}").replace("127.0.0.1:8087", f"127.0.0.1:{port}"))
    with open(prefix / "output", "wb") as output:
        process = subprocess.Popen(["nginx", "-p", prefix, "-e", "error.log", "-c", config], stdout=output, stderr=output)
    try:
        eventually("nginx has a worker", lambda: children_of(process.pid))
        yield process, port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


# ---- inventories, good and broken -----------------------------------------------------------------------------


class Swapping(threading.Thread):
    """Another inventory every few seconds, every third a broken one; each is waited for until it is published or refused."""

    def __init__(self, server, inventory, versions):
        super().__init__(daemon=True)
        self.server, self.inventory, self.versions = server, inventory, versions
        self.published = self.refused = 0
        self.fault = None
        self.broken = self.make_broken()
        self.done = threading.Event()

    def make_broken(self):
        good = self.versions[0].path.read_bytes()
        return [good[:-20], good + b'{"id":"x","campaign":"nowhere","bid":1,"keywords":["a"]}\n', gzip.compress(good)[:-9], os.urandom(10000), b"[" * 100000,
                good.replace(b'"bid": 1', b'"bid": -1', 1), good.replace(b'"keywords"', b'"keywords":["a"],"keywords"', 1)]

    def put(self, content):
        beside = self.inventory.with_name("beside")
        beside.write_bytes(content)
        beside.rename(self.inventory)
        self.server.command("a")

    def counted(self, metric, before):
        eventually(f"{metric} goes up", lambda: self.server.metrics()[metric] > before)

    def one(self, number):
        metric = "admatch_refusals_total" if number % 3 == 2 else "admatch_swaps_total"
        before = self.server.metrics()[metric]
        if number % 3 == 2:
            self.put(self.broken[self.refused % len(self.broken)])
            self.counted(metric, before)
            self.refused += 1
        else:
            self.put(self.versions[(self.published + 1) % len(self.versions)].path.read_bytes())
            self.counted(metric, before)
            self.published += 1

    def run(self):
        number = 0
        while not self.done.wait(SWAP_SECONDS):
            try:
                self.one(number)
            except (AssertionError, OSError, KeyError) as error:
                self.fault = repr(error)
                return
            number += 1

    def end(self):
        self.done.set()
        self.join()


# ---- what is looked at before and after -------------------------------------------------------------------------


def settled(server, front):
    """Processes, their memory and their files, once nobody asks anything any more."""
    time.sleep(3)
    pids = {"uWSGI": everyone(server), "nginx": [front.pid, *children_of(front.pid)]}
    memory = {name: [rollup(pid) for pid in group] for name, group in pids.items()}
    return {
        "pids": pids,
        "pss": {name: sum(part["Pss"] for part in parts) for name, parts in memory.items()},
        "private": {name: sum(part["Private_Clean"] + part["Private_Dirty"] for part in parts) for name, parts in memory.items()},
        "files": {pid: open_files(pid) for group in pids.values() for pid in group},
    }


def describe_memory(name, seen):
    parts = ", ".join(f"{who} {seen['pss'][who] / 2**20:.2f} MiB PSS, {seen['private'][who] / 2**20:.2f} MiB private" for who in seen["pss"])
    return f"{name}: {parts}; {sum(seen['files'].values())} open files"


def compare(before, after, findings):
    findings.note(describe_memory("after the warm-up", before))
    findings.note(describe_memory("in the end", after))
    findings.claim(before["pids"] == after["pids"], f"the same {sum(map(len, after['pids'].values()))} processes as before: none died")
    # nginx, not ours to judge, keeps what the most connections that it ever had at a time needed
    grown_to, was = after["private"]["uWSGI"], before["private"]["uWSGI"]
    findings.claim(grown_to <= MEMORY_RATIO * was + MEMORY_SLACK, f"private memory of uWSGI: {grown_to / was:.3f} x that after the warm-up")
    grown = {pid: (before["files"].get(pid), count) for pid, count in after["files"].items() if count > before["files"].get(pid, 0)}
    findings.claim(not grown, f"no process has more open files than after the warm-up {grown or ''}")


def describe(name, seen):
    micros = seen["microseconds"]
    return (f"{name}: {seen['answers'] / seen['seconds']:,.0f} answers a second; ms: p50 {micros['p50'] / 1000:.2f}, p90 {micros['p90'] / 1000:.2f}, "
            f"p99 {micros['p99'] / 1000:.2f}, p99.9 {micros['p999'] / 1000:.2f}, longest {micros['longest'] / 1000:.1f}")


# ---- hostile clients ------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def attack(*arguments):
    """The hostile client while something else goes on; what it counted is there afterwards."""
    client = subprocess.Popen([sys.executable, pathlib.Path(__file__).with_name("hostile_client.py"), *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    counted = {}
    try:
        yield counted
        client.send_signal(signal.SIGTERM)
        counted.update(json.loads(client.stdout.read()))
    finally:
        client.kill()
        client.wait()


@contextlib.contextmanager
def front_of(name, workspace, inventory, uwsgi_port):
    """The same server behind another front: the server and the port for clients."""
    router_port = free_port()
    router = (*HTTP_PLUGIN, f"http = 127.0.0.1:{router_port}", f"http-to = 127.0.0.1:{uwsgi_port}", "http-timeout = 5", "http-keepalive = 15")
    with serving(workspace, inventory, *hardened_options(uwsgi_port), *(router if name == "http router" else ())) as server:
        if name == "nginx":
            with nginx(workspace, uwsgi_port) as (_, port):
                yield server, port
        else:
            yield server, router_port if name == "http router" else server.port


def try_front(name, kind, workspace, inventory, findings):
    """Good requests beside slow clients of a kind; only the proxy is held to its promise."""
    with front_of(name, workspace, inventory, free_port()) as (server, port):
        before = sorted(server.workers())
        with attack(port, 0, 60, kind):
            time.sleep(1.5)
            seen = Load(port, FRONT_SECONDS, kept=2, once=6, rate=FRONT_RATE, least=MARKS_OF_ONE_AD, bodies=[line for line, _, _ in REQUESTS]).wait()
        killed = sum(pid not in server.workers() for pid in before)
    failed, slowest = failures(seen)[0], seen["microseconds"]["p99"] / 1000
    said = (f"{name}, {kind}: {seen['answers']} of {FRONT_SECONDS * FRONT_RATE} good requests were answered, {failed} failed, p99 {slowest:.1f} ms, "
            f"longest {seen['microseconds']['longest'] / 1000:.0f} ms, {killed} workers ended")
    if name == "nginx":
        findings.claim(seen["answers"] and not failed and not killed and slowest < FRONT_MILLISECONDS, said)
    else:
        findings.note(said)


def try_fronts(inventory, findings):
    for name in FRONTS:
        for kind in ("slow head", "slow body"):
            with folder() as workspace:
                try_front(name, kind, workspace, inventory, findings)


# ---- the run ------------------------------------------------------------------------------------------------------


class Trial:
    def __init__(self, server, front_port, swapping, findings):
        self.server, self.port, self.swapping, self.findings = server, front_port, swapping, findings
        self.good, self.hostile = [], {}

    def load(self, seconds, rate=0):
        seen = Load(self.port, seconds, kept=KEPT, once=ONCE, rate=rate, least=MARKS_OF_ONE_AD, bodies=[line for line, _, _ in REQUESTS]).wait()
        self.good.append(seen)
        return seen

    @contextlib.contextmanager
    def attacked(self, seconds):
        with attack(self.port, self.server.port, 10 * seconds + 60) as counted:
            yield
        for act, answers in counted.items():
            for answer, times in answers.items():
                self.hostile.setdefault(act, {}).setdefault(answer, 0)
                self.hostile[act][answer] += times


def check_good(trial, versions, hashes, findings):
    failed, examples = [failures(seen) for seen in trial.good], ""
    for _, example in failed:
        examples = examples or example
    answers, reopened = (sum(seen[what] for seen in trial.good) for what in ("answers", "reopened"))
    findings.claim(sum(count for count, _ in failed) == 0, f"{answers:,} good answers, {sum(count for count, _ in failed)} failed; {reopened} kept connections were opened again {examples}")
    wrong, compared = [], 0
    for seen in trial.good:
        for mark in seen["marks"]:
            version = versions[mark["mark"]]
            found = [(number, body) for number, body in enumerate(mark["bodies"]) if int(body, 16)]
            compared += len(found)
            wrong += [(mark["mark"], number) for number, body in found if body != hashes[version.mark][number] or mark["generation"] != version.generation]
    findings.claim(not wrong and compared, f"each of them, byte for byte, is what the command answers from the same inventory ({compared} pairs of inventory and request) {wrong[:5] or ''}")


def check_hostile(trial, findings):
    total = sum(sum(answers.values()) for answers in trial.hostile.values())
    refused = sum(answers.get("refused", 0) for answers in trial.hostile.values())
    findings.note(f"{total:,} hostile acts, each until it was answered, let go or over:")
    for act, answers in sorted(trial.hostile.items()):
        findings.note(f"  {act}: " + ", ".join(f"{answer} {count}" for answer, count in sorted(answers.items())))
    findings.claim(refused == 0, f"{refused} hostile clients could not connect")
    bad = {act: answers for act, answers in trial.hostile.items() if any(answer in ("500", "502", "503", "504") for answer in answers)}
    findings.claim(not bad, f"no hostile request got a server's error {bad or ''}")


def use_every_seat(port):
    """Heavy requests of more clients than there are threads: a request takes the first free seat of its worker, so the last ones are
    used only when all are busy, and their memory is to be used before it is compared."""

    def ask(number):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=30) as client:
            client.sendall(ACTS["heavy"][number % len(ACTS["heavy"])])
            client.recv(1)

    with concurrent.futures.ThreadPoolExecutor(4 * PROCESSES * THREADS) as clients:
        list(clients.map(ask, range(100 * PROCESSES * THREADS)))


def run_trial(trial, front, seconds, findings):
    most = trial.load(min(5, seconds / 20))
    rate = int(LOAD_SHARE * most["answers"] / most["seconds"])
    quiet = trial.load(seconds * 0.15, rate)
    trial.swapping.start()
    with trial.attacked(seconds):
        trial.load(seconds * 0.25)
    use_every_seat(trial.port)
    before = settled(trial.server, front)
    with trial.attacked(seconds):
        full = trial.load(seconds * 0.25)
        mixed = trial.load(seconds * 0.25, rate)
    trial.swapping.end()
    after = settled(trial.server, front)
    findings.note(describe(f"good clients alone, {rate} requests a second", quiet))
    findings.note(describe("the same beside hostile ones and swaps", mixed))
    findings.note(describe(f"all that {KEPT + ONCE} clients get from {PROCESSES * THREADS} threads, beside hostile ones and swaps", full))
    compare(before, after, findings)


def run(findings, seconds):
    with folder() as workspace:
        versions = [Version(workspace, mark, fillers=FILLERS) for mark in range(VERSIONS)]
        hashes = [expected(workspace, version) for version in versions]
        inventory = workspace / "inventory.jsonl"
        inventory.write_bytes(versions[0].path.read_bytes())
        uwsgi_port = free_port()
        try_fronts(inventory, findings)
        with serving(workspace, inventory, *hardened_options(uwsgi_port)) as server, nginx(workspace, uwsgi_port) as (front, port):
            swapping = Swapping(server, inventory, versions)
            trial = Trial(server, port, swapping, findings)
            run_trial(trial, front, seconds, findings)
            check_good(trial, versions, hashes, findings)
            findings.claim(swapping.fault is None and swapping.published and swapping.refused,
                           f"{swapping.published} inventories were published meanwhile, {swapping.refused} broken ones refused {swapping.fault or ''}")
            check_hostile(trial, findings)
            killed = [line for line in server.log().splitlines() if re.search("HARAKIRI ON|DAMN|Respawned", line)]
            findings.claim(not killed, f"uWSGI had no worker to end or to start again {killed[:3] or ''}")
