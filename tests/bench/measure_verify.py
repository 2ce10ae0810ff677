# SPDX-License-Identifier: Apache-2.0
"""The deep check of images: hostile ones of 100 MB, and real ones; seconds and memory."""

import json

from common import HERE, LIBRARIES, bar, count, median, run, spread

HOSTILE_BYTES = 100_000_000


def program(context):
    path = context.work / "verify"
    run("gcc", "-std=gnu11", "-O2", "-g", "-D_GNU_SOURCE", "-DXXH_INLINE_ALL", "-o", path, HERE / "verify.c", context.build / "libadmatch.a",
        *LIBRARIES)
    return path


def passes(context, images):
    """The lines of each round, image by image."""
    size = HOSTILE_BYTES // 50 if context.quick else HOSTILE_BYTES
    rounds = []
    for _ in range(1 if context.quick else 3):
        done = run(program(context), size, *images.values(), capture_output=True, text=True)
        rounds.append([json.loads(line) for line in done.stdout.splitlines()])
    return list(zip(*rounds))


def measure(context):
    images = {}
    for size in context.sizes:
        phrases = context.plain("phrases", size)
        images[f"{count(size)} phrases"] = context.image(context.inventory(phrases, "phrase"))
        images[f"{count(size)} broad keywords with stems"] = context.image(context.inventory(phrases, "broad", "en"))
    names = {str(path): name for name, path in images.items()}
    rows, worst = [], 0
    for lines in passes(context, images):
        first = lines[0]
        seconds = [line["seconds"] for line in lines]
        scaled = median(seconds) * 1e8 / first["bytes"]
        worst = max(worst, scaled)
        rows.append({
            "image": names.get(first["image"], first["image"]),
            "MB": round(first["bytes"] / 1e6, 1),
            "verify ms": round(1e3 * median(seconds), 1),
            "ms for 100 MB": round(1e3 * scaled),
            "memory, % of the image": round(100 * first["memory"] / first["bytes"]),
            "spread %": round(spread(seconds)) if min(seconds) else "",
            "refused": first["refused"].removeprefix("corrupt image: "),
        })
    return {
        "title": "The deep check",
        "rows": rows,
        "notes": ["What `admatch verify` and every publication do with an image: processor time of the check alone, after the image has been opened.",
                  "Hostile images are those of tests/images/hostile.h; what breaks no rule is as slow to check as we could make it.",
                  "Memory is the growth of resident memory at its peak."],
        "bars": [] if context.quick else [bar("verifying 100 MB of any content, s (under 1)", worst, 1, "lower")],
    }
