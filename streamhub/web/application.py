"""The web application: routes, guards and the task behind the live updates, put together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiohttp import web

from streamhub.web import (
    agenda,
    aloud,
    announcements,
    answer_links,
    asking,
    audience,
    captions,
    clips,
    deflecting,
    desk,
    door,
    embedding,
    event_host,
    event_pages,
    experts,
    figures,
    glossary,
    helping,
    host,
    host_api,
    host_questions,
    inbox,
    invitations,
    looking,
    marking,
    me,
    media,
    misheard,
    my,
    my_rundown,
    outbox,
    overheard,
    overlay,
    page_head,
    people,
    permalinks,
    photos,
    planner,
    planning,
    platform_host,
    polls,
    question_page,
    questions_api,
    reminders,
    review,
    series,
    snapshot,
    sources,
    spoken,
    stage,
    suggestions,
    techcheck,
    technique,
    topics,
    voting,
    workshop,
    writing_host,
)
from streamhub.web.ballot_box import BALLOT_BOX, BallotBox
from streamhub.web.budget import Budget
from streamhub.web.events import BROADCASTER, Broadcaster
from streamhub.web.flood import FLOOD, FloodWatch
from streamhub.web.hub import HUB, Hub
from streamhub.web.pages import PAGES, Pages
from streamhub.web.security import MAX_BODY_BYTES, MIDDLEWARES, add_headers
from streamhub.web.snapshot import SNAPSHOTS, make_snapshots
from streamhub.web.uploads import UPLOADS, Uploads


def make_app(hub: Hub) -> web.Application:
    """The hub's web application; run it with ``handler_cancellation=True`` and without an access log of its own."""
    app = web.Application(middlewares=MIDDLEWARES, client_max_size=MAX_BODY_BYTES)
    app[HUB] = hub
    app[PAGES] = Pages(hub.settings)
    app[desk.BUDGET] = Budget(hub.settings)
    app[BALLOT_BOX] = BallotBox(hub.store, most=hub.settings.votes_per_address)
    snapshots = app[SNAPSHOTS] = make_snapshots(app, hub.snapshots_dir)
    app[BROADCASTER] = Broadcaster(most=hub.settings.viewers, heard=snapshots.notify)
    app[FLOOD] = FloodWatch(hub.settings.flood_per_minute)
    app[UPLOADS] = Uploads()
    photos.prepare(app)
    page_head.prepare(app)
    captions.prepare(app)
    for part in (
        audience,
        captions,
        spoken,
        snapshot,
        page_head,
        permalinks,
        agenda,
        announcements,
        asking,
        embedding,
        photos,
        voting,
        planning,
        series,
        people,
        event_pages,
        event_host,
        invitations,
        reminders,
        polls,
        me,
        door,
        my_rundown,
        techcheck,
        technique,
        planner,
        glossary,
        host,
        host_questions,
        platform_host,
        inbox,
        outbox,
        helping,
        my,
        host_api,
        questions_api,
        media,
        sources,
        suggestions,
        figures,
        marking,
        aloud,
        overheard,
        clips,
        misheard,
        review,
        topics,
        overlay,
        stage,
        workshop,
        deflecting,
        looking,
        experts,
        answer_links,
        question_page,
        writing_host,
    ):
        app.add_routes(part.routes)
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(_let_listeners_go)
    app.cleanup_ctx.append(_run_broadcaster)
    app.cleanup_ctx.append(my.finish_erasures)
    return app


async def _run_broadcaster(app: web.Application) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(app[BROADCASTER].run()), asyncio.create_task(app[SNAPSHOTS].run())]
    yield
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _let_listeners_go(app: web.Application) -> None:
    await app[captions.CAPTIONS].close()
    await app[BROADCASTER].close()
