# SPDX-License-Identifier: Apache-2.0
"""Draws docs/pictures/pacing.svg: one campaign's day under each pacing, from `admatch simulate --series`.
Usage: pacing.py ADMATCH > pacing.svg"""

import csv
import json
import math
import pathlib
import random
import subprocess
import sys
import tempfile

DAY0 = 1796083200  # 2026-12-01T00:00:00Z
WIDTH, HEIGHT, LEFT, TOP, APART = 240, 200, 46, 34, 40
PACINGS = ("even", "frontloaded", "asap")
SHOWN = "shoes"


def hours_of_a_day():
    return [round(120 + 500 * math.exp(-((hour - 20) / 3.5) ** 2 / 2) + 260 * math.exp(-((hour - 12) / 3) ** 2 / 2)) for hour in range(24)]


def inventory(pacing):
    yield {"type": "inventory", "currency": "EUR", "timezone": "UTC", "pacing_curve": hours_of_a_day() * 7}
    for number, name in enumerate((SHOWN, "boots", "clogs")):
        yield {"type": "campaign", "id": name, "advertiser": name, "budget": {"daily": 10}, "pacing": pacing}
        yield {"id": name, "campaign": name, "bid": 4 + number / 10, "keywords": [name, "footwear"]}


def requests():
    rng = random.Random("pacing")
    times = rng.choices(range(24), weights=hours_of_a_day(), k=40000)
    for second in sorted(hour * 3600 + rng.randrange(3600) for hour in times):
        yield {"now": DAY0 + second, "query": rng.choice(("shoes", "boots", "clogs", "footwear"))}


def simulate(admatch, pacing):
    """Used and line of the campaign that is shown, by quarter of an hour."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for path, records in (("inventory", inventory(pacing)), ("requests", requests())):
            (folder / path).write_text("".join(json.dumps(record) + "\n" for record in records))
        subprocess.run([admatch, "simulate", folder / "inventory", "--requests", folder / "requests", "--series", folder / "series"],
                       check=True, stdout=subprocess.DEVNULL)
        rows = [row for row in csv.DictReader((folder / "series").open()) if row["id"] == SHOWN]
    return [(float(row["counted"]), float(row["line"])) for row in rows[:95]]


def path_of(left, values):
    points = [(left + WIDTH * quarter / 96, TOP + HEIGHT * (1 - value / 10)) for quarter, value in enumerate(values)]
    return "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in points)


def panel(left, pacing, rows):
    used, line = zip((0, rows[0][1] if pacing == "asap" else 0), *rows)
    yield f'<text x="{left}" y="{TOP - 12}" font-weight="bold">{pacing}</text>'
    yield f'<rect x="{left}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#bbb"/>'
    for hour in range(0, 25, 6):
        x = left + WIDTH * hour / 24
        yield f'<path d="M{x},{TOP} V{TOP + HEIGHT}" stroke="#e4e4e4"/><text x="{x}" y="{TOP + HEIGHT + 16}" text-anchor="middle">{hour}:00</text>'
    yield f'<path d="{path_of(left, line)}" fill="none" stroke="#c2410c" stroke-width="1.5" stroke-dasharray="5 3"/>'
    yield f'<path d="{path_of(left, used)}" fill="none" stroke="#1d4ed8" stroke-width="2"/>'


def main():
    width = LEFT + len(PACINGS) * (WIDTH + APART)
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {TOP + HEIGHT + 48}" font-family="sans-serif" font-size="11" fill="#222">')
    print("<title>Spend of a daily budget of 10 EUR and its line, under each pacing</title>")
    print(f'<rect width="{width}" height="{TOP + HEIGHT + 48}" fill="#fff"/>')
    for euros in (0, 5, 10):
        print(f'<text x="{LEFT - 8}" y="{TOP + HEIGHT * (1 - euros / 10) + 4}" text-anchor="end">{euros} €</text>')
    for number, pacing in enumerate(PACINGS):
        print("\n".join(panel(LEFT + number * (WIDTH + APART), pacing, simulate(sys.argv[1], pacing))))
    y = TOP + HEIGHT + 36
    print(f'<path d="M{LEFT},{y - 4} h24" stroke="#1d4ed8" stroke-width="2"/><text x="{LEFT + 30}" y="{y}">spent</text>')
    print(f'<path d="M{LEFT + 90},{y - 4} h24" stroke="#c2410c" stroke-width="1.5" stroke-dasharray="5 3"/><text x="{LEFT + 120}" y="{y}">line: the share of the budget that the day has earned</text>')
    print("</svg>")


if __name__ == "__main__":
    main()
