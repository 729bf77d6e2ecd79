"""The gist of a session: all that pages other than its own say of it. Pure.

A build reads a session whole only to make its own pages; lists, labels, likes and neighbours in other sessions are made
from gists, which are small and can be kept from build to build.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from streamhub.archive.archived import ArchivedRecording
from streamhub.archive.plan import digest_of
from streamhub.archive.public import PublicAnswer, PublicSession, key_of
from streamhub.archive.views import AnswerRef, SessionRef
from streamhub.text import words_of

_SHORTEST_FEATURE = 4
_NO_ANCHOR = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerGist:
    """What others say of an answer.

    Attributes:
        ref: the answer in a list.
        digest: of that.
        topics, products: as shown.
        features: what makes it like another one: words of its question with their language, its labels.
        superseded_by: id of the answer that took its place; empty for a published one.
        clip_key: digest of what a clip of it would be made from; empty where there is nothing to cut.
    """

    ref: AnswerRef
    digest: str
    topics: tuple[str, ...]
    products: tuple[str, ...]
    features: tuple[str, ...]
    superseded_by: str = ""
    clip_key: str = ""

    @property
    def id(self) -> str:
        """The answer's id."""
        return self.ref.id


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionGist:
    """What others say of a session, and what tells whether its own pages are still right.

    Attributes:
        id: of the session.
        digest: of all that its own pages say, besides what they say of others.
        ref: the session in a list.
        participants: name, role and a line about each.
        speakers: keys of all who take part or speak.
        answers: published ones, in the order in which they were given.
        replaced: superseded ones.
        recording: the one that pages play, or link to; None when only text exists.
        captions_language: of what was said in it; empty when nothing of that is kept.
        spoken_ms: when the last word of it was spoken, on the session clock.
        where: its folder in the archive, for messages.
    """

    id: str
    digest: str
    ref: SessionRef
    participants: tuple[tuple[str, str, str], ...]
    speakers: tuple[str, ...]
    answers: tuple[AnswerGist, ...]
    replaced: tuple[AnswerGist, ...]
    recording: ArchivedRecording | None
    captions_language: str
    spoken_ms: int
    where: str


def plan_gist(found: PublicSession, *, digest: str, clip_keys: Mapping[str, str]) -> SessionGist:
    """The gist of a session; the digest is of everything that its pages are made from, keys of clips are by answer."""
    session = found.session
    cues = found.transcript.cues if found.transcript else ()
    return SessionGist(
        id=session.id,
        digest=digest,
        ref=refer_session(found),
        participants=tuple((person.name, str(person.role), person.about) for person in session.participants),
        speakers=found.speakers,
        answers=tuple(_answer_gist(answer, found, clip_keys) for answer in found.answers),
        replaced=tuple(_answer_gist(answer, found, {}) for answer in found.replaced),
        recording=found.recording,
        captions_language=found.transcript.language if cues and found.transcript else "",
        spoken_ms=max((cue.span.end_ms for cue in cues), default=0),
        where=f"{session.show_id}/{session.id}",
    )


def _answer_gist(answer: PublicAnswer, found: PublicSession, clip_keys: Mapping[str, str]) -> AnswerGist:
    record = answer.answer
    words = (f"{record.language}:{word}" for word in words_of(record.question) if len(word) >= _SHORTEST_FEATURE)
    labels = (f"#{key_of(label)}" for label in (*record.topics, *record.products))
    ref = refer_answer(answer, found)
    return AnswerGist(
        ref=ref,
        digest=digest_of(ref),
        topics=record.topics,
        products=record.products,
        features=tuple(sorted({*words, *labels})),
        superseded_by=record.superseded_by,
        clip_key=clip_keys.get(record.id, ""),
    )


def refer_answer(answer: PublicAnswer, found: PublicSession) -> AnswerRef:
    """An answer of a session as a list shows it."""
    session = found.session
    record = answer.answer
    return AnswerRef(
        id=record.id,
        url=answer.url,
        question=record.question,
        language=record.language,
        answerers=record.answerers,
        excerpt=answer.excerpt,
        starts_at=session.starts_at,
        zone=session.zone,
        session_title=session.title,
        session_url=found.url,
        session_language=session.language,
        start_ms=record.start_ms,
        duration_ms=answer.duration_ms,
        votes=record.votes,
        session_cue=first_cue(answer, found),
    )


def refer_session(found: PublicSession) -> SessionRef:
    """A session as a list shows it."""
    session = found.session
    return SessionRef(
        url=found.url,
        title=session.title,
        show_title=session.show_title,
        language=session.language,
        starts_at=session.starts_at,
        zone=session.zone,
        answers=len(found.answers),
        people=tuple(person.name for person in session.participants),
        has_recording=found.recording is not None,
        show_url=f"shows/{session.show_id}/",
    )


def first_cue(answer: PublicAnswer, found: PublicSession) -> str:
    """Id of the cue with which an answer begins, when the transcript of the session's page has it."""
    if answer.speech is None or found.transcript is None or answer.speech.language != found.transcript.language:
        return ""
    return plan_anchor(answer.cues[0].id)


def plan_anchor(cue_id: str) -> str:
    """The id of a cue as it can stand in an address; captions from elsewhere may bring anything."""
    return cue_id if cue_id.isalnum() else _NO_ANCHOR.sub("_", cue_id)
