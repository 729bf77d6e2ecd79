"""Asking: the form on a session's page, the same by the API, and the puzzle that a flooded session asks for.

What is taken and what is held is decided in `streamhub.web.desk`; here forms and JSON become one kind of question, and
whatever is wrong is said beside what was typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from aiohttp import web

from streamhub.errors import BadInput, StreamhubError
from streamhub.questions.doubt import Doubt
from streamhub.questions.question import Question, QuestionState
from streamhub.store import public as public_rows
from streamhub.web import desk
from streamhub.web.access import Action, allow
from streamhub.web.audience import HONEYPOT, SAID_ON_PAGE, render_session, see_page
from streamhub.web.bodies import AskBody, convert_fields, read_body
from streamhub.web.flood import FLOOD, make_puzzle
from streamhub.web.hub import hub_of
from streamhub.web.pages import see_other, words_of
from streamhub.web.signing import read_form_stamp
from streamhub.web.uploads import SentForm, is_multipart, open_sent_form
from streamhub.web.views import question_json
from streamhub.web.voter import keep_voter, voter_of

FORM_AT_LEAST = timedelta(seconds=2)
FORM_AT_MOST = timedelta(hours=2)

_MAX_KEY = 80

routes = web.RouteTableDef()


@routes.post("/s/{session_id}/questions")
@allow(Action.ASK)
async def ask_by_form(request: web.Request) -> web.StreamResponse:
    """Take a question from the form; what is wrong with it is said on the page, with the text kept."""
    async with open_sent_form(request) as sent:
        return await _ask_by_form(request, sent)


async def _ask_by_form(request: web.Request, sent: SentForm) -> web.StreamResponse:
    hub, session_id, voter = hub_of(request), request.match_info["session_id"], voter_of(request)
    try:
        kept = await desk.ask(request, session_id, asked_by_form(request, session_id, sent, voter))
    except StreamhubError as error:
        if error.http_status not in SAID_ON_PAGE:
            raise
        seen = await see_page(hub, session_id, voter)
        page = render_session(request, seen, form=sent.fields, error=error, status=error.http_status)
        tell_when_to_retry(page, error)
        keep_voter(request, page)
        return page
    untold = f"&untold={kept.untold}" if kept.untold else ""
    response = see_other(f"/s/{session_id}?said={what_was_done(kept.question)}{untold}#said")
    keep_voter(request, response)
    return response


def asked_by_form(
    request: web.Request, session_id: str, sent: SentForm, voter: str, *, source: str = "web"
) -> desk.Asked:
    """A question from a form of ours, if the form is fresh and consent was given.

    Raises:
        BadInput: the form is old, forged or came back at once, or consent is missing.
    """
    hub, say, form = hub_of(request), words_of(request), sent.fields
    stamp = read_form_stamp(hub.secret, form.get("stamp", ""), form=f"ask:{session_id}", at=hub.now())
    if stamp is None or stamp[0] > FORM_AT_MOST:
        raise BadInput(say("The form was open for a long time."), hint=say("Please check it and send it again."))
    if stamp[0] < FORM_AT_LEAST:
        raise BadInput(say("That was very fast."), hint=say("Please check your question and send it again."))
    if form.get("consent") != "yes":
        raise BadInput(
            say("We may not show your question without your consent."), hint=say("Please tick the box below it.")
        )
    wants_mail = form.get("tell") == "yes" and hub.telling.offered
    if wants_mail and not form.get("email", "").strip():
        raise BadInput(say("There is no e-mail address yet."), hint=say("Please write one, or untick the box."))
    return desk.Asked(
        text=form.get("text", ""),
        name=form.get("name", ""),
        shown=form.get("shown", "anonymous"),
        source=source,
        suspect=bool(form.get(HONEYPOT, "")),
        once=stamp[1],
        voter=voter,
        photo=sent.photo,
        oversized=sent.oversized,
        email=form.get("email", "") if wants_mail else "",
        proof=form.get("proof", ""),
    )


def what_was_done(question: Question) -> str:
    """The name of the sentence that thanks for a question."""
    if question.state is not QuestionState.HELD:
        return "asked"
    return "flood" if question.doubt == Doubt.FLOOD else "held"


def tell_when_to_retry(response: web.Response, error: StreamhubError) -> None:
    """Tell programs when to try again."""
    if (retry_after_s := getattr(error, "retry_after_s", None)) is not None:
        response.headers["Retry-After"] = str(retry_after_s)


@routes.post("/api/v1/sessions/{session_id}/questions")
@allow(Action.ASK)
async def ask_by_api(request: web.Request) -> web.StreamResponse:
    """Take a question from a program, as JSON, or as a form where a photo comes with it.

    The header ``Idempotency-Key`` makes sending it twice harmless. ``untold`` says why nobody will be told by mail
    though that was asked for: ``many`` promises to that address, or ``failed``; empty otherwise.
    """
    if not is_multipart(request):
        return await _ask_by_api(request, await read_body(request, AskBody), SentForm(fields={}))
    async with open_sent_form(request) as sent:
        return await _ask_by_api(request, read_fields(sent.fields), sent)


async def _ask_by_api(request: web.Request, body: AskBody, sent: SentForm) -> web.StreamResponse:
    voter = voter_of(request)
    once = request.headers.get("Idempotency-Key", "")
    if len(once) > _MAX_KEY or not once.isascii():
        raise BadInput("Idempotency-Key: too long, or not ASCII", hint=f"use at most {_MAX_KEY} letters and digits")
    asked = desk.Asked.from_body(body, once=once, voter=voter, photo=sent.photo, oversized=sent.oversized)
    kept = await desk.ask(request, request.match_info["session_id"], asked)
    answer = {**question_json(kept.question), "said": what_was_done(kept.question), "untold": kept.untold}
    response = web.json_response(answer, status=201)
    keep_voter(request, response)
    return response


def read_fields(fields: Mapping[str, str]) -> AskBody:
    """The fields of a form with a photo, as strict as JSON; ``tell`` is true when it says ``yes``.

    Raises:
        BadInput: a key too many or too few.
    """
    return convert_fields({**fields, "tell": fields.get("tell") == "yes"}, AskBody)


@routes.get("/api/v1/sessions/{session_id}/puzzle")
@allow(Action.SEE_PUBLIC)
async def get_puzzle(request: web.Request) -> web.StreamResponse:
    """The puzzle to solve before a question is sent; ``null`` unless the session is flooded."""
    hub, session_id, at = hub_of(request), request.match_info["session_id"], hub_of(request).now()
    await hub.store.read(lambda db: public_rows.load_session(db, session_id))
    watch, puzzle = request.app[FLOOD], None
    if watch.is_flooded(session_id, at=at):
        bits = watch.bits(session_id)
        token = make_puzzle(hub.secret, hub.random, session_id=session_id, bits=bits, at=at)
        puzzle = {"token": token, "bits": bits}
    return web.json_response({"puzzle": puzzle}, headers={"Cache-Control": "no-store"})
