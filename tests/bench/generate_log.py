# SPDX-License-Identifier: Apache-2.0
"""An event log of one day, as a server writes it, for measuring what reads it.
Usage: generate_log.py LEDGER [--decisions 1000000] [--campaigns 1000] [--lanes 8] [--seed 1]; makes LEDGER/log."""

import argparse
import pathlib
import random

DAY = "20261101"
OUTCOMES = ("duplicate", "robot", "prefetch", "no_impression")


class Lane:
    def __init__(self, folder, number):
        self.folder, self.number, self.hour, self.file, self.offset, self.lines = folder, number, -1, None, 0, []

    def begin(self, hour):
        self.flush()
        self.hour, self.offset = hour, 0
        self.name = f"w{self.number}-{DAY}{hour:02}"
        self.file = open(self.folder / f"{self.name}.jsonl", "w", encoding="ascii")

    def put(self, second, micro, event, rest):
        hour = second // 3600
        if hour > self.hour:
            self.begin(hour)
        line = (f'{{"t":"2026-11-01T{hour:02}:{second // 60 % 60:02}:{second % 60:02}.{micro:06}Z","e":"{event}",'
                f'"n":"{self.name}:{self.offset}",{rest}}}\n')
        self.offset += len(line)
        self.lines.append(line)
        if len(self.lines) >= 4096:
            self.file.write("".join(self.lines))
            self.lines.clear()

    def flush(self):
        if self.file:
            self.file.write("".join(self.lines))
            self.lines.clear()
            self.file.close()
            self.file = None


def generate(ledger, decisions, campaigns, lane_count, seed):
    (ledger / "log").mkdir(parents=True, exist_ok=True)
    draw = random.Random(seed)
    lanes = [Lane(ledger / "log", number) for number in range(lane_count)]
    ads = [f'"ad":"ad{i}","campaign":"campaign{i % campaigns}","advertiser":"advertiser{i % campaigns // 5}","keyword":"keyword number {i * 7 % 20011}","match":"broad"'
           for i in range(campaigns * 10)]
    for number in range(1, decisions + 1):
        second, micro = number * 86000 // decisions, draw.randrange(1000000)
        ad, lane = ads[min(int(draw.paretovariate(0.6)) - 1, len(ads) - 1)], lanes[draw.randrange(lane_count)]
        term = min(int(draw.paretovariate(0.5)), 1000000)
        place = f'"id":"1-1-{number}",{ad}'
        lane.put(second, micro, "decision",
                 f'"request":"r{number}","query":"Buy Shoes {term}","slots":[{{"count":1,"filled":1}}],"ads":[{{"position":0,{place},"field":"query","price":0.00125,"pricing":"cpm"}}],"generation":"0f3c000000000001"')
        tail = '"generation":"0f3c000000000001"'
        lane, chance = lanes[draw.randrange(lane_count)], draw.random()
        if chance < 0.9:
            lane.put(second + 1, micro, "impression", f'{place},"spend":0.00125,"position":0,{tail},"billable":true,"side":"client"')
        if chance < 0.4:
            lane.put(second + 2, micro, "view", f'{place},"position":0,{tail},"billable":true,"side":"client"')
        if chance < 0.02:
            lane.put(second + 9, micro, "click", f'{place},"spend":0,"position":0,{tail},"billable":true,"side":"client"')
        if chance > 0.9:
            lane.put(second + 1, micro, "impression", f'{place},"position":0,{tail},"billable":false,"reason":"{OUTCOMES[number % 4]}","side":"client"')
    for lane in lanes:
        lane.flush()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ledger", type=pathlib.Path)
    parser.add_argument("--decisions", type=int, default=1000000)
    parser.add_argument("--campaigns", type=int, default=1000)
    parser.add_argument("--lanes", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    generate(arguments.ledger, arguments.decisions, arguments.campaigns, arguments.lanes, arguments.seed)


if __name__ == "__main__":
    main()
