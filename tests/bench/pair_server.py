# SPDX-License-Identifier: Apache-2.0
"""The server of each side, and one with the plugin of constant bytes: processor time of a request, that time beyond the constant
plugin's, and rates."""

import collections
import concurrent.futures
import os
import pathlib
import shutil
import statistics
import tempfile

from common import HERE, Passes, run
from measure_server import Server, build_constant, request_files
from pair_engine import COPIES, memory_folder
from pair_side import images_of
from pair_statistics import Pair, compared, ratio_of

THREADS = 8
# A connection waits while the others have their turns, on a busy machine for seconds.
PATIENT = ("--socket-timeout", "60")
CONNECTIONS = 8
TURNS = 12
SKIPPED = 2  # turns, until every thread has had its first requests
FIGURES = (
    ("GET query", "a query, GET", "broad", "en", 3000),
    ("GET page", "a 700-word page, GET", "phrase", "none", 1500),
)

Turn = collections.namedtuple("Turn", "microseconds rate")


def pinned(which):
    """A processor for the servers, another one for the clients where there is one, so that they do not wander."""
    processor = sorted(os.sched_getaffinity(0))[0 if which == "client" else -1]
    return ["taskset", "-c", str(processor)]


class Load:
    """A server with a client that has its connections open."""

    def __init__(self, server, client, requests, count):
        self.server, self.count = server, count
        self.workers = [pathlib.Path(f"/proc/{worker}/task") for worker in server.workers()]
        self.client = Passes([*pinned("client"), client, server.port, requests, CONNECTIONS, count])

    def nanoseconds(self):
        return sum(int(path.read_text().split()[0]) for worker in self.workers for path in worker.glob("*/schedstat"))

    def turn(self):
        began = self.nanoseconds()
        seconds = self.client.make_pass()["seconds"]
        return Turn((self.nanoseconds() - began) / 1e3 / self.count, self.count / seconds)


def build_client(context):
    path = context.work / "client"
    run("gcc", "-O2", "-D_GNU_SOURCE", "-o", path, HERE / "server" / "client.c")
    return path


def start(folder, plugin, *options):
    return Server(folder, plugin, 1, THREADS, *PATIENT, *options, before=pinned("server"))


def start_admatch(side, image, copies, number):
    """With a state folder for each copy; the sides share it where the image is the same, as instances do."""
    folder = copies / f"{image.parent.parent.name}-{number % COPIES}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return start(side.build_folder, "admatch", "--admatch-inventory", str(image), "--admatch-state-dir", str(folder))


def measure_pair(context, sides, images, copies, number, client, requests, count):
    """A Turn of the constant plugin, of the base and of the new side, again and again."""
    with concurrent.futures.ThreadPoolExecutor(1 + len(sides)) as pool:
        started = [pool.submit(start, context.work, "constant")]
        started += [pool.submit(start_admatch, side, image, copies, number) for side, image in zip(sides, images)]
        loads = [Load(server.result(), client, requests, count) for server in started]
        turns = []
        for turn in range(SKIPPED + TURNS):
            order = (0, 1, 2) if (number + turn) % 2 else (0, 2, 1)
            taken = {at: loads[at].turn() for at in order}
            turns.append((taken[0], taken[1], taken[2]))
        for load in loads:
            load.client.close()
        list(pool.map(lambda load: load.server.stop(), loads))
    return turns[SKIPPED:]


def pairs_of(measured, take, ratio=ratio_of):
    """For the report: `take` makes (base, new) of a turn, `ratio` the pair's ratio of its turns."""
    taken = [[take(*turn) for turn in turns] for turns in measured]
    return [Pair(turns, ratio(turns)) for turns in taken]


def figures_of(name, measured):
    yield compared(f"{name}, processor time", "us a request",
                   pairs_of(measured, lambda constant, base, new: (base.microseconds, new.microseconds)))

    def beyond(constant, base, new):
        return base.microseconds - constant.microseconds, new.microseconds - constant.microseconds

    # A small difference of large numbers: what the sides differ by, in parts of what is usual beyond the constant's.
    usual = statistics.median(beyond(*turn)[0] for turns in measured for turn in turns)
    yield compared(f"{name}, beyond constant bytes", "us a request",
                   pairs_of(measured, beyond, lambda turns: 1 + statistics.median(new - base for base, new in turns) / usual))
    yield compared(f"{name}, rate", "requests/s",
                   pairs_of(measured, lambda constant, base, new: (base.rate, new.rate), lambda turns: 1 / ratio_of(turns)))


def measure(context, sides, pairs):
    build_constant(context)
    client = build_client(context)
    for name, label, match, language, count in FIGURES:
        inventory = context.inventory(context.plain("phrases", context.sizes[-1]), match, language)
        images = images_of(sides, inventory)
        requests, _ = request_files(context)[label]
        copies = pathlib.Path(tempfile.mkdtemp(prefix="admatch-pair-", dir=memory_folder(4 * COPIES * images[0].stat().st_size)))
        try:
            measured = [measure_pair(context, sides, images, copies, number, client, requests, count) for number in range(pairs)]
        finally:
            shutil.rmtree(copies)
        yield from figures_of(name, measured)
