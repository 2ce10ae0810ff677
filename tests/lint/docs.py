# SPDX-License-Identifier: Apache-2.0
"""What the documents say, against the program: links, options, log variables, targets of make, printed examples, the image's format; that
nothing was left behind in them; that their lines end at column 100; that configurations are strict; and that no two of them
bind the same port.
Usage: docs.py BUILD_FOLDER"""

import json
import pathlib
import re
import shlex
import struct
import subprocess
import sys
import tempfile
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "tests" / "data" / "example.jsonl"
WIDTH = 100
UWSGI = next((path for path in ("/usr/bin/uwsgi-core", "/usr/bin/uwsgi") if pathlib.Path(path).exists()), "uwsgi")


def documents():
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def prose(text):
    """(number, line) of what can be wrapped: not of tables, and not of code, whose lines mean something."""
    fenced = listed = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        listed = bool(re.match(r" *(?:[-*+]|\d+\.) ", line)) or listed and (not line or line.startswith(" "))
        code = line.startswith("    ") and not listed
        if not fenced and not code and not line.lstrip().startswith("|"):
            yield number, line


def check_width():
    folders = [folder for folder in ROOT.iterdir() if folder.is_dir() and folder.name not in ("build", ".git")]
    for path in sorted([*ROOT.glob("*.md"), *(path for folder in folders for path in folder.rglob("*.md"))]):
        for number, line in prose(path.read_text()):
            if len(line) > WIDTH:
                yield f"{path.relative_to(ROOT)}:{number}: {len(line)} columns: wrap it at {WIDTH}"


def check_links():
    for path in documents():
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text()):
            if "://" not in target and not target.startswith("mailto:") and not (path.parent / target).exists():
                yield f"{path.relative_to(ROOT)}: there is no {target}"


def registered_options(build):
    """uWSGI itself lists the options that the plugin has registered."""
    done = subprocess.run([UWSGI, "--plugins-dir", build, "--need-plugin", "admatch", "--help"], capture_output=True, text=True)
    return set(re.findall(r"--(admatch-[a-z-]+)", done.stdout + done.stderr))


def commands_of(build):
    done = subprocess.run([build / "admatch", "--help"], capture_output=True, text=True, check=True)
    return re.findall(r"^  ([a-z]+) +[A-Z]", done.stdout, re.M)


def literals(text):
    """The string literals of C, those that follow each other as one."""
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    for run in re.findall(r'(?:"(?:[^"\\\n]|\\.)*"\s*)+', text):
        yield "".join(re.findall(r'"((?:[^"\\\n]|\\.)*)"', run))


def check_messages(build):
    """Messages name only options and commands that there are. Names of folders stand behind a slash."""
    options, commands = registered_options(build), commands_of(build)
    for path in sorted((ROOT / "plugin").rglob("*.[ch]")):
        for text in literals(path.read_text()):
            for name in re.findall(r"(?<![/\w-])(admatch-[a-z]+(?:-[a-z]+)*)(?![-%\w])", text):
                if name not in options:
                    yield f"{path.relative_to(ROOT)}: a message names the option {name}, which there is not"
            for name in re.findall(r"\badmatch ([a-z]+)(?= (?:[a-z]+ )?(?:--|%s|[A-Z]{2}))", text):
                if name not in commands:
                    yield f"{path.relative_to(ROOT)}: a message names the command admatch {name}, which there is not"


def check_options(build):
    registered = registered_options(build)
    documented = set(re.findall(r"^\| `(admatch-[a-z-]+)` ", (ROOT / "docs" / "OPTIONS.md").read_text(), re.M))
    if not registered:
        yield "uWSGI lists no option of the plugin"
    for name in sorted(registered ^ documented):
        yield f"docs/OPTIONS.md: {name} is {'missing' if name in registered else 'no option of the plugin'}"
    known = registered | documented
    for path in [*documents(), *(ROOT / "configs").rglob("*.ini")]:
        for name in re.findall(r"\b(admatch-(?:inventory|state|refresh|on|test|preview|limit|connection|idle|head|body|write|grace|loop|gzip|cors)[a-z-]*)(?= = )", path.read_text()):
            if name not in known:
                yield f"{path.relative_to(ROOT)}: there is no option {name}"


def check_log_variables():
    text = (ROOT / "plugin" / "uwsgi" / "log_variables.c").read_text()
    written = set(re.findall(r'"(admatch\.\w+)"', text))
    documented = set(re.findall(r"%\((admatch\.\w+)\)", (ROOT / "docs" / "METRICS.md").read_text()))
    for name in sorted(written ^ documented):
        yield f"docs/METRICS.md: log variable {name} is {'missing' if name in written else 'never written'}"


def check_version(build):
    """VERSION is where the version is written; the command, its manual and the changelog follow."""
    version = (ROOT / "VERSION").read_text().strip()
    said = subprocess.run([build / "admatch", "--version"], capture_output=True, text=True).stdout.strip()
    manual = (ROOT / "docs" / "admatch.1").read_text().partition("\n")[0]
    released = re.search(r"^## \[(\d[^]]*)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)
    if said != f"admatch {version}":
        yield f"admatch --version: expected admatch {version}, found {said}"
    if f'"admatch {version}"' not in manual:
        yield f"docs/admatch.1: expected version {version} in the title, found {manual}"
    if not released or released[1] != version:
        yield f"CHANGELOG.md: expected the newest release to be {version}, found {released and released[1]}"


def check_manual(build):
    """The manual has a section for each command, in its order, and in it all options that its --help lists, and no other."""
    manual = (ROOT / "docs" / "admatch.1").read_text().replace("\\-", "-")
    overview = subprocess.run([build / "admatch", "--help"], capture_output=True, text=True).stdout
    commands = re.findall(r"^  ([a-z]+) +[A-Z]", overview, re.M)
    sections = re.findall(r"^\.SS (\w+)\n((?:(?!\.S[SH]).*\n)*)", manual, re.M)
    if not commands or [name for name, _ in sections] != commands:
        yield f"docs/admatch.1: expected the sections {' '.join(commands)}, found {' '.join(name for name, _ in sections)}"
    for name in commands:
        if f".B admatch {name}\n" not in manual.partition(".SH DESCRIPTION")[0]:
            yield f"docs/admatch.1: SYNOPSIS lacks admatch {name}"
    for name, section in sections:
        printed = subprocess.run([build / "admatch", name, "--help"], capture_output=True, text=True).stdout
        listed = set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", printed, re.M)) - {"--help"}
        described = set(re.findall(r"^\.B[A-Z]? .*?(--[a-z-]+)", section, re.M))
        for option in sorted(listed - described):
            yield f"docs/admatch.1: {name} lacks {option}"
        for option in sorted(described - listed - {"--help"}):
            if re.search(rf"^\.TP\n\.B[A-Z]? .*{option}\b", section, re.M):
                yield f"docs/admatch.1: {name} has no option {option}"


def check_leftovers():
    """Marks of texts that were to be filled in, or of a merge."""
    for path in [*documents(), ROOT / "docs" / "admatch.1"]:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(r"@@|^(<<<<<<<|>>>>>>>)", line):
                yield f"{path.relative_to(ROOT)}:{number}: something was left behind: {line.strip()[:60]}"


def check_targets():
    targets = set(re.findall(r"^([a-z][a-z-]*):(?!=)", (ROOT / "Makefile").read_text(), re.M))
    for path in documents():
        for name in re.findall(r"(?:`|^ {4})make ([a-z][a-z-]*)", path.read_text(), re.M):
            if name not in targets:
                yield f"{path.relative_to(ROOT)}: the Makefile has no target {name}"


def check_strict():
    """uWSGI ignores options that it does not know, so what people copy says that it may not."""
    configurations = {path: path.read_text() for path in (ROOT / "configs").rglob("*.ini")}
    configurations[ROOT / "README.md"] = "".join(re.findall(r"^    \[uwsgi\]\n((?:    .*\n)+)", (ROOT / "README.md").read_text(), re.M))
    for path, text in sorted(configurations.items()):
        if not re.search(r"^\s*strict = true$", text, re.M):
            yield f"{path.relative_to(ROOT)}: expected strict = true"


def check_ports():
    """A port is bound by one file of configs/, so that all of them can run at once."""
    owners = {}
    for path in sorted(path for pattern in ("*.ini", "*.conf") for path in (ROOT / "configs").rglob(pattern)):
        text = path.read_text()
        bound = re.findall(r"^\s*(?:[a-z0-9-]*socket|stats|http|listen)[ =]+[\d.]+:(\d+)", text, re.M)
        for port in [*bound, *re.findall(r"\bPORT=(\d+)", text)]:
            if port in owners:
                yield f"{path.relative_to(ROOT)}: port {port} is that of {owners[port].relative_to(ROOT)}"
            owners[port] = path


# ---- printed examples -------------------------------------------------------------------------


def examples(text):
    """The words of the command and the answer, without line breaks, of each block that begins with `$ curl`."""
    for block in re.findall(r"^ {4}\$ (curl .*(?:\n {4}.*)*)", text, re.M):
        lines = [line.strip() for line in block.splitlines()]
        for end in range(1, len(lines) + 1):
            try:
                words = shlex.split("\n".join(lines[:end]))
            except ValueError:  # a quote is open: the command goes on
                continue
            yield words, "".join(lines[end:])
            break


def body_of(words, url):
    """What is posted, or the same request as a body."""
    if "-d" in words:
        return words[words.index("-d") + 1]
    body = {"context": {}}
    for name, value in urllib.parse.parse_qsl(url.query):
        (body if name in ("id", "query", "title", "text", "url") else body["context"])[name] = value
    return json.dumps(body)


def without_generation(answer):
    """The generation depends on the time zones of this machine, which are part of an image."""
    return re.sub(r'"(generation|bidid)":"[0-9a-f]{16}"', r'"\1":""', answer)


def check_examples(build, folder):
    """The command answers as the server does; all examples ask tests/data/example.jsonl."""
    count = 0
    for path in documents():
        for words, printed in examples(path.read_text()):
            url = urllib.parse.urlsplit(next(word for word in words if "://" in word))
            (folder / "request").write_text(body_of(words, url))
            option = "--openrtb" if url.path == "/openrtb2/bid" else "--request"
            done = subprocess.run([build / "admatch", "match", EXAMPLE, option, folder / "request"], capture_output=True, text=True)
            count += 1
            if without_generation(done.stdout.strip()) != without_generation(printed):
                yield f"{path.relative_to(ROOT)}: {url.path} answers otherwise: {done.stdout.strip()}{done.stderr}"
    if not count:
        yield "no document has an example of a request"


# ---- the format -------------------------------------------------------------------------------


def check_format(build, folder):
    """Versions, sections and places of FORMAT.md, against an image and the names in the code."""
    subprocess.run([build / "admatch", "build", EXAMPLE, "-o", folder / "image"], check=True, capture_output=True)
    image = (folder / "image").read_bytes()
    version, words = struct.unpack_from("<II", image, 8)
    count, = struct.unpack_from("<I", image, 56)
    entries = [struct.unpack_from("<HxxIQQ", image, 128 + 24 * i) for i in range(count)]
    names = re.findall(r"^ {4}AM_SECTION_(\w+)(?: = 1)?,", (ROOT / "plugin" / "index" / "format.h").read_text(), re.M)
    first, second = entries[:2]
    wanted = {
        "the format version in the title": f"(.admx), format version {version}\n",
        "the format version": f"| 8 | u32 | format version | {version} |",
        "the word rules version": f"| 12 | u32 | word rules version | {words};",
        "the number of sections": f"and {count} sections,",
        "the section count": f"| 56 | u32 | section count | {count} |",
        "the number of entries": f"\n{count} entries of 24 bytes",
        "the places in the picture": f"0        128              {first[2]}          {first[2] + first[1] * first[3]}     {second[2]}\n",
    }
    text = (ROOT / "docs" / "FORMAT.md").read_text()
    for what, line in wanted.items():
        if line not in text:
            yield f"docs/FORMAT.md: {what}: expected {line.strip()!r}"
    sections = [(int(number), name, int(size)) for number, name, size in re.findall(r"^\| (\d+) \| ([A-Z_]+) \| (\d+) \|", text, re.M)]
    names.remove("OPTIONAL")
    if sections != [(entry[0], name, entry[1]) for entry, name in zip(entries, names)] or len(names) != count:
        yield f"docs/FORMAT.md: sections: expected {', '.join(names)}, of {', '.join(str(entry[1]) for entry in entries)} bytes"


def main():
    build = pathlib.Path(sys.argv[1])
    problems = [*check_width(), *check_links(), *check_options(build), *check_messages(build), *check_log_variables(), *check_version(build), *check_manual(build), *check_leftovers(), *check_targets(), *check_strict(), *check_ports()]
    with tempfile.TemporaryDirectory() as folder:
        problems += [*check_examples(build, pathlib.Path(folder)), *check_format(build, pathlib.Path(folder))]
    print("\n".join(problems) or f"docs: {len(documents())} documents are in order")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
