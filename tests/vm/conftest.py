# SPDX-License-Identifier: MIT
"""One image for all, and machines that are off again whatever happens."""
import collections.abc
import os
import pathlib
import subprocess
import time

import pytest

from machine import ROOT, Machine


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """$VM_IMAGE (a folder that vm-images/build has made), else a new one."""
    given = os.environ.get("VM_IMAGE")
    folder = pathlib.Path(given) if given else tmp_path_factory.mktemp("image")
    if not given:
        began = time.monotonic()
        done = subprocess.run([ROOT / "vm-images" / "build", folder], capture_output=True, text=True, timeout=1500)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        print(f"\nimage built in {time.monotonic() - began:.0f} s", flush=True)
    return folder / "ordergate.qcow2"


@pytest.fixture
def machine(image: pathlib.Path, tmp_path: pathlib.Path) -> collections.abc.Iterator[Machine]:
    one = Machine(tmp_path, image)
    try:
        yield one
    finally:
        one.power_cut()
