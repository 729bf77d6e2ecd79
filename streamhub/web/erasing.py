"""Erasing at the asker's wish, whatever crashes in between.

The wish is written down first; then the answer is withdrawn, so that its pages go; then the words are taken out of the
hub's data, and the bytes of them out of its files; only then is it done.
"""

from __future__ import annotations

import asyncio
import logging

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import Conflict, StreamhubError
from streamhub.questions.question import QuestionState
from streamhub.store import erasing as erasing_rows
from streamhub.store import questions as question_rows
from streamhub.store.purging import purge_erased
from streamhub.web.desk import notify
from streamhub.web.hub import Hub
from streamhub.web.photos import drop_photo

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
    for one in await hub.store.write(lambda db: erasing_rows.wish_erasure(db, question_id, at=at)):
        await _finish(app, hub, one)
    await purge_erased(hub.store, now=hub.now)


async def finish_erasures(app: web.Application, hub: Hub) -> int:
    """Go on with what was wished and not finished, as after a crash; returns how many questions were erased."""
    unfinished = await hub.store.read(erasing_rows.list_unfinished)
    for question_id in unfinished:
        await _finish(app, hub, question_id)
    await purge_erased(hub.store, now=hub.now)
    return len(unfinished)


async def _finish(app: web.Application, hub: Hub, question_id: str) -> None:
    question = await hub.store.read(lambda db: question_rows.load_question(db, question_id))
    if question.state in _IN_THE_ARCHIVE:
        try:
            await hub.answers.withdraw(question.session_id, question_id, author="asker")
        except (Conflict, StreamhubError) as error:  # an answer that was never cut has no pages to take away
            LOG.warning("erasing_withdrawal question=%s error=%s", question_id, type(error).__name__)
    at = hub.now()

    def forget(db: Database) -> None:
        erasing_rows.erase_question(db, question_id, at=at)
        hub.answers.order(db, question.session_id, question_id, at=at)  # its words stand in the archive's files, too

    await hub.store.write(forget)
    await asyncio.to_thread(drop_photo, hub.photos_dir, question.photo)
    LOG.info("web.erased question_id=%s", question_id)
    notify(app, question.session_id)
