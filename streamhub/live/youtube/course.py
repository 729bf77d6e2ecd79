"""The course of a broadcast: from planned to testing, live and over, one transition at a time.

Owns the waiting: for the picture, and for states that are reached some time after they were asked for. The state is
read before each step, because somebody may have taken it in Studio, and after each failure, because it may have
happened. Refuses to know which session it is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from streamhub.errors import Conflict, Fault, PlatformError
from streamhub.live.problem import ProblemCode
from streamhub.live.quota import Priority
from streamhub.live.youtube.channel import Channel, Sleep, is_uncertain, platform_error
from streamhub.live.youtube.lifecycle import SENT, Goal, Move, decide_move
from streamhub.live.youtube.placing import Placing
from streamhub.live.youtube.records import Records
from streamhub.live.youtube.wire import Seen, monitor_body
from streamhub.schedule.show import Session
from streamhub.store.broadcasts import BroadcastRow

POLL_S = 3.0
MOST_POLL_S = 90.0
RETRIES_S = (5.0, 15.0, 45.0)

Wanted = Callable[[], Awaitable[bool]]
"""Whether the goal is still wanted: a host may think better of it while there is no picture yet."""

_WORDS = {Goal.TESTING: "rehearse", Goal.LIVE: "go_live", Goal.COMPLETE: "end"}


@dataclass(slots=True)
class _Way:
    """Where a broadcast is on its way to a goal.

    Attributes:
        goal: where to.
        polls_left: looks until the state that was asked for counts as not reached.
        signal_polls_left: looks until the picture counts as missing.
        retries: pauses before a step that failed is taken again.
        asked: the transition that was taken up last.
        refused: the state in which a transition was refused.
        follows: whether it takes over from an earlier part, whose end may free its place a moment later.
        wanted: whether it is still wanted.
    """

    goal: Goal
    signal_polls_left: int
    polls_left: int = int(MOST_POLL_S / POLL_S)
    retries: Iterator[float] = field(default_factory=lambda: iter(RETRIES_S))
    asked: Move | None = None
    refused: str = ""
    follows: bool = False
    wanted: Wanted | None = None


class Course:
    """Takes broadcasts to a goal; one session at a time, which the caller sees to.

    Args:
        channel: the calls.
        records: the rows.
        placing: looks at a broadcast, and binds one that is not bound.
        sleep: waits.
    """

    def __init__(self, channel: Channel, records: Records, placing: Placing, *, sleep: Sleep) -> None:
        self._channel = channel
        self._records = records
        self._placing = placing
        self._sleep = sleep

    async def drive(
        self, row: BroadcastRow, session: Session, goal: Goal, *, wait_signal_s: float, wanted: Wanted | None = None
    ) -> BroadcastRow:
        """Bring a broadcast to a goal; what is beyond it already is a success.

        Raises:
            Conflict: it is to end and was never live, or the goal is not wanted any more.
            PlatformError: it is gone, over, without a picture, or YouTube refuses or does not get there in time.
        """
        polls = int(wait_signal_s / POLL_S)
        way = _Way(goal=goal, signal_polls_left=polls, follows=row.part > 1, wanted=wanted)
        while True:
            seen = await self._placing.look(row)
            row = await self._records.reread(row)
            if seen is None:
                return self._gone(row, goal)
            move = decide_move(seen.state, goal, monitor=seen.monitor)
            if move is Move.DONE:
                return await self._records.clear(row) if row.pending else row
            if move in SENT and move is not way.asked:
                row = await self._send(row, seen, move, way)
            elif move in SENT or move is Move.WAIT:
                await self._wait(way, move, seen)
            else:
                row = await self._prepare(row, session, seen, move)

    async def _prepare(self, row: BroadcastRow, session: Session, seen: Seen, move: Move) -> BroadcastRow:
        """What comes before a transition, or forbids one."""
        if move is Move.BIND:
            return await self._placing.bind(row, session)
        if move is Move.MONITOR_ON:
            await self._channel.update("contentDetails", monitor_body(seen))
            return row
        if row.pending:
            row = await self._records.clear(row)
        if move is Move.REVOKED:
            raise platform_error(Fault.BAD_STATE, ProblemCode.REVOKED, reason=seen.state)
        if move is Move.OVER:
            raise platform_error(Fault.BAD_STATE, ProblemCode.OVER, reason=seen.state)
        raise Conflict(
            f"session {row.session_id}: its broadcast {row.ref} is {seen.state}, it was never live",
            hint="cancel what was planned instead",
        )

    async def _send(self, row: BroadcastRow, seen: Seen, move: Move, way: _Way) -> BroadcastRow:
        """Take one transition, once; what becomes of it shows at the next look."""
        if seen.state == way.refused:
            await self._records.clear(row)
            raise platform_error(Fault.BAD_STATE, ProblemCode.WRONG_STATE, reason="invalidTransition", state=seen.state)
        if move is not Move.END:
            await self._await_signal(row, way)
        row = await self._records.intend(row, _WORDS[way.goal])
        try:
            await self._channel.transition(row.ref, move.value)
        except PlatformError as error:
            await self._after_failed(row, seen, error, way, move)
            return row
        way.asked, way.polls_left = move, int(MOST_POLL_S / POLL_S)
        return row

    async def _after_failed(self, row: BroadcastRow, seen: Seen, error: PlatformError, way: _Way, move: Move) -> None:
        """Returns when another look, and maybe another try, makes sense."""
        if error.reason == "redundantTransition":
            way.asked = move  # it is there, or on its way: as good as done
            return
        if error.reason == "invalidTransition":
            way.refused = seen.state  # another state by now? then the next look decides
            return
        if error.fault is Fault.NO_SIGNAL and way.signal_polls_left > 0:
            way.signal_polls_left -= 1
            await self._sleep(POLL_S)
            return
        passing = is_uncertain(error) or (way.follows and error.fault is Fault.LIMIT)
        if passing and (pause_s := next(way.retries, None)) is not None:
            await self._sleep(pause_s)
            return
        if not is_uncertain(error):
            await self._records.clear(row)
        raise error

    async def _await_signal(self, row: BroadcastRow, way: _Way) -> None:
        """Wait for a picture; ``active`` alone permits testing and live."""
        while True:
            stream = (await self._channel.streams([row.stream_ref], priority=Priority.TRANSITION)).get(row.stream_ref)
            if way.wanted is not None and not await way.wanted():
                if row.pending:
                    await self._records.clear(row)
                raise Conflict(f"session {row.session_id}: has changed meanwhile", hint="nothing is to be done")
            if stream is not None and stream.signal.receiving:
                return
            if way.signal_polls_left <= 0:
                word = stream.status if stream else "no stream"
                if row.pending:
                    await self._records.clear(row)
                raise platform_error(Fault.NO_SIGNAL, ProblemCode.NO_PICTURE, reason=word)
            way.signal_polls_left -= 1
            await self._sleep(POLL_S)

    async def _wait(self, way: _Way, move: Move, seen: Seen) -> None:
        if way.polls_left <= 0:
            raise platform_error(Fault.UNKNOWN_OUTCOME, ProblemCode.OUTCOME_UNKNOWN, reason=seen.state)
        way.polls_left -= 1
        await self._sleep(POLL_S)

    def _gone(self, row: BroadcastRow, goal: Goal) -> BroadcastRow:
        if goal is Goal.COMPLETE:
            return row
        raise platform_error(Fault.NOT_FOUND, ProblemCode.BROADCAST_GONE, reason="liveBroadcastNotFound")
