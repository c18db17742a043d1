# SPDX-License-Identifier: MIT
"""The Debian package, as cpack makes it of what is built."""
import os
import pathlib
import subprocess

EPOCH = "1767225600"


def make(build: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    done = subprocess.run(["cpack", "-G", "DEB", "-B", folder, "-D", f"CPACK_OUTPUT_FILE_PREFIX={folder}"],
                          cwd=build, env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    packages = list(folder.glob("*.deb"))
    assert len(packages) == 1, packages
    return packages[0]
