"""The wire format, read from the discovery document that the client library bundles.

Owns which requests are well formed: paths, query parameters, parts, enum values, body fields. Refuses to know states.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import googleapiclient

from tests.fakes.youtube.refusal import Refusal, bad_wire

Json = dict[str, Any]

# Narrower than the schema says: what the reference pages list for `part`.
_PARTS = {
    "liveStreams.list": {"id", "snippet", "cdn", "status"},
    "liveChatMessages.list": {"id", "snippet", "authorDetails"},
    "liveChatMessages.insert": {"snippet"},
}
_SET_BY_CLIENT: Mapping[str, Sequence[str]] = {
    "LiveBroadcast": [
        *(f"snippet.{name}" for name in ("title", "description", "scheduledStartTime", "scheduledEndTime")),
        "snippet.categoryId",
        "status.privacyStatus",
        "status.selfDeclaredMadeForKids",
        *(f"contentDetails.enable{x}" for x in ("AutoStart", "AutoStop", "ClosedCaptions", "ContentEncryption")),
        *(f"contentDetails.enable{x}" for x in ("Dvr", "Embed", "LowLatency")),
        *(f"contentDetails.{x}" for x in ("closedCaptionsType", "latencyPreference", "recordFromStart", "mesh")),
        *(f"contentDetails.{x}" for x in ("startWithSlate", "projection", "stereoLayout", "availabilityConfig")),
        "contentDetails.monitorStream.enableMonitorStream",
        "contentDetails.monitorStream.broadcastStreamDelayMs",
    ],
    "LiveStream": [
        "snippet.title",
        "snippet.description",
        "contentDetails.isReusable",
        *(f"cdn.{x}" for x in ("frameRate", "ingestionType", "resolution", "format")),
    ],
    "Video": [
        *(f"snippet.{x}" for x in ("title", "description", "tags", "categoryId", "defaultLanguage")),
        "snippet.defaultAudioLanguage",
        *(f"status.{x}" for x in ("privacyStatus", "embeddable", "license", "publicStatsViewable", "publishAt")),
        "status.selfDeclaredMadeForKids",
        "status.containsSyntheticMedia",
        "localizations",
        "recordingDetails",
    ],
    "Caption": [f"snippet.{x}" for x in ("videoId", "language", "name", "isDraft")],
    "Playlist": [
        *(f"snippet.{x}" for x in ("title", "description", "defaultLanguage", "tags")),
        "status.privacyStatus",
        "localizations",
    ],
    "PlaylistItem": [
        *(f"snippet.{x}" for x in ("playlistId", "position", "resourceId")),
        *(f"contentDetails.{x}" for x in ("note", "startAt", "endAt")),
    ],
    "LiveChatMessage": [f"snippet.{x}" for x in ("liveChatId", "type", "textMessageDetails")],
}


@dataclass(frozen=True, kw_only=True)
class Method:
    """One method of the programming interface.

    Attributes:
        id: such as ``liveBroadcasts.insert``.
        resource: name of its resource's schema, such as ``LiveBroadcast``; empty when it has none.
        parts: names that ``part`` may hold.
        accepts: types of the media that comes along; empty when none does.
    """

    id: str
    http_method: str
    pattern: re.Pattern[str]
    parameters: Mapping[str, Json]
    request: str
    resource: str
    parts: frozenset[str]
    scopes: frozenset[str]
    accepts: tuple[str, ...]

    @property
    def uploads(self) -> bool:
        return bool(self.accepts)


@cache
def document() -> Json:
    """The discovery document as it is bundled."""
    path = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents" / "youtube.v3.json"
    return dict(json.loads(path.read_text("utf-8")))


def _walk(resources: Json) -> Iterator[Json]:
    for resource in resources.values():
        yield from resource.get("methods", {}).values()
        yield from _walk(resource.get("resources", {}))


def _resource_of(raw: Json) -> str:
    name = str(raw.get("request", {}).get("$ref", "") or raw.get("response", {}).get("$ref", ""))
    items = document()["schemas"].get(name, {}).get("properties", {}).get("items", {})
    return str(items.get("items", {}).get("$ref", name))


def _to_method(raw: Json) -> Method:
    name = raw["id"].removeprefix("youtube.")
    resource = _resource_of(raw)
    fields = document()["schemas"].get(resource, {}).get("properties", {})
    parts = {key for key, value in fields.items() if "$ref" in value or value.get("type") == "object"} | {"id"}
    pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(raw["path"]))
    return Method(
        id=name,
        http_method=raw["httpMethod"],
        pattern=re.compile(pattern),
        parameters=raw.get("parameters", {}),
        request=raw.get("request", {}).get("$ref", ""),
        resource=resource,
        parts=frozenset(_PARTS.get(name, parts)),
        scopes=frozenset(raw.get("scopes", [])),
        accepts=tuple(raw.get("mediaUpload", {}).get("accept", ())),
    )


@cache
def methods() -> tuple[Method, ...]:
    """Every method of the document."""
    return tuple(_to_method(raw) for raw in _walk(document()["resources"]) if not raw["id"].startswith("youtube.v3"))


def find_method(http_method: str, path: str) -> tuple[Method, dict[str, str], bool]:
    """The method behind a path, the parameters in the path, and whether it is the upload address.

    Raises:
        Refusal: there is no such thing.
    """
    plain = path.strip("/")
    upload = plain.startswith(("upload/", "resumable/upload/"))
    plain = plain.removeprefix("resumable/").removeprefix("upload/")
    for method in methods():
        match = method.pattern.fullmatch(plain)
        if match and method.http_method == http_method and (method.uploads or not upload):
            return method, match.groupdict(), upload
    what = f"{http_method} {path}: no such method"
    raise Refusal(404, "notFound", what, domain="global", violation=what)


def parse_query(method: Method, query: Sequence[tuple[str, str]], *, upload: bool) -> Json:
    """Typed values of the query parameters, lists for repeated ones.

    Raises:
        Refusal: unknown, missing, twice, of the wrong type, outside the range or the enum, or an unknown part.
    """
    seen: dict[str, list[str]] = {}
    for name, value in query:
        if name in method.parameters:
            seen.setdefault(name, []).append(value)
        else:
            _check_shared(method, name, value, upload=upload)
    for name, spec in method.parameters.items():
        if spec.get("required") and not any(seen.get(name, [])):
            raise bad_wire(f"Required parameter: {name} ({method.id})", reason="required", location=name)
    values = {name: _parse_parameter(method, name, found) for name, found in seen.items()}
    for part in values.get("part", []):
        if part not in method.parts:
            what = f"{method.id}: '{part}' is no part; known: {', '.join(sorted(method.parts))}"
            raise bad_wire(what, reason="unknownPart", location="part", domain="youtube.part")
    return values


def _check_shared(method: Method, name: str, value: str, *, upload: bool) -> None:
    """Parameters that every method has."""
    if name not in document()["parameters"]:
        raise bad_wire(f'{method.id}: unknown name "{name}": cannot bind query parameter', location=name)
    if name in {"uploadType", "upload_protocol"} and not upload:
        raise bad_wire(f"{method.id}: {name} on an address that takes no upload", location=name)
    if name == "alt" and value not in {"json", "media"}:
        raise bad_wire(f"{method.id}: alt is {value!r}", reason="invalidParameter", location="alt")
    if name == "fields":
        raise bad_wire(f"{method.id}: partial answers (fields) are not modelled", location=name)


def _parse_parameter(method: Method, name: str, found: list[str]) -> Any:
    spec = method.parameters[name]
    if spec.get("repeated"):
        return [piece for value in found for piece in value.split(",") if piece]
    if len(found) > 1:
        raise bad_wire(f"{method.id}: {name} given {len(found)} times", reason="invalidParameter", location=name)
    value, known = found[0], spec.get("enum")
    if known and value not in known:
        raise _invalid(method, name, value, f"one of {', '.join(known)}")
    if spec["type"] == "boolean":
        if value not in {"true", "false"}:
            raise _invalid(method, name, value, "true or false")
        return value == "true"
    if spec["type"] == "integer":
        low, high = int(spec.get("minimum", 0)), int(spec.get("maximum", 2**32 - 1))
        if not re.fullmatch(r"\d+", value) or not low <= int(value) <= high:
            raise _invalid(method, name, value, f"within the range [{low}, {high}]")
        return int(value)
    return value


def _invalid(method: Method, name: str, value: str, expected: str) -> Refusal:
    what = f"{method.id}: invalid value '{value}' for {name}; values must be {expected}"
    return bad_wire(what, reason="invalidParameter", location=name, domain="youtube.parameter")


def parse_body(method: Method, raw: bytes, parts: Sequence[str]) -> Json:
    """The resource in the body.

    Raises:
        Refusal: no JSON, an unknown field, a wrong type, or a part that ``part`` does not name.
    """
    if not method.request:
        if raw.strip():
            raise bad_wire(f"{method.id}: takes no body, got {len(raw)} bytes")
        return {}
    try:
        body = json.loads(raw or b"null")
    except ValueError as error:
        raise bad_wire(f"{method.id}: body is no JSON: {error}", reason="parseError") from error
    if not isinstance(body, dict):
        raise bad_wire(f"{method.id}: the body must be a {method.request} object", reason="required")
    check_value(body, {"$ref": method.request}, "")
    kind = document()["schemas"][method.request]["properties"].get("kind", {}).get("default")
    if body.get("kind", kind) != kind:
        raise bad_wire(f"{method.id}: kind is {body['kind']!r}, not {kind!r}")
    if "part" in method.parameters:
        for name in body:
            if name in method.parts - {"id"} and name not in parts:
                what = f"{method.id}: the body has {name}, which part={','.join(parts)} does not name"
                raise bad_wire(what, reason="unexpectedPart", location="part", domain="youtube.part")
    return body


def check_value(value: Any, schema: Json, where: str) -> None:
    """Hold a JSON value against a schema.

    Raises:
        Refusal: it does not fit.
    """
    if "$ref" in schema:
        schema = {"type": "object", **document()["schemas"][schema["$ref"]]}
    kind = schema.get("type", "object")
    if kind == "object":
        _check_object(value, schema, where)
    elif kind == "array":
        if not isinstance(value, list):
            raise bad_wire(f"{where}: a list is wanted, got {value!r}")
        for index, inner in enumerate(value):
            check_value(inner, schema["items"], f"{where}[{index}]")
    elif not _fits(value, kind, schema.get("format", "")):
        raise bad_wire(f"{where}: {schema.get('format', kind)} is wanted, got {value!r}")
    elif "enum" in schema and value not in schema["enum"]:
        raise bad_wire(f"{where}: {value!r} is none of {', '.join(schema['enum'])}")


def _check_object(value: Any, schema: Json, where: str) -> None:
    if not isinstance(value, dict):
        raise bad_wire(f"{where or 'body'}: an object is wanted, got {value!r}")
    for name, inner in value.items():
        known = schema.get("properties", {}).get(name) or schema.get("additionalProperties")
        if known is None:
            raise bad_wire(f"Invalid JSON payload received. Unknown name \"{name}\" at '{where}': Cannot find field.")
        check_value(inner, known, f"{where}.{name}".lstrip("."))


def _fits(value: Any, kind: str, form: str) -> bool:
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool) and (value >= 0 or not form.startswith("u"))
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if not isinstance(value, str):
        return False
    if form in {"uint64", "int64"}:
        return re.fullmatch(r"-?\d+" if form == "int64" else r"\d+", value) is not None
    return form != "date-time" or parse_time(value) is not None


def parse_time(text: str) -> datetime | None:
    """An RFC 3339 instant; None when it is none (the zone is not optional)."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def foreign_fields(resource: str, body: Json, current: Json) -> list[str]:
    """Fields in a body that only YouTube sets and that differ from what it has set: a client must not send them."""
    own = _SET_BY_CLIENT.get(resource, [])
    found = []
    for path, value in _leaves(body, ""):
        if path in {"kind", "etag", "id"} or any(path == name or path.startswith(f"{name}.") for name in own):
            continue
        if _at(current, path) != value:
            found.append(path)
    return found


def _leaves(value: Any, where: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, f"{where}.{name}".lstrip("."))
    else:
        yield where, value


def _at(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
