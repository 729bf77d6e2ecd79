"""The relay: what an encoder sends to the hub goes on to a platform, as it is, and costs the recording nothing.

Owns, per session, the tap beside the recorder, a bounded backlog, and one ffmpeg that pushes to the platform's address;
starts it again whenever it ends, hangs or falls behind. Knows nothing of platforms' rules, of sessions' states or of
the recorder.

Within one connection times begin at 0 and run on, also over an encoder's reconnect and over pictures that were left
out; each new connection begins at 0 again with codec setup and the newest key frame, as encoders do that reconnect.

The stream key stands in that ffmpeg's own argument list, where other users of the machine could see it; ffmpeg offers
no other way that all its versions know. It is an option of its own there and no part of the address, because ffmpeg
repeats addresses in its messages. What ffmpeg says is redacted before anything is done with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from streamhub import process
from streamhub.errors import BadInput, StreamhubError
from streamhub.live.backlog import Backlog
from streamhub.live.flv import FlvReader
from streamhub.live.ingest import MediaTap, RelayPhase, RelayState
from streamhub.live.link import DEFAULT_LIMITS, Link, RelayLimits, Status, Tools, plan_failures, plan_pause_s
from streamhub.live.mediacut import Piece, Reader, Setup
from streamhub.live.mpegts import TsReader
from streamhub.live.platform import Ingest
from streamhub.live.pushing import find_ca_file, parse_target, push_argv
from streamhub.process import Command
from streamhub.text import Random

_LOG = logging.getLogger(__name__)

_WRITE_BYTES = 65_536
_JUMP_MS = 10_000  # a greater step of the encoder's clock is no media but a clock that was set


class Relay:
    """Passes sessions' media on to platforms.

    Args:
        program: the ffmpeg to run.
        now: the wall clock, for what hosts see.
        random: for the jitter of the pauses.
        monotonic: seconds that only run forwards.
        limits: what it may hold and how long it waits.
        ca_file: certificates of the authorities that a platform's certificate may come from; None finds the system's.
    """

    def __init__(
        self,
        program: Path,
        *,
        now: Callable[[], datetime],
        random: Random,
        monotonic: Callable[[], float] = time.monotonic,
        limits: RelayLimits = DEFAULT_LIMITS,
        ca_file: Path | None = None,
    ) -> None:
        self._tools = Tools(
            program=program,
            now=now,
            random=random,
            monotonic=monotonic,
            limits=limits,
            ca_file=ca_file or find_ca_file(ssl.get_default_verify_paths()),
        )
        self._legs: dict[str, _Leg] = {}
        self._takes = 0
        self._closed = False

    def tap(self, session_id: str, container: str) -> MediaTap | None:
        """A tap for a session's publisher, also before anybody asks for relaying; the newest one counts."""
        if self._closed or container not in ("flv", "mpegts"):
            return None
        self._takes += 1
        reader: Reader = FlvReader() if container == "flv" else TsReader(take=self._takes)
        leg = self._leg(session_id)
        leg.begin(reader)
        return _Tap(leg, reader, self._tidy)

    async def aim(self, session_id: str, ingest: Ingest | None) -> None:
        """Pass a session's media on to this address from now on; None ends it. The same address again changes nothing.

        Raises:
            BadInput: the address is not rtmp:// or rtmps://, or address or key have characters that they cannot have.
        """
        if ingest is not None:
            parse_target(ingest)
            if self._closed:
                return
        leg = self._legs.get(session_id) if ingest is None else self._leg(session_id)
        if leg is not None:
            await leg.aim(ingest)
            self._tidy(leg)

    def state(self, session_id: str) -> RelayState:
        """How the relaying of a session is doing."""
        leg = self._legs.get(session_id)
        return leg.state() if leg else RelayState()

    async def close(self) -> None:
        """End every connection tidily."""
        self._closed = True
        await asyncio.gather(*(leg.aim(None) for leg in self._legs.values()))
        self._legs.clear()

    def _leg(self, session_id: str) -> _Leg:
        if session_id not in self._legs:
            self._legs[session_id] = _Leg(session_id, self._tools)
        return self._legs[session_id]

    def _tidy(self, leg: _Leg) -> None:
        if not leg.needed and self._legs.get(leg.session_id) is leg:
            del self._legs[leg.session_id]


class _Tap:
    """Beside one publisher's recorder."""

    def __init__(self, leg: _Leg, reader: Reader, on_close: Callable[[_Leg], None]) -> None:
        self._leg = leg
        self._reader = reader
        self._deaf = False
        self._on_close = on_close

    def offer(self, chunk: bytes) -> None:
        """See the next bytes; never waits, never raises."""
        if self._deaf:
            return
        try:
            pieces = self._reader.feed(chunk)
        except BadInput as error:
            self._deaf = True
            _LOG.warning("relay_tap_failed session=%s error=%s", self._leg.session_id, error)
            self._leg.give_up(self._reader, str(error))
        else:
            self._leg.take(self._reader, pieces)

    def close(self) -> None:
        """The publisher is gone."""
        self._deaf = True
        self._leg.leave(self._reader)
        self._on_close(self._leg)


@dataclass(slots=True)
class _Timeline:
    """The encoder's times, moved so that they run on over reconnects and over clocks that were set."""

    monotonic: Callable[[], float]
    last_ms: int = 0
    last_s: float | None = None
    shift_ms: int | None = None

    def place(self, piece: Piece) -> Piece:
        """The piece at its time on the session's own line."""
        seen_s = self.monotonic()
        if self.shift_ms is None or abs(piece.time_ms + self.shift_ms - self.last_ms) > _JUMP_MS:
            pause_ms = int((seen_s - self.last_s) * 1000) if self.last_s is not None else 0
            self.shift_ms = self.last_ms + max(1, pause_ms) - piece.time_ms
        placed_ms = piece.time_ms + self.shift_ms
        self.last_ms, self.last_s = max(self.last_ms, placed_ms), seen_s
        return replace(piece, time_ms=placed_ms)


class _Leg:
    """The relaying of one session: fed by taps, drained by one connection after the other."""

    def __init__(self, session_id: str, tools: Tools) -> None:
        self.session_id = session_id
        self._tools = tools
        self._backlog = Backlog(max_bytes=tools.limits.max_bytes, max_ms=tools.limits.max_ms)
        self._timeline = _Timeline(tools.monotonic)
        self._reader: Reader | None = None
        self._present = False
        self._arrived = asyncio.Event()
        self._ingest: Ingest | None = None
        self._task: asyncio.Task[None] | None = None
        self._aiming = asyncio.Lock()
        self._aims = 0
        self._stopping = asyncio.Event()
        self._known: Setup | None = None
        self._unfit = ""
        self._status = Status(session_id, tools.now)

    def __repr__(self) -> str:
        return f"_Leg(session_id={self.session_id!r}, phase={self._status.phase.value!r})"

    @property
    def needed(self) -> bool:
        """Whether somebody feeds it or wants it."""
        return self._present or self._ingest is not None or self._aims > 0

    def state(self) -> RelayState:
        """How it is doing."""
        state = self._status.read(self._backlog.dropped_ms)
        if self._unfit and self._ingest is not None:  # whatever is still under way, nothing more will follow
            return replace(state, phase=RelayPhase.FAILING, reason=self._unfit)
        return state

    # ---- the encoder's side: synchronous, bounded, silent

    def begin(self, reader: Reader) -> None:
        """A publisher came; whoever was there before is no longer heard."""
        self._reader, self._present, self._unfit = reader, True, ""
        self._timeline.shift_ms = self._known = None
        self._backlog.forget()
        self._arrived.set()

    def take(self, reader: Reader, pieces: list[Piece]) -> None:
        """Media came."""
        if reader is not self._reader or self._ingest is None:
            return
        if reader.settled:
            if self._known not in (None, reader.setup):  # what waits needs the old setup
                self._backlog.forget()
            self._known = reader.setup
        for piece in pieces:
            self._backlog.add(self._timeline.place(piece))
        self._arrived.set()

    def leave(self, reader: Reader) -> None:
        """The publisher went; what waits is still passed on."""
        if reader is self._reader:
            self._present, self._unfit = False, ""
            self._arrived.set()

    def give_up(self, reader: Reader, reason: str) -> None:
        """The publisher sends what nobody understands."""
        if reader is self._reader:
            self._backlog.forget()
            self._unfit = reason
            if self._ingest is not None:
                self._status.fail(reason)

    # ---- the platform's side

    async def aim(self, ingest: Ingest | None) -> None:
        """Begin, change or end."""
        self._aims += 1
        try:
            async with self._aiming:
                if ingest != self._ingest:
                    try:
                        await self._stop()
                    except asyncio.CancelledError:
                        self._ingest = None  # half stopped: whoever asks again gets a whole start
                        raise
                    self._start(ingest)
        finally:
            self._aims -= 1

    def _start(self, ingest: Ingest | None) -> None:
        self._ingest = ingest
        if ingest is None:
            self._status.enter(RelayPhase.OFF)
            self._backlog.forget()
            return
        self._status = Status(self.session_id, self._tools.now)
        self._status.enter(RelayPhase.WAITING)
        _LOG.info("relay_aimed session=%s url=%s", self.session_id, ingest.url)
        self._task = asyncio.create_task(self._run(ingest))

    async def _stop(self) -> None:
        if self._task is None:
            return
        self._stopping.set()
        self._arrived.set()
        _, slow = await asyncio.wait([self._task], timeout=self._tools.limits.farewell_s)
        for task in slow:
            task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None
        self._stopping.clear()

    async def _run(self, ingest: Ingest) -> None:
        """One connection after the other, until it shall stop."""
        limits, failures = self._tools.limits, 0
        while await self._await_group():
            self._status.connect()
            link = Link(self._tools, self._status)
            try:
                await self._pass_on(ingest, link)
            except asyncio.CancelledError:
                raise
            except StreamhubError as error:
                reason = str(error)
            except Exception as error:  # the job's boundary: the relay heals from whatever it was
                _LOG.exception("relay_broken session=%s", self.session_id)
                reason = type(error).__name__
            else:
                self._status.pause()
                continue
            finally:
                self._backlog.draining = False
            failures = plan_failures(failures, sent_s=link.sent_s(), limits=limits) + 1
            pause_s = plan_pause_s(failures, chance=self._tools.chance(), limits=limits)
            self._note_failure(reason, failures, pause_s)
            await self._sleep(pause_s)

    def _note_failure(self, reason: str, failures: int, pause_s: float) -> None:
        level = logging.INFO if self._status.phase is RelayPhase.FAILING else logging.WARNING
        self._status.fail(reason)
        text = "relay_failed session=%s failures=%d retry_s=%.1f reason=%s"
        _LOG.log(level, text, self.session_id, failures, pause_s, reason)

    async def _await_group(self) -> bool:
        """Wait until a connection can begin; False when it shall not."""
        while not self._stopping.is_set():
            if not self._present:  # what is left of a stream that is over is worth no new connection
                self._backlog.forget()
                self._status.pause()
            elif self._backlog.can_begin and self._reader is not None and self._reader.settled:
                return True
            self._arrived.clear()
            await self._arrived.wait()
        return False

    async def _sleep(self, pause_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._stopping.wait()

    async def _pass_on(self, ingest: Ingest, link: Link) -> None:
        """Hold one connection; returns when it ended because there is nothing more to send, or not in this way.

        Raises:
            ToolMissing, ToolFailed, TimedOut: it broke off, hangs or is too slow; the message holds no secret.
        """
        assert self._reader is not None
        setup = self._reader.setup
        argv = push_argv(setup.container, ingest, ca_file=self._tools.ca_file, stall_s=self._tools.limits.stall_s)
        command = Command(argv=[str(self._tools.program), *argv], name="ffmpeg (relay)")
        async with await process.start(command, stdin=True, stdout=True) as child:
            link.open(child, self._backlog)
            feeding = asyncio.create_task(self._feed(link, setup))
            others = [asyncio.create_task(link.read_progress()), asyncio.create_task(link.watch())]
            try:
                await asyncio.wait([feeding, *others], return_when=asyncio.FIRST_COMPLETED)
                if feeding.done() and feeding.exception() is None:
                    await link.part(self._tools.limits.farewell_s)
                    return
                await link.explain(ingest.key, *(task for task in (feeding, *others) if task.done()))
            finally:
                for task in (feeding, *others):
                    task.cancel()
                await asyncio.gather(feeding, *others, return_exceptions=True)

    async def _feed(self, link: Link, setup: Setup) -> None:
        """Hand pieces over until the encoder stays away, sends something else, or it shall stop."""
        self._backlog.rewind()
        self._backlog.draining = True
        self._backlog.jumps = 0
        zero_ms: int | None = None
        assert self._reader is not None
        if head := self._reader.render_head():
            await link.write(head)
        while not self._stopping.is_set():
            reader = self._reader
            pieces = self._backlog.take(_WRITE_BYTES) if reader.settled and reader.setup == setup else []
            if pieces:
                zero_ms = pieces[0].time_ms if zero_ms is None else zero_ms
                await link.write(b"".join(reader.render(p, max(0, p.time_ms - zero_ms)) for p in pieces))
            elif reader.settled and reader.setup != setup:
                _LOG.info("relay_setup_changed session=%s", self.session_id)
                return
            elif not await self._await_more():
                return

    async def _await_more(self) -> bool:
        """Wait for media; False when none came for long."""
        self._arrived.clear()
        try:
            async with asyncio.timeout(self._tools.limits.idle_s):
                await self._arrived.wait()
        except TimeoutError:
            _LOG.info("relay_idle session=%s", self.session_id)
            self._backlog.forget()
            return False
        return True
