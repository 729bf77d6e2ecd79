"""The gate on the review page: who agrees to be published, what is added in writing, what takes whose place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from streamhub.archive import corrections
from streamhub.errors import BadInput, NoConsent
from streamhub.web.pages import words_of

if TYPE_CHECKING:
    from streamhub.archive.archived import ArchivedSession
    from streamhub.archive.review import Edit
    from streamhub.web.review import Desk


async def note_consent(at: Desk) -> str:
    """Note what a person said about one answer, or about all of the session."""
    word = at.form.get("word", "")
    if word not in {"yes", "yes-all", "no", "no-all"}:
        raise BadInput(f"word {word!r}: there is none", hint="use the buttons of the page")
    about = "" if word.endswith("-all") else at.answer_id
    given = word.startswith("yes")
    await at.hub.gate.note_consent(at.session_id, at.form.get("name", ""), about, given=given, author=at.author)
    return at.answer_id


async def supersede(at: Desk) -> str:
    """Let another answer take the place of this one."""
    await at.hub.gate.supersede(at.session_id, at.answer_id, at.form.get("successor", ""), author=at.author)
    return at.answer_id


def plan_addendum(at: Desk, archived: ArchivedSession) -> Edit:
    """What is added in writing."""
    return corrections.plan_addendum(archived, at.answer_id, at.form.get("body", ""))


def tell_consent(request: web.Request, error: NoConsent) -> NoConsent:
    """The same error in the reader's language."""
    say = words_of(request)
    message = say("Not published: %(names)s did not agree.") % {"names": ", ".join(error.names)}
    return NoConsent(message, hint=say("Ask, and note it on the review page under “Consent”."), names=error.names)
