# SPDX-License-Identifier: Apache-2.0
"""The engine alone: words, phrases, broad keywords, decisions; build, open, bytes."""

import json
import re
import shutil
import subprocess
import time

from common import bar, count, in_turns, median, run, spread


def row_of(what, size, passes, texts):
    nanoseconds = [1e9 * seconds / passes.last["words"] for seconds in passes.seconds]
    return {
        "what": what,
        "keywords": count(size),
        "ns a word": round(median(nanoseconds), 1),
        "us a text": round(1e6 * median(passes.seconds) / texts, 2),
        "MB/s": "",
        "spread %": round(spread(nanoseconds)),
        "found": count(passes.last["matches"]),
    }


def warm_rows(context, size):
    pages, queries = context.plain("pages"), context.plain("queries")
    phrases = context.plain("phrases", size)
    phrase = context.image(context.inventory(phrases, "phrase"))
    broad = context.image(context.inventory(phrases, "broad"))
    stems = context.image(context.inventory(phrases, "broad", "en"))
    jobs = [
        ("words only, pages as they are", "words", phrase, context.raw("pages")),
        ("phrases in pages", "phrase", phrase, pages),
        ("phrases in pages as they are", "phrase", phrase, context.raw("pages")),
        ("broad, queries", "broad", broad, queries),
        ("broad with stems, queries", "broad", stems, queries),
        ("broad, pages", "broad", broad, pages),
        ("decision, phrases, pages", "decide", phrase, pages),
        ("the same with explain", "explain", phrase, pages),
        ("decision, broad with stems, queries", "decide", stems, queries),
        ("the same with explain", "explain", stems, queries),
    ]
    programs = [context.measure(what, image, texts) for _, what, image, texts in jobs]
    in_turns(programs, context.rounds)
    rows = []
    for (label, _, _, texts), program in zip(jobs, programs):
        lines = texts.read_bytes().count(b"\n")
        row = row_of(label, size, program, lines)
        row["MB/s"] = round(texts.stat().st_size / median(program.seconds) / 1e6)
        rows.append(row)
        program.close()
    return rows


def largest_rows(context):
    """More phrases than any list at hand has: most of them recombined from it."""
    phrases = context.plain("phrases", context.largest)
    jobs = [
        ("phrases in pages", "phrase", context.inventory(phrases, "phrase"), context.plain("pages")),
        ("broad, queries", "broad", context.inventory(phrases, "broad"), context.plain("queries")),
        ("decision, phrases, pages", "decide", context.inventory(phrases, "phrase"), context.plain("pages")),
    ]
    rows = []
    for label, what, inventory, texts in jobs:
        program = context.measure(what, context.image(inventory), texts)
        in_turns([program], context.rounds)
        row = row_of(label, context.largest, program, texts.read_bytes().count(b"\n"))
        row["MB/s"] = round(texts.stat().st_size / median(program.seconds) / 1e6)
        rows.append(row)
        program.close()
    return rows


def cold_rows(context, size):
    phrases = context.plain("phrases", size)
    jobs = [
        ("phrases in a page, cold caches", "phrase", context.inventory(phrases, "phrase"), context.plain("pages")),
        ("broad, a query, cold caches", "broad", context.inventory(phrases, "broad"), context.plain("queries")),
    ]
    rows = []
    for label, what, inventory, texts in jobs:
        program = context.measure(what, context.image(inventory), texts, "cold")
        in_turns([program], 3)
        rows.append(row_of(label, size, program, min(100, texts.read_bytes().count(b"\n"))))
        program.close()
    return rows


def build_row(context, size):
    inventory = context.inventory(context.plain("phrases", size), "phrase")
    image = context.work / "built.admx"
    seconds = []
    for _ in range(1 if size == context.largest else min(3, context.rounds)):
        began = time.monotonic()
        run("taskset", "-c", "0", context.admatch, "build", inventory, "-o", image, stdout=subprocess.DEVNULL)
        seconds.append(time.monotonic() - began)
    opened = context.measure("open", image, "-")
    in_turns([opened], context.rounds)
    opened.close()
    info = context.info(image)
    image.unlink()
    return {
        "keywords": count(size),
        "build, ads/s on one core": count(round(info["ads"] / median(seconds))),
        "build s": round(median(seconds), 2),
        "open ms": round(1e3 * median(opened.seconds), 1),
        "index bytes a keyword": info["index bytes/keyword"],
        "image bytes an ad": round(info["bytes"] / info["ads"]),
        "build spread %": round(spread(seconds)),
    }


def stage_rows(context, size):
    """Where the time of a build goes, by stage."""
    inventory = context.inventory(context.plain("phrases", size), "phrase")
    image = context.work / "built.admx"
    runs = []
    for _ in range(min(3, context.rounds)):
        done = run("taskset", "-c", "0", context.engine(), "build", inventory, image, stdout=subprocess.PIPE, text=True)
        runs.append(json.loads(done.stdout))
    image.unlink()
    labels = {"load": "reading and checking JSON Lines", "build": "building the index in memory", "verify": "verifying the image",
              "write": "writing it, fsync included"}
    seconds = {stage: median([stages[stage] for stages in runs]) for stage in labels}
    return [{"stage": label, "s": round(seconds[stage], 2), "%": round(100 * seconds[stage] / sum(seconds.values()))} for stage, label in labels.items()]


def function_rows(context, size):
    """The functions that a build spends most time in, as perf samples them. Nothing where perf is missing or may not."""
    if not shutil.which("perf"):
        return []
    inventory = context.inventory(context.plain("phrases", size), "phrase")
    image, samples = context.work / "built.admx", context.work / "build.perf"
    recorded = subprocess.run(["perf", "record", "-q", "-e", "cpu-clock", "-F", "999", "-o", samples, "taskset", "-c", "0", context.admatch,
                               "build", inventory, "-o", image], capture_output=True)
    report = subprocess.run(["perf", "report", "-q", "-i", samples, "--no-children", "--sort", "symbol"], capture_output=True, text=True)
    image.unlink(missing_ok=True)
    samples.unlink(missing_ok=True)
    if recorded.returncode or report.returncode:
        return []
    found = re.findall(r"^\s+([\d.]+)%\s+\[([.k])\] (\S+)", report.stdout, re.M)
    return [{"function": f"`{name}`" + (" (kernel)" if place == "k" else ""), "%": float(share)} for share, place, name in found[:12]]


def build_profile(context, size):
    tables = [{"title": f"Where a build of {count(size)} ads spends its time", "rows": stage_rows(context, size)}]
    functions = [] if context.quick else function_rows(context, size)
    if functions:
        tables.append({"title": "The same by function (perf)", "rows": functions})
    return tables


def find(rows, what, size):
    return next(row for row in rows if row["what"] == what and row["keywords"] == count(size))


def bars_of(context, rows, builds):
    small, large = context.sizes[-2:]
    phrase, cold = find(rows, "phrases in pages", large), find(rows, "phrases in a page, cold caches", large)
    return [
        bar("phrases in pages, time a word at 1,000,000 over 100,000 (at most 2)",
            phrase["ns a word"] / find(rows, "phrases in pages", small)["ns a word"], 2, "lower"),
        bar("one page with cold caches at 1,000,000 phrases, us (under 80)", cold["us a text"], 80, "lower"),
        bar("bytes a phrase for the keyword index at 1,000,000 (at most 48)", builds[-1]["index bytes a keyword"], 48, "lower"),
        bar("build from JSON Lines, ads/s on one core (300,000 or more)",
            float(builds[-1]["build, ads/s on one core"].replace(",", "")), 300_000),
        bar("opening an image of 1,000,000 ads, ms (under 100)", builds[-1]["open ms"], 100, "lower"),
    ]


def instructions(context):
    """Instructions a word by callgrind, from the difference of two runs, so that loading is not counted."""
    phrases = context.image(context.inventory(context.plain("phrases", context.sizes[0]), "phrase"))
    pages = context.file("plain-pages-20.txt", lambda: context.plain("pages").read_text().splitlines()[:20])
    counts = []
    for passes in (1, 3):
        done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(context.engine()), "phrase",
                               str(phrases), str(pages)], input="pass\n" * passes, capture_output=True, text=True)
        collected = [line for line in done.stderr.splitlines() if "Collected" in line]
        if done.returncode or not collected:
            return "instructions: valgrind is not there"
        counts.append(int(collected[0].rpartition(":")[2]))
    words = sum(len(line.split()) for line in pages.read_text().splitlines())
    return (f"{(counts[1] - counts[0]) / 2 / words:.0f} instructions a word for phrases in pages at {count(context.sizes[0])} "
            "(callgrind; valgrind knows no AVX-512, so AVX2)")


def measure(context):
    rows = [row for size in context.sizes for row in warm_rows(context, size)]
    rows += largest_rows(context)
    rows += [row for size in context.sizes[-2:] for row in cold_rows(context, size)]
    builds = [build_row(context, size) for size in context.sizes]
    bars = [] if context.quick else bars_of(context, rows, builds)
    builds.append(build_row(context, context.largest))
    return {
        "title": "The engine",
        "rows": rows,
        "more": [{"title": "Building and opening", "rows": builds}, *build_profile(context, context.sizes[-1])],
        "notes": [f"{count(context.largest)} keywords are those of the largest list, and the first words of one with the last words of another.",
                  "\"pages\" and \"queries\" are lower-case ASCII words with single spaces, as the peers get them; \"as they are\" has case, punctuation and Unicode.",
                  "A time includes splitting, looking up and the places of all words.", instructions(context)],
        "bars": bars,
    }
