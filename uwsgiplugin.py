# SPDX-License-Identifier: Apache-2.0
"""For `uwsgi --build-plugin DIR`: the plugin with all of its engine, in one run of the compiler."""

import glob
import os
import sys


def source_folder():
    """uWSGI runs this text without a file name; the folder is an argument of its builder, a clone's name is the end of its address."""
    for word in sys.argv[1:]:
        for folder in (word, os.path.basename(word.rstrip("/"))):
            if os.path.isfile(os.path.join(folder, "plugin", "uwsgi", "plugin.c")):
                return folder
    sys.exit("uwsgiplugin.py: no argument names the folder of admatch")


ROOT = source_folder()
with open(os.path.join(ROOT, "VERSION")) as file:
    VERSION = file.read().strip()

NAME = "admatch"
CFLAGS = ["-std=gnu11", "-fvisibility=hidden", "-fstack-protector-strong", "-fstack-clash-protection", "-D_GNU_SOURCE", "-DXXH_INLINE_ALL",
          "-DADMATCH_VERSION='\"%s\"'" % VERSION] + os.environ.get("CPPFLAGS", "").split()
LDFLAGS = ["-Wl,-z,relro", "-Wl,-z,now", "-Wl,-z,noexecstack"]
LIBS = ["-lutf8proc", "-lstemmer", "-lz", "-lmaxminddb", "-lsqlite3", "-ljansson", "-lm", "-lpthread"]
# Every room but those of the command and of the library.
GCC_LIST = sorted(os.path.relpath(path, ROOT) for path in glob.glob(os.path.join(ROOT, "plugin", "**", "*.c"), recursive=True)
                  if os.path.relpath(path, os.path.join(ROOT, "plugin")).split(os.sep)[0] not in ("cli", "lib"))
