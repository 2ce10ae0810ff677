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


def smaller_texts(text):
    words = text.split(" ")
    for place in range(len(words)):
        yield " ".join(words[:place] + words[place + 1 :])
    if len(text) <= 40:
        for place in range(len(text)):
            yield text[:place] + text[place + 1 :]


def smaller(value):
    """Variants of a JSON value with something less, the bigger cuts first."""
    if isinstance(value, list):
        size = len(value) // 2
        while size >= 1:
            for begin in range(0, len(value), size):
                yield value[:begin] + value[begin + size :]
            size //= 2
        for place, item in enumerate(value):
            for variant in smaller(item):
                yield value[:place] + [variant] + value[place + 1 :]
    elif isinstance(value, dict):
        for name in value:
            yield {other: value[other] for other in value if other != name}
        for name in value:
            for variant in smaller(value[name]):
                yield {**value, name: variant}
    elif isinstance(value, str):
        yield from smaller_texts(value)


def still_differs(admatch, case, refused):
    """Whether a smaller case is a difference of the same sort (an answer, or none at all)."""
    try:
        difference = first_difference(admatch, *case)
    except (KeyError, ValueError, TypeError, AttributeError, StopIteration):
        return False  # not an inventory or a request any more
    return difference is not None and (difference[1] is None) == refused


def shrink(admatch, case, refused):
    """Greedily the smallest case that still differs."""
    shrunk = True
    while shrunk:
        shrunk = False
        for variant in smaller(list(case)):
            valid = len(variant) == 2 and variant[0] and variant[1]
            if valid and still_differs(admatch, variant, refused):
                case, shrunk = variant, True
                break
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
