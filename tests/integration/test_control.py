# SPDX-License-Identifier: Apache-2.0
"""`admatch control`: pauses that act at once, outlive whatever ends or begins, and leave a line in the log."""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import threading
import time

from harness import BUILD, eventually, put
from ledger import RECORDS, LedgerTest


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


class ControlTest(LedgerTest):
    def control(self, *arguments, status=0):
        done = subprocess.run([BUILD / "admatch", "control", "--ledger", self.ledger, *arguments], capture_output=True, text=True)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout if status == 0 else done.stderr

    def is_placed(self, server, query="running shoes"):
        answer = server.decide(query=query)
        return answer.status == 200 and bool(answer.json["slots"][0]["ads"])

    def has_workers(self, server):
        with contextlib.suppress(OSError):
            return bool(server.workers())
        return False

    def started(self, *options, **more):
        server = self.count(*options, **more)
        eventually("the ledger is held", lambda: "c1" in self.control("show") and (self.ledger / "control").exists())
        return server

    def test_a_pause_acts_at_once_and_is_lifted(self):
        server = self.started()
        for _ in range(5):
            self.assertTrue(self.is_placed(server))
            self.control("pause", "--campaign", "c1", "--reason", "wrong page")
            self.assertFalse(self.is_placed(server))
            self.assertTrue(self.is_placed(server, "tea pot"))
            lost = server.decide(query="running shoes", explain=True).json["explain"]["rejected"]
            self.assertEqual([ad["reason"] for ad in lost], ["paused"])
            self.control("resume", "--campaign", "c1")
        self.assertTrue(self.is_placed(server))
        self.control("pause", "--advertiser", "acme")
        self.assertFalse(self.is_placed(server))

    def test_nothing_is_placed_after_the_answer_under_load(self):
        server = self.started()
        placed, end = [], threading.Event()

        def ask():
            while not end.is_set():
                began = time.monotonic()
                if self.is_placed(server):
                    placed.append(began)

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        self.control("pause", "--campaign", "c1")
        answered = time.monotonic()
        time.sleep(0.5)
        end.set()
        for thread in threads:
            thread.join()
        self.assertTrue(placed)
        self.assertLess(max(placed), answered)

    def test_a_pause_outlives_a_swap_a_reload_kills_and_a_reboot(self):
        server = self.started()
        self.control("pause", "--campaign", "c1")
        before = server.generation()
        put(self.inventory, RECORDS + [{"id": "new", "campaign": "c1", "bid": 9, "keywords": ["running shoes"]}])
        eventually("the new inventory is served", lambda: server.generation() != before)
        self.assertFalse(self.is_placed(server))
        server.command("r")
        server.logged("gracefully (RE)spawned uWSGI master process")
        eventually("it answers again", lambda: server.decide(query="tea pot").status == 200 and self.has_workers(server))
        self.assertFalse(self.is_placed(server))
        os.kill(server.mule(), signal.SIGKILL)
        for worker in server.workers():
            os.kill(worker, signal.SIGKILL)
        eventually("it answers again", lambda: server.decide(query="tea pot").status == 200)
        self.assertFalse(self.is_placed(server))
        server.stop()
        shutil.rmtree(self.home)
        for snapshot in self.ledger.glob("snapshot-*"):
            snapshot.unlink()
        server.start()
        for _ in range(20):
            self.assertFalse(self.is_placed(server))
        eventually("it is held again", lambda: "paused by control" in self.control("show"))
        self.control("resume", "--campaign", "c1")
        self.assertTrue(self.is_placed(server))

    def test_a_pause_ends_at_its_time(self):
        server = self.started()
        until = stamp(3)
        self.control("pause", "--campaign", "c1", "--until", until)
        self.assertIn(f"paused until {until}", self.control("show"))
        self.assertFalse(self.is_placed(server))
        eventually("the pause has ended", lambda: self.is_placed(server))
        eventually("it is logged", lambda: [line["who"] for line in self.lines("control")][1:] == ["until"])

    def test_show_says_which_limit_it_is(self):
        budgets = {"day": {"daily": 5, "total": 200}, "flight": {"daily": 5, "total": 3}, "whole": {"total": 200}, "none": None}
        campaigns = [{"type": "campaign", "id": name, "advertiser": "acme", **({"budget": budget} if budget else {})} for name, budget in budgets.items()]
        self.count(records=[*campaigns, *({"id": f"ad {name}", "campaign": name, "bid": 1, "keywords": ["shoes"]} for name in budgets)])
        eventually("the ledger is held", lambda: "whole" in self.control("show"))
        shown = {line.split()[1]: line for line in self.control("show").splitlines()}
        for name, used in (("day", "0 of 5 daily"), ("flight", "0 of 3 total"), ("whole", "0 of 200 total"), ("none", "0 today")):
            self.assertIn(f"  {used}  ", shown[name])

    def test_each_change_is_in_the_log(self):
        self.started()
        self.control("pause", "--campaign", "c1", "--reason", 'a "reason"\nof two lines')
        self.control("pause", "--campaign", "c1")
        self.control("resume", "--campaign", "c1", "--reason", "fixed")
        found = [tuple(line.get(member) for member in ("change", "kind", "id", "before", "after", "reason")) for line in self.lines("control")]
        self.assertEqual(found, [("pause", "campaign", "c1", "inventory", "paused", 'a "reason"\nof two lines'),
                                 ("pause", "campaign", "c1", "paused", "paused", None),
                                 ("resume", "campaign", "c1", "paused", "inventory", "fixed")])
        self.assertEqual({line["who"] for line in self.lines("control")}, {f"uid {os.getuid()}"})
        self.assertTrue(self.agrees())

    def test_errors_say_what_is_allowed(self):
        server = self.started()
        for arguments, message in ((("pause", "--campaign", "none"), "there is no campaign none in the ledger"),
                                   (("resume", "--campaign", "c1"), "campaign c1 is not paused by control"),
                                   (("pause", "--campaign", "c1", "--until", "2020-01-01T00:00:00Z"), "--until is in the past")):
            self.assertIn(message, self.control(*arguments, status=1))
        for arguments, message in ((("stop", "--campaign", "c1"), "expected pause, resume or show, found 'stop'"),
                                   (("pause",), "--campaign ID or --advertiser ID is missing"),
                                   (("show", "--campaign", "c1"), "show takes no --campaign"),
                                   (("resume", "--campaign", "c1", "--until", stamp(9)), "--until is for pause"),
                                   (("show", "--reason", "x"), "--reason is for pause and resume"),
                                   (("pause", "--campaign", "c1", "--advertiser", "acme"), "one --campaign or --advertiser"),
                                   (("pause", "--campaign", "x" * 256), "an id has 1 to 255 bytes"),
                                   (("pause", "--campaign", "c1", "--until", "noon"), "--until is a time like"),
                                   (("pause", "--campaign", "c1", "--reason", "x" * 501), "--reason has at most 500 bytes")):
            self.assertIn(message, self.control(*arguments, status=2))
        (self.ledger / "control" / "strange.request").write_text("nonsense")
        eventually("what is no request is refused", lambda: (self.ledger / "control" / "strange.answer").exists())
        self.assertIn("none that this server knows", (self.ledger / "control" / "strange.answer").read_text())
        self.assertTrue(self.is_placed(server))

    def test_without_a_server_nothing_is_changed(self):
        server = self.started()
        server.stop()
        self.assertIn("no server took the request", self.control("pause", "--campaign", "c1", status=1))
        self.assertEqual(list((self.ledger / "control").iterdir()), [])
        server.start()
        self.assertTrue(self.is_placed(server))

    def test_a_damaged_file_of_overrides_stops_the_start(self):
        server = self.started()
        self.control("pause", "--campaign", "c1")
        server.stop()
        (self.ledger / "overrides.json").write_text("[{]")
        server.spawn()
        server.ends()
        self.assertIn("overrides.json: line 1", server.fresh_log())

    def test_a_pause_that_lost_its_override_is_lifted(self):
        server = self.started()
        overrides = self.ledger / "overrides.json"
        self.control("pause", "--campaign", "c1")
        overrides.write_text("[]")
        self.control("resume", "--campaign", "c1")
        self.assertTrue(self.is_placed(server))
        self.control("pause", "--campaign", "c1")
        overrides.write_text("[]")
        os.kill(server.mule(), signal.SIGKILL)
        server.logged("lifted pauses that overrides.json does not have")
        eventually("the pause is lifted", lambda: self.is_placed(server))
        self.assertNotIn("paused by control", self.control("show"))

    def test_a_stopped_publisher_stops_no_pause(self):
        server = self.started()
        with (self.home / "publisher").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.control("pause", "--campaign", "c1")
            self.assertFalse(self.is_placed(server))
            self.control("resume", "--campaign", "c1")
            self.assertTrue(self.is_placed(server))
