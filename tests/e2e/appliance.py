"""The whole appliance as a test's own: on free ports, in a folder of its own, gone afterwards."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stores import Store

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("ORDERGATE_BUILD", ROOT / "build"))
BIN = BUILD / "bin"
# Times that contract.md promises, and room for a machine that is busy with other things.
UP_S, BACK_S, STOP_S, SLACK = 10.0, 3.0, 15.0, float(os.environ.get("ORDERGATE_TEST_SLACK", "3"))
POLL_S, PATIENCE_S = 0.02, 60.0
UP_LINE = "Ordergate is up"


class TooLate(AssertionError):
    """A condition was not met before its deadline."""


def within(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """The first true value of condition(), which was promised to be there by then. Looks again and again until the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TooLate(f"not within {seconds:g} s: {what}")
        time.sleep(POLL_S)


def wait_until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """The same where nobody promised a time: a machine that is slow or busy has a minute at least."""
    return within(condition, max(seconds, PATIENCE_S), what)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def is_zombie(pid: int) -> bool:
    return b") Z " in _read(f"/proc/{pid}/stat")


def processes_of(state: Path) -> dict[int, list[str]]:
    """Arguments of every live process that names the state directory: in its arguments, its environment or, as the
    workers of nginx do, by its working directory."""
    name = os.fsencode(state)
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid() or is_zombie(int(entry)):
            continue
        arguments = _read(f"/proc/{entry}/cmdline")
        try:
            folder = os.fsencode(os.readlink(f"/proc/{entry}/cwd"))
        except OSError:
            folder = b""
        if name in arguments or b"ORDERGATE_STATE=" + name + b"\0" in _read(f"/proc/{entry}/environ") or (
                folder == name + b"/run/nginx"):
            found[int(entry)] = os.fsdecode(arguments).split("\0")
    return found


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self) -> Any:
        import json
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"<{self.status} {self.body[:300]!r}>"


class Appliance:
    """start() and stop() may be called again and again on the same state."""

    def __init__(self, folder: Path, config: str = "", bin_folder: Path | None = None, database: Any = None) -> None:
        self.folder = folder
        self.state = (folder / "state").resolve()
        self.data = Store(self.state, database)
        self.config = folder / "ordergate.conf"
        self.port = free_port()
        self.bin = bin_folder
        self.process: subprocess.Popen[str] | None = None
        self.screen_path = folder / "screen.txt"
        self.extra: list[str] = []
        self.environment: dict[str, str] = {}
        self.by_up = False
        self.has_config = True
        self.write_config(config)

    def write_config(self, text: str) -> None:
        """The rate limit is off unless the text says otherwise: tests are faster than people."""
        self.config.write_text(self.data.named_in("http { requests_per_second = 0 }\n" + text), encoding="utf-8")

    # --- life

    def command(self) -> list[str]:
        program = [str(ROOT / "up"), "--no-install"] if self.by_up else [str(BIN / "ordergate-supervisor")]
        command = [*program, "--state", str(self.state), "--port", str(self.port)]
        command += ["--config", str(self.config)] if self.has_config else []
        command += ["--bin", str(self.bin)] if self.bin else []
        return command + self.extra

    def launch(self, user: int | None = None) -> None:
        """Start without waiting, as that user if we are root."""
        assert self.process is None, "already started"
        with open(self.screen_path, "w", encoding="utf-8") as screen:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=screen, stderr=screen,
                                            text=True, user=user, group=user, env={**os.environ, "ORDERGATE_BUILD": str(BUILD),
                                                 **self.environment})

    def start(self, seconds: float = UP_S * SLACK) -> "Appliance":
        self.launch()
        try:
            within(self._is_up_or_over, seconds, "the appliance is up")
        except TooLate:
            raise TooLate(f"not up within {seconds:g} s\n{self.report()}") from None
        assert UP_LINE in self.screen(), f"it ended instead of starting\n{self.report()}"
        return self

    def _is_up_or_over(self) -> bool:
        return UP_LINE in self.screen() or self.process is None or self.process.poll() is not None

    def stop(self, number: int = signal.SIGTERM, seconds: float = STOP_S) -> int:
        """Its exit code. Fails when it takes longer than promised or leaves a process."""
        assert self.process is not None, "not started"
        self.process.send_signal(number)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.destroy()
            raise TooLate(f"still there {seconds:g} s after signal {number}\n{self.report()}") from None
        self.process = None
        left = processes_of(self.state)
        self.destroy()
        assert not left, f"left behind: {left}\n{self.report()}"
        return code

    def kill(self) -> None:
        """SIGKILL for the supervisor, and nothing else."""
        assert self.process is not None, "not started"
        self.process.kill()
        self.process.wait()
        self.process = None

    def destroy(self) -> None:
        """End everything, whatever state it is in."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
        for _ in range(100):
            left = processes_of(self.state)
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            if not left:
                return
            time.sleep(POLL_S)

    # --- looking

    def pids(self, service: str) -> dict[int, int]:
        """{instance: pid} of the processes of a service; of nginx {1: pid of the master}."""
        found = {}
        for pid, arguments in processes_of(self.state).items():
            if service == "nginx":
                if "nginx: master" in arguments[0]:
                    found[1] = pid
                continue
            names = [argument for argument in arguments[:2] if argument.endswith(f"/ordergate-{service}")]
            if names and "--instance" in arguments:
                found[int(arguments[arguments.index("--instance") + 1])] = pid
        return found

    def wait_for_new(self, service: str, number: int, old_pid: int, seconds: float = BACK_S * SLACK) -> int:
        """The pid of the instance that replaced old_pid."""
        return within(lambda: self._other(service, number, old_pid), seconds, f"{service}-{number} is back")

    def _other(self, service: str, number: int, old_pid: int) -> int | None:
        pid = self.pids(service).get(number)
        return pid if pid != old_pid else None

    def screen(self) -> str:
        return self.screen_path.read_text(encoding="utf-8", errors="replace") if self.screen_path.exists() else ""

    def log(self) -> str:
        path = self.state / "log" / "ordergate.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def report(self) -> str:
        return f"--- screen\n{self.screen()}\n--- end of the log\n" + "\n".join(self.log().splitlines()[-40:])

    def secret(self, name: str) -> str:
        return (self.state / "secrets" / name).read_text(encoding="utf-8").split()[0]

    def store(self) -> Any:
        """A connection that can only read; the caller closes it."""
        return self.data.look()

    def change(self, sql: str, *values: Any) -> None:
        """What only a test may: write past the writers."""
        self.data.change(sql, *values)

    # --- talking

    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.state / "tls" / "certificate.pem"))

    def connection(self, timeout: float = PATIENCE_S) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=self.tls())

    def request(self, method: str, path: str, body: bytes | str | None = None, headers: dict[str, str] | None = None,
                timeout: float = PATIENCE_S) -> Answer:
        connection = self.connection(timeout)
        try:
            connection.request(method, path, body.encode() if isinstance(body, str) else body, headers or {})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def hook(self, body: bytes | str, token: str | None = None) -> Answer:
        """A notification as the marketplace sends it."""
        return self.request("POST", "/sbermarket/orders/hook/", body,
                            {"Client-Token": token or self.secret("hook-token"), "Content-Type": "application/json"})
