"""Hearing a session again, because its language was set wrong: what is noticed, ordered, and put in place of the words.

Nothing is changed by itself: a person says that it is to be heard again, then its language is another one and its words
are heard anew. What people corrected stays, and so does every answer that somebody accepted. Refuses to know who hears.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlite_utils import Database

from streamhub.answers.answer import Answer
from streamhub.archive.archived import ArchivedSession
from streamhub.errors import Conflict
from streamhub.schedule.show import SessionState
from streamhub.store import shows as show_rows
from streamhub.store.log import log_action
from streamhub.store.spoken_languages import SpokenLanguage, find_spoken
from streamhub.store.work import put_outbox
from streamhub.text import LANGUAGES, require_language
from streamhub.transcript.renewal import renew
from streamhub.transcript.rules import find_spoken_language
from streamhub.transcript.transcript import Maker, Transcript

REHEAR = "rehear"

_CUT = frozenset({SessionState.IN_REVIEW, SessionState.PUBLISHED})


def plan_spoken(session_id: str, language: str, file: str, heard: Transcript) -> SpokenLanguage:
    """What a hearing says about the language of its session, which it was told."""
    told = language if heard.language_checks else ""
    spoken = find_spoken_language(heard.language_checks, told, known=LANGUAGES) if told else ""
    return SpokenLanguage(session_id=session_id, file=file, told=told, spoken=spoken)


def order_rehearing(db: Database, session_id: str, language: str, *, at: datetime, author: str) -> None:
    """Set the language of a session and order its recording to be heard again in it; twice is once.

    Raises:
        BadInput: no language of ours.
        Conflict: its answers are not cut yet, or its words were not heard by a recogniser.
    """
    session = show_rows.load_session(db, session_id)
    require_language(language, what=f"session {session_id}")
    if session.language == language:
        return
    if session.state not in _CUT:
        raise Conflict(
            f"session {session_id}: is {session.state}, its answers are not cut yet", hint="wait until it is in review"
        )
    if find_spoken(db, session_id) is None:
        raise Conflict(f"session {session_id}: its words were not heard here", hint="import captions in that language")
    show_rows.save_session(db, replace(session, language=language))
    put_outbox(db, REHEAR, f"{session_id}:{language}-{at:%Y%m%dT%H%M%S%f}", [session_id, ""], at=at)
    details = {"from": session.language, "to": language}
    log_action(
        db, at=at, author=author, action="session.heard_again", object_kind="session", object_id=session_id,
        details=details,
    )  # fmt: skip


def renew_words(archived: ArchivedSession, machine: Transcript, fresh: Transcript) -> tuple[Transcript, ...]:
    """The transcripts of a session with the words of another hearing, which may be in another language.

    Args:
        archived: the session as it stands.
        machine: as the last hearing wrote its words there.
        fresh: the other hearing, on the same clock.
    """
    main = next((one for one in archived.transcripts if one.language == archived.language), None)
    if main is None or main.made_by is not Maker.MACHINE:
        return archived.transcripts
    others = [one for one in archived.transcripts if one is not main]
    if any(one.language == fresh.language and one.made_by is Maker.PERSON for one in others):
        return archived.transcripts
    renewed = replace(renew(main, machine, fresh), language=fresh.language)
    kept = [one for one in others if one.language != fresh.language]
    return tuple(sorted([renewed, *kept], key=lambda one: one.language))


def in_language(answers: Iterable[Answer], *, old: str, new: str) -> tuple[Answer, ...]:
    """The answers; what was said in a session is in the language that the session has by now."""
    return tuple(
        replace(answer, language=new) if answer.ranges and answer.language == old else answer for answer in answers
    )
