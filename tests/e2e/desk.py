"""A store with orders and their notifications, for tests of the notifier alone: no hook, no processor."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from appliance import BIN, ROOT, SLACK, wait_until
from notifiers import Notifiers

sys.path.insert(0, str(ROOT / "tests" / "emulators"))

from kuper import remote  # noqa: E402
from kuper.remote import Kuper  # noqa: E402

IN_WORK, ASSEMBLED, READY, CANCELED = "order.in_work", "order.assembled", "order.ready_for_delivery", "order.canceled"


class Desk(Notifiers):
    """Orders and their notifications."""

    def __init__(self, folder: Path, market: Kuper) -> None:
        super().__init__(folder)
        self.market = market
        self.next_id = 0
        self.configure()
        self.run_ctl("init")
        self.write_secret("kuper-client-token", remote.CLIENT_TOKEN)
        self.open()

    # --- the installation

    def run_ctl(self, *arguments: str) -> None:
        subprocess.run([BIN / "ordergatectl", "--state", self.state, "--config", self.config, *arguments], check=True, capture_output=True)

    def configure(self, **options: Any) -> None:
        values = {"notifications_url": f"{self.market.base_url}/v1/notifications",
                  "shipments_url": f"{self.market.base_url}/ofm/api/v1/shipments",
                  "token_url": f"{self.market.base_url}/auth/token", "rate_per_second": 1000, "parallel": 16,
                  "timeout_ms": 1500, "probe_ms": 300, **options}
        lines = "\n".join(f"  {key} = {json.dumps(value)}" for key, value in values.items())
        notifiers = options.get("notifiers", 1)
        self.config.write_text(
            self.data.named_in(f"channel kuper {{\n{lines}\n}}\npool {{ notifier = {notifiers} }}\n".replace(f"  notifiers = {notifiers}\n", "")),
            encoding="utf-8")

    # --- orders and notifications

    def order(self, state: str = "assembling", kind: int = 3) -> str:
        """An order here and at the marketplace; its external id."""
        self.next_id += 1
        store = str(1200 + kind)
        external = self.market.create(send=False, store_id=store, integration_type=kind)["id"]
        self.db.execute("INSERT INTO stores VALUES (?, '', 'Europe/Moscow', '', '', ?, 1, 0, 0) ON CONFLICT DO NOTHING", (store, kind))
        self.db.execute("INSERT INTO orders (id, channel, external_id, number, store_id, state, version, event_ms, snapshot_ms,"
                        " created_ms, updated_ms) VALUES (?, 'kuper', ?, ?, ?, ?, 1, 0, 0, 0, 0)",
                        (self.next_id, external, f"1-{self.next_id}", store, state))
        return external

    def order_id(self, external: str) -> int:
        return self.db.execute("SELECT id FROM orders WHERE external_id = ?", (external,)).fetchone()[0]

    def order_state(self, external: str) -> str:
        return self.db.execute("SELECT state FROM orders WHERE external_id = ?", (external,)).fetchone()[0]

    def set_order_state(self, external: str, state: str) -> None:
        self.db.execute("UPDATE orders SET state = ? WHERE external_id = ?", (state, external))

    def add(self, external: str, *types: str, age_ms: int = 0) -> None:
        """What outbox_add() does, in one transaction."""
        with self.db.transaction():
            for event_type in types:
                self._add_one(external, event_type, age_ms)

    def _add_one(self, external: str, event_type: str, age_ms: int) -> None:
        order = {"order": {"originalOrderId": external, "changed": False}} if event_type == READY else {}
        body = json.dumps({"event": {"type": event_type, "payload": {"order_id": external, **order}}})
        now = time.time_ns() // 1_000_000 - age_ms
        head, seq = self.db.execute(
            "INSERT INTO outbox_head (order_id, endpoint, last_seq, state, due_ms) VALUES (?, 'kuper', 1, 1, ?)"
            " ON CONFLICT (order_id, endpoint) DO UPDATE SET last_seq = outbox_head.last_seq + 1,"
            " due_ms = CASE WHEN outbox_head.state IN (0, 4) THEN excluded.due_ms ELSE outbox_head.due_ms END,"
            " state = CASE WHEN outbox_head.state IN (0, 4) THEN 1 ELSE outbox_head.state END RETURNING head_id, last_seq",
            (self.order_id(external), now)).fetchone()
        self.db.execute(
            "INSERT INTO outbox (message_id, head_id, endpoint, channel, external_id, event_type, order_id, order_seq, state,"
            " hold, due_ms, created_ms, updated_ms, body) VALUES ('m', ?, 'kuper', 'kuper', ?, ?, ?, ?, 1,"
            " CASE WHEN EXISTS (SELECT 1 FROM outbox WHERE head_id = ? AND state = 4 AND hold = 'blocked')"
            " THEN 'blocked' ELSE 'none' END, ?, ?, ?, ?)",
            (head, external, event_type, self.order_id(external), seq, head, now, now, now, body))

    def rows(self, external: str) -> list[dict[str, Any]]:
        cursor = self.db.execute("SELECT event_type, state, outcome, hold, attempts, http_status, error, sending_since_ms"
                                 " FROM outbox WHERE external_id = ? ORDER BY order_seq", (external,))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor]

    def endpoint(self) -> str:
        row = self.db.execute("SELECT state FROM endpoints WHERE name = 'kuper'").fetchone()
        return row[0] if row else "closed"

    def wait(self, condition: Callable[[], Any], what: str, seconds: float = 10.0) -> Any:
        try:
            return wait_until(condition, seconds * SLACK, what)
        except AssertionError as error:
            orders = [row[0] for row in self.db.execute("SELECT external_id FROM orders LIMIT 3")]
            raise AssertionError(f"{error}\nendpoint {self.endpoint()}\n"
                                 + "\n".join(str((name, self.rows(name))) for name in orders)
                                 + f"\n{self.log()[-4000:]}") from None

    def wait_over(self, external: str, seconds: float = 10.0) -> list[dict[str, Any]]:
        """All of the order's notifications done or failed."""
        return self.wait(lambda: (rows := self.rows(external)) and all(row["state"] in (3, 4) for row in rows) and rows,
                         f"{external} is over", seconds)

    def sent(self, external: str, event_type: str) -> int:
        return sum(1 for name, _ in self.market.notifications(external) if name == event_type)

    def asked(self, external: str) -> int:
        return len(self.market.journal(kind="request", order=external, type="state"))
