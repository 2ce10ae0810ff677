# SPDX-License-Identifier: Apache-2.0
"""Runs the integration tests (all, or those named), a class at a time and some of them side by side, since they mostly wait.
Closes with a line that counts them. ADMATCH_LOOP: empty, uWSGI's threads; "admatch", its loop; "turns", one half of the classes
with the one and the other half with the other, and the other way round at the next commit."""

import collections
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time
import unittest
import zlib

HERE = pathlib.Path(__file__).resolve().parent
SIDE_BY_SIDE = 6  # they mostly wait
LIMIT = 900  # seconds that a class may take


def flatten(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flatten(item)
        else:
            yield item


def find_classes(names):
    sys.path.insert(0, str(HERE))
    loader = unittest.defaultTestLoader
    suite = loader.loadTestsFromNames(names) if names else loader.discover(str(HERE))
    tests = list(flatten(suite))
    broken = [test for test in tests if type(test).__module__.startswith("unittest.")]
    if broken:
        raise SystemExit("\n".join(str(getattr(test, "_exception", test)) for test in broken))
    if names and any(name.count(".") > 1 for name in names):
        return list(dict.fromkeys(test.id() for test in tests))
    sizes = collections.Counter(f"{type(test).__module__}.{type(test).__qualname__}" for test in tests)
    return [name for name, _ in sizes.most_common()]  # the long ones first, so that none is waited for alone in the end


def commits():
    """0 where there is no repository."""
    done = subprocess.run(["git", "rev-list", "--count", "HEAD"], cwd=HERE, capture_output=True, text=True)
    return int(done.stdout) if done.returncode == 0 else 0


def loop_of(name, turn):
    loop = os.environ.get("ADMATCH_LOOP", "")
    if loop != "turns":
        return loop
    return "admatch" if (zlib.crc32(name.encode()) + turn) % 2 else ""


def run(name, loop):
    try:
        done = subprocess.run([sys.executable, "-m", "unittest", "-v", name], cwd=HERE, stdin=subprocess.DEVNULL, env={**os.environ, "ADMATCH_LOOP": loop},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=LIMIT)
        return f"{name}{' in the loop' if loop else ''}", done.returncode, done.stdout
    except subprocess.TimeoutExpired as expired:
        return name, 1, f"{(expired.stdout or b'').decode(errors='replace')}\n{name} took more than {LIMIT} s\n"


def count(output, returncode):
    """(passed, failed, skipped) of what unittest has printed."""
    ran = re.search(r"^Ran (\d+) test", output, re.M)
    numbers = {word: int(number) for word, number in re.findall(r"(failures|errors|skipped|unexpected successes)=(\d+)", output)}
    skipped = numbers.pop("skipped", 0)
    failed = sum(numbers.values()) or (1 if returncode else 0)
    return max(int(ran[1]) - failed - skipped, 0) if ran else 0, failed, skipped


def main():
    began = time.monotonic()
    totals, names = [0, 0, 0], find_classes(sys.argv[1:])
    turn = commits()
    with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for name, returncode, output in pool.map(run, names, [loop_of(name, turn) for name in names]):
            numbers = count(output, returncode)
            totals = [total + number for total, number in zip(totals, numbers)]
            print(f"{name}: {numbers[0]} passed, {numbers[1]} failed" if not returncode else output, flush=True)
    print(f"integration: {totals[0]} passed, {totals[1]} failed, {totals[2]} skipped, {time.monotonic() - began:.0f} s")
    return 1 if totals[1] or not totals[0] else 0


if __name__ == "__main__":
    sys.exit(main())
