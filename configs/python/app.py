# SPDX-License-Identifier: Apache-2.0
"""A page that fills its own slot, by a call into admatch in the same process: no socket, no second server. configs/python.ini runs it."""

import html
import json
from urllib.parse import parse_qs

import uwsgi

PIECE = 65535  # bytes of an argument that uWSGI hands over whole


def decide(request):
    """The answer of /v1/decide, or its error, to a request as a dictionary."""
    body = json.dumps(request).encode()
    pieces = [body[at:at + PIECE] for at in range(0, len(body), PIECE)]
    answer = uwsgi.call(b"admatch.decide", b"%d" % len(body), *pieces)
    if answer is None:
        raise RuntimeError("admatch.decide is not there: is admatch-rpc set?")
    return json.loads(answer)


def markup_of(ad):
    creative = ad.get("creative")
    title = creative.get("title", ad["ad"]) if isinstance(creative, dict) else ad["ad"]
    link = ad.get("urls", {}).get("click", ad.get("url", ""))
    return f'<a class="ad" rel="sponsored" href="{html.escape(link)}">{html.escape(title)}</a>'


def application(environ, start_response):
    words = parse_qs(environ["QUERY_STRING"]).get("q", [""])[0]
    answer = decide({"query": words, "slots": [{"id": "top", "count": 2}]})
    ads = [ad for slot in answer.get("slots", []) for ad in slot["ads"]]
    # with its length, since http11-socket keeps the connection
    page = f"<!doctype html><title>Search</title><h1>{html.escape(words)}</h1>{''.join(map(markup_of, ads))}".encode()
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(page)))])
    return [page]
