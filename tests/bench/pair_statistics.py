# SPDX-License-Identifier: Apache-2.0
"""The median of ratios, and how sure it is."""

import collections
import math
import statistics

CONFIDENCE = 0.95

# Turns: (base, new) each. Ratio: how many times the base's cost the new side's is in this pair.
Pair = collections.namedtuple("Pair", "turns ratio")


def ratio_of(turns):
    """Of neighbouring turns, since a machine that is slow for a while slows both."""
    return statistics.median(new / base for base, new in turns)


def interval(values):
    """The confidence interval of the median by order statistics (W. R. Thompson, "On confidence ranges for the median", 1936): it
    holds for values of any distribution, drawn alike and apart from one another. With fewer than 6 values there is none."""
    ordered = sorted(values)
    count, rank, outside = len(ordered), 0, 0.0
    while 2 * (outside + math.comb(count, rank) / 2**count) <= 1 - CONFIDENCE:
        outside += math.comb(count, rank) / 2**count
        rank += 1
    return (ordered[rank - 1], ordered[count - rank]) if rank else (-math.inf, math.inf)


def compared(name, unit, pairs, scale=1):
    """A figure of the report, from its pairs; `scale` turns what the turns have into the unit."""
    ratios = [pair.ratio for pair in pairs]
    low, high = interval(ratios)
    base, new = (scale * statistics.median(turn[at] for pair in pairs for turn in pair.turns) for at in (0, 1))
    return {"figure": name, "unit": unit, "base": base, "new": new, "ratio": statistics.median(ratios), "low": low, "high": high}


def verdict(figure, limit):
    """What the interval allows to be said, and whether the new side is at most `limit` (0.03: 3 %) slower: its median is, or
    the limit lies inside the interval."""
    seen = "slower" if figure["low"] > 1 else "faster" if figure["high"] < 1 else "no difference seen"
    return seen, figure["ratio"] <= 1 + limit or figure["low"] <= 1 + limit
