# SPDX-License-Identifier: MIT
"""Images that are built, and images like one but for some files."""
import collections.abc
import os
import pathlib
import shutil
import subprocess
import time

from machine import BUILD, ROOT, say

BUILD_S = 300  # what the issue allows; a machine with other work gets more time, and the figure is printed
EPOCH = "1767225600"


def run(*command: object, seconds: float = 1500, **options: object) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=seconds, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def build(folder: pathlib.Path) -> float:
    """Seconds."""
    began = time.monotonic()
    run(ROOT / "vm-images" / "build", folder, env={**os.environ, "ORDERGATE_BUILD": str(BUILD)})
    seconds = time.monotonic() - began
    say(f"image built in {seconds:.0f} s (limit on a quiet machine: {BUILD_S} s)")
    return seconds


def unpack(image_folder: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """The parts of ordergate.update, as vm-images/pack wants them."""
    folder.mkdir(parents=True)
    run("tar", "-C", folder, "-xf", image_folder / "ordergate.update")
    return folder


def pack(system: pathlib.Path, out: pathlib.Path) -> pathlib.Path:
    out.mkdir()
    run(ROOT / "vm-images" / "pack", system, out, env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH})
    return out


def variant(image_folder: pathlib.Path, out: pathlib.Path, change: collections.abc.Callable[[pathlib.Path], object]) -> pathlib.Path:
    """An image with other files, in the folder out; change() gets the root file system."""
    system = unpack(image_folder, out.with_suffix(".system"))
    root = system / "root"
    run("unsquashfs", "-no-progress", "-quiet", "-d", root, system / "root.squashfs")
    change(root)
    (system / "root.squashfs").unlink()
    run("mksquashfs", root, system / "root.squashfs", "-comp", "zstd", "-Xcompression-level", "1", "-noappend", "-no-progress",
        "-quiet")
    shutil.rmtree(root)
    made = pack(system, out)
    shutil.rmtree(system)
    return made


def unreadable(image_folder: pathlib.Path, out: pathlib.Path) -> pathlib.Path:
    """One whose root file system is none."""
    system = unpack(image_folder, out.with_suffix(".system"))
    (system / "root.squashfs").write_bytes(bytes(1 << 20))
    return pack(system, out)


def before_the_last_migration(folder: pathlib.Path) -> pathlib.Path:
    """A build of the commit before the newest file in schema/; $VM_OLD_BUILD saves the minutes."""
    given = os.environ.get("VM_OLD_BUILD")
    if given:
        return pathlib.Path(given)
    commit = run("git", "-C", ROOT, "log", "-1", "--diff-filter=A", "--format=%H^", "--", "schema/sqlite").strip()
    tree = folder / "tree"
    run("git", "-C", ROOT, "worktree", "add", "--detach", tree, commit)
    try:
        run("cmake", "--preset", "release", cwd=tree)
        run("cmake", "--build", "build", "--target", "programs", "-j", os.cpu_count(), cwd=tree)
        shutil.move(tree / "build", folder / "build")
    finally:
        run("git", "-C", ROOT, "worktree", "remove", "--force", tree)
    return folder / "build"


def with_programs(old: pathlib.Path) -> collections.abc.Callable[[pathlib.Path], None]:
    """For variant(): the programs of another build."""
    def change(root: pathlib.Path) -> None:
        for program in (root / "usr" / "bin").glob("ordergate*"):
            program.unlink()
        for program in (old / "bin").glob("ordergate*"):
            target = root / "usr" / "bin" / program.name
            run("strip", "-o", target, program)
            target.chmod(0o755)
    return change
