"""Live captions: what is said while a session runs, a moment after it was spoken.

Readers get it over the line that they have anyway, the session's events, as an event of its own (see
`streamhub.web.events`), at most twice a second::

    event: words
    data: {"version": "3f2a90-18", "since": "3f2a90-17", "listening": "hearing",
           "cues": [{"id": "s1-64200", "start_ms": 64200, "end_ms": 67900, "text": "…", "begins": true}],
           "gone": [], "now": {"start_ms": 68100, "text": "…"}, "clock": [[120, 0]]}

``cues`` are the settled captions that are new or different; one with ``begins`` begins a paragraph. ``gone`` are ids
that are no more, ``now`` is what is being said, ``clock`` stands there when it changed. Who does not know the version
that it follows on asks for `GET /api/v1/sessions/{id}/captions`, with ``?since=`` the id of the last caption that he
has: the same object without ``gone``, with everything from that caption on. Each is encoded once, however many ask.

Nothing is told before a session is live, nor from its review on: what people may read then, its hosts decide.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec
from aiohttp import web
from markupsafe import Markup

from streamhub.errors import StreamhubError
from streamhub.recording.rules import map_playlist, trim_playlist
from streamhub.schedule.masks import NOBODY_HIDDEN, Masker
from streamhub.schedule.public import PublicSession
from streamhub.schedule.show import SessionState, SessionTimes
from streamhub.store import public as public_rows
from streamhub.transcript.hiding import PublicCaptions, hide_in_captions
from streamhub.transcript.live_words import Listening
from streamhub.web.access import Action, allow
from streamhub.web.caption_lines import (
    Clock,
    Line,
    find_since,
    format_captions,
    line_json,
    now_json,
    plan_change,
    plan_lines,
    split_paragraphs,
)
from streamhub.web.events import BROADCASTER
from streamhub.web.hub import HUB, Hub, hub_of
from streamhub.web.media import read_playlist
from streamhub.web.pages import PAGES
from streamhub.web.views import Json

LOG = logging.getLogger("streamhub.web")

TOLD = frozenset({SessionState.LIVE, SessionState.ENDED, SessionState.PROCESSING})
"""States in which everybody may read along."""
EVERY_S = 0.5
CROWD = 1000
CROWD_EVERY_S = 1.0
ON_PAGE = 300
"""So many captions stand in a page that runs no script; about twenty minutes."""
CACHED = "public, max-age=1, s-maxage=2, stale-while-revalidate=10"
_GATE_S = 1.0
_CLOCK_S = 10.0
_MOST_SHEETS = 50
_MOST_BODIES = 64
_GZIP_FROM_BYTES = 1024

routes = web.RouteTableDef()


@dataclass(slots=True)
class Sheet:
    """What can be read of a session.

    Attributes:
        run, number: of the version.
        lines, now, listening, clock: the newest.
        bodies: what was made of them, by name; emptied when they change.
        hidden: whether anything may be read, and whose names may not.
    """

    run: str = field(default_factory=lambda: secrets.token_hex(3))
    number: int = 0
    lines: list[Line] = field(default_factory=list)
    now: Json | None = None
    listening: Listening = Listening.OFF
    clock: Clock = ()
    bodies: dict[str, bytes] = field(default_factory=dict)
    hidden: tuple[bool, Masker] = (True, NOBODY_HIDDEN)

    @property
    def version(self) -> str:
        """Changes with everything that can be read."""
        return f"{self.run}-{self.number}"

    def take(self, captions: PublicCaptions, clock: Clock) -> Json | None:
        """Make captions the newest; returns what readers must be told, None when nothing changed."""
        lines = plan_lines(self.lines, captions.cues)
        changed, gone = plan_change(self.lines, lines)
        now, since = now_json(captions), self.version
        seen = {"clock": clock} if clock != self.clock else {}
        if not (changed or gone or seen) and (now, captions.listening) == (self.now, self.listening):
            return None
        self.lines, self.now, self.listening, self.clock = lines, now, captions.listening, clock
        self.number += 1
        self.bodies.clear()
        told = {"cues": [line_json(line) for line in changed], "gone": gone, "now": now, **seen}
        return {"version": self.version, "since": since, "listening": captions.listening.value, **told}

    def body(self, name: str, make: Callable[[], bytes]) -> bytes:
        """What is made of this version under a name, made once."""
        if name not in self.bodies:
            if len(self.bodies) >= _MOST_BODIES:
                self.bodies.clear()
            self.bodies[name] = make()
        return self.bodies[name]


@dataclass(slots=True)
class _Gate:
    """What is known of a session for a moment, so that not every reader has it read anew."""

    session: PublicSession
    at_s: float


class CaptionDesk:
    """The sheets of all sessions that are heard.

    Args:
        hub: whose live words are told.
        say: says JSON to everybody who watches a session.
        crowd: how many watch it.
    """

    def __init__(self, hub: Hub, say: Callable[[str, bytes], Awaitable[None]], crowd: Callable[[str], int]) -> None:
        self._hub = hub
        self._say = say
        self._crowd = crowd
        self._sheets: dict[str, Sheet] = {}
        self._gates: dict[str, _Gate] = {}
        self._clocks: dict[str, tuple[float, Clock]] = {}
        self._due: dict[str, float] = {}
        self._owed: dict[str, list[Json]] = {}
        self._telling: dict[str, asyncio.Task[None]] = {}
        self._closed = False

    def notify(self, session_id: str) -> None:
        """More was heard of a session; its readers are told soon, and not more often than is good."""
        if self._closed:  # the ear is closed after the pages
            return
        task = self._telling.get(session_id)
        if task is None or task.done():
            self._telling[session_id] = asyncio.create_task(self._tell(session_id), name=f"captions of {session_id}")
        else:
            self._due[session_id] = time.monotonic()

    def look_again(self, session_id: str) -> None:
        """Who may be named or read in a session may have changed: what was told of it is looked at anew."""
        self._gates.pop(session_id, None)
        if session_id in self._sheets:
            self.notify(session_id)

    async def close(self) -> None:
        """Tell nothing more."""
        self._closed = True
        for task in self._telling.values():
            task.cancel()
        await asyncio.gather(*self._telling.values(), return_exceptions=True)

    async def _tell(self, session_id: str) -> None:
        while True:
            self._due.pop(session_id, None)
            try:
                await self._tell_once(session_id)
            except StreamhubError as error:
                LOG.warning("web.captions_failed session_id=%s error=%s", session_id, error)
            await asyncio.sleep(CROWD_EVERY_S if self._crowd(session_id) >= CROWD else EVERY_S)
            if session_id not in self._due:
                return

    async def _tell_once(self, session_id: str) -> None:
        session = await self.load(session_id)
        if session.state not in TOLD:
            self._sheets.pop(session_id, None)
            return
        clock = await self._read_clock(session)
        fresh = session_id not in self._sheets
        self._take(session, clock)
        for told in self._owed.pop(session_id, ()):
            if fresh:  # whoever listens already asks for the whole, at a moment of his own
                told |= {"since": "", "cues": []}
            await self._say(session_id, msgspec.json.encode(told))

    async def load(self, session_id: str) -> PublicSession:
        """A session that the public may know of, as it was a second ago at most.

        Raises:
            NotFound: there is none.
        """
        gate = self._gates.get(session_id)
        if gate is None or time.monotonic() - gate.at_s >= _GATE_S:
            session = await self._hub.store.read(lambda db: public_rows.load_session(db, session_id))
            if len(self._gates) >= _MOST_SHEETS:
                self._gates.clear()
            gate = self._gates[session_id] = _Gate(session, time.monotonic())
        return gate.session

    def find(self, session: PublicSession) -> Sheet:
        """What can be read of a session; an empty sheet where nothing can."""
        if session.state not in TOLD:
            return Sheet(run="none")
        sheet = self._sheets.get(session.id)
        if sheet is None:
            heard = self._hub.live_words.captions(session.id)
            if not session.readable or (not heard.cues and heard.listening is Listening.OFF):
                return Sheet(run="none")
            self._take(session, self._clocks.get(session.id, (0.0, ()))[1])
            self._owed.pop(session.id, None)
        elif sheet.hidden != (session.readable, session.masker):  # somebody said no or yes since
            self._take(session, sheet.clock)
            self.notify(session.id)
        return self._sheets[session.id]

    def _take(self, session: PublicSession, clock: Clock) -> None:
        """Take what was heard as the public may read it now; who listens is owed what changed."""
        if session.id not in self._sheets and len(self._sheets) >= _MOST_SHEETS:
            del self._sheets[next(iter(self._sheets))]
        sheet = self._sheets.setdefault(session.id, Sheet())
        sheet.hidden = (session.readable, session.masker)
        told = sheet.take(hide_in_captions(session, self._hub.live_words.captions(session.id)), clock)
        if told is not None:
            self._owed.setdefault(session.id, []).append(told)

    async def _read_clock(self, session: SessionTimes) -> Clock:
        """How the player's time goes with the session's; looked at every ten seconds, for an encoder may come back."""
        read_s, clock = self._clocks.get(session.id, (float("-inf"), ()))
        if session.started_at is None or time.monotonic() - read_s < (_CLOCK_S if clock else EVERY_S):
            return clock
        zero, folder = session.started_at, self._hub.broadcasting.hls_folder(session.id)

        def read() -> Clock:
            return map_playlist(trim_playlist(read_playlist(folder), since=zero), zero=zero) if folder else ()

        clock = await asyncio.to_thread(read) or clock
        if len(self._clocks) >= _MOST_SHEETS:
            self._clocks.clear()
        self._clocks[session.id] = (time.monotonic(), clock)
        return clock


CAPTIONS: web.AppKey[CaptionDesk] = web.AppKey("captions", CaptionDesk)


def prepare(app: web.Application) -> None:
    """Give the application its desk of captions."""
    broadcaster = app[BROADCASTER]

    async def say(session_id: str, json: bytes) -> None:
        for channel in (session_id, f"host:{session_id}"):
            await broadcaster.say(channel, "words", json)

    app[CAPTIONS] = CaptionDesk(app[HUB], say, broadcaster.count_in)


def words_changed(app: web.Application, session_id: str) -> None:
    """More was heard of a session."""
    app[CAPTIONS].notify(session_id)


@routes.get("/api/v1/sessions/{session_id}/captions")
@allow(Action.SEE_PUBLIC)
async def captions_json(request: web.Request) -> web.StreamResponse:
    """What was said so far, from the caption with the id ``since`` on."""
    session = await request.app[CAPTIONS].load(request.match_info["session_id"])
    sheet, since = request.app[CAPTIONS].find(session), request.query.get("since", "")[:80]
    headers = {**_tag(sheet, session), "Access-Control-Allow-Origin": "*"}
    if _knows(request, headers):
        return web.Response(status=304, headers=headers)
    known = since if any(line.cue.id == since for line in sheet.lines[-ON_PAGE:]) else ""
    name = f"json {session.state.value} {known}"
    body = sheet.body(name, lambda: msgspec.json.encode(_sheet_json(session, sheet, known)))
    if len(body) >= _GZIP_FROM_BYTES and "gzip" in request.headers.get("Accept-Encoding", ""):
        body = sheet.body(f"{name} gzip", partial(gzip.compress, body, 5, mtime=0))
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=body, headers=headers, content_type="application/json")


def _sheet_json(session: SessionTimes, sheet: Sheet, since: str) -> Json:
    return {
        "version": sheet.version,
        "since": since,
        "state": session.state.value,
        "language": session.language,
        "made_by": "machine",
        "listening": sheet.listening.value,
        "cues": [line_json(line) for line in find_since(sheet.lines, since)],
        "now": sheet.now,
        "clock": sheet.clock,
    }


@routes.get("/s/{session_id}/captions.vtt")
@allow(Action.SEE_PUBLIC)
async def captions_vtt(request: web.Request) -> web.StreamResponse:
    """All words so far as WebVTT, on the session clock; with ``?clock=player`` in the times of the live picture."""
    session = await request.app[CAPTIONS].load(request.match_info["session_id"])
    sheet, player = request.app[CAPTIONS].find(session), request.query.get("clock") == "player"
    headers = _tag(sheet, session)
    if _knows(request, headers):
        return web.Response(status=304, headers=headers)
    # In a player's times nothing stands anywhere before the picture is there.
    lines, clock = (sheet.lines if sheet.clock or not player else []), (sheet.clock if player else ())
    body = sheet.body(f"vtt {player}", lambda: format_captions(lines, language=session.language, clock=clock).encode())
    return web.Response(body=body, headers=headers, content_type="text/vtt", charset="utf-8")


def _tag(sheet: Sheet, session: SessionTimes) -> dict[str, str]:
    return {
        "ETag": f'W/"{sheet.version}-{session.state.value}"',
        "Cache-Control": CACHED,
        "Vary": "Accept-Encoding",
    }


def _knows(request: web.Request, headers: Mapping[str, str]) -> bool:
    return headers["ETag"] in request.headers.get("If-None-Match", "")


def along_context(request: web.Request, session: PublicSession, *, language: str) -> dict[str, Any]:
    """What a session's page shows of its words: the last ones as HTML, made once for all readers of a language."""
    sheet = request.app[CAPTIONS].find(session)
    lines = sheet.lines[-ON_PAGE:]

    def make() -> bytes:
        context = {"paragraphs": list(split_paragraphs(lines)), "now": sheet.now}
        return request.app[PAGES].render("along_words.html", language, context).encode()

    return {
        "heard": bool(sheet.lines) or sheet.now is not None,
        "shortened": len(sheet.lines) > ON_PAGE,
        "said_words": Markup(sheet.body(f"html {language}", make).decode()),  # noqa: S704 - rendered with escapes
    }


async def read_ear(request: web.Request, session: SessionTimes) -> dict[str, Any]:
    """What a host's console shows of the listening: its state, why nobody listens, and the last words."""
    hub, desk = hub_of(request), request.app[CAPTIONS]
    sheet = desk.find(await desk.load(session.id)) if session.state in TOLD else Sheet()
    captions = hub.live_words.captions(session.id)
    ear, model = captions.listening.value, hub.live_words.recogniser
    if captions.listening is Listening.OFF:
        ear = "switched_off" if not model else "silent" if await hub.live_words.is_ready() else "missing"
    return {
        "ear": ear,
        "ear_model": model,
        "ear_shown": session.state in {SessionState.REHEARSAL, SessionState.LIVE},
        "last_words": [line.cue.text for line in sheet.lines[-3:]],
        "words_now": sheet.now["text"] if sheet.now else "",
    }
