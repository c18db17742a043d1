"""GET /ofm/api/v1/shipments…: what a merchant reads back."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from kuper.auth import Auth
from kuper.marketplace import Marketplace
from kuper.model import Shipment, pull_object, store_import_key
from kuper.orders import MOSCOW
from wire.message import Answer, Request, json_answer

PREFIX = "/ofm/api/v1/shipments"
DEFAULT_PAGE = 20
PAGE_LIMIT = 200


class BadQuery(Exception):
    pass


def _moment_ms(text: str) -> int:
    """Filter times carry no offset; we read them as Moscow time."""
    try:
        return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=MOSCOW).timestamp() * 1000)
    except ValueError as error:
        raise BadQuery(f"not a time: {text}") from error


def _slot_ms(shipment: Shipment, key: str) -> int:
    text = (shipment.payload.get("delivery") or {}).get(key)
    return int(datetime.fromisoformat(text).timestamp() * 1000) if text else 0


_Test = Callable[[Shipment, str], bool]

FILTERS: dict[str, _Test] = {
    "state": lambda s, v: s.state == v,
    "paymentState": lambda s, v: s.payment_state == v,
    "storeId": lambda s, v: s.store_id == v,
    "storeImportKey": lambda s, v: store_import_key(s.store_id) == v,
    "createdFrom": lambda s, v: s.created_ms >= _moment_ms(v),
    "createdTo": lambda s, v: s.created_ms < _moment_ms(v) + 1000,
    "updatedFrom": lambda s, v: s.updated_ms >= _moment_ms(v),
    "updatedTo": lambda s, v: s.updated_ms < _moment_ms(v) + 1000,
    "deliveryFrom": lambda s, v: _slot_ms(s, "expectedFrom") >= _moment_ms(v),
    "deliveryTo": lambda s, v: _slot_ms(s, "expectedTo") <= _moment_ms(v),
}


class Pull:
    def __init__(self, market: Marketplace, auth: Auth) -> None:
        self._market = market
        self._auth = auth

    def handle(self, request: Request) -> Answer:
        _, refused = self._auth.check(request)
        if refused is not None:
            return json_answer(refused.status, refused.errors())
        parts = request.path[len(PREFIX):].strip("/").split("/")
        if parts == [""]:
            return self._page(request)
        shipment = self._market.shipments.get(parts[0])
        if shipment is None or len(parts) > 2 or parts[1:] not in ([], ["state"]):
            return _problem(404, "not-found", "no such shipment")
        if len(parts) == 1:
            return json_answer(200, {"status": "success", "data": pull_object(shipment)})
        state = {"state": shipment.state, "paymentState": shipment.payment_state}
        return json_answer(200, {"status": "success", "data": state})

    def _page(self, request: Request) -> Answer:
        try:
            filters, size, after = _page_of(request.query())
            found = [shipment for shipment in self._market.shipments.values()
                     if shipment.sequence > after and all(FILTERS[name](shipment, value)
                                                          for name, value in filters.items())]
        except BadQuery as error:
            return _problem(400, "validation-error", str(error))
        page = found[:size]
        token = _token(filters, size, page[-1].sequence) if len(found) > size else None
        return json_answer(200, {"status": "success", "data": [pull_object(shipment) for shipment in page],
                                 "appliedFilters": filters, "nextPageToken": token})


def _page_of(query: dict[str, str]) -> tuple[dict[str, str], int, int]:
    """Filters, page size and the last sequence already seen. A page token carries all three, as the real one does."""
    if query.get("nextPageToken"):
        try:
            values = json.loads(base64.urlsafe_b64decode(query["nextPageToken"]))
            return dict(values["f"]), int(values["s"]), int(values["a"])
        except (ValueError, KeyError, TypeError) as error:
            raise BadQuery("bad nextPageToken") from error
    filters: dict[str, str] = {}
    for key, value in query.items():
        if key.startswith("filters[") and key.endswith("]"):
            if key[8:-1] not in FILTERS:
                raise BadQuery(f"no such filter: {key}")
            filters[key[8:-1]] = value
    size_text = query.get("maxPageSize", str(DEFAULT_PAGE))
    if not size_text.isdigit() or int(size_text) == 0:
        raise BadQuery("maxPageSize must be a positive number")
    return filters, min(int(size_text), PAGE_LIMIT), 0


def _token(filters: dict[str, str], size: int, after: int) -> str:
    value: dict[str, Any] = {"f": filters, "s": size, "a": after}
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


def _problem(status: int, kind: str, title: str) -> Answer:
    return json_answer(status, {"error": {"type": kind, "title": title, "status": status}})
