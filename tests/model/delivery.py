# SPDX-License-Identifier: Apache-2.0
"""Budgets, pacing and caps once more, from the contract and without a look at the C code: sums over all events and placements, days from
zoneinfo, integrals by quarter hours."""

import bisect
import datetime
import functools
import zoneinfo

UNITS = MONEY, IMPRESSIONS, CLICKS = range(3)
KINDS = ADVERTISER, CAMPAIGN, AD = range(3)
KIND_NAMES = ("advertiser", "campaign", "ad")
UNIT_NAMES = ("", " impressions", " clicks")
PLACES = (9, 0, 6)
EVEN, FRONTLOADED, ASAP = range(3)
TRAFFIC, FLAT, GIVEN = range(3)
LINE, LEAD, PACING, BUDGET, CAP = range(5)
CHARGED, NO_ROOM, OVERDRAWN = range(3)
IMPRESSION, CLICK = 1, 2  # the parts of a hold that events use up
LIFETIME = (1 << 18) - 1
MILLION = 1_000_000
QUARTER = 900
HOUR, DAY = 3600, 86400


# ---- time -----------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=None)
def zone_of(name):
    return zoneinfo.ZoneInfo(name or "UTC")


def local(time, zone):
    return datetime.datetime.fromtimestamp(time, zone_of(zone))


@functools.lru_cache(maxsize=1 << 18)
def week_minute(time, zone):
    there = local(time, zone)
    return there.weekday() * 1440 + there.hour * 60 + there.minute


def date(time, zone):
    return local(time, zone).toordinal()


@functools.lru_cache(maxsize=None)
def day_start(day, zone):
    """The first second whose date is that one, or a later one; offsets change at whole minutes."""
    low = int(datetime.datetime.fromordinal(day).replace(tzinfo=datetime.timezone.utc).timestamp()) - 30 * 3600
    time = low
    while date(time, zone) < day:
        time += QUARTER
    time -= QUARTER
    while date(time, zone) < day:
        time += 60
    return time


def day_of(time, zone):
    day = date(time, zone)
    while day_start(day + 1, zone) <= time:
        day += 1
    return day


class Schedule:
    """The weight of each second; integrals by whole steps, in which nothing changes."""

    step = QUARTER
    known = {}  # the weights of equal schedules

    def __init__(self, weights, zone, hours, hours_zone):
        self.weights, self.zone, self.hours, self.hours_zone = weights, zone, hours, hours_zone
        key = (weights, weights and zone, hours and tuple(hours), hours and hours_zone)
        self.pieces = self.known.setdefault(key, {})

    def __eq__(self, other):
        return (self.weights, self.weights and self.zone, self.hours, self.hours and self.hours_zone) == (
            other.weights, other.weights and other.zone, other.hours, other.hours and other.hours_zone)

    def weight(self, time):
        weight = self.weights[week_minute(time, self.zone) // 60] if self.weights else 1
        if self.hours:
            minute = week_minute(time, self.hours_zone)
            at = bisect.bisect_right(self.hours, (minute, 1 << 30)) - 1
            if at < 0 or not self.hours[at][0] <= minute < self.hours[at][1]:
                return 0
        return weight

    def integral(self, begin, end):
        if end <= begin:
            return 0
        if not self.weights and not self.hours:
            return end - begin
        total = 0
        while begin < end:
            day = begin // DAY
            whole = begin % DAY == 0 and begin + DAY <= end
            if whole and ("day", day) not in self.pieces:
                self.pieces["day", day] = self.sum(begin, begin + DAY)
            until = min(end, (day + 1) * DAY)
            total += self.pieces["day", day] if whole else self.sum(begin, until)
            begin = until
        return total

    def sum(self, begin, end):
        """By steps, or by hours that were asked for before."""
        total = 0
        while begin < end:
            size = HOUR if begin % HOUR == 0 and begin + HOUR <= end else self.step
            at = begin // size
            if (size, at) not in self.pieces:
                self.pieces[size, at] = self.sum_hour(at) if size == HOUR else self.weight(at * size)
            until = min(end, (at + 1) * size)
            total += self.pieces[size, at] * (1 if size == HOUR else until - begin)
            begin = until
        return total

    def sum_hour(self, hour):
        return sum(self.weight(time) * self.step for time in range(hour * HOUR, (hour + 1) * HOUR, self.step))


# ---- records --------------------------------------------------------------------------------------


class Limit:
    def __init__(self):
        self.total = self.daily = None
        self.on = self.paced = False
        self.pacing = None
        self.schedule = self.curve = None  # of a paced limit; the curve's kind
        self.anchor = None  # t0, u0
        self.line = None  # None: what is not paced has none


class Record:
    def __init__(self, kind, name, day):
        self.kind, self.name, self.day = kind, name, day
        self.zone, self.above, self.paused = "", None, False
        self.start = self.end = None
        self.gone = False
        self.total, self.before = [0] * 3, [0] * 3
        self.limits = {}


class Placement:
    def __init__(self, now, seconds, records, user, caps):
        self.now, self.expiry, self.records, self.user, self.caps = now, now + seconds, records, user, caps
        self.parts = IMPRESSION
        self.holds = []  # (record, unit, amount, expected, part)


class Ledger:
    def __init__(self, now):
        self.records, self.placements, self.windows = {}, {}, {}
        self.traffic = None
        self.now = now
        self.ads = []  # (names by kind, periods by kind)

    # ---- windows ------------------------------------------------------------------------------

    @staticmethod
    def scaled(unit, amount):
        return amount * MILLION if unit == CLICKS and amount is not None else amount

    def counted(self, record, unit):
        """Of the window."""
        limit = record.limits[unit]
        before = record.before[unit] if limit.daily is not None else 0
        return self.scaled(unit, record.total[unit] - before)

    def held(self, record, unit, expected):
        return sum(hold[2] for placement in self.placements.values() for hold in placement.holds
                   if hold[0] is record and hold[1] == unit and hold[3] == expected)

    def used(self, record, unit):
        return self.counted(record, unit) + self.held(record, unit, False) + self.held(record, unit, True)

    def most(self, record, unit):
        """L."""
        limit = record.limits[unit]
        total, daily = self.scaled(unit, limit.total), self.scaled(unit, limit.daily)
        if daily is None:
            return total
        if total is None:
            return daily
        return min(daily, max(0, total - self.scaled(unit, record.before[unit])))

    def window_end(self, record, limit):
        if limit.daily is None:
            return record.end
        midnight = day_start(record.day + 1, record.zone)
        return midnight if record.end is None else min(midnight, record.end)

    def line_at(self, record, unit, now):
        limit = record.limits[unit]
        most = self.most(record, unit)
        if not limit.paced:
            return most
        start, u0 = limit.anchor
        end = self.window_end(record, limit)
        a, b = limit.schedule.integral(start, now), limit.schedule.integral(start, end)
        if now >= end or b == 0 or u0 >= most or a >= b:
            return most
        earned = (most - u0) * a // b
        if limit.pacing == FRONTLOADED:
            earned += earned * (b - a) // (2 * b)
        return u0 + earned

    def anchor(self, record, unit, time, u0, now):
        limit = record.limits[unit]
        limit.anchor = (time if record.start is None else max(time, record.start), u0)
        limit.line = self.line_at(record, unit, now)

    # ---- publishing ---------------------------------------------------------------------------

    def schedule_for(self, record, terms, limit):
        weights = tuple(terms["weights"]) if terms["curve"] == GIVEN else None
        if terms["curve"] == TRAFFIC:
            weights = limit.schedule.weights if limit.curve == TRAFFIC and limit.schedule else self.traffic
        return Schedule(weights, record.zone if terms["curve"] == GIVEN else "", terms["hours"], terms["hours_zone"])

    def set_limit(self, record, terms, unit, moved, now):
        total, daily, pacing = terms["budgets"][unit]
        limited = total is not None or daily is not None
        if not limited and unit not in record.limits:
            return
        limit = record.limits.setdefault(unit, Limit())
        ends = daily is not None or (record.kind != ADVERTISER and record.end is not None)
        paced = limited and pacing != ASAP and ends
        schedule = self.schedule_for(record, terms, limit) if paced else limit.schedule
        same = (limit.on, limit.total, limit.daily, limit.paced) == (limited, total, daily, paced) and (
            not limited or limit.pacing == pacing) and (
            not paced or (limit.schedule == schedule and limit.curve == terms["curve"] and not moved))
        if same:
            return
        limit.on, limit.total, limit.daily, limit.paced, limit.pacing = limited, total, daily, paced, pacing
        limit.schedule, limit.line = schedule, None
        if paced:
            limit.curve = terms["curve"]
            self.anchor(record, unit, now, self.used(record, unit), now)

    def put(self, terms, now):
        key = terms["kind"], terms["name"]
        record = self.records.get(key)
        if record is None:
            record = self.records[key] = Record(*key, day_of(now, ""))
        moved = (record.zone, record.start, record.end) != (terms["zone"], terms["start"], terms["end"])
        if record.zone != terms["zone"]:
            record.day = day_of(now, terms["zone"])
        resumed = record.paused and not terms["paused"]
        for member in ("zone", "above", "paused", "start", "end"):
            setattr(record, member, terms[member])
        record.gone = False
        for unit in UNITS:
            self.set_limit(record, terms, unit, moved, now)
        return resumed

    def is_below(self, record, tops):
        while record is not None:
            if record in tops:
                return True
            record = self.records.get((record.kind - 1, record.above))
        return False

    def publish(self, now, all_terms):
        resumed = []
        for terms in all_terms:
            if self.put(terms, now):
                resumed.append(self.records[terms["kind"], terms["name"]])
        names = {(terms["kind"], terms["name"]) for terms in all_terms}
        for key, record in self.records.items():
            record.gone = key not in names
        for record in self.records.values():
            if self.is_below(record, resumed):
                for unit, limit in record.limits.items():
                    if limit.paced:
                        self.anchor(record, unit, now, self.used(record, unit), now)

    # ---- the step -----------------------------------------------------------------------------

    def begin_day(self, record, day, now):
        record.day, record.before = day, list(record.total)
        for unit, limit in record.limits.items():
            if not limit.paced:
                continue
            if limit.daily is not None:
                if limit.curve == TRAFFIC:
                    limit.schedule = self.reread(limit.schedule)
                self.anchor(record, unit, day_start(day, record.zone), 0, now)
            elif limit.curve == TRAFFIC:
                value = self.line_at(record, unit, now)
                limit.schedule = self.reread(limit.schedule)
                self.anchor(record, unit, now, value, now)

    def reread(self, schedule):
        return Schedule(self.traffic, "", schedule.hours, schedule.hours_zone)

    def step(self, now):
        self.now = now
        for record in self.records.values():
            day = day_of(now, record.zone)
            if day > record.day:
                self.begin_day(record, day, now)
        for record in self.records.values():
            for unit, limit in record.limits.items():
                limit.line = self.line_at(record, unit, now) if limit.paced else None
        expired = [sequence for sequence, placement in self.placements.items() if placement.expiry < now]
        for sequence in expired:
            self.give_back(sequence, now)
        return len(self.placements), len(expired)

    # ---- caps ---------------------------------------------------------------------------------

    def window(self, user, cap, now):
        """What is counted in the window that is open now, and when it was opened."""
        count, opened = self.windows.get((user, *cap[:3]), (0, 0))
        ends = None if cap[2] == LIFETIME else opened + cap[2] * 60
        return (count, opened) if count and (ends is None or now < ends) else (0, 0)

    def count_caps(self, user, caps, now):
        if any(self.window(user, cap, now)[0] >= cap[3] for cap in caps):
            return False
        for cap in caps:
            count, opened = self.window(user, cap, now)
            self.windows[(user, *cap[:3])] = (count + 1, opened if count else now)
        return True

    def undo_caps(self, placement, now):
        for cap in placement.caps:
            count, opened = self.window(placement.user, cap, now)
            if count and opened <= placement.now:
                self.windows[(placement.user, *cap[:3])] = (count - 1, opened)

    # ---- decisions ----------------------------------------------------------------------------

    def records_of(self, ad):
        return [self.records.get((kind, name)) for kind, name in enumerate(self.ads[ad][0])]

    def limits_of(self, ad):
        for record in self.records_of(ad):
            for unit in UNITS:
                if record is not None and unit in record.limits and record.limits[unit].on:
                    yield record, unit

    @staticmethod
    def demand(unit, ask):
        price, ctr, per_click = ask
        if unit == MONEY:
            return price, -(-price * ctr // MILLION) if per_click else price, per_click
        return (1, 1, False) if unit == IMPRESSIONS else (MILLION, ctr, True)

    def allowed(self, record, unit, price, lead):
        most = self.most(record, unit)
        line = record.limits[unit].line
        if line is None:
            return most
        return min(most, line + max(2 * price, most // 500) + (most // 50 if lead else 0))

    def gate(self, ad, ask):
        verdict, detail = LINE, ""
        for record, unit in self.limits_of(ad):
            price, hold, _ = self.demand(unit, ask)
            used, most = self.used(record, unit), self.most(record, unit)
            if used + hold > most or self.counted(record, unit) + price > most:
                return BUDGET, self.budget_detail(record, unit, price, hold)
        for record, unit in self.limits_of(ad):
            price, hold, _ = self.demand(unit, ask)
            used = self.used(record, unit)
            if used + hold <= self.allowed(record, unit, price, False):
                continue
            now = LEAD if used + hold <= self.allowed(record, unit, price, True) else PACING
            if now > verdict:
                verdict, detail = now, self.line_detail(record, unit, used, self.allowed(record, unit, price, False))
        return verdict, detail

    @staticmethod
    def amount(unit, value):
        sign, value = "-" if value < 0 else "", abs(value)
        whole, part = divmod(value, 10 ** PLACES[unit])
        decimals = f".{part:0{PLACES[unit]}d}".rstrip("0") if part else ""
        return f"{sign}{whole}{decimals}"

    def budget_detail(self, record, unit, price, hold):
        limit = record.limits[unit]
        daily, total = self.scaled(unit, limit.daily), self.scaled(unit, limit.total)
        used, counted = self.used(record, unit), self.counted(record, unit)
        by_day = daily is not None and (used + hold > daily or counted + price > daily or total is None)
        if not by_day and daily is not None:
            used += self.scaled(unit, record.before[unit])
        return (f"{KIND_NAMES[record.kind]} {'daily' if by_day else 'total'}{UNIT_NAMES[unit]} "
                f"{self.amount(unit, used)} of {self.amount(unit, daily if by_day else total)}")

    def line_detail(self, record, unit, used, allowed):
        clock = local(self.now, record.zone).strftime("%H:%M:%S")
        return (f"{KIND_NAMES[record.kind]}{UNIT_NAMES[unit]} {self.amount(unit, used)} used, "
                f"{self.amount(unit, allowed)} allowed by {clock}")

    def place(self, ad, ask, sequence, now, seconds, lead, user, caps):
        limits = list(self.limits_of(ad))
        if not limits and not (user and caps):
            return LEAD if lead else LINE
        if user and not self.count_caps(user, caps, now):
            return CAP
        placement = Placement(now, seconds, self.records_of(ad), user, caps if user else [])
        for record, unit in limits:
            price, hold, expected = self.demand(unit, ask)
            if (self.counted(record, unit) + price > self.most(record, unit)
                    or self.used(record, unit) + hold > self.allowed(record, unit, price, lead)):
                self.undo_caps(placement, now)
                return BUDGET
        for record, unit in limits:
            _, hold, expected = self.demand(unit, ask)
            part = CLICK if expected else IMPRESSION
            placement.holds.append((record, unit, hold, expected, part))
            placement.parts |= part if hold else 0
        self.placements[sequence] = placement
        return LEAD if lead else LINE

    def use_part(self, sequence, part):
        """The holds of one part; the placement is gone with its last one."""
        placement = self.placements[sequence]
        holds = [hold for hold in placement.holds if hold[4] == part]
        placement.holds = [hold for hold in placement.holds if hold[4] != part]
        placement.parts &= ~part
        if not placement.parts:
            del self.placements[sequence]
        return holds

    def give_back(self, sequence, now):
        placement = self.placements.pop(sequence)
        if placement.parts & IMPRESSION:
            self.undo_caps(placement, now)

    def release(self, sequence, now):
        found = sequence in self.placements
        if found:
            self.give_back(sequence, now)
        return found

    # ---- events -------------------------------------------------------------------------------

    def event(self, ad, sequence, part, force, time, amounts):
        records = [record for record in self.records_of(ad) if record is not None]
        time = max([time, *(day_start(record.day, record.zone) for record in records)])
        live = bool(part) and sequence in self.placements and bool(self.placements[sequence].parts & part)
        holds = self.use_part(sequence, part) if live else []
        room = True
        for record in records:
            for unit, limit in record.limits.items():
                amount = self.scaled(unit, amounts[unit])
                held = sum(hold[2] for hold in holds if hold[0] is record and hold[1] == unit and not hold[3])
                if limit.on and amount > held:
                    taken = self.counted(record, unit) + self.held(record, unit, False)
                    room &= taken + amount <= self.most(record, unit)
        outcome = CHARGED if room else OVERDRAWN if force else NO_ROOM
        if outcome != NO_ROOM:
            for record in records:
                for unit in UNITS:
                    record.total[unit] += amounts[unit]
        return outcome, not live, time
