"""Two pickers on one order, who take it from each other and pick, scan, replace and take back as fast as they can."""

from __future__ import annotations

import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from api_client import FINISHED, Order, Shop
from appliance import PATIENCE_S

LINES = 6
# Every call that may change a line, by the kind of its row in the history.
KINDS = {"pickPosition": "pick", "scan": "scan", "resetPosition": "reset", "takeOrder": "takeOver"}
ENOUGH = 5 * len(KINDS)  # changes by one picker


def request_of(turn: int, dice: random.Random) -> tuple[str, dict[str, Any]]:
    if turn % 5 == 0:
        return "takeOrder", {"takeOver": True}
    line = dice.randint(1, LINES)
    return dice.choice([
        ("pickPosition", {"line": line, "quantity": dice.randint(0, 8), "reason": "other"}),
        ("pickPosition", {"line": line, "quantity": 9}),
        ("scan", {"code": f"sku-{line}"}),
        ("resetPosition", {"line": line}),
    ])


def at_work(shop: Shop, order: Order, picker: str, until: float) -> list[tuple[str, str]]:
    """What this picker was told had changed something: (kind, picker). A slow machine has longer to do enough."""
    mine = Order(shop, order.external_id, order.number)
    dice = random.Random(picker)
    done = []
    turn = 0
    while (now := time.monotonic()) < until or (len(done) <= ENOUGH and now < until + PATIENCE_S):
        mine.read()
        before = mine.seen
        method, data = request_of(turn, dice)
        turn += 1
        answer = mine.call(method, picker, **data)
        assert answer.status in (200, 409, 422), answer
        # Every third answer is lost, and asked for again.
        if answer.status == 200 and turn % 3 == 0 and method != "takeOrder":
            request_id = answer.json()["requestId"]
            again = shop.change(method, request_id, number=order.number, pickerId=picker, version=before, **data)
            assert (again.status, again.body) == (200, answer.body)
        if answer.status == 200 and mine.seen > before:
            done.append((KINDS[method], picker))
    return done


def hammer(shop: Shop, seconds: float) -> None:
    """No double count, no lost action, a whole history: every change that was acknowledged is one row of it, in a chain
    from each line's first amount to its last."""
    order = shop.new_order([(f"sku-{line}", 9, None) for line in range(1, LINES + 1)])
    order.do("takeOrder", "anna")
    until = time.monotonic() + seconds
    with ThreadPoolExecutor(2) as pool:
        pickers = [pool.submit(at_work, shop, order, picker, until) for picker in ("anna", "boris")]
        done = [one for picker in pickers for one in picker.result()]
    assert len(done) > 2 * ENOUGH, done
    rows = shop.rows("SELECT kind, actor, detail FROM order_history h JOIN orders o ON o.id = h.order_id WHERE o.number = ?"
                     " AND kind IN ('pick', 'scan', 'reset', 'takeOver') ORDER BY h.id", order.number)
    assert sorted((kind, actor) for kind, actor, _ in rows) == sorted(done)
    amounts: dict[int, float] = {}
    for kind, _, detail in rows:
        if kind == "takeOver":
            continue
        told = json.loads(detail)
        assert told["from"] == amounts.get(told["line"], 0)
        assert kind != "scan" or told["to"] == told["from"] + 1
        amounts[told["line"]] = told["to"]
    shown = order.read()
    assert {line["line"]: line["pickedQuantity"] for line in shown["lines"] if line["line"] in amounts} == amounts
    # Created is version 1, the first take 2.
    assert shown["version"] == 2 + len(rows)
    assert order.notices() == FINISHED[:2]
