"""What the ERP has booked, and in which sequence it takes things."""

from __future__ import annotations

from typing import Any

from erp.rules import Refusal, check_sums


class Books:
    def __init__(self) -> None:
        self.states: dict[str, str] = {}       # of an order, by the marketplace's id
        self.versions: dict[str, int] = {}
        self.last: dict[str, int] = {}         # counter of what came last of an order
        self.documents: dict[int, dict[str, Any]] = {}
        self.steps: dict[str, list[str]] = {}  # states of an order in the sequence they came
        self.refused: dict[str, str] = {}      # reasons, by order: told to do so

    def take(self, kind: str, value: dict[str, Any]) -> None:
        order = value["externalId"]
        if value["seq"] <= self.last.get(order, 0):
            raise Refusal(409, f"{value['seq']} comes after {self.last[order]}")
        if reason := self.refused.get(f"{kind}:{order}"):
            raise Refusal(422, reason)
        if kind == "orders":
            self._take_order(order, value)
        else:
            self._take_document(order, value)
        self.last[order] = value["seq"]

    def _take_order(self, order: str, value: dict[str, Any]) -> None:
        if value["version"] < self.versions.get(order, 0):
            raise Refusal(409, "an older version of the order")
        self.versions[order] = value["version"]
        self.states[order] = value["state"]
        self.steps.setdefault(order, []).append(value["state"])

    def _take_document(self, order: str, value: dict[str, Any]) -> None:
        if self.states.get(order) != "delivered":
            raise Refusal(409, "its order is not delivered here")
        sold = any(one["kind"] == "sale" and one["externalId"] == order for one in self.documents.values())
        if (value["kind"] == "sale") == sold and value["id"] not in self.documents:
            raise Refusal(409, "a second sale" if sold else "nothing was sold")
        check_sums(value)
        self.documents[value["id"]] = value
