"""Who may send notifications and read shipments: the client token, or OAuth client credentials."""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from urllib.parse import parse_qsl

from kuper.config import Config
from kuper.rules import Verdict, refusal
from wire.message import Answer, Request, dump_json, json_answer

TOKEN_LIMIT = 10_000


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode("utf-8", "replace"), right.encode("utf-8", "replace"))


def _problem(status: int, kind: str, title: str) -> Answer:
    return json_answer(status, {"error": {"type": kind, "title": title, "status": status}})


class Auth:
    def __init__(self, config: Config) -> None:
        self._config = config
        self._expiry: dict[str, float] = {}
        self._issued = 0

    def check(self, request: Request) -> tuple[str, Verdict | None]:
        """The kind of authorisation and, if it does not hold, the refusal."""
        headers = request.headers
        bearer = headers.get("authorization", "")
        if bearer[:7].lower() == "bearer ":
            return "oauth", None if self._token_lives(bearer[7:].strip()) else self._wrong()
        if "client-token" not in headers:
            return "none", self._wrong()
        if not any(_same(headers["client-token"], token) for token in self._config.client_tokens):
            return "client-token", self._wrong()
        if request.path == "/v1/notifications" and headers.get("api-version") != "3.0":
            return "client-token", refusal("A11", "Api-Version", "Api-Version: 3.0 is required", 400)
        return "client-token", None

    def issue(self, request: Request) -> Answer:
        """POST /auth/token with grant_type=client_credentials."""
        form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return _problem(400, "validation-error", "application/x-www-form-urlencoded is expected")
        if form.get("grant_type") != "client_credentials":
            return _problem(400, "validation-error", "grant_type must be client_credentials")
        known = bool(self._config.oauth_id) and _same(form.get("client_id", ""), self._config.oauth_id)
        if not (known and _same(form.get("client_secret", ""), self._config.oauth_secret)):
            return _problem(401, "unauthorized", "wrong client credentials")
        return json_answer(200, self._new_token())

    def expire_all(self) -> None:
        self._expiry.clear()

    def _new_token(self) -> dict[str, object]:
        self._issued += 1
        if len(self._expiry) >= TOKEN_LIMIT:
            self._expiry.clear()
        ttl = self._config.token_ttl_s
        token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (
            dump_json({"alg": "RS256", "typ": "JWT"}), dump_json({"exp": int(time.time()) + ttl, "n": self._issued}),
            secrets.token_bytes(32)))
        self._expiry[token] = time.monotonic() + ttl
        # Both spellings of the type were seen from the real service, so that both come in turn.
        kind = "Bearer" if self._issued % 2 else "bearer"
        return {"access_token": token, "expires_in": ttl, "refresh_expires_in": 0, "token_type": kind,
                "not_before_policy": 0, "scopes": "notifications"}

    def _token_lives(self, token: str) -> bool:
        return self._expiry.get(token, 0.0) > time.monotonic()

    def _wrong(self) -> Verdict:
        return refusal("auth", None, "unauthorized", self._config.wrong_token_status, "unauthorized")
