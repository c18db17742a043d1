"""The private authority of an installation on several machines, made with the commands of docs/scale.md."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from appliance import BIN, ROOT

ROLES = {"serverAuth": "worker", "clientAuth": "edge"}


def commands() -> tuple[str, str]:
    """What the documentation says: for the authority, and for one machine with NAME, ROLE and DOMAIN."""
    text = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    authority, machine = re.findall(r"```sh\n# (?:authority|machine):[^\n]*\n(.*?)```", text, re.DOTALL)
    return authority, machine


class Authority:
    def __init__(self, folder: Path, domain: str) -> None:
        self.folder, self.domain = folder, domain
        folder.mkdir()
        self._run(commands()[0])
        self.ca = folder / "ca.pem"

    def _run(self, script: str, **variables: str) -> None:
        done = subprocess.run(["sh", "-eu", "-c", script], cwd=self.folder, capture_output=True, text=True, timeout=60,
                              env={"PATH": f"{BIN}:/usr/bin:/bin", **variables})
        assert done.returncode == 0, done.stderr

    def issue(self, name: str, purpose: str) -> tuple[Path, Path]:
        """Certificate and key; the purpose is serverAuth (a machine behind) or clientAuth (an edge)."""
        self._run(commands()[1], NAME=name, ROLE=ROLES[purpose], DOMAIN=self.domain)
        return self.folder / f"{name}.pem", self.folder / f"{name}-key.pem"
