# SPDX-License-Identifier: MIT
"""A plain Debian 12 in a folder, which can be booted: systemd in namespaces of its own, no virtual machine."""
from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import time

import pytest

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}

# $1 the folder, $2 the name of a cgroup of ours. The first shell makes the cgroup that will be
# systemd's root; the second one, in the namespaces, the tree that it expects.
ENTER = """set -e
mount --make-rprivate /
mount -t cgroup2 cgroup2 "$1/mnt"
mkdir -p "$1/mnt/$2"
echo $$ >"$1/mnt/$2/cgroup.procs"
umount "$1/mnt"
exec unshare --pid --fork --kill-child --cgroup --uts --ipc --net sh -ec '
	mount --bind "$1" "$1"
	cd "$1"
	mount -t proc proc proc
	mount -t sysfs -o ro sysfs sys
	mount -t cgroup2 cgroup2 sys/fs/cgroup
	mount -t tmpfs -o mode=755 tmpfs dev
	for node in null zero full random urandom tty; do touch dev/$node; mount --bind /dev/$node dev/$node; done
	mkdir dev/pts dev/shm
	ln -s pts/ptmx dev/ptmx
	mount -t tmpfs -o mode=755 tmpfs run
	mkdir -p mnt
	pivot_root . mnt
	cd /
	umount -l mnt
	mount --make-rshared /
	ip link set lo up 2>/dev/null || true
	exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd
' sh "$1"
"""

# Its cgroups, when nobody is in them any more.
LEAVE = 'mount -t cgroup2 cgroup2 "$1" && find "$1/$2" -depth -type d -exec rmdir {} +'

needed = [
    pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="mmdebstrap is not installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a chroot"),
]


class Debian:
    def __init__(self, folder: pathlib.Path) -> None:
        self.root = folder
        self._process: subprocess.Popen | None = None
        self._cgroup = f"ordergate-test-{os.getpid()}"

    @classmethod
    def make(cls, folder: pathlib.Path) -> "Debian":
        done = subprocess.run(["mmdebstrap", "--variant=minbase", "--dpkgopt=force-unsafe-io",
                               "--include=systemd,openssl,iproute2,curl,procps", "bookworm", folder],
                              capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr[-2000:]
        shutil.copy("/etc/resolv.conf", folder / "etc" / "resolv.conf")
        # Nobody tells such a machine the time, as behind some hypervisors (docs/install.md).
        (folder / "etc" / "systemd" / "system" / "systemd-time-wait-sync.service").symlink_to("/dev/null")
        return cls(folder)

    def put(self, source: pathlib.Path, name: str) -> str:
        shutil.copy(source, self.root / "root" / name)
        return f"/root/{name}"

    # --- as a machine

    def boot(self) -> None:
        """Returns when systemd starts what the machine is for."""
        assert self._process is None
        self._process = subprocess.Popen(["unshare", "--mount", "sh", "-c", ENTER, "sh", self.root, self._cgroup],
                                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 60
        while self.init_pid() is None or self.try_run("systemctl", "is-active", "basic.target").returncode != 0:
            assert self._process.poll() is None, self._process.stderr.read().decode()
            assert time.monotonic() < deadline, self.try_run("systemctl", "list-jobs").stdout
            time.sleep(0.2)

    def init_pid(self) -> str | None:
        """The pid, as we see it, of the systemd inside. None: there is none yet."""
        outer = self._process.pid
        for pid in pathlib.Path(f"/proc/{outer}/task/{outer}/children").read_text().split():
            if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == "systemd":
                return pid
        return None

    def halt(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None
        for _ in range(50):
            if subprocess.run(["unshare", "--mount", "sh", "-c", LEAVE, "sh", self.root / "mnt", self._cgroup],
                              capture_output=True).returncode == 0:
                return
            time.sleep(0.1)

    # --- commands

    def try_run(self, *command: str, timeout: float = 300) -> subprocess.CompletedProcess:
        if self._process is None:
            inner = ["unshare", "--mount", "--pid", "--fork", "sh", "-ec",
                     'mount -t proc proc "$1/proc"; root=$1; shift; exec chroot "$root" "$@"', "sh", self.root]
        else:
            inner = ["nsenter", "--target", self.init_pid(), "--all", "--root", "sh", "-c", 'cd / && exec "$@"', "sh"]
        return subprocess.run([*inner, *command], capture_output=True, text=True, env=ENVIRONMENT, timeout=timeout,
                              stdin=subprocess.DEVNULL)

    def run(self, *command: str, timeout: float = 300) -> str:
        done = self.try_run(*command, timeout=timeout)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr
