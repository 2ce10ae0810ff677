# SPDX-License-Identifier: Apache-2.0
"""Reports: an event log of a day rolled up on one processor, and what is asked of it."""

import os
import resource
import shutil
import time

from common import bar, run
from generate_log import generate

DECISIONS = 7_000_000  # their events are 10 million lines
REPORTS = {"campaigns": ["--by", "campaign"], "hours": ["--by", "hour"], "ads, keywords and hours": ["--by", "ad,keyword,match,hour"], "search terms from 10 impressions on": ["--terms", "--min", "10"]}


def timed(*command):
    """Wall clock and processor seconds."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    run(*command, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(context):
    ledger = context.work / "reports"
    shutil.rmtree(ledger, ignore_errors=True)
    generate(ledger, DECISIONS // (1000 if context.quick else 1), 1000, 8, 1)
    lines = sum(path.read_bytes().count(b"\n") for path in (ledger / "log").iterdir())
    processor = str(max(os.sched_getaffinity(0)))
    wall, used = timed("taskset", "-c", processor, context.build / "admatch", "report", "--update", ledger)
    rows = [{"what": f"rolling up {lines:,} lines", "seconds": round(wall, 2), "of a processor": round(used, 2)}]
    bars = [] if context.quick else [bar("10,000,000 events and their decisions rolled up, s of a processor (under 60)", used, 60, "lower")]
    for name, options in REPORTS.items():
        wall, used = timed(context.build / "admatch", "report", *options, ledger)
        rows.append({"what": name, "seconds": round(wall, 2), "of a processor": round(used, 2)})
    size = sum(path.stat().st_size for path in ledger.glob("reports.sqlite*"))
    shutil.rmtree(ledger)
    return {
        "title": "Reports",
        "rows": rows,
        "notes": [f"A day of 1,000 campaigns, 10,000 ads and 8 lanes, uncompressed, {size / 1e6:.0f} MB when rolled up. Reports are of the whole day."],
        "bars": bars,
    }
