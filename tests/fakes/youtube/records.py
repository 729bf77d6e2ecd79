"""What the counterpart keeps: channels, broadcasts with their videos, streams, captions, playlists, chats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

Json = dict[str, Any]
UNSCHEDULED = datetime(1970, 1, 1, tzinfo=UTC)
"""What the scheduled start reads as for a broadcast that Studio's "Go live now" made."""

FORCE_SSL = "https://www.googleapis.com/auth/youtube.force-ssl"
MANAGE = "https://www.googleapis.com/auth/youtube"
READONLY = "https://www.googleapis.com/auth/youtube.readonly"


def to_wire_time(instant: datetime) -> str:
    """As YouTube writes instants: UTC, whole seconds, Z."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Call(NamedTuple):
    """One request that arrived; the body is in ``params["body"]``. Status 0: closed without an answer."""

    method: str
    params: Mapping[str, Any]
    status: int


@dataclass(kw_only=True)
class Channel:
    """An account's channel."""

    id: str
    title: str
    live_enabled: bool = True
    custom_thumbnails: bool = True
    missing: bool = False
    """Whether the account has no channel after all."""


@dataclass(kw_only=True)
class Video:
    """The video behind a broadcast, with the same id."""

    id: str
    channel_id: str
    title: str
    description: str
    privacy: str
    published_at: datetime
    made_for_kids: bool = False
    category_id: str = "22"
    tags: list[str] = field(default_factory=list)
    default_language: str = ""
    default_audio_language: str = ""
    embeddable: bool = True
    license: str = "youtube"
    public_stats: bool = True
    localizations: Json = field(default_factory=dict)
    thumbnail: bytes = b""
    # processing: "live" until the end, then "processing", then "succeeded"; or "failed", "terminated"
    processing: str = "live"
    failure: str = ""
    polls_left: int = 0
    ready_at_s: float = 0.0
    duration_s: float | None = None
    live_content: str = ""
    """When set, what ``liveBroadcastContent`` says, however stale."""


@dataclass(kw_only=True)
class Broadcast:
    """A live broadcast. What it shares with its video (title, description, privacy) is the video's."""

    id: str
    channel_id: str
    video: Video
    starts_at: datetime
    content: Json
    visible_at_s: float
    state: str = "created"
    ends_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    bound_at: datetime | None = None
    stream_id: str = ""
    chat_id: str = ""
    persistent: bool = False
    target: str = ""
    polls_left: int = 0

    @property
    def title(self) -> str:
        return self.video.title

    @title.setter
    def title(self, value: str) -> None:
        self.video.title = value

    @property
    def description(self) -> str:
        return self.video.description

    @description.setter
    def description(self, value: str) -> None:
        self.video.description = value

    @property
    def privacy(self) -> str:
        return self.video.privacy

    @privacy.setter
    def privacy(self, value: str) -> None:
        self.video.privacy = value

    @property
    def monitor(self) -> bool:
        return bool(self.content["monitorStream"]["enableMonitorStream"])

    @property
    def on_air(self) -> bool:
        return self.state in {"live", "liveStarting"}


@dataclass(kw_only=True)
class Stream:
    """A place to push to."""

    id: str
    channel_id: str
    title: str
    description: str
    cdn: Json
    key: str
    published_at: datetime
    visible_at_s: float
    reusable: bool = True
    state: str = "created"
    health: str = "noData"
    issues: list[Json] = field(default_factory=list)
    health_at: datetime | None = None
    received_bytes: int = 0
    publishes: int = 0
    publishers: int = 0
    switched: bool = False
    """Whether `push` says that media arrives, without any."""


@dataclass(kw_only=True)
class Caption:
    """A caption track with its file."""

    id: str
    video_id: str
    language: str
    name: str
    draft: bool
    media: bytes
    updated_at: datetime
    status: str = "serving"


@dataclass(kw_only=True)
class Item:
    """A video in a playlist."""

    id: str
    video_id: str
    added_at: datetime


@dataclass(kw_only=True)
class Playlist:
    """A list of videos."""

    id: str
    channel_id: str
    title: str
    description: str
    privacy: str
    published_at: datetime
    visible_at_s: float
    manual_sort: bool = True
    items: list[Item] = field(default_factory=list)


@dataclass(kw_only=True)
class Message:
    """A line in a chat, or something that happened in it."""

    id: str
    kind: str
    text: str
    author: str
    at: datetime
    moderator: bool = False
    owner: bool = False
    details: Json = field(default_factory=dict)


@dataclass(kw_only=True)
class Chat:
    """The live chat of a broadcast."""

    id: str
    broadcast_id: str
    messages: list[Message] = field(default_factory=list)
    disabled: bool = False
    polls_after_end: int = 0
    polled_at_s: float | None = None


@dataclass(kw_only=True)
class Grant:
    """One consent of one account, with the tokens that came of it."""

    channel_id: str
    scopes: frozenset[str]
    refresh_token: str = ""
    access_tokens: dict[str, float] = field(default_factory=dict)
    """Until when each is good, on the counterpart's own seconds."""
    revoked: bool = False
    consented_at_s: float = 0.0


@dataclass(kw_only=True)
class Consent:
    """What the person in the browser does at the next sign-in.

    Attributes:
        denied: whether they say no.
        scopes: which boxes they leave ticked; None for all that was asked.
        channel_id: whose account it is; empty for the first one.
    """

    denied: bool = False
    scopes: frozenset[str] | None = None
    channel_id: str = ""
