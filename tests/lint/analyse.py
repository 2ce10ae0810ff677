# SPDX-License-Identifier: Apache-2.0
"""Three analysers over all C: clang-tidy (.clang-tidy), cppcheck (cppcheck.txt) and gcc -fanalyzer -Wconversion. Fails upon any finding that
explained.txt does not explain, and upon any line of it that explains nothing.
Usage: analyse.py COMPILER_FLAG..."""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINT = pathlib.Path("tests/lint")
EXPLAINED = LINT / "explained.txt"
# gcc does not know that an assertion of cmocka ends a test, so it goes over the plugin and the command alone.
PRODUCT = sorted(ROOT.glob("plugin/**/*.c"))
TESTS = sorted(ROOT.glob("tests/*/*.c"))
FINDING = re.compile(r"^(\S+?):(\d+)(?::\d+)?: (?:warning|error|style|performance|portability): (.*) \[([^\]]+)\]$", re.M)
EXPLANATION = re.compile(r"^(clang-tidy|cppcheck|gcc) (\S+) (\S+) `(.*)`: (.+)$")


class Finding:
    def __init__(self, tool, path, line, message, check):
        self.tool, self.message, self.check = tool, message, check
        self.path = os.path.relpath(os.path.normpath(ROOT / path), ROOT)
        self.line = int(line)
        lines = (ROOT / self.path).read_text().splitlines()
        self.source = lines[self.line - 1] if self.line <= len(lines) else ""

    def __str__(self):
        return f"{self.path}:{self.line}: {self.tool} {self.check}: {self.message}\n    {self.source.strip()}"


class Explanation:
    def __init__(self, place, tool, check, path, text):
        self.place, self.tool, self.check, self.path, self.text = place, tool, check, path, text
        self.used = False

    def covers(self, finding):
        return (self.tool, self.check, self.path) == (finding.tool, finding.check, finding.path) and (
            self.text in finding.source or self.text in finding.message)


def read_explanations():
    for number, line in enumerate((ROOT / EXPLAINED).read_text().splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        fields = EXPLANATION.match(line)
        if not fields:
            sys.exit(f"{EXPLAINED}:{number}: expected TOOL CHECK FILE `TEXT`: REASON")
        yield Explanation(f"{EXPLAINED}:{number}", *fields.groups()[:4])


def run(tool, command):
    """The findings of one run. An analyser that says nothing and fails has not analysed."""
    done = subprocess.run([str(word) for word in command], cwd=ROOT, capture_output=True, text=True, errors="replace")
    output = done.stdout + done.stderr
    found = [Finding(tool, *fields) for fields in FINDING.findall(output)]
    if done.returncode and not found:
        sys.exit(f"{tool} failed ({done.returncode}):\n{output}")
    return found


def commands(flags):
    """The slow ones first."""
    flags = [*flags, "-Itests/unit"]
    for path in PRODUCT + TESTS:
        yield "clang-tidy", ["clang-tidy", "--quiet", path, "--", *flags]
    for path in PRODUCT:
        yield "gcc", ["gcc", "-fanalyzer", "-Wconversion", "-Wsign-conversion", *flags, "-c", path, "-o", "/dev/null"]
    yield "cppcheck", ["cppcheck", "--quiet", "--std=c11", "--enable=warning,style,performance,portability", "--error-exitcode=1",
                       f"--suppressions-list={LINT / 'cppcheck.txt'}", "--template={file}:{line}: {severity}: {message} [{id}]",
                       "-D_GNU_SOURCE", "-Itests/unit", *PRODUCT, *TESTS]


def gcc_check(name):
    """"-Wanalyzer-null-dereference", of either form in which gcc writes it."""
    return name.removeprefix("-Wanalyzer-")


def main():
    began = time.monotonic()
    explanations = list(read_explanations())
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = list(pool.map(lambda pair: run(*pair), commands(sys.argv[1:])))
    findings = {str(finding): finding for found in runs for finding in found}  # a header's finding comes with each file
    unexplained = []
    for finding in findings.values():
        finding.check = gcc_check(finding.check)
        covering = [explanation for explanation in explanations if explanation.covers(finding)]
        for explanation in covering:
            explanation.used = True
        if not covering:
            unexplained.append(str(finding))
    unused = [f"{explanation.place}: explains nothing: no such finding" for explanation in explanations if not explanation.used]
    print("\n".join([*sorted(unexplained), *unused]) or
          f"analysed: {len(PRODUCT) + len(TESTS)} files, {len(findings)} findings, each explained, {time.monotonic() - began:.0f} s")
    return 1 if unexplained or unused else 0


if __name__ == "__main__":
    sys.exit(main())
