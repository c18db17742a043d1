# SPDX-License-Identifier: MIT
"""Roles: a machine that is only the edge, in front of one that does the rest, with a cable between them."""
import collections.abc
import pathlib

from cable import DOMAIN, cable, certificate, give_certificate
from machine import SMALL, Machine, say, skip_loudly

skip_loudly()


def test_an_edge_passes_orders_to_the_machine_behind_it(
        make_machine: collections.abc.Callable[..., Machine], tmp_path: pathlib.Path) -> None:
    shop, edge = make_machine("shop"), make_machine("edge")
    socket = f"addr.type=unix,addr.path={tmp_path}/cable.sock"
    certificate(tmp_path)
    for machine in (shop, edge):
        machine.put("domain", DOMAIN)
        machine.give_key()
    give_certificate(shop, tmp_path)
    shop.put("ordergate.conf", SMALL + 'http { proxy_networks = "10.77.0.1" }\n')
    shop.power_on("--", *cable(shop, 2, "stream", "server=on", socket))
    shop.wait_for("/healthz", 200)
    edge.put("role", "edge\n")
    edge.put("upstream", "10.77.0.2\n")
    edge.put("tls/upstream.pem", (tmp_path / "fullchain.pem").read_text())
    edge.power_on("--", *cable(edge, 1, "stream", "server=off", socket))
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
