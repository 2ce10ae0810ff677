# SPDX-License-Identifier: Apache-2.0
"""README's promise, kept or not: a Debian 12 that has only its minimal system, a clone of this repository in it, and the two
commands. Then the package, built, installed and started there (inside.sh). What apt is configured to use on this machine
is used there, too. Needs root; without it, says so and passes. Usage: run.py"""

import os
import pathlib
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SYSTEM = ROOT / "build" / "fresh"
SUITE = "bookworm"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def run(*command, **more):
    return subprocess.run([str(word) for word in command], check=True, **more)


def output(*command, **more):
    return run(*command, stdout=subprocess.PIPE, text=True, **more).stdout.strip()


def archives():
    """(address, suite) of each of Debian 12's archives that apt knows here, the main one first."""
    lines = output("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages").splitlines()
    found = [tuple(line.split()[:2]) for line in lines if line.endswith(" main")]
    return sorted({(address, suite) for address, suite in found if suite.startswith(SUITE)}, key=lambda archive: archive[1])


def proxies():
    """How apt gets out of this machine, as lines of its configuration."""
    lines = output("apt-config", "dump", "Acquire").splitlines()
    return [line for line in lines if "::proxy" in line.lower() and '""' not in line]


def committed():
    """The commit that a clone gets; changes of the work tree that git knows of are in it."""
    stashed = output("git", "stash", "create", cwd=ROOT)
    return stashed or output("git", "rev-parse", "HEAD", cwd=ROOT)


def install_system(sources):
    shutil.rmtree(SYSTEM, ignore_errors=True)
    SYSTEM.parent.mkdir(exist_ok=True)
    run("debootstrap", "--variant=minbase", f"--keyring={KEYRING}", SUITE, SYSTEM, sources[0][0], stdout=subprocess.DEVNULL)
    apt = SYSTEM / "etc" / "apt"
    apt.joinpath("sources.list").write_text("".join(f"deb [signed-by={KEYRING}] {address} {suite} main\n" for address, suite in sources))
    apt.joinpath("apt.conf.d", "90proxy").write_text("".join(line + "\n" for line in proxies()))
    for name in ("resolv.conf", "hosts"):
        shutil.copyfile(f"/etc/{name}", SYSTEM / "etc" / name)
    # What is downloaded once is enough.
    SYSTEM.joinpath("etc/apt/apt.conf.d/91keep").write_text('APT::Keep-Downloaded-Packages "true";\n')


def put_repository():
    run("git", "init", "-q", "--bare", SYSTEM / "srv" / "admatch.git")
    run("git", "push", "-q", SYSTEM / "srv" / "admatch.git", f"{committed()}:refs/heads/main", cwd=ROOT)
    run("git", "-C", SYSTEM / "srv" / "admatch.git", "symbolic-ref", "HEAD", "refs/heads/main")
    shutil.copyfile(HERE / "inside.sh", SYSTEM / "srv" / "inside.sh")


def enter():
    """In namespaces of its own, so that nothing that is started or mounted outlives it. The variables of this session stay out."""
    script = ("mount -t proc proc proc && mount -t sysfs -o ro sysfs sys && mkdir -p dev/shm && mount -t tmpfs tmpfs dev/shm && "
              "mount -t tmpfs tmpfs tmp && exec chroot . env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin bash /srv/inside.sh")
    return subprocess.run(["unshare", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "sh", "-c", script], cwd=SYSTEM,
                          stdin=subprocess.DEVNULL).returncode


def main():
    if os.geteuid():
        print("fresh: skipped: only root can make another system")
        return 0
    sources = archives()
    if not sources:
        print(f"fresh: skipped: apt knows no archive of {SUITE} here")
        return 0
    began = time.monotonic()
    install_system(sources)
    put_repository()
    status = enter()
    print(f"fresh: {'FAILED' if status else 'passed'}, {time.monotonic() - began:.0f} s")
    if not status:
        shutil.rmtree(SYSTEM)
    return 1 if status else 0


if __name__ == "__main__":
    sys.exit(main())
