# SPDX-License-Identifier: Apache-2.0
"""The engine, by the driver of each side (engine.c): processor time of passes over the same texts."""

import math
import os
import pathlib
import shutil
import statistics
import tempfile

from common import Passes
from pair_side import FOLDER, images_of
from pair_statistics import Pair, compared, ratio_of

COPIES = 4
PAIRS = 3  # for each pair of the server: they cost less time
TURNS = 6
TURN_SECONDS = 0.03  # measured time of a turn
FIGURES = (
    ("phrases in pages", "phrase", "phrase", "pages"),
    ("broad, queries", "broad", "broad", "queries"),
    ("broad, pages", "broad", "broad", "pages"),
)


class Driver(Passes):
    """A driver on one processor, which both sides use in turns."""

    def __init__(self, command):
        processor = max(os.sched_getaffinity(0))
        super().__init__(["taskset", "-c", processor, *command])

    def seconds_of_pass(self):
        """Processor time: what neighbours take does not count."""
        began = self.nanoseconds()
        self.make_pass()
        return (self.nanoseconds() - began) / 1e9

    def nanoseconds(self):
        return int(pathlib.Path(f"/proc/{self.process.pid}/schedstat").read_text().split()[0])

    def turn(self, passes):
        """Seconds of a pass. The first one brings the caches back, which the other side had in between, and does not count."""
        self.make_pass()
        return statistics.median(self.seconds_of_pass() for _ in range(passes))


def side_by_side(commands):
    """(base, new) of each turn, each side in a process of its own. Who is first changes, too."""
    drivers = [Driver(command) for command in commands]
    passes = max(1, math.ceil(TURN_SECONDS / statistics.fmean(driver.seconds_of_pass() for driver in drivers)))
    turns = []
    for turn in range(TURNS):
        seconds = {at: drivers[at].turn(passes) for at in ((0, 1) if turn % 2 else (1, 0))}
        turns.append((seconds[0], seconds[1]))
    for driver in drivers:
        driver.close()
    return turns


def memory_folder(size):
    """Where that much fits: shared memory, as servers use it, or the disk's cache."""
    shared = pathlib.Path("/dev/shm")
    return shared if shared.is_dir() and shutil.disk_usage(shared).free > size else FOLDER


class Slots:
    """Files in memory that hold copies of images. Where the kernel has put a file's pages alone makes a difference of some
    percent, so pairs go from one slot to the next, and an image that replaces another in its slot gets that one's pages."""

    def __init__(self, size):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="admatch-pair-", dir=memory_folder(2 * COPIES * size)))
        self.holds = {}

    def put(self, number, image):
        path = self.folder / f"{number % COPIES}.admx"
        if self.holds.get(path) != image:
            with open(path, "r+b" if path.exists() else "wb") as file:
                file.write(image.read_bytes())
                file.truncate()
            self.holds[path] = image
        return path

    def remove(self):
        shutil.rmtree(self.folder)


def one_file(slots, number, what, engines, images, texts):
    """Both sides map the same file."""
    path = slots.put(number, images[0])
    turns = side_by_side([[engine, what, path, texts] for engine in engines])
    return Pair(turns, ratio_of(turns))


def two_files(slots, number, what, engines, images, texts):
    """Each side maps a file of its own; then they change places, and the mean of both ratios has no share of the places."""
    here, there = number, number + 1 + number // COPIES % (COPIES - 1)
    halves = []
    for places in ((here, there), (there, here)):
        paths = [slots.put(place, image) for place, image in zip(places, images)]
        halves.append(side_by_side([[engine, what, path, texts] for engine, path in zip(engines, paths)]))
    return Pair(halves[0] + halves[1], math.sqrt(ratio_of(halves[0]) * ratio_of(halves[1])))


def measure(context, sides, pairs):
    engines = [side.engine() for side in sides]
    for name, what, match, kind in FIGURES:
        inventory = context.inventory(context.plain("phrases", context.sizes[-1]), match)
        images, texts = images_of(sides, inventory), context.plain(kind)
        measure_one = one_file if images[0] == images[1] else two_files
        slots = Slots(max(image.stat().st_size for image in images))
        lines = texts.read_bytes().count(b"\n")
        try:
            measured = [measure_one(slots, number, what, engines, images, texts) for number in range(PAIRS * pairs)]
        finally:
            slots.remove()
        yield compared(name, "us a text", measured, 1e6 / lines)
