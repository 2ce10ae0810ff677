# SPDX-License-Identifier: Apache-2.0
"""Memory of the whole host, in PSS: what workers, vassals and a zerg cost with a million phrases, and how soon a start serves."""

import contextlib
import re
import time

from common import Load, Server, eventually, failures, folder, generate, image_pss, everyone, mapped_images, phrase_list, pss, serving, texts

REQUESTS = 100_000
MANY = 8
WORKERS_RATIO = 1.05  # at most, of 8 workers to 1
ADDED_SHARE = 0.05  # of an image, at most, by two vassals and a zerg
OPTIONS = ("admatch-refresh = 0", "listen = 100", "disable-logging = true", "socket-timeout = 30")
MEBIBYTE = 2**20


def empty(server):
    """The same configuration without the plugin: what it turns on stays, and a mule that does nothing."""
    lines = [line for line in server.ini.read_text().splitlines() if not line.startswith(("admatch-", "need-plugin"))]
    server.ini.write_text("\n".join([*lines, "master = true", "enable-metrics = true", "mule = true"]) + "\n")
    return server


def empty_pss(workspace, processes):
    with serving(workspace, None, f"processes = {processes}", *OPTIONS, name=f"empty-{processes}", started=False) as server:
        empty(server).spawn()
        server.logged(f"spawned uWSGI worker {processes} ")
        time.sleep(1)
        return pss(server)[0]


def ask(server, bodies, findings, requests=REQUESTS):
    answered = 0
    while answered < requests:
        seen = Load(server.port, 2, kept=0, once=4, least=0, bodies=bodies).wait()
        count, examples = failures(seen)
        if count or not seen["answers"]:
            findings.claim(False, f"{count} requests failed {examples}")
            return answered
        answered += seen["answers"]
    return answered


def measure(workspace, inventory, processes, bodies, findings):
    """PSS before and after the requests."""
    with serving(workspace, inventory, f"processes = {processes}", *OPTIONS, name=f"server-{processes}") as server:
        eventually("all have mapped it", lambda: all(mapped_images(pid) for pid in server.workers()))
        time.sleep(1)
        before = pss(server)
        answered = ask(server, bodies, findings)
        time.sleep(1)
        return before, pss(server), answered, start_seconds(server)


def start_seconds(server):
    """What the server itself says that it took to find or build the image."""
    return re.findall(r"image of \d+ bytes (\w+) in ([\d.]+) seconds", server.fresh_log())[0]


def mib(size):
    return f"{size / MEBIBYTE:.1f}"


def table(rows):
    print("\n          | processes | when | PSS, MiB | of it images | empty uWSGI | PSS less that |\n          | --- | --- | ---: | ---: | ---: | ---: |")
    for row in rows:
        print("          | " + " | ".join(row) + " |")
    print(flush=True)


def workers(workspace, inventory, bodies, findings):
    fixed = {count: empty_pss(workspace, count) for count in (1, MANY)}
    rows, net = [], {}
    for count in (1, MANY):
        *measured, answered, took = measure(workspace, inventory, count, bodies, findings)
        for when, (total, images) in zip(("before", f"after {answered:,} requests"), measured):
            net[count, when.split()[0]] = total - fixed[count]
            rows.append((f"{count} worker{'s' if count > 1 else ''}", when, mib(total), mib(images), mib(fixed[count]), mib(total - fixed[count])))
        findings.note(f"{count} workers: image {took[0]} in {took[1]} s")
    table(rows)
    findings.note(f"an empty uWSGI with one worker takes {mib(fixed[1])} MiB, each further worker {(fixed[MANY] - fixed[1]) / (MANY - 1) / 2**20:.2f} MiB")
    for when in ("before", "after"):
        ratio = net[MANY, when] / net[1, when]
        findings.claim(ratio <= WORKERS_RATIO, f"{MANY} workers take {ratio:.3f} x the memory of one, {when} the requests, empty processes apart")
    return fixed[1]


def neighbours(workspace, inventory, bodies, fixed, findings):
    """Two vassals and a zerg beside a server with the same inventory."""
    one = ("processes = 1", *OPTIONS)
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(serving(workspace, inventory, *one, f"zerg-server = {workspace / 'zerg.socket'}", name="first"))
        ask(first, bodies, findings, 1000)
        alone = pss(first)
        image = next(iter(workspace.glob("state/*.admx"))).stat().st_size
        others = []
        for name in ("vassal-1", "vassal-2"):
            began = time.monotonic()
            others.append(stack.enter_context(serving(workspace, inventory, *one, name=name)))
            findings.note(f"{name}: answers {time.monotonic() - began:.2f} s after its start; image {' in '.join(start_seconds(others[-1]))} s")
            ask(others[-1], bodies, findings, 1000)
        zerg = stack.enter_context(serving(workspace, inventory, *one, f"zerg = {workspace / 'zerg.socket'}", "protocol = http11", name="zerg",
                                           protocol="protocol", started=False))
        zerg.spawn()
        others.append(zerg)
        zerg.logged("spawned uWSGI worker 1 ")
        ask(first, bodies, findings, 1000)
        eventually("the zerg has mapped it", lambda: any(mapped_images(pid) for pid in everyone(zerg)))
        time.sleep(1)
        together = pss(first, *others)
        added, images = together[0] - alone[0] - len(others) * fixed, together[1] - alone[1]
        findings.note(f"server alone {mib(alone[0])} MiB, with two vassals and a zerg {mib(together[0])} MiB: {mib(together[0] - alone[0])} MiB with all their processes; "
                      f"three empty uWSGI, each alone, {mib(len(others) * fixed)} MiB")
        findings.claim(added <= ADDED_SHARE * image, f"two vassals and a zerg add {mib(added)} MiB to their empty processes, at most {ADDED_SHARE:.0%} of an image of {mib(image)} MiB; "
                       f"mapped images grow by {mib(images)} MiB")


def run(findings, seconds):
    with folder() as workspace:
        phrases = phrase_list(workspace)
        inventory = workspace / "inventory.jsonl"
        generate("inventory", phrases, "-o", inventory)
        bodies = texts(phrases, 500)
        fixed = workers(workspace, inventory, bodies, findings)
        neighbours(workspace, inventory, bodies, fixed, findings)
