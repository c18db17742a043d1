# SPDX-License-Identifier: MIT
"""Roles: a machine that is only the edge, in front of one that does the rest, with a cable between them."""
import collections.abc
import pathlib
import subprocess

from machine import SMALL, Machine, say, skip_loudly

skip_loudly()
DOMAIN = "orders.example.test"


def cable(machine: Machine, number: int, *end: str) -> list[str]:
    """Options of qemu for a second network card, with the address 10.77.0.NUMBER."""
    mac = f"52:54:00:77:00:0{number}"
    machine.put("network/10-cable.network", f"[Match]\nMACAddress={mac}\n[Network]\nAddress=10.77.0.{number}/24\n")
    return ["--", "-netdev", ",".join(("stream", "id=cable", *end)), "-device", f"virtio-net-pci,netdev=cable,mac={mac},romfile="]


def certificate(folder: pathlib.Path) -> None:
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                    "-subj", f"/CN={DOMAIN}", "-addext", f"subjectAltName=DNS:{DOMAIN}", "-keyout", folder / "key.pem",
                    "-out", folder / "fullchain.pem"], check=True, capture_output=True)


def test_an_edge_passes_orders_to_the_machine_behind_it(
        make_machine: collections.abc.Callable[..., Machine], tmp_path: pathlib.Path) -> None:
    shop, edge = make_machine("shop"), make_machine("edge")
    socket = f"addr.type=unix,addr.path={tmp_path}/cable.sock"
    certificate(tmp_path)
    for machine in (shop, edge):
        machine.put("domain", DOMAIN)
        machine.give_key()
    shop.put("tls/fullchain.pem", (tmp_path / "fullchain.pem").read_text())
    shop.put("tls/key.pem", (tmp_path / "key.pem").read_text())
    shop.put("ordergate.conf", SMALL + 'http { proxy_networks = "10.77.0.1" }\n')
    shop.power_on(*cable(shop, 2, "server=on", socket))
    shop.wait_for("/healthz", 200)
    edge.put("role", "edge\n")
    edge.put("upstream", "10.77.0.2\n")
    edge.put("tls/upstream.pem", (tmp_path / "fullchain.pem").read_text())
    edge.power_on(*cable(edge, 1, "server=off", socket))
    say(f"an edge: first boot to 200 of /healthz: {edge.wait_for('/healthz', 200):.1f} s")

    edge.order_until_taken("E-1")
    shop.wait_for_order("E-1", "accepted")
    edge.wait_for_order("E-1", "accepted")
    units = edge.ssh("systemctl list-units --plain --no-legend --state=active 'ordergate-*.service' | cut -d ' ' -f 1").split()
    assert units == ["ordergate-edge.service", "ordergate-init.service"]
    assert edge.ssh("systemctl --failed --no-legend --plain") == ""

    shop.power_cut()
    status, _, headers = edge.request("GET", "/healthz")
    assert status == 503 and int(headers["Retry-After"]) > 0
