# SPDX-License-Identifier: Apache-2.0
"""Latency with a swap every second beside latency without, in turns, at the same load."""

import contextlib
import os
import statistics
import threading
import time

from common import Load, Version, eventually, failures, folder, serving

PERIOD_SECONDS = 3  # and as long for its like without swaps; many short ones, so that a stall of the machine spoils few of them
FILLERS = 100_000
SWAP_SECONDS = 1.0
LOAD_SHARE = 0.15  # of what the machine can answer
RATIO = 1.5  # at most, of the medians of the p99s


class Swapping(threading.Thread):
    """One inventory after the other, every second, each built anew: the image before has been cleaned away."""

    def __init__(self, server, inventory, versions):
        super().__init__(daemon=True)
        self.server, self.inventory, self.versions = server, inventory, versions
        self.done = threading.Event()
        self.start()

    def run(self):
        number = 0
        while not self.done.wait(SWAP_SECONDS):
            number += 1
            version = self.versions[number % len(self.versions)]
            link = self.inventory.with_name("link")
            with contextlib.suppress(FileNotFoundError):
                link.unlink()
            os.link(version.path, link)
            link.rename(self.inventory)
            self.server.command("a")

    def end(self):
        self.done.set()
        self.join()


def period(server, rate, seconds):
    seen = Load(server.port, seconds, kept=8, once=0, rate=rate).wait()
    return seen


def describe(name, periods):
    p50, p99, longest = ([seen["microseconds"][which] for seen in periods] for which in ("p50", "p99", "longest"))
    return f"{name}: p50 {statistics.median(p50):.0f} us, p99 {statistics.median(p99):.0f} us (of each period: " \
           f"{', '.join(f'{value:.0f}' for value in p99)}), longest {max(longest) / 1000:.1f} ms"


def run(findings, seconds):
    length = PERIOD_SECONDS
    pairs = max(3, round(seconds / (2 * length)))
    with folder() as workspace:
        versions = [Version(workspace, mark, fillers=FILLERS) for mark in range(3)]
        inventory = workspace / "inventory.jsonl"
        os.link(versions[0].path, inventory)
        with serving(workspace, inventory, "processes = 2", "threads = 4", "admatch-refresh = 0", "disable-logging = true", "listen = 100") as server:
            most = Load(server.port, 2, kept=8, once=0).wait()
            rate = int(LOAD_SHARE * most["answers"] / most["seconds"])
            without, swapped = [], []
            before = server.metrics()["admatch_swaps_total"]
            for _ in range(pairs):
                without.append(period(server, rate, length))
                swapping = Swapping(server, inventory, versions)
                swapped.append(period(server, rate, length))
                swapping.end()
                time.sleep(0.5)
            swaps = server.metrics()["admatch_swaps_total"] - before
            build = server.metrics()["admatch_build_seconds"]
    findings.note(f"{versions[0].bytes / 2**20:.0f} MiB image of {FILLERS:,} ads, built in about {build:.2f} s; {rate} requests a second, {LOAD_SHARE:.0%} of what was "
                  f"answered at most; {pairs} x 2 periods of {length} s, {swaps:.0f} swaps")
    findings.note(describe("without swaps", without))
    findings.note(describe("with swaps", swapped))
    failed = sum(failures(seen)[0] for seen in without + swapped)
    findings.claim(failed == 0, f"{sum(seen['answers'] for seen in without + swapped)} answers, {failed} failed")
    medians = [statistics.median(seen["microseconds"]["p99"] for seen in periods) for periods in (without, swapped)]
    findings.claim(medians[1] <= RATIO * medians[0], f"p99 with a swap every second is {medians[1] / medians[0]:.2f} x that without")
    findings.claim(swaps >= 0.5 * pairs * length, "swaps came as often as asked for")
