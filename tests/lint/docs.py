"""What the documents say, against the program: options and their texts, links between documents, commands of the manual.
Usage: docs.py BUILD_FOLDER"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
UWSGI = next((path for path in ("/usr/bin/uwsgi-core", "/usr/bin/uwsgi") if pathlib.Path(path).exists()), "uwsgi")


def documents():
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def check_links():
    for path in documents():
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text()):
            if "://" not in target and not target.startswith("mailto:") and not (path.parent / target).exists():
                yield f"{path.relative_to(ROOT)}: there is no {target}"


def check_options(build):
    """uWSGI itself lists the options that the plugin has registered."""
    done = subprocess.run([UWSGI, "--plugins-dir", build, "--need-plugin", "admatch", "--help"], capture_output=True, text=True)
    registered = set(re.findall(r"--(admatch-[a-z-]+)", done.stdout + done.stderr))
    documented = set(re.findall(r"^\| `(admatch-[a-z-]+)` ", (ROOT / "docs" / "OPTIONS.md").read_text(), re.M))
    if not registered:
        yield "uWSGI lists no option of the plugin"
    for name in sorted(registered ^ documented):
        yield f"docs/OPTIONS.md: {name} is {'missing' if name in registered else 'no option of the plugin'}"
    known = registered | documented
    for path in [*documents(), *(ROOT / "configs").rglob("*.ini")]:
        for name in re.findall(r"\b(admatch-(?:inventory|state|refresh|on|test|preview|limit)[a-z-]*)(?= = )", path.read_text()):
            if name not in known:
                yield f"{path.relative_to(ROOT)}: there is no option {name}"


def check_log_variables():
    text = (ROOT / "plugin" / "uwsgi" / "log_variables.c").read_text()
    written = set(re.findall(r'"(admatch\.\w+)"', text))
    documented = set(re.findall(r"%\((admatch\.\w+)\)", (ROOT / "docs" / "METRICS.md").read_text()))
    for name in sorted(written ^ documented):
        yield f"docs/METRICS.md: log variable {name} is {'missing' if name in written else 'never written'}"


def main():
    problems = [*check_links(), *check_options(sys.argv[1]), *check_log_variables()]
    print("\n".join(problems) or f"docs: {len(documents())} documents are in order")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
