# SPDX-License-Identifier: Apache-2.0
"""Targeting, as docs/DECISION.md section 6 rules."""

import datetime
import functools
import zoneinfo

from inventory import listed


def lower_ascii(text):
    return "".join(c.lower() if c.isascii() else c for c in text)


DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
SHOWN_MOST = 8
SORTED_MOST = 64


@functools.lru_cache(maxsize=10000)
def minute_of_week(now, timezone):
    local = datetime.datetime.fromtimestamp(now, zoneinfo.ZoneInfo(timezone))
    return local.weekday() * 1440 + local.hour * 60 + local.minute


@functools.lru_cache(maxsize=10000)
def minutes_of(text):
    """The minutes of the week that "mon-fri 09:00-18:00" means."""
    days, times = text.lower().split(" ")
    first, _, last = days.partition("-")
    begin, end = (int(time[:2]) * 60 + int(time[3:]) for time in times.split("-"))
    end += 1440 if end <= begin else 0
    count = (DAYS.index(last or first) - DAYS.index(first)) % 7 + 1
    starts = [(DAYS.index(first) + day) * 1440 for day in range(count)]
    return frozenset((start + minute) % 10080 for start in starts for minute in range(begin, end))


def holds_member(name, value, context, minute):
    """Whether one member of a targeting object holds."""
    if name == "not":
        return not holds(value, context, minute)
    if name == "any":
        return any(holds(child, context, minute) for child in value)
    if name == "all":
        return all(holds(child, context, minute) for child in value)
    if name == "kv":
        given = context.get("kv", {})
        return all(set(listed(given.get(key, []))) & set(wanted) for key, wanted in value.items())
    if name == "hour":
        return minute // 60 in value
    if name == "hours":
        return any(minute in minutes_of(text) for text in value)
    return bool(set(given_values(name, context)) & {read_value(name, item) for item in value})


def read_value(name, value):
    """A value as it is compared."""
    value = lower_ascii(value)
    return {"uk": "gb", "el": "gr"}.get(value, value) if name == "country" else value


def given_values(name, context):
    return [read_value(name, item) for item in listed(context.get(name, []))]


def holds(tree, context, minute):
    return all(holds_member(name, value, context, minute) for name, value in tree.items())


# ---- both sides -------------------------------------------------------------------------------


def shown(items):
    more = f" and {len(items) - SHOWN_MOST} more" if len(items) > SHOWN_MOST else ""
    return ", ".join(items[:SHOWN_MOST]) + more


def hour_runs(hours):
    hours, runs = set(hours), []
    for hour in sorted(hours):
        if hour - 1 not in hours:
            last = hour
            while last + 1 in hours:
                last += 1
            runs.append(f"{hour}-{last}" if last > hour else f"{hour}")
    return shown(runs)


def sides_of_values(name, wanted, given):
    """What an ad wants of an attribute, or of a key, and what the request has."""
    wanted = sorted(set(wanted), key=lambda text: text.encode("utf-8"))
    if name == "country":
        wanted, given = [w.upper() for w in wanted], [g.upper() for g in given]
    wants = shown(wanted) if len(wanted) <= SORTED_MOST else f"one of {len(wanted)} values"
    return f"{name}: wants {wants}; the request has {shown(given) or 'none'}"


def sides(name, value, context, minute, zone, is_requests):
    """A member that does not hold, as explain shows it."""
    there = "in the request's time zone" if is_requests else "there"
    if name == "not":
        return "not: its object holds"
    if name == "any":
        return "any: none of its objects holds"
    if name == "all":
        return "all: one of its objects does not hold"
    if name == "hour":
        return f"hour: wants {hour_runs(value)}; it is {minute // 60} {there}"
    if name == "hours":
        now = f"{DAYS[minute // 1440]} {minute % 1440 // 60:02}:{minute % 60:02}"
        return f"hours: wants {', '.join(value)} {zone}; it is {now} {there}"
    return sides_of_values(name, [read_value(name, item) for item in value], given_values(name, context))


def first_failure(tree, context, minute, zone, is_requests):
    """The first member of a tree that does not hold, as explain shows it, or None."""
    for name, value in tree.items():
        if name == "kv":
            for key, wanted in value.items():
                if not holds_member("kv", {key: wanted}, context, minute):
                    return sides_of_values("kv." + key, wanted, listed(context.get("kv", {}).get(key, [])))
        elif not holds_member(name, value, context, minute):
            return sides(name, value, context, minute, zone, is_requests)
    return None


def ad_failure(ad, context, timezone, now):
    """The first member of the ad's tree, then of its campaign's, that does not hold, or None."""
    for place, record in enumerate(ad.records):
        own = next(zone for zone in [other.timezone for other in ad.records[place:]] + ["UTC"] if zone)
        minute = minute_of_week(now, timezone or own)
        failure = first_failure(record.targeting, context, minute, own, timezone is not None)
        if failure:
            return failure
    return None
