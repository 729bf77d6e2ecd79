"""How YouTube says no: the JSON shape of an error, with domain and reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

_DOMAINS = {
    "authError": "global",
    "insufficientPermissions": "global",
    "required": "global",
    "backendError": "youtube.common",
    "internalError": "youtube.common",
    "quotaExceeded": "youtube.quota",
    "rateLimitExceeded": "usageLimits",
    "userRateLimitExceeded": "usageLimits",
    "accessNotConfigured": "usageLimits",
    "dailyLimitExceeded": "usageLimits",
}
_STATUS_WORDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
# Google adds `details` to these; the client library then shows them instead of `errors`, so that the reason hides.
_DETAILED = {"accessNotConfigured": "SERVICE_DISABLED", "insufficientPermissions": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}
_MESSAGES = {
    "quotaExceeded": 'The request cannot be completed because you have exceeded your <a href="/youtube/v3/'
    'getting-started#quota">quota</a>.',
    "authError": "Invalid Credentials",
    "insufficientPermissions": "Request had insufficient authentication scopes.",
    "liveStreamingNotEnabled": "The user is not enabled for live streaming.",
    "liveBroadcastNotFound": "Live broadcast not found",
    "liveStreamNotFound": "Live stream not found",
    "errorStreamInactive": "Stream is inactive",
    "invalidTransition": "Invalid transition",
    "redundantTransition": "Redundant transition",
}


@dataclass
class Refusal(Exception):
    """An answer that is an error.

    Attributes:
        status: HTTP status.
        reason: Google's word, such as ``invalidTransition``.
        message: for people; may hold markup, as the real ones do.
        violation: whether it is a bug of the client, in words; empty when it is an ordinary refusal.
    """

    status: int
    reason: str
    message: str = ""
    domain: str = ""
    location: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    violation: str = ""

    def to_json(self) -> dict[str, Any]:
        message = self.message or _MESSAGES.get(self.reason, self.reason)
        entry: dict[str, Any] = {
            "message": message,
            "domain": self.domain or _DOMAINS.get(self.reason, "youtube.liveBroadcast"),
            "reason": self.reason,
        }
        if self.reason == "authError":
            entry |= {"location": "Authorization", "locationType": "header"}
        elif self.location:
            entry |= {"location": self.location, "locationType": "parameter"}
        error: dict[str, Any] = {"code": self.status, "message": message, "errors": [entry]}
        if self.reason in _DETAILED or self.status in {401, 429} or self.reason == "invalid":
            error["status"] = _STATUS_WORDS.get(self.status, HTTPStatus(self.status).name)
        if self.reason in _DETAILED:
            error["details"] = [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": _DETAILED[self.reason],
                    "domain": "googleapis.com",
                    "metadata": {"service": "youtube.googleapis.com"},
                }
            ]
        return {"error": error}


def bad_wire(what: str, *, reason: str = "invalid", location: str = "", domain: str = "") -> Refusal:
    """A request that no correct client sends."""
    return Refusal(400, reason, what, domain=domain or "global", location=location, violation=what)
