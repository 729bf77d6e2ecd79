"""Between our records and YouTube's JSON: request bodies, and resources as we read them.

Owns both directions. Pure. Refuses to know when something is sent.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from streamhub.errors import BadInput
from streamhub.live.platform import Ingest, Signal
from streamhub.live.youtube.texts import MOST_STREAM_TITLE_UNITS, clean_line, clean_title, strip_marker
from streamhub.timecode import format_instant, parse_instant

Json = dict[str, Any]

WATCH_URL = "https://www.youtube.com/watch?v="
BROADCAST_PARTS = "id,snippet,status,contentDetails"
GRACE = timedelta(minutes=2)
"""How far in the future a start is put that has passed."""

_READ_ONLY_SNIPPET = frozenset(
    {"publishedAt", "channelId", "thumbnails", "actualStartTime", "actualEndTime", "isDefaultBroadcast", "liveChatId"}
)
_READ_ONLY_DETAILS = frozenset({"boundStreamId", "boundStreamLastUpdateTimeMs", "mesh"})
# What update(part=contentDetails) insists on, with YouTube's defaults for what an answer may leave out.
_REQUIRED_DETAILS: Mapping[str, bool] = {
    "enableContentEncryption": False,
    "enableDvr": True,
    "enableEmbed": True,
    "recordFromStart": True,
    "startWithSlate": False,
}
_FRESH = timedelta(seconds=60)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a broadcast is to be.

    Attributes:
        title: cleaned.
        description: composed, marker and all.
        starts_at: planned start, UTC.
        ends_at: planned end, UTC.
        privacy: ``public``, ``unlisted`` or ``private``.
        made_for_kids: as the operator declares.
    """

    title: str
    description: str
    starts_at: datetime
    ends_at: datetime
    privacy: str
    made_for_kids: bool

    @property
    def fields(self) -> Mapping[str, str]:
        """Its fields in a form that is kept and compared; the description as a digest."""
        return {
            "title": self.title,
            "description": digest(self.description),
            "start": _seconds(self.starts_at),
            "end": _seconds(self.ends_at),
            "privacy": self.privacy,
            "kids": str(self.made_for_kids).lower(),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A broadcast as YouTube shows it.

    Attributes:
        ref: its id.
        state: ``lifeCycleStatus``.
        description: with the marker, unless somebody took it out.
        published_at: when it was made, UTC.
        actual_start, actual_end: when it was live, UTC.
        stream_ref: the stream that it is bound to; empty when it is not.
        monitor: whether its monitor stream is on.
        chat_ref: its live chat; empty when there is none.
        fields: as `Plan.fields`.
        raw: the resource itself, for writing back whole parts.
    """

    ref: str
    state: str
    title: str
    description: str
    published_at: datetime
    starts_at: datetime | None
    actual_start: datetime | None
    actual_end: datetime | None
    stream_ref: str
    monitor: bool
    chat_ref: str
    fields: Mapping[str, str]
    raw: Json = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenStream:
    """An ingestion point as YouTube shows it, without its key.

    Attributes:
        ref: its id.
        title: with the marker; empty where the title was not asked for.
        published_at: when it was made, UTC.
        status: ``streamStatus``; empty where it was not asked for.
        signal: what arrives.
    """

    ref: str
    title: str
    published_at: datetime
    status: str
    signal: Signal


@dataclass(frozen=True, kw_only=True, slots=True)
class Applied:
    """What was written to a broadcast last, as its row keeps it.

    Attributes:
        wanted: the fields that we asked for.
        there: the same fields as YouTube showed them right afterwards.
        written_at: when something was written to it last, UTC; None before.
    """

    wanted: Mapping[str, str] = field(default_factory=dict)
    there: Mapping[str, str] = field(default_factory=dict)
    written_at: datetime | None = None

    def is_fresh(self, at: datetime) -> bool:
        """Whether it was written so short ago that lists may still show what was before."""
        return self.written_at is not None and timedelta() <= at - self.written_at < _FRESH

    def encode(self) -> str:
        """As the row keeps it."""
        written_at = format_instant(self.written_at) if self.written_at else None
        return json.dumps({"wanted": dict(self.wanted), "there": dict(self.there), "written_at": written_at})

    @classmethod
    def decode(cls, text: str) -> Applied:
        """From the row; an empty one is nothing yet."""
        if not text:
            return cls()
        values = json.loads(text)
        written_at = parse_instant(values["written_at"]) if values["written_at"] else None
        return cls(wanted=values["wanted"], there=values["there"], written_at=written_at)


def digest(description: str) -> str:
    """A description's short fingerprint, the same with and without our marker."""
    return hashlib.sha256(strip_marker(description).encode()).hexdigest()[:24]


def broadcast_body(plan: Plan) -> Json:
    """The body of liveBroadcasts.insert: we start and end it ourselves, and the whole of it is recorded."""
    return {
        "snippet": {
            "title": plan.title,
            "description": plan.description,
            "scheduledStartTime": _seconds(plan.starts_at),
            "scheduledEndTime": _seconds(plan.ends_at),
        },
        "status": {"privacyStatus": plan.privacy, "selfDeclaredMadeForKids": plan.made_for_kids},
        "contentDetails": {
            **_REQUIRED_DETAILS,
            "enableAutoStart": False,
            "enableAutoStop": False,
            "monitorStream": {"enableMonitorStream": False, "broadcastStreamDelayMs": 0},
        },
    }


def update_body(seen: Seen, plan: Plan, changed: frozenset[str]) -> tuple[str, Json]:
    """The parts and the body of liveBroadcasts.update: whole parts as they are there, with the changed fields ours.

    Whatever a part leaves out would be deleted there.
    """
    body: Json = {"id": seen.ref}
    if changed & {"title", "description", "start", "end"}:
        snippet = {key: value for key, value in seen.raw.get("snippet", {}).items() if key not in _READ_ONLY_SNIPPET}
        ours = {
            "title": ("title", plan.title),
            "description": ("description", plan.description),
            "start": ("scheduledStartTime", _seconds(plan.starts_at)),
            "end": ("scheduledEndTime", _seconds(plan.ends_at)),
        }
        body["snippet"] = {**snippet, **dict(ours[name] for name in changed if name in ours)}
    if changed & {"privacy", "kids"}:
        status = seen.raw.get("status", {})
        privacy = plan.privacy if "privacy" in changed else status.get("privacyStatus", plan.privacy)
        body["status"] = {"privacyStatus": privacy, "selfDeclaredMadeForKids": plan.made_for_kids}
    return ",".join(part for part in ("snippet", "status") if part in body), body


def monitor_body(seen: Seen) -> Json:
    """The body of liveBroadcasts.update that switches the monitor stream on and leaves the rest as it is."""
    there = {key: value for key, value in seen.raw.get("contentDetails", {}).items() if key not in _READ_ONLY_DETAILS}
    delay_ms = there.get("monitorStream", {}).get("broadcastStreamDelayMs", 0)
    monitor = {"enableMonitorStream": True, "broadcastStreamDelayMs": delay_ms}
    return {"id": seen.ref, "contentDetails": {**_REQUIRED_DETAILS, **there, "monitorStream": monitor}}


def stream_body(room: int, marker: str) -> Json:
    """The body of liveStreams.insert: a reusable RTMP door that takes what comes."""
    title = clean_title(f"streamhub {room} [sh:{marker}]", fallback=marker, most_units=MOST_STREAM_TITLE_UNITS)
    return {
        "snippet": {"title": title, "description": "Made by streamhub; used again for every session."},
        "cdn": {"ingestionType": "rtmp", "resolution": "variable", "frameRate": "variable"},
        "contentDetails": {"isReusable": True},
    }


def parse_broadcast(resource: Mapping[str, Any]) -> Seen:
    """A liveBroadcast resource; what an answer leaves out is empty."""
    snippet, status = resource.get("snippet", {}), resource.get("status", {})
    details = resource.get("contentDetails", {})
    starts_at, ends_at = _instant(snippet.get("scheduledStartTime")), _instant(snippet.get("scheduledEndTime"))
    description = str(snippet.get("description", ""))
    return Seen(
        ref=str(resource["id"]),
        state=str(status.get("lifeCycleStatus", "")),
        title=str(snippet.get("title", "")),
        description=description,
        published_at=_instant(snippet.get("publishedAt")) or _EPOCH,
        starts_at=starts_at,
        actual_start=_instant(snippet.get("actualStartTime")),
        actual_end=_instant(snippet.get("actualEndTime")),
        stream_ref=str(details.get("boundStreamId") or ""),
        monitor=bool(details.get("monitorStream", {}).get("enableMonitorStream", False)),
        chat_ref=str(snippet.get("liveChatId") or ""),
        fields={
            "title": str(snippet.get("title", "")),
            "description": digest(description),
            "start": _seconds(starts_at) if starts_at else "",
            "end": _seconds(ends_at) if ends_at else "",
            "privacy": str(status.get("privacyStatus", "")),
            "kids": str(bool(status.get("selfDeclaredMadeForKids", False))).lower(),
        },
        raw=dict(resource),
    )


def parse_stream(resource: Mapping[str, Any]) -> SeenStream:
    """A liveStream resource, its key left aside."""
    snippet, status = resource.get("snippet", {}), resource.get("status", {})
    word = str(status.get("streamStatus", ""))
    return SeenStream(
        ref=str(resource["id"]),
        title=str(snippet.get("title", "")),
        published_at=_instant(snippet.get("publishedAt")) or _EPOCH,
        status=word,
        signal=_parse_signal(word, status.get("healthStatus", {})),
    )


def parse_ingest(resource: Mapping[str, Any]) -> Ingest | None:
    """Where to push, encrypted where YouTube offers it; None when the resource does not say."""
    info = resource.get("cdn", {}).get("ingestionInfo", {})
    key = str(info.get("streamName") or "")
    url = str(info.get("rtmpsIngestionAddress") or info.get("ingestionAddress") or "")
    backup = str(info.get("rtmpsBackupIngestionAddress") or info.get("backupIngestionAddress") or "")
    if not (key and url):
        return None
    return Ingest(url=url, key=key, alternatives=(Ingest(url=backup, key=key),) if backup else ())


def pick_extra(found: Sequence[Seen], keeper: Seen, planned: frozenset[str]) -> list[Seen]:
    """Of several broadcasts with one marker, those that may be deleted: planned ones, never one that was on air."""
    return [seen for seen in found if seen.ref != keeper.ref and seen.state in planned]


def pick_keeper(found: Sequence[Seen], planned: frozenset[str]) -> Seen:
    """Of several broadcasts with one marker, the oldest that is bound or on air, else the oldest."""

    def rank(seen: Seen) -> tuple[bool, datetime, str]:
        used = bool(seen.stream_ref) or seen.state not in planned
        return (not used, seen.published_at, seen.ref)

    return min(found, key=rank)


def _parse_signal(word: str, health: Mapping[str, Any]) -> Signal:
    """What arrives; ``active`` alone says that something does, and YouTube's ``good`` is better than its ``ok``."""
    if word != "active":
        return Signal(receiving=False, quality="none")
    qualities = {"good": "good", "ok": "good", "bad": "bad", "noData": "none", "revoked": "bad"}
    issues = tuple(
        clean_line(str(issue.get("description") or issue.get("reason") or issue.get("type") or ""))
        for issue in health.get("configurationIssues") or ()
        if issue.get("severity") != "info"
    )
    quality = qualities.get(str(health.get("status", "")), "unknown")
    return Signal(receiving=True, quality=quality, issues=tuple(issue for issue in issues if issue))


def _seconds(instant: datetime) -> str:
    """An instant as YouTube writes it: UTC, whole seconds."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _instant(text: object) -> datetime | None:
    """An instant of YouTube's; the epoch stands for none (Studio's “go live now”), and so does what is no instant."""
    if not isinstance(text, str) or not text:
        return None
    try:
        instant = parse_instant(text)
    except BadInput:
        return None
    return None if instant == _EPOCH else instant
