"""Reviewing answers in the browser: the unsure ones first, their words to click on, edges to move, one key to accept.

Every correction is a form; the script sends the same forms and puts the server's HTML in place, so that there is one
way only in which the page looks. Knows nothing of files.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from aiohttp import web

from streamhub.answers.answer import Answer
from streamhub.archive import corrections
from streamhub.archive.archived import ArchivedSession
from streamhub.archive.format import order_of
from streamhub.archive.review import Edit, Fields, Patch, answer_fields, cue_key, find_answer, is_unsure
from streamhub.errors import BadCorrection, BadInput, NoConsent, NotFound, Overtaken, StreamhubError
from streamhub.recording.recording import Recording
from streamhub.store import shows as show_rows
from streamhub.store.recordings import find_recording
from streamhub.store.reviews import Made
from streamhub.store.voices import list_voice_names
from streamhub.timecode import Span
from streamhub.web import clips, desk, direction, gate
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.host import person_context
from streamhub.web.hub import Hub, hub_of
from streamhub.web.marking import find_recorded
from streamhub.web.misheard import read_misheard
from streamhub.web.pages import format_brief, keep_language, language_of, render_page, see_other, words_of
from streamhub.web.review_view import PlayerClock, is_accepted_draft, needs_look, plan_detail, plan_next, plan_voices
from streamhub.web.security import read_form
from streamhub.web.services import ClipsView

LOG = logging.getLogger("streamhub.web")
_SHOWN_EDITS = 12
_MOST_MORE = 20

routes = web.RouteTableDef()
Form = Mapping[str, str]
Say = Callable[[str], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """What a correction is made with: the request, the session as it stands, and what was sent."""

    request: web.Request
    hub: Hub
    session_id: str
    answer_id: str
    form: Form
    author: str


@routes.get("/host/s/{session_id}/review")
@allow(Action.PUBLISH)
async def review_page(request: web.Request) -> web.StreamResponse:
    """The page: player, answers, the words of one."""
    response = await _render(request, "review.html")
    keep_language(request, response)
    return response


@routes.get("/host/s/{session_id}/review/sheet")
@allow(Action.PUBLISH)
async def review_sheet(request: web.Request) -> web.StreamResponse:
    """The changing part of the page, so that the player goes on playing."""
    return await _render(request, "review_sheet.html")


@routes.get("/host/s/{session_id}/review/latest")
@allow(Action.PUBLISH)
async def review_latest(request: web.Request) -> web.StreamResponse:
    """A short text that changes whenever somebody corrected, published or withdrew something."""
    hub, session_id = hub_of(request), request.match_info["session_id"]
    archived = await hub.review.states(await hub.review.load(session_id))
    made = await hub.clips.view(session_id, archived)
    return web.json_response({"latest": _latest(archived, await hub.review.edits(session_id, limit=1), made)})


def _latest(archived: ArchivedSession, edits: Sequence[Made], made: ClipsView) -> str:
    states = "".join(str(answer.state)[0] for answer in archived.answers)
    return f"{edits[0].id if edits else 0}-{states}-{len(made.clips)}{made.state[:1]}{made.done}"


@routes.post("/host/s/{session_id}/review")
@allow(Action.PUBLISH)
async def correct(request: web.Request) -> web.StreamResponse:
    """Make a correction, or take one back."""
    form = await read_form(request)
    session_id = request.match_info["session_id"]
    at = Desk(
        request=request,
        hub=hub_of(request),
        session_id=session_id,
        answer_id=form.get("answer", ""),
        form=form,
        author=actor_of(request).person,
    )
    try:
        deed = _DEEDS.get(form.get("deed", ""))
        if deed is None:
            raise BadInput(f"deed {form.get('deed', '')!r}: there is none", hint="use the buttons of the page")
        chosen = await deed(at)
    except StreamhubError as error:
        if error.http_status >= 500:
            raise
        told = await _tell(at, error)
        template = "review_sheet.html" if "sheet" in form else "review.html"
        return await _render(request, template, answer_id=at.answer_id, error=told, form=form)
    LOG.info("web.reviewed session_id=%s deed=%s person=%s", session_id, form["deed"], at.author)
    desk.notify(request.app, session_id)
    if "sheet" in form:
        return await _render(request, "review_sheet.html", answer_id=chosen)
    return see_other(f"/host/s/{session_id}/review?answer={chosen}#answer")


async def _render(
    request: web.Request,
    template: str,
    *,
    answer_id: str = "",
    error: StreamhubError | None = None,
    form: Form | None = None,
) -> web.Response:
    hub, session_id, query = hub_of(request), request.match_info["session_id"], request.query
    session, recording = await hub.store.read(
        lambda db: (show_rows.load_session(db, session_id), find_recording(db, session_id))
    )
    known = await hub.store.read(lambda db: list_voice_names(db, session.show_id))
    archived = await hub.review.states(await hub.review.load(session_id))
    answers = sorted(archived.answers, key=order_of)
    edits = await hub.review.edits(session_id, limit=_SHOWN_EDITS)
    made = await hub.clips.view(session_id, archived)
    clock = _player_clock(hub, recording)
    wanted = answer_id or query.get("answer", "")
    if not any(answer.id == wanted for answer in answers):
        wanted = plan_next(answers, "")
    answer = next((one for one in answers if one.id == wanted), answers[0] if answers else None)
    detail = None
    if answer is not None:
        corrected = await hub.review.corrected(session_id)
        more = min(_MOST_MORE, int(query["more"])) if query.get("more", "").isdecimal() else 0
        at_ms = _read_at(clock, query.get("at", ""))
        detail = plan_detail(session, archived, answer, clock, corrected=corrected, more=more, at_ms=at_ms)
    return render_page(
        request,
        template,
        status=error.http_status if error else 200,
        session=session,
        unsure=[one for one in answers if needs_look(one)],
        sure=[one for one in answers if not needs_look(one)],
        is_unsure=is_unsure,
        accepted=[one for one in answers if is_accepted_draft(one)],
        detail=detail,
        voices=plan_voices(archived, known, clock),
        open_cue=(form or {}).get("cue", "") or query.get("cue", ""),
        edits=edits,
        latest=_latest(archived, edits, made),
        made=made,
        agreed=await hub.gate.consents(archived, answer.id) if answer else None,
        successors=await hub.gate.successors(session_id, answer.id) if answer else (),
        playable=clock.clock is not None,
        clock=clock,
        now=hub.now(),
        tell_edit=partial(tell_edit, say=words_of(request)),
        site_page=hub.answers.page,
        error=error,
        form=form or {},
        seen_fields=_seen_fields,
        to_json=partial(json.dumps, ensure_ascii=False),
        **await read_misheard(hub, session_id),
        **person_context(hub, actor_of(request)),
    )


def _seen_fields(answer: Answer) -> Fields:
    """What most forms say that their sender saw; the addendum, which may be long, goes with its own form alone."""
    return {name: value for name, value in answer_fields(answer).items() if name != "body"}


def _player_clock(hub: Hub, recording: Recording | None) -> PlayerClock:
    found = recording is not None and find_recorded(hub, recording) is not None
    return PlayerClock(recording.clock if recording is not None and found else None)


def _read_at(clock: PlayerClock, text: str) -> int | None:
    try:
        return clock.read(text) if text.strip() else None
    except BadInput:  # only where to look: the page shows the beginning
        return None


# --- deeds: each makes one correction and says which answer is looked at next


async def _edges(at: Desk) -> str:
    clock, form = await _clock_of(at), at.form

    def plan(archived: ArchivedSession) -> Edit:
        ranges = list(find_answer(archived, at.answer_id).ranges)
        number = len(ranges) if form.get("number") == "new" else _read_number(form, "number")
        if number >= len(ranges) and form.get("number") != "new":
            raise NotFound(f"answer {at.answer_id}: has no stretch {number + 1}")
        old = ranges[number] if number < len(ranges) else None
        span = _read_span(form, clock, old)
        changed = [*ranges[:number], span, *ranges[number + 1 :]]
        return corrections.plan_ranges(archived, at.answer_id, sorted(changed))

    return await _edit(at, plan, "ranges")


def _read_span(form: Form, clock: PlayerClock, old: Span | None) -> Span:
    def read(name: str, old_ms: int | None) -> int:
        if form.get(f"{name}_ms", ""):
            return _read_number(form, f"{name}_ms")
        return clock.read(form.get(name, ""), same_ms=old_ms)

    start_ms, end_ms = read("begin", old.start_ms if old else None), read("end", old.end_ms if old else None)
    if end_ms <= start_ms:
        raise corrections.refuse(corrections.Fault.BACKWARDS, end_ms)
    return Span(start_ms, end_ms)


async def _split(at: Desk) -> str:
    clock = await _clock_of(at)

    def plan(archived: ArchivedSession) -> Edit:
        typed = at.form.get("at", "")
        at_ms = clock.read(typed) if typed else _read_number(at.form, "at_ms")
        return corrections.plan_split(archived, at.answer_id, at_ms)

    return await _edit(at, plan, "ranges")


async def _remove(at: Desk) -> str:
    number = _read_number(at.form, "number")
    return await _edit(at, lambda a: corrections.plan_removal(a, at.answer_id, number), "ranges")


async def _give(at: Desk) -> str:
    to, wanted = at.form.get("to", ""), at.form.get("number", "")

    def plan(archived: ArchivedSession) -> Edit:
        count = len(find_answer(archived, at.answer_id).ranges)
        numbers = range(count) if wanted == "all" else [_read_number(at.form, "number")]
        return corrections.plan_gift(archived, at.answer_id, numbers, to)

    await _edit(at, plan, "ranges")
    return to if wanted == "all" else at.answer_id


async def _answerers(at: Desk) -> str:
    names = at.form.get("names", "").split(",")
    return await _edit(at, lambda a: corrections.plan_answerers(a, at.answer_id, names), "answerers")


async def _accept(at: Desk) -> str:
    await _edit(at, lambda a: corrections.plan_acceptance(a, at.answer_id), "ranges", "answerers")
    return await _next(at)


async def _publish(at: Desk) -> str:
    await _edit(at, lambda a: corrections.plan_acceptance(a, at.answer_id), "ranges", "answerers")
    await direction.publish(at.request, at.session_id, at.answer_id, public=True)
    return await _next(at)


async def _publish_accepted(at: Desk) -> str:
    """All drafts that somebody accepted, with one build of the pages."""
    archived = await at.hub.review.states(await at.hub.review.load(at.session_id))
    accepted = [one.id for one in archived.answers if is_accepted_draft(one)]
    await at.hub.answers.publish_drafts(at.session_id, accepted, author=at.author)
    return at.answer_id


async def _withdraw(at: Desk) -> str:
    await direction.publish(at.request, at.session_id, at.answer_id, public=False)
    return await _next(at)


async def _words(at: Desk) -> str:
    language, cue = at.form.get("language", ""), at.form.get("cue", "")
    text = at.form.get("text", "")
    return await _edit_cue(at, lambda a: corrections.plan_words(a, at.answer_id, language, cue, text), "text")


async def _speaker(at: Desk) -> str:
    language, cue, name = (at.form.get(key, "") for key in ("language", "cue", "speaker"))
    onwards = at.form.get("onwards") == "yes"

    def plan(archived: ArchivedSession) -> Edit:
        return corrections.plan_speaker(archived, at.answer_id, language, cue, name, onwards=onwards)

    return await _edit_cue(at, plan, "speaker")


async def _rename(at: Desk) -> str:
    old, new = at.form.get("old", ""), at.form.get("new", "")
    return await _edit(at, lambda a: corrections.plan_renaming(a, at.answer_id, old, new))


async def _addendum(at: Desk) -> str:
    return await _edit(at, lambda archived: gate.plan_addendum(at, archived), "body")


async def _undo(at: Desk) -> str:
    made = await at.hub.review.undo(at.session_id, _read_number(at.form, "edit"), author=at.author)
    return (made.edit.answer_id if made else "") or at.answer_id


_DEEDS: Mapping[str, Callable[[Desk], Awaitable[str]]] = {
    "edges": _edges,
    "split": _split,
    "remove": _remove,
    "give": _give,
    "answerers": _answerers,
    "accept": _accept,
    "publish": _publish,
    "publish-accepted": _publish_accepted,
    "withdraw": _withdraw,
    "words": _words,
    "speaker": _speaker,
    "rename": _rename,
    "undo": _undo,
    "addendum": _addendum,
    "consent": gate.note_consent,
    "supersede": gate.supersede,
    "clip": clips.order_clip,
    "clips": clips.order_clips,
    "clips-stop": clips.stop_clips,
}


async def _edit(at: Desk, plan: Callable[[ArchivedSession], Edit], *seen: str) -> str:
    patch = _read_seen(at.form, f"answer:{at.answer_id}", seen) if seen else {}
    await at.hub.review.edit(at.session_id, plan, patch, author=at.author)
    return at.answer_id


async def _edit_cue(at: Desk, plan: Callable[[ArchivedSession], Edit], *seen: str) -> str:
    patch = _read_seen(at.form, cue_key(at.form.get("language", ""), at.form.get("cue", "")), seen)
    await at.hub.review.edit(at.session_id, plan, patch, author=at.author)
    return at.answer_id


def _read_seen(form: Form, key: str, names: Sequence[str]) -> Patch:
    """What the sender saw of a piece, in the fields that he changes.

    Raises:
        BadInput: the form does not say, or says it in another way than our pages do.
    """
    try:
        seen = json.loads(form.get("seen", ""))
        return {key: {name: seen[name] for name in names}}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise BadInput("form: does not say what was seen", hint="load the page again") from error


async def _next(at: Desk) -> str:
    archived = await at.hub.review.states(await at.hub.review.load(at.session_id))
    return plan_next(sorted(archived.answers, key=order_of), at.answer_id)


async def _clock_of(at: Desk) -> PlayerClock:
    return _player_clock(at.hub, await at.hub.store.read(lambda db: find_recording(db, at.session_id)))


def _read_number(form: Form, name: str) -> int:
    text = form.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise BadInput(f"{name} {text[:20]!r}: is no number", hint="load the page again")
    return int(text)


def tell_edit(action: str, say: Say) -> str:
    """A correction as a reviewer reads it."""
    return {
        "edges": say("moved the edges"),
        "split": say("split the stretch"),
        "remove": say("removed a stretch"),
        "give": say("gave a stretch to another answer"),
        "accept": say("accepted it"),
        "answerers": say("said who answers"),
        "addendum": say("wrote an addendum"),
        "words": say("corrected the words"),
        "speaker": say("said who speaks"),
        "rename": say("renamed a speaker"),
        "undo": say("took a correction back"),
    }.get(action, action)


async def _tell(at: Desk, error: StreamhubError) -> StreamhubError:
    """The same error in the reader's language, with times as the player shows them."""
    if isinstance(error, Overtaken):
        return _tell_overtaken(at.request, error)
    if isinstance(error, NoConsent):
        return gate.tell_consent(at.request, error)
    if not isinstance(error, BadCorrection):
        return error
    say, (what, advice) = words_of(at.request), corrections.SENTENCES[corrections.Fault(error.code)]
    time = (await _clock_of(at)).text(error.at_ms) if error.at_ms is not None else error.typed
    return BadInput(say(what) % {"time": time}, hint=say(advice))


def _tell_overtaken(request: web.Request, error: Overtaken) -> Overtaken:
    hub, say, language = hub_of(request), words_of(request), language_of(request)
    hint = say("Nothing was overwritten. Look at it as it is now, then decide again.")
    if error.at is None:
        return Overtaken(say("This was changed in its file meanwhile."), hint=hint)
    time = format_brief(error.at, hub.settings.zone, language, now=hub.now())
    said = say("%(who)s was here meanwhile: %(what)s (%(time)s).")
    message = said % {"who": error.author, "what": tell_edit(error.action, say), "time": time}
    return Overtaken(message, hint=hint, author=error.author, action=error.action, at=error.at)
