# For `uwsgi --build-plugin DIR`: the plugin with all of its engine, in one compiler run.
import glob
import os

# uWSGI's builder runs this file in its own folder, where the paths below are relative to it.
ROOMS = ("base", "text", "inventory", "index", "match", "api", "uwsgi")

NAME = "admatch"
CFLAGS = ["-std=gnu11", "-fvisibility=hidden", "-D_GNU_SOURCE", "-DXXH_INLINE_ALL"]
LDFLAGS = []
LIBS = ["-lutf8proc", "-lstemmer", "-lz", "-lm", "-lpthread"]
GCC_LIST = []
