# SPDX-License-Identifier: Apache-2.0
"""The state folder: private, shared between instances, and kept clean. And what a start says when it cannot start."""

import contextlib
import http.client
import fcntl
import os
import pathlib
import shutil
import signal
import subprocess
import time
import unittest

from harness import BUILD, ServerTest, ad, eventually, forks_late, put

ADS = [ad("shoes", "shoes")]


def age_notes(server):
    """So that inventories that are away are taken to be gone."""
    for path in server.state.glob("*.last"):
        os.utime(path, (1, 1))


def held_images(pid):
    """Those that a process has open."""
    with contextlib.suppress(OSError):
        return {path for path in (os.readlink(fd) for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir()) if ".admx" in path}
    return set()


def mapped_inodes(pid):
    """Of the images that a process has mapped."""
    with contextlib.suppress(OSError):
        return {int(line.split()[4]) for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines() if ".admx" in line}
    return set()


class StartTest(ServerTest):
    def fails(self, *expected, options=(), inventory=None):
        server = self.serve(None, *options, start=False, inventory=inventory or self.inventory)
        server.spawn()
        self.assertEqual(server.ends(), 1, server.log())
        for text in expected:
            self.assertIn(text, server.log())
        self.assertIn("admatch: ", server.log())

    def test_a_missing_inventory_says_what_to_do(self):
        self.fails("cannot read the inventory", "No such file", "name another with admatch-inventory")

    def test_a_broken_inventory_lists_its_errors(self):
        self.inventory.write_text('{"id":"a"}\n{"id":\n')
        self.fails("inventory.jsonl:1: ", "inventory.jsonl:2: ", "mend the inventory")

    def test_bad_options_say_what_was_expected(self):
        put(self.inventory, ADS)
        for option, expected in (("admatch-refresh = soon", "expected a whole number"), ("admatch-refresh = -1", "expected a whole number"),
                                 ("admatch-limit-body = 1", "from 1024"), ("admatch-limit-words = 0", "from 1"),
                                 ("admatch-on-error = ignore", "expected stop")):
            with self.subTest(option=option):
                self.fails(expected, options=(option,))

    def test_a_folder_that_others_can_enter_is_refused(self):
        put(self.inventory, ADS)
        (self.folder / "state").mkdir(mode=0o755)
        self.fails("mode 0755", "admatch-state-dir")

    def test_a_folder_of_somebody_else_is_refused(self):
        put(self.inventory, ADS)
        (self.folder / "state").mkdir(mode=0o700)
        os.chown(self.folder / "state", 12345, 12345)
        self.fails("belongs to user 12345")

    def test_a_link_in_place_of_the_folder_is_refused(self):
        put(self.inventory, ADS)
        (self.folder / "elsewhere").mkdir(mode=0o700)
        (self.folder / "state").symlink_to("elsewhere")
        self.fails("is not a folder")

    def test_without_an_inventory_the_plugin_is_idle(self):
        server = self.serve(None, "master = true", start=False)
        lines = [line for line in server.ini.read_text().splitlines() if not line.startswith("admatch-")]
        server.ini.write_text("\n".join(lines) + "\n")
        server.spawn()
        eventually("it runs", lambda: "spawned uWSGI worker 1" in server.log())
        self.assertIn("admatch-inventory = FILE makes it serve", server.log())

    def test_need_app_is_content(self):
        server = self.serve(ADS, "need-app = true")
        self.assertEqual(server.decide(query="shoes").ads, ["shoes"])


class FolderTest(ServerTest):
    def test_it_is_made_private(self):
        server = self.serve(ADS)
        self.assertEqual(server.state.stat().st_mode & 0o777, 0o700)
        for path in server.state.iterdir():
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)

    def test_an_image_that_others_could_have_written_is_made_anew(self):
        server = self.serve(ADS)
        image = server.state / server.images()[0]
        server.stop()
        for tamper in (lambda: image.chmod(0o666), lambda: os.chown(image, 12345, 12345)):
            tamper()
            server.start()
            self.assertIn("built in", server.fresh_log())
            self.assertEqual((image.stat().st_mode & 0o777, image.stat().st_uid), (0o600, os.geteuid()))
            server.stop()

    def test_a_damaged_image_is_made_anew(self):
        server = self.serve(ADS)
        image = server.state / server.images()[0]
        server.stop()
        with open(image, "r+b") as file:
            file.seek(700)
            file.write(b"\xff\xff\xff\xff")
        server.start()
        self.assertIn("built in", server.fresh_log())
        self.assertEqual(server.decide(query="shoes").ads, ["shoes"])

    def test_what_crashed_runs_left_is_removed_and_what_others_use_is_kept(self):
        state = self.folder / "state"
        state.mkdir(mode=0o700)
        other = self.folder / "other.jsonl"
        put(other, [ad("other", "word")])
        kept = self.serve(None, inventory=other, name="other")
        digest = "0" * 32
        for name in (f"{digest}-1.1.admx", f"{digest}-1.1.admx.lock", f"{digest}-1.1.admx.4711.tmp", f"{digest}.last.4711.tmp"):
            (state / name).write_bytes(b"x")
        server = self.serve(ADS)
        self.assertEqual(len(server.images()), 2)
        self.assertEqual([path.name for path in state.iterdir() if path.suffix in (".tmp", ".lock")], [])
        self.assertEqual(kept.decide(query="word").ads, ["other"])

    def test_what_a_killed_build_of_the_same_image_left_is_removed(self):
        server = self.serve(ADS)
        image = server.state / server.images()[0]
        server.stop()
        image.unlink()
        for end in (".4711.tmp", ".lock"):
            image.with_name(image.name + end).write_bytes(b"x")
        server.start()
        self.assertEqual({path.suffix for path in server.state.iterdir()}, {".admx", ".last"})

    def test_images_of_inventories_that_are_gone_are_removed_after_a_while(self):
        other = self.folder / "other.jsonl"
        put(other, [ad("other", "word")])
        self.serve(None, inventory=other, name="other").stop()
        other.unlink()
        server = self.serve(ADS)
        self.assertEqual(len(server.images()), 2, "it may come back")
        server.stop()
        age_notes(server)
        server.start()
        self.assertEqual(len(server.images()), 1)

    def test_what_a_user_put_there_stays(self):
        state = self.folder / "state"
        state.mkdir(mode=0o700)
        put(self.inventory, ADS)
        image = state / "mine.admx"
        subprocess.run([BUILD / "admatch", "build", self.inventory, "-o", image], check=True, capture_output=True)
        (state / "notes.tmp").write_bytes(b"x")
        server = self.serve(None, inventory=image)
        self.assertEqual(server.decide(query="shoes").ads, ["shoes"])
        self.assertEqual({path.name for path in state.iterdir()} & {"mine.admx", "notes.tmp"}, {"mine.admx", "notes.tmp"})

    def remove_and_see(self, server, remove, said):
        eventually("the mule holds the image", lambda: server.mule() and held_images(server.mule()))
        remove(server.state)
        began = time.monotonic()
        server.logged(said)
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual(server.state.stat().st_mode & 0o777, 0o700)
        for pid in server.workers():
            os.kill(pid, signal.SIGKILL)
        eventually("new workers serve it", lambda: server.answers() and server.decide(query="shoes").status == 200)
        self.assertEqual(server.decide(query="shoes").ads, ["shoes"])

    @forks_late
    def test_a_published_image_that_is_removed_is_put_back(self):
        for refresh in (0, 1):
            for remove in (lambda state: [path.unlink() for path in state.iterdir()], shutil.rmtree):
                server = self.serve(ADS, f"admatch-refresh = {refresh}", name=f"refresh{refresh}")
                self.remove_and_see(server, remove, "was gone, and has been put back")
                self.assertEqual({path.suffix for path in server.state.iterdir()}, {".admx", ".last"})
                server.stop()

    @forks_late
    def test_a_removed_folder_is_made_again_whatever_the_inventory_is_like(self):
        """It cannot be built again from an inventory that is refused or away."""
        for name, spoil in (("refused", lambda: self.inventory.write_text("{")), ("away", self.inventory.unlink)):
            server = self.serve(ADS, name=name)
            spoil()
            server.logged("inventory refused")
            self.remove_and_see(server, shutil.rmtree, "was gone, and has been put back")
            self.assertEqual(server.metrics()["admatch_builds_total"] + server.metrics()["admatch_found_total"], 1)
            server.stop()

    @forks_late
    def test_a_truncated_image_is_built_again(self):
        server = self.serve(ADS)
        image = server.state / server.images()[0]
        size = image.stat().st_size
        os.truncate(image, 4096)
        server.logged("was gone or damaged, and has been made again")
        self.assertEqual(image.stat().st_size, size)
        eventually("all workers have moved to it", lambda: all(mapped_inodes(pid) == {image.stat().st_ino} for pid in server.workers()))
        self.assertEqual(server.decide(query="shoes").ads, ["shoes"])

    @forks_late
    def test_workers_that_a_truncated_image_ends_serve_again(self):
        server = self.serve(ADS, "processes = 1")
        os.truncate(server.state / server.images()[0], 4096)
        with contextlib.suppress(OSError, http.client.HTTPException):
            server.decide(query="shoes")
        eventually("it serves again", lambda: server.answers() and server.decide(query="shoes").status == 200)
        server.log_path.write_text("")  # the fault was wanted

    @forks_late
    def test_a_worker_that_starts_while_the_folder_cannot_be_used_says_so_and_recovers(self):
        server = self.serve(ADS, "processes = 2", "threads = 2")
        lags = lambda: server.metrics()["admatch_lagging_cores"]
        server.state.chmod(0o755)  # refused, as others can enter
        victim, *_ = server.workers()
        os.kill(victim, signal.SIGKILL)
        server.logged("has none to serve")
        eventually("its cores lag", lambda: server.answers() and lags() == 2)
        for _ in range(20):
            self.assertIn(server.decide(query="shoes").status, (200, 503))
        self.assertEqual(lags(), 2, "requests that it refuses change nothing")
        server.state.chmod(0o700)
        server.logged("serves generation")
        eventually("no core lags", lambda: lags() == 0)
        for _ in range(20):
            self.assertEqual(server.decide(query="shoes").status, 200)

    def test_an_image_whose_time_is_set_is_left_alone(self):
        server = self.serve(ADS)
        image = server.state / server.images()[0]
        inode = image.stat().st_ino
        os.utime(image, (1, 1))
        time.sleep(3)
        self.assertEqual(image.stat().st_ino, inode)
        self.assertNotIn("again", server.log())

    def test_notes_that_are_none_are_passed_over(self):
        state = self.folder / "state"
        state.mkdir(mode=0o700)
        (state / ("1" * 32 + ".last")).touch()
        (state / ("2" * 32 + ".last")).write_bytes(b"one line")
        os.mkfifo(state / ("3" * 32 + ".last"))
        server = self.serve(ADS)
        self.assertEqual(server.decide(query="shoes").ads, ["shoes"])
        self.assertEqual(len([path for path in state.iterdir() if path.suffix == ".last"]), 1)

    def test_an_image_brings_its_time_zones_along(self):
        put(self.inventory, [ad("berlin", "shoes", timezone="Europe/Berlin", targeting={"hour": [12]})])
        image = self.folder / "compiled.admx"
        subprocess.run([BUILD / "admatch", "build", self.inventory, "-o", image], check=True, capture_output=True)
        server = self.serve(None, "admatch-test = true", inventory=image, variables={"TZDIR": "/nowhere"})
        self.assertEqual(server.decide(query="shoes", now="2026-06-29T10:30:00Z").ads, ["berlin"])
        self.assertEqual(server.decide(query="shoes", now="2026-06-29T12:30:00Z").ads, [])

    def test_an_inventory_with_unknown_time_zones_is_refused(self):
        server = self.serve(ADS, variables={"TZDIR": "/nowhere"})
        self.assertIn("no time zone is known but UTC: install the package tzdata", server.log())
        put(self.inventory, [ad("berlin", "shoes", timezone="Europe/Berlin", targeting={"hour": [0]})])
        server.logged("inventory refused, the generation before it goes on serving")
        self.assertEqual(server.decide(query="shoes").ads, ["shoes"])

    def test_a_compiled_image_is_copied_so_that_nobody_rewrites_it(self):
        put(self.inventory, ADS)
        image = self.folder / "compiled.admx"
        subprocess.run([BUILD / "admatch", "build", self.inventory, "-o", image], check=True, capture_output=True)
        server = self.serve(None, inventory=image)
        self.assertEqual(server.decide(query="shoes").ads, ["shoes"])
        self.assertRegex(server.images()[0], "-copy.admx$")
        image.write_bytes(b"rewritten")
        server.logged("refused")
        self.assertEqual(server.decide(query="shoes").ads, ["shoes"])

    def test_a_gzip_inventory_is_served(self):
        put(self.inventory, ADS, packed=True)
        self.assertEqual(self.serve().decide(query="shoes").ads, ["shoes"])


class SharingTest(ServerTest):
    def inodes(self, server):
        return set().union(*map(mapped_inodes, server.workers()))

    def test_instances_with_the_same_inventory_map_the_same_pages(self):
        first = self.serve(ADS, name="first")
        second = self.serve(None, name="second")
        self.assertEqual(self.inodes(first), self.inodes(second))
        self.assertEqual(len(self.inodes(first)), 1)
        self.assertIn("found in", second.log())

    def test_equal_inventories_at_different_paths_share_and_one_can_move_on(self):
        copy = self.folder / "copy.jsonl"
        put(copy, ADS)
        first, second = self.serve(ADS, name="first"), self.serve(None, inventory=copy, name="second")
        self.assertEqual(self.inodes(first), self.inodes(second))
        put(self.inventory, [ad("new", "shoes")])
        eventually("the first has moved", lambda: first.decide(query="shoes").ads == ["new"])
        self.assertEqual(second.decide(query="shoes").ads, ["shoes"])
        self.assertEqual(len(first.images()), 2)

    @forks_late
    def test_a_neighbour_s_swaps_leave_the_image_of_one_whose_inventory_is_away(self):
        """In memory, for workers that start, and through a reload."""
        other = self.folder / "other.jsonl"
        put(other, [ad("other", "word")])
        vassal, neighbour = self.serve(None, inventory=other, name="vassal"), self.serve(ADS, name="neighbour")
        other.unlink()
        vassal.logged("inventory refused")
        for number in range(20):
            age_notes(neighbour)
            put(self.inventory, [ad(f"ad{number}", "shoes")])
            neighbour.command("a")
            eventually("the neighbour has swapped", lambda: neighbour.decide(query="shoes").ads == [f"ad{number}"])
            self.assertEqual(vassal.decide(query="word").ads, ["other"])
        for pid in vassal.workers():
            os.kill(pid, signal.SIGKILL)
        eventually("new workers serve it", lambda: vassal.answers() and vassal.decide(query="word").status == 200)
        vassal.process.send_signal(signal.SIGHUP)
        vassal.logged("serving the last good generation")
        eventually("it serves again", vassal.answers)
        self.assertEqual(vassal.decide(query="word").ads, ["other"])
        self.assertNotIn("again", vassal.log().replace("respawned again", ""))
        eventually("only what is served is left", lambda: len(vassal.images()) == 2)

    @unittest.skipUnless(os.geteuid() == 0, "only root can unshare mounts")
    def test_instances_in_mount_namespaces_of_their_own_share_a_folder(self):
        """None sees the inventory of the other, and none removes its image."""
        servers = []
        for name in ("first", "second"):
            hidden = self.folder / name
            hidden.mkdir()
            put(self.folder / f"{name}.jsonl", [ad(name, "word")])
            script = 'mount -t tmpfs none "$1" && cp "$2" "$1/ads.jsonl" && shift 2 && exec "$@"'
            inside = ["unshare", "--mount", "sh", "-c", script, "sh", str(hidden), str(self.folder / f"{name}.jsonl")]
            servers.append(self.serve(None, inventory=hidden / "ads.jsonl", name=name, inside=inside))
        for number in range(6):
            server = servers[number % 2]
            age_notes(server)
            put(pathlib.Path(f"/proc/{server.process.pid}/root{self.folder}/{server.name}/ads.jsonl"), [ad(f"ad{number}", "word")])
            eventually("it has swapped", lambda: server.decide(query="word").ads == [f"ad{number}"])
        time.sleep(3)
        for server in servers:
            self.assertEqual(server.metrics()["admatch_builds_total"], 4)
            self.assertNotIn("again", server.log())

    def hold(self, name):
        """Locks a file of the state folder, as a process that is stuck would."""
        lock = os.open(self.folder / "state" / name, os.O_RDWR | os.O_CREAT, 0o600)
        self.addCleanup(os.close, lock)
        fcntl.flock(lock, fcntl.LOCK_EX)

    def test_a_start_that_waits_for_a_lock_says_so_and_can_be_ended(self):
        put(self.inventory, ADS)
        server = self.serve(None)
        image = server.images()[0]
        server.stop()
        (self.folder / "state" / image).unlink()
        self.hold(f"{image}.lock")
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number):
                server = self.serve(None, start=False, name=f"waits{int(number)}")
                server.spawn()
                eventually("it says that it waits", lambda: f"{image}.lock locked" in server.log())
                server.process.send_signal(number)
                self.assertEqual(server.ends(), 0, server.log())
                self.assertIn("asked to end before the inventory was read", server.log())

    def test_a_locked_folder_keeps_nobody_from_starting(self):
        put(self.inventory, ADS)
        (self.folder / "state").mkdir(mode=0o700)
        self.hold("folder.lock")
        self.assertEqual(self.serve(None).decide(query="shoes").ads, ["shoes"])

    def test_instances_that_start_at_once_build_once(self):
        put(self.inventory, [ad(f"ad{n}", f"word{n}") for n in range(5000)])
        servers = [self.serve(None, start=False, name=f"server{n}") for n in range(4)]
        for server in servers:
            server.spawn()
        for server in servers:
            eventually("it answers", server.answers)
        logs = "".join(server.log() for server in servers)
        self.assertEqual((logs.count("bytes built in"), logs.count("bytes found in")), (1, 3))
        self.assertEqual(len(set().union(*(self.inodes(server) for server in servers))), 1)

    @unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
    def test_workers_of_another_user_can_follow(self):
        os.chmod(self.folder, 0o755)
        state = self.folder / "state"
        state.mkdir(mode=0o700)
        for path in (state, self.folder):  # uWSGI makes files there, too, when it drops its privileges early
            shutil.chown(path, "nobody", "nogroup")
        for option in ("", "master-as-root = true"):
            with self.subTest(option=option):
                server = self.serve(ADS, "uid = nobody", "gid = nogroup", option)
                self.assertEqual(server.decide(query="shoes").ads, ["shoes"])
                put(self.inventory, [ad("new", "shoes")])
                eventually("the new ad is served", lambda: server.decide(query="shoes").ads == ["new"])
                server.stop()


if __name__ == "__main__":
    unittest.main()
