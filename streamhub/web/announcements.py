"""Announcements: what hosts copy for blog and networks, the picture beside the link, and the feed of what is coming.

All of it is made when it is asked for, from the session as it is then.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import lru_cache

from aiohttp import web
from markupsafe import escape
from sqlite_utils import Database

from streamhub.schedule.public import PublicSession, is_public
from streamhub.schedule.show import Role, SessionState
from streamhub.share_picture import ShareCard, draw_share_picture
from streamhub.store import public as public_rows
from streamhub.store.announcements import load_revisions
from streamhub.text import LANGUAGES
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.agenda import page_address
from streamhub.web.announcing import Announcement, plan_blog, plan_posts, render_blog, tell_when
from streamhub.web.feed import FeedEntry, render_feed
from streamhub.web.host import person_context
from streamhub.web.hub import hub_of
from streamhub.web.pages import keep_language, language_of, render_page
from streamhub.web.people import links_of

FEED_ENTRIES = 50
_TOPICS = 3
_OFF = frozenset({SessionState.CANCELLED, SessionState.MOVED})
_TOLD = frozenset(
    {
        SessionState.SCHEDULED,
        SessionState.OPEN,
        SessionState.REHEARSAL,
        SessionState.LIVE,
        SessionState.CANCELLED,
        SessionState.MOVED,
    }
)

routes = web.RouteTableDef()


def read_announcement(db: Database, session: PublicSession, url: str) -> Announcement:
    """What there is to say of a session now."""
    asked = public_rows.list_questions(db, session)
    topics = Counter(topic for question in asked for topic in (*question.topics, *question.products))
    moved_from = load_revisions(db, session.id).moved_from
    return Announcement(
        session=session,
        url=url,
        topics=tuple(topic for topic, _ in topics.most_common(_TOPICS)),
        moved_from=None if moved_from == session.starts_at else moved_from,
    )


@routes.get("/host/s/{session_id}/announcement")
@allow(Action.PLAN)
async def show_announcement(request: web.Request) -> web.StreamResponse:
    """Everything to copy, in both languages."""
    hub, session_id = hub_of(request), request.match_info["session_id"]
    address, site = page_address(request, session_id), links_of(request).site

    def read(db: Database) -> Announcement:
        return read_announcement(db, public_rows.preview_session(db, session_id), address)

    facts = await hub.store.read(read)
    texts = {}
    for language in LANGUAGES:
        title, markdown = plan_blog(facts, language)
        posts = plan_posts(facts, language)
        texts[language] = {
            "title": title,
            "markdown": f"# {title}\n\n{markdown}",
            "html": render_blog(title, markdown),
            "posts": posts,
        }
    response = render_page(
        request,
        "announcement.html",
        session=facts.session,
        public=is_public(facts.session),
        texts=texts,
        address=address,
        feed=f"{address.partition('/s/')[0]}/sessions.atom",
        next_element=plan_next_element(site, facts.session.show_id, address, facts.session.title),
        **person_context(hub, actor_of(request)),
    )
    keep_language(request, response)
    return response


def plan_next_element(site: str, show_id: str, address: str, title: str) -> str:
    """The next session of a show as HTML, to be pasted into a company's page; the link is seen without JavaScript."""
    return (
        f'<script async src="{escape(site)}/static/embed.js"></script>\n'
        f'<streamhub-next show="{escape(show_id)}"><a href="{escape(address)}">{escape(title)}</a></streamhub-next>'
    )


@lru_cache(maxsize=64)
def _draw(card: ShareCard) -> bytes:
    return draw_share_picture(card)


@routes.get("/s/{session_id}/share.jpg")
@allow(Action.SEE_PUBLIC)
async def share_picture(request: web.Request) -> web.StreamResponse:
    """The picture of 1200 by 630 that networks show beside a link to the session."""
    hub, session_id = hub_of(request), request.match_info["session_id"]
    address = page_address(request, session_id)
    facts = await hub.store.read(lambda db: read_announcement(db, public_rows.load_session(db, session_id), address))
    session = facts.session
    language = language_of(request, default=session.language) if "lang" in request.query else session.language
    card = ShareCard(
        archive_title=session.show.title,
        show_title=tell_when(facts, language),
        question=session.title,
        people=tuple(one.name for one in session.participants if one.role is not Role.CUSTOMER),
    )
    body = await asyncio.to_thread(_draw, card)
    return web.Response(body=body, content_type="image/jpeg", headers={"Cache-Control": "public, max-age=300"})


@routes.get("/sessions.atom")
@allow(Action.SEE_PUBLIC)
async def feed(request: web.Request) -> web.StreamResponse:
    """What is planned, runs, was moved or cancelled, as Atom; an entry changes with its session."""
    hub, base = hub_of(request), links_of(request).hub_url.encode("ascii", "ignore").decode()
    language = language_of(request)

    def read(db: Database) -> list[FeedEntry]:
        found = public_rows.list_sessions(db, states=_TOLD)
        off = [one for one in found if one.state in _OFF]
        told = [*reversed([one for one in found if one.state not in _OFF]), *off]  # the next one first
        return [_entry(db, one, f"{base}/s/{one.id}") for one in told[:FEED_ENTRIES]]

    entries = await hub.store.read(read)
    body = render_feed(hub.settings.name, language, f"{base}/sessions.atom", f"{base}/", entries)
    return web.Response(body=body, content_type="application/atom+xml", charset="utf-8")


def _entry(db: Database, session: PublicSession, url: str) -> FeedEntry:
    facts, revisions = read_announcement(db, session, url), load_revisions(db, session.id)
    title, _ = plan_blog(facts, session.language)
    return FeedEntry(
        id=f"session:{session.id}",
        title=title,
        summary=plan_posts(facts, session.language)[1][1],
        url=url,
        language=session.language,
        updated=revisions.changed_at or session.starts_at,
    )
