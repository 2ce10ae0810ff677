"""The rooms of plugin/: who may include whom; that only plugin/uwsgi knows uWSGI; that the plugin exports one symbol, and is
hardened; and that uwsgiplugin.py lists all sources. Usage: rooms.py [admatch_plugin.so]"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
ARROWS = {
    "base": set(),
    "text": {"base"},
    "inventory": {"base", "text"},
    "index": {"base", "text", "inventory"},
    "delivery": {"base", "text", "inventory", "index"},
    "match": {"base", "text", "index", "delivery"},
    "api": {"base", "text", "index", "delivery", "match"},
    "uwsgi": {"base", "text", "inventory", "index", "delivery", "match", "api"},
    "cli": {"base", "text", "inventory", "index", "delivery", "match", "api"},
}


def sources():
    return sorted(path for room in ARROWS for path in (ROOT / "plugin" / room).glob("*.[ch]"))


def check_includes(path):
    room = path.parent.name
    for number, line in enumerate(path.read_text().splitlines(), 1):
        found = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
        if not found:
            continue
        place = f"{path.relative_to(ROOT)}:{number}"
        if found[2] == "uwsgi.h" and room != "uwsgi":
            yield f"{place}: only plugin/uwsgi may include uwsgi.h"
        if found[1] != '"':
            continue
        target = (path.parent / found[2]).resolve()
        if not target.is_file():
            yield f"{place}: there is no {found[2]}"
        elif target.parent != path.parent and target.parent.name not in ARROWS[room]:
            yield f"{place}: {room} may not include {target.parent.name}"


def check_exports(plugin):
    done = subprocess.run(["nm", "-D", "--defined-only", plugin], capture_output=True, text=True, check=True)
    exported = {line.split()[-1] for line in done.stdout.splitlines()}
    if exported != {"admatch_plugin"}:
        yield f"{plugin}: expected to export admatch_plugin alone, found {', '.join(sorted(exported))}"


def check_hardening(plugin):
    """What docs/SECURITY.md promises of the file."""
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


def check_builder():
    listed = {}
    exec((ROOT / "uwsgiplugin.py").read_text(), listed)
    wanted = {str(path.relative_to(ROOT)) for path in sources() if path.suffix == ".c" and path.parent.name != "cli"}
    for name in sorted(wanted - set(listed["GCC_LIST"])):
        yield f"uwsgiplugin.py: {name} is missing in GCC_LIST"
    for name in sorted(set(listed["GCC_LIST"]) - wanted):
        yield f"uwsgiplugin.py: {name} of GCC_LIST is no source of the plugin"


def main():
    problems = [problem for path in sources() for problem in check_includes(path)]
    problems += check_builder()
    for plugin in sys.argv[1:]:
        problems += check_exports(plugin)
        problems += check_hardening(plugin)
    print("\n".join(problems) or f"rooms: {len(sources())} files are in order")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
