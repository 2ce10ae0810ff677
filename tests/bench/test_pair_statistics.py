# SPDX-License-Identifier: Apache-2.0
"""The interval and the verdict of `make bench-pair`."""

import math
import random
import statistics
import unittest

from pair_statistics import Pair, compared, interval, ratio_of, verdict


def figure(*ratios):
    return compared("figure", "us", [Pair([(1, ratio)], ratio) for ratio in ratios])


class IntervalTest(unittest.TestCase):
    def test_ranks_are_those_of_the_tables(self):
        for count, low, high in ((6, 1, 6), (10, 2, 9), (20, 6, 15), (60, 22, 39)):
            self.assertEqual(interval(range(1, count + 1)), (low, high))

    def test_few_values_say_nothing(self):
        self.assertEqual(interval([1, 1, 1, 1, 1]), (-math.inf, math.inf))

    def test_it_holds_the_median_as_often_as_it_says(self):
        draw = random.Random(1)
        held = 0
        for _ in range(4000):
            low, high = interval([draw.expovariate(1) for _ in range(20)])
            held += low <= math.log(2) <= high
        self.assertGreaterEqual(held / 4000, 0.95)
        self.assertLess(held / 4000, 0.97)


class VerdictTest(unittest.TestCase):
    def test_a_difference_is_seen_when_the_interval_leaves_out_1(self):
        self.assertEqual(verdict(figure(*[1.02] * 20), 0.03), ("slower", True))
        self.assertEqual(verdict(figure(*[0.98] * 20), 0.03), ("faster", True))
        self.assertEqual(verdict(figure(*[0.98, 1.02] * 10), 0.03), ("no difference seen", True))

    def test_the_limit_is_exceeded_when_median_and_interval_are_above_it(self):
        self.assertEqual(verdict(figure(*[1.04] * 20), 0.03), ("slower", False))
        self.assertEqual(verdict(figure(*[1.02, 1.05] * 10), 0.03), ("slower", True))

    def test_neighbouring_turns_are_compared(self):
        slow_for_a_while = [(1, 1.01)] * 3 + [(2, 2.02)] * 4
        self.assertAlmostEqual(ratio_of(slow_for_a_while), 1.01)
        self.assertEqual(compared("figure", "ms", [Pair(slow_for_a_while, 1.01)], 1000)["base"], 1000 * statistics.median([1, 1, 1, 2, 2, 2, 2]))


if __name__ == "__main__":
    unittest.main()
