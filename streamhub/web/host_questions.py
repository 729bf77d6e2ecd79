"""Hosts and questions in the browser: every deed on questions is a form; the page of one question holds the wordy ones.

The console's script sends the same forms and asks for JSON back; what is done stands in `streamhub.web.curation` and
`streamhub.web.bringing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import BadInput, Overtaken, StreamhubError
from streamhub.questions.change import Change
from streamhub.questions.curating import EDITABLE, SPLITTABLE
from streamhub.questions.question import Question, QuestionState
from streamhub.questions.rules import NEXT_STATES, plan_queue
from streamhub.schedule.show import Session
from streamhub.store import carrying, changes
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
from streamhub.web import bringing, curation
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.aside import spare
from streamhub.web.bodies import TagBody
from streamhub.web.curation import Wish, read_version
from streamhub.web.desk import Asked
from streamhub.web.happened import tell_action
from streamhub.web.host import person_context, read_board
from streamhub.web.hub import hub_of
from streamhub.web.pages import keep_language, language_of, render_page, see_other, words_of
from streamhub.web.refusals import tell_refusal
from streamhub.web.security import read_form
from streamhub.web.views import Json

_CONSOLE = "/host/s/{session_id}"
_WORDY = frozenset({"edit", "split", "tag", "decline", "merge"})
_MAX_ONCE = 80

routes = web.RouteTableDef()


@routes.get(f"{_CONSOLE}/q/{{question_id}}")
@allow(Action.SEE_CONSOLE)
async def show_question(request: web.Request) -> web.StreamResponse:
    """The page of one question: its words, what became of it, and every deed on it."""
    return await _render_question(request, form={}, error=None, status=200)


@routes.get(f"{_CONSOLE}/q/{{question_id}}/panel")
@allow(Action.SEE_CONSOLE)
async def show_panel(request: web.Request) -> web.StreamResponse:
    """The same without the page around it, for the console's script."""
    return render_page(request, "question_panel.html", form={}, error=None, **await _read_question(request))


async def _render_question(
    request: web.Request, *, form: Mapping[str, str], error: StreamhubError | None, status: int
) -> web.StreamResponse:
    context = await _read_question(request)
    response = render_page(request, "question.html", status=status, form=form, error=error, **context)
    keep_language(request, response)
    return response


async def _read_question(request: web.Request) -> dict[str, Any]:
    hub, session_id, question_id = hub_of(request), request.match_info["session_id"], request.match_info["question_id"]

    def read(db: Database) -> tuple[Session, Question, list[Question], list[Change], Question, Session | None]:
        session = show_rows.load_session(db, session_id)
        question = question_rows.load_question(db, question_id)
        others = question_rows.list_questions(db, question.session_id)
        history = list(reversed(changes.list_changes_of(db, [question_id])))[:30]
        stands = question_rows.resolve_question(db, question_id)
        return session, question, others, history, stands, carrying.find_next(db, question.session_id)

    session, question, others, history, stands, following = await hub.store.read(read)
    if question.session_id != session.id:
        session = await hub.store.read(lambda db: show_rows.load_session(db, question.session_id))
    say, targets = words_of(request), _targets(question, others)
    doubles = await spare(hub.lookalikes.similar(question.id), session.id)
    return {
        "session": session,
        "q": question,
        "stands": stands,
        "targets": targets,
        "mergeable": {one.id for one in targets},
        "doubles": doubles or (),
        "merged": [one for one in others if one.merged_into == question.id],
        "pieces": [one for one in others if one.split_from == question.id],
        "history": history,
        "following": following,
        "can": {
            "edit": question.state in EDITABLE,
            "split": question.state in SPLITTABLE,
            "merge": QuestionState.MERGED in NEXT_STATES[question.state],
            "carry": question.state in {QuestionState.OPEN, QuestionState.QUEUED, QuestionState.CARRIED_OVER},
            "decline": QuestionState.DECLINED in NEXT_STATES[question.state],
        },
        "action_name": lambda action: tell_action(action, say),
        "now": hub.now(),
        "language_now": language_of(request),
        **person_context(hub, actor_of(request)),
    }


def _targets(question: Question, others: list[Question]) -> list[Question]:
    """The questions that this one may be merged into, the host's order first."""
    closed = {QuestionState.MERGED, QuestionState.DECLINED, QuestionState.SUPERSEDED, QuestionState.WITHDRAWN}
    return [one for one in plan_queue(others) if one.id != question.id and one.state not in closed]


@routes.post(f"{_CONSOLE}/questions/{{question_id}}/{{action}}")
@allow(Action.CURATE)
async def curate(request: web.Request) -> web.StreamResponse:
    """Do something to a question."""
    session_id, question_id = request.match_info["session_id"], request.match_info["question_id"]
    form, action = await read_form(request), request.match_info["action"]
    try:
        question = await _curate(request, form, session_id, question_id, action)
    except StreamhubError as refused:
        error = tell_refusal(refused, words_of(request))
        if _wants_result(request):
            return _refusal(error)
        if action in _WORDY and error.http_status in {400, 409}:
            return await _render_question(
                request, form={**form, "failed": action}, error=error, status=error.http_status
            )
        raise error from refused
    if _wants_result(request):
        return web.json_response(_result(question))
    return see_other(f"/host/s/{session_id}#q-{question_id}")


async def _curate(
    request: web.Request, form: Mapping[str, str], session_id: str, question_id: str, action: str
) -> Question:
    version, once = read_version(form.get("version", "")), _once(form)
    if action == "tag":
        topics, products = _list(form.get("topics", "")), _list(form.get("products", ""))
        body = TagBody(topics=topics, products=products, version=version)
        return await curation.tag(request, question_id, body, session_id=session_id, once=once)
    wish = Wish(
        question_id=question_id,
        action=action,
        session_id=session_id,
        note=form.get("note", ""),
        text=form.get("text", ""),
        into=form.get("into", ""),
        before=form.get("before", ""),
        version=version,
        once=once,
    )
    return await curation.act(request, wish)


def _once(form: Mapping[str, str]) -> str:
    once = form.get("once", "")
    if len(once) > _MAX_ONCE or not once.isascii():
        raise BadInput("once: too long, or not ASCII", hint=f"use at most {_MAX_ONCE} letters and digits")
    return once


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.replace("\n", ",").split(",") if part.strip())[:20]


def _wants_result(request: web.Request) -> bool:
    """Whether the console's script asks, which reads JSON and not pages."""
    return request.headers.get("Accept", "") == "application/json"


def _result(question: Question) -> Json:
    return {"id": question.id, "version": question.version, "state": question.state.value}


def _refusal(error: StreamhubError) -> web.Response:
    version = error.version if isinstance(error, Overtaken) else 0
    said = {"message": error.message, "hint": error.hint, "version": version, "overtaken": isinstance(error, Overtaken)}
    return web.json_response({"error": said}, status=error.http_status)


@routes.post(f"{_CONSOLE}/merge")
@allow(Action.CURATE)
async def merge(request: web.Request) -> web.StreamResponse:
    """Merge the questions that were chosen."""
    session_id, form = request.match_info["session_id"], await read_form(request)
    sent = await request.post()
    ids = [str(value) for value in sent.getall("ids", [])]
    versions = {id_: number for id_ in ids if (number := read_version(form.get(f"version-{id_}", ""))) is not None}
    try:
        question = await curation.merge_several(
            request, session_id, ids, into=form.get("into", ""), versions=versions, once=_once(form)
        )
    except StreamhubError as refused:
        error = tell_refusal(refused, words_of(request))
        if _wants_result(request):
            return _refusal(error)
        return await _render_console(request, form=form, error=error)
    if _wants_result(request):
        return web.json_response(_result(question))
    return see_other(f"/host/s/{session_id}#q-{question.id}")


@routes.post(f"{_CONSOLE}/undo")
@allow(Action.CURATE)
async def undo(request: web.Request) -> web.StreamResponse:
    """Take back a change, or this host's latest."""
    session_id, form = request.match_info["session_id"], await read_form(request)
    number = read_version(form.get("change", ""))
    try:
        made = await curation.undo(request, session_id, change_id=number, once=_once(form))
    except StreamhubError as refused:
        error = tell_refusal(refused, words_of(request))
        if _wants_result(request):
            return _refusal(error)
        return await _render_console(request, form=form, error=error)
    if _wants_result(request):
        say = words_of(request)
        return web.json_response(
            {"undone": made.undoes if made else None, "said": "" if made else say("There is nothing of yours to undo.")}
        )
    anchor = f"q-{made.question_ids[0]}" if made else "happened"
    return see_other(f"/host/s/{session_id}#{anchor}")


@routes.post(f"{_CONSOLE}/bring")
@allow(Action.CURATE)
async def bring(request: web.Request) -> web.StreamResponse:
    """Take a question that was heard on the phone, or a pasted list."""
    session_id, form = request.match_info["session_id"], await read_form(request)
    queued, once = form.get("queued") == "yes", _once(form)
    try:
        if "csv" in form:
            ids = await bringing.bring_csv(request, session_id, form["csv"], queued=queued, once=once)
        else:
            shown = "name" if form.get("shown") == "yes" and form.get("name", "").strip() else "anonymous"
            asked = Asked(text=form.get("text", ""), name=form.get("name", ""), shown=shown, source=bringing.PHONE)
            ids = [(await bringing.bring(request, session_id, asked, queued=queued, once=once)).id]
    except StreamhubError as refused:
        error = tell_refusal(refused, words_of(request))
        if _wants_result(request):
            return _refusal(error)
        return await _render_console(request, form=form, error=error)
    if _wants_result(request):
        return web.json_response({"ids": ids})
    return see_other(f"/host/s/{session_id}#q-{ids[0]}")


async def _render_console(
    request: web.Request, *, form: Mapping[str, str], error: StreamhubError
) -> web.StreamResponse:
    """The console with what went wrong, and what was typed still there."""
    context = {**await read_board(request), "form": dict(form), "error": error}
    return render_page(request, "console.html", status=error.http_status, **context)
