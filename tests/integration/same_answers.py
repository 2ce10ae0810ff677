# SPDX-License-Identifier: Apache-2.0
"""Holds a server of 4 workers with 4 threads against the command: the same requests, the same bytes.

    same_answers.py INVENTORY QUERIES      plain or gzip; QUERIES has one query a line

`make same-answers INVENTORY=… QUERIES=…` runs it. Not part of `make test`, whose tests/integration/test_cli_match.py
does the same with few requests.
"""

import concurrent.futures
import gzip
import json
import os
import pathlib
import subprocess
import sys
import time

from harness import Server, new_folder

ADMATCH = os.environ["ADMATCH"]
CLIENTS = 12
JSON = {"Content-Type": "application/json"}


def read_lines(path):
    data = pathlib.Path(path).read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    return [line for line in data.decode(errors="replace").split("\n") if line.strip()]


def ask_all(server, requests):
    """The bodies of the answers, over one connection."""
    connection, answers = server.connect(), []
    for request in requests:
        answers.append(connection.ask("POST", "/v1/decide", request, JSON).body)
    connection.close()
    return answers


def main():
    inventory, queries = sys.argv[1:]
    cleanups = []
    folder = new_folder(lambda *arguments, **options: cleanups.append((arguments, options)))
    requests = [json.dumps({"id": f"r{index}", "query": query, "count": 3}) for index, query in enumerate(read_lines(queries))]
    batch = folder / "requests.jsonl"
    batch.write_text("\n".join(requests) + "\n")
    began = time.monotonic()
    done = subprocess.run([ADMATCH, "match", inventory, "--batch", batch], stdout=subprocess.PIPE, check=True)
    print(f"command: {len(requests)} answers in {time.monotonic() - began:.2f} s")
    expected = done.stdout.splitlines()
    server = Server(folder, pathlib.Path(inventory).resolve(), "processes = 4", "threads = 4").start()
    try:
        began = time.monotonic()
        share = -(-len(requests) // CLIENTS)
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            parts = pool.map(lambda at: ask_all(server, requests[at : at + share]), range(0, len(requests), share))
            found = [answer for part in parts for answer in part]
        print(f"server: {len(found)} answers in {time.monotonic() - began:.1f} s")
    finally:
        server.stop()
        for arguments, options in cleanups:
            arguments[0](*arguments[1:], **options)
    different = sum(one != other for one, other in zip(expected, found))
    print(f"{len(found)} answers, {different} differ")
    return 1 if different or len(found) != len(expected) else 0


if __name__ == "__main__":
    sys.exit(main())
