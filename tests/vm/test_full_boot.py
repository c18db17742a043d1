# SPDX-License-Identifier: MIT
"""The image boots and takes an order, and a power cut does not take it back."""
import collections.abc
import os
import pathlib
import subprocess

from machine import HOOK, SMALL, Machine, say, skip_loudly

skip_loudly()
GIB = 1 << 30


def test_a_bios_boots_it_and_an_order_is_there_after_a_power_cut(machine: Machine) -> None:
    """Everything as it comes: no file on the drive but two tokens, and "time"."""
    machine.power_on()
    say(f"bios, qcow2: first boot to 200 of /healthz: {machine.wait_for('/healthz', 200):.1f} s")
    assert machine.request("POST", HOOK, {}, Client_Token="another")[0] == 403
    number = machine.order_until_taken("VM-1")["number"]
    machine.wait_for_order("VM-1", "accepted")

    assert machine.order_until_taken("VM-2")["number"] != number
    machine.power_cut()  # the moment after its acknowledgement
    machine.power_on()
    say(f"bios, qcow2: boot after a power cut: {machine.wait_for('/healthz', 200):.1f} s")
    machine.wait_for_order("VM-1", "accepted")
    machine.wait_for_order("VM-2", "accepted")
    assert machine.order_until_taken("VM-1")["number"] == number


def certificate(folder: pathlib.Path, name: str) -> None:
    (folder / "tls").mkdir()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                    "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", folder / "tls" / "key.pem",
                    "-out", folder / "tls" / "fullchain.pem"], check=True, capture_output=True)


def is_read_only_but_for_the_data_disk(machine: Machine) -> None:
    assert machine.ssh("findmnt -n -o FSTYPE,OPTIONS /").split()[0] == "squashfs"
    assert machine.ssh("findmnt -n -o OPTIONS /").startswith("ro,")
    assert machine.ssh("findmnt -n -o SOURCE,FSTYPE,OPTIONS /var").split() == ["/dev/vdb", "ext4", "rw,nosuid,nodev,noexec,relatime"]
    assert machine.try_ssh("touch /etc/x").returncode != 0


def has_what_the_drive_says(machine: Machine) -> None:
    assert machine.ssh("cat /proc/sys/kernel/hostname") == "gate-7"
    assert machine.ssh("date +%Z") == "+06" or machine.ssh("date +%z") == "+0600"
    shown = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{machine.https}"], input="", capture_output=True,
                           text=True, timeout=60).stdout
    assert "CN = orders.example.test" in shown, shown
    unit = "ordergate-hook@1.service"
    assert machine.ssh(f"cat /run/credentials/{unit}/hook-token") == machine.secrets["hook-token"]
    assert machine.ssh("stat -c '%U %a' /var/lib/ordergate/secrets/hook-token") == "ordergate 600"
    assert "10.0.2.77" in machine.ssh("ip -4 address show")


def keeps_its_journal_on_the_data_disk(machine: Machine, boots: int) -> None:
    machine.ssh("journalctl --sync")
    assert int(machine.ssh("journalctl --quiet --list-boots | wc -l")) == boots
    assert machine.ssh("ls /var/log/journal | wc -l") == "1"
    assert "SystemMaxUse=500M" in machine.ssh("systemd-analyze cat-config systemd/journald.conf")


def lets_nobody_in_but_the_administrator(machine: Machine, folder: pathlib.Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "another"], check=True)
    refused = machine.try_ssh("true", key=folder / "another")
    assert refused.returncode == 255 and "Permission denied (publickey)" in refused.stderr, refused.stderr


def test_uefi_boots_it_with_everything_that_a_drive_can_say(
        make_machine: collections.abc.Callable[..., Machine], image: pathlib.Path, tmp_path: pathlib.Path) -> None:
    machine = make_machine(of=image.with_suffix(".raw"))
    machine.give_key()
    machine.put("domain", "orders.example.test\n")
    machine.put("hostname", "gate-7\n")
    machine.put("timezone", "Asia/Bishkek\n")
    machine.put("network/10-both.network", "[Match]\nName=en*\n[Network]\nDHCP=yes\nAddress=10.0.2.77/24\n")
    machine.put("ordergate.conf", SMALL)
    certificate(machine.config, "orders.example.test")
    machine.power_on("--uefi")
    say(f"uefi, raw: first boot to 200 of /healthz: {machine.wait_for('/healthz', 200):.1f} s")
    assert machine.ssh("ls -d /sys/firmware/efi") == "/sys/firmware/efi"
    assert machine.ssh("systemctl --failed --no-legend --plain") == ""
    is_read_only_but_for_the_data_disk(machine)
    has_what_the_drive_says(machine)
    lets_nobody_in_but_the_administrator(machine, tmp_path)
    keeps_its_journal_on_the_data_disk(machine, boots=1)
    assert machine.ssh("ordergate-slot status").splitlines()[0] == "a running version 1"
    machine.ssh("systemctl is-system-running --wait")
    say(machine.ssh("systemd-analyze; systemd-analyze blame | head -n 12"))
    machine.order_until_taken("VM-1")
    machine.power_cut()

    os.truncate(machine.data, 3 * GIB)
    machine.power_on("--uefi")
    say(f"uefi, raw: boot after a power cut: {machine.wait_for('/healthz', 200):.1f} s")
    machine.wait_for_order("VM-1", "accepted")
    assert int(machine.ssh("df --output=size -B1 /var | tail -n 1")) > 2.5 * GIB
    keeps_its_journal_on_the_data_disk(machine, boots=2)


def test_a_machine_without_a_data_disk_says_so(machine: Machine) -> None:
    machine.data = "none"
    machine.power_on()
    say(f"no data disk: the page after {machine.wait_for('/', 503):.1f} s")
    status, text, headers = machine.request("GET", "/healthz")
    assert status == 503 and "there is no data disk" in text, text
    assert headers["Retry-After"] == "30"
    assert "there is no data disk" in machine.serial.read_text(errors="replace")


def test_a_machine_with_a_wrong_drive_says_where_and_keeps_what_it_has(machine: Machine) -> None:
    machine.put("ordergate.conf", "http { port = 443 }\nhttp { nonsense = 1 }\n")
    machine.power_on()
    say(f"wrong configuration: the page after {machine.wait_for('/', 503):.1f} s")
    assert "ordergate.conf:2:" in machine.request("GET", "/healthz")[1]
    assert "nonsense" in machine.serial.read_text(errors="replace")
