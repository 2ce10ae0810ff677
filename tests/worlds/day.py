# SPDX-License-Identifier: Apache-2.0
"""A day in Python: what `admatch simulate` must find, written from the rules of docs/DECISION.md and docs/PACING.md alone, without a
thought for speed. Inventories are of one kind: keywords of one word, no two ads with the same rank, no targeting but hours."""

import bisect
import datetime
import heapq
import math
import zoneinfo

NANOS, MICROS, MILLION = 10**9, 10**6, 10**6
MASK = 2**64 - 1
QUARTER = 900
UNITS = ("spend", "impressions", "clicks")


def uniform(seed, q, k):
    state = (seed * 0x9E3779B97F4A7C15 + q * 0xBF58476D1CE4E5B9 + k * 0x94D049BB133111EB) & MASK
    state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & MASK
    state = (state ^ state >> 27) * 0x94D049BB133111EB & MASK
    return ((state ^ state >> 31) >> 11) * 2.0**-53


def normal(seed, q, k):
    return math.sqrt(-2 * math.log(1 - uniform(seed, q, k))) * math.cos(2 * math.pi * uniform(seed, q, k + 1))


def money_text(nanos):
    whole, part = divmod(nanos, NANOS)
    return str(whole) + (f".{part:09}".rstrip("0") if part else "")


# ---- time ---------------------------------------------------------------------------------------


def date_of(zone, second):
    return datetime.datetime.fromtimestamp(second, zone).date()


def day_start(zone, date):
    """The first second of a date: found by search, whatever the clock does."""
    noon = int(datetime.datetime(date.year, date.month, date.day, 12, tzinfo=datetime.timezone.utc).timestamp())
    return bisect.bisect_left(range(noon - 48 * 3600, noon + 48 * 3600), date, key=lambda second: date_of(zone, second)) + noon - 48 * 3600


class Weight:
    """The integral of a curve over the seconds of a time that is simulated, minute by minute."""

    def __init__(self, curve, zone, hours, begin, end):
        self.begin, self.sums = begin, [0]
        self.rates = []
        for minute in range(begin, end, 60):
            local = datetime.datetime.fromtimestamp(minute, zone)
            weight = 1 if curve == "flat" else curve[local.weekday() * 24 + local.hour]
            self.rates.append(weight if hours is None or hours[0] <= local.hour < hours[1] else 0)
            self.sums.append(self.sums[-1] + 60 * self.rates[-1])

    def at(self, second):
        minute, rest = divmod(second - self.begin, 60)
        return self.sums[minute] + (rest * self.rates[minute] if rest else 0)


# ---- budgets ------------------------------------------------------------------------------------


class Limit:
    def __init__(self, kind, record, unit, budget, first, weight):
        self.kind, self.id, self.unit = kind, record["id"], unit
        self.scale = {"spend": NANOS, "impressions": 1, "clicks": MILLION}[unit]
        self.total, self.daily = (None if budget.get(name) is None else round(budget[name] * self.scale) for name in ("total", "daily"))
        self.pacing, self.zone = record.get("pacing", "even"), record["zone"]
        self.start, self.end = record["start"], record["end"]
        self.weight = weight
        self.counted = self.before = self.reserved = self.expected = 0
        self.date = date_of(self.zone, first)
        self.anchor(first, 0)

    def anchor(self, second, used):
        self.t0, self.u0 = max(second, self.start), used
        self.b = self.end
        if self.daily is not None:
            self.b = min(self.end, day_start(self.zone, self.date + datetime.timedelta(days=1)))

    def step(self, second):
        date = date_of(self.zone, second)
        if date > self.date:
            self.date, self.before = date, self.counted
            if self.daily is not None:
                self.anchor(day_start(self.zone, date), 0)

    def window(self):
        """Of the limit, and what is counted in it."""
        if self.daily is None:
            return self.total, self.counted
        most = self.daily if self.total is None else min(self.daily, self.total - self.before)
        return most, self.counted - self.before

    def line(self, second):
        most, _ = self.window()
        paced = self.pacing != "asap" and (self.daily is not None or self.end < math.inf)
        if not paced or second >= self.b or self.u0 >= most:
            return most
        whole = self.weight.at(self.b) - self.weight.at(self.t0) if self.b > self.t0 else 0
        if whole == 0:
            return most
        passed = self.weight.at(second) - self.weight.at(self.t0) if second > self.t0 else 0
        earned = (most - self.u0) * passed // whole
        if self.pacing == "frontloaded":
            earned += earned * (whole - passed) // (2 * whole)
        return self.u0 + earned

    def price_and_hold(self, ad):
        if self.unit == "spend":
            return ad.price, -(-ad.price * ad.ctr // MILLION) if ad.cpc else ad.price
        return (1, 1) if self.unit == "impressions" else (MILLION, ad.ctr)

    def holds_click(self, ad):
        return self.unit == "clicks" or (self.unit == "spend" and ad.cpc)

    def asks(self, ad, second):
        """"" where the ad may be placed on the line, else "lead", "pacing" or "budget"."""
        price, hold = self.price_and_hold(ad)
        most, counted = self.window()
        used = counted + self.reserved + self.expected
        if used + hold > most or counted + price > most:
            return "budget"
        allowed = self.line(second) + max(2 * price, most // 500)
        if used + hold <= min(most, allowed):
            return ""
        return "lead" if used + hold <= min(most, allowed + most // 50) else "pacing"

    def change(self, ad, sign):
        hold = sign * self.price_and_hold(ad)[1]
        if self.holds_click(ad):
            self.expected += hold
        else:
            self.reserved += hold

    def report(self):
        def amount(value):
            return None if value is None else money_text(value) if self.unit == "spend" else value // self.scale
        reserved = (self.reserved + self.expected) / MILLION if self.unit == "clicks" else amount(self.reserved)
        return {"kind": self.kind, "id": self.id, "unit": self.unit, "total": amount(self.total), "daily": amount(self.daily),
                "counted": amount(self.counted), "today": amount(self.counted - self.before), "reserved": reserved}


class Ad:
    def __init__(self, record, campaign):
        self.id, self.campaign = record["id"], campaign
        self.advertiser = campaign["advertiser"] if campaign else record["advertiser"]
        self.cpc = record.get("pricing") == "cpc"
        self.ctr = round(record.get("ctr", 0) * MILLION)
        bid = round(record["bid"] * MILLION)
        self.price = bid * 1000 if self.cpc else bid
        self.rank = (-record.get("priority", 0), -(bid * self.ctr * 1000 if self.cpc else bid * MILLION))
        self.keywords = set(record["keywords"])
        self.caps, self.limits = [], []


# ---- caps ---------------------------------------------------------------------------------------


class Caps:
    def __init__(self):
        self.windows = {}

    def find(self, user, cap, second):
        window = self.windows.get((user, cap[0], cap[1]))
        return window if window and second < window[0] + cap[1] else None

    def is_full(self, user, cap, second):
        window = self.find(user, cap, second)
        return window is not None and window[1] >= cap[2]

    def count(self, user, cap, second):
        window = self.find(user, cap, second)
        if window is None:
            window = self.windows[user, cap[0], cap[1]] = [second, 0]
        window[1] += 1

    def undo(self, user, cap, counted_at, second):
        window = self.find(user, cap, second)
        if window and window[0] <= counted_at:
            window[1] -= 1
            if window[1] == 0:  # nothing is counted in it any more: the next one opens a window
                del self.windows[user, cap[0], cap[1]]


# ---- the day ------------------------------------------------------------------------------------


class Day:
    def __init__(self, records, first, last, options):
        self.options, self.first = options, first
        self.ads, self.limits, self.caps = [], [], Caps()
        self.flying, self.events, self.numbers = [], [], 0
        self.expired = self.filled = self.requests = 0
        self.placed = {}
        self.read(records, first, last)
        self.tallies = {name: {"decisions": 0, "lead": 0, "impressions": 0, "late": 0, "unbilled": 0, "clicks": 0, "unbilled_clicks": 0,
                               "billed": 0, "series": {}, "spend_series": {}} for name in [*self.campaigns, None]}

    # -- records

    def read(self, records, first, last):
        head = next(record for record in records if record.get("type") == "inventory")
        self.campaigns = {record["id"]: dict(record) for record in records if record.get("type") == "campaign"}
        span = first - 3 * 86400 - first % 60, last + 40 * 86400
        self.weights = {}
        above = {}
        for record in records:
            kind = record.get("type", "ad")
            if kind == "inventory":
                continue
            campaign = self.campaigns.get(record.get("campaign")) if kind == "ad" else None
            full = dict(record)
            upper = campaign or {}
            full["zone"] = zoneinfo.ZoneInfo(record.get("timezone") or upper.get("timezone") or head.get("timezone", "UTC"))
            full["start"], full["end"] = (self.flight(full, upper, name) for name in ("start", "end"))
            curve = record.get("pacing_curve") or upper.get("pacing_curve") or head.get("pacing_curve", "flat")
            hours = hours_of(record) or hours_of(upper)
            made = []
            for unit, budget in self.budgets(record):
                key = str((curve, full["zone"], hours))
                if key not in self.weights:
                    self.weights[key] = Weight(curve, full["zone"], hours, *span)
                asap = {"pacing": "asap"} if self.options["asap"] else {}
                made.append(Limit(kind, full | asap, unit, budget, first, self.weights[key]))
            above[kind, record["id"]] = (made, self.caps_of(kind, record))
            self.limits += made
            if kind == "ad":
                self.add_ad(record, full, campaign, above)
        self.ads.sort(key=lambda ad: ad.rank)

    @staticmethod
    def flight(record, upper, name):
        worst, choose = (-math.inf, max) if name == "start" else (math.inf, min)
        return choose(time_of(part[name]) if name in part else worst for part in (record, upper))

    @staticmethod
    def budgets(record):
        budget = record.get("budget", {})
        money = {name: budget[name] for name in ("total", "daily") if name in budget}
        for unit, part in (("spend", money), ("impressions", budget.get("impressions")), ("clicks", budget.get("clicks"))):
            if part:
                yield unit, part

    @staticmethod
    def caps_of(kind, record):
        return [((kind, record["id"]), int(cap["period"][:-1]) * {"m": 60, "h": 3600}[cap["period"][-1]], cap["max_impressions"])
                for cap in record.get("frequency_caps", [])]

    def add_ad(self, record, full, campaign, above):
        ad = Ad(record, campaign)
        ad.start, ad.end = full["start"], full["end"]
        ad.zone = full["zone"]
        ad.hours = hours_of(record) or hours_of(campaign or {})
        for key in (("advertiser", ad.advertiser), ("campaign", campaign["id"] if campaign else None), ("ad", ad.id)):
            limits, caps = above.get(key, ([], []))
            ad.limits += limits
            ad.caps += caps
        self.ads.append(ad)

    # -- time

    def step(self, second):
        self.stepped = second
        for limit in self.limits:
            limit.step(second)
        kept = []
        for placement in self.flying:
            if second > placement["now"] + self.options["reserve"]:
                self.expire(placement, second)
            elif placement["impression"] or placement["click"]:
                kept.append(placement)
        self.flying = kept

    def expire(self, placement, second):
        ad = placement["ad"]
        if not placement["impression"] and not placement["click"]:
            return
        self.expired += 1
        for limit in ad.limits:
            if placement["click" if limit.holds_click(ad) else "impression"]:
                limit.change(ad, -1)
        if placement["impression"] and placement["user"]:
            for cap in ad.caps:
                self.caps.undo(placement["user"], cap, placement["now"], second)
        placement["impression"] = placement["click"] = False

    def happen_until(self, time):
        while self.events and self.events[0][0] <= time:
            at, q, click, placement = heapq.heappop(self.events)
            self.step(at // MICROS)
            self.happen(at, q, click, placement)

    # -- events

    def happen(self, at, q, click, placement):
        ad = placement["ad"]
        part = "click" if click else "impression"
        late = not placement[part]
        if placement[part]:
            placement[part] = False
            for limit in ad.limits:
                if limit.holds_click(ad) == bool(click):
                    limit.change(ad, -1)
        spend = ad.price if ad.cpc == bool(click) else 0
        amounts = {"spend": spend, "impressions": int(not click), "clicks": MILLION * int(click)}
        billed = True
        for limit in ad.limits:
            most, counted = limit.window()
            if amounts[limit.unit] and counted + limit.reserved + amounts[limit.unit] > most:
                billed = False
        tally = self.tallies[ad.campaign["id"] if ad.campaign else None]
        names = ("clicks", "unbilled_clicks") if click else ("impressions", "unbilled")
        tally[names[0] if billed else names[1]] += 1
        tally["late"] += int(late and not click and bool(ad.limits))
        if billed:
            for limit in ad.limits:
                limit.counted += amounts[limit.unit]
            tally["billed"] += spend
            quarter = str(at // MICROS // QUARTER - self.first // QUARTER)
            for series, more in (("series", int(not click)), ("spend_series", spend)):
                if more:
                    tally[series][quarter] = tally[series].get(quarter, 0) + more
        if not click and uniform(self.options["seed"], q, 3) < ad.ctr / MILLION:
            after = math.floor(min(15 * math.exp(1.5 * normal(self.options["seed"], q, 4)), 86400) * MICROS)
            heapq.heappush(self.events, (at + after, q, 1, placement))

    # -- decisions

    def request(self, request):
        now = request["now"]
        self.happen_until(now * MICROS)
        self.step(now)
        self.requests += 1
        self.now, self.user = now, request.get("user", {}).get("key")
        self.taken = set()
        wanted = [ad for ad in self.ads if ad.keywords & set(request["query"].split())]
        before = self.numbers
        for slot in request.get("slots", [{}]):
            self.fill(wanted, slot.get("count", 1))
        self.filled += self.numbers > before

    def fill(self, wanted, count):
        end = self.numbers + count
        for priority in sorted({ad.rank[0] for ad in wanted}):
            aside = []
            for ad in wanted:
                if ad.rank[0] == priority and self.numbers < end:
                    verdict = self.verdict(ad)
                    if verdict == "":
                        self.place(ad, False)
                    elif verdict == "lead":
                        aside.append(ad)
            for ad in aside:
                if self.numbers < end and self.verdict(ad) in ("", "lead"):
                    self.place(ad, True)

    def verdict(self, ad):
        hour = datetime.datetime.fromtimestamp(self.now, ad.zone).hour
        if not ad.start <= self.now < ad.end or (ad.hours and not ad.hours[0] <= hour < ad.hours[1]):
            return "targeting"
        if self.user and any(self.caps.is_full(self.user, cap, self.now) for cap in ad.caps):
            return "frequency_cap"
        asked = [limit.asks(ad, self.now) for limit in ad.limits]
        worst = next((verdict for verdict in ("budget", "pacing") if verdict in asked), None)
        if worst or ad.advertiser in self.taken:
            return worst or "duplicate_advertiser"
        return "lead" if "lead" in asked else ""

    def place(self, ad, lead):
        self.numbers += 1
        q, seed = self.numbers, self.options["seed"]
        self.taken.add(ad.advertiser)
        self.placed[-ad.rank[0]] = self.placed.get(-ad.rank[0], 0) + 1
        tally = self.tallies[ad.campaign["id"] if ad.campaign else None]
        tally["decisions"] += 1
        tally["lead"] += int(lead)
        placement = {"ad": ad, "now": self.now, "user": self.user, "impression": False, "click": False}
        for limit in ad.limits:
            limit.change(ad, 1)
        if ad.limits or (self.user and ad.caps):
            placement["impression"] = True
            placement["click"] = any(limit.holds_click(ad) and limit.price_and_hold(ad)[1] for limit in ad.limits)
            self.flying.append(placement)
        if self.user:
            for cap in ad.caps:
                self.caps.count(self.user, cap, self.now)
        if uniform(seed, q, 0) < self.options["render"]:
            after = math.floor(min(self.options["delay"] * math.exp(1.2 * normal(seed, q, 1)), 86400) * MICROS)
            heapq.heappush(self.events, (self.now * MICROS + after, q, 0, placement))

    # -- the report

    def finish(self):
        self.happen_until(math.inf)
        self.step(max(self.stepped, self.now + self.options["reserve"] + 1))

    def report(self):
        campaigns = []
        for name in self.campaigns:
            tally = dict(self.tallies[name])
            tally["billed"] = money_text(tally["billed"])
            tally["spend_series"] = {quarter: money_text(spend) for quarter, spend in tally["spend_series"].items()}
            campaigns.append({"id": name} | tally)
        return {"requests": self.requests, "filled": self.filled, "fill": self.filled / self.requests, "placements": self.numbers,
                "by_priority": {str(priority): count for priority, count in self.placed.items()},
                "revenue": money_text(sum(tally["billed"] for tally in self.tallies.values())), "expired": self.expired,
                "campaigns": campaigns, "limits": [limit.report() for limit in self.limits]}


def hours_of(record):
    """Of "mon-sun 08:00-20:00", the one form that days have."""
    hours = record.get("targeting", {}).get("hours")
    return hours and tuple(int(hours[0][at:at + 2]) for at in (8, 14))


def time_of(text):
    return int(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())
