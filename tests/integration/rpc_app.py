# SPDX-License-Identifier: Apache-2.0
"""A WSGI app for test_rpc.py: it calls what it is asked to, and times calls beside sockets."""

import base64
import concurrent.futures
import http.client
import json
import socket
import time

import uwsgi

AT_START = uwsgi.call(b"admatch.decide", b"2", b"{}")  # in the master, which forks later
BODY = b'{"query":"running shoes"}'


def call(name, arguments):
    answer = uwsgi.call(name.encode(), *(base64.b64decode(argument) for argument in arguments))
    return None if answer is None else base64.b64encode(answer).decode()


def call_often(asked):
    """How many different answers many threads get: of this app's making, which no core knows."""
    with concurrent.futures.ThreadPoolExecutor(asked["threads"]) as pool:
        return sorted(set(pool.map(lambda _: call(asked["name"], asked["arguments"]), range(asked["times"]))))


def rate_of(action, seconds=0.3):
    """How often it can be done in a second."""
    times, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        for _ in range(50):
            action()
        times += 50
    return times / (time.perf_counter() - began)


def by_call():
    uwsgi.call(b"admatch.decide", b"25", BODY)


def by_client(connection):
    connection.request("POST", "/v1/decide", BODY, {"Content-Type": "application/json"})
    connection.getresponse().read()


def by_socket(connection):
    connection.sendall(b"POST /v1/decide HTTP/1.1\r\nHost: x\r\nContent-Length: 25\r\n\r\n" + BODY)
    head, _, rest = connection.recv(65536).partition(b"\r\n\r\n")
    left = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]) - len(rest)
    while left > 0:
        left -= len(connection.recv(65536))


def rates(port):
    """Calls a second: of the function, bytes to bytes and with JSON, and of a kept connection, by http.client and as bytes."""
    client = http.client.HTTPConnection("127.0.0.1", port)
    raw = socket.create_connection(("127.0.0.1", port))
    found = {"call": rate_of(by_call), "http.client": rate_of(lambda: by_client(client)), "socket": rate_of(lambda: by_socket(raw)),
             "call with JSON": rate_of(lambda: (json.dumps({"query": "running shoes"}), json.loads(uwsgi.call(b"admatch.decide", b"25", BODY))))}
    client.close()
    raw.close()
    return found


def application(environ, start_response):
    asked = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)) or "{}")
    path = environ["PATH_INFO"]
    answers = {"/call": lambda: call(asked["name"], asked["arguments"]), "/often": lambda: call_often(asked),
               "/rates": lambda: rates(asked["port"]), "/start": lambda: AT_START.decode()}
    body = json.dumps(answers[path]() if path in answers else {"python": path}).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
