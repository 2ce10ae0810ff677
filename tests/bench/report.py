# SPDX-License-Identifier: Apache-2.0
"""results.json to docs/BENCHMARKS.md and its plots; three of its sections are written by hand.

A section is a dict: title, rows (dicts; the keys are columns), notes, and if it has them: more (tables
of title and rows), bars (what was to be reached; common.bar makes them), plots (dicts of name, title,
unit, and bars: pairs of label and value).
"""

import html
import json
import math
import pathlib
import re
import sys
import textwrap

COLUMNS = 100  # of text; tables are as wide as they are


def wrapped(text, indent=""):
    return textwrap.fill(text, COLUMNS, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def table(rows):
    columns = list(rows[0])
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(str(row.get(column, "")) for column in columns) + " |" for row in rows]
    return "\n".join(lines)


def number(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:g}"


def bars_table(sections):
    rows = [
        {
            "to be reached": bar["bar"],
            "measured": number(bar["measured"]),
            "limit": ("at least " if bar["better"] == "higher" else "at most ") + number(bar["limit"]),
            "": "met" if bar["met"] else "**missed**",
        }
        for section in sections.values()
        for bar in section.get("bars", [])
    ]
    return table(rows) if rows else ""


# ---- plots

WIDTH, LABELS, ROW, TOP = 760, 300, 26, 48
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#222}.t{font-weight:600;font-size:15px}.g{stroke:#ddd}.v{fill:#555}"
    ".b{fill:#9aa7b8}.o{fill:#c2410c}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.v{fill:#aaa}.g{stroke:#444}}"
)


def plot(title, unit, bars):
    """Horizontal bars on a logarithmic scale; ours in colour."""
    low = 10 ** math.floor(math.log10(min(value for _, value in bars)))
    high = 10 ** math.ceil(math.log10(max(value for _, value in bars) * 1.01))
    room = WIDTH - LABELS - 90

    def x(value):
        return LABELS + room * math.log(value / low * 1.0) / math.log(high / low)

    height = TOP + ROW * len(bars) + 30
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"><style>{STYLE}</style>',
           f'<text class="t" x="8" y="22">{html.escape(title)}</text>']
    tick = low
    while tick <= high:
        out.append(f'<line class="g" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{TOP - 8}" y2="{height - 26}"/>')
        out.append(f'<text class="v" text-anchor="middle" x="{x(tick):.1f}" y="{height - 8}">{tick:g}</text>')
        tick *= 10
    for index, (label, value) in enumerate(bars):
        y = TOP + ROW * index
        ours = "o" if label.startswith("admatch") else "b"
        out.append(f'<text text-anchor="end" x="{LABELS - 8}" y="{y + 13}">{html.escape(label)}</text>')
        out.append(f'<rect class="{ours}" x="{LABELS}" y="{y}" width="{max(2, x(value) - LABELS):.1f}" height="17" rx="2"/>')
        out.append(f'<text class="v" x="{max(2, x(value) - LABELS) + LABELS + 6:.1f}" y="{y + 13}">{number(round(value, 1))}</text>')
    out.append(f'<text class="v" text-anchor="end" x="{WIDTH - 8}" y="22">{html.escape(unit)}, logarithmic</text></svg>')
    return "\n".join(out) + "\n"


# ---- the page


def section_text(section, folder):
    parts = [f"## {section['title']}"]
    for drawing in section.get("plots", []):
        folder.mkdir(exist_ok=True)
        (folder / f"{drawing['name']}.svg").write_text(plot(drawing["title"], drawing["unit"], drawing["bars"]))
        parts.append(f"![{drawing['title']}](benchmarks/{drawing['name']}.svg)")
    if section["rows"]:
        parts.append(table(section["rows"]))
    for more in section.get("more", []):
        parts += [f"### {more['title']}", table(more["rows"])]
    parts += [wrapped(f"- {note}", "  ") for note in section["notes"]]
    return "\n\n".join(parts).replace("\n\n- ", "\n- ").replace("|\n- ", "|\n\n- ")


def written_by_hand(path):
    """The sections of the page that are not made here: they stay as they are."""
    text = path.read_text()
    titles = ("Comparing two commits", "What each idea gained", "The slowest request")
    return "\n\n".join(re.search(rf"^## {title}\n.*?(?=\n^## )", text, re.M | re.S)[0].rstrip() for title in titles)


def write(results, docs):
    path = docs / "BENCHMARKS.md"
    machine = "; ".join(f"{name}: {value}" for name, value in results["machine"].items())
    sections = results["sections"]
    parts = [
        "# Benchmarks",
        wrapped("Made by `make bench` (tests/bench/report.py writes this page). Programs that are compared make their passes in turns, so that all meet the same "
                "neighbours on the machine; figures are medians, \"spread\" is the distance of the best and the worst round in percent of the median. "
                "Trust ratios rather than absolute times."),
        wrapped(f"Data: {results['data']}. Machine: {machine}."),
        "## What was to be reached",
        bars_table(sections),
        written_by_hand(path),
    ]
    parts += [section_text(section, docs / "benchmarks") for section in sections.values()]
    path.write_text("\n\n".join(part for part in parts if part) + "\n")
    return path


if __name__ == "__main__":
    print(write(json.loads(pathlib.Path(sys.argv[1]).read_text()), pathlib.Path(sys.argv[2])))
