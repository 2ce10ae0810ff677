# SPDX-License-Identifier: Apache-2.0
"""Whole decisions by the command: processor time of `admatch match --batch`, from bytes of JSON to bytes of JSON, less that of a
batch without requests. It knows nothing of what is inside, so it compares any two commits."""

import os
import subprocess
import sys

from common import HERE, run
from pair_engine import Slots
from pair_side import images_of
from pair_statistics import Pair, compared, ratio_of

# name, keywords, texts, member of the request, how many times over: a run takes about a second
FIGURES = (
    ("decisions, queries by batch", "broad", "queries", "query", 10),
    ("decisions, pages by batch", "phrase", "pages", "text", 10),
)


def processor_seconds(command):
    processor = max(os.sched_getaffinity(0))
    process = subprocess.Popen(["taskset", "-c", str(processor), *map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} match ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def seconds_of(side, image, requests, empty):
    return processor_seconds([side.admatch, "match", image, "--batch", requests]) - \
        processor_seconds([side.admatch, "match", image, "--batch", empty])


def make_requests(context, kind, field, times):
    path = context.work / f"batch-{kind}-{'quick' if context.quick else 'shared' if context.data else 'generated'}.jsonl"
    if not path.exists():
        listed = path.with_suffix(".once")
        run(sys.executable, HERE / "generate.py", "requests", context.plain(kind), "--field", field, "--count", 3, "-o", listed)
        path.write_bytes(listed.read_bytes() * times)
        listed.unlink()
    return path


def measure_pair(sides, images, slots, number, requests, empty):
    """One after the other, from the same place in memory."""
    seconds = {at: seconds_of(sides[at], slots.put(number, images[at]), requests, empty) for at in ((0, 1) if number % 2 else (1, 0))}
    turns = [(seconds[0], seconds[1])]
    return Pair(turns, ratio_of(turns))


def measure(context, sides, pairs):
    empty = context.work / "batch-empty.jsonl"
    empty.write_bytes(b"")
    for name, match, kind, field, times in FIGURES:
        inventory = context.inventory(context.plain("phrases", context.sizes[-1]), match)
        images = images_of(sides, inventory)
        requests = make_requests(context, kind, field, times)
        count = requests.read_bytes().count(b"\n")
        slots = Slots(max(image.stat().st_size for image in images))
        try:
            measured = [measure_pair(sides, images, slots, number, requests, empty) for number in range(pairs)]
        finally:
            slots.remove()
        yield compared(name, "us a request", measured, 1e6 / count)
