"""The appliance looks at itself from outside: a signed question the way of a webhook, and what /healthz knows."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from appliance import BIN, SLACK, Appliance, wait_until
from bad_machine import FULL, WORKS, BadMachine


@pytest.fixture(scope="module")
def shop() -> Iterator[Appliance]:
    folder = Path(tempfile.mkdtemp(prefix="og-"))
    made = Appliance(folder, "pool { hook = 1 assembly = 1 }\n")
    try:
        yield made.start()
    finally:
        made.destroy()
        shutil.rmtree(folder, ignore_errors=True)


def mark(shop: Appliance, at_ms: int | None = None, key: str | None = None, nonce: str | None = None) -> str:
    nonce = nonce or secrets.token_urlsafe(32)
    at_ms = at_ms or int(time.time() * 1000)
    proof = hmac.new((key or shop.secret("probe-key")).encode(), f"probe {at_ms} {nonce}".encode(), hashlib.sha256)
    return f"v1 {at_ms} {nonce} {proof.hexdigest()}"


HOOK = "/sbermarket/orders/hook/"


def ask(shop: Appliance, header: str, body: str = "{}", **more: str) -> tuple[int, dict]:
    answer = shop.request("POST", HOOK, body, {"Content-Type": "application/json", "Ordergate-Probe": header, **more})
    return answer.status, answer.json()


def stored(shop: Appliance) -> tuple[int, int]:
    """Messages, and when a probe was kept."""
    with closing(shop.store()) as store:
        return store.execute("SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM quarantine),"
                             " (SELECT max(value) FROM measures WHERE name = 'probe-seen')").fetchone()


def monitor(shop: Appliance, options: str, folder: Path) -> tuple[int, str]:
    """A pass of the monitor with other options beside the running one; what it measured of our address."""
    config = folder / "other.conf"
    config.write_text(shop.config.read_text() + options, encoding="utf-8")
    subprocess.run([str(BIN / "ordergate-monitor"), "--state", str(shop.state), "--config", str(config)], check=True,
                   capture_output=True, timeout=30)
    with closing(shop.store()) as store:
        return store.execute("SELECT value, detail FROM measures WHERE name = 'self-probe' ORDER BY at_ms DESC").fetchone()


class Relay:
    """A wire to nginx that is slow."""

    def __init__(self, port: int, delay_s: float) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.to, self.delay_s = self.listener.getsockname()[1], port, delay_s
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.to))
            threading.Thread(target=self.pump, args=(near, far, 0), daemon=True).start()
            threading.Thread(target=self.pump, args=(far, near, self.delay_s), daemon=True).start()

    @staticmethod
    def pump(source: socket.socket, target: socket.socket, delay_s: float) -> None:
        try:
            while data := source.recv(65536):
                time.sleep(delay_s)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def test_a_signed_question_goes_the_way_of_a_webhook_once_and_makes_no_order(shop: Appliance) -> None:
    nonce, began = secrets.token_urlsafe(32), int(time.time() * 1000)
    good = mark(shop, nonce=nonce)
    status, body = ask(shop, good)
    proof = hmac.new(shop.secret("probe-key").encode(), f"answer 0 {nonce}".encode(), hashlib.sha256).hexdigest()
    assert (status, body) == (200, {"status": "ok", "probe": proof})
    messages, seen = stored(shop)
    assert messages == 0 and began <= seen <= time.time() * 1000, "the answer follows a COMMIT"
    assert ask(shop, good)[0] == 403, "a replay"


def test_a_question_of_somebody_else_is_refused_as_any_wrong_token(shop: Appliance) -> None:
    now = int(time.time() * 1000)
    wrong = shop.request("POST", HOOK, "{}", {"Content-Type": "application/json", "Client-Token": "x"})
    order = json.dumps({"event_type": "order.created", "payload": {"orderUUID": "H1"}})
    before = stored(shop)
    for forged in (mark(shop, key="x"), mark(shop, now - 61_000), mark(shop, now + 65_000), "v1", "x" * 4000):
        for body, token in (("{}", ""), (order, shop.secret("hook-token"))):
            assert ask(shop, forged, body, **{"Client-Token": token}) == (403, wrong.json()), forged
    assert wrong.status == 403 and stored(shop) == before, "not even with a good token"
    assert "probe" not in shop.request("GET", "/healthz").json()


def test_our_question_passes_where_only_the_marketplace_may(make_appliance: Callable[..., Appliance], folder: Path) -> None:
    closed = make_appliance('http { hook_networks = "10.0.0.0/8" }\npool { hook = 1 assembly = 1 }\n').start()
    assert ask(closed, mark(closed))[0] == 200
    denied = closed.request("POST", HOOK, "{}", {"Client-Token": closed.secret("hook-token")})
    assert denied.status == 403 and denied.json()["error"]["message"] == "this address may not call this path"
    assert ask(closed, "forged", **{"Client-Token": closed.secret("hook-token")})[0] == 403
    assert closed.request("POST", "/.probe", "{}").status == 404, "only from inside"
    assert stored(closed)[0] == 0


def test_a_store_that_keeps_nothing_is_noticed_by_our_question(make_appliance: Callable[..., Appliance],
                                                               folder: Path) -> None:
    machine = BadMachine(folder)
    shop = make_appliance("pool { hook = 1 assembly = 1 }\n")
    shop.environment.update(machine.environment)
    shop.start()
    machine.disk(FULL)
    wait_until(lambda: ask(shop, mark(shop))[0] == 503, 10 * SLACK, "it is not answered as kept")
    machine.disk(WORKS)
    wait_until(lambda: ask(shop, mark(shop))[0] == 200, 20 * SLACK, "and then it is")


def test_what_is_wrong_with_our_address_is_told_apart(shop: Appliance, folder: Path) -> None:
    url = f"https://127.0.0.1:{shop.port}"
    assert monitor(shop, f'monitor {{ public_url = "{url}/" slow_ms = 5000 }}\n', folder) == (0, "")
    value, why = monitor(shop, 'monitor { public_url = "https://127.0.0.1:9" }\n', folder)
    assert value == 1 and why.startswith("нет ответа: ")
    shutil.copy(shop.state / "tls" / "certificate.pem", folder / "c.pem")
    value, why = monitor(shop, f'monitor {{ public_url = "{url}" }}\nhttp {{ tls_certificate = "{folder}/c.pem"'
                               f' tls_key = "{folder}/c.pem" }}\n', folder)
    assert value == 1 and why.startswith("сертификату нельзя доверять: ")
    relay = Relay(shop.port, 0.1)
    value, why = monitor(shop, f'monitor {{ public_url = "https://127.0.0.1:{relay.port}" slow_ms = 50 }}\n', folder)
    relay.listener.close()
    assert value == 1 and why.startswith("ответ пришёл только через ")
    value, why = monitor(shop, f'monitor {{ public_url = "{url}/nowhere" }}\n', folder)
    assert value == 1 and why == "код 404, ответила не эта установка"


def health(shop: Appliance) -> tuple[int, list[str]]:
    answer = shop.request("GET", "/healthz")
    assert "reasons" not in answer.json()
    return answer.status, answer.json().get("warnings", [])


def test_a_job_without_a_good_run_in_its_time_is_a_warning(shop: Appliance) -> None:
    """Orders are taken: no balancer may send them elsewhere because of it."""
    planned = "SELECT expected_ms FROM jobs WHERE name = 'backup' AND expected_ms > 0"

    def expected() -> int | None:
        with closing(shop.store()) as store:
            return (store.execute(planned).fetchone() or (None,))[0]
    was = wait_until(expected, 10, "the backup is planned")
    shop.change("UPDATE jobs SET expected_ms = 1 WHERE name = 'backup'")
    assert health(shop) == (200, ["job backup: no good run yet"])
    shop.change("UPDATE jobs SET paused = 1 WHERE name = 'backup'")
    assert health(shop) == (200, []), "nothing is expected of a paused one"
    shop.change(f"UPDATE jobs SET paused = 0, expected_ms = {was} WHERE name = 'backup'")
    assert health(shop) == (200, [])


def test_a_store_that_is_held_after_a_restore_is_a_warning(shop: Appliance) -> None:
    shop.change("UPDATE store_meta SET held = 1")
    assert health(shop) == (200, ["held after a restore: nothing is sent"])
    shop.change("UPDATE store_meta SET held = 0")
    assert health(shop) == (200, [])
