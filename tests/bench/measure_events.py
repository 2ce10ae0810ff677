# SPDX-License-Identifier: Apache-2.0
"""What counting costs: /v1/decide with urls beside the same without a ledger, and impressions beside the constant plugin, in turns."""

import contextlib
import http.client
import json
import random
import shutil
import urllib.parse

from common import bar, median, run
from measure_server import Server, admatch, build_constant, medians, request_files, side_by_side

EVENTS = 400_000


def counting(context, image):
    folder = context.work / "ledger"
    shutil.rmtree(folder, ignore_errors=True)
    return admatch(context, image, 2, 8, "--admatch-ledger", str(folder), "--admatch-public-url", "http://ads.example", "--admatch-click-rates", "none")


def placed_urls(server, queries, wanted):
    """Paths of impressions of placements that the server has made."""
    found, connection = [], http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    with contextlib.closing(connection):
        while len(found) < wanted:
            connection.request("GET", "/v1/decide?count=20&unique=none&query=" + urllib.parse.quote_plus(random.choice(queries)))
            for slot in json.load(connection.getresponse())["slots"]:
                found += [placed["urls"]["impression"].removeprefix("http://ads.example") for placed in slot["ads"]]
    return found


def row(label, theirs, mine):
    return {"request": label, "beside, requests/s": round(medians(theirs, "rate")), "counting, requests/s": round(medians(mine, "rate")),
            "of that %": round(100 * median([b["rate"] / a["rate"] for a, b in zip(theirs, mine)]), 1), "p99 us": round(medians(mine, "p99")),
            "errors": sum(result["errors"] for result in mine)}


def measure(context):
    if not shutil.which("wrk"):
        return {"title": "Events", "rows": [], "notes": ["left out: wrk is not installed"]}
    build_constant(context)
    rounds, seconds = (1, 1) if context.quick else (9, 1)
    image = context.image(context.inventory(context.plain("phrases", context.sizes[-1]), "broad", "en"))
    requests, content = request_files(context)["a query, GET"]
    plain, counted, constant = admatch(context, image, 2, 8), counting(context, image), Server(context.work, "constant", 2, 8)
    without, with_urls = side_by_side(plain, counted, requests, content, rounds, seconds)
    queries = context.plain("queries").read_text().splitlines()[:5000]
    paths = placed_urls(counted, queries, EVENTS // 10 if context.quick else EVENTS)
    fired = context.work / "impressions.txt"
    fired.write_text("\n".join(paths) + "\n")
    bytes_only, impressions = side_by_side(constant, counted, fired, None, rounds, seconds)
    for server in (plain, counted, constant):
        server.stop()
    run(context.admatch, "recount", context.work / "ledger", stdout=open("/dev/null", "w"))
    decide = median([b["rate"] / a["rate"] for a, b in zip(without, with_urls)])
    events = median([b["rate"] / a["rate"] for a, b in zip(bytes_only, impressions)])
    return {
        "title": "Events",
        "rows": [row("`GET /v1/decide?count=3`, with urls, beside without", without, with_urls),
                 row("`GET /v1/impression`, beside the constant plugin", bytes_only, impressions)],
        "bars": [] if context.quick else [bar("/v1/decide with urls, share of its rate without, % (90 or more)", 100 * decide, 90),
                                          bar("an impression, share of the constant plugin's rate, % (60 or more)", 100 * events, 60)],
        "notes": ["uWSGI with 2 processes of 8 threads on http11-socket, wrk with 16 kept connections, on the same machine. The event log is on "
                  "the disk that the benchmark's files are on. Most impressions count; those of the last turns are repeats."],
    }
