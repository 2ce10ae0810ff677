#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the command and the model against the worked examples in this folder (README.md tells how one is written)."""

import argparse
import json
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "model"))

import inventory  # noqa: E402
import model  # noqa: E402

DEFAULTS = {"now": "2026-11-20T12:00:00Z", "explain": True}


def ask_model(lines, request):
    return model.decide(inventory.load(lines), request)


class Command:
    """The command at a path, asked one request."""

    def __init__(self, path):
        self.path = path

    def __call__(self, lines, request):
        with tempfile.TemporaryDirectory(prefix="admatch-examples-") as folder:
            paths = [Path(folder, "inventory.jsonl"), Path(folder, "requests.jsonl")]
            for path, records in zip(paths, [lines, [request]]):
                path.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
            words = [self.path, "match", paths[0], "--batch", paths[1], "--test"]
            done = subprocess.run(words, capture_output=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.decode("utf-8", "replace") + done.stdout.decode("utf-8", "replace"))
        return json.loads(done.stdout, parse_float=Decimal)


def contains(shown, wanted):
    """Whether every member of `wanted` is in `shown`, at any depth."""
    if isinstance(wanted, dict):
        return isinstance(shown, dict) and all(
            name in shown and contains(shown[name], value) for name, value in wanted.items()
        )
    return shown == wanted


def problems(example, answer):
    """What an answer has that the example does not say, one text each."""
    wanted = example["answer"]
    placed = [[ad["ad"] for ad in slot["ads"]] for slot in answer["slots"]]
    rejected = answer.get("explain", {}).get("rejected", [])
    reasons = [[r["ad"], r["reason"], r["detail"]] for r in rejected]
    if placed != wanted["slots"]:
        yield f"slots: {wanted['slots']} expected, found {placed}"
    if reasons != wanted.get("rejected", []):
        yield f"rejected: {wanted.get('rejected', [])} expected, found {reasons}"
    if answer.get("corrected", []) != wanted.get("corrected", []):
        yield f"corrected: {wanted.get('corrected', [])} expected, found {answer.get('corrected', [])}"
    shown = {ad["ad"]: ad for slot in answer["slots"] for ad in slot["ads"]}
    for name, details in wanted.get("details", {}).items():
        if not contains(shown.get(name), details):
            yield f"details of {name}: {details} expected, found {shown.get(name)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    default = HERE.parents[1] / "build/release/admatch"
    parser.add_argument("--admatch", default=str(default), help="the command")
    parser.add_argument("--model-only", action="store_true", help="ask the model only")
    options = parser.parse_args()
    answerers = {"model": ask_model}
    if not options.model_only:
        answerers["command"] = Command(options.admatch)
    passed = failed = 0
    for path in sorted(HERE.glob("[0-9]*.json")):
        example = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
        lines = json.loads(path.read_text(encoding="utf-8"))["inventory"]
        request = {**DEFAULTS, **json.loads(path.read_text(encoding="utf-8"))["request"]}
        for name, ask in answerers.items():
            found = list(problems(example, ask(lines, request)))
            passed, failed = passed + (not found), failed + bool(found)
            for text in found:
                print(f"{path.name}: {name}: {text}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
