# SPDX-License-Identifier: Apache-2.0
"""The ledger by itself: placements by 32 threads in 4 processes that are killed with -9, and caps of a million users."""

import os
import re
import subprocess

from common import BUILD

PLACEMENTS = 10_000_000
SETTINGS = {"AM_KILLS_PLACEMENTS": PLACEMENTS, "AM_KILLS_PROCESSES": 4, "AM_KILLS_THREADS": 8, "AM_KILLS_KILLS": 400}
CAPS = {"AM_CAPS_BYTES": 64 << 20}


def run_test(name, settings, seconds):
    environment = {**os.environ, **{key: str(value) for key, value in settings.items()}}
    done = subprocess.run([BUILD / "tests" / name], env=environment, capture_output=True, text=True, timeout=seconds)
    return done.returncode == 0, done.stdout + done.stderr


def run(findings, seconds):
    """However long it takes, within reason: what must hold is said for so many placements."""
    holds, output = run_test("test_delivery_kills", SETTINGS, max(seconds, 1800))
    found = re.search(r".* placements, .*", output)
    findings.claim(holds, f"ledger: {found[0] if found else output[-500:]}")
    holds, output = run_test("test_delivery_caps", CAPS, max(seconds, 600))
    findings.claim(holds, f"ledger: caps of 1,000,000 users in 64 MiB{'' if holds else ': ' + output[-500:]}")
