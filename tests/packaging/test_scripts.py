# SPDX-License-Identifier: MIT
"""What scripts of the package and of the image do when something is not as usual: with programs that only say what they were called with."""
import os
import pathlib
import subprocess
import time

import pytest

from conftest import ROOT

HTTP = 'printf \'http {\\n\\n\\tport = 8443\\n\\n\\tlisten = "%s"\\n}\\nstore {\\n\\n\\turl = "%s"\\n}\\n\''
IMAGE = ROOT / "vm-images" / "rootfs" / "usr"


class Stubs:
    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.log.touch()
        self.state = folder / "state"
        (self.state / "run" / "nginx").mkdir(parents=True)
        self.environ = {"PATH": f"{folder}:/usr/sbin:/usr/bin:/sbin:/bin", "ORDERGATE_STATE": str(self.state), "ORDERGATE_ESP": str(folder)}

    def program(self, name: str, text: str = "") -> None:
        (self.folder / name).write_text(f'#!/bin/sh\necho "{name} $*" >>"{self.log}"\n{text}\n')
        (self.folder / name).chmod(0o755)

    def run(self, script: pathlib.Path | str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["sh", str(script), *words], env=self.environ, capture_output=True, text=True, timeout=60)

    def called(self, name: str) -> list[str]:
        return [line for line in self.log.read_text().splitlines() if line.startswith(name + " ")]


@pytest.fixture
def stubs(tmp_path: pathlib.Path) -> Stubs:
    return Stubs(tmp_path)


@pytest.mark.parametrize("url, made, migrates", [
    ("sqlite:ordergate.db", "ordergate.db", True),
    ("sqlite:ordergate.db", None, False),
    ("sqlite:other.db", "other.db", True),
    ("sqlite:other.db", "ordergate.db", False),
    ("postgresql://db/x", "secrets/hook-token", True),
    ("postgresql://db/x", None, False),
    ("", "ordergate.db", True),  # the installed version does not say it
])
def test_the_store_is_migrated_first_wherever_it_is(stubs: Stubs, url: str, made: str | None, migrates: bool) -> None:
    stubs.program("ordergate-hook", (HTTP % ("::", url)) if url else "exit 1")
    stubs.program("setpriv")
    stubs.program("ordergatectl")
    if made:
        (stubs.state / made).parent.mkdir(exist_ok=True)
        (stubs.state / made).write_text("x")
    preinst = stubs.folder / "preinst"
    preinst.write_text((ROOT / "packaging" / "preinst").read_text())
    done = stubs.run(preinst, "upgrade", "0.1")
    assert done.returncode == 0, done
    assert len(stubs.called("setpriv")) == migrates
    stubs.program("setpriv", "exit 1")
    assert stubs.run(preinst, "upgrade", "0.1").returncode == migrates
    assert stubs.run(preinst, "install").returncode == 0


def test_a_process_that_does_not_start_does_not_keep_the_others_from_it(stubs: Stubs) -> None:
    units = "".join(f"ordergate-{name}.service loaded active running\\n" for name in ("hook@1", "hook@2", "console"))
    stubs.program("setpriv")
    stubs.program("systemctl", f'case "$*" in *active*.service) printf "{units}" ;; restart*hook@1*) exit 1 ;; esac')
    done = stubs.run(ROOT / "systemd" / "roll")
    assert done.returncode == 1 and "ordergate-hook@1.service" in done.stderr and "hook@2" not in done.stderr, done
    assert stubs.called("systemctl")[-2:] == ["systemctl restart ordergate-hook@2.service", "systemctl start ordergate.target"]
    stubs.program("systemctl", f'case "$*" in *active*.service) printf "{units}" ;; esac')
    assert stubs.run(ROOT / "systemd" / "roll").returncode == 0


@pytest.mark.parametrize("listen, asked", [("0.0.0.0", "127.0.0.1:8443"), ("::", "127.0.0.1:8443"), ("10.0.0.5", "10.0.0.5:8443"), ("fd00::5", "[fd00::5]:8443")])
def test_a_slot_is_asked_where_nginx_listens(stubs: Stubs, listen: str, asked: str) -> None:
    stubs.program("ordergate-hook", HTTP % (listen, "sqlite:ordergate.db"))
    stubs.program("openssl", "echo 'HTTP/1.1 200 OK'")
    done = stubs.run(IMAGE / "lib" / "ordergate" / "healthy")
    assert done.returncode == 0, done
    assert stubs.called("openssl") == [f"openssl s_client -quiet -connect {asked}"]


def test_a_reload_does_not_take_the_last_answers_of_another(stubs: Stubs) -> None:
    last = stubs.state / "run" / "nginx" / "last-answers"
    stubs.program("sleep", f'[ -e "{last}" ] || echo "gone" >>"{stubs.log}"\nexec /bin/sleep 1')
    nginx = subprocess.Popen(["/bin/sh", "-c", "trap : HUP; while :; do /bin/sleep 0.1; done"])
    words = ["sh", str(ROOT / "systemd" / "reload"), str(nginx.pid)]
    try:
        first = subprocess.Popen(words, env=stubs.environ)
        time.sleep(1.5)  # it waits for the second time
        second = subprocess.Popen(words, env=stubs.environ)
        assert [first.wait(60), second.wait(60)] == [0, 0]
    finally:
        nginx.kill()
        nginx.wait()
    assert "gone" not in stubs.log.read_text() and len(stubs.called("sleep")) == 4
    assert not last.exists()


def test_a_reload_that_is_ended_leaves_no_last_answers(stubs: Stubs) -> None:
    stubs.program("sleep", "exec /bin/sleep 1")
    last = stubs.state / "run" / "nginx" / "last-answers"
    process = subprocess.Popen(["sh", str(ROOT / "systemd" / "reload"), str(os.getpid())], env=stubs.environ)
    until = time.monotonic() + 20
    while not stubs.called("sleep") and time.monotonic() < until:
        time.sleep(0.01)
    assert last.exists()
    process.terminate()
    assert process.wait(60) != 0
    assert not last.exists()


@pytest.mark.parametrize("word", ["install", "switch"])
@pytest.mark.parametrize("name", ["ordergate-a+2-1.conf", "ordergate-a+0-3.conf"])
def test_the_slot_to_go_back_to_is_kept_while_the_other_is_on_trial(stubs: Stubs, word: str, name: str) -> None:
    entries = stubs.folder / "loader" / "entries"
    entries.mkdir(parents=True)
    (entries / name).write_text("version 2\n")
    (entries / "ordergate-b.conf").write_text("version 1\n")
    stubs.program("findmnt", "echo /dev/null3")
    stubs.program("lsblk", 'case "$*" in *PKNAME*) echo /dev/null ;; *PATH*) printf "/dev/vda3 root-a\\n/dev/vda4 root-b\\n" ;; *) echo root-a ;; esac')
    script = stubs.folder / "ordergate-slot"
    # This machine has neither a firmware with slots nor a disk with them.
    text = (IMAGE / "sbin" / "ordergate-slot").read_text()
    text = text.replace("[ -d /sys/firmware/efi ]", "true").replace('[ -b "$other_part" ]', "true")
    script.write_text(text)
    done = stubs.run(script, word, "/dev/null")
    assert done.returncode == 1 and "slot a, which runs, is on trial" in done.stderr, done
    assert sorted(path.name for path in entries.iterdir()) == sorted([name, "ordergate-b.conf"])
    assert "on trial" in stubs.run(script, "status").stdout
