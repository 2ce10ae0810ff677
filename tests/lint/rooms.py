# SPDX-License-Identifier: Apache-2.0
"""The rooms of plugin/: which room may see which, and that names say their room; that only plugin/uwsgi knows uWSGI; that headers say
in which process and thread they run, where there are several; that the plugin exports one symbol, and the library those of its
header; and that both are hardened.
Usage: rooms.py [admatch_plugin.so [libadmatch.so]]"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
# A room: the rooms below it that it may see, directly or through other headers, and the prefixes of its names. No two rooms share a
# prefix. The names of `base` begin with the subject of their header; `am_code`, `am_error` and `am_view` are the project's basic types.
ROOMS = {
    "base": (set(), "address arena base64url buffer bytes checked clock code decimal error file hash intern json keyed memory plain poison siphash time timezone timezones utf8 vector view"),
    "text": ({"base"}, "text"),
    "model": ({"base"}, "model"),
    "client": ({"base"}, "client"),
    "inventory": ({"base", "text", "model"}, "inventory"),
    "index": ({"base", "text", "model", "inventory"}, "image build builder"),
    "delivery": ({"base", "text", "model", "inventory", "index"}, "ledger delivery pace caps"),
    "events": ({"base", "text", "model", "index", "delivery"}, "token event journal"),
    "reports": ({"base", "text", "model", "index", "delivery", "events"}, "report"),
    "control": ({"base", "text", "model", "inventory", "index", "delivery"}, "control"),
    "match": ({"base", "text", "model", "index", "delivery"}, "match matcher search rank gate gates explain"),
    "api": ({"base", "client", "text", "model", "index", "delivery", "events", "match"}, "api openrtb preview"),
    "publish": ({"base", "client", "text", "model", "inventory", "index", "delivery", "events", "reports", "control", "match", "api"}, "account publish publisher generation generations store source metrics server"),
    "uwsgi": ({"base", "client", "text", "model", "inventory", "index", "delivery", "events", "reports", "control", "match", "api", "publish"}, "uwsgi loop"),
    "cli": ({"base", "client", "text", "model", "inventory", "index", "delivery", "events", "reports", "control", "match", "api"}, "cli"),
    "include": (set(), ""),
    "lib": ({"include", "base", "client", "text", "model", "inventory", "index", "delivery", "events", "match", "api"}, "lib"),
}
# The header of the library is for programs outside: its names begin with admatch_.
PUBLIC_HEADER = ROOT / "plugin" / "include" / "admatch.h"
PUBLIC_NAME = re.compile(r"^(?:[a-z][a-z0-9_ ]*[ *])?(?!extern)([a-z]\w+)\(", re.M)


def sources():
    return sorted(path for room in ROOMS for path in (ROOT / "plugin" / room).rglob("*.[ch]"))


def room_of(path):
    return path.relative_to(ROOT / "plugin").parts[0]


def includes(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        found = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
        if found:
            yield number, found[1] == '"', found[2]


def own_headers(path):
    return [(path.parent / name).resolve() for _, own, name in includes(path) if own]


def reachable(path, seen):
    """All own headers that a file includes, directly and through others."""
    for target in own_headers(path):
        if target.is_file() and target not in seen:
            seen.add(target)
            reachable(target, seen)
    return seen


def check_includes(path):
    room = room_of(path)
    for number, own, name in includes(path):
        place = f"{path.relative_to(ROOT)}:{number}"
        if name == "uwsgi.h" and room != "uwsgi":
            yield f"{place}: only plugin/uwsgi may include uwsgi.h"
        if own and not (path.parent / name).resolve().is_file():
            yield f"{place}: there is no {name}"
    for target in sorted(reachable(path, set())):
        if room_of(target) != room and room_of(target) not in ROOMS[room][0]:
            yield f"{path.relative_to(ROOT)}: {room} may not see {target.relative_to(ROOT)}"


# Definitions and declarations at the left margin, and tags.
NAME = re.compile(r"^(?:[a-z].*?[ *(])?(am_[a-z0-9_]+)\(", re.M)
TAG = re.compile(r"^(?:typedef )?(?:struct|enum|union) (am_[a-z0-9_]+) \{", re.M)


def check_names(path):
    """A header's names begin with a prefix of its room."""
    room = room_of(path)
    text = path.read_text()
    prefixes = tuple(f"am_{prefix}" for prefix in ROOMS[room][1].split())
    for name in sorted(set(NAME.findall(text)) | set(TAG.findall(text))):
        if not any(name == prefix or name.startswith(prefix + "_") for prefix in prefixes):
            yield f"{path.relative_to(ROOT)}: {name} has none of the prefixes of {room}: {', '.join(prefixes)}"


# Rooms whose functions run in several processes and threads; each of their headers says who calls what.
PLACED = ("publish", "uwsgi")


def check_places(path):
    if room_of(path) in PLACED and "\n/* Runs in: " not in path.read_text().partition("\n#ifndef ")[0]:
        yield f'{path.relative_to(ROOT)}: expected "/* Runs in: PROCESS AND THREAD. */" before the first line of code'


def symbols_of(objects, flag):
    """Global symbols by object file."""
    printed = subprocess.run(["nm", "-A", "-g", flag, *map(str, objects)], capture_output=True, text=True, check=True).stdout
    found = {}
    for line in printed.splitlines():
        name, rest = line.split(":", 1)
        found.setdefault(name, set()).add(rest.split()[-1])
    return found


def check_circles(build):
    """Inside a room, no two object files use one another's symbols, directly or through others."""
    for room in ROOMS:
        objects = sorted((build / "plugin" / room).rglob("*.o"))
        objects = [path for path in objects if (ROOT / path.relative_to(build)).with_suffix(".c").is_file()]
        if not objects:
            continue
        owner = {symbol: name for name, symbols in symbols_of(objects, "--defined-only").items() for symbol in symbols}
        uses = {name: {owner[symbol] for symbol in symbols if symbol in owner} - {name}
                for name, symbols in symbols_of(objects, "--undefined-only").items()}
        yield from circles(uses)


def circles(graph):
    done, walk = set(), []

    def visit(node):
        if node in walk:
            yield "a circle: " + " -> ".join(pathlib.Path(name).stem for name in [*walk[walk.index(node):], node])
            return
        if node in done:
            return
        walk.append(node)
        for near in sorted(graph.get(node, ())):
            yield from visit(near)
        walk.pop()
        done.add(node)

    for node in sorted(graph):
        yield from visit(node)


def public_names():
    """The functions that the library's header declares."""
    return set(PUBLIC_NAME.findall(PUBLIC_HEADER.read_text()))


def check_public_names():
    for name in sorted(public_names()):
        if not name.startswith("admatch_"):
            yield f"{PUBLIC_HEADER.relative_to(ROOT)}: {name}: expected a name that begins with admatch_"


def check_exports(path):
    expected = {"admatch_plugin"} if "plugin" in pathlib.Path(path).name else public_names()
    done = subprocess.run(["nm", "-D", "--defined-only", path], capture_output=True, text=True, check=True)
    exported = {line.split()[-1] for line in done.stdout.splitlines()}
    if exported != expected:
        yield f"{path}: expected to export {', '.join(sorted(expected))}, found {', '.join(sorted(exported))}"


def check_hardening(plugin):
    """What docs/THREATS.md promises of the file."""
    headers = subprocess.run(["readelf", "-lW", plugin], capture_output=True, text=True, check=True).stdout
    dynamic = subprocess.run(["readelf", "-dW", plugin], capture_output=True, text=True, check=True).stdout
    symbols = subprocess.run(["nm", "-D", "--undefined-only", plugin], capture_output=True, text=True, check=True).stdout
    if "GNU_RELRO" not in headers:
        yield f"{plugin}: expected read-only relocations (GNU_RELRO)"
    if not re.search(r"GNU_STACK.* RW ", headers):
        yield f"{plugin}: expected a stack that cannot be executed"
    if "NOW" not in dynamic:
        yield f"{plugin}: expected all symbols bound at start (BIND_NOW)"
    for symbol in ("__stack_chk_fail", "__memcpy_chk"):
        if symbol not in symbols:
            yield f"{plugin}: expected {symbol}, of stack protector and _FORTIFY_SOURCE"


def main():
    problems = [*check_public_names(), *(problem for path in sources() for problem in check_includes(path))]
    for path in (path for path in sources() if path.suffix == ".h"):
        problems += [*check_names(path), *check_places(path)]
    for path in sys.argv[1:]:
        problems += check_exports(path)
        problems += check_hardening(path)
    for build in sorted({pathlib.Path(path).resolve().parent for path in sys.argv[1:]}):
        problems += check_circles(build)
    print("\n".join(problems) or f"rooms: {len(sources())} files are in order")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
