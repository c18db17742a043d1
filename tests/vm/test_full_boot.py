# SPDX-License-Identifier: MIT
"""The image boots and takes an order, and a power cut does not take it back."""
import os
import pathlib

import pytest

from machine import HOOK, Machine, skip_loudly

skip_loudly()
SIZE_MAX = 200 * 1000 * 1000


def say(text: str) -> None:
    print(f"\n{text}; load {os.getloadavg()[0]:.1f}", flush=True)


def test_the_image_is_small(image: pathlib.Path) -> None:
    size = image.stat().st_size
    say(f"qcow2: {size} bytes")
    assert size <= SIZE_MAX


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_an_order_is_there_after_a_power_cut(machine: Machine, firmware: str) -> None:
    options = ["--uefi"] if firmware == "uefi" else []
    machine.put("domain", "orders.example.test")
    machine.power_on(*options)
    say(f"{firmware}: first boot to 200 of /healthz: {machine.wait_for('/healthz', 200):.1f} s")
    assert machine.request("POST", HOOK, {}, Client_Token="another")[0] == 403
    number = machine.order("VM-1")["number"]
    machine.wait_for_order("VM-1", "accepted")

    assert machine.order("VM-2")["number"] != number
    machine.power_cut()  # the moment after its acknowledgement
    machine.power_on(*options)
    say(f"{firmware}: boot after a power cut: {machine.wait_for('/healthz', 200):.1f} s")
    assert machine.orders()["VM-1"] == "accepted"
    machine.wait_for_order("VM-2", "accepted")
    assert machine.order("VM-1")["number"] == number


def test_a_machine_without_a_data_disk_says_so(machine: Machine) -> None:
    machine.data = "none"
    machine.power_on()
    say(f"no data disk: the page after {machine.wait_for('/', 503):.1f} s")
    status, text, headers = machine.request("GET", "/healthz")
    assert status == 503 and "there is no data disk" in text, text
    assert headers["Retry-After"] == "30"


def test_a_machine_with_a_wrong_configuration_says_where(machine: Machine) -> None:
    machine.put("ordergate.conf", "http { nonsense = 1 }\n")
    machine.power_on()
    say(f"wrong configuration: the page after {machine.wait_for('/', 503):.1f} s")
    assert "nonsense" in machine.request("GET", "/healthz")[1]
