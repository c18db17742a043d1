"""Network namespaces as machines: each has an address of its own, and a cable that can be cut."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator

from appliance import POLL_S, SLACK, is_zombie

CLONE_NEWNET = 0x40000000
RELAY_BYTES, RELAY_DIAL_S = 65536, 2.0
libc = ctypes.CDLL(None, use_errno=True)


def ip(*words: str) -> str:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"
    return done.stdout


def nginx() -> str | None:
    return shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")


def why_not() -> str:
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None or nginx() is None:
        return "ip and nginx are not installed"
    return "" if subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode == 0 else "no network namespaces here"


def enter(name: str) -> None:
    """This thread, and what it starts, is on that machine from now on."""
    with open(f"/run/netns/{name}") as there:
        assert libc.setns(there.fileno(), CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())


@contextlib.contextmanager
def inside(name: str) -> Iterator[None]:
    with open("/proc/self/task/%d/ns/net" % threading.get_native_id()) as home:
        enter(name)
        try:
            yield
        finally:
            assert libc.setns(home.fileno(), CLONE_NEWNET) == 0


class Machine:
    """One namespace on a street of them."""

    def __init__(self, street: "Street", name: str, address: str) -> None:
        self.street, self.name, self.address = street, name, address
        self.netns = f"og-{name}-{street.mark}"

    def inside(self) -> contextlib.AbstractContextManager[None]:
        return inside(self.netns)

    def command(self, *words: str) -> list[str]:
        """The words, to be run there, under the machine's own host name."""
        return ["nsenter", f"--net=/run/netns/{self.netns}", "unshare", "--uts", "sh", "-c",
                'echo "$0" >/proc/sys/kernel/hostname && exec "$@"', self.name, *words]

    def pids(self) -> list[int]:
        return [pid for pid in map(int, ip("netns", "pids", self.netns).split()) if not is_zombie(pid)]

    def _signal(self, number: int) -> None:
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self) -> None:
        """As if the power had gone, for all processes at once."""
        deadline = time.monotonic() + 10 * SLACK
        while self.pids():
            self._signal(signal.SIGKILL)
            assert time.monotonic() < deadline, f"{self.name}: cannot be killed"
            time.sleep(POLL_S)

    def freeze(self) -> None:
        """Stopped processes start no others: twice is enough for those that were just started."""
        for _ in range(2):
            self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def cut(self) -> None:
        ip("-n", self.street.netns, "link", "set", f"to-{self.name}", "down")

    def plug(self) -> None:
        ip("-n", self.street.netns, "link", "set", f"to-{self.name}", "up")


class Street:
    """A switch (10.77.0.1) with machines on it."""

    def __init__(self) -> None:
        self.mark = uuid.uuid4().hex[:6]
        self.netns = f"og-street-{self.mark}"
        self.machines: list[Machine] = []
        self.relays: list[Relay] = []
        ip("netns", "add", self.netns)
        ip("-n", self.netns, "link", "set", "lo", "up")
        ip("-n", self.netns, "link", "add", "switch", "type", "bridge", "forward_delay", "0")
        ip("-n", self.netns, "address", "add", "10.77.0.1/24", "dev", "switch")
        ip("-n", self.netns, "link", "set", "switch", "up")

    def add(self, name: str) -> Machine:
        one = Machine(self, name, f"10.77.0.{10 + len(self.machines)}")
        self.machines.append(one)
        ip("netns", "add", one.netns)
        ip("-n", one.netns, "link", "set", "lo", "up")
        ip("-n", self.netns, "link", "add", f"to-{name}", "type", "veth", "peer", "name", "cable", "netns", one.netns)
        ip("-n", one.netns, "address", "add", f"{one.address}/24", "dev", "cable")
        ip("-n", one.netns, "link", "set", "cable", "up")
        ip("-n", self.netns, "link", "set", f"to-{name}", "master", "switch", "up")
        return one

    def relay(self, listen: str | None, at: tuple[str, int], dial: str | None, to: tuple[str, int]) -> "Relay":
        self.relays.append(Relay(listen, at, dial, to))
        return self.relays[-1]

    def remove(self) -> None:
        for relay in self.relays:
            relay.close()
        for one in self.machines:
            one.kill()
            ip("netns", "delete", one.netns)
        ip("netns", "delete", self.netns)


class Relay:
    """Connections that are taken in one namespace and go on from another; None is the test's own."""

    def __init__(self, listen: str | None, at: tuple[str, int], dial: str | None, to: tuple[str, int]) -> None:
        with inside(listen) if listen else contextlib.nullcontext():
            self._listener = socket.create_server(at, backlog=256)
        self.port = self._listener.getsockname()[1]
        self._dial, self._to = dial, to
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        if self._dial:
            enter(self._dial)  # the threads that this one starts are there, too
        while True:
            try:
                near = self._listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        with near:
            try:
                far = socket.create_connection(self._to, RELAY_DIAL_S)
            except OSError:
                return
            with far:
                far.settimeout(None)
                back = threading.Thread(target=self._pump, args=(far, near), daemon=True)
                back.start()
                self._pump(near, far)
                back.join()

    @staticmethod
    def _pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(RELAY_BYTES):
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
