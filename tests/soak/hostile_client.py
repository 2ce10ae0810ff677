# SPDX-License-Identifier: Apache-2.0
"""Clients that mean harm, as many as there is time for. Prints as JSON how often each act got which answer.

    hostile_client.py PROXIED DIRECT SECONDS [KIND]

PROXIED: port of the proxy, which gets everything, slow clients above all. DIRECT: port of uWSGI itself, which gets all that
is over quickly: what a proxy would not even pass on. KIND: only slow clients of that kind, at PROXIED."""

import asyncio
import collections
import contextlib
import gzip
import json
import random
import signal
import socket
import struct
import sys
import threading
import time

FAST_PROXIED, FAST_DIRECT = 4, 2  # clients that act one after the other
SLOW = 12  # of each kind at a time
GREEDY = 160  # slow bodies from one more address: above the proxy's limit for an address
WAIT = 2.0  # seconds for an answer
PAUSE = 0.003
ADDRESSES = {"fast": "127.0.0.2", "slow": "127.0.0.3", "greedy": "127.0.0.4", "direct": "127.0.0.5"}

BODY = b'{"text":"What is in topic1 sale today?","slots":[{"count":3}]}'
GET = b"GET /v1/decide?query=topic1+sale HTTP/1.1\r\nHost: h\r\n\r\n"


def post(body, *headers, length=None, path="/v1/decide", kind="application/json"):
    lines = [f"POST {path} HTTP/1.1", "Host: h", f"Content-Type: {kind}", *headers]
    if length is not False:
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def chunked(body):
    return post(body, "Transfer-Encoding: chunked", length=False)


BOMB = gzip.compress(b" " * (8 << 20))
HEAVY = json.dumps({"text": "topic1 sale " * 8000, "explain": True, "unique": "none", "slots": [{"id": str(n), "count": 4} for n in range(64)]}).encode()
BIDS = json.dumps({"id": "h", "imp": [{"id": str(n), "banner": {}} for n in range(64)], "ext": {"admatch": {"text": "topic2 sale"}}}).encode()

# Each act: what may be sent, one of them chosen at a time.
ACTS = {
    "flood of headers": [post(BODY, *[f"X-{n}: {'v' * 100}" for n in range(1000)]), GET[:-2] + b"X: " + b"v" * 70000 + b"\r\n\r\n"],
    "huge address": [b"GET /v1/decide?query=" + b"a" * size + b" HTTP/1.1\r\nHost: h\r\n\r\n" for size in (3000, 9000, 70000)],
    "length that lies": [post(BODY, length=length) for length in (-1, 10**30, "18446744073709551617", "abc", "1,1", "+3", "0x3", 1, 0)],
    "two lengths": [post(BODY, "Content-Length: 1"), post(BODY, "Transfer-Encoding: chunked"), post(BODY, length=False)],
    "broken chunks": [chunked(chunks) for chunks in (b"zz\r\n{}\r\n0\r\n\r\n", b"ffffffffffffffff\r\n{}", b"-1\r\n{}\r\n", b"2;x=y\r\n{}0\r\n\r\n", b"2\r\n{}\r\n0\r\nX: y\r\n\r\n",
                                                     b"5\r\n{}", b"\0\r\n\r\n", b"1\r\n{\r\n" * 3000 + b"0\r\n\r\n", b"400000\r\n" + b" " * 300000)],
    "gzip bomb": [post(body, "Content-Encoding: gzip") for body in (BOMB, BOMB[:-9], gzip.compress(BOMB), gzip.compress(BODY) + b"more", b"\x1f\x8b", BODY)],
    "deep JSON": [post(b"[" * 100000), post(b'{"a":' * 20000), post(b"[" * 60 + b"]" * 60), post(b'{"context":{"kv":' + b'{"a":' * 70 + b"1" + b"}" * 72)],
    "NUL bytes": [GET.replace(b"topic1", b"a\0b"), GET.replace(b"topic1", b"%00"), post(BODY.replace(b"topic1", b"\0")), post(BODY.replace(b"topic1", b"\\u0000")),
                  post(BODY, "X: a\0b"), b"\0" * 5000],
    "huge numbers": [post(b'{"query":"topic1 sale","%s":%s}' % (name, number)) for name in (b"count", b"floor", b"now")
                     for number in (b"9" * 400, b"1e999", b"-1e-999", b"1" + b"0" * 5000, b"-0", b"18446744073709551617", b"NaN")],
    "unknown members": [post(b'{"contry":"US"}'), post(b'{"query":"a","query":"b"}'), post(json.dumps({str(n): n for n in range(40000)}).encode()[:250000])],
    "pipelined": [GET * 50, post(BODY) * 20, GET + post(BODY) + b"garbage\r\n\r\n"],
    "random bytes": [b"", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET /\r\n", b"\r\n" * 500],
    "other methods": [f"{method} {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode() for method in ("PUT", "get", "TRACE", "OPTIONS", "CONNECT", "HEAD")
                      for path in ("/v1/decide", "/../../etc/passwd", "/openrtb2/bid", "/metrics", "/preview", "*")],
    "too large": [post(b" " * 300000), chunked(b"493e0\r\n" + b" " * 300000 + b"\r\n0\r\n\r\n"), post(b"a " * 130000, kind="text/plain")],
    "heavy": [post(HEAVY), post(BIDS, path="/openrtb2/bid"), post("\u0345\u0301".encode() * 60000, kind="text/plain"), post(b"topic1 " * 19000, kind="text/plain")],
}
GOOD = (GET, post(BODY), post(BIDS, path="/openrtb2/bid"), chunked(b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)))

counts = collections.defaultdict(collections.Counter)
stopped = threading.Event()


def status_of(answer):
    parts = answer.split(b" ", 2)
    return parts[1].decode("latin-1") if answer.startswith(b"HTTP/") and len(parts) > 2 else "closed"


def count(act, answer):
    counts[act][answer] += 1


# ---- acts that are over quickly ---------------------------------------------------------------------------


def flipped(data, generator):
    """A good request with a few bytes changed."""
    changed = bytearray(data)
    for _ in range(generator.randint(1, 6)):
        changed[generator.randrange(len(changed))] = generator.randrange(256)
    return bytes(changed)


def choose(generator):
    """An act: name, what is sent, and how it ends."""
    name = generator.choice([*ACTS, "random bytes", "flipped bytes", "truncated", "half-closed", "dropped", "gone before the answer"])
    good = generator.choice(GOOD)
    if name == "flipped bytes":
        return name, flipped(good, generator), "half-close"
    if name == "truncated":
        return name, good[: generator.randrange(len(good))], "half-close"
    if name == "half-closed":
        return name, good, "half-close"
    if name == "dropped":
        return name, good[: generator.randrange(len(good))], "reset"
    if name == "gone before the answer":
        return name, good, "reset"
    if name == "random bytes" and generator.random() < 0.5:
        return name, generator.randbytes(generator.choice((10, 1000, 20000))), "half-close"
    return name, generator.choice(ACTS[name]), generator.choice(("half-close", "close", "close"))


def connect(port, source):
    """None: refused, or nobody accepts."""
    with contextlib.suppress(OSError):
        return socket.create_connection(("127.0.0.1", port), timeout=WAIT, source_address=(source, 0))
    return None


def act(connection, data, ending):
    """Sends, ends, and tells the answer's status."""
    answer = b""
    with contextlib.suppress(OSError):
        connection.sendall(data)
    if ending == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return "reset"
    try:
        if ending == "half-close":
            connection.shutdown(socket.SHUT_WR)
        while block := connection.recv(65536):
            answer = answer or block[:64]
            if ending == "close":
                break
    except TimeoutError:
        return status_of(answer) if answer else "silence"
    except OSError:
        pass
    return status_of(answer)


def act_on(port, source, prefix, seed):
    generator = random.Random(seed)
    while not stopped.is_set():
        name, data, ending = choose(generator)
        connection = connect(port, source)
        if connection is None:
            count(prefix + name, "refused")
        else:
            with connection:
                count(prefix + name, act(connection, data, ending))
        time.sleep(PAUSE)


# ---- slow clients -----------------------------------------------------------------------------------------


async def drip(writer, data):
    for byte in data:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(1)


async def slow_head(reader, writer):
    await drip(writer, post(BODY))


async def slow_body(reader, writer):
    head, body = post(BODY).split(b"\r\n\r\n", 1)
    writer.write(head + b"\r\n\r\n")
    await drip(writer, body)


async def slow_chunks(reader, writer):
    head, body = chunked(b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)).split(b"\r\n\r\n", 1)
    writer.write(head + b"\r\n\r\n")
    await drip(writer, body)


async def slow_reader(reader, writer):
    writer.write(post(HEAVY) * 8)
    for _ in range(20):
        if not await reader.read(1):
            return
        await asyncio.sleep(1)


async def silent(reader, writer):
    await asyncio.sleep(20)


async def stuck_body(reader, writer):
    writer.write(post(BODY, length=100000))
    await reader.read(1)


KINDS = {"slow head": slow_head, "slow body": slow_body, "slow chunks": slow_chunks, "slow reader": slow_reader, "says nothing": silent, "stuck body": stuck_body}


async def slow_client(port, source, name, behave):
    """One client after the other, each until it is done or let go."""
    while not stopped.is_set():
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0), limit=256)
        except OSError:
            count(name, "refused")
            await asyncio.sleep(1)
            continue
        ending = "closed"
        try:
            await asyncio.wait_for(behave(reader, writer), 90)
            ending = status_of(await asyncio.wait_for(reader.read(64), WAIT))
        except (TimeoutError, asyncio.TimeoutError):
            ending = "silence"
        except OSError:
            pass
        finally:
            writer.transport.abort()
        count(name, ending)
        await asyncio.sleep(0.2)


async def be_slow(port, kind):
    clients = [slow_client(port, ADDRESSES["slow"], name, KINDS[name]) for name in ([kind] if kind else KINDS) for _ in range(SLOW)]
    if not kind:
        clients += [slow_client(port, ADDRESSES["greedy"], "greedy", slow_body) for _ in range(GREEDY)]
    tasks = [asyncio.ensure_future(client) for client in clients]
    while not stopped.is_set():
        await asyncio.sleep(0.2)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def main():
    proxied, direct, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    kind = sys.argv[4] if len(sys.argv) > 4 else None
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    timer = threading.Timer(seconds, stopped.set)
    timer.daemon = True
    timer.start()
    threads = []
    if not kind:
        threads += [threading.Thread(target=act_on, args=(proxied, ADDRESSES["fast"], "", seed)) for seed in range(FAST_PROXIED)]
        threads += [threading.Thread(target=act_on, args=(direct, ADDRESSES["direct"], "direct: ", 100 + seed)) for seed in range(FAST_DIRECT)]
    for thread in threads:
        thread.start()
    asyncio.run(be_slow(proxied, kind))
    for thread in threads:
        thread.join()
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
