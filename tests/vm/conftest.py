# SPDX-License-Identifier: MIT
"""One image for all, and machines that are off again whatever happens."""
import collections.abc
import os
import pathlib
import shutil

import pytest

import systems
from machine import BUILD, ROOT, Machine


@pytest.fixture(scope="session")
def image_folder() -> pathlib.Path:
    """$VM_IMAGE, else what test_full_image.py has built, else built here: a folder that vm-images/build has made."""
    given = os.environ.get("VM_IMAGE")
    folder = pathlib.Path(given or BUILD / "vm-image")
    if not (folder / "ordergate.update").exists():
        assert not given, f"{given} is no folder that vm-images/build has made"
        systems.build(folder)
    return folder


@pytest.fixture(scope="session")
def image(image_folder: pathlib.Path) -> pathlib.Path:
    return image_folder / "ordergate.qcow2"


@pytest.fixture(scope="module")
def root(image_folder: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The image's root file system as a folder, with our files as the tree has them: $VM_IMAGE may be older."""
    folder = tmp_path_factory.mktemp("system") / "system"
    systems.run("unsquashfs", "-no-progress", "-quiet", "-d", folder / "root", systems.unpack(image_folder, folder) / "root.squashfs")
    for name in ("usr/lib/ordergate", "usr/sbin"):
        shutil.copytree(ROOT / "vm-images" / "rootfs" / name, folder / "root" / name, dirs_exist_ok=True)
    return folder / "root"


@pytest.fixture
def make_machine(tmp_path: pathlib.Path, image: pathlib.Path) -> collections.abc.Iterator[collections.abc.Callable[..., Machine]]:
    made: list[Machine] = []

    def make(name: str = "vm", of: pathlib.Path = image) -> Machine:
        made.append(Machine(tmp_path / name, of))
        return made[-1]

    try:
        yield make
    finally:
        for one in made:
            one.power_cut()


@pytest.fixture
def machine(make_machine: collections.abc.Callable[..., Machine]) -> Machine:
    return make_machine()
