# SPDX-License-Identifier: Apache-2.0
"""Events at length, without a server: forged tokens, each URL fired three times by many, kill -9 under load, a disk that fills up."""

import os
import subprocess
import time

from common import BUILD

TOKENS = 10_000_000
URLS = 1_000_000
KILLS_A_ROUND = 200


def run_test(name, **settings):
    """One of the unit tests, in its long form: how long it took, and what it printed where it failed."""
    began = time.monotonic()
    done = subprocess.run([BUILD / "tests" / name], env={**os.environ, **{key: str(value) for key, value in settings.items()}},
                          capture_output=True, text=True)
    return time.monotonic() - began, "" if done.returncode == 0 else done.stdout[-2000:] + done.stderr[-2000:]


def run(findings, seconds):
    end = time.monotonic() + seconds
    took, failed = run_test("test_token", EVENTS_TOKENS=TOKENS)
    findings.claim(not failed, f"none of {TOKENS:,} mutated tokens is accepted ({took:.0f} s){failed}")
    took, failed = run_test("test_events_processes", EVENTS_URLS=URLS, EVENTS_KILLS=KILLS_A_ROUND)
    findings.claim(not failed, f"{URLS:,} URLs, each fired 3 times by 8 threads of 4 processes, count once each ({took:.0f} s){failed}")
    kills, rounds = KILLS_A_ROUND, 1
    while not failed and time.monotonic() < end:
        _, failed = run_test("test_events_processes", EVENTS_URLS=1000, EVENTS_KILLS=KILLS_A_ROUND)
        kills, rounds = kills + KILLS_A_ROUND, rounds + 1
    findings.claim(not failed, f"{kills:,} kill -9 under load, in {rounds} accounts: the log's sums are the counters after each{failed}")
    _, failed = run_test("test_events")
    findings.claim(not failed, f"a disk that fills up and clocks that jump cost no count{failed}")
