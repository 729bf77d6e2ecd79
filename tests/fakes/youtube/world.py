"""The state of the counterpart, its knobs, and what a test can make happen in it.

Everything here may be called from any thread, while the server runs.
"""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fakes.youtube.faults import Fault
from tests.fakes.youtube.knobs import Knobs
from tests.fakes.youtube.records import (
    FORCE_SSL,
    UNSCHEDULED,
    Broadcast,
    Call,
    Caption,
    Channel,
    Chat,
    Grant,
    Message,
    Playlist,
    Stream,
    Video,
)
from tests.fakes.youtube.refusal import Refusal

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_ENDED = {"complete", "revoked"}


def _wall() -> datetime:
    return datetime.now(UTC)


class World(Knobs):
    """Channels and what is on them."""

    def __init__(self, *, now: Callable[[], datetime] = _wall, seed: int | None = None, **knobs: Any) -> None:
        super().__init__(**knobs)
        self.lock = threading.RLock()
        self._wall = now
        self._random = random.Random(seed)
        self._ticked_s = 0.0
        self.rtmp_url = ""
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self.units_used = 0
        self.faults: dict[str, deque[Fault]] = defaultdict(deque)
        self.channels: dict[str, Channel] = {}
        self.broadcasts: dict[str, Broadcast] = {}
        self.streams: dict[str, Stream] = {}
        self.videos: dict[str, Video] = {}
        self.captions: dict[str, Caption] = {}
        self.playlists: dict[str, Playlist] = {}
        self.chats: dict[str, Chat] = {}
        self.grants: list[Grant] = []
        self.quiet_since_s: dict[str, float] = {}
        self.channel = self.add_channel("Round Table")
        tokens = self.grant()
        self.token, self.refresh_token = tokens.access_token, tokens.refresh_token

    # --- time and names

    def now(self) -> datetime:
        """The counterpart's clock."""
        return self._wall() + timedelta(seconds=self.clock_shift_s + self._ticked_s)

    def elapsed_s(self) -> float:
        """Its own seconds, for everything that takes a while."""
        return time.monotonic() + self._ticked_s

    def tick(self, seconds: float) -> None:
        """Let time pass at once: lags, processing, expiry and its clock."""
        with self.lock:
            self._ticked_s += seconds

    def make_id(self, length: int, prefix: str = "") -> str:
        return prefix + "".join(self._random.choices(_ALPHABET, k=length))

    # --- faults and quota

    def fail(self, method_id: str, *faults: Fault) -> None:
        """Queue faults for a method ("liveBroadcasts.insert"), for the "oauth.token" endpoint, or for any ("*")."""
        self.faults[method_id.removeprefix("youtube.")].extend(faults)

    def take_fault(self, method_id: str, *, ready: bool = True) -> Fault | None:
        """The next fault for a method; with ``ready`` false only one that comes before the effect."""
        with self.lock:
            for name in (method_id, "*"):
                queue = self.faults.get(name)
                if queue and (ready or not getattr(queue[0], "after_effect", False)):
                    return queue.popleft()
        return None

    def spend(self, method_id: str, units: int | None = None) -> None:
        """Count a request.

        Raises:
            Refusal: the day's quota is used up.
        """
        cost = self.costs.get(method_id, 1) if units is None else units
        if self.day_units is not None and self.units_used + cost > self.day_units:
            raise Refusal(403, "quotaExceeded")
        self.units_used += cost

    def new_day(self) -> None:
        """Midnight in California."""
        self.units_used = 0

    # --- accounts

    def add_channel(self, title: str, *, live_enabled: bool = True) -> Channel:
        """Another account with a channel."""
        channel = Channel(id=self.make_id(22, "UC"), title=title, live_enabled=live_enabled)
        self.channels[channel.id] = channel
        return channel

    def grant(self, *, channel: Channel | None = None, scopes: Iterable[str] = (FORCE_SSL,)) -> GrantedTokens:
        """Sign in without a browser; the access token is good for a year."""
        channel_id = (channel or self.channel).id
        grant = Grant(channel_id=channel_id, scopes=frozenset(scopes), refresh_token=self.make_id(40, "1//"))
        grant.consented_at_s = self.elapsed_s()
        with self.lock:
            self.grants.append(grant)
        return GrantedTokens(self.issue(grant, life_s=365 * 86_400), grant.refresh_token, grant)

    def issue(self, grant: Grant, *, life_s: float | None = None) -> str:
        """A new access token."""
        token = self.make_id(48, "ya29.")
        grant.access_tokens[token] = self.elapsed_s() + (self.token_life_s if life_s is None else life_s)
        return token

    def find_grant(self, access_token: str) -> Grant:
        """Whose token it is.

        Raises:
            Refusal: unknown, expired or revoked.
        """
        for grant in self.grants:
            until = grant.access_tokens.get(access_token)
            if until is not None and until > self.elapsed_s() and not grant.revoked:
                return grant
        raise Refusal(401, "authError")

    def expire_tokens(self) -> None:
        """Every access token runs out now; refresh tokens stay good."""
        with self.lock:
            for grant in self.grants:
                grant.access_tokens = dict.fromkeys(grant.access_tokens, 0.0)

    def revoke_grants(self) -> None:
        """The person takes back every consent, or the seven days of "Testing" are over."""
        for grant in self.grants:
            grant.revoked = True

    # --- the signal

    def push(self, stream_id: str) -> None:
        """A good signal arrives at a stream, without any media."""
        with self.lock:
            self.streams[stream_id].switched = True
            self.settle_signal(self.streams[stream_id])

    def stop(self, stream_id: str) -> None:
        """The signal of `push` stops."""
        with self.lock:
            self.streams[stream_id].switched = False
            self.settle_signal(self.streams[stream_id])

    def set_health(self, stream_id: str, status: str, *issues: dict[str, str]) -> None:
        """What YouTube thinks of the signal: good, ok, bad, noData; issues as in configurationIssues."""
        with self.lock:
            stream = self.streams[stream_id]
            stream.health, stream.issues, stream.health_at = status, list(issues), self.now()

    def settle_signal(self, stream: Stream) -> None:
        """Make a stream's state what arrives at it."""
        active = stream.switched or (stream.publishers > 0 and stream.received_bytes > 0)
        if active == (stream.state == "active"):
            return
        stream.health, stream.issues, stream.health_at = ("good" if active else "noData"), [], self.now()
        stream.state = "active" if active else "inactive"
        if active:
            self.quiet_since_s.pop(stream.id, None)
            for broadcast in self.bound_to(stream.id):
                if broadcast.state == "ready" and broadcast.content["enableAutoStart"]:
                    self.set_out(broadcast, "liveStarting", "live")
        else:
            self.quiet_since_s[stream.id] = self.elapsed_s()

    def bound_to(self, stream_id: str) -> list[Broadcast]:
        return [broadcast for broadcast in self.broadcasts.values() if broadcast.stream_id == stream_id]

    # --- life cycle

    def set_out(self, broadcast: Broadcast, passing: str, target: str) -> None:
        """Set out for a state that is reached after some polls."""
        broadcast.state, broadcast.target, broadcast.polls_left = passing, target, self.async_polls
        if self.async_polls <= 0:
            self.arrive(broadcast)

    def arrive(self, broadcast: Broadcast) -> None:
        """Reach the state that it set out for."""
        broadcast.state, broadcast.target = broadcast.target, ""
        if broadcast.state == "live":
            broadcast.started_at = self.now()

    def complete(self, broadcast_id: str) -> None:
        """End it, as a click in Studio does."""
        with self.lock:
            broadcast = self.broadcasts[broadcast_id]
            broadcast.state, broadcast.target = "complete", ""
            broadcast.ended_at = self.now()
            video = broadcast.video
            if video.processing == "live":
                video.processing, video.polls_left = "processing", self.processing_polls
                video.ready_at_s = self.elapsed_s() + self.processing_s

    def settle(self) -> None:
        """What happens by itself as time passes."""
        for stream_id, since_s in list(self.quiet_since_s.items()):
            if self.elapsed_s() - since_s < self.auto_stop_s:
                continue
            for broadcast in self.bound_to(stream_id):
                if broadcast.on_air and broadcast.content["enableAutoStop"]:
                    self.complete(broadcast.id)

    # --- what people do in Studio

    def revoke(self, broadcast_id: str) -> None:
        """YouTube takes a broadcast down."""
        self.broadcasts[broadcast_id].state = "revoked"

    def delete(self, broadcast_id: str) -> None:
        """Somebody deletes it in Studio; its video and chat are gone as well."""
        with self.lock:
            broadcast = self.broadcasts.pop(broadcast_id)
            self.videos.pop(broadcast_id, None)
            self.chats.pop(broadcast.chat_id, None)

    def go_live_in_studio(self, broadcast_id: str) -> None:
        """Somebody clicks "Go live" there."""
        with self.lock:
            broadcast = self.broadcasts[broadcast_id]
            broadcast.target = "live"
            self.arrive(broadcast)

    def unschedule(self, broadcast_id: str) -> None:
        """Make its start read as Studio's "Go live now" leaves it."""
        self.broadcasts[broadcast_id].starts_at = UNSCHEDULED

    def fail_processing(self, video_id: str, how: str = "failed", reason: str = "transcodeFailed") -> None:
        """The video cannot be processed: failed or terminated."""
        self.videos[video_id].processing, self.videos[video_id].failure = how, reason

    # --- chat

    def chat_of(self, ref: str) -> Chat:
        """The chat of a broadcast, by the id of either."""
        broadcast = self.broadcasts.get(ref)
        return self.chats[broadcast.chat_id if broadcast else ref]

    def say(
        self, chat: str, author: str, text: str, *, moderator: bool = False, owner: bool = False, kind: str = ""
    ) -> Message:
        """Somebody writes in the chat of a broadcast (by the id of either)."""
        with self.lock:
            message = Message(
                id=self.make_id(30, "LCC."),
                kind=kind or "textMessageEvent",
                text=text,
                author=author,
                at=self.now(),
                moderator=moderator,
                owner=owner,
            )
            self.chat_of(chat).messages.append(message)
            return message

    def disable_chat(self, chat: str) -> None:
        """The chat is switched off in Studio."""
        self.chat_of(chat).disabled = True

    def live_now(self, channel_id: str) -> list[Broadcast]:
        return [b for b in self.broadcasts.values() if b.channel_id == channel_id and b.on_air]

    def open_broadcasts(self, channel_id: str) -> list[Broadcast]:
        return [b for b in self.broadcasts.values() if b.channel_id == channel_id and b.state not in _ENDED]


@dataclass(frozen=True)
class GrantedTokens:
    """What a sign-in gave."""

    access_token: str
    refresh_token: str
    grant: Grant
