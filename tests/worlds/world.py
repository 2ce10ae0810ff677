# SPDX-License-Identifier: Apache-2.0
"""Makes the inventory and the requests of one generated day: campaigns in keyword markets that contend for them, a day's shape with
bursts, and a forecast of it that may be wrong. The same name and seed give the same day."""

import dataclasses
import itertools
import json
import math
import random

DAY0 = 1796083200  # 2026-12-01T00:00:00Z, a Tuesday
DAY = 86400
LEAST_CLICKS = 40  # that a budget of clicks buys: two of them are ahead of the line at any time


@dataclasses.dataclass(frozen=True)
class World:
    name: str
    shape: str = "evening"     # the day's: evening, office or level
    forecast: str = "right"    # right, low (half of the day is forecast at half its traffic), late, early (by 2 hours) or flat
    booked: float = 0.75       # impressions of all budgets, as a share of the requests
    bursts: int = 0            # minutes-long crowds
    late: float = 0.0          # share of campaigns that start in the day
    cpc: float = 0.0           # share of campaigns that pay by click
    dayparted: float = 0.0     # share of campaigns that run from 08:00 to 20:00
    pacing: str = "even"
    campaigns: int = 1000
    markets: int = 400
    requests: int = 300000
    seed: int = 1


def shape_of(name):
    """Weight of each hour of the day, 1 to 1000."""
    if name == "level":
        return [500 if 8 <= hour < 22 else 250 for hour in range(24)]
    peaks = {"evening": ((20.0, 3.0, 700), (12.5, 3.5, 400)),
             "office": ((10.5, 2.5, 600), (15.0, 3.0, 600))}[name]
    hours = []
    for hour in range(24):
        weight = 180.0
        for peak, width, height in peaks:
            apart = min(abs(hour + 0.5 - peak), 24 - abs(hour + 0.5 - peak))
            weight += height * math.exp(-(apart / width) ** 2 / 2)
        hours.append(max(1, min(1000, round(weight))))
    return hours


def forecast_of(world):
    """What the campaigns' curve says of each hour of the day."""
    truth = shape_of(world.shape)
    if world.forecast == "late":
        return truth[-2:] + truth[:-2]
    if world.forecast == "early":
        return truth[2:] + truth[:2]
    if world.forecast == "low":
        return [weight if hour < 12 else max(1, weight // 2) for hour, weight in enumerate(truth)]
    return [500] * 24 if world.forecast == "flat" else truth


def popularity_of(world):
    return [1 / (1 + market) ** 0.6 for market in range(world.markets)]


def times_of(world, rng):
    """Seconds of the day at which requests come, ascending."""
    weights = shape_of(world.shape)
    seconds = [weights[second // 3600] for second in range(DAY)]
    for _ in range(world.bursts):
        begin, length = rng.randrange(6 * 3600, 23 * 3600), rng.randrange(120, 600)
        for second in range(begin, begin + length):
            seconds[second] *= 3
    return sorted(rng.choices(range(DAY), cum_weights=list(itertools.accumulate(seconds)), k=world.requests))


def write_requests(world, path):
    rng = random.Random(f"{world.name} requests {world.seed}")
    markets = rng.choices(range(world.markets), cum_weights=list(itertools.accumulate(popularity_of(world))), k=world.requests)
    with open(path, "w") as out:
        for number, (second, market) in enumerate(zip(times_of(world, rng), markets)):
            out.write(f'{{"id":"r{number}","now":{DAY0 + second},"query":"market{market}"}}\n')


def share_after(weights, start):
    """The share of the day's weight from a second of the day on."""
    after = sum(weight * min(3600, max(0, (hour + 1) * 3600 - start)) for hour, weight in enumerate(weights))
    return after / (3600 * sum(weights))


@dataclasses.dataclass
class Campaign:
    number: int
    markets: list
    bid: float        # per 1000 impressions, or per click
    ctr: float        # of campaigns that pay by click, else 0
    start: int        # second of the day
    dayparted: bool
    size: float       # impressions


def book(world, campaigns):
    """Scales the sizes, so that together they book what they should; none becomes too small."""
    least = [LEAST_CLICKS / campaign.ctr if campaign.ctr else 1.0 for campaign in campaigns]
    for _ in range(20):
        scale = world.booked * world.requests / sum(campaign.size for campaign in campaigns)
        for campaign, size in zip(campaigns, least):
            campaign.size = max(size, campaign.size * scale)


def drawn_campaigns(world):
    rng = random.Random(f"{world.name} campaigns {world.seed}")
    popularity, campaigns = popularity_of(world), []
    whole, truth = sum(popularity), shape_of(world.shape)
    for number in range(world.campaigns):
        markets = sorted(set(rng.choices(range(world.markets), weights=popularity, k=rng.randrange(1, 9))))
        cpc = rng.random() < world.cpc
        start = rng.randrange(3 * 3600, 17 * 3600) if rng.random() < world.late else 0
        dayparted = rng.random() < world.dayparted
        supply = sum(popularity[market] for market in markets) / whole * share_after(truth, start)
        campaigns.append(Campaign(
            number=number, markets=markets, ctr=round(rng.uniform(0.04, 0.15), 6) if cpc else 0.0,
            bid=round(rng.uniform(0.01, 0.1) if cpc else rng.uniform(0.5, 8), 4), start=start, dayparted=dayparted,
            size=supply * rng.lognormvariate(0, 0.7)))
    book(world, campaigns)
    return campaigns


def time_text(second):
    return f"2026-12-01T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"


def records_of(world, campaign):
    """The campaign and its ad. Money has 6 decimals."""
    event = campaign.bid if campaign.ctr else campaign.bid / 1000
    budget = campaign.size * (campaign.ctr or 1) * event
    record = {"type": "campaign", "id": f"c{campaign.number}", "advertiser": f"v{campaign.number}",
              "budget": {"daily": max(round(budget, 6), round(event, 6), 0.000001)}, "pacing": world.pacing}
    if campaign.start:
        record["start"] = time_text(campaign.start)
    ad = {"type": "ad", "id": f"a{campaign.number}", "campaign": f"c{campaign.number}",
          "url": f"https://v{campaign.number}.example/", "bid": campaign.bid,
          "keywords": [f"market{market}" for market in campaign.markets]}
    if campaign.ctr:
        ad |= {"pricing": "cpc", "ctr": campaign.ctr}
    if campaign.dayparted:
        record["targeting"] = {"hours": ["mon-sun 08:00-20:00"]}
    return [record, ad]


def write_inventory(world, path):
    curve = forecast_of(world) * 7
    with open(path, "w") as out:
        header = {"type": "inventory", "currency": "EUR", "timezone": "UTC", "pacing_curve": curve}
        for record in [header] + [record for campaign in drawn_campaigns(world) for record in records_of(world, campaign)]:
            out.write(json.dumps(record) + "\n")
