# SPDX-License-Identifier: Apache-2.0
"""An emperor whose vassals are Servers."""

import contextlib
import os
import pathlib
import signal
import subprocess

from harness import UWSGI, children_of, environment, eventually


def descendants(pid):
    for child in children_of(pid):
        yield child
        yield from descendants(child)


class VassalProcess:
    """Stands where a Server has its process: the master of the vassal, which is another one after each death."""

    def __init__(self, emperor, name):
        self.emperor, self.name = emperor, name

    @property
    def pid(self):
        for pid in descendants(self.emperor.process.pid):  # parents come before their children
            with contextlib.suppress(OSError):
                if f"{self.name}.ini".encode() in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                    return pid
        return 0

    def poll(self):
        return None


class Emperor:
    """Runs servers (made, not started) as vassals; looks at them every second."""

    def __init__(self, workspace, *servers):
        self.log_path = workspace / "emperor.log"
        vassals = workspace / "vassals"
        vassals.mkdir()
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [UWSGI, "--master", "--emperor", str(vassals), "--emperor-freq", "1", "--die-on-term"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment(), start_new_session=True)
        for server in servers:
            server.process, server.fresh_from = VassalProcess(self, server.name), 0
            server.ini.write_text(server.ini.read_text() + f"logto = {server.log_path}\n")
            server.ini = server.ini.rename(vassals / server.ini.name)
        self.servers = servers

    def __enter__(self):
        for server in self.servers:
            eventually(f"vassal {server.name} answers", server.answers, 60)
        return self

    def __exit__(self, *_):
        masters = [server.process.pid for server in self.servers]
        left = [pid for master in masters if master for pid in (master, *children_of(master))]
        self.process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for server in self.servers:
            server.process = None
