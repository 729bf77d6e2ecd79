"""What stands beside a session: its platform, videos and chat, read for pages and programs alike.

Owns the words of a problem in the reader's language, and the JSON of the records of `streamhub.web.platform_views`.
Knows nothing of forms and templates.
"""

from __future__ import annotations

import difflib
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from streamhub.errors import BadInput, StreamhubError
from streamhub.live.platform import Signal
from streamhub.live.problem import SENTENCES, Problem, ProblemCode, fill, say_problem
from streamhub.schedule.show import Session, SessionState
from streamhub.timecode import format_instant, parse_instant
from streamhub.web.hub import Hub
from streamhub.web.pages import format_brief
from streamhub.web.platform_views import (
    AccountView,
    ChatView,
    EffectView,
    PlatformView,
    VideosView,
    VideoView,
)
from streamhub.web.views import AFTER, Json, signal_json

LOG = logging.getLogger("streamhub.web")
V = TypeVar("V")

UNKNOWN = Signal(receiving=False, quality="unknown")
CALM = frozenset(
    {
        ProblemCode.RATE_LIMITED,
        ProblemCode.START_MOVED,
        ProblemCode.START_TOO_FAR,
        ProblemCode.CHANGED_THERE,
        ProblemCode.OUTCOME_UNKNOWN,
        ProblemCode.CHAT_CLOSED,
        ProblemCode.CHAT_PAUSED,
        ProblemCode.CHAPTERS_INVALID,
        ProblemCode.VIDEO_NOT_READY,
        ProblemCode.VIDEO_SHORTER,
        ProblemCode.LIMIT_NEAR,
        ProblemCode.ROLLED_OVER,
    }
)
"""Problems that ask nothing of the host at the moment; every other one is shown as an alarm."""

VIDEOS_EVERY_S = 15.0
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
_CHATTING = frozenset({SessionState.REHEARSAL, SessionState.LIVE})
_CONTEXT_LINES = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Aside:
    """What stands beside a session.

    Attributes:
        platform: the session on its show's platform; None: it is on none.
        videos: what the platform keeps of it; None: nothing, or not yet.
        chat: the chat beside it; None: it has none, or not now.
    """

    platform: PlatformView | None = None
    videos: VideosView | None = None
    chat: ChatView | None = None

    @property
    def direct(self) -> bool:
        """Whether the encoder pushes past the hub."""
        return self.platform is not None and self.platform.direct


@dataclass(kw_only=True, slots=True)
class VideosMemory:
    """The videos as they were read last, for a listener who asks every other second: reading them reads the archive.

    Attributes:
        seconds: a clock that only goes forward.
        view: what was read; None: nothing yet, or there are none.
        again_at_s: when to read anew, on that clock.
    """

    seconds: Callable[[], float]
    view: VideosView | None = None
    again_at_s: float = 0.0

    async def read(self, hub: Hub, session_id: str) -> VideosView | None:
        """What is known of a session's videos, at most `VIDEOS_EVERY_S` old."""
        if self.seconds() >= self.again_at_s:
            self.view = await hub.videos.view(session_id)
            self.again_at_s = self.seconds() + VIDEOS_EVERY_S
        return self.view


async def read_aside(hub: Hub, session: Session, memory: VideosMemory | None = None) -> Aside:
    """Everything beside a session that matters in its state."""
    videos, chat = None, None
    if session.state in AFTER:
        videos = await spare(memory.read(hub, session.id) if memory else hub.videos.view(session.id), session.id)
    if session.state in _CHATTING:
        chat = await spare(hub.chat.view(session.id), session.id)
    return Aside(platform=await spare(hub.platforms.view(session.id), session.id), videos=videos, chat=chat)


async def spare(reading: Awaitable[V | None], session_id: str) -> V | None:
    """What stands beside a session, or nothing when it cannot be read: a session's page works without it."""
    try:
        return await reading
    except StreamhubError as error:
        LOG.warning("web.aside_failed session_id=%s error=%s message=%s", session_id, type(error).__name__, error)
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A problem in words.

    Attributes:
        what: what happened.
        advice: what to do.
        calm: whether it asks nothing of the host at the moment.
    """

    what: str
    advice: str
    calm: bool


def tell_problem(problem: Problem, say: Callable[[str], str], *, language: str, zone: str, now: datetime) -> Told:
    """A problem's sentence and advice in the reader's language; instants in it are written in a time zone."""
    details = {name: _tell_detail(value, language, zone, now) for name, value in problem.details.items()}
    what, advice = SENTENCES[problem.code]
    return Told(what=fill(say(what), details), advice=fill(say(advice), details), calm=problem.code in CALM)


def _tell_detail(value: str, language: str, zone: str, now: datetime) -> str:
    if not _INSTANT.fullmatch(value):
        return value
    try:
        return format_brief(parse_instant(value), zone, language, now=now)
    except BadInput:  # the thirteenth month
        return value


@dataclass(frozen=True, kw_only=True, slots=True)
class DiffLine:
    """A line of a text that changes.

    Attributes:
        kind: ``kept``, ``added``, ``removed``, or ``gap`` for kept lines that are left out.
        text: the line; of a gap empty.
        count: how many lines a gap leaves out; else 1.
    """

    kind: str
    text: str = ""
    count: int = 1


def plan_text_diff(before: str, after: str) -> list[DiffLine]:
    """What changes from one text to another, line by line; far from any change kept lines become one gap."""
    old, new = before.splitlines(), after.splitlines()
    lines: list[DiffLine] = []
    blocks = difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes()
    for number, (kind, a, b, c, d) in enumerate(blocks):
        if kind == "equal":
            lines += _plan_kept(old[a:b], first=number == 0, last=number == len(blocks) - 1)
        else:
            lines += [DiffLine(kind="removed", text=line) for line in old[a:b]]
            lines += [DiffLine(kind="added", text=line) for line in new[c:d]]
    return lines


def _plan_kept(kept: list[str], *, first: bool, last: bool) -> list[DiffLine]:
    head = 0 if first else _CONTEXT_LINES
    tail = 0 if last else _CONTEXT_LINES
    left_out = len(kept) - head - tail
    if left_out < 2:  # a gap of one line would hide it without making the text shorter
        return [DiffLine(kind="kept", text=line) for line in kept]
    shown = [DiffLine(kind="kept", text=line) for line in kept]
    return [*shown[:head], DiffLine(kind="gap", count=left_out), *shown[len(kept) - tail :]]


def aside_json(aside: Aside) -> Json:
    """What stands beside a session."""
    return {
        "platform": platform_json(aside.platform) if aside.platform else None,
        "videos": videos_json(aside.videos) if aside.videos else None,
        "chat": chat_json(aside.chat) if aside.chat else None,
    }


def plan_aside_state(aside: Aside) -> Json:
    """The same for the live updates: without what changes all the time and is nothing new."""
    state = aside_json(aside)
    if state["platform"]:
        state["platform"] = {**state["platform"], "seen_at": (state["platform"]["seen_at"] or "")[:16]}
        if state["platform"]["signal"]:
            state["platform"]["signal"] = {**state["platform"]["signal"], "bitrate_kbit_s": 0}
    return state


def problem_json(problem: Problem | None) -> Json | None:
    """A problem with its English words."""
    if problem is None:
        return None
    message, hint = say_problem(problem)
    details: Mapping[str, Any] = dict(problem.details)
    retry_at = _instant(problem.retry_at)
    return {"code": problem.code.value, "message": message, "hint": hint, "details": details, "retry_at": retry_at}


def platform_json(view: PlatformView) -> Json:
    """A session on its platform."""
    relay = view.relay
    return {
        "name": view.name,
        "phase": view.phase.value if view.phase else None,
        "native_state": view.native_state,
        "watch_url": view.watch_url,
        "part": view.part,
        "direct": view.direct,
        "signal": signal_json(view.signal) if view.signal else None,
        "relay": {"state": relay.state.value, "since": _instant(relay.since), "restarts": relay.restarts}
        if relay
        else None,
        "seen_at": _instant(view.seen_at),
        "problem": problem_json(view.problem),
    }


def videos_json(view: VideosView) -> Json:
    """The videos of a session."""
    return {"name": view.name, "wish": view.wish.value, "videos": [_video_json(video) for video in view.videos]}


def _video_json(video: VideoView) -> Json:
    return {
        "part": video.part,
        "state": video.state.value,
        "watch_url": video.watch_url,
        "duration_ms": video.duration_ms,
        "captions": [_effect_json(one) for one in video.captions],
        "thumbnail": _effect_json(video.thumbnail) if video.thumbnail else None,
        "playlist": _effect_json(video.playlist) if video.playlist else None,
        "before": video.before,
        "after": video.after,
        "chapters": [{"at_ms": chapter.at_ms, "title": chapter.title} for chapter in video.chapters],
        "problems": _problems_json(video.problems),
    }


def _effect_json(effect: EffectView) -> Json:
    return {"name": effect.name, "state": effect.state.value, "problem": problem_json(effect.problem)}


def chat_json(view: ChatView) -> Json:
    """The chat of a session."""
    return {
        "state": view.state.value,
        "interval_s": view.interval_s,
        "problem": problem_json(view.problem),
        "lines": [
            {
                "ref": line.ref,
                "author": line.author,
                "standing": line.standing.value,
                "text": line.text,
                "at": format_instant(line.at),
                "taken": line.taken,
            }
            for line in view.lines
        ],
    }


def account_json(account: AccountView) -> Json:
    """An account, without anything that opens it."""
    quota = account.quota
    return {
        "platform": account.platform,
        "name": account.name,
        "account": account.account,
        "signed_in_at": _instant(account.signed_in_at),
        "problems": _problems_json(account.problems),
        "quota": {
            "spent": quota.spent,
            "units": quota.units,
            "reserved": quota.reserved,
            "resets_at": format_instant(quota.resets_at),
            "lines": [{"call": line.call, "calls": line.calls, "units": line.units} for line in quota.lines],
        }
        if quota
        else None,
    }


def _problems_json(problems: Iterable[Problem]) -> list[Json | None]:
    return [problem_json(problem) for problem in problems]


def _instant(at: datetime | None) -> str | None:
    return format_instant(at) if at else None
