# SPDX-License-Identifier: Apache-2.0
"""Simulates generated days and holds them against what pacing must reach (docs/PACING.md, "What is proved"). Each day runs twice: as it
is, and with --asap, which shows what could be delivered at all.
Usage: run_worlds.py --admatch BINARY [--quick] [--only NAME ...] [--keep FOLDER]"""

import argparse
import dataclasses
import decimal
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import world as worlds
from world import World

QUARTERS = 96
LEAST_IMPRESSIONS = 50  # of a campaign whose spread over the day is judged

WORLDS = [
    World("evening"),
    World("office", shape="office"),
    World("level", shape="level", requests=500000),
    World("bursts", bursts=8),
    World("late-starts", late=0.3),
    World("dayparted", dayparted=0.05),
    World("clicks", cpc=0.15, requests=500000),
    World("all-at-once", shape="office", bursts=4, late=0.15, cpc=0.05, dayparted=0.05, requests=500000),
    World("forecast-low", forecast="low"),
    World("forecast-late", forecast="late"),
    World("forecast-early", shape="office", forecast="early"),
    World("forecast-flat", forecast="flat"),
    World("booked-90", booked=0.9),
    World("large", requests=600000, bursts=4, late=0.1),
]
QUICK = [
    dataclasses.replace(World("quick", late=0.1), campaigns=60, markets=24, requests=30000),
    dataclasses.replace(World("quick-low", shape="office", forecast="low", dayparted=0.1), campaigns=60, markets=24, requests=30000),
]


def curve_is_right(world):
    return worlds.forecast_of(world) == worlds.shape_of(world.shape)


@dataclasses.dataclass(frozen=True)
class Bars:
    within: float = 0.99
    gap_mean: float = 0.05
    gap_p95: float = 0.10
    peak: float = 1.5
    clicks_within: float = 0.97
    clicks_unbilled: float = 0.015
    revenue: float = 0.99


def bars_of(world):
    bars = Bars(within=0.92 if world.booked > 0.75 else 0.99)
    if curve_is_right(world) and world.booked <= 0.75:
        return bars
    return dataclasses.replace(bars, gap_mean=None, gap_p95=None, peak=None)


# ---- one campaign -------------------------------------------------------------------------------


def curve_quarters(world, campaign):
    """The share of the day that each quarter of an hour has for a campaign."""
    hours = worlds.shape_of(world.shape)
    seconds = [0] * QUARTERS
    for quarter in range(QUARTERS):
        begin, end = quarter * 900, (quarter + 1) * 900
        hour = quarter // 4
        open_seconds = max(0, end - max(begin, campaign.start))
        seconds[quarter] = 0 if campaign.dayparted and not 8 <= hour < 20 else hours[hour] * open_seconds
    whole = sum(seconds)
    return [share / whole for share in seconds]


def spread(world, campaign, series):
    """Gap and peak of a campaign's impressions, by quarter of an hour."""
    curve = curve_quarters(world, campaign)
    whole = sum(series.values())
    delivered = expected = gap = 0.0
    for quarter in range(QUARTERS):
        delivered += series.get(str(quarter), 0) / whole
        expected += curve[quarter]
        gap = max(gap, abs(delivered - expected))
    return gap, max(series.values()) / whole / max(curve)


def is_full(counted, limit, price):
    return limit - counted <= max(limit / 100, price)


# ---- one day ------------------------------------------------------------------------------------


def simulate(admatch, inventory, requests, report, *options):
    begin = time.monotonic()
    subprocess.run([admatch, "simulate", inventory, "--requests", requests, "--report", report, *options], check=True,
                   stdout=subprocess.DEVNULL)
    return json.loads(pathlib.Path(report).read_text()), time.monotonic() - begin


def budgets_of(report):
    return {limit["id"]: (decimal.Decimal(limit["counted"]), decimal.Decimal(limit["daily"])) for limit in report["limits"]}


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def figures_of(world, paced, asap):
    campaigns = worlds.drawn_campaigns(world)
    reported = {campaign["id"]: campaign for campaign in paced["campaigns"]}
    budgets, reachable = budgets_of(paced), budgets_of(asap)
    full = {"cpm": [], "cpc": []}
    gaps, peaks = [], []
    for campaign in campaigns:
        name = f"c{campaign.number}"
        price = decimal.Decimal(str(campaign.bid)) / (1 if campaign.ctr else 1000)
        counted, limit = budgets[name]
        if not is_full(reachable[name][0], limit, price):
            continue
        full["cpc" if campaign.ctr else "cpm"].append(is_full(counted, limit, price))
        series = reported[name]["series"]
        if not campaign.ctr and sum(series.values()) >= LEAST_IMPRESSIONS:
            gap, peak = spread(world, campaign, series)
            gaps.append(gap)
            peaks.append(peak)
    clicks = sum(campaign["clicks"] for campaign in paced["campaigns"])
    unbilled = sum(campaign["unbilled_clicks"] for campaign in paced["campaigns"])
    return {
        "deliverable": len(full["cpm"]) + len(full["cpc"]),
        "within": statistics.fmean(full["cpm"]) if full["cpm"] else None,
        "clicks_within": statistics.fmean(full["cpc"]) if full["cpc"] else None,
        "clicks_unbilled": unbilled / (clicks + unbilled) if full["cpc"] else None,
        "gap_mean": statistics.fmean(gaps), "gap_p95": percentile(gaps, 0.95), "peak": statistics.fmean(peaks),
        "revenue": float(decimal.Decimal(paced["revenue"]) / decimal.Decimal(asap["revenue"])),
        "above": sum(counted > limit for counted, limit in [*budgets.values(), *reachable.values()]),
    }


def missed(bars, figures):
    """The bars that the figures miss, in words."""
    for name in ("within", "clicks_within", "revenue"):
        least = getattr(bars, name)
        if figures[name] is not None and figures[name] < least:
            yield f"{name} {figures[name]:.4f}, expected at least {least}"
    for name in ("gap_mean", "gap_p95", "peak", "clicks_unbilled"):
        most = getattr(bars, name)
        if most is not None and figures[name] is not None and figures[name] > most:
            yield f"{name} {figures[name]:.4f}, expected at most {most}"
    if figures["above"]:
        yield f"{figures['above']} budgets are overspent"


COLUMNS = ("deliverable", "within", "clicks_within", "clicks_unbilled", "gap_mean", "gap_p95", "peak", "revenue", "above")


def row(world, figures, seconds):
    cells = [f"{figures[name]:.4f}" if isinstance(figures[name], float) else "-" if figures[name] is None else str(figures[name])
             for name in COLUMNS]
    return f"{world.name:14}" + "".join(f"{cell:>16}" for cell in cells) + f"{seconds:>9.1f}"


def run_world(world, admatch, folder):
    inventory, requests = folder / f"{world.name}.jsonl", folder / f"{world.name}-requests.jsonl"
    worlds.write_inventory(world, inventory)
    worlds.write_requests(world, requests)
    paced, seconds = simulate(admatch, inventory, requests, folder / f"{world.name}-paced.json")
    asap, _ = simulate(admatch, inventory, requests, folder / f"{world.name}-asap.json", "--asap")
    return figures_of(world, paced, asap), seconds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--admatch", required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    chosen = [dataclasses.replace(world, seed=arguments.seed) for world in (QUICK if arguments.quick else WORLDS)
              if not arguments.only or world.name in arguments.only]
    problems = []
    print(f"{'world':14}" + "".join(f"{name:>16}" for name in COLUMNS) + f"{'seconds':>9}")
    with tempfile.TemporaryDirectory() as temporary:
        for world in chosen:
            figures, seconds = run_world(world, arguments.admatch, arguments.keep or pathlib.Path(temporary))
            print(row(world, figures, seconds), flush=True)
            problems += [f"{world.name}: {problem}" for problem in missed(bars_of(world), figures)]
    for problem in problems:
        print("worlds:", problem)
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
