# SPDX-License-Identifier: MIT
"""Second network cards of machines, and the certificate that both ends of an edge know."""
import pathlib
import subprocess

from machine import Machine

DOMAIN = "orders.example.test"


def cable(machine: Machine, number: int, *end: str, segment: int = 0) -> list[str]:
    """Options of qemu for a network card with the address 10.77.SEGMENT.NUMBER, and what is on the other end."""
    mac = f"52:54:00:77:{segment:02x}:{number:02x}"
    machine.put(f"network/1{segment}-cable.network", f"[Match]\nMACAddress={mac}\n[Network]\nAddress=10.77.{segment}.{number}/24\n")
    return ["-netdev", ",".join((*end, f"id=cable{segment}")), "-device",
            f"virtio-net-pci,netdev=cable{segment},mac={mac},romfile="]


def by_datagrams(ports: tuple[int, int]) -> tuple[str, ...]:
    """One end, at the first port, of a cable that outlives a restart of either machine."""
    here, there = ports
    return ("dgram", "local.type=inet", "local.host=127.0.0.1", f"local.port={here}", "remote.type=inet", "remote.host=127.0.0.1",
            f"remote.port={there}")


def certificate(folder: pathlib.Path) -> None:
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                    "-subj", f"/CN={DOMAIN}", "-addext", f"subjectAltName=DNS:{DOMAIN}", "-keyout", folder / "key.pem",
                    "-out", folder / "fullchain.pem"], check=True, capture_output=True)


def give_certificate(machine: Machine, folder: pathlib.Path) -> None:
    machine.put("domain", DOMAIN)
    machine.put("tls/fullchain.pem", (folder / "fullchain.pem").read_text())
    machine.put("tls/key.pem", (folder / "key.pem").read_text())
