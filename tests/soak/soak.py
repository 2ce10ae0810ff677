# SPDX-License-Identifier: Apache-2.0
"""The soak: what must hold over hours, tried in minutes against a real uWSGI. Ends with status 1 when a claim does not hold.

    soak.py [--seconds N] [SECTION ...]

Sections: swaps, memory, kills, neighbours, latency, hostile, ledger, events. Without any, all of them, in about N seconds together (600)."""

import argparse
import importlib
import time

from common import Findings

# of the whole time; what is left over is for starting and building
SHARES = {"swaps": 0.245, "memory": 0.085, "kills": 0.16, "neighbours": 0.07, "latency": 0.085, "hostile": 0.155, "ledger": 0.1, "events": 0.1}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=" ".join(SHARES))
    parser.add_argument("--seconds", type=int, default=600, help="for all sections together (600)")
    options = parser.parse_args()
    unknown = set(options.sections) - set(SHARES)
    if unknown:
        parser.error(f"no such section: {' '.join(sorted(unknown))}; expected some of {' '.join(SHARES)}")
    findings, began = Findings(), time.monotonic()
    for section in options.sections or SHARES:
        print(f"== {section}", flush=True)
        start = time.monotonic()
        try:
            importlib.import_module(section).run(findings, options.seconds * SHARES[section])
        except AssertionError as error:
            findings.claim(False, f"{section}: {error}")
        print(f"          {time.monotonic() - start:.0f} s", flush=True)
    print(f"soak: {'all claims hold' if not findings.failed else f'{len(findings.failed)} claims FAILED'}, {time.monotonic() - began:.0f} s")
    return 1 if findings.failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
