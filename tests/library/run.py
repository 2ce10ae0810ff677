# SPDX-License-Identifier: Apache-2.0
"""libadmatch as `make install-lib` installs it, in a folder of its own: what pkg-config says of it, its soname, its manual, and the
programs of docs/examples/, in C, as C++, and by cffi in each interpreter of Python that is here. Usage: run.py BUILD_FOLDER"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"
INVENTORY = ROOT / "tests" / "data" / "example.jsonl"
HEADER = (ROOT / "plugin" / "include" / "admatch.h").read_text()
ABI = re.search(r"#define ADMATCH_ABI (\d+)", HEADER)[1]
NEWER = {"id": "newer", "advertiser": "n", "bid": 1, "keywords": ["trail running shoes"]}
STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Werror")


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **options)
    if done.returncode:
        raise AssertionError(f"{' '.join(map(str, words))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


class LibraryTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="admatch-library-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.root = cls.folder / "root"
        run("make", "-s", "install-lib", f"DESTDIR={cls.root}", "PREFIX=/usr", f"BUILD={BUILD}", cwd=ROOT,
            env={name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")})
        cls.lib = cls.root / "usr" / "lib"
        cls.newer = cls.folder / "newer.jsonl"
        cls.newer.write_text(json.dumps(NEWER) + "\n")

    def flags(self, *wanted):
        """What pkg-config says, for the folder that stands in for the root."""
        return run("pkg-config", *wanted, "admatch", env=dict(
            os.environ, PKG_CONFIG_SYSROOT_DIR=str(self.root), PKG_CONFIG_PATH=str(self.lib / "pkgconfig"))).split()

    def check_answers(self, printed):
        """The first answer is that of the command, the second of the newer inventory."""
        first, second = printed.splitlines()
        wanted = run(BUILD / "admatch", "match", INVENTORY, "--query", "trail running shoes", "--json")
        self.assertEqual(first, "200 " + wanted.strip())
        self.assertIn('"ad":"newer"', second)

    def environment(self):
        return dict(os.environ, LD_LIBRARY_PATH=str(self.lib))

    def compile_and_run(self, compiler, *flags):
        program = self.folder / "decide"
        run(compiler, *STRICT, *flags, EXAMPLES / "decide.c", *self.flags("--cflags", "--libs"), "-o", program)
        self.check_answers(run(program, INVENTORY, self.newer, env=self.environment()))

    def test_c(self):
        self.compile_and_run("cc", "-std=c99")

    def test_cpp(self):
        self.compile_and_run("g++", "-std=c++11", "-x", "c++")

    def by_cffi(self, interpreter):
        variables = dict(self.environment(), ADMATCH_HEADER=str(self.root / "usr/include/admatch.h"))
        self.check_answers(run(interpreter, EXAMPLES / "decide.py", INVENTORY, self.newer, env=variables))

    @unittest.skipUnless(subprocess.run([sys.executable, "-c", "import cffi"], capture_output=True).returncode == 0, "no cffi here")
    def test_cpython(self):
        self.by_cffi(sys.executable)

    @unittest.skipUnless(shutil.which("pypy3"), "no pypy3 here")
    def test_pypy(self):
        self.by_cffi("pypy3")

    def test_a_failure_keeps_the_old_inventory(self):
        broken = self.folder / "broken.jsonl"
        broken.write_text('{"id":"x"}\n')
        self.test_c()
        done = subprocess.run([self.folder / "decide", INVENTORY, broken], capture_output=True, text=True, env=self.environment())
        self.assertEqual(done.returncode, 1)
        self.assertIn("the old inventory goes on", done.stderr)
        self.assertIn("the first: line 1", done.stderr)

    def test_names(self):
        library = self.lib / f"libadmatch.so.{ABI}"
        self.assertIn(f"soname: [libadmatch.so.{ABI}]", run("readelf", "-d", library))
        self.assertEqual((self.lib / "libadmatch.so").readlink(), pathlib.Path(library.name))
        self.assertEqual(run("pkg-config", "--modversion", "admatch", env=dict(os.environ, PKG_CONFIG_PATH=str(self.lib / "pkgconfig"))).strip(),
                         (ROOT / "VERSION").read_text().strip())
        self.assertIn(f'"libadmatch.so.{ABI}"', (EXAMPLES / "decide.py").read_text())

    def test_the_manual_has_each_function_as_the_header_declares_it(self):
        page = run("man", "--warnings", "-l", self.root / "usr/share/man/man3/libadmatch.3", env=dict(os.environ, MANWIDTH="200", LC_ALL="C.UTF-8")) \
            if shutil.which("man") else (ROOT / "docs" / "libadmatch.3").read_text()
        declared = re.findall(r"^(?:[a-z][a-z0-9_ ]*[ *]+)?(admatch_\w+)\(", HEADER, re.M)
        self.assertGreater(len(declared), 9)
        for name in declared:
            self.assertIn(f"{name}(", page)


if __name__ == "__main__":
    BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
