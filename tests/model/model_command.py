#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The model as a command, called as `admatch match INVENTORY --batch REQUESTS --test` is: to ask it by hand."""

import json
import sys

import inventory
import model


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def main(arguments):
    if len(arguments) != 5 or arguments[0] != "match" or arguments[2] != "--batch" or arguments[4] != "--test":
        print("usage: model_command.py match INVENTORY --batch REQUESTS --test", file=sys.stderr)
        return 2
    loaded = inventory.load(read_lines(arguments[1]))
    for request in read_lines(arguments[3]):
        answer = {"generation": "model", **model.decide(loaded, request)}
        print(json.dumps(answer, ensure_ascii=False, default=float))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
