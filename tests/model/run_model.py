#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the command against the model: random inventories, random requests, every answer compared in full.

A difference is shrunk to the smallest inventory and request that still show it, and printed with its seed.
"""

import argparse
import json
import multiprocessing
import re
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import inventory
import model
from generate import generate

ROOT = Path(__file__).resolve().parents[2]


def compact(value):
    return json.dumps(value, ensure_ascii=False, default=float)


class NoAnswers(Exception):
    """The command did not answer all requests; the text says how."""


class Difference(NamedTuple):
    place: int  # of the request
    kind: str  # "answer", "error" (the request was refused), or how the command failed
    expected: object
    found: object


class Command:
    """The command at a path: called with an inventory and requests, it gives the answers."""

    def __init__(self, words):
        self.words = words

    def __call__(self, lines, requests):
        with tempfile.TemporaryDirectory(prefix="admatch-model-") as folder:
            paths = [Path(folder, "inventory.jsonl"), Path(folder, "requests.jsonl")]
            for path, records in zip(paths, [lines, requests]):
                path.write_text("".join(compact(r) + "\n" for r in records), encoding="utf-8")
            options = ["match", paths[0], "--batch", paths[1], "--test"]
            done = subprocess.run(self.words + options, capture_output=True, check=False)
        answers = [json.loads(line, parse_float=Decimal) for line in done.stdout.splitlines()]
        refused = any("error" in answer for answer in answers)
        if len(answers) != len(requests) or done.returncode != refused:
            errors = done.stderr.decode("utf-8", "replace").strip()
            raise NoAnswers(f"{len(answers)} answers, exit status {done.returncode}: {errors}")
        return answers


def money_texts(answer):
    """Equal numbers may be written differently; money is written in one way only."""
    return [(str(ad["price"]), str(ad["ecpm"])) for slot in answer["slots"] for ad in slot["ads"]]


def same(expected, found):
    return expected == found and money_texts(expected) == money_texts(found)


def differences(answer_all, lines, requests):
    """Every request whose answer is not the model's."""
    loaded = inventory.load(lines)
    expected = [model.decide(loaded, request) for request in requests]
    try:
        answers = answer_all(lines, requests)
    except NoAnswers as failure:
        kind = re.sub(r"[0-9]+|'[^']*'|\"[^\"]*\"|/\S*", "", str(failure))
        return [Difference(n, kind, expected[n], str(failure)) for n in range(len(requests))]
    found = []
    generation = answers[0].get("generation") if answers else None
    for place, answer in enumerate(answers):
        if "error" in answer:
            found.append(Difference(place, "error", expected[place], answer))
            continue
        wanted = {**expected[place], "generation": generation}
        if not isinstance(generation, str) or not same(wanted, answer):
            found.append(Difference(place, "answer", wanted, answer))
    return found


# ---- shrinking --------------------------------------------------------------------------------


def without_parts(parts, differs):
    """As few of a sequence's parts as still differ; halves are tried first, then quarters, then single parts."""
    size = max(1, len(parts) // 2)
    while parts and size:
        at = 0
        while at < len(parts):
            fewer = parts[:at] + parts[at + size :]
            if differs(fewer):
                parts = fewer
            else:
                at += size
        size //= 2
    return parts


def shrink_text(text, differs):
    words = without_parts(text.split(" "), lambda fewer: differs(" ".join(fewer)))
    text = " ".join(words)
    return without_parts(text, differs) if len(text) <= 200 else text


def shrink_value(value, differs):
    """A JSON value with as little in it as still differs; differs(value) holds at the start."""
    if isinstance(value, str):
        return shrink_text(value, differs)
    if isinstance(value, list):
        value = without_parts(value, differs)
        for place in range(len(value)):
            before, after = value[:place], value[place + 1 :]
            item = shrink_value(value[place], lambda item: differs(before + [item] + after))
            value = before + [item] + after
    elif isinstance(value, dict):
        names = without_parts(list(value), lambda names: differs({n: value[n] for n in names}))
        value = {name: value[name] for name in names}
        for name in names:
            rest = dict(value)
            item = shrink_value(value[name], lambda item: differs({**rest, name: item}))
            value[name] = item
    return value


def still_differs(answer_all, case, kind):
    """Whether a smaller case differs in the same way."""
    if len(case) != 2 or not case[0] or not case[1]:
        return False
    try:
        return any(found.kind == kind for found in differences(answer_all, *case))
    except (KeyError, ValueError, TypeError, AttributeError, ArithmeticError):
        return False  # not an inventory or a request any more


def shrink(answer_all, case, kind):
    """The smallest (lines, requests) that still differ: nothing can be taken away from them."""
    before, case = None, list(case)
    while before != case:
        before = case
        case = shrink_value(case, lambda smaller: still_differs(answer_all, smaller, kind))
    return case


def report(answer_all, seed, request_count):
    """Prints one difference, as small as it gets."""
    lines, requests = generate(seed, request_count)
    first = differences(answer_all, lines, requests)[0]
    alone = [requests[first.place]]
    if still_differs(answer_all, (lines, alone), first.kind):
        requests = alone
    lines, requests = shrink(answer_all, (lines, requests), first.kind)
    found = next(f for f in differences(answer_all, lines, requests) if f.kind == first.kind)
    print(f"seed {seed} differs; the smallest inventory that does:")
    for line in lines:
        print("    " + compact(line))
    for request in requests:
        print("request  " + compact(request))
    print(f"model    {compact(found.expected)}")
    print(f"command  {compact(found.found)}", flush=True)


# ---- the run ----------------------------------------------------------------------------------


def run_seed(job):
    """(seed, decisions compared, how many of them differ)."""
    answer_all, seed, request_count = job
    return seed, request_count, len(differences(answer_all, *generate(seed, request_count)))


def read_options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--admatch", default=str(ROOT / "build/release/admatch"), help="the command")
    parser.add_argument("--decisions", type=int, default=100000, help="how many, at least")
    parser.add_argument("--requests", type=int, default=100, help="for each inventory")
    parser.add_argument("--seed", type=int, default=1, help="of the first inventory")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--show", type=int, default=3, help="differences to shrink and print")
    return parser.parse_args()


def main():
    options = read_options()
    answer_all = Command(options.admatch.split())
    seeds = range(options.seed, options.seed - (-options.decisions // options.requests))
    jobs = ((answer_all, seed, options.requests) for seed in seeds)
    decisions, failed, differing = 0, 0, []
    with multiprocessing.Pool(options.jobs) as pool:
        for seed, compared, different in pool.imap_unordered(run_seed, jobs, chunksize=4):
            decisions += compared
            failed += different
            differing += [seed] if different else []
    for seed in sorted(differing)[: options.show]:
        report(answer_all, seed, options.requests)
    print(f"{decisions - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
