"""The glossary in the browser: names and words of a show, or of all shows, that recognisers are to know.

Hosts write it as plain text, an entry a line. Nothing is saved while a line of it has a problem, and whoever was slower
than somebody else sees both. Knows nothing of recognisers.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from aiohttp import web

from streamhub.errors import BadInput, Conflict, StreamhubError
from streamhub.schedule.show import Show
from streamhub.store import glossaries as rows
from streamhub.store import shows as show_rows
from streamhub.store.glossaries import HUB_SCOPE, Glossary
from streamhub.text import clean_text
from streamhub.transcript.glossary import MAX_GLOSSARY_CHARACTERS, SENTENCES, Problem, parse_glossary
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.desk import clean_or_empty
from streamhub.web.host import person_context
from streamhub.web.hub import hub_of
from streamhub.web.pages import keep_language, render_page, see_other, words_of
from streamhub.web.security import read_form

LOG = logging.getLogger("streamhub.web")
_SHOWN_PROBLEMS = 5

routes = web.RouteTableDef()


@routes.get("/host/glossary")
@routes.get("/host/shows/{show_id}/glossary")
@allow(Action.PLAN)
async def show_glossary(request: web.Request) -> web.StreamResponse:
    """The page of a glossary: the show's, or the one for all shows."""
    response = await _render(request)
    keep_language(request, response)
    return response


@routes.post("/host/glossary")
@routes.post("/host/shows/{show_id}/glossary")
@allow(Action.PLAN)
async def change_glossary(request: web.Request) -> web.StreamResponse:
    """Save what was written, put back what stood there before, or forget a correction that was remembered."""
    form = await read_form(request)
    if form.get("deed") == "forget":
        return await _forget(request, form)
    try:
        glossary = await (_undo if form.get("deed") == "undo" else _save)(request, form)
    except (BadInput, Conflict) as error:
        return await _render(request, form=form, error=error)
    scope = request.match_info.get("show_id", HUB_SCOPE)
    LOG.info("web.glossary show_id=%s version=%d person=%s", scope, glossary.version, actor_of(request).person)
    return see_other(f"{request.path}?said=saved#said")


async def _save(request: web.Request, form: Mapping[str, str]) -> Glossary:
    text = form.get("text", "")
    text = clean_text(text, max_length=MAX_GLOSSARY_CHARACTERS, what="glossary") if clean_or_empty(text) else ""
    _, problems = parse_glossary(text)
    if problems:
        raise _tell(request, problems)
    return await _write(request, form, text)


async def _undo(request: web.Request, form: Mapping[str, str]) -> Glossary:
    return await _write(request, form, None)


async def _forget(request: web.Request, form: Mapping[str, str]) -> web.StreamResponse:
    hub, scope, author = hub_of(request), request.match_info.get("show_id", HUB_SCOPE), actor_of(request).person
    heard, said, at = form.get("heard", ""), form.get("said", ""), hub.now()
    await hub.store.write(lambda db: rows.forget_learned(db, scope, heard, said, at=at, author=author))
    LOG.info("web.glossary_forgot show_id=%s person=%s", scope, author)
    return see_other(f"{request.path}#learned")


async def _write(request: web.Request, form: Mapping[str, str], text: str | None) -> Glossary:
    hub, scope = hub_of(request), request.match_info.get("show_id", HUB_SCOPE)
    author, say = actor_of(request).person, words_of(request)
    seen, at = int(form["version"]) if form.get("version", "").isdecimal() else 0, hub.now()
    if scope:
        await hub.store.read(lambda db: show_rows.load_show(db, scope))
    try:
        if text is None:
            return await hub.store.write(lambda db: rows.undo_glossary(db, scope, seen=seen, at=at, author=author))
        return await hub.store.write(lambda db: rows.save_glossary(db, scope, text, seen=seen, at=at, author=author))
    except Conflict as error:
        now = await hub.store.read(lambda db: rows.load_glossary(db, scope))
        raise Conflict(
            say("%(person)s changed the glossary while you were writing.") % {"person": now.author},
            hint=say("Nothing was overwritten: what stands there now is shown below yours. Save again to replace it."),
        ) from error


def _tell(request: web.Request, problems: Sequence[Problem]) -> BadInput:
    say = words_of(request)
    told = [say(SENTENCES[one.flaw][0]) % {"line": one.line, "about": one.about} for one in problems[:_SHOWN_PROBLEMS]]
    advice = dict.fromkeys(say(SENTENCES[one.flaw][1]) for one in problems[:_SHOWN_PROBLEMS])
    return BadInput(" ".join(told), hint=" ".join((*advice, say("Nothing was saved yet."))))


async def _render(
    request: web.Request, *, form: Mapping[str, str] | None = None, error: StreamhubError | None = None
) -> web.Response:
    hub, scope = hub_of(request), request.match_info.get("show_id", HUB_SCOPE)
    show: Show | None
    show, glossary, learned = await hub.store.read(
        lambda db: (
            show_rows.load_show(db, scope) if scope else None,
            rows.load_glossary(db, scope),
            rows.list_learned(db, scope) if scope else [],
        )
    )
    typed = form is not None and "text" in form and form.get("deed") != "undo"
    return render_page(
        request,
        "glossary.html",
        status=error.http_status if error else 200,
        show=show,
        glossary=glossary,
        learned=learned,
        text=form["text"] if form is not None and typed else glossary.text,
        overtaken=isinstance(error, Conflict) and typed,
        entries=len(parse_glossary(glossary.text)[0]),
        said=request.query.get("said", ""),
        zone=hub.settings.zone,
        now=hub.now(),
        error=error,
        most=MAX_GLOSSARY_CHARACTERS,
        **person_context(hub, actor_of(request)),
    )
