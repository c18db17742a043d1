"""A pgbouncer in transaction mode before a PostgreSQL of postgres_server.py: in a temporary folder, on a UNIX socket, with the
settings that docs/postgresql.md names."""

from __future__ import annotations

import atexit
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time

from appliance import BIN, ROOT, Appliance
from postgres_server import PostgresServer

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
PORT = 6432


def missing() -> str | None:
    """What is to be said when there is none, else None. Where all is installed, as in CI, it is no reason to pass over a test."""
    return None if PROGRAM or os.environ.get("CI") else "pgbouncer is not installed (Debian: pgbouncer)"


def documented() -> tuple[list[str], list[str]]:
    """Lines of pgbouncer.ini and statements for the role, as an operator copies them."""
    text = (ROOT / "docs" / "postgresql.md").read_text(encoding="utf-8")
    section = text[text.index("\n## pgbouncer"):]
    lines = [line.strip() for line in re.findall(r"^ {4}(.*)$", section.partition("\n## ")[2], re.MULTILINE)]
    return ([line.partition(";")[0].strip() for line in lines if "=" in line and not line.startswith("ALTER")],
            [line for line in lines if line.startswith("ALTER")])


class Pooler:
    """As a database it is named by its own socket; tests look past it (stores.py)."""

    def __init__(self, server: PostgresServer, **settings: object) -> None:
        self.server = server
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ordergate-pool-"))
        self.user = "nobody" if os.geteuid() == 0 else None
        if self.user:
            os.chown(self.folder, pwd.getpwnam(self.user).pw_uid, -1)
        self.folder.chmod(0o711)
        lines, statements = documented()
        for statement in statements:
            server.psql("ordergate", statement)
        (self.folder / "users").write_text('"ordergate" ""\n', encoding="ascii")
        (self.folder / "pgbouncer.ini").write_text("\n".join([
            "[databases]", f"ordergate = host={server.dir} port={server.port}", "[pgbouncer]", f"unix_socket_dir = {self.folder}",
            f"listen_port = {PORT}", "auth_type = trust", f"auth_file = {self.folder}/users", *lines,
            *(f"{name} = {value}" for name, value in settings.items()), ""]), encoding="ascii")
        self.process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)
        self.start()

    def url(self) -> str:
        return f"postgresql://ordergate@/ordergate?host={self.folder}&port={PORT}"

    def direct_url(self) -> str:
        return self.server.url()

    def init_past(self, appliance: Appliance) -> Appliance:
        """What makes or changes the schema goes to the server directly."""
        config = appliance.folder / "direct.conf"
        config.write_text(f'store {{ url = "{self.direct_url()}" }}\n', encoding="utf-8")
        done = subprocess.run([BIN / "ordergatectl", "--config", config, "--state", appliance.state, "init"], capture_output=True,
                              text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return appliance

    def start(self) -> None:
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([PROGRAM or "pgbouncer", "-q", self.folder / "pgbouncer.ini"], user=self.user,
                                            stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while not (self.folder / f".s.PGSQL.{PORT}").exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"pgbouncer does not start: {self.log()}")
            time.sleep(0.05)

    def kill(self) -> None:
        """Its socket stays behind, as after a crash."""
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(60)
            self.process = None
        (self.folder / f".s.PGSQL.{PORT}").unlink(missing_ok=True)

    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def close(self) -> None:
        atexit.unregister(self.close)
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
