# SPDX-License-Identifier: Apache-2.0
"""What a bid response may be: the tables of OpenRTB 2.6 (sections 4.2.1 to 4.2.3), and what a request allows."""

import json
import re
from xml.etree import ElementTree

STRING, INTEGER, NUMBER, STRINGS, INTEGERS, OBJECT, OBJECTS = range(7)
RESPONSE = {"id": STRING, "seatbid": OBJECTS, "bidid": STRING, "cur": STRING, "customdata": STRING, "nbr": INTEGER, "ext": OBJECT}
SEAT_BID = {"bid": OBJECTS, "seat": STRING, "group": INTEGER, "ext": OBJECT}
BID = {
    "id": STRING, "impid": STRING, "price": NUMBER, "nurl": STRING, "burl": STRING, "lurl": STRING, "adm": STRING, "adid": STRING,
    "adomain": STRINGS, "bundle": STRING, "iurl": STRING, "cid": STRING, "crid": STRING, "tactic": STRING, "cattax": INTEGER,
    "cat": STRINGS, "attr": INTEGERS, "apis": INTEGERS, "api": INTEGER, "protocol": INTEGER, "qagmediarating": INTEGER,
    "language": STRING, "langb": STRING, "dealid": STRING, "w": INTEGER, "h": INTEGER, "wratio": INTEGER, "hratio": INTEGER,
    "exp": INTEGER, "dur": INTEGER, "mtype": INTEGER, "slotinpod": INTEGER, "ext": OBJECT,
}
REQUIRED = {"response": ("id",), "seatbid": ("bid",), "bid": ("id", "impid", "price")}


def is_integer(value):
    return isinstance(value, int) and not isinstance(value, bool)


def is_of(value, kind):
    if kind in (STRINGS, INTEGERS, OBJECTS):
        return isinstance(value, list) and all(is_of(item, {STRINGS: STRING, INTEGERS: INTEGER, OBJECTS: OBJECT}[kind]) for item in value)
    if kind == NUMBER:
        return is_integer(value) or isinstance(value, float)
    return is_integer(value) if kind == INTEGER else isinstance(value, {STRING: str, OBJECT: dict}[kind])


def check_object(name, value, members):
    """Problems of one object, by its table."""
    missing = [f"{name}: {member} is missing" for member in REQUIRED[name] if member not in value]
    unknown = [f"{name}: {member} is in no table" for member in value if member not in members]
    wrong = [f"{name}.{member}: {item!r}" for member, item in value.items() if member in members and not is_of(item, members[member])]
    return missing + unknown + wrong


def check_response(answer):
    problems = check_object("response", answer, RESPONSE)
    for seat in answer.get("seatbid", []):
        problems += check_object("seatbid", seat, SEAT_BID)
        for bid in seat.get("bid", []):
            problems += check_object("bid", bid, BID)
    return problems


# ---- against the request ----------------------------------------------------------------------


def host(text):
    text = re.sub(r"^[a-z+.-]*://", "", text.strip().lower())
    return re.sub(r"^www\.", "", re.split(r"[/:?#]", text)[0].rstrip("."))


def is_blocked_domain(domain, blocked):
    return any(domain == host(name) or domain.endswith("." + host(name)) for name in blocked)


def is_category_in(category, listed):
    return any(category.upper() == name.strip().upper() or category.upper().startswith(name.strip().upper() + "-") for name in listed)


def sizes_of(banner):
    sizes = [(size.get("w"), size.get("h")) for size in [*banner.get("format", []), banner]]
    return {size for size in sizes if all(size)}


def is_vast(bid, video):
    """A document that can be read, of a length that was asked for."""
    root = ElementTree.fromstring(bid["adm"])
    files = root.findall(".//MediaFile")
    return (root.tag == "VAST" and video.get("minduration", 0) <= bid.get("dur", 0) <= video.get("maxduration", 86400)
            and all(file.get("type") in video["mimes"] for file in files) and bid.get("protocol", 2) in video.get("protocols", [2]))


def is_native(bid, native):
    """Every required asset is there, and no other."""
    asked = {asset["id"]: asset for asset in json.loads(native["request"])["assets"]}
    answer = json.loads(bid["adm"])["native"]
    given = {asset["id"]: asset for asset in answer["assets"]}
    return (set(given) <= set(asked) and all(name in given for name, asset in asked.items() if asset.get("required")) and answer["link"]["url"]
            and all(len(asset["title"]["text"]) <= asked[name]["title"].get("len", 999) for name, asset in given.items() if "title" in asset))


def check_bid(bid, seat, request):
    """Problems of one bid, where the request is as the specification has it."""
    problems = []
    impression = next((each for each in request["imp"] if each["id"] == bid["impid"]), None)
    if impression is None:
        return [f"no impression {bid['impid']}"]
    is_video = bid.get("mtype") == 2
    banner = impression.get({2: "video", 4: "native"}.get(bid.get("mtype"), "banner"))
    expect = {
        "below the floor": bid["price"] >= impression.get("bidfloor", 0) and bid["price"] > 0,
        "not the media asked for": impression.get({1: "banner", 2: "video", 4: "native"}.get(bid.get("mtype"))) is not None,
        "no native assets": bid.get("mtype") != 4 or is_native(bid, impression["native"]),
        "no VAST": not is_video or is_vast(bid, impression["video"]),
        "another size": bid.get("mtype") != 1 or banner is None or not sizes_of(banner) or (bid.get("w"), bid.get("h")) in sizes_of(banner),
        "a blocked domain": not any(is_blocked_domain(domain, request.get("badv", [])) for domain in bid.get("adomain", [])),
        "a blocked category": not any(is_category_in(category, request.get("bcat", [])) for category in bid.get("cat", [])),
        "no allowed category": not request.get("acat") or (bid.get("cat") and all(is_category_in(each, request["acat"]) for each in bid["cat"])),
        "a blocked app": bid.get("bundle") is None or bid["bundle"].lower() not in [name.lower() for name in request.get("bapp", [])],
        "a blocked attribute": not set(bid.get("attr", [])) & set((banner or {}).get("battr", [])),
        "an API that is not there": set(bid.get("apis", [])) <= set((banner or {}).get("api", [])),
        "a seat that may not bid": not request.get("wseat") or seat in request["wseat"],
        "a blocked seat": seat not in request.get("bseat", []),
        "a taxonomy of its own": bid.get("cattax", 1) == request.get("cattax", 1) or not request.get("bcat"),
        "insecure": not impression.get("secure") or not re.search(r"src=.?.?http://", bid.get("adm", "")),
        "a private auction": not impression.get("pmp", {}).get("private_auction"),
        "no markup": bid.get("adm"),
    }
    return problems + [problem for problem, fine in expect.items() if not fine]


def check_against(answer, request):
    """Problems of a whole answer."""
    bids = [(bid, seat.get("seat")) for seat in answer.get("seatbid", []) for bid in seat["bid"]]
    problems = [] if answer["id"] == request["id"] else ["another id"]
    if bids and answer.get("cur", "USD") not in request.get("cur", ["USD"]):
        problems.append("another currency")
    for names in ([bid["id"] for bid, _ in bids], [bid["impid"] for bid, _ in bids]):
        if len(set(names)) < len(names):
            problems.append("two bids of one id, or for one impression")
    if not bids and "nbr" not in answer:
        problems.append("neither a bid nor a reason")
    return problems + [problem for bid, seat in bids for problem in check_bid(bid, seat, request)]
