#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures two commits in turns, and says of each figure whether the newer one is slower.

    pair.py --base COMMIT                    against the work tree
    pair.py --base COMMIT --new COMMIT engine server

Both are built below build/pair. Sections are engine, command and server, all when none is named. docs/BENCHMARKS.md tells how
it measures. Ends with 1 when a figure is more than --limit percent slower.
"""

import argparse
import importlib
import sys
import time

from common import Context
from pair_side import FOLDER, Side
from pair_statistics import verdict

SECTIONS = ("engine", "command", "server")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", choices=[[], *SECTIONS])
    parser.add_argument("--base", required=True, help="the commit to compare with")
    parser.add_argument("--new", help="the commit to be judged; without it, the work tree with its changes")
    parser.add_argument("--pairs", type=int, default=20, help="of each figure of the server; the engine gets three times as many (20)")
    parser.add_argument("--limit", type=float, default=3, help="percent that a figure may be slower (3)")
    parser.add_argument("--data", help="folder of real phrases, pages and queries; without it they are generated")
    parser.add_argument("--quick", action="store_true", help="small data: shows that it runs, measures nothing")
    return parser.parse_args()


def line_of(figure, limit):
    seen, within = verdict(figure, limit / 100)
    return (f"{figure['figure']:<34} {figure['base']:>9.4g} {figure['new']:>9.4g} {figure['unit']:<14} x {figure['ratio']:.4f} "
            f"[{figure['low']:.4f}, {figure['high']:.4f}]  {seen}{'' if within else f', more than {limit:g} %'}")


def main():
    options = parse_arguments()
    sides = [Side(options.base), Side(options.new)]
    context = Context(sides[1].build_folder, options.quick, 1, options.data or FOLDER / "nowhere")
    for name, side in zip(("base", "new"), sides):
        print(f"{name:<4} {side.title}", flush=True)
        side.build()
    print(f"data: {context.data_name}\n\n{'figure':<34} {'base':>9} {'new':>9} {'':<14} x the base's cost, 95 % interval", flush=True)
    figures = []
    for name in options.sections or SECTIONS:
        began = time.monotonic()
        for figure in importlib.import_module(f"pair_{name}").measure(context, sides, options.pairs):
            figures.append(figure)
            print(line_of(figure, options.limit), flush=True)
        print(f"    {name}: {time.monotonic() - began:.0f} s", flush=True)
    exceeded = [figure["figure"] for figure in figures if not verdict(figure, options.limit / 100)[1]]
    print(f"\nbench-pair: {'more than' if exceeded else 'all figures within'} {options.limit:g} % slower"
          + (": " + ", ".join(exceeded) if exceeded else ""))
    return 1 if exceeded else 0


if __name__ == "__main__":
    sys.exit(main())
