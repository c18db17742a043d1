"""Answers held against services/erp/openapi.json: is there such a route, such a status, and is the body so?"""

from __future__ import annotations

import json
import re
from typing import Any

from appliance import ROOT, Answer
from jsonschema import Draft202012Validator, RefResolver

FILE = ROOT / "services" / "erp" / "openapi.json"


class Description:
    def __init__(self, spec: dict[str, Any] | None = None) -> None:
        self.spec = spec or json.loads(FILE.read_text(encoding="utf-8"))
        self.base = self.spec["servers"][0]["url"]
        self.resolver = RefResolver("", self.spec)
        self.seen: set[tuple[str, str, int]] = set()

    def _of(self, value: dict[str, Any]) -> dict[str, Any]:
        return self.resolver.resolve(value["$ref"])[1] if "$ref" in value else value

    def routes(self) -> list[tuple[str, str, int]]:
        """Every method, path and status that is described."""
        return [(method.upper(), path, int(status)) for path, methods in self.spec["paths"].items()
                for method, operation in methods.items() for status in operation["responses"]]

    def path_of(self, path: str) -> str:
        """The described path that a real one is an example of; the most literal one wins."""
        real = path.split("?")[0].removeprefix(self.base)
        fitting = [name for name in self.spec["paths"]
                   if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/.]+", re.escape(name)), real)]
        assert fitting, f"{real} is not described"
        return min(fitting, key=lambda name: name.count("{"))

    def check(self, method: str, path: str, answer: Answer) -> Answer:
        name = self.path_of(path)
        responses = self.spec["paths"][name][method.lower()]["responses"]
        assert str(answer.status) in responses, f"{method} {name}: {answer.status} is not described: {answer}"
        response = self._of(responses[str(answer.status)])
        for header in response.get("headers", {}):
            assert header in answer.headers, f"{method} {name} {answer.status}: no {header}"
        kind = answer.headers["Content-Type"].split(";")[0]
        assert kind in response["content"], f"{method} {name} {answer.status}: {kind}"
        if kind == "application/json":
            Draft202012Validator(response["content"][kind]["schema"], resolver=self.resolver).validate(answer.json())
        self.seen.add((method, name, answer.status))
        return answer
