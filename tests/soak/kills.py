# SPDX-License-Identifier: Apache-2.0
"""kill -9 of workers, of the mule and of the master, at any moment of a build, under an emperor; and under load."""

import contextlib
import http.client
import json
import os
import random
import re
import signal
import time

from common import ASKED, Load, Server, Version, eventually, failures, folder, mapped_images, requests
from emperor import Emperor

KILLS, KILLS_SECONDS = 100, 110  # with less time, fewer
VICTIMS = ("worker", "mule", "master")
FILLERS = 60_000
RATE = 500
BACK_SECONDS = 20  # within which the newest inventory must be served again
OPTIONS = ("processes = 3", "threads = 4", "no-orphans = true", "admatch-refresh = 1", "disable-logging = true", "listen = 100")


def pid_of(server, victim, generator):
    """None while it is not there."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return {"master": lambda: server.process.pid, "mule": server.mule, "worker": lambda: generator.choice(server.workers())}[victim]() or None
    return None


def kill(server, victim, generator):
    pid = eventually(f"there is a {victim}", lambda: pid_of(server, victim, generator))
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def is_building(server):
    return any(path.name.endswith(".admx.lock") for path in server.state.iterdir())


def wait_for_build(server, patience=1.5):
    """Until somebody makes an image; then some part of the time that it takes."""
    deadline = time.monotonic() + patience
    while not is_building(server) and time.monotonic() < deadline:
        time.sleep(0.002)


def serves(server, version):
    """Whether a fresh connection, and every worker, has the new inventory."""
    with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
        answer = server.ask("POST", "/v1/decide", requests()[0], {"Content-Type": "application/json"})
        workers = server.workers()
        wanted = {str(server.state / version.image)}
        return (answer.status == 200 and answer.generation == version.generation and len(answer.ads) == ASKED and len(workers) == 3
                and all(mapped_images(pid) == wanted for pid in workers))
    return False


class Toll:
    def __init__(self):
        self.kills = dict.fromkeys(VICTIMS, 0)
        self.while_building, self.slowest = 0, 0.0
        self.generations = {}

    def kill(self, server, victim, generator):
        wait_for_build(server)
        time.sleep(generator.uniform(0, 0.25))
        self.while_building += is_building(server)
        kill(server, victim, generator)
        self.kills[victim] += 1


def one_kill(server, workspace, number, toll, generator):
    victim = VICTIMS[number % len(VICTIMS)]
    version = Version(workspace, number + 1, fillers=FILLERS)
    toll.generations[version.mark] = version.generation
    version.path.rename(workspace / "inventory.jsonl")
    with contextlib.suppress(AssertionError):
        server.command("a")
    toll.kill(server, victim, generator)
    if victim == "master" and number % 2:  # and the next one, which makes the image before it forks
        toll.kill(server, victim, generator)
    killed = time.monotonic()
    eventually(f"generation {version.generation} is served after a kill of the {victim}", lambda: serves(server, version), BACK_SECONDS)
    toll.slowest = max(toll.slowest, time.monotonic() - killed)


def check_left(server, findings):
    def names():
        return sorted((path.name for path in server.state.iterdir()), key=lambda name: name.rsplit(".", 1)[1])

    with contextlib.suppress(AssertionError):
        eventually("the state folder is quiet", lambda: len(names()) == 2, 5)
    findings.claim([name.rsplit(".", 1)[1] for name in names()] == ["admx", "last"], f"no piece of a killed build is left: {names()}")


def run(findings, seconds):
    generator, toll = random.Random(4), Toll()
    wanted = max(6, min(KILLS, round(KILLS * seconds / KILLS_SECONDS)))
    began = time.monotonic()
    with folder() as workspace:
        first = Version(workspace, 0, fillers=FILLERS)
        toll.generations[0] = first.generation
        first.path.rename(workspace / "inventory.jsonl")
        server = Server(workspace, workspace / "inventory.jsonl", *OPTIONS)
        with Emperor(workspace, server):
            load = Load(server.port, 100 * seconds, kept=4, once=2, rate=RATE)
            for number in range(wanted):
                one_kill(server, workspace, number, toll, generator)
            seen = load.end()
            check_left(server, findings)
    said = ", ".join(f"{count} of the {victim}" for victim, count in toll.kills.items())
    findings.claim(sum(toll.kills.values()) >= wanted, f"{sum(toll.kills.values())} kills in {time.monotonic() - began:.0f} s ({said}), {toll.while_building} while an image was "
                   f"being made; the newest inventory was served by all within {toll.slowest:.1f} s of each")
    wrong, examples = failures(seen, "status", "shape", "mixed")
    findings.claim(wrong == 0, f"{seen['answers']} answers, {wrong} torn, mixed or with another status {examples}")
    named = [mark for mark in seen["marks"] if toll.generations.get(mark["mark"]) != mark["generation"]]
    findings.claim(not named, f"each of {len(seen['marks'])} generations seen was answered under its own name {named or ''}")
    lost, _ = failures(seen, "connect", "closed", "timeout")
    findings.note(f"{lost} requests were lost with the processes that were killed, {seen['reopened']} kept connections were opened again")
