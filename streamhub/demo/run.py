"""The demo's course: plan, ask, push, put on air, end, publish, search.

Two round tables, German and English, are live in one hub at the same time. Nothing is faked: the hub is a process of
its own, its ingest gets an encoder's signal, and what is searched at the end was heard by the recogniser.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from streamhub.demo.client import Host, Person
from streamhub.demo.encoder import start_push
from streamhub.demo.plates import write_plates
from streamhub.demo.script import AskedQuestion, Roundtable, Search
from streamhub.errors import ToolFailed
from streamhub.timecode import Now, format_clock, format_instant

T = TypeVar("T")
Say = Callable[[str], None]
Find = Callable[[str, str], Sequence[Mapping[str, Any]]]
"""Searches the built site: (language, query) to hits with ``id``, ``url`` and ``start_ms``."""

_SHOWS = {
    "de": {"id": "expertenrunde", "title": "Expertenrunde", "language": "de", "about": "Fachleute antworten live."},
    "en": {"id": "round-table", "title": "Expert round table", "language": "en", "about": "Experts answer live."},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Door:
    """How the demo reaches the hub.

    Attributes:
        url: of its web face.
        token: a host's key.
        ffmpeg: the encoder's program.
        find: searches the built site.
    """

    url: str
    token: str = field(repr=False)
    ffmpeg: Path
    find: Find


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """What the demo plays with, apart from the hub.

    Attributes:
        scratch: folder for the pictures.
        model: what hears the words, for the table.
        now: the clock.
        say: tells the person at the terminal.
        every_word: whether each search must find its answer. The rehearsal recogniser writes as the script does;
            another may write "30 Euro" for what was said, so there a miss is told and only finding nothing is an error.
    """

    scratch: Path
    model: str
    now: Now
    say: Say
    every_word: bool = True


@dataclass(frozen=True, slots=True)
class _Show:
    """A stage with its door."""

    stage: Stage
    door: Door

    def say(self, line: str) -> None:
        """Tell the person at the terminal."""
        self.stage.say(line)


@dataclass(slots=True)
class Table:
    """The short table at the end: stage, seconds, result."""

    rows: list[tuple[str, float, str]] = field(default_factory=list)

    async def timed(self, stage: str, job: Awaitable[T], tell: Callable[[T], str]) -> T:
        """Run one stage and note how long it took and what came of it."""
        before = time.monotonic()
        result = await job
        self.rows.append((stage, time.monotonic() - before, tell(result)))
        return result

    def render(self) -> str:
        """The table as text."""
        width = max(len(stage) for stage, _, _ in self.rows)
        lines = [f"{'stage':<{width}}  seconds  result"]
        lines += [f"{stage:<{width}}  {seconds:7.1f}  {result}" for stage, seconds, result in self.rows]
        total = sum(seconds for _, seconds, _ in self.rows)
        return "\n".join([*lines, f"{'total':<{width}}  {total:7.1f}"])


@dataclass(slots=True)
class Act:
    """One round table on its way through the hub: its script, its session, and the hub's id of each question."""

    table: Roundtable
    session_id: str = ""
    ids: dict[str, str] = field(default_factory=dict)
    aired: int = 0


async def play(stage: Stage, door: Door, roundtables: Sequence[Roundtable]) -> dict[str, Any]:
    """Run round tables through a running hub, all at the same time, and return the report.

    Raises:
        ToolFailed: a stage did not do what it should, such as a search that does not find its answer.
    """
    acts = [Act(roundtable) for roundtable in roundtables]
    table = Table()
    show = _Show(stage, door)
    async with Host(door.url, token=door.token) as host:
        await table.timed("plan", _plan(show, host, acts), lambda n: f"{n} sessions planned, open for questions")
        await table.timed("ask", _ask(show, acts), lambda n: f"{n[0]} questions and {n[1]} votes from the audience")
        plates = await asyncio.to_thread(_draw, show, acts)
        await table.timed(
            "live", _live(show, host, acts, plates), lambda n: f"{n} questions answered on air, RTMP to disk"
        )
        await table.timed("record + transcribe", _process(show, host, acts), lambda _: f"recognised by {stage.model}")
        await table.timed("publish", _publish(show, host, acts), lambda n: f"{n} answers published, site built")
        hits = await table.timed(
            "search", asyncio.to_thread(_search, show, acts), lambda h: f"{len(h)} of {_count_searches(acts)} found"
        )
    return {
        "sessions": [act.session_id for act in acts],
        "stages": [{"stage": s, "seconds": round(t, 2), "result": r} for s, t, r in table.rows],
        "hits": hits,
        "table": table.render(),
    }


async def _plan(show: _Show, host: Host, acts: Sequence[Act]) -> int:
    for act in acts:
        people = [{"name": s.name, "role": s.role, "about": s.about} for s in act.table.speakers]
        session = {
            "title": act.table.title,
            "starts_at": format_instant(show.stage.now() + timedelta(minutes=1)),
            "zone": "Europe/Berlin",
            "language": act.table.language,
            "planned_minutes": 5,
            "participants": people,
        }
        act.session_id = await host.plan_session(_SHOWS[act.table.language], session)
        show.say(f"  planned “{act.table.title}”: {show.door.url}/s/{act.session_id}")
    return len(acts)


async def _ask(show: _Show, acts: Sequence[Act]) -> tuple[int, int]:
    votes = 0
    for act in acts:
        for question in act.table.questions:
            async with Person(show.door.url) as asker:
                body = {"text": question.text, "name": question.asker, "shown": "name", "place": question.city}
                asked = await asker.post(f"/api/v1/sessions/{act.session_id}/questions", body)
            act.ids[question.id] = asked["id"]
            votes += await _vote(show, asked["id"], question)
            show.say(f"  {question.asker} ({question.city}) asks: {question.text}  +{question.votes}")
    return sum(len(act.ids) for act in acts), votes


async def _vote(show: _Show, question_id: str, question: AskedQuestion) -> int:
    for _ in range(question.votes):
        async with Person(show.door.url) as voter:
            await voter.post(f"/api/v1/questions/{question_id}/vote")
    return question.votes


def _draw(show: _Show, acts: Sequence[Act]) -> list[Path]:
    return [write_plates(act.table, show.stage.scratch / act.table.language) for act in acts]


async def _live(show: _Show, host: Host, acts: Sequence[Act], plates: Sequence[Path]) -> int:
    show.say(
        f"  {len(acts)} encoder(s) push {format_clock(max(act.table.duration_ms for act in acts))} in real time ..."
    )
    await asyncio.gather(*(_go_live(show, host, act, listing) for act, listing in zip(acts, plates, strict=True)))
    return sum(act.aired for act in acts)


async def _go_live(show: _Show, host: Host, act: Act, plates: Path) -> None:
    for question in act.table.questions:
        tags = {"topics": [question.topic], "products": [question.product] if question.product else []}
        await host.act(act.ids[question.id], "tag", tags)
    for question in act.table.aired:
        await host.act(act.ids[question.id], "queue")
    door = await host.get(f"/api/v1/host/sessions/{act.session_id}/ingest")
    async with await start_push(show.door.ffmpeg, plates, act.table, f"{door['url']}/{door['key']}") as encoder:
        await host.wait_for_signal(act.session_id, timeout_s=20)
        begun = time.monotonic()
        await host.set_state(act.session_id, "live")
        for question in act.table.aired:
            await asyncio.sleep(max(0.0, begun + (question.on_air_ms or 0) / 1000 - time.monotonic()))
            await host.act(act.ids[question.id], "on-air")
            act.aired += 1
            show.say(f"  {format_clock(question.on_air_ms or 0)} [{act.table.language}] on air: {question.text}")
        code = await encoder.wait(timeout_s=act.table.duration_ms / 1000 + 30)
        if code != 0:
            raise ToolFailed(f"encoder: ended with exit code {code}: {encoder.stderr_tail.strip()[-300:]}")
    await host.set_state(act.session_id, "ended")


async def _process(show: _Show, host: Host, acts: Sequence[Act]) -> None:
    show.say("  the show is over; the recording is verified, transcribed and cut ...")
    for act in acts:
        await host.wait_for_state(act.session_id, {"in_review", "published"}, timeout_s=300)


async def _publish(show: _Show, host: Host, acts: Sequence[Act]) -> int:
    published = 0
    for act in acts:
        path = f"/api/v1/host/sessions/{act.session_id}/answers"
        for answer in (await host.get(path))["answers"]:
            await host.post(f"{path}/{answer['id']}/publish")
            published += 1
    await _wait_for_work(host)
    return published


async def _wait_for_work(host: Host) -> None:
    for _ in range(600):
        work = (await host.get("/api/v1/host/work"))["work"]
        if trouble := [w for w in work if w["state"] in {"held", "failed"}]:
            raise ToolFailed(f"work is {trouble[0]['state']}: {trouble[0]}")
        if not work or all(w["state"] in {"done", "cancelled"} for w in work):
            return
        await asyncio.sleep(0.2)
    raise ToolFailed("the site was not built within two minutes")


def _search(show: _Show, acts: Sequence[Act]) -> list[dict[str, Any]]:
    found = []
    for act in acts:
        typed = " ".join(question.text for question in act.table.questions).lower()
        for search in act.table.searches:
            hit = _find(show, act, search)
            if hit is None:
                continue
            was_typed = any(word in typed for word in search.query.lower().split())
            found.append({"query": search.query, "url": hit["url"], "start_ms": hit["start_ms"], "typed": was_typed})
            at = format_clock(hit["start_ms"] or 0)
            show.say(f"  “{search.query}”, spoken and never typed: {hit['url']} at {at}")
    if not found:
        raise ToolFailed("search: none of the words that were spoken is found")
    return found


def _find(show: _Show, act: Act, search: Search) -> Mapping[str, Any] | None:
    """The first hit if it is the right one; None when a miss is allowed."""
    hits = show.door.find(act.table.language, search.query)
    wanted = act.ids[search.question]
    if hits and hits[0]["id"] == wanted:
        return hits[0]
    seen = hits[0]["id"] if hits else "nothing"
    if show.stage.every_word:
        raise ToolFailed(f"search {search.query!r}: found {seen}, should be {wanted}")
    show.say(f"  “{search.query}”: found {seen}; this recogniser may have written it otherwise")
    return None


def _count_searches(acts: Sequence[Act]) -> int:
    return sum(len(act.table.searches) for act in acts)
