# SPDX-License-Identifier: Apache-2.0
"""Every file of configs/ is started as it is, but for ports that are free here. And `make run`, `uwsgi --build-plugin`, `make install`."""

import contextlib
import ctypes
import errno
import http.client
import os
import pathlib
import platform
import pwd
import re
import shutil
import signal
import socket
import struct
import subprocess
import unittest

from harness import BUILD, EXAMPLE, LOOP, PATIENCE, ROOT, SANITIZER, UWSGI, Connection, children_of, environment, eventually, free_port, new_folder, status_of
from ledger import remove_home

CONFIGS = ROOT / "configs"


class ConfigsTest(unittest.TestCase):
    def setUp(self):
        self.folder = new_folder(self.addCleanup)
        self.ports = {}
        self.addCleanup(self.forget_ledgers)
        self.folder.chmod(0o755)  # nginx's workers run as another user
        # a copy of what the files name relative to the root, so that several runs do not meet
        for name in ("configs", "tests/data"):
            shutil.copytree(ROOT / name, self.folder / name)
        (self.folder / "build").mkdir()
        (self.folder / "build/release").symlink_to(BUILD)
        for path in (self.folder / "configs").rglob("*"):
            if path.is_file():
                text = re.sub(r"(127\.0\.0\.1:)(\d{4})", self.other_port, path.read_text())
                if LOOP and "loop = " not in text:
                    text = text.replace("need-plugin = admatch\n", f"need-plugin = admatch\nloop = {LOOP}\n")
                path.write_text(text)

    def other_port(self, found):
        return found[1] + str(self.ports.setdefault(int(found[2]), free_port()))

    def run_command(self, name, *command, before=None, **variables):
        log = self.folder / f"{name}.log"
        with open(log, "wb") as output:
            process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                       env=environment(**variables), start_new_session=True, preexec_fn=before)
        self.addCleanup(self.end, process)
        process.log = log
        return process

    def run_config(self, name, **variables):
        return self.run_command(name.replace("/", "-"), UWSGI, "--ini", f"configs/{name}", **variables)

    def forget_ledgers(self):
        """What they have in shared memory would outlive the folder."""
        for folder in (self.folder / "build/production-ledger", self.folder / "private/ledger"):
            if folder.exists():
                remove_home(folder)

    def end(self, process):
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def ask(self, process, port, path="/v1/decide?query=trail+running+shoes"):
        def answered():
            if process.poll() is not None:
                raise AssertionError(process.log.read_text(errors="replace"))
            connection = Connection("127.0.0.1", port, timeout=PATIENCE)
            with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
                return connection.ask("GET", path)

        answer = eventually(f"port {port} answers", answered)
        self.assertEqual(answer.status, 200, answer.body)
        return answer

    def test_minimal(self):
        self.assertTrue(self.ask(self.run_config("minimal.ini"), self.ports[8080]).ads)

    def test_production(self):
        process = self.run_config("production.ini")
        answer = self.ask(process, self.ports[8081])
        self.assertTrue(answer.ads)
        eventually("the decision is logged", lambda: f"ad={answer.ads[0]} " in process.log.read_text())
        shown = answer.json["slots"][0]["ads"][0]["urls"]["impression"].partition(str(self.ports[8081]))[2]
        connection = Connection("127.0.0.1", self.ports[8081], timeout=PATIENCE)
        self.addCleanup(connection.close)
        self.assertEqual(connection.ask("GET", shown, headers={"User-Agent": "Mozilla/5.0"}).status, 200)
        self.assertIn(b'admatch_events_total{event="impression",outcome="counted"} 1', self.ask(process, self.ports[8081], "/metrics").body)
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)

    def test_exchange(self):
        process = self.run_config("exchange.ini")
        port, connections = self.ports[8091], []
        self.assertTrue(self.ask(process, port).ads)
        for _ in range(100):  # more than threads
            connections.append(Connection("127.0.0.1", port, timeout=PATIENCE))
            self.addCleanup(connections[-1].close)
        for _ in range(2):
            for connection in connections:
                self.assertEqual(connection.ask("POST", "/openrtb2/bid", b'{"id":"1","imp":[{"id":"1","banner":{}}]}', {"Content-Type": "application/json"}).status, 200)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(PATIENCE), 0)

    @unittest.skipUnless(shutil.which("nginx"), "nginx is not installed")
    def test_exchange_behind_nginx(self):
        process, port = self.run_config("exchange.ini"), self.ports[8091]
        self.ask(process, port)
        nginx = self.run_nginx("nginx/exchange.conf")
        self.assertTrue(self.ask(nginx, self.ports[8092]).ads)
        connection = Connection("127.0.0.1", self.ports[8092], timeout=PATIENCE)
        self.addCleanup(connection.close)
        before = self.accepted(process, port)
        for _ in range(50):
            self.assertTrue(connection.ask("POST", "/v1/decide", b'{"query":"trail running shoes"}', {"Content-Type": "application/json"}).ads)
        self.assertLess(self.accepted(process, port) - before, 10, "nginx keeps its connections to admatch")
        self.assertEqual(connection.ask("GET", "/metrics").status, 404)

    def accepted(self, process, port):
        return int(re.search(rb"^admatch_loop_accepted_total (\d+)", self.ask(process, port, "/metrics").body, re.M)[1])

    def test_each_line_has_its_reason(self):
        for name in ("production.ini", "exchange.ini"):
            lines = (CONFIGS / name).read_text().splitlines()
            for before, line in zip(lines, lines[1:]):
                if re.match(r"[a-z]", line):
                    self.assertTrue(before.startswith(";"), f"{name}: {line}")

    def test_emperor_with_two_vassals_of_different_inventories(self):
        process = self.run_config("emperor/emperor.ini")
        self.assertTrue(self.ask(process, self.ports[8082]).ads)
        self.assertEqual(self.ask(process, self.ports[8083], "/v1/decide?query=night+train&country=DE").ads, ["night-train"])

    def test_zerg(self):
        server = self.run_config("zerg/server.ini")
        port = self.ports[8084]
        self.ask(server, port)
        zerg = self.run_config("zerg/zerg.ini")
        eventually("the zerg works", lambda: "spawned uWSGI worker 1" in zerg.log.read_text())

        def served_by_zerg():
            self.ask(server, port)
            return "GET /v1/decide" in zerg.log.read_text()

        eventually("the zerg answers, too", served_by_zerg)
        self.assertIn("bytes found in", zerg.log.read_text())

    @unittest.skipUnless(pathlib.Path("/usr/lib/uwsgi/plugins/python3_plugin.so").exists(), "uWSGI's python3 plugin is not installed")
    def test_python(self):
        process, port = self.run_config("python.ini"), self.ports[8095]
        self.assertTrue(self.ask(process, port, "/ads/v1/decide?query=trail+running+shoes").ads)
        page = self.ask(process, port, "/?q=trail+running+shoes").body.decode()
        self.assertIn('<a class="ad" rel="sponsored" href="https://fleet-trail.example/light">160 grams</a>', page)
        self.assertIn("&lt;b&gt;", self.ask(process, port, "/?q=%3Cb%3E").body.decode())

    def test_paas(self):
        port = free_port()
        process = self.run_config("paas.ini", PORT=str(port), ADMATCH_INVENTORY="tests/data/example.jsonl",
                                  ADMATCH_STATE_DIR=str(self.folder / "state"))
        self.assertTrue(self.ask(process, port).ads)
        eventually("SIGTERM means a graceful end", lambda: "(master-start)..." in process.log.read_text())
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(PATIENCE), 0)

    @unittest.skipUnless(shutil.which("nginx"), "nginx is not installed")
    def test_nginx_in_front(self):
        uwsgi = self.run_config("nginx/admatch.ini")
        eventually("uWSGI listens", lambda: self.listens(self.ports[3031]))
        nginx = self.run_nginx("nginx/nginx.conf")
        self.assertTrue(self.ask(nginx, self.ports[8086]).ads)
        self.assertIn(b"admatch_requests_total", self.ask(nginx, self.ports[8086], "/metrics").body)
        connection = Connection("127.0.0.1", self.ports[8086], timeout=PATIENCE)
        self.addCleanup(connection.close)
        for _ in range(3):
            answer = connection.ask("POST", "/v1/decide", b'{"query":"trail running shoes"}', {"Content-Type": "application/json"})
            self.assertEqual((answer.status, bool(answer.ads)), (200, True))
            self.assertEqual(connection.ask("POST", "/v1/decide", b"x" * 1100000, {"Content-Type": "application/json"}).status, 413)
        self.assertTrue(self.ask_in_chunks(self.ports[8086]).ads)
        self.assertIsNone(uwsgi.poll())

    def run_nginx(self, name):
        (self.folder / "build/nginx").mkdir()
        return self.run_command("nginx", "nginx", "-p", "build/nginx", "-e", "error.log", "-c", self.folder / "configs" / name)

    def ask_in_chunks(self, port):
        connection = Connection("127.0.0.1", port, timeout=PATIENCE)
        with contextlib.closing(connection):
            return connection.ask("POST", "/v1/decide", iter([b'{"query":', b'"trail running shoes"}']), {"Content-Type": "application/json"})

    def listens(self, port):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True

    def test_every_configuration_is_started_here(self):
        started = set(re.findall(r'run_config\("([^"]+)"', pathlib.Path(__file__).read_text()))
        files = {str(path.relative_to(CONFIGS)) for path in CONFIGS.rglob("*.ini")}
        self.assertEqual(files - {name for name in files if "vassals/" in name}, started)


    def test_the_unit_makes_the_folder_above_the_hardened_state_folder(self):
        """A folder above, since the one of a DynamicUser is behind a link, which admatch does not follow."""
        folder = re.search(r"(?m)^StateDirectory=(.*)$", (CONFIGS / "hardened/admatch.service").read_text())[1]
        self.assertIn(f"\nadmatch-state-dir = /var/lib/{folder}/state\n", (CONFIGS / "hardened/hardened.ini").read_text())

    def run_hardened(self, **options):
        config = self.folder / "configs/hardened/hardened.ini"
        state = self.folder / "private"
        # the folder of a test is not nobody's, so the state folder is made for it beforehand
        state.mkdir(mode=0o700)
        shutil.chown(state, "nobody", "nogroup")
        config.write_text(config.read_text().replace("/var/lib/admatch/", f"{state}/"))
        process = self.run_config("hardened/hardened.ini", **options)
        answer = eventually("it answers", lambda: ask_uwsgi(self.ports[8088], "/v1/decide", "query=trail+running+shoes"))
        self.assertIn(b'"ads":[{', answer)
        return process, state

    @unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
    @unittest.skipUnless(shutil.which("nginx"), "nginx is not installed")
    def test_slow_clients_cost_the_hardened_server_no_thread(self):
        uwsgi, _ = self.run_hardened()
        port, nginx = self.ports[8087], self.run_nginx("hardened/nginx.conf")
        self.assertTrue(self.ask(nginx, port).ads)
        workers = children_of(uwsgi.pid)
        head = b"POST /v1/decide HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n"
        for data in (head, head + b"\r\n{") * 50:  # more than threads
            slow = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
            self.addCleanup(slow.close)
            slow.sendall(data)
        for _ in range(5):
            self.assertTrue(self.ask(nginx, port).ads)
        self.assertTrue(self.ask_in_chunks(port).ads)
        with contextlib.suppress(ConnectionResetError):
            self.assertEqual(slow.recv(1000), b"")  # let go
        self.assertEqual(children_of(uwsgi.pid), workers)

    @unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
    def test_the_hardened_server_has_few_rights(self):
        process, state = self.run_hardened()
        for pid in (process.pid, *children_of(process.pid)):
            status = status_of(pid)
            self.assertEqual(set(status["Uid"].split()), {str(pwd.getpwnam("nobody").pw_uid)})
            self.assertEqual(int(status["CapEff"], 16), 0)
        inventory = self.folder / "tests/data/example.jsonl"
        writable = subprocess.run(["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "test", "-w", inventory])
        self.assertNotEqual(writable.returncode, 0)
        self.assertEqual({path.stat().st_mode & 0o077 for path in state.iterdir()}, {0})

    @unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
    @unittest.skipUnless(platform.machine() == "x86_64", "the numbers of system calls are those of x86-64")
    @unittest.skipIf(SANITIZER in ("address", "thread"), "the sanitizer's own runtime asks for resource limits, which the filter forbids")
    def test_the_hardened_server_serves_under_the_filter_of_its_unit(self):
        self.assertRegex((CONFIGS / "hardened/admatch.service").read_text(), r"(?m)^SystemCallFilter=~.*@resources.*\nSystemCallErrorNumber=EPERM$")
        process, _ = self.run_hardened(before=refuse_resources)
        status = status_of(process.pid)
        self.assertEqual(status["Seccomp"], "2")
        self.assertNotIn("killed by signal", process.log.read_text())


# systemd's @resources: ioprio_set, mbind, migrate_pages, move_pages, prlimit64, sched_setaffinity, sched_setattr, sched_setparam,
# sched_setscheduler, set_mempolicy, setpriority, setrlimit
RESOURCES = (251, 237, 256, 279, 302, 203, 314, 142, 144, 238, 141, 160)


def refuse_resources():
    """From now on these system calls fail with EPERM: a seccomp filter, as systemd sets it."""
    load, equal, answer = 0x20, 0x15, 0x06  # of classic BPF
    program = [(load, 0, 0, 0)]  # the system call's number
    program += [(equal, len(RESOURCES) - at, 0, number) for at, number in enumerate(RESOURCES)]
    program += [(answer, 0, 0, 0x7FFF0000), (answer, 0, 0, 0x00050000 | errno.EPERM)]  # allow; fail
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    filter_ = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, filter_, 0, 0):  # PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP
        raise OSError(ctypes.get_errno(), "no seccomp filter")


def ask_uwsgi(port, path, query):
    """A GET by the uwsgi protocol; None where nothing answers yet."""
    variables = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query, "SERVER_PROTOCOL": "HTTP/1.1"}
    packed = b"".join(struct.pack("<H", len(part)) + part.encode() for item in variables.items() for part in item)
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(struct.pack("<BHB", 0, len(packed), 0) + packed)
        return b"".join(iter(lambda: connection.recv(65536), b""))
    return None


@unittest.skipIf(SANITIZER, "the plugin would be built without the sanitizer")
class BuildTest(unittest.TestCase):
    def test_uwsgi_s_build_links_what_make_links(self):
        libraries = lambda path, pattern: set(re.findall(r"-l\w+", re.search(pattern, (ROOT / path).read_text(), re.M)[0]))
        self.assertEqual(libraries("uwsgiplugin.py", r"^LIBS = .*"), libraries("Makefile", r"^LIBRARIES := .*"))

    def test_uwsgi_builds_the_plugin_itself(self):
        folder = new_folder(self.addCleanup)
        done = subprocess.run([UWSGI, "--build-plugin", ROOT], cwd=folder, capture_output=True, text=True)
        plugin = folder / "admatch_plugin.so"
        self.assertTrue(plugin.is_file(), done.stdout + done.stderr)
        exported = subprocess.run(["nm", "-D", "--defined-only", plugin], capture_output=True, text=True, check=True).stdout
        self.assertEqual([line.split()[-1] for line in exported.splitlines()], ["admatch_plugin"])
        self.assertNotIn("warning:", done.stdout + done.stderr)
        port = free_port()
        process = subprocess.Popen([UWSGI, "--plugins-dir", folder, "--need-plugin", "admatch", "--http-socket", f"127.0.0.1:{port}",
                                    "--admatch-inventory", EXAMPLE, "--admatch-state-dir", folder / "state"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        self.addCleanup(lambda: (os.killpg(process.pid, signal.SIGKILL), process.wait()))

        def answered():
            connection = Connection("127.0.0.1", port, timeout=PATIENCE)
            with contextlib.suppress(OSError), contextlib.closing(connection):
                return connection.ask("GET", "/readyz")

        self.assertEqual(eventually("it answers", answered).status, 200)

    def test_make_install_puts_everything_in_its_place_and_uninstall_removes_it(self):
        folder = new_folder(self.addCleanup)
        subprocess.run(["make", "-s", "install", f"DESTDIR={folder}"], cwd=ROOT, check=True, capture_output=True)
        installed = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        self.assertEqual(installed, {"usr/lib/uwsgi/plugins/admatch_plugin.so", "usr/local/bin/admatch", "usr/local/share/man/man1/admatch.1",
                                     "usr/local/share/doc/uwsgi-plugin-admatch/copyright",
                                     "usr/local/share/bash-completion/completions/admatch", "usr/local/share/zsh/vendor-completions/_admatch",
                                     "usr/local/lib/libadmatch.so", "usr/local/lib/libadmatch.so.1", "usr/local/lib/pkgconfig/admatch.pc",
                                     "usr/local/include/admatch.h", "usr/local/share/man/man3/libadmatch.3"})
        subprocess.run(["make", "-s", "uninstall", f"DESTDIR={folder}"], cwd=ROOT, check=True, capture_output=True)
        self.assertEqual([path for path in folder.rglob("*") if path.is_file() or path.name == "uwsgi-plugin-admatch"], [])

    def test_flags_of_whoever_builds_reach_every_compiler_and_linker(self):
        done = subprocess.run(["make", "-nB", "compile", "CPPFLAGS=-DOF_THE_BUILDER", "LDFLAGS=-Wl,--of-the-builder"], cwd=ROOT,
                              capture_output=True, text=True, check=True)
        commands = [line for line in done.stdout.splitlines() if re.match(r"\S*(gcc|clang|cc) ", line)]
        self.assertGreater(len(commands), 100)
        for line in commands:
            self.assertIn("-DOF_THE_BUILDER", line)
            if " -c " not in line:
                self.assertIn("-Wl,--of-the-builder", line)

    def run_make(self, *options):
        """The lines to try that `make run` prints, by number, and its log."""
        log = new_folder(self.addCleanup) / "log"
        with open(log, "wb") as output:
            process = subprocess.Popen(["make", "-s", "run", f"PORT={free_port()}", *options], cwd=ROOT, stdout=output, stderr=output, start_new_session=True)
        self.addCleanup(lambda: (os.killpg(process.pid, signal.SIGKILL), process.wait()))
        lines = eventually("it prints lines", lambda: re.search(r"^ +(curl .*)\n(?s:.*?)^ +(curl .*)\n +(.* log (.*))$", log.read_text(), re.M))
        self.addCleanup(lambda: remove_home(ROOT / lines[4]))
        return lines, log

    def test_make_run_prints_a_line_to_try_once_it_serves(self):
        lines, log = self.run_make()
        self.assertIn(b'"slots":[{', subprocess.run(lines[1], shell=True, capture_output=True).stdout)
        subprocess.run(lines[2], shell=True, check=True)
        shown = subprocess.run(lines[3], shell=True, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        self.assertIn('"e":"impression"', shown)
        self.assertIn('"billable":true', shown)
        self.assertIn("spawned uWSGI worker 2", log.read_text().split("Try, in another terminal")[0])

    def test_make_run_serves_an_inventory_that_it_is_given(self):
        lines, _ = self.run_make("INVENTORY=configs/data/travel.jsonl")
        self.assertIn(b'"ad":"hostels"', subprocess.run(lines[1], shell=True, capture_output=True).stdout)

    def test_make_run_serves_a_path_with_a_space(self):
        path = new_folder(self.addCleanup) / "my ads.jsonl"
        shutil.copy(ROOT / "configs/data/travel.jsonl", path)
        lines, _ = self.run_make(f"INVENTORY={path}")
        self.assertIn(b'"ad":"hostels"', subprocess.run(lines[1], shell=True, capture_output=True).stdout)

    def test_make_run_is_ended_by_sigterm(self):
        _, log = self.run_make()
        master = int(re.search(r"spawned uWSGI master process \(pid: (\d+)\)", log.read_text())[1])

        def ended():  # a master ignores signals until its loop runs
            with contextlib.suppress(OSError):
                os.kill(master, signal.SIGTERM)
                return not pathlib.Path(f"/proc/{master}/cmdline").read_bytes()
            return True

        eventually("it ends", ended)

    def test_make_run_says_first_what_is_wrong(self):
        folder = new_folder(self.addCleanup)
        bad, table = folder / "bad.jsonl", folder / "table.csv"
        bad.write_text('{"id":"a"}\n')
        table.write_text("Keyword,Max CPC\nshoes,1\n")
        for option, reason in (("PORT=http", "PORT=http: expected a number from 1 to 65535"), ("PORT=70000", "PORT=70000: expected"), ("PORT=0", "PORT=0: expected"),
                               (f"INVENTORY={bad}", "1 error"), (f"INVENTORY={table}", "admatch import"), (f"INVENTORY={folder}/none", "No such file")):
            with self.subTest(option=option):
                done = subprocess.run(["make", "-s", "run", option], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(reason, done.stdout + done.stderr)
                self.assertNotIn("Starting uWSGI", done.stdout + done.stderr)

    def test_make_says_what_to_install(self):
        folder = new_folder(self.addCleanup)
        done = subprocess.run(["make", "-s", f"BUILD={folder}/build", "UWSGI=no-such-uwsgi", f"CPPFLAGS=--sysroot={folder}"], cwd=ROOT,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        missing, _, advice = done.stderr.partition("On Debian 12")
        self.assertEqual(re.findall(r"^    (\S+)$", missing, re.M), ["jansson.h", "libstemmer.h", "maxminddb.h", "no-such-uwsgi", "sqlite3.h", "utf8proc.h", "xxhash.h", "zlib.h"])
        self.assertIn("make deps-build", advice)
        self.assertRegex(advice, r"\n    apt install gcc .*uwsgi-core .*libstemmer-dev ")
        self.assertEqual(list((folder / "build").iterdir()), [])


if __name__ == "__main__":
    unittest.main()
