# SPDX-License-Identifier: Apache-2.0
"""The headers that a program outside includes, compiled as C++, each alone: their names must be no words of C++, and each must
include what it needs. Usage: headers.py"""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PUBLIC = ("plugin/include/admatch.h", "plugin/match/match.h", "plugin/index/image.h", "plugin/api/api.h")
# `= {0}` is how C clears a structure; g++ -Wextra asks for each member.
FLAGS = ("-fsyntax-only", "-std=c++17", "-Wall", "-Wextra", "-Wno-missing-field-initializers", "-Werror", "-x", "c++", "-D_GNU_SOURCE", "-DXXH_INLINE_ALL")


def compile_header(path):
    """What the compiler says of a program that includes this header only."""
    done = subprocess.run(["g++", *FLAGS, "-"], input=f'extern "C" {{\n#include "{path}"\n}}\n', capture_output=True, text=True, cwd=ROOT)
    return done.stderr if done.returncode else ""


def main():
    problems = [problem for path in PUBLIC if (problem := compile_header(path))]
    print("\n".join(problems) or f"headers: {len(PUBLIC)} headers compile as C++")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
