# SPDX-License-Identifier: MIT
"""One virtual machine of the image, as an administrator would make it."""
import collections.abc
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ORDERGATE_BUILD", ROOT / "build"))
BOOT_S = float(os.environ.get("VM_BOOT_S", "600"))  # the promise is 60; a machine with other work gets time
HOOK = "/sbermarket/orders/hook/"


SMALL = "pool { hook = 2 assembly = 1 }\nhttp { requests_per_second = 0 }\n"  # starts sooner in an emulator


def say(text: str) -> None:
    print(f"\n{text}; load {os.getloadavg()[0]:.1f}", flush=True)


def missing() -> str:
    """What is not there to build and boot an image, or ""."""
    tools = ("qemu-system-x86_64", "qemu-img", "genisoimage", "mmdebstrap", "mksquashfs", "mkfs.vfat", "mcopy", "grub-mkimage",
             "sfdisk", "e2fsck", "debugfs", "ssh")
    files = ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/lib/systemd/boot/efi/systemd-bootx64.efi")
    gone = [tool for tool in tools if shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin") is None]
    gone += [path for path in files if not os.path.exists(path)]
    if gone:
        return "skipped: no virtual machine without " + ", ".join(gone)
    return "" if os.geteuid() == 0 else "skipped: mmdebstrap needs root"


def skip_loudly() -> None:
    why = missing()
    if why:
        print(f"\n{why}", flush=True)
        pytest.skip(why, allow_module_level=True)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Machine:
    def __init__(self, folder: pathlib.Path, image: pathlib.Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.image = folder, image
        self.config = folder / "config"
        self.data: pathlib.Path | str = folder / "data.raw"
        self.serial = folder / "serial.log"
        self.secrets: dict[str, str] = {}
        self.keep = False
        self.options: list[str] = []  # for power_on(), of whoever switches it on again
        self.https = self.http = self.ssh_port = 0
        self._sshd_answers = False
        self._process: subprocess.Popen | None = None
        (self.config / "credentials").mkdir(parents=True)
        self.put("time", "host")
        for name in ("hook-token", "assembly-token"):
            self.secrets[name] = f"{name}-of-the-drive"
            self.put(f"credentials/{name}", self.secrets[name])

    def put(self, name: str, text: str) -> None:
        path = self.config / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def power_on(self, *options: str) -> None:
        drive = self.folder / "config.iso"
        subprocess.run([ROOT / "vm-images" / "mkconfig", self.config, drive], check=True)
        self.https, self.http, self.ssh_port = free_port(), free_port(), free_port()
        self._sshd_answers = False
        self._process = subprocess.Popen(
            [ROOT / "vm-images" / "run-vm", self.image, self.data, drive, "--https", str(self.https), "--http",
             str(self.http), "--ssh", str(self.ssh_port), "--serial", self.serial, *(["--keep"] if self.keep else []), *options],
            stdin=subprocess.DEVNULL, stderr=(self.folder / "qemu.log").open("w"), start_new_session=True)

    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def keep_changes(self) -> None:
        """A disk of its own, as on real iron: what is written to it stays, and a restart is one."""
        self.image = pathlib.Path(shutil.copy(self.image, self.folder))
        self.keep = True

    def give_key(self) -> None:
        """An administrator's, for ssh()."""
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / "key"], check=True)
        self.put("authorized_keys", (self.folder / "key.pub").read_text())

    def _wait_for_sshd(self, seconds: float = 300) -> None:
        """It is there after the services. An open port says nothing: the hypervisor opens it."""
        deadline = time.monotonic() + seconds
        while not self._sshd_answers:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.ssh_port), timeout=20) as connection:
                self._sshd_answers = connection.recv(4) == b"SSH-"
            assert self._sshd_answers or time.monotonic() < deadline, f"no ssh\n{self.report()}"
            time.sleep(0.3)

    def try_ssh(self, *command: str, key: pathlib.Path | None = None, stdin: pathlib.Path | None = None,
                timeout: float = 600) -> subprocess.CompletedProcess[str]:
        self._wait_for_sshd()
        source = stdin.open("rb") if stdin else subprocess.DEVNULL
        return subprocess.run([*self._ssh_command(key), *command], stdin=source, capture_output=True, text=True, timeout=timeout)

    def _ssh_command(self, key: pathlib.Path | None, *options: str) -> list[str | pathlib.Path]:
        return ["ssh", "-i", key or self.folder / "key", "-p", str(self.ssh_port), "-o", "IdentitiesOnly=yes",
                "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
                "-o", "BatchMode=yes", "-o", "ConnectTimeout=60", *options, "root@127.0.0.1"]

    @contextlib.contextmanager
    def shown_inside(self, port: int, port_inside: int) -> collections.abc.Iterator[None]:
        """A port of this machine's loopback at the loopback of that one."""
        self._wait_for_sshd()
        process = subprocess.Popen(self._ssh_command(None, "-N", "-o", "ExitOnForwardFailure=yes",
                                                     "-R", f"127.0.0.1:{port_inside}:127.0.0.1:{port}"), stdin=subprocess.DEVNULL)
        try:
            yield
            assert process.poll() is None, "the tunnel has ended"
        finally:
            process.kill()
            process.wait()

    def ssh(self, *command: str, stdin: pathlib.Path | None = None, timeout: float = 600) -> str:
        done = self.try_ssh(*command, stdin=stdin, timeout=timeout)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}\n{self.report()}"
        return done.stdout.strip()

    def power_cut(self) -> None:
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def request(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, str, dict]:
        connection = http.client.HTTPSConnection("127.0.0.1", self.https, timeout=10,
                                                 context=ssl._create_unverified_context())  # self-made certificate
        try:
            connection.request(method, path, None if body is None else json.dumps(body),
                               {key.replace("_", "-"): value for key, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), dict(answer.headers)
        finally:
            connection.close()

    def wait_for(self, path: str, status: int, seconds: float = BOOT_S) -> float:
        """Seconds until the path answers so. An open port says nothing: the hypervisor opens it."""
        began = time.monotonic()
        last: object = None
        while time.monotonic() - began < seconds:
            assert self._process is not None and self._process.poll() is None, self.report()
            try:
                last = self.request("GET", path)
                if last[0] == status:
                    return time.monotonic() - began
            except OSError as error:
                last = error
            except http.client.HTTPException as error:
                last = error
            time.sleep(0.3)
        raise AssertionError(f"{path} is not {status} after {seconds} s but {last}\n{self.report()}")

    def wait_while(self, path: str, status: int, seconds: float = BOOT_S) -> None:
        deadline = time.monotonic() + seconds
        try:
            while self.request("GET", path)[0] == status:
                assert time.monotonic() < deadline, f"{path} is still {status}\n{self.report()}"
                time.sleep(0.3)
        except (OSError, http.client.HTTPException):
            return

    def wait_for_output(self, command: str, wanted: str, unwanted: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            line = next((line for line in self.try_ssh(command).stdout.splitlines() if wanted in line), unwanted)
            if unwanted not in line:
                return
            assert time.monotonic() < deadline, f"{command}: {line}\n{self.report()}"
            time.sleep(2)

    def report(self) -> str:
        logs = [path.read_text(errors="replace")[-6000:] for path in (self.serial, self.folder / "qemu.log") if path.exists()]
        return "\n".join(logs)

    def send_order(self, name: str) -> tuple[int, str]:
        body = {"event_type": "order.created", "timestamp": "2026-03-14T09:12:41+03:00", "payload": {
            "originalOrderId": name, "storeID": "1207", "positions": [
                {"id": "100245871", "originalQuantity": 2, "quantity": 2, "price": "89.90", "discountPrice": "79.90",
                 "weight": "", "totalPrice": "179.80", "totalDiscountPrice": "159.80"}]}}
        return self.request("POST", HOOK, body, Client_Token=self.secrets["hook-token"])[:2]

    def order(self, name: str) -> dict:
        status, text = self.send_order(name)
        assert status == 200, text
        return json.loads(text)

    def order_until_taken(self, name: str, seconds: float = 300) -> dict:
        """As a marketplace does: what is answered by 503 is sent again. Right after a start an emulator is that slow."""
        deadline = time.monotonic() + seconds
        while True:
            status, text = self.send_order(name)
            if status != 503:
                break
            assert time.monotonic() < deadline, text
            time.sleep(1)
        assert status == 200, text
        return json.loads(text)

    def orders(self) -> dict[str, str]:
        """The pickers' list: external id to state. Nothing while it is busy."""
        status, text, _ = self.request("POST", "/sbermarket/orders/api/getOrders", {"requestData": {"storeId": "1207"}},
                                       Client_Token=self.secrets["assembly-token"])
        if status == 503:
            return {}
        assert status == 200, text
        return {order["externalId"]: order["state"] for order in json.loads(text)["result"]["orders"]}

    def wait_for_order(self, name: str, state: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while self.orders().get(name) != state:
            assert time.monotonic() < deadline, f"{name}: {self.orders()}"
            time.sleep(0.3)


if __name__ == "__main__":  # ./check asks
    print(missing())
