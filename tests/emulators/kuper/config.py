"""What the emulator can be told, at start or later through /_control/config."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from kuper.rules import Policy


@dataclass(slots=True)
class Config:
    hook_url: str = ""
    hook_token: str = ""
    client_tokens: list[str] = field(default_factory=list)
    oauth_id: str = ""
    oauth_secret: str = ""
    token_ttl_s: int = 300
    wrong_token_status: int = 401
    settle_ms: int = 2500
    hook_timeout_ms: int = 5000
    hook_connections: int = 16
    retry_ms: int = 200
    retry_limit_ms: int = 2000
    attempt_limit: int = 0
    enforce: bool = True
    spec_rules: bool = True
    unreliable_code: int = 422
    repeat_code: int = 422
    kinds: dict[str, int] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)

    def __post_init__(self) -> None:
        self._renew()

    def change(self, values: dict[str, Any]) -> None:
        """Sets the named values; a name or type that does not fit is a ValueError and changes nothing."""
        for name, value in values.items():
            if name not in _CHANGEABLE:
                raise ValueError(f"no such setting: {name}")
            if type(value) is not type(getattr(self, name)):
                raise ValueError(f"{name} must be {type(getattr(self, name)).__name__}")
        for name, value in values.items():
            setattr(self, name, value)
        self._renew()

    def show(self) -> dict[str, Any]:
        """Everything but the secrets."""
        return {name: getattr(self, name) for name in sorted(_CHANGEABLE - _SECRET)}

    def _renew(self) -> None:
        self.policy = Policy(self.enforce, self.spec_rules, self.unreliable_code, self.repeat_code)


_SECRET = frozenset({"hook_token", "client_tokens", "oauth_id", "oauth_secret"})
# The number of connections is fixed at start, because the webhooks in flight already share them.
_CHANGEABLE = frozenset(field.name for field in fields(Config)) - {"policy", "hook_connections"}
