# SPDX-License-Identifier: Apache-2.0
"""Swaps under full load, while workers, zergs and connections come and go."""

import contextlib
import http.client
import json
import re
import threading
import time

from common import ASKED, Load, Server, Version, check_log, eventually, everyone, failures, folder, mapped_images, open_files, pss, put, requests, serving

SWAPS, SWAPS_SECONDS = 200, 170  # with less time, fewer
WORKER_SECONDS = 1.0  # within which every process must be on what was published


class Checker(threading.Thread):
    """A client in Python, slow but unlike the other one: it parses answers whole."""

    def __init__(self, server, kept, known):
        super().__init__(daemon=True)
        self.server, self.kept, self.known = server, kept, known
        self.answers, self.reopened, self.faults = 0, 0, []
        self.done = threading.Event()
        self.start()

    def run(self):
        bodies, connection = requests(), None
        while not self.done.is_set():
            fresh = connection is None
            connection = connection or self.server.connect()
            try:
                answer = connection.ask("POST", "/v1/decide", bodies[self.answers % len(bodies)], {"Content-Type": "application/json"})
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                connection = None
                if fresh or not isinstance(error, (ConnectionError, http.client.RemoteDisconnected)):
                    self.faults.append(repr(error))
                else:
                    self.reopened += 1
                continue
            self.answers += 1
            self.check(answer)
            if not self.kept:
                connection.close()
                connection = None
            time.sleep(0.005)

    def check(self, answer):
        said = answer.json
        ads = [placed for slot in said["slots"] for placed in slot["ads"]]
        marks = {int(mark) for mark in re.findall(r"@(\d+)", json.dumps(ads))}
        names = {answer.generation, said["generation"]}
        if answer.status != 200 or len(ads) != ASKED or len(marks) != 1 or names != {self.known.get(marks.pop())}:
            self.faults.append(answer.body)

    def end(self):
        self.done.set()
        self.join()


class Swapper:
    """Puts one inventory after the other in place, and sees all processes of some servers move."""

    def __init__(self, workspace, findings):
        self.workspace, self.findings = workspace, findings
        self.inventory = workspace / "inventory.jsonl"
        self.generations, self.published = {}, {}  # by mark
        self.slowest = self.longest_build = 0.0
        self.late = []
        self.asked_again = 0

    def prepare(self, mark):
        version = Version(self.workspace, mark)
        self.generations[mark] = version.generation
        return version

    def see_published(self, server, version):
        """uWSGI's master opens its FIFO again when a writer has gone (core/fifo.c): what another one writes at that moment is lost."""

        def is_there():
            return f"generation {version.generation} published" in server.fresh_log()

        for _ in range(10):
            with contextlib.suppress(AssertionError):
                return eventually("it is published", is_there, 5)
            self.asked_again += 1
            server.command("a")
        raise AssertionError(f"{server.name}: generation {version.generation} was not published")

    def swap(self, version, *servers):
        began = time.monotonic()
        version.path.rename(self.inventory)
        for server in servers:
            server.command("a")
        for server in servers:
            self.see_published(server, version)
        now = time.monotonic()
        self.published[version.mark] = time.time()
        self.longest_build = max(self.longest_build, now - began)
        for server in servers:
            self.all_moved(server, version, now)

    def all_moved(self, server, version, since):
        """Every worker maps the new image and no other."""
        wanted = {str(server.state / version.image)}

        def elsewhere():
            return [pid for pid in server.workers() if mapped_images(pid) != wanted]

        while behind := elsewhere():
            if time.monotonic() - since > WORKER_SECONDS:
                self.late.append((version.mark, [sorted(mapped_images(pid)) for pid in behind]))
                return
            time.sleep(0.005)
        self.slowest = max(self.slowest, time.monotonic() - since)


class Zerg:
    """A second instance at the first one's socket, now and then."""

    def __init__(self, workspace, server, inventory):
        self.workspace, self.inventory = workspace, inventory
        self.socket = workspace / "zerg.socket"
        self.times, self.server = 0, None

    def toggle(self):
        if self.server is None:
            self.times += 1
            self.server = Server(self.workspace, self.inventory, f"zerg = {self.socket}", "protocol = http11", "processes = 2", "threads = 2",
                                 "admatch-refresh = 0", "disable-logging = true", "no-orphans = true", protocol="protocol", name="zerg")
            self.server.spawn()
            self.server.logged("spawned uWSGI worker 2")
            eventually("it can be asked", lambda: self.server.stats_path.exists() and self.server.fifo.exists())
        else:
            self.leave()

    def leave(self):
        if self.server is None:
            return
        self.server.command("q")
        self.server.ends()
        check_log(self.server)
        self.server.stop()
        self.server.log_path.unlink()
        self.server.stats_path.unlink(missing_ok=True)
        self.server = None


def cheaper(server, number):
    """One worker more, or one less."""
    if number % 3 == 0:
        server.command("+" if number % 6 == 0 else "-")


def run_swaps(server, swapper, zerg, seconds, findings):
    began = time.monotonic()
    wanted = max(10, min(SWAPS, round(SWAPS * seconds / SWAPS_SECONDS)))
    count = 0
    version = swapper.prepare(1)
    for number in range(1, wanted + 1):
        if number % 10 == 0:
            zerg.toggle()
        cheaper(server, number)
        swapper.swap(version, server, *([zerg.server] if zerg.server else []))
        count = number
        if number < wanted:
            version = swapper.prepare(number + 1)
        spare = began + seconds * number / wanted - time.monotonic()
        time.sleep(max(0.0, spare))
        if time.monotonic() - began > 2 * seconds:
            break
    zerg.leave()
    findings.claim(count == wanted, f"{count} of {wanted} swaps in {time.monotonic() - began:.0f} s; a zerg came and went {zerg.times} times; "
                   f"workers were added and removed {count // 3} times")


def check_served(swapper, seen, findings):
    """Each mark under its own generation's name, and none later than a second after its successor was there."""
    wrong = [mark for mark in seen["marks"] if swapper.generations.get(mark["mark"]) != mark["generation"]]
    findings.claim(not wrong, f"each of {len(seen['marks'])} generations seen was answered under its own name {wrong or ''}")
    stale = [(mark["mark"], mark["last"] - swapper.published[mark["mark"] + 1]) for mark in seen["marks"] if mark["mark"] + 1 in swapper.published]
    latest = max((late for _, late in stale), default=0)
    findings.claim(latest <= WORKER_SECONDS, f"no answer from an older generation later than {max(latest, 0):.3f} s after a publish")


def check_memory(server, swapper, before, findings):
    mark = max(swapper.generations)
    images = eventually("one image is mapped", lambda: (found := set().union(*map(mapped_images, everyone(server)))) and len(found) == 1 and found)
    findings.claim(not any("deleted" in image for image in images), f"one image is mapped in the end, of generation {mark}, and no deleted one")
    left = [path.name for path in server.state.iterdir()]
    findings.claim(sorted(name.rsplit(".", 1)[1] for name in left) == ["admx", "last"], f"the state folder has one image and its note: {sorted(left)}")
    files, memory = {pid: open_files(pid) for pid in everyone(server)}, pss(server)
    findings.note(f"PSS of all processes {before['pss'][0] / 2**20:.1f} MiB before, {memory[0] / 2**20:.1f} MiB after; "
                  f"images in it {before['pss'][1] / 2**20:.2f} and {memory[1] / 2**20:.2f} MiB")
    findings.claim(memory[1] <= 1.05 * before["pss"][1], "images take no more memory than before")
    grown = {pid: (before["files"][pid], count) for pid, count in files.items() if pid in before["files"] and count > before["files"][pid]}
    findings.claim(not grown, f"no process has more open files than before {grown or ''}")


def warm_up(server, seconds=3):
    Load(server.port, seconds).wait()
    time.sleep(0.5)
    return {"pss": pss(server), "files": {pid: open_files(pid) for pid in everyone(server)}}


def run(findings, seconds):
    with folder() as workspace:
        swapper = Swapper(workspace, findings)
        version = swapper.prepare(0)
        version.path.rename(swapper.inventory)
        zerg_socket = f"zerg-server = {workspace / 'zerg.socket'}"
        with serving(workspace, swapper.inventory, "processes = 4", "threads = 8", "cheaper = 2", "cheaper-algo = manual", "thunder-lock = true",
                     "admatch-refresh = 0", "disable-logging = true", "listen = 100", zerg_socket) as server:
            before = warm_up(server)
            zerg = Zerg(workspace, server, swapper.inventory)
            loads = [Load(server.port, 10 * seconds, kept=6, once=2), Load(server.port, 10 * seconds, kept=0, once=4)]
            checkers = [Checker(server, kept, swapper.generations) for kept in (True, False)]
            with contextlib.ExitStack() as stack:
                stack.callback(zerg.leave)
                run_swaps(server, swapper, zerg, seconds, findings)
            for checker in checkers:
                checker.end()
            for number, load in enumerate(loads):
                seen = load.end()
                count, examples = failures(seen)
                findings.claim(count == 0 and seen["answers"] > 0, f"{'one-shot' if number else 'kept and one-shot'} connections: "
                               f"{seen['answers']} answers, {count} failed, {seen['reopened']} kept connections closed by a leaving worker {examples}")
                check_served(swapper, seen, findings)
            faults = [fault for checker in checkers for fault in checker.faults]
            findings.claim(not faults, f"{sum(checker.answers for checker in checkers)} answers parsed whole, {len(faults)} at fault {faults[:2] or ''}")
            findings.claim(not swapper.late, f"every worker on the new image, and on no other, within {swapper.slowest:.3f} s of each publish {swapper.late[:2] or ''}")
            findings.note(f"a swap took at most {swapper.longest_build:.3f} s from the rename to the publish; {swapper.asked_again} times uWSGI's FIFO had to be asked again")
            check_memory(server, swapper, before, findings)
