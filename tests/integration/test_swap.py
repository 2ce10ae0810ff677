# SPDX-License-Identifier: Apache-2.0
"""New inventories while serving: who moves when, what is refused, and that nothing is lost."""

import concurrent.futures
import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
import unittest

from emperor import Emperor
from harness import BUILD, LOOP, SANITIZER, Answer, ServerTest, ad, children_of, eventually, forks_late, lines_of, mapped_images, put, status_of

OLD = [ad("old", "shoes")]
NEW = [ad("new", "shoes")]
MODES = {
    "prefork": (),
    "threads": ("threads = 4",),
    "one process": ("processes = 1",),
    "lazy-apps": ("lazy-apps = true",),
    "lazy": ("lazy = true",),
    "cheaper": ("processes = 4", "cheaper = 1"),
    # uWSGI's async loop itself fails with http11-socket: it adds the kept connection to its queue twice
    "async": ("plugin = /usr/lib/uwsgi/plugins/ugreen_plugin.so", "async = 4", "ugreen = true"),
}


def serves(server, name):
    """Whether every one of some requests in a row is answered with that ad."""
    return all(server.decide(query="shoes").ads == [name] for _ in range(8))


def processes(server):
    return [server.process.pid, *children_of(server.process.pid)]


def is_alive(pid):
    status = status_of(pid)
    return status is not None and not status["State"].startswith("Z")


class SwapTest(ServerTest):
    def test_a_renamed_file_is_served_in_each_mode(self):
        for mode, options in MODES.items():
            with self.subTest(mode=mode):
                if mode == "async" and LOOP:
                    continue  # a loop of its own
                if mode == "cheaper" and SANITIZER == "thread":
                    self.skipTest("the master forks late")
                protocol = "http-socket" if mode == "async" else "http11-socket"
                server = self.serve(OLD, *options, name=mode.replace(" ", "-"), protocol=protocol)
                before = server.generation()
                self.assertTrue(serves(server, "old"))
                put(self.inventory, NEW)
                eventually("the new ad is served", lambda: serves(server, "new"))
                self.assertNotEqual(server.generation(), before)
                server.stop()

    def test_a_file_rewritten_in_place_is_served(self):
        server = self.serve(OLD)
        self.inventory.write_text(lines_of(NEW))
        eventually("the new ad is served", lambda: serves(server, "new"))

    def test_a_file_with_an_older_time_and_the_same_size_is_served(self):
        server = self.serve(OLD)
        beside = self.folder / "beside"
        beside.write_text(lines_of(NEW))
        os.utime(beside, (1000000000, 1000000000))
        beside.rename(self.inventory)
        eventually("the new ad is served", lambda: serves(server, "new"))

    def test_a_link_that_is_pointed_elsewhere_is_followed(self):
        put(self.folder / "v1", OLD)
        put(self.folder / "v2", NEW)
        self.inventory.symlink_to("v1")
        server = self.serve()
        (self.folder / "link").symlink_to("v2")
        (self.folder / "link").rename(self.inventory)
        eventually("the new ad is served", lambda: serves(server, "new"))

    def test_many_swaps_in_a_row_end_with_the_last(self):
        server = self.serve(OLD)
        for number in range(20):
            put(self.inventory, [ad(f"ad{number}", "shoes")])
            time.sleep(0.1)
        eventually("the last ad is served", lambda: serves(server, "ad19"))

    def test_the_same_bytes_again_are_no_swap(self):
        server = self.serve(OLD)
        put(self.inventory, OLD)
        time.sleep(3)
        self.assertEqual(server.metrics()["admatch_swaps_total"], 0)

    def test_putting_the_old_file_back_brings_the_old_generation_back(self):
        server = self.serve(OLD)
        before = server.generation()
        put(self.inventory, NEW)
        eventually("the new ad is served", lambda: serves(server, "new"))
        put(self.inventory, OLD)
        eventually("the old ad is served", lambda: serves(server, "old"))
        self.assertEqual(server.generation(), before)

    def test_an_update_of_the_time_zones_is_a_new_generation(self):
        zones = self.folder / "zoneinfo"
        shutil.copytree("/usr/share/zoneinfo/Arctic", zones)
        at_noon = {"targeting": {"hour": [12]}, "timezone": "Longyearbyen"}
        server = self.serve([ad("a1", "shoes", **at_noon)], "admatch-test = true", variables={"TZDIR": str(zones)})
        midsummer_noon = {"query": "shoes", "now": "2026-06-29T10:30:00Z"}
        before = server.decide(**midsummer_noon)
        self.assertEqual(before.ads, ["a1"])
        shutil.copy("/usr/share/zoneinfo/America/New_York", zones / "new")
        (zones / "new").rename(zones / "Longyearbyen")
        eventually("the new zones are served", lambda: server.decide(**midsummer_noon).ads == [])
        self.assertNotEqual(server.decide(query="shoes").generation, before.generation)
        self.assertEqual(server.decide(query="shoes", now="2026-06-29T16:30:00Z").ads, ["a1"])

    def test_with_refresh_0_the_master_fifo_asks_for_a_look(self):
        server = self.serve(OLD, "admatch-refresh = 0")
        time.sleep(1)
        put(self.inventory, NEW)
        time.sleep(2)
        self.assertTrue(serves(server, "old"))
        server.command("a")
        eventually("the new ad is served", lambda: serves(server, "new"))
        server.command("a")
        server.logged("checked on demand: no change")

    def test_the_old_image_goes_when_its_last_reader_is_done(self):
        server = self.serve(OLD, "processes = 3", "threads = 2")
        old = server.images()
        for _ in range(50):
            server.decide(query="shoes")
        put(self.inventory, NEW)
        eventually("the new ad is served", lambda: serves(server, "new"))

        def unmapped():
            return not any("deleted" in path or old[0] in path for pid in processes(server) for path in mapped_images(pid))

        eventually("nobody maps the old image", unmapped)
        eventually("its file is gone", lambda: len(server.images()) == 1)
        self.assertNotEqual(server.images(), old)

    def test_a_change_that_leaves_size_and_times_is_seen(self):
        """As unpacking with fixed times leaves them; all but the ctime, which nobody can set."""
        server = self.serve([ad("one", "shoes")])
        before = self.inventory.stat()
        text = self.inventory.read_text().replace("one", "two")
        with open(self.inventory, "r+") as file:
            file.write(text)
        os.utime(self.inventory, ns=(before.st_atime_ns, before.st_mtime_ns))
        after = self.inventory.stat()
        self.assertEqual((after.st_ino, after.st_size, after.st_mtime_ns), (before.st_ino, before.st_size, before.st_mtime_ns))
        eventually("the change is served", lambda: serves(server, "two"))

    def test_a_change_of_rights_alone_is_no_publication(self):
        server = self.serve(OLD)
        found = server.metrics()["admatch_publication"]
        self.inventory.chmod(0o600)
        time.sleep(2.5)
        self.assertEqual(server.metrics()["admatch_publication"], found)
        self.assertEqual(server.metrics()["admatch_inventory_lags_total"], 0)

    def test_a_feed_that_is_replaced_faster_than_it_builds_is_published(self):
        many = "".join(lines_of([ad(f"ad{number}", f"word{number} other{number}")]) for number in range(30000))
        done = threading.Event()

        def replace():
            number = 0
            while not done.wait(0.1):
                number += 1
                put(self.inventory, (many + lines_of([ad(f"marker{number}", "shoes")])).encode())
            return number

        server = self.serve(OLD)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            last = pool.submit(replace)
            try:
                eventually("some are published", lambda: server.metrics()["admatch_swaps_total"] >= 4)
                eventually("they lag", lambda: server.metrics()["admatch_inventory_lags_total"] >= 1)
            finally:
                done.set()
        server.logged("publications lag: ")
        eventually("the last one is served", lambda: serves(server, f"marker{last.result()}"))
        eventually("they lag no longer", lambda: server.metrics()["admatch_inventory_lag_seconds"] == 0)
        self.assertEqual(server.metrics()["admatch_refusals_total"], 0)

    def test_no_request_fails_while_generations_come_and_go(self):
        server = self.serve([ad("ad0", "shoes")], "processes = 2", "threads = 4")
        failures, served, done = [], set(), threading.Event()

        def ask():
            connection = server.connect()
            while not done.is_set():
                try:
                    answer = connection.ask("POST", "/v1/decide", b'{"query":"shoes"}', {"Content-Type": "application/json"})
                    if answer.status != 200 or len(answer.ads) != 1 or answer.json["generation"] != answer.generation:
                        failures.append(answer.body)
                    served.add((answer.generation, answer.ads[0]))
                except Exception as error:  # whatever it is, it is the finding
                    failures.append(error)
                    return
            connection.close()

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for number in range(1, 6):
            put(self.inventory, [ad(f"ad{number}", "shoes")])
            eventually("it has been swapped", lambda: server.metrics()["admatch_swaps_total"] >= number)
        done.set()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(len({name for name, _ in served}), len(served))
        self.assertGreaterEqual(len(served), 4)


class RefusalTest(ServerTest):
    def refused(self, server, content, reason):
        before = server.metrics()["admatch_refusals_total"]
        put(self.inventory, content)
        server.logged(reason)
        eventually("the refusal is counted", lambda: server.metrics()["admatch_refusals_total"] > before)
        self.assertGreater(server.metrics()["admatch_last_refusal_timestamp_seconds"], time.time() - 60)
        self.assertTrue(serves(server, "old"))

    def test_broken_inventories_are_refused_with_their_reasons(self):
        server = self.serve(OLD)
        good = lines_of(NEW).encode()
        self.refused(server, b'{"id":"a","advertiser":"x","bid":-1,"keywords":["y"]}\n' + good, "inventory.jsonl:1: ")
        self.refused(server, good + b'{"id":"b",\n', "inventory.jsonl:2: ")
        self.refused(server, b"", "the generation before it goes on serving")
        put(self.inventory, NEW)
        eventually("the mended one is served", lambda: serves(server, "new"))

    def test_a_cut_gzip_file_is_refused(self):
        server = self.serve(OLD)
        packed = self.folder / "packed"
        put(packed, [ad(f"x{n}", f"word{n}") for n in range(2000)], packed=True)
        self.refused(server, packed.read_bytes()[:-100], "refused, the generation before it goes on serving")

    def test_a_damaged_image_is_refused(self):
        server = self.serve(OLD)
        damaged = bytearray((server.state / server.images()[0]).read_bytes())
        damaged[1000] ^= 0xFF
        self.refused(server, bytes(damaged), "checksum")

    def test_a_missing_inventory_is_reported_and_the_last_one_serves(self):
        server = self.serve(OLD)
        self.inventory.unlink()
        server.logged("cannot read the inventory")
        self.assertTrue(serves(server, "old"))
        put(self.inventory, NEW)
        eventually("the new ad is served", lambda: serves(server, "new"))

    def test_skip_leaves_bad_records_out_and_counts_them(self):
        server = self.serve(OLD, "admatch-on-error = skip")
        put(self.inventory, b'{"id":"bad","bid":-1}\n' + lines_of(NEW).encode())
        eventually("the new ad is served", lambda: serves(server, "new"))
        self.assertEqual(server.metrics()["admatch_skipped_records"], 1)
        self.assertIn("bad records were left out", server.log())
        server.stop()
        server.start()
        self.assertIn("found in", server.fresh_log())
        self.assertEqual(server.metrics()["admatch_skipped_records"], 1)

    def test_skip_does_not_leave_out_what_holds_for_all_records(self):
        server = self.serve(OLD, "admatch-on-error = skip")
        put(self.inventory, b'{"type":"inventory","currency":"eur"}\n' + lines_of(NEW).encode())
        server.logged("currency: expected")
        server.logged("inventory refused")
        self.assertTrue(serves(server, "old"))

    @unittest.skipIf(os.geteuid(), "only root can mount a small file system")
    def test_a_full_disk_is_refused_and_serving_goes_on_and_recovers(self):
        small = self.folder / "small"
        small.mkdir(mode=0o700)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=0700", "admatch-test", str(small)], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", str(small)], check=True)
        server = self.serve(OLD, f"admatch-state-dir = {small}")
        put(self.inventory, [ad(f"big{n}", f"word{n}", creative={"x": "y" * 500}) for n in range(2000)])
        server.logged("No space left on device")
        self.assertTrue(serves(server, "old"))
        self.assertEqual(list(small.glob("*.tmp")), [])
        put(self.inventory, NEW)
        eventually("the new ad is served", lambda: serves(server, "new"))


class RobustnessTest(ServerTest):
    def test_a_killed_mule_is_replaced_and_goes_on_watching(self):
        server = self.serve(OLD)
        for round_number in range(3):
            mule = server.mule()
            os.kill(mule, signal.SIGKILL)
            eventually("there is a new mule", lambda: server.mule() not in (None, mule))
            put(self.inventory, [ad(f"ad{round_number}", "shoes")])
            eventually("the new ad is served", lambda: serves(server, f"ad{round_number}"))

    @forks_late
    def test_a_killed_worker_comes_back_on_the_current_generation(self):
        server = self.serve(OLD)
        put(self.inventory, NEW)
        eventually("the new ad is served", lambda: serves(server, "new"))
        before = server.workers()
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        eventually("workers are back", lambda: len(server.workers()) == 2 and not set(server.workers()) & set(before))
        self.assertTrue(serves(server, "new"))

    def test_a_mule_killed_while_building_leaves_nothing_behind(self):
        server = self.serve(OLD)
        put(self.inventory, [ad(f"big{n}", f"word{n} other{n}") for n in range(30000)])
        for _ in range(5):
            mule = server.mule()
            time.sleep(0.4)
            if mule:
                os.kill(mule, signal.SIGKILL)
            eventually("there is a new mule", lambda: server.mule() not in (None, mule))
        put(self.inventory, NEW)
        eventually("the new ad is served", lambda: serves(server, "new"))
        eventually("nothing else is left", lambda: not [p for p in server.state.iterdir() if p.suffix in (".tmp", ".lock")])
        eventually("nor another image", lambda: len(server.images()) == 1)

    def test_a_mule_that_comes_after_a_swap_does_not_take_the_first_file_for_the_served_one(self):
        server = self.serve(OLD, "admatch-refresh = 0")
        kept = self.folder / "kept"
        os.link(self.inventory, kept)
        put(self.inventory, NEW)
        server.command("a")
        eventually("the new ad is served", lambda: serves(server, "new"))
        kept.rename(self.inventory)  # the very file that the server started with
        os.kill(server.mule(), signal.SIGKILL)
        eventually("the old ad is served", lambda: serves(server, "old"))

    def test_no_worker_outlives_a_killed_master_with_no_orphans(self):
        rights = [()]
        if os.geteuid() == 0:
            os.chmod(self.folder, 0o755)
            state = self.folder / "of-nobody"
            state.mkdir(mode=0o700)
            shutil.chown(state, "nobody", "nogroup")
            rights.append(("uid = nobody", "gid = nogroup", "master-as-root = true", f"admatch-state-dir = {state}"))
        for options in rights:
            with self.subTest(options=options):
                server = self.serve(OLD, "no-orphans = true", *options)
                others = children_of(server.process.pid)
                os.kill(server.process.pid, signal.SIGKILL)
                server.process.wait()
                eventually("all others end", lambda: not any(is_alive(pid) for pid in others))
                server.start()
                self.assertTrue(serves(server, "old"))
                server.stop()


class ReloadTest(ServerTest):
    def swapped(self, *options):
        server = self.serve(OLD, *options)
        put(self.inventory, NEW)
        eventually("the new ad is served", lambda: serves(server, "new"))
        return server

    @unittest.skipIf(SANITIZER, "sanitizers are loaded first themselves")
    @unittest.skipIf(LOOP, "the loop accepts by itself")
    def test_a_connection_that_was_just_accepted_is_answered_by_a_leaving_worker(self):
        for name, options in {"prefork": (), "threads": ("threads = 2",)}.items():
            with self.subTest(mode=name):
                server = self.serve(OLD, "processes = 1", *options, name=name, variables={"LD_PRELOAD": str(BUILD / "tests" / "slow_accept.so")})
                [worker] = server.workers()
                with contextlib.closing(server.connect()) as connection:
                    connection.request("GET", "/v1/decide?query=shoes")
                    time.sleep(0.2)
                    os.kill(worker, signal.SIGHUP)
                    answer = Answer(connection.getresponse())
                    self.assertEqual((answer.ads, answer.headers["Connection"]), (["old"], "close"))
                eventually("the worker has left", lambda: server.workers() not in ([], [worker]))
                server.stop()

    def test_a_graceful_reload_finds_the_image(self):
        server = self.swapped()
        server.process.send_signal(signal.SIGHUP)
        server.logged("binary reloading uWSGI")
        server.logged("generation", times=3)
        eventually("it serves again", server.answers)
        self.assertTrue(serves(server, "new"))
        self.assertEqual(server.metrics()["admatch_found_total"], 1)
        self.assertEqual(server.metrics()["admatch_builds_total"], 0)

    @forks_late
    def test_a_chain_reload_comes_up_on_the_current_generation(self):
        server = self.swapped("lazy-apps = true")
        before = set(server.workers())
        server.command("c")
        server.logged("chain reloading complete")
        self.assertFalse(before & set(server.workers()))
        self.assertTrue(serves(server, "new"))

    def test_touch_reload_works_as_always(self):
        touched = self.folder / "touch"
        touched.write_text("")
        server = self.swapped(f"touch-reload = {touched}")
        time.sleep(1.1)
        os.utime(touched)
        server.logged("binary reloading uWSGI")
        server.logged("generation", times=3)
        eventually("it serves again", lambda: server.answers() and serves(server, "new"))

    @forks_late
    def test_workers_that_cheaper_adds_later_are_current(self):
        server = self.swapped("processes = 4", "cheaper = 1")
        server.command("+")
        server.command("+")
        eventually("there are more workers", lambda: len(server.workers()) >= 2)
        self.assertTrue(serves(server, "new"))

    def test_a_reload_with_a_broken_inventory_serves_the_last_good_one(self):
        server = self.swapped()
        self.inventory.write_text("{broken\n")
        server.logged("refused")
        server.process.send_signal(signal.SIGHUP)
        server.logged("serving the last good generation")
        eventually("it serves again", server.answers)
        self.assertTrue(serves(server, "new"))
        put(self.inventory, OLD)
        eventually("the mended one is served", lambda: serves(server, "old"))

    @forks_late
    def test_a_vassal_that_is_touched_comes_up_on_the_current_generation(self):
        put(self.inventory, OLD)
        server = self.serve(None, start=False)
        with Emperor(self.folder, server):
            put(self.inventory, NEW)
            eventually("the new ad is served", lambda: serves(server, "new"))
            # the emperor compares whole seconds
            os.utime(server.ini, (time.time() + 2,) * 2)
            server.logged("binary reloading uWSGI")
            server.logged("generation", times=3)
            eventually("it serves again", lambda: server.answers() and serves(server, "new"))
            self.assertEqual(server.metrics()["admatch_builds_total"], 0)

    def test_a_restart_finds_the_image(self):
        server = self.swapped()
        server.stop()
        server.start()
        self.assertIn("found in", server.fresh_log())
        self.assertTrue(serves(server, "new"))


if __name__ == "__main__":
    unittest.main()
