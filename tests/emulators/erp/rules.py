"""What the ERP takes, as its own reading of the contract: fields, keys, signatures, sums."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from decimal import Decimal
from typing import Any

CLOCK_S = 300
# Exactly these fields, of these types.
_ORDER = {"seq": int, "orderNumber": str, "channel": str, "externalId": str, "storeId": str}
FIELDS: dict[str, dict[str, type]] = {
    "orders": {**_ORDER, "event": str, "state": str, "version": int, "at": str},
    "documents": {**_ORDER, "id": int, "kind": str, "series": str, "number": int, "revision": int, "businessDate": str,
                  "total": str, "vat": str, "at": str, "document": dict},
}


class Refusal(Exception):
    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


def check_headers(headers: dict[str, str], body: bytes, token: str, secret: str) -> str:
    """The key of a request that is really ours."""
    if not hmac.compare_digest(headers.get("authorization", ""), f"Bearer {token}"):
        raise Refusal(401, "who are you?")
    key = headers.get("idempotency-key", "")
    if not key.isdigit() or headers.get("webhook-id") != key:
        raise Refusal(400, "no key, or two of them")
    if secret:
        sent = headers.get("webhook-timestamp", "")
        mac = hmac.new(secret.encode(), f"{key}.{sent}.".encode() + body, hashlib.sha256).digest()
        if not hmac.compare_digest(headers.get("webhook-signature", ""), "v1," + base64.b64encode(mac).decode()):
            raise Refusal(403, "the signature is wrong")
        if abs(time.time() - int(sent)) > CLOCK_S:
            raise Refusal(403, "the signature is old")
    return key


def check_fields(kind: str, value: Any, key: str) -> None:
    fields = FIELDS[kind]
    if not isinstance(value, dict):
        raise Refusal(422, "an object is wanted")
    for name in value.keys() ^ fields.keys():
        raise Refusal(422, f"{'unknown' if name in value else 'missing'} field {name}")
    for name, wanted in fields.items():
        if type(value[name]) is not wanted:
            raise Refusal(422, f"{name} must be {wanted.__name__}")
    if str(value["seq"]) != key:
        raise Refusal(422, "the key is another one")


def check_sums(document: dict[str, Any]) -> None:
    lines = document["document"]["lines"]
    if sum((Decimal(one["amount"]) for one in lines), Decimal(0)) != Decimal(document["total"]):
        raise Refusal(422, "the lines are not the total")
    if sum((Decimal(one["vat"]) for one in lines), Decimal(0)) != Decimal(document["vat"]):
        raise Refusal(422, "the VAT of the lines is not the document's")
