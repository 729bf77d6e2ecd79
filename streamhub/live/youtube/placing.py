"""Placing: exactly one broadcast on YouTube for each part of a session, bound to a stream, and like the session.

There is no idempotency key. So an intent row with a marker is committed first; the marker is the last line of the
description; whatever may have got through is looked for by it before anything is written again. Nothing is ever adopted
by its title or time. A known id wins over a missing marker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from streamhub.config import YoutubeSettings
from streamhub.errors import Fault, PlatformError
from streamhub.live.platform import Phase
from streamhub.live.problem import Problem, ProblemCode
from streamhub.live.youtube.channel import LOOKS_S, Channel, Sleep, is_uncertain, platform_error
from streamhub.live.youtube.failures import NAMES
from streamhub.live.youtube.lifecycle import PLANNED
from streamhub.live.youtube.records import Records
from streamhub.live.youtube.rooms import Rooms
from streamhub.live.youtube.texts import find_markers
from streamhub.live.youtube.wire import (
    GRACE,
    Applied,
    Plan,
    Seen,
    broadcast_body,
    pick_extra,
    pick_keeper,
    update_body,
)
from streamhub.schedule.show import Session
from streamhub.store.broadcasts import BroadcastRow
from streamhub.timecode import Now, format_instant

_OVER = frozenset({Phase.ENDED, Phase.LOST})
_PLANNED_PHASES = frozenset({Phase.SCHEDULED, Phase.WAITING})
_DAY = timedelta(days=1)
_START_REFUSED = "invalidScheduledStartTime"
_NO_STREAM = "liveStreamNotFound"
_NO_BROADCAST = frozenset({"liveBroadcastNotFound", "notFound"})
_MOST_BINDS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """What placing works with.

    Attributes:
        channel: the calls.
        records: the rows.
        rooms: the streams.
        settings: of this platform.
        now: the clock.
        sleep: waits.
    """

    channel: Channel
    records: Records
    rooms: Rooms
    settings: YoutubeSettings
    now: Now
    sleep: Sleep


class Placing:
    """Brings the planned broadcast about; one session at a time, which the caller sees to."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._channel = parts.channel
        self._records = parts.records
        self._sight: timedelta | None = None  # how far ahead is worth a try: a day less than was refused last

    async def place(self, row: BroadcastRow, session: Session, plan: Plan) -> BroadcastRow:
        """Make, bind and update a broadcast as far as needed; an unchanged one costs no call.

        Raises:
            PlatformError: it is not, or not yet, as it should be.
        """
        if row.phase in _OVER:
            return row
        if not row.ref:
            row = await self._make(row, plan)
        if row.phase in _PLANNED_PHASES and await self._needs_stream(row, session):
            row = await self.bind(row, session)
        row = await self._update(row, plan)
        settled = row.problem is None or row.problem.code in _TOLD
        return row if settled else await self._records.change(row, lambda now: replace(now, problem=None, tries=0))

    async def look(self, row: BroadcastRow) -> Seen | None:
        """A broadcast as it is now, and its row made like it; None: gone, seen twice, because lists lag."""
        seen = await self._channel.broadcast(row.ref)
        applied = Applied.decode(row.applied)
        for pause_s in LOOKS_S:
            if seen is not None:
                break
            if pause_s == LOOKS_S[0] or applied.is_fresh(self._parts.now()):
                await self._parts.sleep(pause_s)
                seen = await self._channel.broadcast(row.ref)
        await self._records.see(row, seen)
        return seen

    async def bind(self, row: BroadcastRow, session: Session) -> BroadcastRow:
        """Bind a broadcast to a stream that is free while the session runs.

        Raises:
            PlatformError: it could not be bound.
        """
        for _ in range(_MOST_BINDS):
            if row.pending == "bind" and row.stream_ref and (seen := await self._find_bound(row)) is not None:
                return await self._bound(row, seen)
            row = await self._parts.rooms.reserve(row, session)
            try:
                return await self._bound(row, await self._channel.bind(row.ref, row.stream_ref))
            except PlatformError as error:
                await self._after_failed_bind(row, error)
            row = await self._records.reread(row)
        raise platform_error(Fault.BROKEN, ProblemCode.BROKEN, reason="bind")

    async def find(self, row: BroadcastRow, *, fresh: bool = False) -> Seen | None:
        """The broadcast that carries the row's marker, looked for until the lists can be believed.

        Args:
            row: whose marker.
            fresh: whether the write was begun just now.
        """
        return await self._channel.look_after(lambda: self._find(row), since=None if fresh else row.pending_at)

    # Making.

    async def _make(self, row: BroadcastRow, plan: Plan) -> BroadcastRow:
        if row.pending == "insert" and (found := await self.find(row)) is not None:
            return await self._made(row, found, adopted=True)
        self._require_near(plan)
        applied = Applied(wanted=plan.fields).encode()
        row = await self._records.change(row, lambda now: replace(now, applied=applied))
        plan = self._begin_later(plan) if plan.starts_at <= self._parts.now() else plan
        try:
            seen = await self._insert(row, plan)
        except PlatformError as error:
            if error.reason != _START_REFUSED:
                raise
            plan = self._after_refused_start(plan, error)
            seen = await self._insert(row, plan)
        return await self._made(row, seen)

    async def _insert(self, row: BroadcastRow, plan: Plan) -> Seen:
        """Write once; what is not answered is looked for, and written again by a later call at the earliest."""
        row = await self._records.intend(row, "insert")
        try:
            return await self._channel.insert(broadcast_body(plan))
        except PlatformError as error:
            if not is_uncertain(error):
                await self._records.clear(row)
                raise
            found = await self.find(row, fresh=True)
            if found is None:
                raise
            return found

    async def _made(self, row: BroadcastRow, seen: Seen, *, adopted: bool = False) -> BroadcastRow:
        applied = Applied.decode(row.applied)
        if adopted:  # it may stem from an earlier try, with the texts of then
            texts = {name: seen.fields[name] for name in ("title", "description", "privacy")}
            applied = replace(applied, wanted={**applied.wanted, **texts})
        moved = None
        if seen.starts_at and applied.wanted.get("start") != seen.fields["start"] and row.part == 1:
            start = format_instant(seen.starts_at)
            moved = Problem(code=ProblemCode.START_MOVED, details={**NAMES, "start": start})
        encoded = replace(applied, there=seen.fields, written_at=self._parts.now()).encode()
        row = await self._records.change(
            row,
            lambda now: replace(
                now,
                ref=seen.ref,
                pending="",
                pending_at=None,
                applied=encoded,
                problem=moved,
                stream_ref=seen.stream_ref,
            ),
        )
        return await self._records.see(row, seen)

    async def _find(self, row: BroadcastRow) -> Seen | None:
        found = [one for one in await self._channel.all_broadcasts() if row.marker in find_markers(one.description)]
        if not found:
            return None
        keeper = pick_keeper(found, PLANNED)
        for extra in pick_extra(found, keeper, PLANNED):
            await self._channel.delete(extra.ref)
        return keeper

    # Starts that YouTube does not take.

    def _require_near(self, plan: Plan) -> None:
        ahead = plan.starts_at - self._parts.now()
        horizon = timedelta(days=self._parts.settings.horizon_days)
        if ahead > horizon:
            raise self._too_far(plan, ahead - horizon)
        if self._sight is not None and ahead > self._sight:
            raise self._too_far(plan, ahead - self._sight)

    def _too_far(self, plan: Plan, wait: timedelta) -> PlatformError:
        at = self._parts.now() + wait
        start = format_instant(plan.starts_at)
        return platform_error(
            Fault.BAD_INPUT, ProblemCode.START_TOO_FAR, reason=_START_REFUSED, retry_at=at, start=start
        )

    def _begin_later(self, plan: Plan) -> Plan:
        """The plan with a start that has passed put a little ahead."""
        starts_at = self._parts.now() + GRACE
        return replace(
            plan, starts_at=starts_at, ends_at=max(plan.ends_at, starts_at + (plan.ends_at - plan.starts_at))
        )

    def _after_refused_start(self, plan: Plan, error: PlatformError) -> Plan:
        """What to try after a refused start: it had passed meanwhile, or is too far ahead, and that is learned."""
        ahead = plan.starts_at - self._parts.now()
        if ahead <= GRACE:
            return self._begin_later(plan)
        if ahead <= _DAY:
            raise error
        self._sight = ahead - _DAY
        raise self._too_far(plan, _DAY) from error

    # Binding.

    async def _needs_stream(self, row: BroadcastRow, session: Session) -> bool:
        if row.pending == "bind" or not row.stream_ref:
            return True
        return await self._parts.rooms.is_taken(row, session)

    async def _bound(self, row: BroadcastRow, seen: Seen) -> BroadcastRow:
        at = self._parts.now()

        def decide(now: BroadcastRow) -> BroadcastRow:
            applied = replace(Applied.decode(now.applied), written_at=at).encode()
            return replace(now, pending="", pending_at=None, applied=applied)

        return await self._records.see(await self._records.change(row, decide), seen)

    async def _find_bound(self, row: BroadcastRow) -> Seen | None:
        seen = await self._channel.broadcast(row.ref)
        return seen if seen is not None and seen.stream_ref == row.stream_ref else None

    async def _after_failed_bind(self, row: BroadcastRow, error: PlatformError) -> None:
        """Returns when binding may be tried again, or is done."""
        if error.reason == _NO_STREAM:
            await self._parts.rooms.forget(row.stream_ref)
            await self._records.change(row, lambda now: replace(now, stream_ref="", pending="", pending_at=None))
            return
        if is_uncertain(error):
            if await self._channel.look_after(lambda: self._find_bound(row)) is None:
                raise error
            return
        await self._records.clear(row)
        await self._records.change(row, lambda now: replace(now, stream_ref=""))
        if error.reason in _NO_BROADCAST and await self.look(row) is not None:
            return
        raise error

    # Updating.

    async def _update(self, row: BroadcastRow, plan: Plan) -> BroadcastRow:
        """Write the fields that changed here since they were written last, and no others."""
        applied = Applied.decode(row.applied)
        changed = frozenset(name for name, value in plan.fields.items() if applied.wanted.get(name) != value)
        if row.phase in _OVER or not (changed or row.pending == "update"):
            return row
        seen = await self.look(row)
        row = await self._records.reread(row)
        if seen is None or row.phase in _OVER:
            return row
        if row.pending == "update":  # it may have gone through, with what was wanted then
            there = applied.there
            changed |= {
                name for name, value in plan.fields.items() if seen.fields[name] not in {value, there.get(name)}
            }
        if seen.state not in PLANNED:
            changed -= {"start", "end"}  # what is on air has begun when it began
        moved = plan
        if "start" in changed:
            self._require_near(plan)
            moved = self._begin_later(plan) if plan.starts_at <= self._parts.now() else plan
        differing = frozenset(name for name in changed if seen.fields[name] != moved.fields[name])
        there = seen.fields
        if differing:
            moved, there = await self._write_update(row, seen, moved, differing)
        return await self._updated(row, plan, moved, {name: there[name] for name in changed})

    async def _write_update(
        self, row: BroadcastRow, seen: Seen, plan: Plan, changed: frozenset[str]
    ) -> tuple[Plan, Mapping[str, str]]:
        """Write, with a start moved on where it has passed; returns what was written and what is there now."""
        row = await self._records.intend(row, "update")
        try:
            return plan, await self._send_update(seen, plan, changed)
        except PlatformError as error:
            if is_uncertain(error):
                raise  # the next call reads first, and writes what is still missing
            await self._records.clear(row)
            if error.reason != _START_REFUSED:
                raise
            if "start" in changed:
                plan = self._after_refused_start(plan, error)
            elif seen.starts_at is None or seen.starts_at <= self._parts.now() + GRACE:
                plan = self._begin_later(plan)
            else:
                raise
        await self._records.intend(row, "update")
        return plan, await self._send_update(seen, plan, changed | {"start", "end"})

    async def _send_update(self, seen: Seen, plan: Plan, changed: frozenset[str]) -> Mapping[str, str]:
        parts, body = update_body(seen, plan, changed)
        answered = await self._channel.update(parts, body)
        sent = {name: answered.fields[name] or plan.fields[name] for name in changed}
        return {**seen.fields, **sent}

    async def _updated(self, row: BroadcastRow, plan: Plan, moved: Plan, there: Mapping[str, str]) -> BroadcastRow:
        """Keep what was asked for and what is there; fields that were changed there by hand stay known as such."""
        problem = None
        if moved.starts_at != plan.starts_at:
            start = format_instant(moved.starts_at)
            problem = Problem(code=ProblemCode.START_MOVED, details={**NAMES, "start": start})
            there = {**there, "start": moved.fields["start"], "end": moved.fields["end"]}
        at = self._parts.now()

        def decide(now: BroadcastRow) -> BroadcastRow:
            before = Applied.decode(now.applied)
            applied = Applied(wanted=plan.fields, there={**before.there, **there}, written_at=at)
            told = problem or (now.problem if now.problem and now.problem.code in _TOLD else None)
            return replace(now, pending="", pending_at=None, applied=applied.encode(), problem=told, tries=0)

        return await self._records.change(row, decide)


_TOLD = frozenset(
    {
        ProblemCode.CHANGED_THERE,
        ProblemCode.START_MOVED,
        ProblemCode.ROLLED_OVER,
        ProblemCode.LIMIT_NEAR,
        ProblemCode.BROADCAST_GONE,
        ProblemCode.REVOKED,
    }
)
"""What is told and stays told though the broadcast is as it should be."""
