# SPDX-License-Identifier: Apache-2.0
"""Small days, by `admatch simulate` and by the model in Python (day.py): every number of the report must be the same.
Usage: run_days.py --admatch BINARY [--days N] [--seed N]"""

import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import day

STARTS = (1796083200, 1806188400)  # 2026-12-01T00:00:00Z; 2027-03-28, 00:00 in Paris, two hours before its clocks change
ZONES = ("UTC", "Europe/Paris", "America/New_York", "Asia/Kolkata")
WORDS = [f"word{letter}" for letter in "abcdefgh"]


def budget_of(rng, cpc):
    budget = {}
    if rng.random() < 0.7:
        budget["daily"] = round(rng.uniform(0.05, 1.5), 6)
    if rng.random() < 0.3:
        budget["total"] = round(rng.uniform(0.1, 3), 6)
    if rng.random() < 0.25:
        budget["impressions"] = {name: rng.randrange(1, 400) for name in rng.sample(("total", "daily"), rng.randrange(1, 3))}
    if cpc and rng.random() < 0.4:
        budget["clicks"] = {"daily": rng.randrange(1, 20)}
    return budget


def limits_of(rng, cpc=False):
    record = {}
    budget = budget_of(rng, cpc)
    if budget and rng.random() < 0.8:
        record["budget"] = budget
        record["pacing"] = rng.choice(("even", "even", "frontloaded", "asap"))
    if rng.random() < 0.3:
        record["frequency_caps"] = [{"max_impressions": rng.randrange(1, 6), "period": period}
                                    for period in rng.sample(("10m", "90m", "3h"), rng.randrange(1, 3))]
    return record


def time_text(second):
    return f"{day.datetime.datetime.fromtimestamp(second, day.datetime.timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


def campaign_of(rng, number, first):
    record = {"type": "campaign", "id": f"c{number}", "advertiser": f"v{rng.randrange(12)}", "timezone": rng.choice(ZONES)} | limits_of(rng, True)
    if rng.random() < 0.2:
        record["start"] = time_text(first + rng.randrange(86400))
    if rng.random() < 0.4:
        record["end"] = time_text(first + rng.randrange(86400, 3 * 86400))
    if rng.random() < 0.2:
        record["targeting"] = {"hours": ["mon-sun 07:00-21:00"]}
    if rng.random() < 0.3:
        record["pacing_curve"] = rng.choice(("flat", [rng.randrange(1, 1000) for _ in range(168)]))
    return record


def inventory_of(rng, first):
    """Records in the order of reports: advertisers, campaigns, ads."""
    records = [{"type": "inventory", "currency": "EUR", "timezone": "Europe/Paris", "pacing_curve": [rng.randrange(1, 1000) for _ in range(168)]}]
    records += [{"type": "advertiser", "id": f"v{number}"} | limits_of(rng) for number in range(12)]
    records += [campaign_of(rng, number, first) for number in range(20)]
    bids = rng.sample(range(1000, 9000), 50)
    for number, bid in enumerate(bids):
        ad = {"type": "ad", "id": f"a{number}", "campaign": f"c{rng.randrange(20)}", "bid": bid / 1000, "priority": rng.randrange(3),
              "keywords": rng.sample(WORDS, rng.randrange(1, 4))}
        if rng.random() < 0.3:
            ad |= {"pricing": "cpc", "ctr": round(rng.uniform(0.01, 0.3), 6), "bid": bid / 50000}
        if rng.random() < 0.25:
            ad |= limits_of(rng, True)
        records.append(ad)
    return records


def requests_of(rng, first, count):
    for second in sorted(rng.randrange(2 * 86400) for _ in range(count)):
        request = {"now": first + second, "query": " ".join(rng.sample(WORDS, 2)),
                   "slots": [{"count": rng.randrange(1, 4)} for _ in range(rng.randrange(1, 3))]}
        if rng.random() < 0.7:
            request["user"] = {"key": f"u{rng.randrange(60)}"}
        yield request


def options_of(rng):
    return {"seed": rng.randrange(2**64), "render": round(rng.uniform(0.3, 1), 3), "delay": round(rng.uniform(0, 40), 3),
            "reserve": rng.choice((5, 60, 600)), "asap": rng.random() < 0.15}


def ordered(report):
    """The order of limits and of members is not compared."""
    return report | {"limits": sorted(report["limits"], key=lambda limit: (limit["kind"], limit["id"], limit["unit"]))}


def differences(path, expected, found):
    if isinstance(expected, dict) and isinstance(found, dict):
        for name in sorted(expected.keys() | found.keys()):
            yield from differences(f"{path}.{name}", expected.get(name), found.get(name))
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for number, pair in enumerate(zip(expected, found)):
            yield from differences(f"{path}[{number}]", *pair)
    elif expected != found:
        yield f"{path}: the model has {expected}, admatch {found}"


def simulate(admatch, folder, records, requests, options):
    inventory, batch, report = (folder / name for name in ("inventory.jsonl", "requests.jsonl", "report.json"))
    inventory.write_text("".join(json.dumps(record) + "\n" for record in records))
    batch.write_text("".join(json.dumps(request) + "\n" for request in requests))
    flags = [f"--{name}={value}" for name, value in options.items() if name != "asap"] + ["--asap"] * options["asap"]
    subprocess.run([admatch, "simulate", inventory, "--requests", batch, "--report", report, *flags], check=True, capture_output=True)
    return json.loads(report.read_text())


def run_day(admatch, folder, seed, count):
    rng = random.Random(f"day {seed}")
    first = STARTS[seed % len(STARTS)]
    records, requests, options = inventory_of(rng, first), list(requests_of(rng, first, count)), options_of(rng)
    found = simulate(admatch, folder, records, requests, options)
    model = day.Day(records, requests[0]["now"], requests[-1]["now"], options)
    for request in requests:
        model.request(request)
    model.finish()
    return found, list(differences("", ordered(model.report()), ordered(found)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--admatch", required=True)
    parser.add_argument("--days", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--requests", type=int, default=3000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        for seed in range(arguments.seed, arguments.seed + arguments.days):
            found, wrong = run_day(arguments.admatch, pathlib.Path(temporary), seed, arguments.requests)
            if wrong:
                sys.exit("\n".join([f"days: seed {seed}: {len(wrong)} numbers differ", *wrong[:20]]))
            print(f"day {seed}: {found['placements']} placements, {found['revenue']} billed: every number is the model's")


if __name__ == "__main__":
    main()
