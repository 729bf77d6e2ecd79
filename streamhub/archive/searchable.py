"""What the search finds: the library's published answers, and sessions without questions, as search documents. Pure."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from streamhub.archive.archived import ArchivedSession
from streamhub.archive.library import Library, PublicAnswer, PublicSession
from streamhub.archive.markdown import plain_text
from streamhub.archive.search.document import SearchDocument, Turn
from streamhub.archive.speech import plan_speech
from streamhub.transcript.transcript import Transcript


def plan_documents(library: Library) -> list[SearchDocument]:
    """A document per published answer; one per session that has no answers, found by its speech; others' speech."""
    return [
        *(_answer_document(answer, library) for answer in library.answers.values()),
        *(_session_document(found) for found in library.sessions if not found.session.answers),
        *(stretch for found in library.sessions for stretch in plan_speech(found)),
    ]


def _answer_document(answer: PublicAnswer, library: Library) -> SearchDocument:
    record = answer.answer
    session = library.by_id[answer.session_id].session
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
