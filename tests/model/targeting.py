# SPDX-License-Identifier: Apache-2.0
"""Targeting, as docs/DECISION.md section 6 rules."""

import datetime
import functools
import zoneinfo

from inventory import listed


def lower_ascii(text):
    return "".join(c.lower() if c.isascii() else c for c in text)


@functools.lru_cache(maxsize=10000)
def hour_of_week(now, timezone):
    local = datetime.datetime.fromtimestamp(now, zoneinfo.ZoneInfo(timezone))
    return local.weekday() * 24 + local.hour


def holds_member(name, value, context, hour):
    """Whether one member of a targeting object holds."""
    if name == "not":
        return not holds(value, context, hour)
    if name == "any":
        return any(holds(child, context, hour) for child in value)
    if name == "all":
        return all(holds(child, context, hour) for child in value)
    if name == "kv":
        given = context.get("kv", {})
        return all(set(listed(given.get(key, []))) & set(wanted) for key, wanted in value.items())
    if name == "hour":
        return hour in value
    given = {lower_ascii(item) for item in listed(context.get(name, []))}
    return bool(given & {lower_ascii(item) for item in value})


def holds(tree, context, hour):
    return all(holds_member(name, value, context, hour) for name, value in tree.items())


def first_failure(tree, context, hour):
    """The first member of a tree that does not hold, as explain names it, or None."""
    for name, value in tree.items():
        if name == "kv":
            for key, wanted in value.items():
                if not holds_member("kv", {key: wanted}, context, hour):
                    return "kv." + key
        elif not holds_member(name, value, context, hour):
            return name
    return None


def ad_failure(ad, context, timezone, now):
    """The first member of the ad's tree, then of its campaign's, that does not hold, or None."""
    for place, record in enumerate(ad.records):
        zones = [timezone] + [other.timezone for other in ad.records[place:]] + ["UTC"]
        zone = next(zone for zone in zones if zone)
        failure = first_failure(record.targeting, context, hour_of_week(now, zone))
        if failure:
            return failure
    return None
