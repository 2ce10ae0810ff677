# SPDX-License-Identifier: Apache-2.0
"""One of the two commits that are compared: its source, its programs, its images. The commits may differ in anything inside, so
each side is asked only for what every commit has: `make all`, the command's `build` and `match`, the plugin's options, and its
own tests/bench/common.py for its own build of the engine's driver."""

import filecmp
import hashlib
import os
import subprocess
import sys

from common import ROOT, run

FOLDER = ROOT / "build" / "pair"
FLAGS = ("CC", "CPPFLAGS", "CFLAGS", "LDFLAGS")
# `make` that runs this speaks with its own makes by these.
OF_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")
DRIVER = "import pathlib, sys; sys.path.insert(0, 'tests/bench'); import common; " \
         "print(common.Context(pathlib.Path('build/release').resolve(), False, 1).engine())"


def output_of(what, *command, **more):
    """What the command prints; when it fails, its complaint ends the comparison."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)
    if done.returncode:
        raise SystemExit(f"bench-pair: {what}:\n{done.stderr.strip()}")
    return done.stdout.strip()


def git(*words):
    return output_of("git " + " ".join(words), "git", *words, cwd=ROOT)


class Side:
    """A commit, or without one the work tree: HEAD with what was changed in the files that git knows."""

    def __init__(self, revision=None):
        changed = "" if revision else git("stash", "create")
        self.commit = changed or git("rev-parse", "--verify", (revision or "HEAD") + "^{commit}")
        self.title = git("log", "-1", "--format=%h %s", revision or "HEAD") + (", with changes" if changed else "")
        flags = [f"{flag}={os.environ[flag]}" for flag in FLAGS if os.environ.get(flag)]
        other = "-" + hashlib.sha256(" ".join(flags).encode()).hexdigest()[:8] if flags else ""
        self.root = FOLDER / (self.commit[:12] + other)
        self.build_folder = self.root / "build" / "release"
        self.admatch = self.build_folder / "admatch"

    def build(self):
        """Unpacks and builds it once; a folder of a commit does not change."""
        if not (self.root / "Makefile").exists():
            self.root.mkdir(parents=True, exist_ok=True)
            source = subprocess.run(["git", "archive", self.commit], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
            run("tar", "-x", cwd=self.root, input=source)
        environment = {name: value for name, value in os.environ.items() if name not in OF_MAKE}
        make = ("make", f"-j{os.cpu_count()}", "BUILD=build/release", "all")
        output_of(f"{self.title} does not build", *make, cwd=self.root, env=environment)

    def engine(self):
        """This side's tests/bench/engine.c, built as this side builds it."""
        return output_of(f"{self.title} has no driver of the engine", sys.executable, "-c", DRIVER, cwd=self.root).splitlines()[-1]

    def image(self, inventory):
        path = self.root / "build" / (inventory.stem + ".admx")
        if not path.exists() or path.stat().st_mtime < inventory.stat().st_mtime:
            run(self.admatch, "build", inventory, "-o", path, stdout=subprocess.DEVNULL)
        return path


def images_of(sides, inventory):
    """Each side's image. Where they are the same bytes it is one file, so that both map the same pages."""
    base, new = (side.image(inventory) for side in sides)
    return [base, base] if filecmp.cmp(base, new, shallow=False) else [base, new]
