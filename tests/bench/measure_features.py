# SPDX-License-Identifier: Apache-2.0
"""What the rules of a decision cost: a request that uses all of them against one that uses none, and
explain on and off, from bytes of JSON to bytes of JSON."""

import json
import random

from common import bar, count, in_turns, median, spread

DEVICES = ["mobile", "desktop", "tablet"]
COUNTRIES = ["US", "CA", "DE", "FR", "GB", "IT", "ES", "PL"]


def featured_ads(phrases):
    """One ad a phrase, ten ads a campaign; every kind of rule, drawn from a few hundred variants as in real accounts."""
    draw = random.Random(7)
    yield '{"type":"inventory","language":"en"}'
    for index, phrase in enumerate(phrases):
        campaign = index // 10
        if index % 10 == 0:
            yield json.dumps({
                "type": "campaign", "id": f"c{campaign}", "advertiser": f"advertiser-{campaign // 3}", "priority": campaign % 3,
                "start": "2026-01-01T00:00:00Z", "end": "2030-01-01T00:00:00Z", "negative_keywords": [f"free{campaign % 50}", '"for sale"'],
                "targeting": {"country": draw.sample(COUNTRIES, 6)}, "labels": [f"l{campaign % 40}"], "exclude_labels": [f"l{campaign % 37}"],
                "categories": [f"IAB{campaign % 26 + 1}"], "domain": f"d{campaign % 5000}.example"})
        yield json.dumps({
            "id": f"a{index}", "campaign": f"c{campaign}", "bid": draw.randrange(5, 900) / 100, "quality": draw.randrange(500, 1500) / 1000,
            "keywords": [f'"{phrase}"', "-cheap"], "sizes": draw.sample(["300x250", "728x90", "320x50", "160x600"], 2),
            "targeting": {"device": draw.sample(DEVICES, 2), "not": {"site": [f"s{index % 20}.example"]},
                          "any": [{"kv": {"sport": ["running", f"v{index % 30}"]}}, {"hour": list(range(index % 5, 168, 2))}]},
            "url": f"https://ads.example/a{index}"})


def requests(texts, field, **more):
    for index, text in enumerate(texts):
        yield json.dumps({"id": f"r{index}", field: text, **more})


FULL = {
    "slots": [{"id": "top", "count": 1, "size": ["300x250", "728x90"], "floor": 0.1}, {"id": "side", "count": 1, "size": ["160x600"], "floor": 0.2},
              {"id": "end", "count": 1}],
    "context": {"country": "US", "device": "mobile", "site": "news.example", "language": "en", "kv": {"sport": ["running", "cycling"]},
                "timezone": "America/New_York"},
    "block": {"advertisers": ["advertiser-7", "advertiser-99"], "categories": ["IAB7", "IAB25-3"], "domains": ["d9.example", "bad.example"]},
    "unique": "advertiser",
}
BARE = {"slots": [{"count": 3}], "unique": "ad"}


def measure(context):
    phrases = context.plain("phrases", context.sizes[-1])
    featured = context.file(f"featured-{phrases.stem}.jsonl", lambda: featured_ads(phrases.read_text().splitlines()))
    featured = context.image(featured)
    bare = context.image(context.inventory(phrases, "phrase"))
    jobs, rows = [], []
    for kind, field in (("pages", "text"), ("queries", "query")):
        texts = context.plain(kind).read_text().splitlines()[: 1000 if kind == "pages" else 20000]
        plain = context.file(f"bare-{kind}.jsonl", lambda: requests(texts, field, **BARE))
        full = context.file(f"full-{kind}.jsonl", lambda: requests(texts, field, **FULL))
        explain = context.file(f"explain-{kind}.jsonl", lambda: requests(texts, field, explain=True, **FULL))
        jobs += [(f"{kind}: bare ads, bare request", bare, plain), (f"{kind}: ads with every rule, bare request", featured, plain),
                 (f"{kind}: ads with every rule, request with every feature", featured, full),
                 (f"{kind}: the same with explain", featured, explain)]
    programs = [context.measure("answer", image, path) for _, image, path in jobs]
    in_turns(programs, context.rounds)
    for (label, _, path), program in zip(jobs, programs):
        lines = path.read_bytes().count(b"\n")
        rows.append({"request": label, "us a request": round(1e6 * median(program.seconds) / lines, 2),
                     "ads a request": round(program.last["matches"] / lines, 2), "spread %": round(spread(program.seconds))})
        program.close()
    bars = []
    for first, kind in ((0, "page"), (4, "query")):
        ratio = rows[first + 2]["us a request"] / rows[first]["us a request"]
        bars.append(bar(f"every feature on over a bare {kind}, {count(context.sizes[-1])} ads, times (at most 2)", ratio, 2, "lower"))
    return {
        "title": "Features",
        "rows": rows,
        "notes": ["Whole requests inside one process: JSON in, decision, JSON out. Every feature: three slots with sizes and floors, targeting trees on ad and "
                  "campaign, hours in a time zone, key-values, negative keywords, schedules, priorities, quality, labels, blocked advertisers, categories and domains."],
        "bars": [] if context.quick else bars,
    }
