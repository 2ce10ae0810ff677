# SPDX-License-Identifier: Apache-2.0
"""Asks for ads, swaps the inventory while a session is in use, and asks again. For CPython (python3-cffi) and PyPy, which has cffi.
It reads the installed header as it is, so no compiler is needed.

    python3 decide.py INVENTORY NEWER_INVENTORY

ADMATCH_HEADER and ADMATCH_LIBRARY in the environment name files that are elsewhere."""

import os
import sys

import cffi

HEADER = os.environ.get("ADMATCH_HEADER", "/usr/include/admatch.h")
LIBRARY = os.environ.get("ADMATCH_LIBRARY", "libadmatch.so.1")

ffi = cffi.FFI()
with open(HEADER) as header:
    ffi.cdef(header.read().split("no preprocessor ---- */")[1].split("/* ---- until here")[0])
lib = ffi.dlopen(LIBRARY)


class Error(Exception):
    """What libadmatch says of a failure."""


def check(code, error):
    if code != lib.ADMATCH_OK:
        raise Error(ffi.string(error.message).decode())


class Inventory:
    """An open inventory or image: immutable, for any number of threads. Closed when nothing refers to it."""

    def __init__(self, path, skip_bad_records=False):
        out, error = ffi.new("admatch_inventory **"), ffi.new("admatch_error *")
        flags = lib.ADMATCH_SKIP_BAD_RECORDS if skip_bad_records else 0
        check(lib.admatch_open(os.fsencode(path), flags, out, error), error)
        self.handle = ffi.gc(out[0], lib.admatch_close)

    @property
    def generation(self):
        return ffi.string(lib.admatch_generation(self.handle)).decode()

    @property
    def problems(self):
        return ffi.string(lib.admatch_problems(self.handle)).decode().splitlines()


class Session:
    """Working memory of one thread."""

    def __init__(self, inventory, body_bytes=0, words=0, work=0):
        out, error = ffi.new("admatch_session **"), ffi.new("admatch_error *")
        check(lib.admatch_session_new(inventory.handle, body_bytes, words, work, out, error), error)
        self.handle = ffi.gc(out[0], lib.admatch_session_free)
        self.response = ffi.new("admatch_response *")

    def move(self, inventory):
        """Hot swap: the next answer is from this inventory. When it raises, the session stays where it is."""
        error = ffi.new("admatch_error *")
        check(lib.admatch_session_move(self.handle, inventory.handle, error), error)

    def decide(self, body, form=lib.ADMATCH_JSON, now=-1):
        """The status and the JSON, in bytes, for a request in bytes."""
        lib.admatch_decide(self.handle, form, body, len(body), now, self.response)
        return self.response.status, ffi.buffer(self.response.body, self.response.size)[:]


def main():
    if len(sys.argv) != 3:
        sys.exit(f"usage: {sys.argv[0]} INVENTORY NEWER_INVENTORY")
    inventory = Inventory(sys.argv[1])
    print("\n".join(inventory.problems), end="", file=sys.stderr)
    session = Session(inventory)
    for newer in (None, sys.argv[2]):
        if newer:
            session.move(Inventory(newer))
        status, answer = session.decide(b"query=trail+running+shoes", lib.ADMATCH_QUERY)
        print(status, answer.decode())


if __name__ == "__main__":
    main()
