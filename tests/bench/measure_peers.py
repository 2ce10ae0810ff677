# SPDX-License-Identifier: Apache-2.0
"""Others on the same work: phrases in pages, and broad keywords of queries.

Every program gets the same words, lower-case ASCII with single spaces, and must find the same number of
matches. admatch makes a pass before and after each peer's, and the peer's ratio is to their mean.
"""

import shutil
import subprocess

from common import HERE, Passes, bar, count, median, run, spread

PEERS = HERE / "peers"
CARGO = "/usr/share/cargo/registry"


class Missing(Exception):
    """Why a peer cannot be measured here."""


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Missing(f"{program} is not installed")


def compiled(context, name, *libraries):
    need("g++")
    path = context.work / name
    done = subprocess.run(["g++", "-O2", "-o", path, PEERS / f"{name}.cpp", *libraries], capture_output=True, text=True)
    if done.returncode:
        raise Missing(done.stderr.partition("\n")[0])
    return path


def rust(context):
    need("rustc")
    crates = [("memchr", "memchr-2.5.0", ["--cfg=memchr_runtime_simd", "--cfg=memchr_runtime_sse2", "--cfg=memchr_runtime_sse42",
                                          "--cfg=memchr_runtime_avx"]),
              ("aho_corasick", "aho-corasick-0.7.19", [f"--extern=memchr={context.work}/libmemchr.rlib"])]
    for crate, folder, more in crates:
        command = ["rustc", "--edition=2018", "-O", "--crate-type=rlib", f"--crate-name={crate}", '--cfg=feature="std"',
                   "--cap-lints=allow", *more, f"{CARGO}/{folder}/src/lib.rs", "-o", f"{context.work}/lib{crate}.rlib"]
        if subprocess.run(command, capture_output=True).returncode:
            raise Missing(f"{folder} is not in {CARGO}")
    path = context.work / "aho_corasick"
    run("rustc", "--edition=2021", "-O", "-o", path, PEERS / "aho_corasick.rs", "-L", context.work,
        f"--extern=aho_corasick={context.work}/libaho_corasick.rlib")
    return path


def java(context, what):
    need("java", "javac")
    run("javac", "-d", context.work, PEERS / "WordTries.java")
    return ["java", "-Xmx6g", "-Xss64m", "-XX:+UseSerialGC", "-cp", context.work, "WordTries", what]


def python(program, what):
    need(program)
    return [program, PEERS / "word_tries.py", what]


def phrase_peers(context, size):
    """Name, and what gives the command without its two files; fastest first."""
    return {
        "darts, search from each word": lambda: [compiled(context, "darts")],
        "marisa-trie, search from each word": lambda: [compiled(context, "marisa", "-lmarisa")],
        "Hyperscan, literals": lambda: [compiled(context, "hyperscan", "-lhs")],
        "Rust aho-corasick": lambda: [rust(context)],
        "Java, HashMap word trie": lambda: java(context, "phrase"),
        "Python, dict word trie (CPython)": lambda: python("/usr/bin/python3", "phrase"),
        "Python, dict word trie (PyPy)": lambda: python("pypy3", "phrase"),
    }


def broad_peers(context, size):
    return {
        "Java, HashMap set trie": lambda: java(context, "broad"),
        "Python, dict set trie (CPython)": lambda: python("/usr/bin/python3", "broad"),
        "Python, dict set trie (PyPy)": lambda: python("pypy3", "broad"),
    }


def start_peers(context, peers, phrases, texts, notes):
    started = {}
    for name, command in peers.items():
        try:
            extra = [context.work / f"hyperscan-{phrases.stem}.db"] if "Hyperscan" in name else []
            started[name] = Passes([*command(), phrases, texts, *extra])
        except (Missing, SystemExit) as reason:
            notes.append(f"{name}: left out at {phrases.name}: {reason}")
            print(f"   left out: {name}: {reason}", flush=True)
    return started


def in_brackets(ours, peers, rounds):
    """Each peer's pass between two of ours; the ratios by peer."""
    ratios = {name: [] for name in peers}
    for program in (ours, *peers.values()):
        program.make_pass()
        program.results.clear()
    for _ in range(rounds):
        before = ours.make_pass()["seconds"]
        for name, peer in peers.items():
            theirs = peer.make_pass()["seconds"]
            after = ours.make_pass()["seconds"]
            ratios[name].append(2 * theirs / (before + after))
            before = after
    return ratios


def section_rows(context, size, match, what, peers, texts, unit, notes):
    phrases = context.plain("phrases", size)
    image = context.image(context.inventory(phrases, match))
    ours = context.measure(what, image, texts)
    started = start_peers(context, peers(context, size), phrases, texts, notes)
    ratios = in_brackets(ours, started, context.rounds)
    lines = texts.read_bytes().count(b"\n")
    keywords = phrases.read_bytes().count(b"\n")
    rows = []
    for name, program in [("admatch", ours), *started.items()]:
        per = ours.last["words"] if unit == "ns a word" else lines
        times = [1e9 * seconds / per for seconds in program.seconds]
        kilobytes = context.info(image)["index bytes"] / 1024 if program is ours else program.ready["resident_kb"]
        rows.append({
            "engine": name,
            "keywords": count(keywords),
            unit: round(median(times), 1),
            "times admatch's": "1" if program is ours else round(median(ratios[name]), 1),
            "spread %": round(spread(times)),
            "bytes a keyword": round(1024 * kilobytes / keywords),
            "build s": "" if program is ours else round(program.ready["build_seconds"], 2),
            "matches": count(program.last["matches"]),
        })
        if program.last["matches"] != ours.last["matches"]:
            notes.append(f"{name} finds {program.last['matches']:,} matches where admatch finds {ours.last['matches']:,}")
        program.close()
    return rows


def drawing(name, title, rows, column):
    return {"name": name, "title": title, "unit": column, "bars": [(row["engine"], row[column]) for row in rows if row[column]]}


def ratio_of(rows, *names):
    return min([row["times admatch's"] for row in rows if any(name in row["engine"] for name in names)], default=None)


def bars_of(phrases, queries):
    wanted = [
        ("phrases in pages at 1,000,000, times the fastest peer (8)", ratio_of(phrases, "darts", "marisa", "Hyperscan", "Rust", "Java", "Python"), 8),
        ("times Hyperscan (12)", ratio_of(phrases, "Hyperscan"), 12),
        ("times Rust's aho-corasick (12)", ratio_of(phrases, "Rust"), 12),
        ("times the Java trie (12)", ratio_of(phrases, "Java"), 12),
        ("times CPython's (30)", ratio_of(phrases, "Python, dict word trie (CPython)"), 30),
        ("times PyPy's (30)", ratio_of(phrases, "Python, dict word trie (PyPy)"), 30),
        ("broad, queries at 1,000,000, times the Java set trie (6)", ratio_of(queries, "Java"), 6),
    ]
    return [bar(text, measured, limit) for text, measured, limit in wanted if measured is not None]


def measure(context):
    notes = ["bytes a keyword: admatch: vocabulary, trie and postings; Hyperscan, marisa, darts, aho-corasick: what the library says of itself; Java: heap in use after "
             "a collection; Python: growth of resident memory."]
    pages, queries = context.plain("pages"), context.plain("queries")
    phrase_rows, query_rows = [], []
    for size in context.sizes[-2:]:
        phrase_rows.append(section_rows(context, size, "phrase", "phrase", phrase_peers, pages, "ns a word", notes))
        query_rows.append(section_rows(context, size, "broad", "broad", broad_peers, queries, "ns a query", notes))
    return {
        "title": "Others on the same work",
        "rows": [row for rows in phrase_rows for row in rows],
        "more": [{"title": "Broad keywords of queries", "rows": [row for rows in query_rows for row in rows]}],
        "notes": notes,
        "bars": [] if context.quick else bars_of(phrase_rows[-1], query_rows[-1]),
        "plots": [
            drawing("phrases", "Phrases in pages", phrase_rows[-1], "ns a word"),
            drawing("broad", "Broad keywords of queries", query_rows[-1], "ns a query"),
            drawing("bytes", "Memory for the keywords", phrase_rows[-1], "bytes a keyword"),
        ],
    }
