# SPDX-License-Identifier: Apache-2.0
"""The decision, read straight from docs/DECISION.md: an inventory and a request in, the whole answer out.

Nothing here is clever, and nothing here knows the C code: loops over every ad, keyword, field and place. Where the
two differ, one of them is wrong.
"""

import datetime
from decimal import Decimal
from types import SimpleNamespace

import budgets
import hits
import inventory
import targeting
from inventory import MATCH_TYPES

GATES = [
    "paused",
    "not_started",
    "ended",
    "negative_keyword",
    "targeting",
    "size",
    "floor",
    "blocked_advertiser",
    "blocked_category",
    "frequency_cap",
    "budget",
    "pacing",
    "duplicate_advertiser",
    "excluded_label",
    "outranked",
]
MOST_REJECTED_LISTED = 100


def upper(category):
    """Categories compare without ASCII case."""
    return "".join(letter.upper() if letter.isascii() else letter for letter in category)


def smallest(texts):
    """The smallest in bytes."""
    return min(texts, key=lambda text: text.encode("utf-8"))


def decimal_text(value, places):
    whole, rest = divmod(value, 10**places)
    decimals = str(rest).rjust(places, "0").rstrip("0")
    return f"{whole}.{decimals}" if decimals else str(whole)


def money(micros):
    """As a number of JSON: an integer where it is whole."""
    text = decimal_text(micros, 6)
    return Decimal(text) if "." in text else int(text)


def time_text(seconds):
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


# ---- requests ---------------------------------------------------------------------------------


def read_request(request, settings):
    block = request.get("block", {})
    context = request.get("context", {})
    slots = request.get("slots", [{}])
    return SimpleNamespace(
        id=request.get("id", ""),
        fields=hits.fields_of(request, settings.rules, settings.stemmed),
        context=context,
        timezone=context.get("timezone", request.get("timezone")),
        now=inventory.seconds(request["now"]),
        unique=request.get("unique", settings.unique),
        blocked_advertisers=set(block.get("advertisers", [])),
        blocked_categories={upper(category) for category in block.get("categories", [])},
        blocked_domains={domain.lower() for domain in block.get("domains", [])},
        slots=[read_slot(slot) for slot in slots],
    )


def read_slot(slot):
    return SimpleNamespace(
        id=slot.get("id", ""),
        count=slot.get("count", 1),
        sizes=dict.fromkeys(inventory.size_of(size) for size in inventory.listed(slot.get("size", []))),
        floor=inventory.micros(slot.get("floor", 0)),
    )


# ---- candidates and their rank ----------------------------------------------------------------


def rank_key(ad, keyword, request):
    """Of two keywords, of the same ad or not, the one with the smaller key ranks before."""
    return (
        -ad.priority,
        -keyword.score,
        MATCH_TYPES.index(keyword.match),
        -len(keyword.words),
        fnv1a(request.id.encode("utf-8") + b"\0" + ad.id.encode("utf-8")),
        ad.id.encode("utf-8"),
        keyword.position,
    )


def find_candidate(ad, request, settings):
    """The ad with the keyword that counts, or None when no keyword reaches it."""
    best = None
    for keyword in ad.keywords:
        hit = None
        if keyword.match != "any":
            hit = hits.find(keyword, request.fields, settings.broad_window)
            if hit is None:
                continue
        key = rank_key(ad, keyword, request)
        if best is None or key < best.key:
            best = SimpleNamespace(ad=ad, keyword=keyword, hit=hit, key=key)
    return best


def find_candidates(loaded, request):
    """Every ad that a keyword reaches, best rank first."""
    found = [find_candidate(ad, request, loaded.settings) for ad in loaded.ads]
    candidates = [candidate for candidate in found if candidate]
    for candidate in candidates:
        find = lambda keyword: hits.find(keyword, request.fields, loaded.settings.broad_window)
        candidate.negatives = [k.text for k in candidate.ad.negatives if find(k)]
    return sorted(candidates, key=lambda candidate: candidate.key)


# ---- gates ------------------------------------------------------------------------------------


def blocked_name(ad, request):
    if ad.advertiser in request.blocked_advertisers:
        return ad.advertiser
    for blocked in request.blocked_domains:
        if ad.domain and (ad.domain == blocked or ad.domain.endswith("." + blocked)):
            return ad.domain
    return None


def blocked_category(ad, request):
    found = []
    for category in ad.categories:
        for blocked in request.blocked_categories:
            if upper(category) == blocked or upper(category).startswith(blocked + "-"):
                found.append(category)
    return smallest(found) if found else None


def taken_by(ad, request, placed):
    """The id of the ad that stands where, by `unique`, only one may."""
    for other in placed:
        if request.unique == "advertiser" and other.ad.advertiser == ad.advertiser:
            return other.ad.id
        if request.unique == "campaign" and ad.campaign and other.ad.campaign is ad.campaign:
            return other.ad.id
    return None


def excluded_label(ad, placed):
    for other in placed:
        between = (ad.exclude_labels & other.ad.labels) | (other.ad.exclude_labels & ad.labels)
        if between:
            return smallest(between)
    return None


def why_before(winner, loser):
    """Why the winner ranks before the loser."""
    best, other = winner.keyword, loser.keyword
    name = winner.ad.id
    if winner.ad.priority != loser.ad.priority:
        return f"{name} by priority ({winner.ad.priority} over {loser.ad.priority})"
    if best.score != other.score:
        return f"{name} by score ({decimal_text(best.score, 12)} over {decimal_text(other.score, 12)})"
    if best.match != other.match:
        return f"{name} by match type ({best.match} over {other.match})"
    if len(best.words) != len(other.words):
        return f"{name} by words ({len(best.words)} over {len(other.words)})"
    return f"{name} by rotation"


def show_sizes(sizes):
    return targeting.shown([f"{width}x{height}" for width, height in sizes])


def stopped_by(candidate, request, slot, placed, in_slot, account):
    """The gate that stops the ad in this slot, and the detail; None when it passes them all. ("aside", ""): its lead alone would let it
    through."""
    ad = candidate.ad
    if ad.paused or (account and account.is_paused(ad)):
        return "paused", "status"
    if ad.start is not None and request.now < ad.start:
        return "not_started", f"starts {time_text(ad.start)}; it is {time_text(request.now)}"
    if ad.end is not None and request.now >= ad.end:
        return "ended", f"ended {time_text(ad.end)}; it is {time_text(request.now)}"
    if candidate.negatives:
        return "negative_keyword", smallest(candidate.negatives)
    failure = targeting.ad_failure(ad, request.context, request.timezone, request.now)
    if failure:
        return "targeting", failure
    if slot.sizes and ad.sizes and not set(slot.sizes) & set(ad.sizes):
        return "size", f"{show_sizes(ad.sizes)}; the slot has {show_sizes(slot.sizes)}"
    if candidate.keyword.ecpm < slot.floor:
        return "floor", f"eCPM {decimal_text(candidate.keyword.ecpm, 6)}; the floor is {decimal_text(slot.floor, 6)}"
    if blocked_name(ad, request):
        return "blocked_advertiser", blocked_name(ad, request)
    if blocked_category(ad, request):
        return "blocked_category", blocked_category(ad, request)
    stop = late_stop(candidate, request, placed, account, False)
    if stop:
        return stop
    if len(in_slot) == slot.count:
        return "outranked", why_before(in_slot[-1], candidate)
    return None


def late_stop(candidate, request, placed, account, lead):
    """The gates from `frequency_cap` on, which ask what this request has placed so far."""
    ad = candidate.ad
    stop = account.stopped_by(candidate, lead) if account else None
    if stop:
        return ("aside", "") if stop[2] else stop[:2]
    if taken_by(ad, request, placed):
        return "duplicate_advertiser", taken_by(ad, request, placed)
    if excluded_label(ad, placed):
        return "excluded_label", excluded_label(ad, placed)
    return None


class Walk:
    """The walk over the candidates of one slot, in two rounds a priority."""

    def __init__(self, request, slot, placed, stops, account):
        self.request, self.slot, self.placed, self.stops, self.account = request, slot, placed, stops, account
        self.in_slot, self.aside = [], []

    def place(self, candidate, lead):
        if self.account:
            self.account.place(candidate, lead)
        self.placed.append(candidate)
        self.in_slot.append(candidate)

    def look_at(self, candidate):
        if self.aside and self.aside[0].ad.priority != candidate.ad.priority:
            self.second_round()
        stop = stopped_by(candidate, self.request, self.slot, self.placed, self.in_slot, self.account)
        if not stop:
            self.place(candidate, False)
        elif stop[0] == "aside":
            self.aside.append(candidate)
        else:
            self.stops[candidate.ad.id].append(stop)

    def second_round(self):
        for candidate in self.aside:
            if len(self.in_slot) == self.slot.count:
                stop = "outranked", f"{self.in_slot[-1].ad.id} by pace (line over lead)"
            else:
                stop = late_stop(candidate, self.request, self.placed, self.account, True)
            if stop:
                self.stops[candidate.ad.id].append(stop)
            else:
                self.place(candidate, True)
        self.aside = []


def fill_slots(candidates, request, account):
    """The candidates placed in each slot; and of each candidate, what stopped it in each slot."""
    placed = []
    slots = []
    stops = {candidate.ad.id: [] for candidate in candidates}
    for slot in request.slots:
        walk = Walk(request, slot, placed, stops, account)
        for candidate in candidates:
            if request.unique == "none" or candidate not in placed:
                walk.look_at(candidate)
        walk.second_round()
        slots.append([(candidate, getattr(candidate, "pace", None)) for candidate in walk.in_slot])
    return slots, placed, stops


# ---- answers ----------------------------------------------------------------------------------


def show_match(candidate):
    keyword = candidate.keyword
    shown = {"keyword": keyword.text, "type": keyword.match}
    if candidate.hit:
        shown["field"] = candidate.hit.field.name
        if candidate.hit.field.name == "keywords":
            shown["index"] = candidate.hit.field.index
        if candidate.hit.field.name == "keywords":
            shown["index"] = candidate.hit.field.index
        shown["spans"] = hits.spans(candidate.hit)
    return shown


def show_owner(ad):
    return {"ad": ad.id, "campaign": ad.campaign.id} if ad.campaign else {"ad": ad.id}


def show_ad(candidate, pace):
    ad = candidate.ad
    shown = show_owner(ad)
    shown["advertiser"] = ad.advertiser
    shown["price"] = money(candidate.keyword.bid)
    shown["pricing"] = ad.pricing
    shown["ecpm"] = money(candidate.keyword.ecpm)
    shown["match"] = show_match(candidate)
    if ad.url:
        shown["url"] = ad.url
    if ad.creative is not None:
        shown["creative"] = ad.creative
    if pace:
        shown["pace"] = pace
    return shown


def show_rejected(candidates, placed, stops):
    rejected = []
    for candidate in candidates:
        if candidate not in placed:
            # max() keeps the first of equals: the first slot in which the ad came as far as that.
            reason, detail = max(stops[candidate.ad.id], key=lambda stop: GATES.index(stop[0]))
            shown = show_owner(candidate.ad)
            shown.update(keyword=candidate.keyword.text, reason=reason, detail=detail)
            rejected.append(shown)
    return rejected


def decide(loaded, body):
    """The answer to one request; `loaded` comes from inventory.load. `generation` is not the model's to know."""
    request = read_request(body, loaded.settings)
    corrections = []
    if loaded.settings.spelling and request.fields and request.fields[0].name == "query" and not request.fields[0].folded:
        request.fields[0], corrections = hits.correct(request.fields[0], loaded)
    candidates = find_candidates(loaded, request)
    account = None
    if "state" in body:
        privacy = body.get("privacy", {})
        opted_out = privacy.get("gdpr") or privacy.get("coppa") or privacy.get("gpp") or privacy.get("us_privacy", "1YNN")[2] == "Y"
        account = budgets.Account(loaded, body["state"], request.now, bool(body.get("user")) and not opted_out)
    slots, placed, stops = fill_slots(candidates, request, account)
    answer = {}
    if "id" in body:
        answer["id"] = request.id
    if corrections:
        answer["corrected"] = corrections
    answer["slots"] = []
    for slot, in_slot in zip(request.slots, slots):
        shown = {"id": slot.id}
        shown["ads"] = [show_ad(candidate, pace) for candidate, pace in in_slot]
        answer["slots"].append(shown)
    if body.get("explain", False):
        rejected = show_rejected(candidates, placed, stops)
        answer["explain"] = {
            "candidates": len(candidates),
            "rejected_total": len(rejected),
            "rejected": rejected[:MOST_REJECTED_LISTED],
        }
    return answer
