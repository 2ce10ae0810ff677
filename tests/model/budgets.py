# SPDX-License-Identifier: Apache-2.0
"""Budgets, pacing and frequency caps of one request: what an inventory and a given state say, as the ledger's model takes it."""

import functools
from decimal import Decimal
from types import SimpleNamespace

import delivery
import targeting
from inventory import amount_of, period_of, read_delivery, seconds

delivery.Schedule.step = 60  # hours begin and end at any minute

KINDS = ("advertiser", "campaign", "ad")
UNITS = ("spend", "impressions", "clicks")
GATES = {delivery.BUDGET: "budget", delivery.PACING: "pacing"}


def period_text(minutes):
    if minutes == delivery.LIFETIME:
        return "lifetime"
    unit = next(unit for unit in (1440, 60, 1) if minutes % unit == 0)
    return f"{minutes // unit}{ {1440: 'd', 60: 'h', 1: 'm'}[unit]}"


def is_limited(record):
    return any(total is not None or daily is not None for total, daily in record.delivery.budgets)


# ---- terms ----------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=1000)
def minutes_of(name, value):
    return frozenset(minute for minute in range(10080) if targeting.holds_member(name, value, {}, minute))


def allowed_minutes(trees):
    """The minutes of the week that `hour` and `hours` at the top leave; None: all."""
    minutes = None
    for tree in trees:
        for name in ("hour", "hours"):
            if name in tree:
                left = minutes_of(name, tuple(tree[name]))
                minutes = left if minutes is None else minutes & left
    return minutes


def runs_of(minutes):
    if minutes is None:
        return None
    runs = []
    for minute in sorted(minutes):
        if runs and runs[-1][1] == minute:
            runs[-1] = (runs[-1][0], minute + 1)
        else:
            runs.append((minute, minute + 1))
    return runs or [(-1, -1)]


def curve_of(curve):
    if isinstance(curve, list):
        return delivery.GIVEN, curve
    return (delivery.FLAT if curve == "flat" else delivery.TRAFFIC), None


def terms_of(kind, name, record, above, zone, curve, trees, hours_zone, state):
    if not hasattr(record, "runs"):
        record.runs = runs_of(allowed_minutes(trees))
    kind_of_curve, weights = curve_of(curve)
    return {
        "kind": kind, "name": name, "above": above, "zone": zone or "", "paused": record.own_paused or bool(state.get("paused")),
        "start": record.start, "end": record.end, "curve": kind_of_curve, "weights": weights,
        "hours": record.runs, "hours_zone": hours_zone or "",
        "budgets": [(total, daily, record.delivery.pacing) for total, daily in record.delivery.budgets],
    }


def advertiser_terms(name, loaded, state):
    record = loaded.advertisers.get(name) or SimpleNamespace(delivery=read_delivery({}), timezone=None)
    record.own_paused, record.start, record.end = False, None, None
    curve = record.delivery.curve or loaded.settings.curve
    return terms_of(delivery.ADVERTISER, name, record, None, record.timezone or loaded.settings.timezone, curve, [], None, state)


def campaign_terms(campaign, loaded, state):
    zone = campaign.timezone
    return terms_of(delivery.CAMPAIGN, campaign.id, campaign, campaign.advertiser, zone, campaign.delivery.curve or loaded.settings.curve,
                    [campaign.targeting], zone, state)


def ad_terms(ad, loaded, state):
    """The hours of both count where they go by one time zone, else the ad's own, or its campaign's where it has none."""
    above = ad.campaign
    zone_above = above.timezone if above else loaded.settings.timezone
    zone = ad.timezone or zone_above
    trees, hours_zone = [ad.targeting], zone
    if above and allowed_minutes([ad.targeting]) is None:
        trees, hours_zone = [above.targeting], zone_above
    elif above and zone == zone_above:
        trees = [ad.targeting, above.targeting]
    curve = (above.delivery.curve if above else None) or loaded.settings.curve
    return terms_of(delivery.AD, ad.id, ad, above.id if above else None, zone, curve, trees, hours_zone, state)


# ---- the state ------------------------------------------------------------------------------------


class Account:
    """The ledger's model with a given state, for one request."""

    def __init__(self, loaded, state, now, user):
        self.loaded, self.now, self.user = loaded, now, user
        self.sequence = 0
        self.ledger = delivery.Ledger(now)
        self.places = {}
        told = lambda kind, name: state.get(kind, {}).get(name, {})
        names = {ad.advertiser for ad in loaded.ads} | {c.advertiser for c in loaded.campaigns.values()} | set(loaded.advertisers)
        terms = [advertiser_terms(name, loaded, told("advertiser", name)) for name in sorted(names)]
        terms += [campaign_terms(campaign, loaded, told("campaign", campaign.id)) for campaign in loaded.campaigns.values()]
        terms += [ad_terms(ad, loaded, told("ad", ad.id)) for ad in loaded.ads if is_limited(ad)]
        self.ledger.publish(now, terms)
        self.paused = {(kind, name) for kind in KINDS for name, record in state.get(kind, {}).items() if record.get("paused")}
        for record in self.ledger.records.values():
            self.give(record, told(KINDS[record.kind], record.name))
        for kind in KINDS:
            for name, record in state.get(kind, {}).items():
                for period, window in record.get("caps", {}).items():
                    opened = seconds(window["opened"])
                    self.ledger.windows[(True, KINDS.index(kind), name, period_of(period))] = (window["count"], opened)

    def give(self, record, told):
        for unit, name in enumerate(UNITS):
            used = told.get(name, {})
            today = amount_of(used.get("daily", 0), unit)
            total = max(amount_of(used.get("total", 0), unit), today)
            record.total[unit], record.before[unit] = total, total - today
        for unit, limit in record.limits.items():
            line = told.get(UNITS[unit], {}).get("line")
            if line is not None:
                limit.paced, limit.line = False, int(Decimal(str(line)) * 10 ** delivery.PLACES[unit])
            elif limit.paced and limit.daily is None and record.start is None:
                limit.paced, limit.line = False, None
            elif limit.paced:
                self.ledger.anchor(record, unit, delivery.day_start(record.day, record.zone) if limit.daily is not None else record.start, 0, self.now)

    # ---- one ad ---------------------------------------------------------------------------------

    def place_of(self, ad):
        """The ad in the ledger's list of ads."""
        if ad.id not in self.places:
            self.places[ad.id] = len(self.ledger.ads)
            self.ledger.ads.append(((ad.advertiser, ad.campaign.id if ad.campaign else None, ad.id), None))
        return self.places[ad.id]

    def is_paused(self, ad):
        names = (ad.advertiser, ad.campaign.id if ad.campaign else None, ad.id)
        return any((kind, name) in self.paused for kind, name in zip(KINDS, names))

    def is_limited(self, ad):
        return any(True for _ in self.ledger.limits_of(self.place_of(ad)))

    @staticmethod
    def ask(candidate):
        per_click = candidate.ad.pricing == "cpc"
        return candidate.keyword.bid * (1000 if per_click else 1), candidate.ad.ctr if per_click else 0, per_click

    def caps_of(self, ad):
        """(kind, name, period, maximum) and whether a user is needed, the advertiser's first."""
        records = [(0, ad.advertiser, self.loaded.advertisers.get(ad.advertiser)), (1, ad.campaign and ad.campaign.id, ad.campaign), (2, ad.id, ad)]
        return [((kind, name, period, maximum), record.delivery.skips)
                for kind, name, record in records if record for period, maximum in record.delivery.caps]

    def cap_failure(self, ad):
        for cap, skips in self.caps_of(ad):
            if not self.user and skips:
                return "no user"
            if self.user and self.ledger.window(True, cap, self.now)[0] >= cap[3]:
                return f"{KINDS[cap[0]]} {cap[3]} in {period_text(cap[2])}"
        return None

    def stopped_by(self, candidate, lead):
        """The gate, its detail, and whether the lead would let it through."""
        failure = self.cap_failure(candidate.ad)
        if failure:
            return "frequency_cap", failure, False
        verdict, detail = self.ledger.gate(self.place_of(candidate.ad), self.ask(candidate))
        if verdict == delivery.LINE or (verdict == delivery.LEAD and lead):
            return None
        return GATES.get(verdict, "pacing"), detail, verdict == delivery.LEAD

    def place(self, candidate, lead):
        caps = [cap for cap, _ in self.caps_of(candidate.ad)]
        self.sequence += 1
        verdict = self.ledger.place(self.place_of(candidate.ad), self.ask(candidate), self.sequence, self.now, 60, lead, self.user, caps)
        assert verdict in (delivery.LINE, delivery.LEAD)
        candidate.pace = ("lead" if lead else "line") if self.is_limited(candidate.ad) else None
