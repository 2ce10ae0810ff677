# SPDX-License-Identifier: Apache-2.0
"""Instances that share a state folder: two that do not see each other's inventory, and one whose feed is replaced every second,
faster than it builds."""

import contextlib
import os
import threading
import time

from common import eventually, folder, lines_of, marked_records, put, serving

FEED_FILLERS = 120_000  # builds take longer than a second
PAUSE_SECONDS = 0.6  # between two builds: the file must have been quiet for 0.4 s, and is looked at every 0.1 s


def inside(hidden, inventory):
    """A mount namespace in which the inventory is hidden from all others."""
    script = 'mount -t tmpfs none "$1" && cp "$2" "$1/ads.jsonl" && shift 2 && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "sh", str(hidden), str(inventory)]


def serving_hidden(stack, workspace, name, mark):
    hidden = workspace / name
    hidden.mkdir()
    put(workspace / f"{name}.jsonl", list(marked_records(mark)))
    return stack.enter_context(serving(workspace, hidden / "ads.jsonl", name=name, inside=inside(hidden, workspace / f"{name}.jsonl")))


class Feed(threading.Thread):
    """Replaces an inventory every second, each time by another one, and ages all notes: inventories that are away are taken to be gone."""

    def __init__(self, path, state):
        super().__init__(daemon=True)
        self.path, self.state = path, state
        self.rest = lines_of(marked_records(0, FEED_FILLERS)).encode()
        self.versions = 0
        self.done = threading.Event()
        self.replace()

    def replace(self):
        self.versions += 1
        put(self.path, lines_of([{"id": f"version{self.versions}", "advertiser": "feed", "bid": 1, "keywords": ["version"]}]).encode() + self.rest)

    def run(self):
        due = time.monotonic()
        while not self.done.wait(max(0.0, due + 1 - time.monotonic())):
            due += 1
            self.replace()
            for path in self.state.glob("*.last"):
                with contextlib.suppress(OSError):
                    os.utime(path, (1, 1))

    def end(self):
        self.done.set()
        self.join()


def check_feed(findings, server, feed, seconds):
    metrics = server.metrics()
    swaps, build = metrics["admatch_swaps_total"], metrics["admatch_build_seconds"]
    findings.claim(swaps >= 0.7 * seconds / (build + PAUSE_SECONDS),
                   f"of {feed.versions} versions in {seconds:.0f} s, {swaps:.0f} were published while a build took {build:.2f} s")
    findings.claim(metrics["admatch_refusals_total"] == 0, "none was refused")
    feed.end()
    eventually("the last version is served", lambda: server.decide(query="version").ads == [f"version{feed.versions}"])
    eventually("it lags no longer", lambda: server.metrics()["admatch_inventory_lag_seconds"] == 0)


def run(findings, seconds):
    with folder() as workspace, contextlib.ExitStack() as stack:
        feed = Feed(workspace / "feed.jsonl", workspace / "state")
        server = stack.enter_context(serving(workspace, workspace / "feed.jsonl", name="feed"))
        hidden = [serving_hidden(stack, workspace, name, mark) for mark, name in enumerate(("first", "second"), 1)]
        feed.start()
        began = time.monotonic()
        time.sleep(seconds)
        check_feed(findings, server, feed, time.monotonic() - began)
        builds = [server.metrics()["admatch_builds_total"] for server in hidden]
        said = [line for server in hidden for line in server.log().splitlines() if "admatch: " in line and " again" in line]
        findings.claim(builds == [1, 1] and not said, f"in mount namespaces of their own, none rebuilt what the other's cleaning had removed {said or ''}")
        eventually("an image of each is left", lambda: len(server.images()) == 3)
        findings.note(f"state folder: {len(server.images())} images of three instances")
