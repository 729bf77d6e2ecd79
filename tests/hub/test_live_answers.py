"""Answers while a session runs: asked for often, looked through now and then, and never in anybody's way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streamhub.answers import overheard
from streamhub.live_answers import LiveAnswers
from streamhub.schedule.show import SessionState, Show
from streamhub.store import questions, shows
from streamhub.store.store import Store
from streamhub.transcript.live_words import LiveCaptions
from tests.answers.test_spoken import MOVE, NOTICE, ZERO, heard, session

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


async def open_store(folder: Path) -> Store:
    """A store with a live session and a question on air."""
    store = Store.open(folder / "hub.sqlite3", now=lambda: ZERO)
    await store.write(lambda db: shows.save_show(db, Show(id="runde", title="Runde")))
    await store.write(lambda db: shows.save_session(db, session()))
    for question in (NOTICE, MOVE):
        await store.write(lambda db, one=question: questions.insert_question(db, one))
    return store


async def test_many_readers_cost_one_look(tmp_path: Path) -> None:
    """However many ask at once, one look is taken, and it is believed for a while; the first ones wait for it."""
    looks = []

    def captions(session_id: str) -> LiveCaptions:
        looks.append(session_id)
        return LiveCaptions(cues=heard(7).cues)

    store = await open_store(tmp_path)
    live = LiveAnswers(store, captions, lag_s=4.0, every_s=3600.0)
    seen = await asyncio.gather(*(live.spoken("s") for _ in range(50)))
    assert looks == ["s"]
    assert {tuple(one.question.id for one in spoken) for spoken in seen} == {("q1", "q2")}
    assert [one.hits for one in await live.search("s", "Umzug")] == [1]
    assert looks == ["s"]
    await live.close()
    await store.close()


async def test_a_look_that_fails_leaves_what_there_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever one look runs into, readers keep what they had, and it is logged."""
    store = await open_store(tmp_path)
    live = LiveAnswers(store, lambda _: LiveCaptions(cues=heard(7).cues), lag_s=4.0, every_s=0.0)
    seen = await live.hints("s")
    with monkeypatch.context() as broken:
        broken.setattr(overheard, "find_overheard", lambda *_: 1 / 0)
        async with asyncio.timeout(60):
            while "live_answers_broke" not in caplog.text:  # a look rests in between
                assert await live.hints("s") == seen
                await asyncio.sleep(0.05)
    assert len(await live.spoken("s")) == 2
    await store.write(lambda db: shows.step_session(db, "s", SessionState.ENDED, at=ZERO))
    async with asyncio.timeout(60):
        while await live.hints("s") != overheard.LiveHints():  # nothing is proposed when it is over
            await asyncio.sleep(0.05)
    await live.close()
    await store.close()
