# SPDX-License-Identifier: Apache-2.0
"""Somebody else's folder: master-as-root serves for a tenant who owns the folder above the state folder, and the inventory, and who does
with both what the file system allows. Root must not be had by it: all files are read and written with the tenant's own rights."""

import contextlib
import os
import pwd
import random
import shutil
import signal
import subprocess
import sys
import unittest

from harness import ServerTest, ad, children_of, eventually, forks_late, lines_of, mapped_images, status_of

TENANT = pwd.getpwnam("nobody")
OPTIONS = (f"uid = {TENANT.pw_uid}", f"gid = {TENANT.pw_gid}", "master-as-root = true")
REFUSED = "inventory refused, the generation before it goes on serving: "
UNUSABLE = "state folder unusable, the generation before it goes on serving: "

# What the tenant runs to exchange the folder for a link and back, as often as it can. Arguments: folder, link, seconds, user, group.
# It becomes the tenant by itself, who may not be allowed to run the interpreter of these tests.
EXCHANGE = """
import ctypes, os, sys, time
folder, link, end = sys.argv[1], sys.argv[2], time.monotonic() + float(sys.argv[3])
os.setgroups([])
os.setgid(int(sys.argv[5]))
os.setuid(int(sys.argv[4]))
libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, RENAME_EXCHANGE = -100, 2
while time.monotonic() < end or os.path.islink(folder):
    if libc.renameat2(AT_FDCWD, folder.encode(), AT_FDCWD, link.encode(), RENAME_EXCHANGE):
        raise OSError(ctypes.get_errno(), "renameat2")
"""


def records(name):
    return [ad(name, "shoes")]


def snapshot(folder):
    """All that a process with root's rights could have changed there by mistake."""
    return {path.relative_to(folder): (path.lstat().st_uid, path.lstat().st_gid, path.lstat().st_mode, path.lstat().st_mtime_ns,
                                       path.is_file() and path.read_bytes()) for path in (folder, *sorted(folder.rglob("*")))}


@unittest.skipUnless(os.geteuid() == 0, "only root can serve for, and act as, another user")
class TenantTest(ServerTest):
    def setUp(self):
        super().setUp()
        self.folder.chmod(0o755)
        self.home = self.folder / "home"
        (self.home / "site").mkdir(parents=True)
        for folder in (self.home, self.home / "site"):
            shutil.chown(folder, TENANT.pw_uid, TENANT.pw_gid)
        self.inventory = self.home / "inventory.jsonl"
        self.state = self.home / "site" / "state"
        self.secret = self.make_secret()

    def make_secret(self):
        """A folder of root's, closed to others; with files whose names the cleaning of a state folder would go for."""
        secret = self.folder / "secret"
        secret.mkdir(mode=0o700)
        for name in (f"{'0' * 32}-1.1.admx", f"{'0' * 32}-1.1.admx.lock", f"{'0' * 32}.last", "other"):
            (secret / name).write_text("of root")
        (secret / "state").mkdir(mode=0o700)
        return secret

    def as_tenant(self, *command, **options):
        return subprocess.run([*map(str, command)], user=TENANT.pw_uid, group=TENANT.pw_gid, extra_groups=[], check=True, **options)

    def put(self, name):
        """A new inventory, by the tenant; old enough not to be taken for one that is still being written."""
        self.as_tenant("tee", self.home / "new", input=lines_of(records(name)).encode(), stdout=subprocess.DEVNULL)
        self.as_tenant("touch", "-d", "2020-01-01", self.home / "new")
        self.as_tenant("mv", self.home / "new", self.inventory)

    def serve_tenant(self, *options, rights=OPTIONS, **more):
        self.put("first")
        server = self.serve(None, *rights, f"admatch-state-dir = {self.state}", *options, **more)
        server.state = self.state
        return server

    def serves(self, server, name):
        return server.decide(query="shoes").ads == [name]

    def swap(self, path, target):
        """The tenant puts a link in place of a folder."""
        self.as_tenant("mv", path, f"{path}.kept")
        self.as_tenant("ln", "-s", target, path)

    def unswap(self, path):
        self.as_tenant("rm", path)
        self.as_tenant("mv", f"{path}.kept", path)

    def all_workers_serve(self, server):
        """One that had not opened its image yet when the folder goes would have none."""
        workers = server.workers()
        return len(workers) == 2 and all(map(mapped_images, workers))

    def gets_nothing_by(self, path, target, **options):
        server = self.serve_tenant(**options)
        eventually("all workers serve", lambda: self.all_workers_serve(server))
        before = snapshot(self.secret)
        self.swap(path, target)
        self.put("second")
        eventually("it has been looked at", lambda: UNUSABLE in server.log() or server.log().count(" published: ") > 1)
        self.assertEqual(snapshot(self.secret), before)
        self.assertIn(UNUSABLE, server.log())
        self.assertTrue(self.serves(server, "first"))
        self.unswap(path)
        self.put("third")
        eventually("the third is served", lambda: self.serves(server, "third"))
        return server

    def test_a_link_in_place_of_the_state_folder_gives_nothing_of_root_s(self):
        server = self.gets_nothing_by(self.state, self.secret)
        self.assertIn("is not a folder but a link", server.log())

    def test_a_link_in_place_of_a_folder_above_gives_nothing_of_root_s(self):
        self.gets_nothing_by(self.state.parent, self.secret)

    def test_where_workers_are_root_too_a_link_is_not_followed(self):
        self.assertIn("is not a folder but a link", self.gets_nothing_by(self.state, self.secret, rights=()).log())

    def test_a_link_that_comes_and_goes_at_any_moment_gives_nothing_of_root_s(self):
        self.gets_nothing_by_exchange(OPTIONS)

    def test_where_workers_are_root_too_a_link_that_comes_and_goes_is_not_followed(self):
        self.gets_nothing_by_exchange(())

    def gets_nothing_by_exchange(self, rights):
        server = self.serve_tenant(rights=rights)
        eventually("all workers serve", lambda: self.all_workers_serve(server))
        before = snapshot(self.secret)
        link = self.state.with_name("link")
        self.as_tenant("ln", "-s", self.secret, link)
        arguments = (self.state, link, 3, TENANT.pw_uid, TENANT.pw_gid)
        with subprocess.Popen([sys.executable, "-c", EXCHANGE, *map(str, arguments)]) as swapping:
            for number in range(1000):
                self.put(f"ad{number}")
                server.command("a")
                with contextlib.suppress(subprocess.TimeoutExpired):
                    swapping.wait(0.05)
                    break
        self.assertEqual(swapping.returncode, 0)
        self.assertEqual(snapshot(self.secret), before)
        self.put("last")
        eventually("the last is served", lambda: self.serves(server, "last"))

    def test_a_link_that_is_there_at_the_start_gives_nothing_of_root_s(self):
        server = self.serve_tenant()
        server.stop()
        before = snapshot(self.secret)
        self.swap(self.state, self.secret)
        server.spawn()
        self.assertEqual(server.ends(), 1)
        self.assertIn(f"{self.state} is not a folder but a link or file of user {TENANT.pw_uid}", server.fresh_log())
        self.unswap(self.state)
        self.swap(self.state.parent, self.secret)
        server.spawn()
        self.assertEqual(server.ends(), 1)
        self.assertIn("Permission denied", server.fresh_log())
        self.assertEqual(snapshot(self.secret), before)

    def test_no_folder_is_made_where_the_tenant_could_not(self):
        server = self.serve_tenant(start=False)
        self.as_tenant("rmdir", self.state.parent)
        self.as_tenant("ln", "-s", self.secret, self.state.parent)
        (self.secret / "state").rmdir()
        before = snapshot(self.secret)
        server.spawn()
        self.assertEqual(server.ends(), 1)
        self.assertIn(f"user {TENANT.pw_uid} cannot make the state folder {self.state} (make it, with mode 0700, and give it to that user",
                      server.log())
        self.assertEqual(snapshot(self.secret), before)

    def test_an_inventory_that_links_to_a_file_of_root_s_is_not_read(self):
        hidden = self.secret / "inventory.jsonl"
        hidden.write_text(lines_of(records("hidden")))
        hidden.chmod(0o600)
        server = self.serve_tenant()
        self.swap(self.inventory, hidden)
        server.logged(f"{REFUSED}user {TENANT.pw_uid} cannot read the inventory {self.inventory}: Permission denied")
        self.assertTrue(self.serves(server, "first"))
        server.stop()
        server.start()
        self.assertTrue(self.serves(server, "first"), "the last good one")
        self.assertIn("serving the last good generation", server.fresh_log())

    def test_a_file_that_is_linked_into_the_state_folder_is_not_given_away(self):
        server = self.serve_tenant()
        image = self.state / server.images()[0]
        self.assertEqual((image.stat().st_uid, image.stat().st_mode & 0o777), (TENANT.pw_uid, 0o600))
        server.stop()
        image.unlink()
        for end in ("", ".lock"):
            os.link(self.secret / "other", image.with_name(image.name + end))
        before = snapshot(self.secret)
        server.spawn()
        self.assertEqual(server.ends(), 1)
        self.assertIn("cannot lock", server.fresh_log())
        self.assertEqual(snapshot(self.secret), before)

    def assert_only_the_master_is_root(self, server):
        """In a moment: a process is root's until it has begun."""
        user, group = {str(TENANT.pw_uid)}, {str(TENANT.pw_gid)}

        def is_tenants(pid):
            status = status_of(pid)
            return (status and set(status["Uid"].split()) == user and set(status["Gid"].split()) | set(status["Groups"].split()) == group
                    and int(status["CapEff"], 16) == 0)

        self.assertIn(server.mule(), children_of(server.process.pid))
        eventually("all but the master are the tenant's", lambda: all(map(is_tenants, children_of(server.process.pid))))
        self.assertEqual(status_of(server.process.pid)["Uid"].split()[0], "0")

    @forks_late
    def test_no_process_but_the_master_stays_root(self):
        """Not those that come later, either."""
        server = self.serve_tenant()
        self.assert_only_the_master_is_root(server)
        mule = server.mule()
        for pid in children_of(server.process.pid):
            os.kill(pid, signal.SIGKILL)
        eventually("there is a new mule", lambda: server.answers() and server.mule() not in (None, mule))
        self.put("second")
        eventually("the second is served", lambda: self.serves(server, "second"))
        self.assert_only_the_master_is_root(server)
        server.process.send_signal(signal.SIGHUP)
        server.logged("binary reloading uWSGI")
        eventually("it serves again", lambda: server.fresh_log().count("spawned uWSGI mule 1") == 3 and server.answers())
        self.put("third")
        eventually("the third is served", lambda: self.serves(server, "third"))
        self.assert_only_the_master_is_root(server)

    def test_the_group_s_files_can_be_read(self):
        """As workers read them: mules get the additional groups, too."""
        server = self.serve_tenant("add-gid = 4321", start=False)
        os.chown(self.inventory, 0, 4321)
        self.inventory.chmod(0o640)
        server.start()
        self.assertTrue(self.serves(server, "first"))

    def test_privileges_that_are_dropped_late_are_dropped_before_the_start_s_build(self):
        for option in ("drop-after-init", "drop-after-apps"):
            with self.subTest(option=option):
                server = self.serve_tenant("master-as-root = false", f"{option} = true", f"master-fifo = {self.home}/fifo",
                                           f"stats = {self.home}/stats", start=False, name=option)
                server.stats_path = self.home / "stats"
                server.start()
                self.assertEqual({path.stat().st_uid for path in self.state.iterdir()}, {TENANT.pw_uid})
                server.stop()

    def test_a_build_at_the_start_ends_with_its_master(self):
        self.put("first")
        server = self.serve(None, *OPTIONS, f"admatch-state-dir = {self.state}", start=False)
        self.as_tenant("tee", self.inventory, input=lines_of([ad(f"ad{n}", f"word{n}") for n in range(200000)]).encode(),
                       stdout=subprocess.DEVNULL)
        server.spawn()
        [builder] = eventually("it builds", lambda: children_of(server.process.pid))
        server.process.kill()
        server.process.wait()
        eventually("the builder ends", lambda: status_of(builder) is None)


@unittest.skipUnless(os.geteuid() == 0, "only root can serve for, and act as, another user")
class SquattedTest(ServerTest):
    """The default folder has a name that anybody can take."""

    def serve_by_default(self, user):
        server = self.serve(records("ad"), f"uid = {user}", f"gid = {user}", start=False)
        lines = [line for line in server.ini.read_text().splitlines() if not line.startswith("admatch-state-dir")]
        server.ini.write_text("\n".join(lines) + "\n")
        return server

    def test_a_name_that_somebody_else_took_is_told_with_what_to_set(self):
        self.folder.chmod(0o777)
        user = random.SystemRandom().randrange(40000, 60000)
        default = f"/dev/shm/admatch-{user}"
        takes = {f"mkdir -m 700 {default}": f"belongs to user {TENANT.pw_uid}, expected user {user}", f"touch {default}": "is not a folder",
                 f"ln -s /tmp {default}": "is not a folder", f"mkfifo {default}": "is not a folder"}
        self.addCleanup(subprocess.run, ["rm", "-rf", default], check=True)
        for command, expected in takes.items():
            with self.subTest(command=command):
                subprocess.run(command.split(), user=TENANT.pw_uid, group=TENANT.pw_gid, extra_groups=[], check=True)
                server = self.serve_by_default(user)
                server.spawn()
                self.assertEqual(server.ends(), 1)
                self.assertIn(f"the state folder {default} {expected}", server.fresh_log())
                self.assertIn("admatch-state-dir", server.fresh_log())
                subprocess.run(["rm", "-rf", default], check=True)


if __name__ == "__main__":
    unittest.main()
