"""A store and any number of notifiers on it, for tests of the notifier alone."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

from appliance import BIN, PATIENCE_S, SLACK
from stores import Store


class Notifiers:
    def __init__(self, folder: Path) -> None:
        self.folder, self.state = folder, folder / "state"
        self.data = Store(self.state)
        self.config = folder / "ordergate.conf"
        self.log_path = folder / "notifier.log"
        self.processes: list[subprocess.Popen[bytes]] = []

    def open(self) -> None:
        """For as long as the place is there: the last one to close a store checkpoints it."""
        self.db = self.data.open()

    def write_secret(self, name: str, value: str) -> None:
        path = self.state / "secrets" / name
        path.touch(mode=0o600)
        path.write_text(value, encoding="utf-8")

    def start(self, number: int = 1) -> subprocess.Popen[bytes]:
        with open(self.log_path, "ab") as log:
            process = subprocess.Popen([BIN / "ordergate-notifier", "--state", self.state, "--config", self.config,
                                        "--instance", str(number)], stderr=log, stdout=log)
        self.processes.append(process)
        return process

    def stop(self, process: subprocess.Popen[bytes]) -> int:
        process.terminate()
        return process.wait(PATIENCE_S)

    def destroy(self) -> None:
        """Every notifier ends well, unless the test killed it; a sanitizer would have said so in the log."""
        for process in self.processes:
            process.terminate()
        codes = []
        for process in self.processes:
            try:
                codes.append(process.wait(10 * SLACK))
            except subprocess.TimeoutExpired:
                process.kill()
                codes.append(process.wait())
        self.db.close()
        assert set(codes) <= {0, -signal.SIGKILL}, f"{codes}\n{self.log()[-4000:]}"
        assert not re.search("Sanitizer|runtime error|Assertion", self.log()), self.log()[-8000:]

    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""
