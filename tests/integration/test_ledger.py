# SPDX-License-Identifier: Apache-2.0
"""What survives: kills, reloads, a reboot, two instances on one ledger; what is refused; a disk without room; clocks that jump."""

import contextlib
import http.client
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest

from harness import BUILD, PATIENCE, SANITIZER, UWSGI, ad, children_of, eventually, forks_late, put, status_of
from ledger import BROWSER, RECORDS, LedgerTest, home_of, path_of, remove_home


def impressions(counters):
    return counters["c1"][1]


class RestartTest(LedgerTest):
    def fire_some(self, server, count):
        urls = [self.place(server)["urls"]["impression"] for _ in range(count)]
        for url in urls:
            self.fire(server, url)
        return urls

    def test_a_reload_forgets_nothing(self):
        server = self.count()
        unfired = self.place(server)["urls"]["impression"]
        fired = self.fire_some(server, 5)
        worker = server.workers()[0]
        server.process.send_signal(signal.SIGHUP)
        eventually("another worker serves", lambda: status_of(worker) is None and server.answers())
        self.fire(server, fired[0])
        self.fire(server, unfired)
        self.assertEqual(self.outcomes(server, "impression"), {"counted": 1, "duplicate": 1})
        self.assertEqual(impressions(self.counters()), 6)

    def test_a_restart_forgets_nothing(self):
        server = self.count()
        fired = self.fire_some(server, 5)
        server.stop()
        server.start()
        self.fire(server, fired[0])
        self.fire_some(server, 1)
        self.assertEqual(impressions(self.counters()), 6)

    def test_a_reboot_forgets_nothing(self):
        """The tmpfs is gone, the disk is there."""
        server = self.count()
        eventually("a new ledger's first save is on the disk", lambda: (self.ledger / "ring-index").exists())
        unfired = self.place(server)["urls"]["impression"]
        fired = self.fire_some(server, 5)
        server.stop()
        before = {name: cell for name, cell in self.recount_cells().items()}
        shutil.rmtree(self.home)
        server.start()
        server.logged("counted again from its snapshot")
        for url in fired:
            self.fire(server, url)
        self.assertEqual(self.outcomes(server, "impression"), {"duplicate": 5})
        self.assertEqual({name: cell for name, cell in self.recount_cells().items()}, before)
        self.fire(server, unfired)
        self.assertEqual(impressions(self.counters()), 6)
        self.assertTrue(self.lines("gap"))
        again = self.place(server)["urls"]["impression"]
        self.assertNotIn(again, fired)

    def test_after_a_reboot_that_cannot_be_saved_budgets_stop_until_it_can(self):
        budget = {"type": "campaign", "id": "c1", "advertiser": "acme", "budget": {"total": 100}}
        server = self.count(records=[budget, {"id": "a1", "campaign": "c1", "bid": 1, "keywords": ["shoes"], "url": "https://x.example/"}, ad("free", "tea")])
        eventually("the ledger steps", lambda: server.decide(query="shoes").ads == ["a1"])
        self.fire(server, self.place(server, "shoes")["urls"]["impression"])
        server.stop()
        shutil.rmtree(self.home)
        (self.ledger / "snapshot.new").mkdir()  # no snapshot can be written
        server.start()
        server.logged("cannot be saved")
        eventually("an ad without a budget runs", lambda: server.decide(query="tea").ads == ["free"])
        self.assertEqual(server.decide(query="shoes").ads, [])
        (self.ledger / "snapshot.new").rmdir()
        eventually("budgets are spent again", lambda: server.decide(query="shoes").ads == ["a1"])

    def recount_cells(self):
        return {(cell["kind"], cell["id"]): (cell["spend"], cell["impressions"], cell["clicks"]) for cell in self.recount()["cells"]}

    def test_shared_memory_that_is_removed_is_made_again(self):
        """As systemd's RemoveIPC does it."""
        server = self.count()
        self.fire_some(server, 5)
        shutil.rmtree(self.home)
        server.logged("its shared memory was removed")
        eventually("the server starts anew", lambda: server.fresh_log().count("counted again from its snapshot") == 1)
        eventually("it answers", server.answers)
        self.fire_some(server, 2)
        self.assertEqual(impressions(self.counters()), 7)

    @forks_late
    def test_an_ad_that_a_swap_removes_still_counts(self):
        server = self.count()
        urls = self.place(server)["urls"]
        put(self.inventory, [ad("new", "tea")])
        eventually("the new inventory serves", lambda: server.decide(query="tea").ads == ["new"])
        self.fire(server, urls["impression"])
        self.assertEqual(self.fire(server, urls["click"]).status, 302)
        self.assertEqual(self.counters()["c1"], (0.00125, 1, 1))
        self.assertEqual(self.lines("click")[0]["keyword"], "running shoes")


class SizeTest(LedgerTest):
    def test_admatch_inflight_sizes_the_shared_memory(self):
        server = self.count("admatch-inflight = 1024")
        self.assertRegex(server.log(), r"ledger .*: 3 MB of shared memory for counters")
        self.fire(server, self.place(server)["urls"]["impression"])
        self.assertEqual(impressions(self.counters()), 1)


class EndTest(LedgerTest):
    """A clean end leaves on the disk all that a planned reboot needs, so that it loses nothing."""

    def newest_snapshot(self):
        return max(path.name for path in self.ledger.glob("snapshot-*"))

    def is_saved_by(self, end, *options):
        server = self.count(*options)
        eventually("the mule tends the ledger", lambda: len(list(self.ledger.glob("snapshot-*"))) == 2)
        placed = [self.place(server)["urls"]["impression"] for _ in range(5)]
        for url in placed[:4]:
            self.fire(server, url)
        before = self.newest_snapshot()
        self.place(server)
        end(server)
        self.assertIn("saved for the end of this process", server.log())
        self.assertGreater(self.newest_snapshot(), before)
        lines = self.lines()
        self.assertEqual(sum(line["e"] == "decision" for line in lines), 6)
        cells = [cell for line in lines if line["e"] == "counters" and line["cut"] > lines[0]["t"] for cell in line.get("cells", ())]
        self.assertEqual([cell["impressions"] for cell in cells if cell["id"] == "c1"][-1], 4)
        server.stop()
        shutil.rmtree(self.home)
        server.start()
        for url in placed:
            self.fire(server, url)
        self.assertEqual(self.outcomes(server, "impression"), {"counted": 1, "duplicate": 4})
        self.assertEqual(impressions(self.counters()), 5)

    def test_on_sigint(self):
        self.is_saved_by(lambda server: (server.process.send_signal(signal.SIGINT), server.ends()))

    def test_on_sigterm(self):
        self.is_saved_by(lambda server: (server.process.send_signal(signal.SIGTERM), server.ends()), "die-on-term = true")

    def test_on_uwsgi_stop(self):
        pidfile = self.folder / "pid"
        self.is_saved_by(lambda server: (subprocess.run([UWSGI, "--stop", pidfile], check=True), server.ends()), f"pidfile = {pidfile}")

    def test_on_a_graceful_end(self):
        self.is_saved_by(lambda server: (server.command("q"), server.ends()))

    def test_on_a_reload(self):
        def reload(server):
            worker = server.workers()[0]
            server.process.send_signal(signal.SIGHUP)
            eventually("another worker serves", lambda: status_of(worker) is None and server.answers())
        self.is_saved_by(reload)

    def test_while_workers_still_end(self):
        """The ledger is stepped, and saved, when the last event of a worker that takes its time is counted."""
        server = self.count("worker-reload-mercy = 20")
        url = self.place(server)["urls"]["impression"]
        slow = server.connect()
        slow.sock = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
        slow.sock.sendall(f"GET {path_of(url)} HTTP/1.1\r\nHost: x\r\n".encode())
        time.sleep(0.3)
        server.command("q")
        time.sleep(1.5)
        slow.sock.sendall(b"User-Agent: Mozilla/5.0 (X11)\r\n\r\n")
        answer = slow.sock.recv(4096)
        server.ends()
        counted = b" 200 " in answer
        cells = [cell for line in self.lines("counters") for cell in line.get("cells", ()) if cell["id"] == "c1"]
        self.assertEqual(cells[-1]["impressions"], int(counted))


class KillTest(LedgerTest):
    """Exactly once under kill -9: whatever was answered is counted once, and the log's sum is the counters."""

    KILLS = 20

    def setUp(self):
        super().setUp()
        self.answered, self.asked, self.stopping = set(), set(), False

    def browse(self, server):
        """Places ads and fires their impressions, most of them twice, until it is told to stop."""
        while not self.stopping:
            with contextlib.suppress(OSError, http.client.HTTPException, KeyError, ValueError):
                connection = server.connect()
                with contextlib.closing(connection):
                    while not self.stopping:
                        urls = connection.ask("GET", "/v1/decide?query=running+shoes").json["slots"][0]["ads"][0]["urls"]
                        for _ in range(2):
                            self.asked.add(urls["impression"])
                            if connection.ask("GET", path_of(urls["impression"]), headers=BROWSER).status == 200:
                                self.answered.add(urls["impression"])

    def under_load(self, server, kill):
        threads = [threading.Thread(target=self.browse, args=(server,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        random_source = random.Random(9)
        try:
            for _ in range(self.KILLS):
                time.sleep(random_source.uniform(0.05, 0.3))
                kill(server, random_source)
        finally:
            time.sleep(0.5)
            self.stopping = True
            for thread in threads:
                thread.join()
        eventually("somebody holds the ledger", lambda: server.metrics()["admatch_ledger_holder"] == 1)
        time.sleep(2.5)

    def assert_exact(self, server):
        """An answered event counts once; one that was asked for and not answered, once at most."""
        counted = {}
        for line in self.lines("impression"):
            if line["billable"]:
                counted[line["id"]] = counted.get(line["id"], 0) + 1
        self.assertEqual({count for count in counted.values()}, {1})
        self.assertGreaterEqual(len(counted), len(self.answered))
        self.assertLessEqual(len(counted), len(self.asked))
        self.assertGreater(len(self.answered), 100)
        self.assertEqual(impressions(self.counters()), len(counted))

    @forks_late
    def test_workers_that_are_killed(self):
        server = self.count("processes = 3", "threads = 2")

        def kill(server, random_source):
            with contextlib.suppress(ProcessLookupError, OSError, ValueError):
                os.kill(random_source.choice(server.workers()), signal.SIGKILL)

        self.under_load(server, kill)
        self.assert_exact(server)

    @forks_late
    def test_holders_that_are_killed(self):
        server = self.count("processes = 2", "threads = 2")

        def kill(server, random_source):
            with contextlib.suppress(ProcessLookupError, OSError, ValueError, TypeError):
                os.kill(server.mule(), signal.SIGKILL)

        self.under_load(server, kill)
        self.assert_exact(server)

    def test_a_server_that_is_killed_as_a_whole(self):
        server = self.count("processes = 2", "threads = 4")
        self.KILLS = 3

        def kill(server, random_source):
            time.sleep(0.5)
            everybody = [server.process.pid, *children_of(server.process.pid)]
            os.killpg(server.process.pid, signal.SIGKILL)
            server.process.wait()
            eventually("all of it is gone", lambda: not any(os.path.exists(f"/proc/{pid}") for pid in everybody))
            server.start()

        self.under_load(server, kill)
        self.assert_exact(server)


class TwoInstancesTest(LedgerTest):
    def test_two_instances_count_together(self):
        one, two = self.count(name="one"), self.count(name="two", records=None)
        urls = [self.place(one)["urls"], self.place(two)["urls"]]
        for pair in urls:
            self.fire(one, pair["impression"])
            self.fire(two, pair["impression"])
        self.assertEqual(impressions(self.counters()), 2)
        eventually("one of them holds it", lambda: sum(server.metrics()["admatch_ledger_holder"] for server in (one, two)) == 1)
        holder, other = (one, two) if one.metrics()["admatch_ledger_holder"] else (two, one)
        holder.stop()
        eventually("the other one takes over", lambda: other.metrics()["admatch_ledger_holder"] == 1, 5)
        self.fire(other, self.place(other)["urls"]["impression"])
        self.assertEqual(impressions(self.counters()), 3)

    def test_another_inventory_is_refused(self):
        self.count(name="one")
        put(self.folder / "other.jsonl", [ad("x", "tea")])
        two = self.count(name="two", records=None, inventory=self.folder / "other.jsonl", start=False).spawn()
        self.assertEqual(two.ends(), 1)
        two.logged("cannot start: ")


@unittest.skipIf(os.geteuid() != 0, "only root can become another user")
class RightsTest(LedgerTest):
    """The ledger is the workers', whatever the master keeps."""

    def test_another_user_counts(self):
        for option in ("master-as-root = true", "drop-after-init = true", ""):
            with self.subTest(option):
                name = option.partition(" ")[0] or "at-once"
                ledger = self.folder / name
                for folder in (ledger, self.folder / f"state-{name}"):
                    folder.mkdir(mode=0o700)
                    shutil.chown(folder, "nobody", "nogroup")
                shutil.chown(self.folder, "nobody", "nogroup")
                keys = self.folder / f"keys-{name}"
                keys.write_text("00112233445566778899aabbccddeeff\n")
                keys.chmod(0o600)
                shutil.chown(keys, "nobody", "nogroup")
                self.addCleanup(remove_home, ledger)
                server = self.count(f"admatch-ledger = {ledger}", "uid = nobody", "gid = nogroup", option, f"admatch-state-dir = {self.folder}/state-{name}",
                                    f"admatch-keys = {keys}", name=name)
                url = self.place(server)["urls"]["impression"]
                self.fire(server, url)
                self.assertEqual(self.outcomes(server, "impression"), {"counted": 1})
                self.assertEqual({path.owner() for folder in (ledger, home_of(ledger)) for path in folder.rglob("*")}, {"nobody"})
                keys.write_text("ffeeddccbbaa99887766554433221100\n")
                eventually("the new key signs", lambda: self.place(server)["urls"]["impression"][:35] != url[:35])
                server.stop()


class RefusalTest(LedgerTest):
    def refused(self, *options, **more):
        server = self.count(*options, start=False, **more).spawn()
        self.assertEqual(server.ends(), 1, server.log())
        return server.fresh_log()

    def stopped(self):
        """A ledger that nobody has open, down to the last thread."""
        server = self.count()
        everybody = [server.process.pid, *children_of(server.process.pid)]
        server.stop()
        eventually("all of it is gone", lambda: not any(os.path.exists(f"/proc/{pid}") for pid in everybody))

    def test_a_public_url_needs_a_ledger(self):
        server = self.serve(RECORDS, "admatch-public-url = https://ads.example", start=False).spawn()
        self.assertEqual(server.ends(), 1)
        server.logged("admatch-public-url needs admatch-ledger")

    def test_values_that_cannot_be_used(self):
        for option, words in (("admatch-public-url = ads.example", "expected a URL"), ("admatch-public-url = https://ads.example/", "expected a URL"),
                              ("admatch-trusted = 10.0.0.1/8", "10.0.0.0/8"), ("admatch-click-rates = 5", "admatch-click-rates = 5: expected a rate"),
                              ("admatch-keys = /nonexistent", "/nonexistent"), ("admatch-robots = /nonexistent", "/nonexistent"),
                              ("admatch-ring = 5", "expected a whole number"), ("admatch-terms = 10000001", "expected a whole number from 0 to 10000000"),
                              ("admatch-inflight = 5", "expected a whole number from 1024"), ("admatch-caps = 5", "expected a whole number from 1048576"),
                              ("admatch-reserve = 0", "expected a whole number from 1 to 86400"), ("admatch-reserve-bids = 0", "expected a whole number from 1 to 86400"), ("admatch-log-query = some", "expected full, normalised or none"),
                              ("admatch-events = " + "x" * 65, "at most 12 names")):
            with self.subTest(option):
                self.assertIn(words, self.refused(option))

    def test_another_version_is_refused_and_left_alone(self):
        self.stopped()
        for name, offset in (("live", 8), ("events", 8)):
            path = self.home / name
            whole = path.read_bytes()
            with open(path, "r+b") as file:
                file.seek(offset)
                file.write(b"\x63")
            changed = path.read_bytes()
            with self.subTest(name):
                self.assertIn("version", self.refused(name=f"version-{name}"))
                self.assertEqual(path.read_bytes(), changed)
            path.write_bytes(whole)

    def test_a_damaged_file_is_refused_and_left_alone(self):
        self.stopped()
        path = self.home / "live"
        whole = path.read_bytes()
        path.write_bytes(whole[:16384] + b"\xff" * (len(whole) - 16384))
        changed = path.read_bytes()
        self.assertIn("cannot start: ", self.refused(name="damaged"))
        after = path.read_bytes()
        self.assertEqual(len(after), len(changed))
        # Before that are the members: processes of the server before, which have ended, are noted as gone.
        self.assertEqual(after[16384:], changed[16384:])
        path.write_bytes(whole[:100_000])
        self.assertIn("cannot start: ", self.refused(name="cut"))

    def test_what_is_missing_from_a_ledger_that_has_counted_is_said(self):
        self.stopped()
        for name in ("owner", "key"):
            with self.subTest(name):
                (self.ledger / name).rename(self.folder / name)
                self.assertIn(f"{name} is missing, and the ledger has counted already", self.refused(name=f"without-{name}"))
                self.assertFalse((self.ledger / name).exists())
                (self.folder / name).rename(self.ledger / name)
        (self.ledger / "id").unlink()
        capped = {"type": "campaign", "id": "c1", "advertiser": "acme", "frequency_caps": [{"max_impressions": 2, "period": "1d"}]}
        server = self.count(records=[capped, *(record for record in RECORDS if record.get("id") != "c1")], name="without-id")
        server.logged("its file id was missing")
        server.logged("no frequency caps are kept")

    def test_another_currency_is_refused(self):
        self.count().stop()
        self.assertIn("is in EUR", self.refused(name="euro", records=[{"type": "inventory", "currency": "EUR"}, *RECORDS]))

    def test_a_folder_that_cannot_be_written(self):
        self.assertIn("cannot start: ", self.refused("admatch-ledger = /proc/nowhere"))

    def test_a_start_says_how_much_shared_memory_it_takes(self):
        server = self.count()
        server.logged("of shared memory for counters")


@unittest.skipIf(SANITIZER, "another library is loaded before the server")
class ClockTest(LedgerTest):
    """The server's wall clock is moved; nobody else's."""

    def setUp(self):
        super().setUp()
        self.clock = self.folder / "clock"
        self.shift(0)

    def shift(self, seconds):
        with open(self.clock, "r+b" if self.clock.exists() else "wb") as file:
            file.write(struct.pack("q", seconds))

    def serve_by_it(self, *options, **more):
        return self.count("processes = 2", "threads = 2", *options, **more, variables={"LD_PRELOAD": str(BUILD / "tests" / "shifted_clock.so"), "ADMATCH_CLOCK": str(self.clock)})

    def fire_some(self, server, count=5):
        for _ in range(count):
            self.fire(server, self.place(server)["urls"]["impression"])

    def files(self, ending):
        return {path.name for path in (self.ledger / "log").glob(f"*{ending}")}

    def test_files_are_rotated_and_compressed_without_a_line_lost(self):
        server = self.serve_by_it()
        self.fire_some(server)
        before = {line["n"] for line in self.lines()}
        self.shift(3600)
        self.fire_some(server)
        eventually("the hour's files are closed and compressed", lambda: self.files(".jsonl.gz"), 150)
        self.shift(7200)
        self.fire_some(server)
        eventually("the decisions are logged", lambda: len(self.lines("decision")) == 15)
        lines = [line["n"] for line in self.lines()]
        self.assertEqual(len(lines), len(set(lines)))
        self.assertLess(before, set(lines))
        self.assertEqual(len({line["t"][:13] for line in self.lines("impression")}), 3)
        self.assertEqual(impressions(self.counters()), 15)

    def test_clocks_that_jump_cost_no_count(self):
        server = self.serve_by_it()
        total = 0
        for seconds in (0, 5, -5, 90000, -90000, 0):
            self.shift(seconds)
            self.fire_some(server)
            total += 5
            url = self.place(server)["urls"]["impression"]
            self.fire(server, url)
            self.fire(server, url)
            total += 1
            with self.subTest(seconds):
                self.assertEqual(self.outcomes(server, "impression"), {"counted": total, "duplicate": total // 6})
                eventually("the counters agree", self.agrees)
                self.assertEqual(impressions(self.counters()), total)
        server.stop()
        server.start()
        self.fire_some(server, 1)
        eventually("the counters agree, once the holder has logged them", self.agrees)
        self.assertEqual(impressions(self.counters()), total + 1)

    def test_a_budget_lowered_after_a_step_back_holds(self):
        def records(impressions):
            return [{"type": "campaign", "id": "c1", "advertiser": "acme", "budget": {"impressions": {"total": impressions}}, "pacing": "asap"}, {"id": "a1", "campaign": "c1", "bid": 1000, "keywords": ["shoes"]}]

        self.shift(60)
        server = self.serve_by_it(records=records(1000))

        def shown(tries):
            return sum(len(server.decide(query="shoes").json["slots"][0]["ads"]) for _ in range(tries))

        eventually("it runs", lambda: shown(1) == 1)
        self.shift(0)
        before = server.generation()
        put(self.inventory, records(3))
        eventually("the lowered budget serves", lambda: server.generation() != before)
        self.assertEqual(shown(20), 2)

    def test_after_admatch_reserve_an_event_is_late(self):
        server = self.serve_by_it("admatch-reserve = 5")
        for seconds in (3, 8, 70):
            url = self.place(server)["urls"]["impression"]
            self.shift(seconds)
            self.fire(server, url)
            self.shift(0)
        self.assertEqual([line.get("late", False) for line in self.lines("impression")], [False, True, True])
        self.assertEqual(impressions(self.counters()), 3)

    def test_an_event_that_comes_too_late_is_expired(self):
        server = self.serve_by_it()
        urls = self.place(server)["urls"]
        self.fire(server, urls["impression"])
        late = self.place(server)["urls"]
        self.shift(3700)
        self.fire(server, late["impression"])
        self.assertEqual(self.fire(server, urls["click"]).status, 302)
        self.shift(90000)
        self.assertEqual(self.fire(server, late["click"]).status, 302)
        self.assertEqual(self.outcomes(server, "impression"), {"counted": 1, "expired": 1})
        self.assertEqual(self.outcomes(server, "click"), {"counted": 1, "expired": 1})


@unittest.skipIf(os.geteuid() != 0, "mounts a file system")
class FullDiskTest(LedgerTest):
    def setUp(self):
        super().setUp()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=640k", "ledger", self.ledger], capture_output=True)
        if done.returncode:
            self.skipTest("may not mount")
        self.addCleanup(subprocess.run, ["umount", "-l", self.ledger], check=True)
        self.ledger.chmod(0o700)
        self.addCleanup(remove_home, self.ledger)

    def test_events_count_on_while_the_disk_is_full(self):
        server = self.count()
        self.fire(server, self.place(server)["urls"]["impression"])
        filler = self.ledger / "filler"
        with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
            while file.write(bytes(4096)):
                continue
        for _ in range(40):
            self.assertEqual(self.fire(server, self.place(server)["urls"]["impression"]).status, 200)
        eventually("lost lines are told", lambda: server.metrics()["admatch_log_lost_total"] > 0)
        new = self.place(server, "tea pot")["urls"]["impression"]  # whose names find no room
        self.assertEqual(self.fire(server, new).status, 200)
        self.assertEqual(self.outcomes(server, "impression"), {"counted": 42})
        filler.unlink()
        eventually("the log says what it lacks", lambda: any(line["reason"] == "full" for line in self.lines("gap")), 30)
        eventually("counters follow", self.agrees, 30)
        self.fire(server, self.place(server)["urls"]["impression"])
        self.assertEqual(impressions(self.counters()), 42)


if __name__ == "__main__":
    unittest.main()
