"""Everything is restarted again and again, nginx reloads, and nobody who calls notices."""

from __future__ import annotations

import http.client
import os
import signal
import threading
import time
from collections import Counter

from appliance import SLACK, Answer, Appliance, processes_of, wait_until
from load import Wrk, check_numbers, check_store, wait_until_processed

ROUNDS = 5
PAUSE_S = 0.005  # a connection that is never idle would show less
SERVICES = ("hook", "assembly", "erp", "processor", "notifier", "console", "scheduler")


class Clients:
    """One connection per row that asks on and on, and takes nothing but 200 for an answer."""

    def __init__(self, appliance: Appliance) -> None:
        assembly = {"Client-Token": appliance.secret("assembly-token")}
        erp = {"Authorization": f"Bearer {appliance.secret('erp-token')}"}
        self._rows = [("POST", "/sbermarket/orders/api/getOrders", '{"requestData":{"storeId":"1207"}}', assembly),
                      ("GET", "/erp/v1/documents", None, erp), ("GET", "/metrics", None, {})]
        self._appliance = appliance
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=row, daemon=True) for row in self._rows for _ in range(2)]
        self.answered: Counter[str] = Counter()
        self.failed: list[str] = []

    def start(self) -> "Clients":
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(30)

    def _run(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> None:
        connection = self._appliance.connection(30)
        while not self._over.is_set():
            try:
                connection.request(method, path, body, headers)
                answer = Answer(connection.getresponse())
                if answer.status != 200:
                    self.failed.append(f"{method} {path}: {answer}")
            except (OSError, http.client.HTTPException) as problem:
                self.failed.append(f"{method} {path}: {problem!r}")
                connection.close()
            self.answered[path] += 1
            time.sleep(PAUSE_S)
        connection.close()


def nginx_workers(appliance: Appliance) -> set[int]:
    return {pid for pid, arguments in processes_of(appliance.state).items() if "nginx: worker" in arguments[0]}


def restart_services(appliance: Appliance, at_once: bool) -> None:
    """Each process, one instance of every pool after the other or all of them."""
    old = [(service, number, pid) for service in SERVICES for number, pid in sorted(appliance.pids(service).items())]
    for turn in range(1) if at_once else sorted({number for _, number, _ in old}):
        mine = [row for row in old if at_once or row[1] == turn]
        for _, _, pid in mine:
            os.kill(pid, signal.SIGTERM)
        for service, number, pid in mine:
            appliance.wait_for_new(service, number, pid, 12 * SLACK)


def reload_nginx(appliance: Appliance) -> None:
    old = nginx_workers(appliance)
    assert old and appliance.process is not None
    appliance.process.send_signal(signal.SIGHUP)
    wait_until(lambda: not old & nginx_workers(appliance), 12 * SLACK, "nginx's processes are new ones")
    wait_until(lambda: not (appliance.state / "run" / "nginx" / "last-answers").exists(), 6 * SLACK, "connections stay open again")


def test_five_restarts_of_everything_under_load_lose_no_request(appliance: Appliance) -> None:
    wrk = Wrk(appliance, 300, connections=16, pause_ms=5)
    clients = Clients(appliance).start()
    try:
        for turn in range(ROUNDS):
            restart_services(appliance, at_once=turn % 2 == 0)
            reload_nginx(appliance)
        assert wrk.runs(), "the load ended before the restarts"
        clients.stop()
        result = wrk.finish()
    finally:
        wrk.destroy()
    print(f"{ROUNDS} restarts: wrk {result}, others {dict(clients.answered)}, {len(clients.failed)} failed")
    assert not clients.failed, clients.failed[:5]
    assert {name: result[name] for name in ("status_errors", "connect", "read", "write", "timeout")} == dict.fromkeys(
        ("status_errors", "connect", "read", "write", "timeout"), 0), (result, appliance.report())
    wait_until_processed(appliance, 120)
    check_numbers(appliance, wrk.numbers())
    wait_until_processed(appliance)
    check_store(appliance)
