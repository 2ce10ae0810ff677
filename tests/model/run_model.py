#!/usr/bin/env python3
"""Holds the command against the model: random inventories, random requests, every answer compared in full.

A difference is shrunk to the smallest inventory and request that still show it, and printed with its seed.
"""

import argparse
import itertools
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

import inventory
import model
from generate import generate

ROOT = Path(__file__).resolve().parents[2]


def compact(value):
    return json.dumps(value, ensure_ascii=False, default=float)


class CommandFailed(Exception):
    """The command did not answer; the text says how."""


def run_command(admatch, lines, requests):
    """The command's answers to a batch of requests."""
    with tempfile.TemporaryDirectory(prefix="admatch-model-") as folder:
        inventory_path, requests_path = Path(folder, "inventory.jsonl"), Path(folder, "requests.jsonl")
        inventory_path.write_text("".join(compact(line) + "\n" for line in lines), encoding="utf-8")
        requests_path.write_text("".join(compact(r) + "\n" for r in requests), encoding="utf-8")
        command = admatch + ["match", inventory_path, "--batch", requests_path, "--test"]
        done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        errors = done.stderr.decode("utf-8", "replace").strip()
        raise CommandFailed(f"exit status {done.returncode}: {errors}")
    answers = [json.loads(line, parse_float=Decimal) for line in done.stdout.splitlines()]
    if len(answers) != len(requests):
        raise CommandFailed(f"{len(answers)} answers to {len(requests)} requests")
    return answers


def money_texts(answer):
    """Equal numbers may be written differently; money is written in one way only."""
    return [(str(ad["price"]), str(ad["ecpm"])) for slot in answer["slots"] for ad in slot["ads"]]


def same(expected, found):
    return expected == found and money_texts(expected) == money_texts(found)


def first_difference(admatch, lines, requests):
    """(place of the request, expected, found) of the first answer that differs, or None."""
    loaded = inventory.load(lines)
    expected = [model.decide(loaded, request) for request in requests]
    try:
        answers = run_command(admatch, lines, requests)
    except CommandFailed as failure:
        return 0, None, str(failure)
    generations = [answer.pop("generation", None) for answer in answers]
    for place, (wanted, answer) in enumerate(zip(expected, answers)):
        if not same(wanted, answer):
            return place, wanted, answer
        if not isinstance(generations[place], str) or generations[place] != generations[0]:
            return place, f"generation {generations[0]!r} in every answer", generations[place]
    return None


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


def still_differs(answer_all, case, refused):
    """Whether a smaller case is a difference of the same sort (an answer, or none at all)."""
    if len(case) != 2 or not case[0] or not case[1]:
        return False
    try:
        difference = first_difference(answer_all, *case)
    except (KeyError, ValueError, TypeError, AttributeError, StopIteration):
        return False  # not an inventory or a request any more
    return difference is not None and difference[1] is None and refused == difference[2] or (
        difference is not None and difference[1] is not None and not refused
    )


def shrink(answer_all, case, refused):
    """The smallest (lines, requests) that still differ: nothing can be taken away from them."""
    before, case = None, list(case)
    while before != case:
        before = case
        case = shrink_value(case, lambda smaller: still_differs(answer_all, smaller, refused))
    return case


def report(admatch, seed, requests):
    """Prints one difference, as small as it gets."""
    lines, batch = generate(seed, requests)
    place, expected, _ = first_difference(admatch, lines, batch)
    refused = expected is None
    if not refused and still_differs(admatch, (lines, [batch[place]]), refused):
        batch = [batch[place]]
    lines, batch = shrink(admatch, (lines, batch), refused)
    place, expected, found = first_difference(admatch, lines, batch)
    print(f"seed {seed} differs; the smallest inventory that does:")
    for line in lines:
        print("    " + compact(line))
    for request in batch:
        print("request  " + compact(request))
    print(f"model    {compact(expected)}")
    print(f"command  {compact(found)}", flush=True)


# ---- the run ----------------------------------------------------------------------------------


def run_seed(job):
    """(seed, decisions that agreed, whether one differed)."""
    admatch, seed, requests = job
    lines, batch = generate(seed, requests)
    difference = first_difference(admatch, lines, batch)
    return seed, difference[0] if difference else requests, difference is not None


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
    admatch = options.admatch.split()
    seeds = range(options.seed, options.seed + -(-options.decisions // options.requests))
    jobs = ((admatch, seed, options.requests) for seed in seeds)
    passed, differing = 0, []
    with multiprocessing.Pool(options.jobs) as pool:
        for seed, agreed, differs in pool.imap_unordered(run_seed, jobs, chunksize=4):
            passed += agreed
            differing += [seed] * differs
    for seed in itertools.islice(sorted(differing), options.show):
        report(admatch, seed, options.requests)
    print(f"{passed} passed, {len(differing)} failed")
    return 1 if differing else 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONHASHSEED", "0")
    sys.exit(main())
