"""The live ear: hears what is said while a session runs, beside the recorder and never in its way.

Owns how a publisher's stream gets to the process that cuts it into pieces, and how the pieces of all sessions get to
the recogniser, one after the other. What is being said right now is heard again and again, so that words appear before
their sentence is over; what the machine is too slow for is left out and heard afterwards, from the recording. Nobody's
words are heard before the session is live. Refuses to know recognisers and pages.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec
from sqlite_utils import Database

from streamhub.errors import StreamhubError
from streamhub.process import Child, Command, start
from streamhub.schedule.show import Session, SessionState
from streamhub.store.recordings import list_segments
from streamhub.store.shows import list_sessions, load_session
from streamhub.store.store import Store
from streamhub.timecode import Span, ms_between
from streamhub.transcript.glossary import Vocabulary
from streamhub.transcript.live_files import (
    GROWING,
    LIVE_FOLDER,
    join_sound,
    load_streams,
    open_stream,
    piece_file,
    save_end,
    save_item,
)
from streamhub.transcript.live_turns import BEHIND_MS, Turn, Turns
from streamhub.transcript.live_words import CaptionLine, HeardItem, HeardStream, Listening, LiveCaptions, shift_cues
from streamhub.transcript.names import correct_transcript
from streamhub.transcript.piece import Piece
from streamhub.transcript.rules import cut_vocabulary
from streamhub.transcript.transcriber import Transcriber, TranscriptionJob
from streamhub.transcript.transcript import Cue

LOG = logging.getLogger("streamhub.live_ear")

MAX_UNREAD_BYTES = 16_000_000
_TIME_LIMIT_S = 120.0
_VOCABULARY_S = 30.0
_RUNNING = frozenset({SessionState.LIVE, SessionState.ENDED, SessionState.PROCESSING})


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveEarParts:
    """What the live ear works with.

    Attributes:
        store: the hub's data.
        transcriber: makes the words; None: nobody listens.
        media: folder of recordings.
        vocabulary: the words that are known of a session.
        detect_language: whether the language may change within a session.
    """

    store: Store
    transcriber: Transcriber | None
    media: Path
    vocabulary: Callable[[Database, Session], Vocabulary]
    detect_language: bool


class _Told(msgspec.Struct, frozen=True):
    """One line of the process that listens."""

    event: str
    piece: Piece | None = None
    said: Span | None = None
    read: Span | None = None
    pieces: int = 0
    end_ms: int = 0


@dataclass(slots=True)
class _Stream:
    """What was heard of one publisher."""

    session_id: str
    segment: int
    started_at: datetime
    folder: Path
    line: CaptionLine
    now: HeardItem | None = None
    placed: list[Cue] = field(default_factory=list)
    placed_count: int = 0

    def place(self, offset_ms: int) -> list[Cue]:
        """Its captions on the session clock, which does not move any more; each is placed once, however often asked."""
        self.placed += shift_cues(self.line.cues[self.placed_count : self.line.closed], offset_ms)
        self.placed_count = self.line.closed
        return [*self.placed, *shift_cues(self.line.cues[self.line.closed :], offset_ms)]


@dataclass(slots=True)
class _Hearing:
    """A session that is heard."""

    streams: list[_Stream] = field(default_factory=list)
    following: set[asyncio.Task[None]] = field(default_factory=set)
    zero: datetime | None = None
    vocabulary: tuple[float, Vocabulary] = (float("-inf"), Vocabulary())


class _Tap:
    """Beside one publisher's recorder; what cannot be heard in time is not heard at all."""

    def __init__(self, session_id: str) -> None:
        self.arrived = asyncio.Event()
        self.chunks: deque[bytes] = deque()
        self.size_bytes = 0
        self.ended = self.deaf = False
        self._session_id = session_id

    def offer(self, chunk: bytes) -> None:
        """See the next bytes; never waits, never raises."""
        if self.deaf:
            return
        self.chunks.append(chunk)
        self.size_bytes += len(chunk)
        if self.size_bytes > MAX_UNREAD_BYTES:
            LOG.warning("live_ear_too_slow session=%s", self._session_id)
            self.fall_silent()
        self.arrived.set()

    def close(self) -> None:
        """The publisher is gone."""
        self.ended = True
        self.arrived.set()

    def fall_silent(self) -> None:
        """Listen no more."""
        self.deaf = self.ended = True
        self.chunks.clear()

    async def feed(self, child: Child) -> None:
        """Hand everything on to a process, to the end."""
        stdin = child.process.stdin
        assert stdin is not None
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while True:
                self.arrived.clear()
                while self.chunks:
                    chunk = self.chunks.popleft()
                    self.size_bytes -= len(chunk)
                    stdin.write(chunk)
                    await stdin.drain()
                if self.ended:
                    break
                await self.arrived.wait()
        stdin.close()


class LiveEar:
    """Hears sessions while they run.

    Attributes:
        changed: told the session of which more was heard.
    """

    def __init__(self, parts: LiveEarParts) -> None:
        self.changed: Callable[[str], None] = lambda session_id: None
        self._parts = parts
        self._hearings: dict[str, _Hearing] = {}
        self._turns = Turns()
        self._stirred = asyncio.Event()
        self._lane: asyncio.Task[None] | None = None
        self._busy_with = ""
        self._turned = asyncio.Event()

    # From the publisher to pieces.

    def tap(self, session_id: str, container: str) -> _Tap | None:
        """A tap for a session's publisher; None where nobody listens."""
        if self._parts.transcriber is None:
            return None
        tap = _Tap(session_id)
        task = asyncio.create_task(self._follow(tap, session_id, container), name=f"live ear of {session_id}")
        following = self._hearing(session_id).following
        following.add(task)
        task.add_done_callback(following.discard)
        return tap

    def _hearing(self, session_id: str) -> _Hearing:
        return self._hearings.setdefault(session_id, _Hearing())

    async def _follow(self, tap: _Tap, session_id: str, container: str) -> None:
        """Follow one publisher from the first byte to the last."""
        assert self._parts.transcriber is not None
        try:
            if not await self._parts.transcriber.version():
                LOG.info("live_ear_off session=%s model=%r is not here", session_id, self._parts.transcriber.name)
                return
            while not (tap.chunks or tap.ended):
                await tap.arrived.wait()
                tap.arrived.clear()
            stream = await self._open_stream(session_id)
            if stream is not None and tap.chunks:
                await self._listen(tap, stream, container)
        except (StreamhubError, OSError) as error:
            LOG.warning("live_ear_stopped session=%s error=%s", session_id, error)
        finally:
            tap.fall_silent()
            self.changed(session_id)

    async def _open_stream(self, session_id: str) -> _Stream | None:
        """A place for what is heard, named after the segment that is recorded beside it."""
        segments = await self._parts.store.read(lambda db: list_segments(db, session_id))
        if not segments:
            return None
        segment = max(segments, key=lambda one: one.number)
        place = self._folder(session_id)
        folder = await asyncio.to_thread(open_stream, place, segment.number, segment.started_at)
        stream = _Stream(session_id, segment.number, segment.started_at, folder, CaptionLine(segment.number))
        self._hearing(session_id).streams.append(stream)
        return stream

    async def _listen(self, tap: _Tap, stream: _Stream, container: str) -> None:
        argv = [sys.executable, "-m", "streamhub.transcript.live_sound", container, str(stream.folder)]
        async with await start(Command(argv=argv, name="live ear"), stdin=True, stdout=True) as child:
            feeding = asyncio.create_task(tap.feed(child))
            try:
                assert child.process.stdout is not None
                while line := await child.process.stdout.readline():
                    await self._take(stream, msgspec.json.decode(line, type=_Told))
                if await child.wait():
                    LOG.warning("live_ear_deaf session=%s %s", stream.session_id, child.stderr_tail.strip()[-300:])
            finally:
                self._turns.hush(stream.session_id, stream.segment)
                feeding.cancel()
                await asyncio.gather(feeding, return_exceptions=True)

    async def _take(self, stream: _Stream, told: _Told) -> None:
        if told.piece is not None:
            for _, _, piece in self._turns.add(stream.session_id, stream.segment, told.piece):
                LOG.warning("live_ear_left_out session=%s piece=%d", stream.session_id, piece.number)
        elif told.event == "ended":
            await asyncio.to_thread(save_end, stream.folder, pieces=told.pieces, end_ms=told.end_ms)
        elif told.said and told.read:
            self._turns.grow(stream.session_id, stream.segment, told.said, told.read)
        else:
            self._turns.hush(stream.session_id, stream.segment)
            self._forget_now(stream)
        self._stirred.set()
        if self._lane is None or self._lane.done():
            self._lane = asyncio.create_task(self._work(), name="live ear")

    def _forget_now(self, stream: _Stream) -> None:
        if stream.now is not None:
            stream.now = None
            self.changed(stream.session_id)

    # From pieces to words: one after the other, for all sessions.

    async def _work(self) -> None:
        while True:
            self._stirred.clear()
            turn = self._turns.next()
            if turn is None:
                await self._stirred.wait()
                continue
            self._busy_with = turn.session_id
            try:
                await self._hear(turn)
            except (StreamhubError, OSError) as error:
                LOG.warning("live_ear_failed session=%s error=%s", turn.session_id, error)
            except Exception:  # the lane's boundary: other sessions are heard all the same
                LOG.exception("live_ear_failed session=%s", turn.session_id)
            finally:
                self._busy_with = ""
                self._turned.set()

    async def _hear(self, turn: Turn) -> None:
        hearing = self._hearing(turn.session_id)
        stream = next(one for one in hearing.streams if one.segment == turn.stream)
        if turn.pieces:
            first, last = turn.pieces[0], turn.pieces[-1]
            piece = Piece(
                number=first.number,
                span=Span(first.span.start_ms, last.span.end_ms),
                read=Span(first.read.start_ms, last.read.end_ms),
            )
            try:
                sound = await asyncio.to_thread(join_sound, stream.folder, turn.pieces)
                item = await self._recognise(stream, piece, last.number, sound)
            finally:
                for one in turn.pieces:
                    await asyncio.to_thread((stream.folder / piece_file(one.number)).unlink, missing_ok=True)
            if item is not None:
                await asyncio.to_thread(save_item, stream.folder, item)
                stream.line.add(item)
                stream.now = None if stream.now and stream.now.piece.span.start_ms < piece.span.end_ms else stream.now
        elif turn.growing and turn.read:
            piece = Piece(number=0, span=turn.growing, read=turn.read)
            stream.now = await self._recognise(stream, piece, 0, stream.folder / GROWING)
        self.changed(turn.session_id)

    async def _recognise(self, stream: _Stream, piece: Piece, last: int, sound: Path) -> HeardItem | None:
        """What is said there; None before the session is live, when nobody's words are anybody's business."""
        assert self._parts.transcriber is not None
        hearing = self._hearing(stream.session_id)
        session = await self._parts.store.read(lambda db: load_session(db, stream.session_id))
        hearing.zero = session.started_at
        if hearing.zero is None or piece.span.end_ms + ms_between(hearing.zero, stream.started_at) <= 0:
            return None
        vocabulary = await self._vocabulary(hearing, session)
        job = TranscriptionJob(
            media=sound,
            start_ms=piece.read.start_ms,
            language="" if self._parts.detect_language else session.language,
            vocabulary=cut_vocabulary(vocabulary.hints),
            time_limit_s=_TIME_LIMIT_S,
        )
        transcript = await self._parts.transcriber.transcribe(job, lambda done, total: None)
        corrected = await asyncio.to_thread(correct_transcript, transcript, vocabulary)
        return HeardItem(first=piece.number, last=last, piece=piece, transcript=corrected)

    async def _vocabulary(self, hearing: _Hearing, session: Session) -> Vocabulary:
        read_s, words = hearing.vocabulary
        if time.monotonic() - read_s > _VOCABULARY_S:
            words = await self._parts.store.read(lambda db: self._parts.vocabulary(db, session))
            hearing.vocabulary = (time.monotonic(), words)
        return words

    # What others ask.

    @property
    def recogniser(self) -> str:
        """Engine and model that listen; empty where nobody listens at all."""
        return self._parts.transcriber.name if self._parts.transcriber is not None else ""

    async def is_ready(self) -> bool:
        """Whether that model is on this machine."""
        return self._parts.transcriber is not None and bool(await self._parts.transcriber.version())

    def captions(self, session_id: str) -> LiveCaptions:
        """What was said so far in a session that runs, or that has just ended."""
        hearing = self._hearings.get(session_id, _Hearing())
        cues, now = [], None
        for stream in hearing.streams if hearing.zero else ():
            assert hearing.zero is not None
            offset_ms = ms_between(hearing.zero, stream.started_at)
            cues += stream.place(offset_ms)
            now = next(iter(shift_cues(stream.line.growing(stream.now), offset_ms)), None) if stream.now else None
        listening = Listening.OFF
        if hearing.following and hearing.streams:
            behind = self._turns.waiting_ms(session_id) > BEHIND_MS
            listening = Listening.BEHIND if behind else Listening.HEARING
        return LiveCaptions(listening=listening, cues=tuple(cues), now=now)

    async def finish(self, session_id: str, *, limit_s: float = 180.0) -> None:
        """Wait until the last words of a session were heard; what takes longer is left for afterwards."""
        hearing = self._hearing(session_id)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await asyncio.gather(*hearing.following, return_exceptions=True)
                while self._turns.waiting_ms(session_id) or self._busy_with == session_id:
                    self._turned.clear()
                    await self._turned.wait()

    async def heard(self, session_id: str) -> list[HeardStream]:
        """What was heard of a session, from its files."""
        return await asyncio.to_thread(load_streams, self._folder(session_id))

    async def forget(self, session_id: str) -> None:
        """Delete what was heard of a session: its archive has the words now."""
        self._hearings.pop(session_id, None)
        await asyncio.to_thread(shutil.rmtree, self._folder(session_id), ignore_errors=True)

    async def resume(self) -> None:
        """After a start: show again what had been heard of the sessions that still run."""
        for session in await self._parts.store.read(lambda db: list_sessions(db, states=_RUNNING)):
            hearing = _Hearing(zero=session.started_at)
            for known in await self.heard(session.id):
                line = CaptionLine(known.segment)
                for item in known.items:
                    line.add(item)
                hearing.streams.append(_Stream(session.id, known.segment, known.started_at, Path(), line))
            if hearing.streams:
                self._hearings[session.id] = hearing

    async def close(self) -> None:
        """Listen no more; what was heard stays."""
        tasks = [task for hearing in self._hearings.values() for task in hearing.following]
        tasks += [self._lane] if self._lane else []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._parts.transcriber is not None:
            await self._parts.transcriber.close()

    def _folder(self, session_id: str) -> Path:
        return self._parts.media / session_id / LIVE_FOLDER
