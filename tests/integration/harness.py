# SPDX-License-Identifier: Apache-2.0
"""A real uWSGI with the plugin in it, on free ports, with folders of its own; and what tests ask of it."""

import contextlib
import gzip
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("ADMATCH_BUILD", "build/release")
UWSGI = os.environ.get("ADMATCH_UWSGI", "/usr/bin/uwsgi-core")
SANITIZER = os.environ.get("ADMATCH_SANITIZER", "")
EXAMPLE = ROOT / "tests" / "data" / "example.jsonl"
LOOP = os.environ.get("ADMATCH_LOOP", "")  # uWSGI's option loop, for all servers that do not say otherwise
PATIENCE = 60 if SANITIZER else 20  # seconds that something may take before it counts as broken
SHARED_MEMORY = pathlib.Path("/dev/shm")

# "integer" is clang's, whose runtime the plugin brings itself.
RUNTIMES = {"address": ["libasan.so", "libubsan.so"], "undefined": ["libubsan.so"], "thread": ["libtsan.so"], "integer": []}
FINDINGS = ("ERROR: AddressSanitizer", "runtime error:", "WARNING: ThreadSanitizer", "Segmentation Fault", "!!! uWSGI process")


def free_port():
    """Below the ports that the kernel gives to outgoing connections, and at random, since tests run side by side."""
    while True:
        port = random.SystemRandom().randrange(10000, 32000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port


def eventually(what, condition, patience=None):
    """Waits until condition() is true, and returns its value."""
    deadline = time.monotonic() + (patience or PATIENCE)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"still not so: {what}")
        time.sleep(0.02)


def runtime_path(name):
    return subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True).stdout.strip()


def environment(**more):
    """The environment for uWSGI; with a sanitizer, its runtime is loaded before the server that knows nothing of it."""
    variables = dict(os.environ, **more)
    if SANITIZER:
        variables["LD_PRELOAD"] = ":".join(runtime_path(name) for name in RUNTIMES[SANITIZER])
        suppressions = ROOT / "tests" / "integration"
        variables["ASAN_OPTIONS"] = f"detect_leaks=0:abort_on_error=1:suppressions={suppressions / 'asan.supp'}"
        variables["UBSAN_OPTIONS"] = "print_stacktrace=1:halt_on_error=1"
        variables["TSAN_OPTIONS"] = "die_after_fork=0"
    return variables


# ---- inventories ----------------------------------------------------------------------------------


def ad(identity, *keywords, **more):
    return {"id": identity, "advertiser": f"advertiser of {identity}", "bid": 1, "keywords": list(keywords), **more}


def lines_of(records):
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def put(path, content, packed=False):
    """Replaces a file as one should: written beside, then renamed."""
    data = content if isinstance(content, bytes) else lines_of(content).encode()
    beside = pathlib.Path(f"{path}.new")
    beside.write_bytes(gzip.compress(data) if packed else data)
    beside.rename(path)


# ---- answers --------------------------------------------------------------------------------------


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def generation(self):
        return self.headers["X-Admatch-Generation"]

    @property
    def ads(self):
        return [placed["ad"] for slot in self.json["slots"] for placed in slot["ads"]]


# ThreadSanitizer ends a process that was forked by one with threads, such as a master that runs, and starts threads of its own.
forks_late = unittest.skipIf(SANITIZER == "thread", "ThreadSanitizer cannot follow workers that a running master forks")


class Connection(http.client.HTTPConnection):
    def ask(self, method, path, body=None, headers=None):
        self.request(method, path, body, headers or {})
        return Answer(self.getresponse())


class UnixConnection(Connection):
    def __init__(self, path, **options):
        super().__init__("localhost", **options)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


# ---- processes ------------------------------------------------------------------------------------


def status_of(pid):
    with contextlib.suppress(OSError):
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
        return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
    return None


def children_of(pid):
    with contextlib.suppress(OSError):
        return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


@contextlib.contextmanager
def stopped(pids):
    """Processes stand still meanwhile."""
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        eventually("they stand still", lambda: all(status_of(pid)["State"].startswith("T") for pid in pids))
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def mapped_images(pid):
    """The images that a process has mapped: paths, with " (deleted)" for those that are gone."""
    found = set()
    with contextlib.suppress(OSError):
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            if ".admx" in line:
                found.add(line.split(None, 5)[5])
    return found


def loop_options(given, lines):
    """For the loop of ADMATCH_LOOP: slow clients get as long as they get from uWSGI's threads."""
    if not LOOP or "loop" in given:
        return []
    seconds = next(line.split("=")[1].strip() for line in reversed(lines) if line.split("=")[0].strip() == "socket-timeout")
    slow = ("admatch-head-timeout", "admatch-body-timeout", "admatch-write-timeout")
    return [f"loop = {LOOP}", *(f"{name} = {seconds}" for name in slow if name not in given)]


class Server:
    """One instance of uWSGI. Options are lines of its ini file; what is not given has defaults that suit tests."""

    def __init__(self, folder, inventory, *options, protocol="http11-socket", arguments=(), name="server", variables=None, inside=()):
        self.folder = pathlib.Path(folder)
        self.port = free_port()
        self.name = name
        self.log_path = self.folder / f"{name}.log"
        self.stats_path = self.folder / f"{name}.stats"
        self.fifo = self.folder / f"{name}.fifo"
        self.state = self.folder / "state"
        given = {option.split("=")[0].strip() for option in options}
        lines = ["[uwsgi]", f"plugins-dir = {BUILD}", "need-plugin = admatch", "strict = true"]
        if inventory is not None:
            lines.append(f"admatch-inventory = {inventory}")
        defaults = {
            protocol: f"127.0.0.1:{self.port}",
            "processes": "2",
            "admatch-state-dir": self.state,
            "admatch-refresh": "1",
            "stats": self.stats_path,
            "master-fifo": self.fifo,
            "socket-timeout": "10",
            "worker-reload-mercy": "5",
            "mule-reload-mercy": "5",
        }
        lines += [f"{key} = {value}" for key, value in defaults.items() if key not in given]
        lines += [option for option in options if option]
        lines += loop_options(given, lines)
        self.ini = self.folder / f"{name}.ini"
        self.ini.write_text("\n".join(lines) + "\n")
        self.arguments = arguments
        self.variables = variables or {}
        self.inside = list(inside)  # a command that executes the rest of its line
        self.process = None

    def spawn(self):
        self.fresh_from = self.log_path.stat().st_size if self.log_path.exists() else 0
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*self.inside, UWSGI, "--ini", str(self.ini), *self.arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=environment(**self.variables), start_new_session=True,
            )
        return self

    def start(self):
        self.spawn()
        eventually("the server answers", self.answers)
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"uWSGI ended with {self.process.returncode}:\n{self.log()}")
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.ask("GET", "/healthz").status == 200 and self.stats_path.exists()
        return False

    def ends(self):
        """Waits for the end of the process; its exit status."""
        return self.process.wait(PATIENCE)

    def stop(self):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                pass
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def connect(self):
        return Connection("127.0.0.1", self.port, timeout=PATIENCE)

    def ask(self, method, path, body=None, headers=None):
        connection = self.connect()
        try:
            return connection.ask(method, path, body, headers)
        finally:
            connection.close()

    def decide(self, **request):
        return self.ask("POST", "/v1/decide", json.dumps(request), {"Content-Type": "application/json"})

    def generation(self):
        return self.ask("GET", "/healthz").generation

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def fresh_log(self):
        """What was logged since the last start."""
        return self.log_path.read_bytes()[self.fresh_from:].decode(errors="replace")

    def logged(self, text, times=1):
        try:
            return eventually(f"logged {times} times: {text}", lambda: self.fresh_log().count(text) >= times)
        except AssertionError as error:
            raise AssertionError(f"{error}; this was:\n{self.fresh_log()[-8000:]}") from None

    def command(self, letter):
        """To the master's FIFO, which it opens again after each command."""
        eventually(f"the master's FIFO takes {letter!r}", lambda: self.write_fifo(letter))

    def write_fifo(self, letter):
        with contextlib.suppress(OSError):
            fifo = os.open(self.fifo, os.O_WRONLY | os.O_NONBLOCK)
            try:
                return os.write(fifo, letter.encode()) == 1
            finally:
                os.close(fifo)
        return False

    def stats(self):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.stats_path))
            data = b"".join(iter(lambda: connection.recv(65536), b""))
        return json.loads(data)

    def workers(self):
        return [worker["pid"] for worker in self.stats()["workers"] if worker["pid"] > 0 and worker["status"] != "cheap"]

    def mule(self):
        """The last child that is no worker: the plugin adds its mule after those of the configuration."""
        workers = set(self.workers())
        others = [pid for pid in children_of(self.process.pid) if pid not in workers]
        return others[-1] if others else None

    def metrics(self):
        samples = {}
        for line in self.ask("GET", "/metrics").body.decode().splitlines():
            if not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                samples[name] = float(value)
        return samples

    def images(self):
        return sorted(path.name for path in self.state.glob("*.admx"))


def check_log(server):
    log = server.log()
    for finding in FINDINGS:
        if finding in log:
            raise AssertionError(f"{server.name}: found {finding!r} in its log:\n{log[-8000:]}")


def new_folder(add_cleanup):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="admatch-test-", dir=SHARED_MEMORY))
    add_cleanup(shutil.rmtree, folder, ignore_errors=True)
    return folder


def new_server(add_cleanup, *arguments, **options):
    """A server that is stopped in the end, and that may not have crashed or been found fault with."""
    server = Server(*arguments, **options)
    add_cleanup(check_log, server)
    add_cleanup(server.stop)
    return server


class ServerTest(unittest.TestCase):
    """A folder of its own for each test, and servers that are gone when the test is over."""

    def setUp(self):
        self.folder = new_folder(self.addCleanup)
        self.inventory = self.folder / "inventory.jsonl"

    def serve(self, records=None, *options, start=True, **more):
        if records is not None:
            put(self.inventory, records)
        inventory = more.pop("inventory", self.inventory)
        server = new_server(self.addCleanup, self.folder, inventory, *options, **more)
        return server.start() if start else server


class SharedServerTest(unittest.TestCase):
    """One server for all tests of a class: RECORDS are its ads, OPTIONS lines of its ini file, ARGUMENTS of its command line."""

    RECORDS, OPTIONS, ARGUMENTS = (), (), ()

    @classmethod
    def setUpClass(cls):
        cls.folder = new_folder(cls.addClassCleanup)
        put(cls.folder / "inventory.jsonl", cls.RECORDS)
        cls.server = new_server(cls.addClassCleanup, cls.folder, cls.folder / "inventory.jsonl", *cls.OPTIONS,
                                arguments=cls.ARGUMENTS).start()
