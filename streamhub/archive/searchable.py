"""What the search finds: the library's published answers, and sessions without questions, as search documents. Pure."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from streamhub.archive.archived import ArchivedSession
from streamhub.archive.markdown import plain_text
from streamhub.archive.public import PublicAnswer, PublicSession
from streamhub.archive.search.document import SearchDocument, Turn
from streamhub.archive.speech import plan_speech
from streamhub.transcript.transcript import Transcript


def plan_documents(found: PublicSession) -> list[SearchDocument]:
    """A document per published answer of a session, and what the session itself is found by."""
    return [*(plan_document(answer, found) for answer in found.answers), *plan_rest(found)]


def plan_rest(found: PublicSession) -> list[SearchDocument]:
    """A document for a session without answers, found by its speech; else one per stretch of speech beside them."""
    return plan_speech(found) if found.session.answers else [_session_document(found)]


def plan_document(answer: PublicAnswer, found: PublicSession) -> SearchDocument:
    """A published answer of a session as the search sees it."""
    record = answer.answer
    session = found.session
    return SearchDocument(
        id=record.id,
        url=answer.url,
        language="en" if record.language == "en" else "de",
        question=record.question,
        answer_text=plain_text(record.body),
        turns=_turns(answer.speech),
        topics=record.topics,
        products=record.products,
        speakers=record.answerers,
        session_title=session.title,
        show=session.show_title,
        date=_local_date(session),
    )


def _session_document(found: PublicSession) -> SearchDocument:
    session = found.session
    return SearchDocument(
        id=session.id,
        url=found.url,
        language="en" if session.language == "en" else "de",
        question=session.title,
        turns=_turns(found.transcript),
        speakers=tuple(person.name for person in session.participants),
        session_title=session.show_title,
        show=session.show_title,
        date=_local_date(session),
    )


def _turns(transcript: Transcript | None) -> tuple[Turn, ...]:
    cues = transcript.cues if transcript else ()
    return tuple(Turn(start_ms=cue.span.start_ms, speaker=cue.speaker, text=cue.text) for cue in cues)


def _local_date(session: ArchivedSession) -> str:
    return session.starts_at.astimezone(ZoneInfo(session.zone)).date().isoformat()
