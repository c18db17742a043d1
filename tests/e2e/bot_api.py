"""Requests against Telegram's own description of its Bot API, when that is there."""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILE = Path(os.environ.get("ORDERGATE_SCHEMAS", ROOT.parent / "shared" / "schemas")) / "telegram-bot-api.json"
SIMPLE = {"Integer": int, "String": str, "Boolean": bool, "Float": (int, float), "True": bool}


def need() -> None:
    if not FILE.exists():
        pytest.skip(f"NOT VALIDATED: there is no {FILE}")


@functools.cache
def _spec() -> dict[str, Any]:
    spec = json.loads(FILE.read_text(encoding="utf-8"))
    return {"methods": {name.lower(): method for name, method in spec["methods"].items()}, "types": spec["types"]}


def _fits(value: Any, kind: str, where: str) -> list[str]:
    if kind.startswith("Array of "):
        if not isinstance(value, list):
            return [f"{where}: no array"]
        return [problem for index, item in enumerate(value)
                for problem in _fits(item, kind.removeprefix("Array of "), f"{where}[{index}]")]
    if kind in SIMPLE:
        good = isinstance(value, SIMPLE[kind]) and (kind in ("Boolean", "True") or not isinstance(value, bool))
        return [] if good else [f"{where}: {value!r} is no {kind}"]
    known = _spec()["types"][kind]
    if known.get("subtypes"):
        return _any(value, known["subtypes"], where)
    return _fields(value, known, where) if isinstance(value, dict) else [f"{where}: no {kind}"]


def _any(value: Any, kinds: list[str], where: str) -> list[str]:
    tries = [_fits(value, kind, where) for kind in kinds]
    return [] if [] in tries else min(tries, key=len)


def _fields(value: dict[str, Any], known: dict[str, Any], where: str) -> list[str]:
    fields = {field["name"]: field for field in known.get("fields", [])}
    problems = [f"{where}.{name}: unknown" for name in value if name not in fields]
    problems += [f"{where}.{name}: missing" for name, field in fields.items() if field["required"] and name not in value]
    for name in value.keys() & fields.keys():
        problems += _any(value[name], fields[name]["types"], f"{where}.{name}")
    return problems


def check(telegram: Any) -> None:
    """Every request that the double has seen."""
    if not FILE.exists():
        return  # need() says so, once
    for entry in telegram.journal():
        method = _spec()["methods"].get(entry["api"])
        assert method is not None, f"there is no method {entry['api']}"
        assert _fields(entry["body"], method, entry["api"]) == [], entry["body"]
