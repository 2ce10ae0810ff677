# SPDX-License-Identifier: Apache-2.0
"""Allocations that fail during a swap, one at a time: the library of failing.c makes the n-th one fail, in the mule that builds or in a
worker that moves, for every n. After each the old or the new generation serves, whole; what was refused is told; the next try succeeds."""

import gzip
import mmap
import os
import pathlib
import re
import shutil
import struct
import subprocess
import time
import unittest

from harness import BUILD, SANITIZER, ServerTest, ad, eventually, lines_of, mapped_images

ADMATCH = os.environ.get("ADMATCH") or str(BUILD / "admatch")
LIBRARY = BUILD / "tests" / "failing.so"
REFUSED = "inventory refused, the generation before it goes on serving: "


def records(number):
    """An inventory that no other number has, and that takes every way of the builder."""
    return [
        {"type": "inventory", "currency": "EUR", "language": "en"},
        {"type": "campaign", "id": "c", "advertiser": "acme", "negative_keywords": ["free"], "labels": ["l"], "exclude_labels": ["m"],
         "categories": ["IAB7-39"], "domain": "x.acme.example", "timezone": "Europe/Berlin",
         "targeting": {"not": {"hour": [1, 2], "country": ["NO"]}}},
        {"id": f"ad{number}", "campaign": "c", "bid": 2, "keywords": ["shoes", "running shoe", '"trail running shoes"', "internationally renowned", "[boots]", "-cheap"],
         "sizes": ["300x250"], "url": "https://acme.example/", "creative": {"title": "é"}},
        ad("other", "*", "café", "t-shirt", targeting={"any": [{"kv": {"k": ["v"]}}, {"device": ["mobile"]}]}),
    ]


def images_of(pid):
    """The images that a process has mapped, deleted or not: always one at least."""
    return eventually("an image is mapped", lambda: {path.removesuffix(" (deleted)") for path in mapped_images(pid)})


class Order:
    """What failing.c is told: see its struct order."""

    LAYOUT = "iiqq"  # process, failed, left, counted

    def __init__(self, path):
        path.write_bytes(bytes(struct.calcsize(self.LAYOUT)))
        with open(path, "r+b") as file:
            self.shared = mmap.mmap(file.fileno(), 0)

    def fail(self, process, left):
        struct.pack_into("qq", self.shared, 8, left, 0)
        struct.pack_into("ii", self.shared, 0, process, 0)

    def count(self, process):
        self.fail(process, -1)

    def read(self):
        """(failed, counted), and no more of it."""
        _, failed, _, counted = struct.unpack_from(self.LAYOUT, self.shared)
        struct.pack_into("i", self.shared, 0, 0)
        return failed, counted

    @property
    def failed(self):
        return struct.unpack_from(self.LAYOUT, self.shared)[1]


class SwapFailures(ServerTest):
    def setUp(self):
        super().setUp()
        self.number = 0
        self.order = Order(self.folder / "order")
        self.variables = {"TZDIR": str(self.copy_zones())}

    def copy_zones(self):
        """A few of the machine's zones: their files are read alike, so a thousand more would try the same calls again."""
        zones = self.folder / "zoneinfo"
        for name in ("UTC", "Europe/Berlin", "America/New_York", "America/Argentina/Salta"):
            (zones / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(f"/usr/share/zoneinfo/{name}", zones / name)
        return zones

    def offer(self):
        """Puts the next inventory in place, old enough not to be taken for one that is still being written."""
        self.number += 1
        beside = self.folder / "beside"
        self.write(beside, lines_of(records(self.number)).encode())
        os.utime(beside, (1600000000, 1600000000 + self.number))
        beside.rename(self.inventory)

    def write(self, path, text):
        """Subclasses have inventories of other kinds."""
        path.write_bytes(text)

    def build(self):
        """The image of the inventory, as the command builds it."""
        expected = self.folder / "expected.admx"
        subprocess.run([ADMATCH, "build", str(self.inventory), "-o", str(expected)], check=True, capture_output=True, env={**os.environ, **self.variables})
        return expected

    def start(self, *options):
        self.offer()
        return self.serve(None, "admatch-refresh = 0", *options,
                          variables={**self.variables, "LD_PRELOAD": str(LIBRARY), "ADMATCH_FAILING": str(self.folder / "order")})

    def look(self, server):
        """Has the mule look at the inventory, and waits until it has: (whether it swapped, whether it refused)."""
        before = server.metrics()
        server.command("a")

        def counts():
            now = server.metrics()
            swaps, refusals = (now[name] - before[name] for name in ("admatch_swaps_total", "admatch_refusals_total"))
            return (swaps, refusals) if swaps or refusals else None

        return eventually("the mule has swapped or refused", counts)

    def serves(self, server, number):
        return all(server.decide(query="shoe", context={"device": "mobile"}).ads == [f"ad{number}"] for _ in range(4))

    def assert_image_is_whole(self, server):
        """A failure that was not told has left no trace in what serves: it is the image that the command builds."""
        published = re.findall(r" published: .* \((/.*)\)$", server.log(), re.M)[-1]
        self.assertEqual(pathlib.Path(published).read_bytes(), self.build().read_bytes())

    def files(self, server):
        return {path.name for path in server.state.iterdir()}

    def leave_neighbour(self, server):
        """The image and the note of another inventory, whose server does not run just now."""
        before = self.files(server)
        inventory = self.folder / "neighbour.jsonl"
        inventory.write_text('{"id": "neighbour", "advertiser": "n", "bid": 1, "keywords": ["shoe"]}\n')
        neighbour = self.serve(None, inventory=inventory, name="neighbour")
        added = self.files(server) - before
        neighbour.stop()
        self.assertEqual(len(added), 2)
        return added

    def try_failure(self, server, mule, left):
        """One allocation of a swap fails: the swap is refused, as a whole, or has not needed it."""
        before = self.number
        self.offer()
        self.order.fail(mule, left)
        swaps, refusals = self.look(server)
        failed, _ = self.order.read()
        self.assertEqual(server.mule(), mule, "the mule has not survived")
        if refusals:
            self.assertEqual((swaps, refusals, failed), (0, 1, 1))
            self.assertTrue(self.serves(server, before))
            told = server.log().rsplit(REFUSED, 1)[1].splitlines()[0]
            self.assertRegex(told, "out of memory|Cannot allocate memory|not enough memory")
            self.assertEqual(self.look(server), (1, 0), "the next try succeeds")
        eventually("the new ad is served", lambda: self.serves(server, self.number))
        return refusals

    def try_failures(self, server):
        """Of each allocation, or a sample; returns how many refused the swap."""
        neighbours = self.leave_neighbour(server)
        mule = eventually("there is a mule", server.mule)
        self.assertTrue(self.serves(server, self.number))
        self.offer()
        self.order.count(mule)
        self.assertEqual(self.look(server), (1, 0))
        _, count = self.order.read()
        eventually("all workers serve it", lambda: self.serves(server, self.number))
        files = len(os.listdir(f"/proc/{mule}/fd"))
        refused = 0
        for left in range(count):
            with self.subTest(allocation=left, of=count):
                refused += self.try_failure(server, mule, left)
                self.assert_image_is_whole(server)
                self.assertLessEqual(neighbours, self.files(server), "cleaning has removed what another inventory is served from")
        self.assertEqual(len(os.listdir(f"/proc/{mule}/fd")), files)
        self.offer()
        self.assertEqual(self.look(server), (1, 0))
        eventually("an image and its note: nothing that a failure has left behind", lambda: len(self.files(server) - neighbours) == 2)
        return refused, count


@unittest.skipIf(SANITIZER, "sanitizers have an allocator of their own")
class BuildFailureTest(SwapFailures):
    def test_any_allocation_of_a_build_may_fail(self):
        refused, count = self.try_failures(self.start())
        self.assertGreater(count, 50)
        self.assertGreater(refused, count // 2)


@unittest.skipIf(SANITIZER, "sanitizers have an allocator of their own")
class PackedBuildFailureTest(SwapFailures):
    def write(self, path, text):
        path.write_bytes(gzip.compress(text))

    def test_any_allocation_of_a_build_from_gzip_may_fail(self):
        refused, count = self.try_failures(self.start())
        self.assertGreater(refused, count // 2)


@unittest.skipIf(SANITIZER, "sanitizers have an allocator of their own")
class ImageFailureTest(SwapFailures):
    def write(self, path, text):
        source = self.folder / "source.jsonl"
        source.write_bytes(text)
        subprocess.run([ADMATCH, "build", str(source), "-o", str(path)], check=True, capture_output=True, env={**os.environ, **self.variables})

    def build(self):
        return self.inventory

    def test_any_allocation_of_a_swap_to_a_ready_image_may_fail(self):
        refused, _ = self.try_failures(self.start())
        self.assertGreater(refused, 5)


@unittest.skipIf(SANITIZER, "sanitizers have an allocator of their own")
class MoveFailureTest(SwapFailures):
    def is_idle(self, process):
        """Whether it allocates nothing for a while: the requests before have been cleared away."""
        self.order.count(process)
        time.sleep(0.1)
        return self.order.read()[1] == 0

    def try_move(self, server, worker, left):
        """Whether an allocation was made to fail."""
        self.offer()
        before = images_of(worker)
        eventually("the worker is idle", lambda: self.is_idle(worker))
        self.order.fail(worker, left)
        server.command("a")
        eventually("the worker has failed or moved", lambda: self.order.failed or before.isdisjoint(images_of(worker)))
        failed, _ = self.order.read()
        self.assertEqual(server.workers(), [worker], f"the worker has not survived the failure of allocation {left}")
        eventually("the worker has moved after all", lambda: before.isdisjoint(images_of(worker)))
        self.assertTrue(self.serves(server, self.number))
        return failed

    def test_any_allocation_of_a_move_may_fail(self):
        """In a worker. Nothing is asked of it meanwhile: uWSGI itself ends a process that cannot allocate for a request."""
        server = self.start("processes = 1")
        [worker] = server.workers()
        self.assertTrue(self.serves(server, self.number))
        for left in range(100):
            if not self.try_move(server, worker, left):
                break
        self.assertGreater(left, 3)
        self.assertIn("stays on the generation before it", server.log())


if __name__ == "__main__":
    unittest.main()
