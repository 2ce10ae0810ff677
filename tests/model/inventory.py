# SPDX-License-Identifier: Apache-2.0
"""An inventory: lines of JSON in, ads and campaigns with everything resolved out."""

import collections
import datetime
from decimal import Decimal
from types import SimpleNamespace

import words

MILLION = 1000000
NANOS = 10 ** 9
PACINGS = {"even": 0, "frontloaded": 1, "asap": 2}
LIFETIME = (1 << 18) - 1
MATCH_TYPES = ["exact", "phrase", "broad", "any"]  # the better one first


def micros(number):
    return int(Decimal(str(number)) * MILLION)


def per_mille(number):
    return int(Decimal(str(number)) * 1000)


def seconds(text):
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return int(moment.replace(microsecond=0).timestamp())


def listed(value):
    return [value] if isinstance(value, str) else list(value)


def settings_of(line):
    language = words.language_code(line.get("language", ""))
    stems = line.get("stem", True) and words.stemmer(language) is not None
    fold_accents = line.get("fold_accents", language != "vi")
    weights = {name: per_mille(value) for name, value in line.get("match_weight", {}).items()}
    return SimpleNamespace(
        rules=words.Rules(language, fold_accents),
        stemmed=language if stems else "",  # the language of the stems
        spelling=line.get("spelling", False),
        broad_window=line.get("broad_window", 16),
        timezone=line.get("timezone"),
        unique=line.get("unique", "advertiser"),
        curve=line.get("pacing_curve"),
        match_weight={"exact": 1000, "phrase": 1000, "broad": 1000, **weights, "any": 1000},
    )


# ---- budgets and caps -----------------------------------------------------------------------------


def period_of(text):
    if text == "lifetime":
        return LIFETIME
    return int(text[:-1]) * {"m": 1, "h": 60, "d": 1440}[text[-1]]


def amount_of(number, unit):
    return None if number is None else int(Decimal(str(number)) * NANOS) if unit == 0 else number


def read_delivery(line):
    """What a record may deliver."""
    budget = line.get("budget", {})
    pairs = [budget, budget.get("impressions", {}), budget.get("clicks", {})]
    return SimpleNamespace(
        budgets=[(amount_of(pair.get("total"), unit), amount_of(pair.get("daily"), unit)) for unit, pair in enumerate(pairs)],
        pacing=PACINGS[line.get("pacing", "even")],
        curve=line.get("pacing_curve"),
        caps=sorted((period_of(cap["period"]), cap["max_impressions"]) for cap in line.get("frequency_caps", [])),
        skips=line.get("without_user") == "skip",
    )


# ---- keywords ---------------------------------------------------------------------------------


def shows_nothing(character):
    """Whether it is White_Space or Default_Ignorable_Code_Point."""
    space = character.isspace() and not "\x1c" <= character <= "\x1f"
    return space or words.in_ranges(character, words.DEFAULT_IGNORABLE)


def trimmed(text):
    while text and shows_nothing(text[0]):
        text = text[1:]
    while text and shows_nothing(text[-1]):
        text = text[:-1]
    return text


def read_notation(text):
    """Text, match type and whether negative, of a keyword in the notation of ad operations."""
    text = trimmed(text)
    negative = text.startswith("-")
    if negative:
        text = trimmed(text[1:])
    if text == "*":
        return text, "any", negative
    if len(text) >= 2 and text[0] == '"' and text[-1] == '"':
        return trimmed(text[1:-1]), "phrase", negative
    if len(text) >= 2 and text[0] == "[" and text[-1] == "]":
        return trimmed(text[1:-1]), "exact", negative
    return text, "broad", negative


def read_keyword(written, settings):
    """One keyword, as a string in notation or as an object."""
    if isinstance(written, str):
        text, match, negative = read_notation(written)
        bid = None
    else:
        text = trimmed(written["text"])
        match = "any" if text == "*" else written.get("match", "broad")
        negative = written.get("negative", False)
        bid = micros(written["bid"]) if "bid" in written else None
    keyword = SimpleNamespace(text=text, match=match, words=(), normal=(), negative=negative, bid=bid)
    if match == "any":
        return keyword
    add_words(keyword, settings.rules, settings.stemmed)
    keyword.folded = SimpleNamespace(**vars(keyword))
    add_words(keyword.folded, settings.rules._replace(fold_accents=True), settings.stemmed)
    return keyword


def add_words(keyword, rules, stemmed):
    found = words.split(keyword.text.encode("utf-8"), rules)
    if keyword.match == "broad" and len(found) > 1 and not any(c.isspace() for c in keyword.text):
        keyword.match = "phrase"
    if keyword.match != "broad":
        keyword.words = keyword.normal = tuple(word.text for word in found)
        return
    keyword.normal = tuple(word.written for word in found)
    by_first_key = {}
    for word in found:
        keys = words.keys_of(word.written, rules, stemmed)
        by_first_key.setdefault(keys.first, keys)
    keyword.words = tuple(by_first_key.values())


def same_keyword(one, other):
    """The same match type and the same words; of broad keywords the same set of words, accents and all."""
    if one.match != other.match:
        return False
    if one.match == "broad":
        return set(one.normal) == set(other.normal)
    return one.normal == other.normal


def without_duplicates(keywords, ad_bid):
    """Of the same keyword in one ad, the highest bid stays, the first on a tie."""
    kept = []
    for keyword in keywords:
        same = [other for other in kept if same_keyword(keyword, other)]
        if not same:
            kept.append(keyword)
        elif bid_of(keyword, ad_bid) > bid_of(same[0], ad_bid):
            kept.remove(same[0])
            kept.append(keyword)
    return kept


def bid_of(keyword, ad_bid):
    return ad_bid if keyword.bid is None else keyword.bid


# ---- ads and campaigns ------------------------------------------------------------------------


def read_rules(line, settings):
    """What campaigns and ads have in common."""
    return SimpleNamespace(
        id=line["id"],
        paused=line.get("status", "active") == "paused",
        start=seconds(line["start"]) if "start" in line else None,
        end=seconds(line["end"]) if "end" in line else None,
        priority=line.get("priority"),
        targeting=line.get("targeting", {}),
        timezone=line.get("timezone"),
        labels=set(listed(line.get("labels", []))),
        exclude_labels=set(listed(line.get("exclude_labels", []))),
        categories=set(listed(line.get("categories", []))),
        domain=line["domain"].lower() if "domain" in line else None,
        negatives=[read_keyword(text, settings) for text in line.get("negative_keywords", [])],
        delivery=read_delivery(line),
        own_paused=line.get("status", "active") == "paused",
    )


def read_campaign(line, settings):
    campaign = read_rules(line, settings)
    campaign.advertiser = line["advertiser"]
    campaign.timezone = campaign.timezone or settings.timezone
    return campaign


def size_of(text):
    width, height = text.split("x")
    return int(width), int(height)


def ecpm_of(ad, bid):
    if ad.pricing == "cpm":
        return bid
    return bid * ad.ctr * 1000 // MILLION


def finish_keyword(keyword, ad, position, settings):
    keyword.position = position
    keyword.bid = bid_of(keyword, ad.bid)
    keyword.ecpm = ecpm_of(ad, keyword.bid)
    keyword.score = keyword.ecpm * ad.quality * settings.match_weight[keyword.match]


def read_ad(line, campaigns, settings):
    ad = read_rules(line, settings)
    own = ad
    campaign = campaigns[line["campaign"]] if "campaign" in line else None
    records = [own, campaign] if campaign else [own]
    ad.campaign = campaign
    if not campaign:
        ad.timezone = ad.timezone or settings.timezone
    ad.records = records  # the ad's own rules, then its campaign's
    ad.advertiser = campaign.advertiser if campaign else line["advertiser"]
    ad.paused = any(record.paused for record in records)
    ad.start = max((r.start for r in records if r.start is not None), default=None)
    ad.end = min((r.end for r in records if r.end is not None), default=None)
    ad.priority = next((r.priority for r in records if r.priority is not None), 0)
    ad.domain = next((r.domain for r in records if r.domain is not None), None)
    ad.labels = set().union(*(record.labels for record in records))
    ad.exclude_labels = set().union(*(record.exclude_labels for record in records))
    ad.categories = set().union(*(record.categories for record in records))
    ad.bid = micros(line["bid"])
    ad.pricing = line.get("pricing", "cpm")
    ad.ctr = micros(line.get("ctr", 0))
    ad.quality = per_mille(line.get("quality", 1))
    ad.sizes = sorted({size_of(size) for size in line.get("sizes", [])})
    ad.url = line.get("url", "")
    ad.creative = line.get("creative")
    written = [read_keyword(keyword, settings) for keyword in line["keywords"]]
    ad.negatives = [keyword for keyword in written if keyword.negative] + own.negatives
    ad.own_negatives = ad.negatives
    if campaign:
        ad.negatives = ad.negatives + campaign.negatives
    ad.keywords = without_duplicates([k for k in written if not k.negative], ad.bid)
    for position, keyword in enumerate(written):
        if keyword in ad.keywords:
            finish_keyword(keyword, ad, position, settings)
    return ad


def learn_words(loaded, campaigns):
    """What a misspelt word is told by: words of exact and phrase keywords, keys of broad ones, and these as written."""
    keywords = [k for c in campaigns for k in c.negatives] + [k for ad in loaded.ads for k in ad.keywords + ad.own_negatives]
    loaded.run_words = {word for k in keywords if k.match in ("exact", "phrase") for word in k.words}
    broad = [k for k in keywords if k.match == "broad"]
    loaded.broad_words = {key for k in broad for key in k.words}
    counts = collections.Counter(word for k in broad for word in set(k.normal))
    loaded.spellings = {script: [] for script in words.SCRIPTS}
    for written, count in counts.items():
        folded = words.fold(written, loaded.settings.rules)
        script = words.script_of(folded)
        if script:
            loaded.spellings[script].append((count, written, folded))


def load(lines):
    """The settings and the ads of an inventory, given as a list of objects."""
    heads = [line for line in lines if line.get("type") == "inventory"]
    settings = settings_of(heads[0] if heads else {})
    campaigns = {
        line["id"]: read_campaign(line, settings) for line in lines if line.get("type") == "campaign"
    }
    ads = [
        read_ad(line, campaigns, settings) for line in lines if line.get("type", "ad") == "ad"
    ]
    advertisers = {
        line["id"]: SimpleNamespace(id=line["id"], timezone=line.get("timezone"), delivery=read_delivery(line))
        for line in lines if line.get("type") == "advertiser"
    }
    loaded = SimpleNamespace(settings=settings, ads=ads, campaigns=campaigns, advertisers=advertisers)
    learn_words(loaded, campaigns.values())
    return loaded
