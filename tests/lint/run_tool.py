#!/usr/bin/env python3
"""Run one tool of others over our code: run_tool.py TOOL ROOT CLANG_BUILD

CLANG_BUILD is a build folder of clang's (the preset `asan`): its compile commands are the ones that clang-tidy understands,
and its generated files are the ones that cppcheck wants to see. Exit code 77 (skipped) when the tool or that folder is missing.
"""
import os
import pathlib
import shutil
import subprocess
import sys

SKIPPED = 77
PRODUCT = ("common", "services", "scheduler")
TESTS = ("tests/unit", "tests/store", "tests/support", "tests/fuzz", "tests/bench")
SCRIPTS = ("up", "check", "packages.sh", ".ci/run", "systemd/init", "systemd/edge", "systemd/generator", "systemd/trouble", "systemd/roll", "systemd/reload", "systemd/certificate",
           "packaging/preinst", "packaging/postinst", "packaging/prerm", "packaging/postrm", "vm-images/build", "vm-images/mkdisk",
           "vm-images/mkconfig", "vm-images/pack", "vm-images/run-vm", "vm-images/rootfs/usr/sbin/ordergate-slot",
           *(f"vm-images/rootfs/usr/lib/ordergate/{name}" for name in ("apply-config", "data-disk", "healthy", "start")))
JOBS = str(len(os.sched_getaffinity(0)))


def c_files(root, folders):
    return sorted(str(path) for folder in folders for path in (root / folder).rglob("*.[ch]"))


def format_command(root, _build):
    return ["clang-format", "--dry-run", "-Werror", *c_files(root, PRODUCT + TESTS)]


def shell_command(root, _build):
    return ["shellcheck", "-x", "-P", str(root), *(str(root / name) for name in SCRIPTS if (root / name).exists())]


# cppcheck does not know __attribute__((cleanup)); leaks are LeakSanitizer's business.
CLEANED_UP = ("--suppress=memleak", "--suppress=resourceLeak")


def cppcheck_command(root, build):
    return ["cppcheck", f"--project={build}/compile_commands.json", "--enable=warning,performance,portability",
            # It does not know the cleanup attribute: docs/decisions/002.
            "--suppress=memleak",
            "--inline-suppr", "--suppress=missingIncludeSystem", "--suppress=*:*/generated/*", *CLEANED_UP, "--quiet", "-j", JOBS,
            "--error-exitcode=1"]


def tidy_command(root, build):
    return ["run-clang-tidy", "-quiet", "-p", build, "-j", JOBS, f"^{root}/({'|'.join(PRODUCT)})/"]


TOOLS = {"format": format_command, "shell": shell_command, "cppcheck": cppcheck_command, "tidy": tidy_command}
NEEDS_BUILD = {"cppcheck", "tidy"}


def main(tool, root, build):
    command = TOOLS[tool](pathlib.Path(root), build)
    if shutil.which(command[0]) is None:
        print(f"{command[0]} is not installed")
        return SKIPPED
    if tool in NEEDS_BUILD and not pathlib.Path(build, "generated").exists():
        print(f"{build} is not built: cmake --preset asan && cmake --build --preset asan")
        return SKIPPED
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    # run-clang-tidy prints the command of every file; only what it found is of interest.
    noise = ("clang-tidy", "/usr/bin/clang-tidy") if tool == "tidy" else ()
    lines = [line for line in done.stdout.splitlines() if not noise or not line.startswith(noise)]
    print("\n".join(lines[-400:]) if done.returncode else f"{tool}: clean")
    return 1 if done.returncode else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
