# SPDX-License-Identifier: MIT
"""The systemd units, looked at by systemd itself."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from conftest import ROOT

UNITS = ROOT / "systemd" / "units"
SOCKETS = ROOT / "systemd" / "sockets"
EXPOSURE_MAX = 2.0

# A role may know only its own secrets. What is not in here has none.
SECRETS = {
    "hook": {"hook-token", "probe-key"},
    "assembly": {"assembly-token"},
    "erp": {"erp-token"},
    "notifier": {"kuper-client-token", "kuper-client-id", "kuper-client-secret", "erp-push-token", "erp-push-secret"},
    "scheduler": {"telegram-token", "telegram-callback", "mail-password", "probe-key", "kuper-client-token", "kuper-client-id",
                  "kuper-client-secret"},
    "chat": {"telegram-token", "telegram-callback"},
}

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


def services() -> list[pathlib.Path]:
    return sorted(UNITS.glob("*.service"))


def instance(path: pathlib.Path) -> str:
    return path.name.replace("@.", "@1.")


def lines_of(path: pathlib.Path, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", path.read_text(), re.MULTILINE)


def role_of(path: pathlib.Path) -> str:
    return re.sub(r"^ordergate-|@?\.service$", "", path.name)


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory, build: pathlib.Path) -> dict[str, str]:
    """The units with programs that are there, and the environment to look at them."""
    folder = tmp_path_factory.mktemp("units")
    for origin in (UNITS, SOCKETS):
        shutil.copytree(origin, folder, dirs_exist_ok=True)
    for path in folder.rglob("*"):
        if path.is_file():
            text = path.read_text()
            text = text.replace("/usr/bin/ordergate", f"{build}/bin/ordergate")
            path.write_text(text.replace("/usr/lib/ordergate/", f"{ROOT}/systemd/"))
    return {**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:/lib/systemd/system", "LC_ALL": "C.UTF-8"}


def test_systemd_understands_every_line_of_every_unit(staged: dict[str, str]) -> None:
    names = [instance(path) for pattern in ("units/*.service", "sockets/*.socket", "units/*.target", "units/*.timer")
             for path in sorted(UNITS.parent.glob(pattern))]
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *names], env=staged, capture_output=True, text=True)
    ours = [line for line in done.stderr.splitlines() if "ordergate" in line]
    assert not ours, "\n".join(ours)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", services(), ids=role_of)
def test_a_service_is_exposed_by_two_points_at_most(path: pathlib.Path, staged: dict[str, str]) -> None:
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager",
                           f"--threshold={int(EXPOSURE_MAX * 10)}", instance(path)],
                          env=staged, capture_output=True, text=True)
    found = re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found.group(1)) <= EXPOSURE_MAX, done.stdout


def test_every_process_of_the_supervisor_has_a_unit(root: pathlib.Path) -> None:
    table = (root / "services" / "supervisor" / "crew.c").read_text()
    names = re.findall(r'\{"([a-z]+)", (?:offsetof|NO_POOL)', table)
    assert {"hook", "assembly", "processor", "notifier", "console", "scheduler", "chat"} <= set(names)
    assert set(names) <= {role_of(path) for path in services()}


def test_a_role_gets_its_own_secrets_only() -> None:
    for path in services():
        given = {line.split(":")[0] for line in lines_of(path, "LoadCredential")}
        assert given == SECRETS.get(role_of(path), set()), path.name


def test_every_service_has_a_user_of_its_own_who_is_made_at_install(root: pathlib.Path) -> None:
    made = set(re.findall(r"^u (\S+) ", (root / "systemd" / "sysusers.conf").read_text(), re.MULTILINE))
    users = {role_of(path): lines_of(path, "User") for path in services()}
    assert all(len(user) == 1 for user in users.values()), users
    assert {user[0] for user in users.values()} == made
    # The page of trouble stands in for the edge, and what renews its certificate is for it; everybody else is alone.
    assert users.pop("trouble") == users.pop("certificate") == users["edge"]
    assert len({user[0] for user in users.values()}) == len(users)


@pytest.mark.parametrize("path", services(), ids=role_of)
def test_a_service_is_watched_and_started_again(path: pathlib.Path) -> None:
    if lines_of(path, "Type") == ["notify"]:
        assert lines_of(path, "WatchdogSec") == ["20"]
        assert lines_of(path, "Restart") == ["always"]
        assert lines_of(path, "StartLimitIntervalSec") == ["0"], "it gives up after some deaths"
        assert lines_of(path, "TimeoutStopSec") == ["10"]
    else:
        assert role_of(path) in {"init", "edge", "trouble", "certificate"}


def test_the_scheduler_waits_for_the_time() -> None:
    path = UNITS / "ordergate-scheduler.service"
    assert "time-sync.target" in lines_of(path, "After")[0]
    assert "systemd-time-wait-sync.service" in lines_of(path, "Wants")[0]


def generate(build: pathlib.Path, folder: pathlib.Path, config: str) -> set[str]:
    (folder / "ordergate.conf").write_text(config)
    program = folder / "hook"
    program.write_text(f'#!/bin/sh\n[ $# = 1 ] && set -- --config {folder}/ordergate.conf "$1"\n'
                       f'exec {build}/bin/ordergate-hook "$@"\n')
    program.chmod(0o755)
    subprocess.run([ROOT / "systemd" / "generator", folder / "out"], check=True,
                   env={**os.environ, "ORDERGATE_UNITS": str(UNITS), "ORDERGATE_PROGRAM": str(program)})
    head, wants = (folder / "out" / "ordergate.target.d" / "pools.conf").read_text().splitlines()
    assert head == "[Unit]" and wants.startswith("Wants=")
    names = wants.removeprefix("Wants=").split()
    assert len(set(names)) == len(names) > 0
    assert all((UNITS / re.sub(r"@\d+", "@", name)).exists() for name in names), names
    return set(names)


@pytest.mark.parametrize(("config", "hooks", "processors"), [
    ("", 4, 1),
    ("pool { hook = 2 }\npool { processor = 3 }\n", 2, 3),
    ("pool { hook = 0 }\n", 0, 1),
    ("this is no configuration {", 4, 1),  # ordergate-init says so; the page needs somebody who asks for it
])
def test_the_target_wants_as_many_workers_as_the_configuration_says(
        build: pathlib.Path, tmp_path: pathlib.Path, config: str, hooks: int, processors: int) -> None:
    names = generate(build, tmp_path, config)
    assert len([name for name in names if name.startswith("ordergate-hook@")]) == hooks
    assert len([name for name in names if name.startswith("ordergate-processor@")]) == processors


@pytest.mark.parametrize(("config", "wanted"), [
    ("", False), ('telegram { updates = "poll" }', True), ('telegram { updates = "webhook" }', True),
    ('telegram { updates = "off" }', False)])
def test_the_bot_listens_when_the_configuration_says_so(
        build: pathlib.Path, tmp_path: pathlib.Path, config: str, wanted: bool) -> None:
    assert ("ordergate-chat.service" in generate(build, tmp_path, config)) == wanted


@pytest.mark.parametrize(("config", "reach"), [
    ("", False), ('store { url = "sqlite:other.db" }', False), ('store { url = "postgresql://og@db/og" }', True)])
def test_units_reach_a_store_on_another_machine_and_nothing_else(
        build: pathlib.Path, tmp_path: pathlib.Path, config: str, reach: bool) -> None:
    generate(build, tmp_path, config)
    drop_in = tmp_path / "out" / "ordergate-.service.d" / "store.conf"
    assert drop_in.exists() == reach
    if reach:
        assert drop_in.read_text().splitlines() == ["[Service]", "PrivateNetwork=no", "RestrictAddressFamilies=AF_INET AF_INET6",
                                                    "LoadCredential=store-passfile:/var/lib/ordergate/secrets/store-passfile",
                                                    "SetCredential=store-passfile:\\n"]


def test_a_configuration_that_comes_later_is_asked_for_later(tmp_path: pathlib.Path) -> None:
    (tmp_path / "ordergate.conf").symlink_to(tmp_path / "not" / "there")
    subprocess.run([ROOT / "systemd" / "generator", tmp_path / "out"], check=True,
                   env={**os.environ, "ORDERGATE_CONFIG": str(tmp_path / "ordergate.conf"), "ORDERGATE_PROGRAM": "/bin/false"})
    assert not (tmp_path / "out").exists()


def test_users_and_folders_are_understood_by_their_tools(root: pathlib.Path, tmp_path: pathlib.Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    (tmp_path / "etc").mkdir()
    subprocess.run(["systemd-sysusers", f"--root={tmp_path}", root / "systemd" / "sysusers.conf"], check=True)
    subprocess.run(["systemd-tmpfiles", f"--root={tmp_path}", "--create", root / "systemd" / "tmpfiles.conf"], check=True)
    groups = dict(line.split(":")[::2] for line in (tmp_path / "etc" / "group").read_text().splitlines())
    for line in (tmp_path / "etc" / "passwd").read_text().splitlines():
        name, _, _, gid, _, _, shell = line.split(":")
        assert gid == groups["ordergate"], line
        assert shell == "/usr/sbin/nologin", line
        assert name == "ordergate" or name.startswith("ordergate-")
    state = tmp_path / "var" / "lib" / "ordergate"
    assert state.stat().st_mode & 0o7777 == 0o2770
    assert (state / "secrets").stat().st_mode & 0o7777 == 0o700
    assert (state / "run").readlink() == pathlib.Path("/run/ordergate")


def test_the_scheduler_may_ask_how_the_clock_is_kept_and_not_set_it() -> None:
    """adjtimex(2): the drop-in has to come behind the one for all, and its unit must not have the capability."""
    drop_in = UNITS / "ordergate-scheduler.service.d" / "zz-clock.conf"
    assert drop_in.name > (UNITS / "ordergate-.service.d" / "sandbox.conf").name
    assert lines_of(drop_in, "ProtectClock") == ["no"]
    assert {"adjtimex", "clock_adjtime"} <= set(lines_of(drop_in, "SystemCallFilter")[0].split())
    assert lines_of(UNITS / "ordergate-scheduler.service", "CapabilityBoundingSet") == [""]
