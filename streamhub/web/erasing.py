"""Erasing at the asker's wish, whatever crashes in between.

The wish is written down first; then the answer is withdrawn, so that its pages go; then the words are taken out of the
hub's data, and the bytes of them out of its files; only then is it done. The ids stand in a list beside the database
as well, so that they are erased again where an older database took its place.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import Conflict, StreamhubError
from streamhub.questions.question import Question, QuestionState
from streamhub.store import erasing as erasing_rows
from streamhub.store import questions as question_rows
from streamhub.store.erased import erased_file, load_erased, save_erased
from streamhub.store.purging import purge_erased
from streamhub.store.store import Store
from streamhub.timecode import Now
from streamhub.web.desk import notify
from streamhub.web.hub import Hub
from streamhub.web.photos import drop_photo
from streamhub.web.services import Answers

LOG = logging.getLogger("streamhub.web")

_IN_THE_ARCHIVE = frozenset(
    {
        QuestionState.ANSWERED_LIVE,
        QuestionState.ANSWERED_IN_WRITING,
        QuestionState.PUBLISHED,
        QuestionState.SUPERSEDED,
    }
)


async def erase(app: web.Application, hub: Hub, question_id: str) -> None:
    """Erase a question and what it was asked anew as; again changes nothing.

    Raises:
        NotFound: there is no such question.
    """
    at = hub.now()
    wished = await hub.store.write(lambda db: erasing_rows.wish_erasure(db, question_id, at=at))
    await follow_list(hub.store, now=hub.now)
    for one in wished:
        await _finish(app, hub, one)
    await purge_erased(hub.store, now=hub.now)


async def finish_erasures(app: web.Application, hub: Hub) -> int:
    """Go on with what was wished and not finished, as after a crash or with an older database; returns how many."""
    await follow_list(hub.store, now=hub.now)
    unfinished = await hub.store.read(erasing_rows.list_unfinished)
    for question_id in unfinished:
        await _finish(app, hub, question_id)
    await purge_erased(hub.store, now=hub.now)
    return len(unfinished)


async def follow_list(store: Store, *, now: Now) -> None:
    """Have the list beside the database and the wishes in it say the same."""
    path, at = erased_file(store.path), now()
    try:
        listed = await asyncio.to_thread(load_erased, path)
        wished = await store.write(lambda db: erasing_rows.wish_again(db, listed, at=at))
        await asyncio.to_thread(save_erased, path, wished)
    except OSError as error:  # what is in the database is erased all the same; the list follows at the next start
        LOG.warning("erasing_list path=%s error=%s", path, error.strerror)


async def _finish(app: web.Application, hub: Hub, question_id: str) -> None:
    question = await finish_erasure(hub.store, hub.answers, hub.photos_dir, question_id, now=hub.now)
    notify(app, question.session_id)


async def finish_erasure(
    store: Store, answers: Answers, photos_dir: Path | None, question_id: str, *, now: Now
) -> Question:
    """Withdraw a question's answer and take its words out of the database; returns it as it was before."""
    question = await store.read(lambda db: question_rows.load_question(db, question_id))
    if question.state in _IN_THE_ARCHIVE:
        try:
            await answers.withdraw(question.session_id, question_id, author="asker")
        except (Conflict, StreamhubError) as error:  # an answer that was never cut has no pages to take away
            LOG.warning("erasing_withdrawal question=%s error=%s", question_id, type(error).__name__)
    at = now()

    def forget(db: Database) -> None:
        erasing_rows.erase_question(db, question_id, at=at)
        answers.order(db, question.session_id, question_id, at=at)  # its words stand in the archive's files, too

    await store.write(forget)
    await asyncio.to_thread(drop_photo, photos_dir, question.photo)
    LOG.info("web.erased question_id=%s", question_id)
    return question
