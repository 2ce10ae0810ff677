# SPDX-License-Identifier: Apache-2.0
"""Python: nested dicts that stay in memory, one process a core, in a prefork uWSGI."""

import json
import os
import re
from urllib.parse import parse_qs

ADS = ""
tree = {}
for line in open(os.environ["LADDER"] + "/ads.tsv", encoding="utf-8"):
    keyword, ad, bid = line.rstrip("\n").split("\t")
    node = tree
    for word in keyword.split(" "):
        node = node.setdefault(word, {})
    node.setdefault(ADS, []).append((ad, int(bid)))


def search(words):
    found = {}
    for first in range(len(words)):
        node = tree
        for at in range(first, len(words)):
            node = node.get(words[at])
            if node is None:
                break
            for ad, bid in node.get(ADS, ()):
                found[ad] = max(found.get(ad, 0), bid)
    return sorted(found, key=lambda ad: (-found[ad], ad))[:3]


def application(environment, start_response):
    text = parse_qs(environment["QUERY_STRING"]).get("text", [""])[0].lower()
    body = json.dumps({"ads": search(re.findall("[a-z0-9]+", text))}).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
