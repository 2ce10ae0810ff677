# SPDX-License-Identifier: Apache-2.0
"""loop = admatch: bounds, timeouts, and how workers come and go while clients keep their connections."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import resource
import signal
import socket
import threading
import time
import unittest

from harness import SANITIZER, ServerTest, ad, eventually, forks_late, put
from test_loop import ADS, BLOCKING, GET, Raw, post

LOOP = "loop = admatch"


class KeptClients:
    """Threads that ask one request after the other on kept connections. A connection may end between two requests only when the
    answer before has said so: `broken` has what else went wrong."""

    def __init__(self, server, count=8):
        self.server, self.over = server, threading.Event()
        self.answers, self.renewed, self.broken = 0, 0, []
        self.threads = [threading.Thread(target=self.ask) for _ in range(count)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def ask(self):
        connection = self.server.connect()
        while not self.over.is_set():
            try:
                answer = connection.ask("GET", "/v1/decide?query=running+shoes")
                if answer.status != 200 or answer.ads != ["shoes"]:
                    self.broken.append((answer.status, answer.body))
                self.answers += 1
                if answer.headers["Connection"] == "close":
                    self.renewed += 1
                    connection.close()
            except (OSError, http.client.HTTPException) as error:
                self.broken.append(repr(error))
                connection.close()
        connection.close()


class TimeoutTest(ServerTest):
    def closed(self, server, reason):
        return server.metrics()[f'admatch_loop_closed_total{{reason="{reason}"}}']

    def raw(self, server, **options):
        raw = Raw(server.port, **options)
        self.addCleanup(raw.close)
        return raw

    def lasts(self, raw, least, most):
        began = time.monotonic()
        self.assertTrue(raw.ends())
        self.assertTrue(least <= time.monotonic() - began <= most, time.monotonic() - began)

    def test_connections_at_rest_end(self):
        server = self.serve(ADS, LOOP, "admatch-idle-timeout = 2", "no-defer-accept = true")
        new, used = self.raw(server), self.raw(server)
        used.send(GET).answer()
        self.lasts(new, 0.5, 5)
        self.lasts(used, 0, 2)
        eventually("both are counted", lambda: self.closed(server, "idle_timeout") == 2)

    def test_requests_put_the_end_off(self):
        server = self.serve(ADS, LOOP, "admatch-idle-timeout = 2")
        raw = self.raw(server)
        for _ in range(6):
            self.assertEqual(raw.send(GET).answer()[0], 200)
            time.sleep(1)

    def test_a_head_must_come_in_time_however_many_pieces_it_has(self):
        server = self.serve(ADS, LOOP, "admatch-head-timeout = 1")
        raw, began = self.raw(server), time.monotonic()
        with contextlib.suppress(OSError):
            raw.send(b"GET /" + b"a" * 1000, pause=0.1, piece=1)
        self.assertLess(time.monotonic() - began, 5)
        self.assertTrue(raw.ends())
        eventually("it is counted", lambda: self.closed(server, "head_timeout") == 1)

    def test_a_body_that_does_not_come_in_time_is_refused(self):
        server = self.serve(ADS, LOOP, "admatch-body-timeout = 1")
        for data in (post(b"x" * 100)[:-10], post(b"5\r\nabc", "Transfer-Encoding: chunked")):
            answer = self.raw(server).send(data).answer()
            self.assertEqual((answer[0], answer[1]["Connection"]), (400, "close"))
        self.assertEqual(self.closed(server, "body_timeout"), 2)

    def test_an_answer_must_be_taken_in_time(self):
        server = self.serve(ADS, LOOP, "admatch-write-timeout = 1", "admatch-preview = true")
        raw = self.raw(server, receive_buffer=2048)
        request = f"GET /preview?text={'running+shoes+' * 120} HTTP/1.1\r\nHost: h\r\n\r\n".encode()
        raw.socket.setblocking(False)
        with contextlib.suppress(OSError):
            while True:
                raw.socket.send(request)
        eventually("it is counted", lambda: self.closed(server, "write_timeout") == 1)
        self.assertEqual(server.metrics()["admatch_loop_buffered_bytes"], 0)


class BoundTest(ServerTest):
    def raws(self, server, count):
        raws = [Raw(server.port) for _ in range(count)]
        for raw in raws:
            self.addCleanup(raw.close)
        return raws

    def test_at_the_bound_the_connection_that_rests_longest_makes_room(self):
        server = self.serve(ADS, LOOP, "processes = 1", "admatch-connections = 20")
        old = self.raws(server, 19)
        for raw in old:
            self.assertEqual(raw.send(GET).answer()[0], 200)
        time.sleep(2.1)
        for raw in old[5:]:
            self.assertEqual(raw.send(GET).answer()[0], 200)
        new = self.raws(server, 4)
        for raw in new:
            self.assertEqual(raw.send(GET).answer()[0], 200)
        self.assertEqual([raw.ends() for raw in old[:3]].count(True), 3)
        for raw in old[5:]:
            self.assertEqual(raw.send(GET).answer()[0], 200)
        time.sleep(1.1)
        metrics = server.metrics()
        self.assertGreaterEqual(metrics['admatch_loop_closed_total{reason="evicted"}'], 3)
        self.assertLessEqual(metrics["admatch_loop_connections"], 20)

    def test_at_the_bound_nobody_makes_room_for_nobody(self):
        server = self.serve(ADS, LOOP, "processes = 1", "admatch-connections = 10")
        raws = self.raws(server, 10)
        for raw in raws:
            self.assertEqual(raw.send(GET).answer()[0], 200)
        time.sleep(4)
        for raw in raws:
            self.assertEqual(raw.send(GET).answer()[0], 200)

    def test_at_the_bound_new_connections_wait_while_all_others_work(self):
        server = self.serve(ADS, LOOP, "processes = 1", "admatch-connections = 8", "admatch-head-timeout = 30")
        busy = self.raws(server, 8)
        for raw in busy:
            raw.send(GET[:30])
        time.sleep(0.5)
        waiting = self.raws(server, 3)
        for raw in waiting:
            raw.send(GET)
        time.sleep(1.5)
        for raw in busy:
            self.assertEqual(raw.send(GET[30:]).answer()[0], 200)
            raw.close()
        for raw in waiting:
            self.assertEqual(raw.answer()[0], 200)
            raw.close()
        self.assertGreaterEqual(server.metrics()["admatch_loop_pauses_total"], 1)
        self.assertIn("accepting pauses", server.log())

    def test_without_descriptors_new_connections_wait(self):
        server = self.serve(ADS, LOOP, "processes = 1")
        worker = server.workers()[0]
        kept = self.raws(server, 3)
        for raw in kept:
            self.assertEqual(raw.send(GET).answer()[0], 200)
        used = max(int(path.name) for path in pathlib.Path(f"/proc/{worker}/fd").iterdir()) + 1
        before = resource.prlimit(worker, resource.RLIMIT_NOFILE, (used, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        for raw in kept:
            raw.send(GET[:10])
        waiting = self.raws(server, 5)
        for raw in waiting:
            raw.send(GET)
        server.logged("Too many open files (raise max-fd, or lower admatch-connections)")
        for raw in kept:
            self.assertEqual(raw.send(GET[10:]).answer()[0], 200)
        cpu = self.cpu_of(worker)
        time.sleep(1)
        self.assertLess(self.cpu_of(worker) - cpu, 0.3, "it does not spin")
        resource.prlimit(worker, resource.RLIMIT_NOFILE, before)
        for raw in waiting:
            self.assertEqual(raw.answer()[0], 200)

    def cpu_of(self, pid):
        return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9

    def test_fewer_connections_where_fewer_files_may_be_open(self):
        server = self.serve(ADS, LOOP, "max-fd = 300", "processes = 1", start=False).spawn()
        server.logged("172 connections instead of the 10000 of admatch-connections, since the limit of open files is 300")

    def test_a_low_limit_of_open_files_does_not_raise_the_bound(self):
        server = self.serve(ADS, LOOP, "max-fd = 100", "admatch-connections = 10", "processes = 1")
        for raw in self.raws(server, 12):
            raw.send(GET[:10])
        server.logged("accepting pauses (admatch-connections is reached, and none is idle)")

    def test_pieces_have_a_bound_of_their_own(self):
        server = self.serve(ADS, LOOP, "processes = 1", "admatch-connection-memory = 1048576", "admatch-body-timeout = 60")
        raws, body = self.raws(server, 40), b'{"query":"running shoes","title":"%s"}' % (b"x" * 60000)
        for raw in raws:
            with contextlib.suppress(OSError):
                raw.send(post(body)[:-10])
        eventually("some are closed", lambda: server.metrics()['admatch_loop_closed_total{reason="memory"}'] >= 10)
        metrics = server.metrics()
        self.assertLessEqual(metrics["admatch_loop_buffered_bytes"], 1048576)
        self.assertIn("admatch-connection-memory", server.log())
        answered = 0
        for raw in raws:
            with contextlib.suppress(OSError):
                answer = raw.send(post(body)[-10:]).answer()
                answered += answer is not None and answer[0] == 200
        self.assertGreaterEqual(answered, 8)
        self.assertEqual(server.metrics()["admatch_loop_buffered_bytes"], 0)

    @unittest.skipIf(SANITIZER, "sanitizers have memory of their own")
    def test_a_connection_at_rest_costs_little(self):
        server = self.serve(ADS, LOOP, "processes = 1")
        worker = server.workers()[0]
        server.ask("GET", "/healthz")
        before = self.pss_of(worker)
        raws = self.raws(server, 800)
        for raw in raws:
            self.assertEqual(raw.send(GET).answer()[0], 200)
        self.assertLess((self.pss_of(worker) - before) / 800, 4, "KiB")

    def pss_of(self, pid):
        return int(re.search(r"^Pss: +(\d+)", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)[1])

    def test_processes_share_the_connections(self):
        server = self.serve(ADS, LOOP, "processes = 2")
        before = {worker["pid"]: worker["requests"] for worker in server.stats()["workers"]}
        for raw in self.raws(server, 200):
            self.assertEqual(raw.send(GET).answer()[0], 200)
        shares = [worker["requests"] - before[worker["pid"]] for worker in server.stats()["workers"]]
        self.assertIn(sum(shares), (200, 201))  # the one that found the server started may be counted late
        self.assertGreater(min(shares), 40, shares)


class EndTest(ServerTest):
    def assert_unharmed(self, clients, least=1):
        self.assertEqual(clients.broken, [])
        self.assertGreater(clients.answers, 100)
        self.assertGreaterEqual(clients.renewed, least)

    @forks_late
    def test_workers_reload_under_kept_connections(self):
        (self.folder / "touch").write_text("")
        os.utime(self.folder / "touch", (1600000000, 1600000000))
        server = self.serve(ADS, LOOP, "processes = 2", "threads = 2", f"touch-workers-reload = {self.folder}/touch")
        workers = set(server.workers())
        with KeptClients(server) as clients:
            time.sleep(0.5)
            (self.folder / "touch").write_text("now")
            eventually("all are new", lambda: len(set(server.workers()) - workers) == 2 and not workers & set(server.workers()))
            time.sleep(0.5)
        self.assert_unharmed(clients, 8)
        self.assertEqual(server.fresh_log().count("Gracefully killing worker"), 2)
        self.assertNotIn("died", server.fresh_log())

    @forks_late
    def test_a_reload_of_everything_under_kept_connections(self):
        server = self.serve(ADS, LOOP, "processes = 2", "threads = 2")
        with KeptClients(server) as clients:
            time.sleep(0.5)
            server.command("r")
            server.logged("gracefully (RE)spawned uWSGI master process")
            time.sleep(1)
        self.assert_unharmed(clients)

    def scale(self, server, count, letter):
        """A command at a time: one that comes while a worker still leaves takes another, down to none."""
        while (now := len(server.workers())) != count:
            server.command(letter)
            eventually("the number of workers has changed", lambda before=now: len(server.workers()) != before)

    @forks_late
    def test_workers_that_are_cheaped_under_kept_connections(self):
        server = self.serve(ADS, LOOP, "processes = 3", "threads = 2", "cheaper = 1", "cheaper-algo = manual")
        with KeptClients(server) as clients:
            for more, fewer in ((3, 1), (2, 1)):
                for count, letter in ((more, "+"), (fewer, "-")):
                    self.scale(server, count, letter)
                    time.sleep(0.5)
        self.assertEqual(clients.broken, [])

    @forks_late
    def test_a_worker_that_comes_later_gets_its_share(self):
        server = self.serve(ADS, LOOP, "processes = 2", "cheaper = 1", "cheaper-algo = manual")
        with KeptClients(server, 80) as clients:
            time.sleep(0.5)
            self.scale(server, 2, "+")
            new = server.workers()[1]
            eventually("it has connections", lambda: self.connections_of(new) >= 8, 60)
        self.assertEqual(clients.broken, [])
        eventually("they are counted, once a second", lambda: server.metrics()['admatch_loop_closed_total{reason="balance"}'] >= 8, 60)

    def connections_of(self, pid):
        with contextlib.suppress(OSError):
            descriptors = [os.readlink(path) for path in pathlib.Path(f"/proc/{pid}/fd").iterdir()]
            return sum(name.startswith("socket:") for name in descriptors) - 8  # listener, signals, metrics, replay
        return 0

    @forks_late
    def test_max_requests_under_kept_connections(self):
        server = self.serve(ADS, LOOP, "processes = 2", "threads = 2", "max-requests = 300", "min-worker-lifetime = 1")
        workers = set(server.workers())
        with KeptClients(server) as clients:
            eventually("both are new", lambda: not workers & set(server.workers()) and len(server.workers()) == 2)
        self.assert_unharmed(clients)
        self.assertIn("Seeya!", server.log())

    @forks_late
    def test_a_worker_that_is_killed_loses_only_its_own(self):
        server = self.serve(ADS, LOOP, "processes = 2", "threads = 2")
        with KeptClients(server) as clients:
            time.sleep(0.3)
            os.kill(server.workers()[0], signal.SIGKILL)
            eventually("another is there", lambda: len(server.workers()) == 2)
            time.sleep(0.5)
        self.assertLessEqual(len(clients.broken), 8)
        self.assertGreater(clients.answers, 100)

    def begun(self, server):
        raw = Raw(server.port)
        self.addCleanup(raw.close)
        return raw.send(post(b'{"query":"running shoes"}')[:-5])

    def test_what_has_been_begun_is_finished_when_the_server_ends(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            server = self.serve(ADS, LOOP, "processes = 1", "die-on-term = true", name=number.name)
            rest, begun = Raw(server.port), self.begun(server)
            self.addCleanup(rest.close)
            rest.send(GET).answer()
            time.sleep(0.2)
            server.process.send_signal(number)
            self.assertTrue(rest.ends())
            status, headers, body = begun.send(b'oes"}').answer()
            self.assertEqual((status, headers["Connection"], json.loads(body)["slots"][0]["ads"][0]["ad"]), (200, "close", "shoes"))
            self.assertEqual(server.process.wait(10), 0)

    @forks_late
    def test_requests_that_came_in_one_go_are_all_answered_at_the_end(self):
        server = self.serve(ADS, LOOP, "processes = 1", "threads = 2")
        raw = Raw(server.port)
        self.addCleanup(raw.close)
        raw.send(post(b'{"query":"running shoes"}')[:-5])
        time.sleep(0.2)
        server.command("r")
        time.sleep(0.2)
        raw.send(b'oes"}' + GET * 5)
        answers = [raw.answer() for _ in range(6)]
        self.assertEqual([answer and answer[0] for answer in answers], [200] * 6)
        self.assertEqual([answer[1].get("Connection") for answer in answers], [None] * 5 + ["close"])
        self.assertTrue(raw.ends())

    def test_what_does_not_go_on_is_ended_after_the_grace(self):
        server = self.serve(ADS, LOOP, "processes = 1", "die-on-term = true", "admatch-grace = 1", "worker-reload-mercy = 30")
        begun, began = self.begun(server), time.monotonic()
        time.sleep(0.2)
        server.process.send_signal(signal.SIGTERM)
        self.assertTrue(begun.ends())
        self.assertEqual(server.process.wait(10), 0)
        self.assertLess(time.monotonic() - began, 6)

    def test_a_second_signal_ends_it_at_once(self):
        server = self.serve(ADS, LOOP, "processes = 1", "admatch-grace = 60", "worker-reload-mercy = 30")
        self.begun(server)
        worker = server.workers()[0]
        os.kill(worker, signal.SIGINT)
        time.sleep(0.3)
        os.kill(worker, signal.SIGINT)
        eventually("it is gone", lambda: worker not in server.workers(), 5)

    @forks_late
    def test_a_grace_that_uwsgi_does_not_give_is_warned_of(self):
        for mercy, warned in ((60, True), (30, True), (61, False)):
            server = self.serve(ADS, LOOP, "admatch-grace = 60", f"worker-reload-mercy = {mercy}", name=f"mercy{mercy}")
            self.assertEqual(f"admatch-grace = 60: worker-reload-mercy = {mercy} kills a process" in server.log(), warned)
            server.stop()

    def test_a_graceful_reload_waits_for_blocking_threads(self):
        server = self.serve(ADS, LOOP, BLOCKING, "processes = 1", "threads = 2", "worker-reload-mercy = 20", "http-socket-modifier1 = 67", start=False).spawn()
        eventually("it serves", lambda: self.connects(server))
        raw = Raw(server.port).send(b"GET /?3000 HTTP/1.1\r\nHost: h\r\n\r\n")
        self.addCleanup(raw.close)
        time.sleep(0.5)
        server.command("r")
        status, headers, body = raw.answer()
        self.assertEqual((status, headers["Connection"], body), (200, "close", b"core 1"))
        server.logged("gracefully (RE)spawned uWSGI master process")

    def connects(self, server):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", server.port)).close()
            return server.fifo.exists()

    @forks_late
    def test_a_pause_holds_requests_and_a_reload_ends_it(self):
        server = self.serve(ADS, LOOP, "processes = 1")
        raw = Raw(server.port)
        self.addCleanup(raw.close)
        self.assertEqual(raw.send(GET).answer()[0], 200)
        server.process.send_signal(signal.SIGTSTP)
        time.sleep(0.5)
        raw.send(GET).socket.settimeout(1)
        with self.assertRaises(TimeoutError):
            raw.answer()
        raw.socket.settimeout(20)
        server.process.send_signal(signal.SIGTSTP)
        self.assertEqual(raw.answer()[0], 200)
        server.process.send_signal(signal.SIGTSTP)
        time.sleep(0.3)
        server.process.send_signal(signal.SIGINT)
        self.assertEqual(server.process.wait(10), 0)

    def test_new_inventories_arrive_on_kept_connections(self):
        server = self.serve(ADS, LOOP, "processes = 2")
        connections = [server.connect() for _ in range(6)]
        for connection in connections:
            self.addCleanup(connection.close)
            self.assertEqual(connection.ask("GET", "/v1/decide?query=running+shoes").ads, ["shoes"])
        put(self.inventory, [ad("boots", "running shoes")])
        for connection in connections:
            eventually("it is served", lambda: connection.ask("GET", "/v1/decide?query=running+shoes").ads == ["boots"])


if __name__ == "__main__":
    unittest.main()
