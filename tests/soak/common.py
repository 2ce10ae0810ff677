# SPDX-License-Identifier: Apache-2.0
"""What the sections of the soak share: servers, marked inventories, load, and a look at processes."""

import contextlib
import gzip
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))
from harness import (  # noqa: E402, F401
    BUILD, SHARED_MEMORY, UWSGI, Server, ad, check_log, children_of, environment, eventually, lines_of, mapped_images, put)

ADMATCH = BUILD / "admatch"
LOAD = BUILD / "tests" / "load"
TOPICS, ADS_OF_TOPIC, ASKED, MARKS_OF_AD = 20, 12, 10, 5


class Findings:
    """What a section claims and what it saw: printed as it goes, and failed if it does not hold."""

    def __init__(self):
        self.failed = []

    def claim(self, holds, what):
        print(f"  {'ok    ' if holds else 'FAILED'}  {what}", flush=True)
        if not holds:
            self.failed.append(what)

    def note(self, what):
        print(f"          {what}", flush=True)


@contextlib.contextmanager
def folder():
    path = pathlib.Path(tempfile.mkdtemp(prefix="admatch-soak-", dir=SHARED_MEMORY))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def serving(*arguments, started=True, **options):
    server = Server(*arguments, **options)
    try:
        yield server.start() if started else server
        check_log(server)
    finally:
        server.stop()


# ---- inventories whose every text says which one it is ----------------------------------------------


def marked_records(mark, fillers=1000):
    """TOPICS x ADS_OF_TOPIC ads that requests ask for, and others; each names its inventory's mark wherever an answer shows text."""
    for number in range(TOPICS * ADS_OF_TOPIC + fillers):
        asked = number < TOPICS * ADS_OF_TOPIC
        keyword = f"topic{number % TOPICS} sale" if asked else f"filler{number} number{number % 97}"
        if number % 4 == 0:
            yield {"type": "campaign", "id": f"c{number // 4}@{mark}", "advertiser": f"v{number // 4}@{mark}"}
        yield {"id": f"a{number}@{mark}", "campaign": f"c{number // 4}@{mark}", "bid": 1 + number % 7, "keywords": [keyword, f'"{keyword}"'],
               "url": f"https://ads.example/@{mark}", "creative": {"text": f"@{mark}"}}


def requests():
    return [json.dumps({"id": f"r{topic}", "text": f"What is in topic{topic} sale today, and what is not?", "unique": "none",
                        "slots": [{"id": "top", "count": ASKED}]}) for topic in range(TOPICS)]


class Version:
    """An inventory, written and old enough to be taken at once; and what serving it must look like."""

    def __init__(self, workspace, mark, **more):
        self.mark = mark
        self.path = workspace / f"version-{mark}.jsonl"
        self.path.write_text(lines_of(marked_records(mark, **more)))
        os.utime(self.path, (time.time() - 10 - mark,) * 2)
        image = workspace / f"version-{mark}.admx"
        subprocess.run([ADMATCH, "build", self.path, "-o", image], check=True, capture_output=True)
        info = subprocess.run([ADMATCH, "info", image], check=True, capture_output=True, text=True).stdout
        said = dict(re.findall(r"^(\w[\w ]*?)  +(\S+)$", info, re.M))
        self.generation = said["generation"]
        self.image = f"{said['source digest']}-{said['format version']}.{said['word rules version']}.admx"
        self.bytes = int(said["bytes"].replace(",", ""))
        image.unlink()


# ---- load ---------------------------------------------------------------------------------------------


class Load:
    """The load client; every answer is read and checked there."""

    def __init__(self, port, seconds, kept=4, once=2, rate=0, least=ASKED * MARKS_OF_AD, bodies=None):
        self.process = subprocess.Popen([LOAD, *map(str, (port, seconds, kept, once, rate, least))],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdin.write("\n".join(bodies or requests()) + "\n")
        self.process.stdin.close()

    def end(self):
        """Stops it, if it still runs, and tells what it saw."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.wait()

    def wait(self):
        text = self.process.stdout.read()
        if self.process.wait():
            raise AssertionError("the load client failed")
        return json.loads(text)


def failures(seen, *kinds):
    """How many requests failed, and an example of each kind."""
    counted = {kind: count for kind, count in seen["failures"].items() if count and (not kinds or kind in kinds)}
    return sum(counted.values()), " ".join(f"{kind}: {count} ({seen['examples'][kind]!r})" for kind, count in counted.items())


# ---- processes --------------------------------------------------------------------------------------


def rollup(pid):
    """The bytes of /proc/PID/smaps_rollup."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return {name: int(size) * 1024 for name, size in re.findall(r"^(\w+): +(\d+) kB$", text, re.M)}


def image_pss(pid):
    """The part of a process's PSS that lies in images."""
    total, inside = 0, False
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if "-" in line.split(None, 1)[0]:
            inside = ".admx" in line
        elif inside and line.startswith("Pss:"):
            total += int(line.split()[1]) * 1024
    return total


def everyone(server):
    """Master, workers and mules."""
    return [server.process.pid, *children_of(server.process.pid)]


def pss(*servers):
    """The sum over all processes, and the part of it that lies in images."""
    pids = [pid for server in servers for pid in everyone(server)]
    return sum(rollup(pid)["Pss"] for pid in pids), sum(image_pss(pid) for pid in pids)


def open_files(pid):
    with contextlib.suppress(OSError):
        return len(os.listdir(f"/proc/{pid}/fd"))
    return 0


# ---- a large inventory --------------------------------------------------------------------------------

PHRASES = 1_000_000
PHRASE_LISTS = (os.environ.get("ADMATCH_PHRASES", ""), ROOT.parent / "shared" / "data" / "phrases_1m.txt.gz")


def generate(*arguments):
    subprocess.run([sys.executable, ROOT / "tests" / "bench" / "generate.py", *map(str, arguments)], check=True)


def phrase_list(workspace):
    """A million phrases: those at hand, or invented ones."""
    for path in map(pathlib.Path, filter(None, PHRASE_LISTS)):
        if path.exists():
            return path
    generate("phrases", "-n", PHRASES, "-o", workspace / "phrases.txt.gz")
    return workspace / "phrases.txt.gz"


def texts(phrases, count, words=40):
    """Requests with texts that phrases of the list stand in."""
    with gzip.open(phrases, "rt") as lines:
        chosen = [line.strip() for _, line in zip(range(count * words // 4), lines)]
    random.Random(1).shuffle(chosen)
    return [json.dumps({"id": f"r{n}", "text": ", ".join(chosen[n::count]), "slots": [{"count": 5}]}) for n in range(count)]
