"""The channel on YouTube: its broadcasts and streams, as calls with our records going in and coming out.

Owns paging, batches of ids, which parts are asked for, and the looks after a write that nobody knows the outcome of.
Refuses to know what a broadcast is for. The stream key is in ``cdn`` alone, which is asked for by `ingest` alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from streamhub.errors import Fault, PlatformError
from streamhub.live.platform import Ingest
from streamhub.live.problem import ProblemCode, make_error
from streamhub.live.quota import Priority
from streamhub.live.youtube.client import Api
from streamhub.live.youtube.failures import NAMES
from streamhub.live.youtube.wire import (
    BROADCAST_PARTS,
    Json,
    Seen,
    SeenStream,
    parse_broadcast,
    parse_ingest,
    parse_stream,
)
from streamhub.timecode import Now

Sleep = Callable[[float], Awaitable[None]]
"""Waits for so many seconds."""

T = TypeVar("T")

LOOKS_S = (5.0, 20.0)
"""Pauses before looking again after a write whose outcome is unknown: lists lag behind writes."""
SETTLED_S = 60.0
"""How long after an unclear write a list that does not show it is believed, so that it may be written again: as long as
an answer may take, the time for which lists lag, and some more."""

_PAGE = 50
_MOST_PAGES = 400


def platform_error(
    fault: Fault, code: ProblemCode, *, reason: str = "", retry_at: datetime | None = None, **details: str
) -> PlatformError:
    """An error of this platform, with its names filled in."""
    return make_error(fault, code, {**NAMES, **details}, reason=reason, retry_at=retry_at)


def is_uncertain(error: PlatformError) -> bool:
    """Whether the write that failed so may have happened all the same."""
    return error.fault in {Fault.UNKNOWN_OUTCOME, Fault.BROKEN}


class Channel:
    """The calls on broadcasts and streams. All raise `PlatformError`.

    Args:
        api: the client.
        now: the clock.
        sleep: waits.
    """

    def __init__(self, api: Api, *, now: Now, sleep: Sleep) -> None:
        self._api = api
        self._now = now
        self._sleep = sleep

    @property
    def clock_off_minutes(self) -> int:
        """How far this machine's clock is off, as the last answers showed."""
        return self._api.clock_off_minutes

    def _parse(self, item: Json) -> Seen:
        """A broadcast with the instants when it was live on this machine's clock, as all of a session's are."""
        seen, off = parse_broadcast(item), timedelta(seconds=self._api.clock_off_s)
        if not off:
            return seen
        start, end = (at + off if at else None for at in (seen.actual_start, seen.actual_end))
        return replace(seen, actual_start=start, actual_end=end)

    async def broadcasts(self, refs: Collection[str], *, priority: Priority) -> dict[str, Seen]:
        """Those of these broadcasts that are there, by id; one call for every fifty."""
        items = await self._by_ids("liveBroadcasts.list", refs, BROADCAST_PARTS, priority)
        return {seen.ref: seen for seen in map(self._parse, items)}

    async def broadcast(self, ref: str) -> Seen | None:
        """One broadcast as it is now; None when the list does not show it."""
        return (await self.broadcasts([ref], priority=Priority.TRANSITION)).get(ref)

    async def all_broadcasts(self) -> list[Seen]:
        """Every broadcast of the channel, to the last page."""
        items = await self._all("liveBroadcasts.list", BROADCAST_PARTS, mine=True, broadcastType="all")
        return [self._parse(item) for item in items]

    async def standing_broadcasts(self) -> list[Seen]:
        """The broadcasts of the channel that are planned or on air; cheaper than all of them."""
        found: list[Json] = []
        for status in ("upcoming", "active"):
            call = "liveBroadcasts.list"
            found += await self._all(call, "id,snippet,status", broadcastStatus=status, broadcastType="all")
        return [self._parse(item) for item in found]

    async def streams(self, refs: Collection[str], *, priority: Priority) -> dict[str, SeenStream]:
        """Those of these streams that are there, by id, with what arrives; without their keys."""
        items = await self._by_ids("liveStreams.list", refs, "id,status", priority)
        return {seen.ref: seen for seen in map(parse_stream, items)}

    async def all_streams(self) -> list[SeenStream]:
        """Every stream of the channel, with its title, to the last page."""
        return [parse_stream(item) for item in await self._all("liveStreams.list", "id,snippet,status", mine=True)]

    async def ingest(self, ref: str) -> Ingest | None:
        """Where to push for a stream; None when it is gone. The key is secret."""
        items = await self._by_ids("liveStreams.list", [ref], "id,cdn", Priority.TRANSITION)
        return parse_ingest(items[0]) if items else None

    async def insert(self, body: Json) -> Seen:
        """Make a broadcast."""
        return self._parse(await self._make("liveBroadcasts.insert", part=BROADCAST_PARTS, body=body))

    async def update(self, parts: str, body: Json) -> Seen:
        """Replace whole parts of a broadcast; returns those parts."""
        return self._parse(await self._make("liveBroadcasts.update", part=f"id,{parts}", body=body))

    async def bind(self, ref: str, stream_ref: str) -> Seen:
        """Bind a broadcast to a stream."""
        answer = await self._make("liveBroadcasts.bind", part=BROADCAST_PARTS, id=ref, streamId=stream_ref)
        return self._parse(answer)

    async def transition(self, ref: str, to: str) -> None:
        """Ask for another state; it is reached some time afterwards."""
        await self._write("liveBroadcasts.transition", part="id,status", id=ref, broadcastStatus=to)

    async def delete(self, ref: str) -> None:
        """Delete a broadcast; one that is gone already is a success."""
        await self._delete("liveBroadcasts.delete", ref)

    async def insert_stream(self, body: Json) -> str:
        """Make a stream; returns its id."""
        answer = await self._make("liveStreams.insert", part="id,snippet,cdn,contentDetails,status", body=body)
        return str(answer["id"])

    async def delete_stream(self, ref: str) -> None:
        """Delete a stream; one that is gone already is a success."""
        await self._delete("liveStreams.delete", ref)

    async def look_after(self, look: Callable[[], Awaitable[T | None]], *, since: datetime | None = None) -> T | None:
        """Look after an unclear write: a few times right after it, or later until a look can be believed.

        Args:
            look: returns what it finds, or None.
            since: when the write was begun, where it is to be written again if nothing is found; None: it was just
                now, and nobody writes again before a later call.
        """
        if since is None:
            for pause_s in LOOKS_S:
                await self._sleep(pause_s)
                if (found := await look()) is not None:
                    return found
            return None
        passed_s = max(0.0, (self._now() - since).total_seconds())
        if (found := await look()) is not None or passed_s >= SETTLED_S:
            return found
        await self._sleep(SETTLED_S - passed_s)
        return await look()

    async def _delete(self, call: str, ref: str) -> None:
        try:
            await self._write(call, id=ref)
        except PlatformError as error:
            if error.fault is not Fault.NOT_FOUND:
                raise

    async def _make(self, call: str, **params: Any) -> Json:
        """A write that answers with what was written; another answer says nothing."""
        answer = await self._write(call, **params)
        if not answer.get("id"):
            raise platform_error(Fault.UNKNOWN_OUTCOME, ProblemCode.OUTCOME_UNKNOWN, reason="noId")
        return answer

    async def _write(self, call: str, **params: Any) -> Json:
        return await self._api.write(call, priority=Priority.TRANSITION, **params)

    async def _by_ids(self, call: str, refs: Collection[str], part: str, priority: Priority) -> list[Json]:
        items: list[Json] = []
        for batch in _batches(sorted(refs)):
            answer = await self._api.read(call, priority=priority, part=part, id=",".join(batch), maxResults=_PAGE)
            items += _items(answer)
        return items

    async def _all(self, call: str, part: str, **params: Any) -> list[Json]:
        """Every item of a list; an incomplete one must not pass for complete, so a list without end is an error."""
        items: dict[str, Json] = {}
        page = ""
        for _ in range(_MOST_PAGES):
            more = {"pageToken": page} if page else {}
            answer = await self._api.read(
                call, priority=Priority.TRANSITION, part=part, maxResults=_PAGE, **params, **more
            )
            items |= {str(item["id"]): item for item in _items(answer)}
            page = str(answer.get("nextPageToken") or "")
            if not page:
                return list(items.values())
        raise platform_error(Fault.BROKEN, ProblemCode.BROKEN, reason="endless list")


def _items(answer: Json) -> list[Json]:
    """The items of a list; what is no list of YouTube's must not pass for an empty one."""
    if not str(answer.get("kind", "")).endswith("ListResponse"):
        raise platform_error(Fault.UNREACHABLE, ProblemCode.UNREACHABLE, reason="notAList")
    items: list[Json] = answer.get("items") or []
    return items


def _batches(refs: Sequence[str]) -> list[Sequence[str]]:
    return [refs[at : at + _PAGE] for at in range(0, len(refs), _PAGE)]
