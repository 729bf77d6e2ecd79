"""Planning in the browser: the overview, and the forms that make and change shows and sessions.

Reads forms and shows pages; what is done stands in `streamhub.web.plans`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import BadInput, Conflict, StreamhubError
from streamhub.live.problem import ProblemCode
from streamhub.outbox.mail import MailState
from streamhub.schedule.public import is_public
from streamhub.schedule.show import LOCAL, Session, SessionState, Show
from streamhub.store import invitations as invitation_rows
from streamhub.store import mails as mail_rows
from streamhub.store import people as people_rows
from streamhub.store import shows as show_rows
from streamhub.web import plans
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.event_host import read_goals
from streamhub.web.forms import (
    format_session_form,
    format_show_form,
    parse_change_form,
    parse_session_form,
    parse_show_form,
)
from streamhub.web.host import person_context, teller
from streamhub.web.hub import hub_of
from streamhub.web.inbox import WAITS_FOR_A_PERSON
from streamhub.web.pages import keep_language, language_of, render_page, see_other, words_of
from streamhub.web.platform_views import AccountView
from streamhub.web.security import read_form

_UNDER_WAY = frozenset({SessionState.REHEARSAL, SessionState.LIVE})

routes = web.RouteTableDef()


@routes.get("/host")
@allow(Action.SEE_CONSOLE)
async def overview(request: web.Request) -> web.StreamResponse:
    """Sessions and shows, what waits for somebody, and forms to plan new ones."""
    return await _render_overview(request, form={}, error=None, status=200)


async def _render_overview(
    request: web.Request, *, form: Mapping[str, str], error: StreamhubError | None, status: int
) -> web.StreamResponse:
    hub, now = hub_of(request), hub_of(request).now()
    shows, sessions, steps, mails = await hub.store.read(
        lambda db: (
            show_rows.list_shows(db),
            show_rows.list_sessions(db),
            read_first_steps(db),
            mail_rows.count_mails(db)[MailState.DRAFT],
        )
    )
    coming = [one for one in sessions if one.ends_at > now or one.state in _UNDER_WAY]
    accounts = plan_accounts(await hub.platforms.accounts(), shows)
    response = render_page(
        request,
        "host.html",
        status=status,
        shows=shows,
        steps=steps,
        mails=mails,
        coming=sorted(coming, key=lambda one: one.starts_at),
        past=[one for one in sessions if one not in coming],
        is_public=is_public,
        held=[work for work in await hub.work.status() if str(work.state) == "held"],
        dropped=sum(item.code in WAITS_FOR_A_PERSON for item in hub.inbox.list()),
        accounts=accounts,
        offers=hub.platforms.offered(),
        platform_names={offer.slug: offer.name for offer in hub.platforms.offered()},
        form=form,
        error=error,
        zone=hub.settings.zone,
        now=now,
        tell=teller(request),
        **person_context(hub, actor_of(request)),
    )
    keep_language(request, response)
    return response


def read_first_steps(db: Database) -> Mapping[str, bool] | None:
    """What a new host has done of what there is to do before a first session is announced; None once one was."""
    sessions = show_rows.list_sessions(db)
    if any(is_public(one) for one in sessions):
        return None
    return {
        "show": bool(show_rows.list_shows(db)),
        "session": bool(sessions),
        "people": bool(people_rows.list_people(db)),
        "invited": bool(invitation_rows.list_invitations(db)),
    }


def plan_accounts(accounts: Sequence[AccountView], shows: Sequence[Show]) -> list[dict[str, Any]]:
    """Each account with the shows that need it, and with the problems that matter: an unused one may be missing."""
    planned = []
    for account in accounts:
        wanted_by = [show.title for show in shows if show.platform == account.platform]
        problems = [p for p in account.problems if wanted_by or p.code is not ProblemCode.NOT_CONNECTED]
        missing = bool(wanted_by) and not account.account
        planned.append({"view": account, "wanted_by": wanted_by, "problems": problems, "missing": missing})
    return planned


@routes.post("/host/shows")
@allow(Action.PLAN)
async def make_show(request: web.Request) -> web.StreamResponse:
    """Make a show from the form."""
    form = await read_form(request)
    try:
        await plans.save_show(request, parse_show_form(form), new=True)
    except (BadInput, Conflict) as error:
        return await _render_overview(request, form=form, error=error, status=error.http_status)
    return see_other("/host#shows")


@routes.get("/host/shows/{show_id}")
@allow(Action.PLAN)
async def show_form(request: web.Request) -> web.StreamResponse:
    """The form of a show, filled."""
    return await _render_show(request, form={}, error=None, status=200)


async def _render_show(
    request: web.Request, *, form: Mapping[str, str], error: StreamhubError | None, status: int
) -> web.StreamResponse:
    hub, show_id = hub_of(request), request.match_info["show_id"]
    show = await hub.store.read(lambda db: show_rows.load_show(db, show_id))
    offers = hub.platforms.offered()
    gone = show.platform not in {LOCAL, *(offer.slug for offer in offers)}
    response = render_page(
        request,
        "show.html",
        status=status,
        show=show,
        offers=offers,
        gone=show.platform if gone else "",
        form={**format_show_form(show), **form},
        error=error,
        **person_context(hub, actor_of(request)),
    )
    keep_language(request, response)
    return response


@routes.post("/host/shows/{show_id}")
@allow(Action.PLAN)
async def change_show(request: web.Request) -> web.StreamResponse:
    """Change a show from its form."""
    hub, show_id, form = hub_of(request), request.match_info["show_id"], await read_form(request)
    await hub.store.read(lambda db: show_rows.load_show(db, show_id))
    try:
        await plans.save_show(request, parse_show_form(form, show_id=show_id))
    except (BadInput, Conflict) as error:
        return await _render_show(request, form=form, error=error, status=error.http_status)
    return see_other("/host#shows")


@routes.post("/host/sessions")
@allow(Action.PLAN)
async def plan_session(request: web.Request) -> web.StreamResponse:
    """Plan a session from the form."""
    form = await read_form(request)
    try:
        hub = hub_of(request)
        body = parse_session_form(form, zone=hub.settings.zone, say=words_of(request), now=hub.now())
        session = await plans.plan_session(request, body)
    except BadInput as error:
        return await _render_overview(request, form=form, error=error, status=400)
    return see_other(f"/host/s/{session.id}")


@routes.get("/host/s/{session_id}/change")
@allow(Action.PLAN)
async def change_form(request: web.Request) -> web.StreamResponse:
    """The form to move and rename a session, filled."""
    return await _render_change(request, form={}, error=None, status=200)


async def _render_change(
    request: web.Request, *, form: Mapping[str, str], error: StreamhubError | None, status: int
) -> web.StreamResponse:
    hub, session_id = hub_of(request), request.match_info["session_id"]

    def read(db: Database) -> tuple[Session, dict[str, Any]]:
        session = show_rows.load_session(db, session_id)
        return session, read_goals(db, session)

    session, goals = await hub.store.read(read)
    response = render_page(
        request,
        "change.html",
        status=status,
        session=session,
        form={**format_session_form(session, language_of(request)), **form},
        error=error,
        said=request.query.get("said", ""),
        **goals,
        **person_context(hub, actor_of(request)),
    )
    keep_language(request, response)
    return response


@routes.post("/host/s/{session_id}/change")
@allow(Action.PLAN)
async def change_session(request: web.Request) -> web.StreamResponse:
    """Move or rename a session from its form."""
    hub, session_id, form = hub_of(request), request.match_info["session_id"], await read_form(request)
    session = await hub.store.read(lambda db: show_rows.load_session(db, session_id))
    try:
        body = parse_change_form(form, session, say=words_of(request), now=hub.now())
        await plans.change_session(request, session_id, body)
    except (BadInput, Conflict) as error:
        return await _render_change(request, form=form, error=error, status=error.http_status)
    return see_other(f"/host/s/{session_id}")
