# SPDX-License-Identifier: MIT
"""What a configuration drive may say, without a machine: apply-config in the image's root file system, where `mount` copies."""
import os
import pathlib
import shutil
import stat
import subprocess

import pytest

import systems
from machine import skip_loudly

skip_loudly()
STUBS = {
    "mount": 'for last; do :; done\ncp -r /drive/. "$last"/\n',
    "umount": 'rm -rf "$1"\n',
    "mountpoint": "[ -e /run/appliance-drive ] || [ $2 = /var ]\n",
    "sync": "\n",
    "udevadm": "\n",
}


class Appliance:
    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        for name in ("run", "var", "drive", "proc", "dev", "sys", "stub"):
            shutil.rmtree(root / name, ignore_errors=True)
        for name in ("run/ordergate", "var/lib/ordergate/secrets", "drive", "proc/sys/kernel", "dev", "sys/devices/system/cpu", "run/appliance", "stub"):
            (root / name).mkdir(parents=True)
        os.mknod(root / "dev" / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        (root / "run" / "appliance" / "drive").touch()  # what data-disk has found
        (root / "sys" / "devices" / "system" / "cpu" / "online").write_text("0-7\n")
        for name, text in STUBS.items():
            (root / "stub" / name).write_text("#!/bin/sh\n" + text)
            (root / "stub" / name).chmod(0o755)

    def put(self, name: str, text: str) -> None:
        path = self.root / "drive" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def read(self, name: str) -> str:
        return (self.root / name).read_text()

    def boot(self) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(["chroot", self.root, "/usr/bin/env", "-i", "PATH=/stub:/usr/sbin:/usr/bin:/sbin:/bin",
                               "/usr/lib/ordergate/apply-config"], capture_output=True, text=True, timeout=120)
        shutil.rmtree(self.root / "drive")
        (self.root / "drive").mkdir()
        return done

    def trouble(self) -> str:
        """What the page will say."""
        done = self.boot()
        assert done.returncode == 1, done
        text = self.read("run/ordergate/trouble.txt").rstrip("\n")
        assert f"appliance: {text}\n" in done.stderr, done.stderr
        assert not (self.root / "run" / "appliance-drive").exists()
        return text


@pytest.fixture
def appliance(root: pathlib.Path) -> Appliance:
    return Appliance(root)


def pair(folder: pathlib.Path, name: str) -> tuple[str, str]:
    systems.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
                f"/CN={name}", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem")
    return (folder / f"{name}.pem").read_text(), (folder / f"{name}.key").read_text()


def test_without_a_word_everything_has_its_default(appliance: Appliance) -> None:
    assert appliance.boot().returncode == 0
    text = appliance.read("var/lib/appliance/effective.conf")
    assert text == 'http { listen = "::" port = 443 redirect_port = 80 }\nlog { access = "journal" }\n'
    assert list((appliance.root / "run" / "systemd" / "system").iterdir()) == []


def test_everything_that_is_said_is_taken(appliance: Appliance, tmp_path: pathlib.Path) -> None:
    certificate, key = pair(tmp_path, "one")
    said = {"domain": "a.example b.example\n", "hostname": "gate-7\n", "timezone": "Asia/Bishkek\n", "time": "host\n", "role": "edge\n",
            "upstream": "10.0.0.2 [fd00::2]:8443\n", "store": "postgresql://og:pass@10.0.0.9/og?sslmode=require\n",
            "tls/fullchain.pem": certificate, "tls/key.pem": key, "tls/upstream.pem": certificate,
            "credentials/hook-token": "secret-1\n", "network/10-a.network": "[Match]\nName=en*\n",
            "update-key.pem": systems.run("openssl", "x509", "-noout", "-pubkey", "-in", tmp_path / "one.pem"),
            "credentials/store-passfile": "*:*:*:*:pass\n",
            "ordergate.conf": "http { requests_per_second = 7 }\n", "unknown": "is left alone\n"}
    for name, text in said.items():
        appliance.put(name, text)
    done = appliance.boot()
    assert done.returncode == 0, done.stderr
    kept = appliance.root / "var" / "lib" / "appliance"
    text = (kept / "effective.conf").read_text()
    for line in ('server_name = "a.example b.example"', 'upstream = "10.0.0.2 [fd00::2]:8443"', "hook = 0", "requests_per_second = 7",
                 'upstream_ca = "/var/lib/appliance/tls/upstream.pem"', 'tls_key = "/var/lib/appliance/tls/key.pem"',
                 'url = "postgresql://og:pass@10.0.0.9/og?sslmode=require"'):
        assert line in text, f"{line}\n{text}"
    masked = {path.name for path in (appliance.root / "run" / "systemd" / "system").iterdir()}
    assert {"ordergate-scheduler.service", "systemd-time-wait-sync.service"} <= masked
    assert appliance.read("proc/sys/kernel/hostname") == "gate-7\n"
    assert os.readlink(appliance.root / "run" / "appliance" / "localtime") == "/usr/share/zoneinfo/Asia/Bishkek"
    assert (kept / "update-key.pem").read_text() == said["update-key.pem"]
    modes = {name: (appliance.root / name).stat().st_mode & 0o777 for name in (
        "var/lib/appliance/tls/key.pem", "var/lib/appliance/effective.conf", "var/lib/appliance/store",
        "var/lib/ordergate/secrets/hook-token", "var/lib/ordergate/secrets/store-passfile", "run/systemd/network/10-a.network")}
    assert list(modes.values()) == [0o400, 0o640, 0o640, 0o600, 0o600, 0o644], modes
    assert not (kept / "unknown").exists() and not (kept / "new").exists()

    # A boot without the drive: the same again.
    (appliance.root / "run" / "appliance" / "drive").unlink()
    shutil.rmtree(appliance.root / "run" / "systemd")
    assert appliance.boot().returncode == 0
    assert (kept / "effective.conf").read_text() == text


WRONG = [
    ({"timezone": "Europe/Nowhere\n"}, "timezone: there is no such time zone"),
    ({"timezone": "../../etc/shadow\n"}, "timezone: there is a character that cannot be in it"),
    ({"domain": 'a.example"; evil\n'}, "domain: there is a character that cannot be in it"),
    ({"domain": "a.example\nb.example\n"}, "domain: more than one line"),
    ({"hostname": "two words\n"}, "hostname: there is a character that cannot be in it"),
    ({"store": 'sqlite:x" }\n'}, "store: there is a character that cannot be in it"),
    ({"time": "ntp\n"}, 'time: only "host" is known'),
    ({"role": "king\n"}, "role: it is one of all edge scheduler workers"),
    ({"role": "edge\n"}, "upstream: an edge needs the address of a machine behind it"),
    ({"tls/key.pem": "KEY"}, "tls/fullchain.pem: there is no certificate in it"),
    ({"tls/fullchain.pem": "CERTIFICATE"}, "tls/key.pem: there is no key in it"),
    ({"tls/fullchain.pem": "CERTIFICATE", "tls/key.pem": "ANOTHER KEY"}, "tls/key.pem: the certificate has another key"),
    ({"tls/upstream.pem": "nothing\n"}, "tls/upstream.pem: there is no certificate in it"),
    ({"tls/store.pem": "nothing\n"}, "tls/store.pem: there is no certificate in it"),
    ({"update-key.pem": "KEY"}, "update-key.pem: there is no public key in it"),
    ({"authorized_keys": "ssh-rsa nonsense\n"}, "authorized_keys: there is no key in it"),
    ({"credentials/telegram-token": ""}, "credentials/telegram-token: it is empty"),
    ({"ordergate.conf": "log { }\nhttp { port = 70000 }\n"}, "ordergate.conf:2: http.port: "),
]


@pytest.mark.parametrize(("said", "wrong"), WRONG, ids=[wrong for _, wrong in WRONG])
def test_what_is_wrong_is_said_and_nothing_is_taken(appliance: Appliance, tmp_path: pathlib.Path, said: dict[str, str], wrong: str) -> None:
    appliance.put("domain", "good.example\n")
    appliance.put("credentials/hook-token", "good\n")
    assert appliance.boot().returncode == 0
    before = appliance.read("var/lib/appliance/effective.conf")
    certificate, key = pair(tmp_path, "one")
    pems = {"CERTIFICATE": certificate, "KEY": key, "ANOTHER KEY": pair(tmp_path, "two")[1]}
    appliance.put("domain", "other.example\n")
    appliance.put("credentials/hook-token", "other\n")
    for name, text in said.items():
        appliance.put(name, pems.get(text, text))
    assert wrong in appliance.trouble()
    assert appliance.read("var/lib/appliance/effective.conf") == before
    assert appliance.read("var/lib/ordergate/secrets/hook-token") == "good\n"
    assert appliance.read("var/lib/appliance/domain") == "good.example\n"


def test_a_small_machine_has_small_pools(appliance: Appliance) -> None:
    (appliance.root / "sys" / "devices" / "system" / "cpu" / "online").write_text("0-1\n")
    assert appliance.boot().returncode == 0
    assert "pool { hook = 2 assembly = 2 }\n" in appliance.read("var/lib/appliance/effective.conf")


def test_what_is_wrong_with_the_data_disk_is_said(appliance: Appliance) -> None:
    (appliance.root / "stub" / "mountpoint").write_text("#!/bin/sh\nexit 1\n")
    (appliance.root / "run" / "appliance" / "no-disk").write_text("the data disk /dev/vdb is damaged\n")
    assert appliance.trouble() == "the data disk /dev/vdb is damaged"


def test_without_a_data_disk_that_is_said(appliance: Appliance) -> None:
    (appliance.root / "stub" / "mountpoint").write_text("#!/bin/sh\nexit 1\n")
    assert "there is no data disk" in appliance.trouble()
