#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures admatch, and others beside it; writes results.json and docs/BENCHMARKS.md.

    run.py                      every section, about ten minutes
    run.py engine peers         some sections
    run.py --quick              small data, one round: shows that it runs, measures nothing

A section is a module measure_NAME.py with measure(context); what it returns is described in report.py.
Data: the folder ../shared/data (or ADMATCH_BENCH_DATA) when it is there, else generate.py makes data
of the same make-up.
"""

import argparse
import datetime
import importlib
import json
import os
import pathlib
import platform
import subprocess
import sys
import time

import report
from common import ROOT, Context

SECTIONS = ("engine", "verify", "features", "peers", "server", "events", "loop", "ladder", "reports")


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    except OSError:
        return ""
    return (done.stdout or done.stderr).partition("\n")[0]


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def machine():
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**30
    return {
        "date": datetime.date.today().isoformat(),
        "commit": first_line("git", "rev-parse", "--short", "HEAD"),
        "processor": f"{os.cpu_count()} x {processor()}",
        "memory": f"{memory} GiB",
        "system": f"Linux {platform.release()}, {first_line('gcc', '--version')}",
        "flags": os.environ.get("CFLAGS", "-O2 -g"),
        "load before": "%.2f" % os.getloadavg()[0],
    }


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", choices=[[], *SECTIONS], help="all, when none is named")
    parser.add_argument("--build", default="build/release", help="where the plugin and the command are")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-report", action="store_true", help="leave docs/BENCHMARKS.md as it is")
    return parser.parse_args()


def main():
    options = parse_arguments()
    context = Context(ROOT / options.build, quick=options.quick, rounds=1 if options.quick else options.rounds)
    path = context.work / "results.json"
    results = {"machine": machine(), "data": context.data_name, "sections": {}}
    if options.sections and path.exists():
        results["sections"] = json.loads(path.read_text())["sections"]
    for name in options.sections or SECTIONS:
        began = time.monotonic()
        print(f"== {name}", flush=True)
        results["sections"][name] = importlib.import_module(f"measure_{name}").measure(context)
        print(f"   {time.monotonic() - began:.0f} s", flush=True)
    path.write_text(json.dumps(results, indent=1))
    print(f"results: {path}")
    if not options.quick and not options.no_report:
        print(f"report: {report.write(results, ROOT / 'docs')}")
    missed = [bar for section in results["sections"].values() for bar in section.get("bars", []) if not bar["met"]]
    for bar in missed:
        print(f"missed: {bar['bar']}: {bar['measured']:g}")


if __name__ == "__main__":
    sys.exit(main())
