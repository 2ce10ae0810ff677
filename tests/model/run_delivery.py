#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the ledger against the model: random accounts over simulated days, every answer and every counter compared.

    run_delivery.py --driver build/release/tests/delivery_driver [--worlds N] [--seed N]

A difference is printed with its seed and the last commands: `--seed N --worlds 1` runs it again."""

import argparse
import random
import subprocess
import sys

import delivery
from delivery import AD, ADVERTISER, CAMPAIGN, CLICK, IMPRESSION, KINDS, LIFETIME, UNITS

ZONES = ("", "Europe/Paris", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
# Around changes of the clock, and a plain day.
BEGINNINGS = (1774720000, 1792870000, 1772940000, 1793500000, 1796083200, 1775300000)
PERIODS = (30, 120, 1440, LIFETIME)


class Driver:
    """The ledger in C, one command a line."""

    def __init__(self, path, now):
        self.process = subprocess.Popen([path, str(now)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *fields):
        self.process.stdin.write(" ".join(map(str, fields)) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")

    def close(self):
        self.process.stdin.close()
        return self.process.wait()


def none(value):
    return "-" if value in (None, "") else value


def joined(values):
    return ",".join(map(str, values)) or "-"


def record_fields(terms):
    fields = ["record", terms["kind"], terms["name"], none(terms["above"]), int(terms["paused"]), none(terms["start"]), none(terms["end"]),
              none(terms["zone"]), terms["curve"], joined(terms["weights"] or ()),
              joined(f"{begin}:{end}" for begin, end in terms["hours"] or ()), none(terms["hours_zone"])]
    for total, daily, pacing in terms["budgets"]:
        fields += [none(total), none(daily), pacing]
    return " ".join(map(str, fields))


class World:
    """An account, its ads, and what happens to them."""

    def __init__(self, seed, path):
        self.random = random.Random(seed)
        self.now = self.random.choice(BEGINNINGS) + self.random.randrange(3600)
        self.model = delivery.Ledger(self.now)
        self.driver = Driver(path, self.now)
        self.history = []
        self.sequence = 0
        self.sequences = []
        self.advertisers = [f"v{i}" for i in range(2)]
        self.campaigns = {f"c{i}": self.random.choice(self.advertisers) for i in range(3)}
        self.ads = {f"a{i}": self.random.choice([*self.campaigns, None]) for i in range(6)}
        self.terms = {}
        self.caps = {}
        self.scale = self.random.choice((10, 1000, 10**6, 10**12))
        self.decisions = 0

    # ---- comparing ----------------------------------------------------------------------------

    def check(self, expected, *fields):
        self.history.append(" ".join(map(str, fields))[:300])
        found = self.driver.ask(*fields)
        if found != expected:
            self.differs(expected, found)

    def differs(self, expected, found):
        raise AssertionError("\n".join([*self.history[-12:], f"expected: {expected}", f"found:    {found}"]))

    def check_record(self, key):
        record = self.model.records[key]
        fields = [f"{record.total[unit]} {record.total[unit] - record.before[unit]}" for unit in UNITS]
        fields.append(str(int(record.gone)))
        for unit in UNITS:
            limit = record.limits.get(unit)
            if limit is None or not limit.on:
                fields.append("-")
                continue
            most = self.model.most(record, unit)
            line = most if limit.line is None else min(limit.line, most)
            fields.append(",".join(map(str, (self.model.counted(record, unit), self.model.held(record, unit, False),
                                             self.model.held(record, unit, True), most, line))))
        self.check(" ".join(fields), "read", *key)

    # ---- terms --------------------------------------------------------------------------------

    def budget(self, unit):
        pick = self.random
        amount = {0: lambda: pick.randrange(1, 40) * self.scale, 1: lambda: pick.randrange(1, 60), 2: lambda: pick.randrange(1, 12)}[unit]
        total = amount() * pick.randrange(1, 6) if pick.random() < 0.3 else None
        daily = amount() if pick.random() < 0.35 else None
        return total, daily, pick.randrange(3)

    def hours(self):
        begin = sorted(self.random.sample(range(0, 10080, 15), 8))
        return tuple(zip(begin[::2], begin[1::2]))

    def fresh_terms(self, kind, name, above):
        pick = self.random
        curve = pick.randrange(3)
        hours = self.hours() if pick.random() < 0.3 else None
        end = self.now + pick.randrange(3600, 6 * 86400) if pick.random() < 0.5 else None
        return {"kind": kind, "name": name, "above": above, "paused": pick.random() < 0.1,
                "start": self.now + pick.randrange(-86400, 40000) if pick.random() < 0.3 else None, "end": end,
                "zone": pick.choice(ZONES), "curve": curve,
                "weights": [pick.randrange(1, 1001) for _ in range(168)] if curve == delivery.GIVEN else None,
                "hours": hours, "hours_zone": pick.choice(ZONES) if hours else "",
                "budgets": [self.budget(unit) for unit in UNITS]}

    def change(self, terms):
        """One member anew."""
        fresh = self.fresh_terms(terms["kind"], terms["name"], terms["above"])
        member = self.random.choice(["paused", "start", "end", "zone", "curve", "hours", "budgets", "budgets"])
        copied = {"curve": ("curve", "weights"), "hours": ("hours", "hours_zone")}.get(member, (member,))
        return {**terms, **{name: fresh[name] for name in copied}}

    def publish(self):
        names = [(ADVERTISER, name, None) for name in self.advertisers]
        names += [(CAMPAIGN, name, above) for name, above in self.campaigns.items()]
        names += [(AD, name, above) for name, above in self.ads.items()]
        published = []
        for kind, name, above in names:
            terms = self.terms.get((kind, name))
            if terms is None:
                terms = self.fresh_terms(kind, name, above)
            elif self.random.random() < 0.25:
                terms = self.change(terms)
            self.terms[kind, name] = terms
            limited = any(total is not None or daily is not None for total, daily, _ in terms["budgets"])
            if kind != AD or limited:
                published.append(terms)
        self.model.publish(self.now, published)
        self.driver.process.stdin.write(f"publish {self.now}\n")
        for terms in published:
            self.driver.process.stdin.write(record_fields(terms) + "\n")
            self.history.append(record_fields(terms)[:200])
        self.check("ok", "end")
        self.map()

    def map(self):
        if not self.caps:
            self.caps = {key: self.random.sample(PERIODS, self.random.randrange(3)) for key in self.terms}
        self.model.ads = []
        lines = [f"map {len(self.ads)}"]
        for ad, campaign in self.ads.items():
            names = [self.campaigns.get(campaign, self.advertisers[0]), campaign, ad]
            periods = [self.caps.get((kind, names[kind]), []) if names[kind] else [] for kind in KINDS]
            lines.append(" ".join(["ad", *map(str, map(none, names)), *map(joined, periods)]))
            self.model.ads.append((names, periods))
        self.driver.process.stdin.write("\n".join(lines[:-1]) + "\n")
        self.check("ok", lines[-1])

    # ---- what happens -------------------------------------------------------------------------

    def step(self):
        self.now += self.random.choice((1, 1, 60, 600, 3600, self.random.randrange(1, 30000)))
        in_flight, expired = self.model.step(self.now)
        self.check(f"{in_flight} {expired} 0", "step", self.now)

    def ask(self):
        price = self.random.randrange(0, 4) * self.scale // self.random.choice((1, 3, 10))
        return price, self.random.choice((0, 1, 20000, 333333, 1000000)), self.random.random() < 0.4

    def decide(self):
        self.decisions += 1
        ad, ask = self.random.randrange(len(self.ads)), self.ask()
        verdict, detail = self.model.gate(ad, ask)
        self.check(f"{verdict} {detail}", "gate", ad, *ask[:2], int(ask[2]))
        if verdict > delivery.LEAD and self.random.random() < 0.8:
            return
        lead = verdict == delivery.LEAD and self.random.random() < 0.9
        user = self.random.choice((0, 7, 8))
        names, periods = self.model.ads[ad]
        caps = [(kind, names[kind], period, self.random.choice((1, 3, 1000))) for kind in KINDS for period in periods[kind]]
        self.sequence += 1
        seconds = self.random.choice((1, 60, 3600))
        placed = self.model.place(ad, ask, self.sequence, self.now, seconds, lead, user, caps)
        self.check(str(placed), "place", ad, *ask[:2], int(ask[2]), self.sequence, self.now, seconds, int(lead), user, 0, names[AD], len(caps),
                   *("/".join(map(str, cap)) for cap in caps))
        self.sequences.append((self.sequence, ad, ask))

    def happen(self):
        if not self.sequences:
            return
        sequence, ad, ask = self.random.choice(self.sequences[-30:])
        if self.random.random() < 0.1:
            self.check(str(int(self.model.release(sequence, self.now))), "release", sequence, self.now)
            return
        part = self.random.choice((IMPRESSION, IMPRESSION, CLICK, 0))
        spend = ask[0] if (part == CLICK) == ask[2] else 0
        if part == IMPRESSION and spend and self.random.random() < 0.3:
            spend -= self.random.randrange(spend)
        amounts = [spend, int(part == IMPRESSION), int(part == CLICK)]
        force = part == 0 or self.random.random() < 0.1
        if part == 0:
            amounts = [self.random.randrange(-self.scale, self.scale), 0, 0]
        time = self.now - self.random.choice((0, 0, 1, 100))
        outcome, late, time_counted = self.model.event(ad, sequence, part, force, time, amounts)
        self.check(f"{outcome} {int(late)} {time_counted}", "event", ad, sequence, part, int(force), time, *amounts)

    def learn(self):
        weights = [self.random.randrange(1, 100000) for _ in range(168)]
        self.model.traffic = tuple(weights)
        self.check("ok", "traffic", joined(weights))

    def look(self):
        for key in self.model.records:
            self.check_record(key)
        for user in (7, 8):
            for (kind, name), periods in self.caps.items():
                for period in periods:
                    count, opened = self.model.window(user, (kind, name, period), self.now)
                    answer = 1 if count >= 3 else 0
                    self.check(f"{answer} {count} {opened}", "cap", user, f"{kind}/{name}/{period}/3", self.now)

    def run(self, rounds):
        self.publish()
        self.step()
        for _ in range(rounds):
            action = self.random.choices((self.decide, self.happen, self.step, self.publish, self.learn), (40, 25, 10, 1, 0.5))[0]
            action()
            if action in (self.publish, self.step):
                self.look()
        self.look()
        if self.driver.close():
            self.differs("the driver ends well", "it failed")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--driver", required=True)
    parser.add_argument("--worlds", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=250, help="actions in each world")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    decisions = failed = 0
    for seed in range(options.seed, options.seed + options.worlds):
        world = World(seed, options.driver)
        try:
            world.run(options.rounds)
        except AssertionError as difference:
            failed += 1
            print(f"seed {seed}:\n{difference}\n")
            world.driver.process.kill()
        decisions += world.decisions
    print(f"delivery: {options.worlds - failed} worlds passed, {failed} failed, {decisions} decisions")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
