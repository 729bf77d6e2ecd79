"""A well-formed request on its way to the rules of its resource, and the register of those rules."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.fakes.youtube.records import Channel, Grant
from tests.fakes.youtube.refusal import Refusal, bad_wire
from tests.fakes.youtube.wire import Method, foreign_fields
from tests.fakes.youtube.world import World

Json = dict[str, Any]


@dataclass(kw_only=True)
class Request:
    """What a rule sees."""

    method: Method
    params: Json
    parts: Sequence[str]
    body: Json
    grant: Grant
    channel: Channel
    media: bytes | None = None

    def part(self, name: str) -> Json:
        """A part of the resource in the body; empty when it is not there."""
        return dict(self.body.get(name) or {})


Answer = Json | bytes | None
Rule = Callable[[World, Request], Answer]
RULES: dict[str, Rule] = {}


def answers(method_id: str) -> Callable[[Rule], Rule]:
    """Put a rule into the register."""

    def keep(rule: Rule) -> Rule:
        RULES[method_id] = rule
        return rule

    return keep


def show(kind: str, ref: str, parts: Sequence[str], make: Mapping[str, Callable[[], Json]]) -> Json:
    """A resource with the parts that were asked for."""
    body: Json = {"kind": f"youtube#{kind}", "id": ref}
    body |= {name: make[name]() for name in parts if name in make}
    return {**body, "etag": hashlib.sha1(json.dumps(body, sort_keys=True).encode()).hexdigest()[:27]}


def one_filter(request: Request, names: Sequence[str]) -> str:
    """The one filter that was given.

    Raises:
        Refusal: none, or several.
    """
    given = [name for name in names if name in request.params]
    if not given:
        what = f"No filter selected. Expected one of: {', '.join(names)}"
        raise bad_wire(what, reason="missingRequiredParameter", location="parameters.", domain="youtube.parameter")
    if len(given) > 1:
        what = f"Incompatible parameters specified in the request: {', '.join(given)}"
        raise bad_wire(what, reason="incompatibleParameters", location="parameters.", domain="youtube.parameter")
    if request.params[given[0]] is False:
        raise bad_wire(f"{given[0]} can only be true", reason="invalidParameter", location=given[0])
    return given[0]


def own_fields_only(request: Request, current: Json) -> None:
    """Hold the body against what only YouTube sets.

    Raises:
        Refusal: a field that is not the client's, with a value that YouTube has not set.
    """
    if found := foreign_fields(request.method.resource, request.body, current):
        raise bad_wire(f"{request.method.id}: not for clients to set: {', '.join(found)}", reason="invalid")


def paged(request: Request, kind: str, items: Sequence[Any], render: Callable[[Any], Json]) -> Json:
    """One page of a list."""
    size = request.params.get("maxResults", 5)
    try:
        start = int(base64.urlsafe_b64decode(request.params.get("pageToken", "") or b"MA==").decode().strip("C:"))
    except ValueError as error:
        raise bad_wire("invalid page token", reason="invalidPageToken", location="pageToken") from error
    rendered = [render(item) for item in items[start : start + size]]
    page: Json = {
        "kind": f"youtube#{kind}ListResponse",
        "etag": "page",
        "pageInfo": {"totalResults": len(items), "resultsPerPage": size},
        "items": rendered,
    }
    if size and start + size < len(items):
        page["nextPageToken"] = base64.urlsafe_b64encode(f"C:{start + size}".encode()).decode()
    return page


def not_found(reason: str, what: str, domain: str = "") -> Refusal:
    """There is no such thing, or it is somebody else's."""
    return Refusal(404, reason, f"{what} cannot be found", domain=domain)
