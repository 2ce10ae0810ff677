# SPDX-License-Identifier: Apache-2.0
"""Each source file names its licence in its first lines. Usage: spdx.py [--write], which adds the line where it is missing."""

import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINE = "SPDX-License-Identifier: Apache-2.0"
FORMS = {
    "/* {} */": (".c", ".h", ".cpp", ".rs", ".java"),
    "# {}": (".py", ".sh", "Makefile", "run", "rules"),
    "-- {}": (".lua",),
    "// {}": (".php",),
}
PASSED_OVER = {"build", ".git", ".uwsgi_plugins_builder", "corpus"}
HEAD = 3  # lines, of which the first may be needed by whoever starts the file


def form_of(path):
    return next((form for form, names in FORMS.items() if path.suffix in names or path.name in names), None)


def sources():
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(set(folders) - PASSED_OVER)
        for path in (pathlib.Path(folder, name) for name in sorted(names)):
            if form_of(path):
                yield path


def lacks(path):
    return not any(LINE in line for line in path.read_text().splitlines()[:HEAD])


def write(path):
    lines = path.read_text().splitlines(keepends=True)
    lines.insert(1 if lines[:1] and lines[0].startswith(("#!", "<?php")) else 0, form_of(path).format(LINE) + "\n")
    path.write_text("".join(lines))


def main():
    missing = [path for path in sources() if lacks(path)]
    if sys.argv[1:] == ["--write"]:
        for path in missing:
            write(path)
        missing = []
    print("\n".join(f"{path.relative_to(ROOT)}: expected {LINE} in the first lines" for path in missing)
          or f"spdx: {len(list(sources()))} files name their licence")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
