"""What the API takes: one strict record per body. Unknown keys are refused, so that a typing error is never silent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TypeVar

import msgspec
from aiohttp import web

from streamhub.errors import BadInput
from streamhub.schedule.show import Moderation, Privacy, Publishing, Role
from streamhub.web.security import BODY_TIMEOUT_S

_MAX_TAGS = 20


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all bodies."""


class AskBody(Body, frozen=True, kw_only=True):
    """A question; ``language`` is that of the session when left out.

    With ``tell``, its asker is told by mail to ``email`` when it is answered. ``proof`` solves the session's puzzle.
    """

    text: str
    name: str = ""
    shown: str = "anonymous"
    place: str = ""
    language: str = ""
    email: str = ""
    tell: bool = False
    proof: str = ""


class VerdictBody(Body, frozen=True, kw_only=True):
    """What is to become of votes in doubt: ``counted``, ``discarded``, or empty to let them wait again."""

    verdict: str = ""


class ShownBody(Body, frozen=True, kw_only=True):
    """What an overlay drew: a question's id, and since when it is on air."""

    question: str
    since: str


class WritingBody(Body, frozen=True, kw_only=True):
    """A story or a proposed answer."""

    text: str
    name: str = ""
    shown: str = "anonymous"


class ShowBody(Body, frozen=True, kw_only=True):
    """A show; the id is made from the title when left out.

    Where viewers watch (``platform``, ``privacy``, ``direct``) and ``carries_over`` stay as they are when left out.
    """

    title: str
    id: str = ""
    language: str = "de"
    about: str = ""
    moderation: Moderation = Moderation.AFTER
    publishing: Publishing = Publishing.REVIEW
    platform: str | None = None
    privacy: Privacy | None = None
    direct: bool | None = None
    carries_over: bool | None = None


class ParticipantBody(Body, frozen=True, kw_only=True):
    """A person in a session."""

    name: str
    role: Role
    about: str = ""


class SessionBody(Body, frozen=True, kw_only=True):
    """A session; zone and language are those of hub and show when left out, ``call_until`` is an instant."""

    show_id: str
    title: str
    starts_at: str
    zone: str = ""
    language: str = ""
    planned_minutes: int = 60
    participants: tuple[ParticipantBody, ...] = ()
    call: str = ""
    call_until: str = ""


class SessionChangeBody(Body, frozen=True, kw_only=True):
    """What is to change of a session; what is left out stays as it is. An empty ``call_until`` takes it away."""

    title: str | None = None
    starts_at: str | None = None
    zone: str | None = None
    planned_minutes: int | None = None
    participants: tuple[ParticipantBody, ...] | None = None
    call: str | None = None
    call_until: str | None = None


class StateBody(Body, frozen=True, kw_only=True):
    """A step in a session's life; ``anyway``: live although somebody did not agree to be."""

    to: str
    anyway: bool = False


class NoteBody(Body, frozen=True, kw_only=True):
    """What an action on a question needs; most need nothing.

    ``note`` is the reason for declining, ``text`` the clearer words, ``parts`` those of a split, ``into`` the question
    to merge into, ``before`` the queued one to place it before (empty: the end). ``version`` is the one that was seen:
    a change meant for an older one is refused; those that replace words must say it, here or as ``If-Match``.
    """

    note: str = ""
    text: str = ""
    parts: tuple[str, ...] = ()
    into: str = ""
    before: str = ""
    version: int | None = None


class MergeBody(Body, frozen=True, kw_only=True):
    """Questions that are one; ``into`` is the most wanted of them when left out."""

    ids: tuple[str, ...]
    into: str = ""
    versions: dict[str, int] = {}


class UndoBody(Body, frozen=True, kw_only=True):
    """The change to take back; the caller's latest when left out."""

    change: int | None = None


class BringBody(Body, frozen=True, kw_only=True):
    """A question that somebody heard on the phone; ``queued`` puts it straight into the queue."""

    text: str
    name: str = ""
    shown: str = "anonymous"
    place: str = ""
    language: str = ""
    queued: bool = False


class ListBody(Body, frozen=True, kw_only=True):
    """Questions as the text of a CSV, taken whole or not at all."""

    csv: str
    queued: bool = False


class TagBody(Body, frozen=True, kw_only=True):
    """Topics and products of a question, as shown."""

    topics: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    version: int | None = None

    def __post_init__(self) -> None:
        if len(self.topics) > _MAX_TAGS or len(self.products) > _MAX_TAGS:
            raise ValueError(f"at most {_MAX_TAGS} topics and {_MAX_TAGS} products")


class DecisionBody(Body, frozen=True, kw_only=True):
    """A decision about a held step."""

    workflow_id: str
    step: str
    decision: str


class ChatLineBody(Body, frozen=True, kw_only=True):
    """A line of the chat."""

    line: str


class SourceBody(Body, frozen=True, kw_only=True):
    """A source for a session to listen to: its kind, and a hashtag or an address."""

    kind: str
    address: str


class AssignBody(Body, frozen=True, kw_only=True):
    """The session that a dropped file belongs to; ``replace`` gives up the recording that it has."""

    name: str
    session_id: str
    replace: bool = False
    part: int = 0


class DroppedBody(Body, frozen=True, kw_only=True):
    """A dropped file."""

    name: str


B = TypeVar("B", bound=Body)


def convert_fields(fields: Mapping[str, object], kind: type[B]) -> B:
    """Read the fields of a form as one of the records above.

    Raises:
        BadInput: a key too many or too few, a value of another kind.
    """
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise BadInput(f"form: {error}", hint="send the fields of the documentation") from error


async def read_body(request: web.Request, kind: type[B], *, optional: bool = False) -> B:
    """Read a JSON body as one of the records above.

    Raises:
        BadInput: slow, not JSON, a key too many or too few, a value of another kind.
    """
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            raw = await request.read()
    except TimeoutError as error:
        raise BadInput(f"body: not there after {BODY_TIMEOUT_S} s", hint="send it again") from error
    if not raw.strip() and optional:
        raw = b"{}"
    elif request.content_type != "application/json":
        raise BadInput(f"body: is {request.content_type}", hint="send JSON with Content-Type: application/json")
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"body: {error}", hint="send one JSON object with the keys of the documentation") from error
