"""What of a session may be shown: its published answers, and its speech without what is hidden. Pure.

The gate between draft and published stands here and nowhere else: pages, lists, feeds, downloads and the search index
are made from a `PublicSession`, and that holds nothing of a draft or withdrawn answer, its speech included.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from streamhub.answers.answer import Answer, AnswerState
from streamhub.archive.archived import PLAYABLE, ArchivedRecording, ArchivedSession
from streamhub.archive.format import answer_name, order_of
from streamhub.archive.markdown import cut_text, plain_text
from streamhub.archive.masking import MaskedSession
from streamhub.timecode import Span
from streamhub.transcript.speakers import is_label
from streamhub.transcript.transcript import Cue, Transcript

EXCERPT_LENGTH = 190
_HIDDEN = frozenset({AnswerState.DRAFT, AnswerState.WITHDRAWN})


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicAnswer:
    """A published answer.

    Attributes:
        answer: the record.
        session_id: its session.
        url: its page, relative to the root of the site.
        speech: the transcript cut to what was said, on the session clock; None for an answer in writing only.
        translation: the machine's translation of what was said, cut likewise; None without any.
        text: what was answered, plain: in writing, then spoken by those who answer (by all when nobody is named).
        excerpt: its beginning, for lists.
    """

    answer: Answer
    session_id: str
    url: str
    speech: Transcript | None
    text: str
    excerpt: str
    translation: Transcript | None = None

    @property
    def cues(self) -> tuple[Cue, ...]:
        """What was said."""
        return self.speech.cues if self.speech else ()

    @property
    def duration_ms(self) -> int:
        """Spoken length."""
        return sum(span.duration_ms for span in self.answer.ranges)


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicSession:
    """A session with something to show.

    Attributes:
        session: the record, without its words, and of its answers those alone that have pages.
        url: its page, relative to the root of the site.
        answers: published ones in the order in which they were given.
        replaced: superseded ones: address and question stay, the answer is elsewhere.
        transcript: in the session's language, without what is hidden; None without any.
        translation: the machine's translation of it, without what is hidden; None without any.
        gaps: ids of the cues after which something was left out; empty text for the beginning.
        recording: the first that a page can play, else the first; None when only text exists.
        videos: recordings on platforms, which pages only link to.
        speakers: keys of all who take part or speak, in order.
    """

    session: ArchivedSession
    url: str
    answers: tuple[PublicAnswer, ...]
    replaced: tuple[PublicAnswer, ...]
    transcript: Transcript | None
    gaps: frozenset[str]
    recording: ArchivedRecording | None
    videos: tuple[ArchivedRecording, ...]
    speakers: tuple[str, ...]
    translation: Transcript | None = None


def show_session(session: MaskedSession) -> PublicSession | None:
    """Let through what is public; None where nothing is.

    A session is shown when it has a published or superseded answer, or when it is public and has no answers at all (an
    imported recording or text). Speech inside a draft or withdrawn answer is left out of its transcript.
    """
    return _public_session(_without_labels(session))


def _without_labels(session: ArchivedSession) -> ArchivedSession:
    """The session in which voices that nobody named yet are nobody: their labels are for hosts."""
    labels = {cue.speaker for transcript in session.transcripts for cue in transcript.cues if is_label(cue.speaker)}
    if not labels:
        return session
    transcripts = (
        replace(one, cues=tuple(replace(cue, speaker="") if cue.speaker in labels else cue for cue in one.cues))
        for one in session.transcripts
    )
    answers = (
        replace(answer, answerers=tuple(name for name in answer.answerers if name not in labels))
        for answer in session.answers
    )
    return replace(session, transcripts=tuple(transcripts), answers=tuple(answers))


def _public_session(session: ArchivedSession) -> PublicSession | None:
    published = [answer for answer in session.answers if answer.state is AnswerState.PUBLISHED]
    replaced = [answer for answer in session.answers if answer.state is AnswerState.SUPERSEDED]
    if not published and not replaced and (session.answers or not session.public):
        return None
    found = _transcript_of(session.transcripts, session.language)
    transcript, gaps = _without_hidden(found, session.answers) if found else (None, frozenset[str]())
    return PublicSession(
        session=replace(session, unclipped=(), transcripts=(), translations=(), answers=(*published, *replaced)),
        url=f"s/{session.id}/",
        answers=tuple(_public_answer(answer, session) for answer in sorted(published, key=order_of)),
        replaced=tuple(_public_answer(replace(answer, ranges=(), body=""), session) for answer in replaced),
        transcript=transcript,
        gaps=gaps,
        recording=next(iter(sorted(session.recordings, key=lambda one: one.kind not in PLAYABLE)), None),
        videos=tuple(one for one in session.recordings if one.kind not in PLAYABLE),
        speakers=_speakers(session),
        translation=_public_translation(session),
    )


def _speakers(session: ArchivedSession) -> tuple[str, ...]:
    names = [person.name for person in session.participants]
    names += dict.fromkeys(cue.speaker for transcript in session.transcripts for cue in transcript.cues)
    return tuple(dict.fromkeys(map(key_of, names)))


def cut_speech(answer: Answer, session: ArchivedSession) -> Transcript | None:
    """The transcript cut to what was said in an answer, on the session clock; None where nothing was."""
    transcript = _transcript_of(session.transcripts, answer.language, session.language)
    cues = _spoken(transcript, answer.ranges) if transcript and answer.ranges else ()
    return replace(transcript, cues=cues) if transcript and cues else None


def speakers_of(answer: Answer, session: ArchivedSession) -> tuple[str, ...]:
    """Who is to be heard in an answer: those who answer, and whoever else speaks in it; nobody in writing."""
    if not answer.ranges:
        return ()
    speech = cut_speech(answer, session)
    names = [*answer.answerers, *(cue.speaker for cue in speech.cues if cue.speaker)] if speech else answer.answerers
    return tuple({key_of(name): name for name in reversed(names)}.values())[::-1]


def _public_answer(answer: Answer, session: ArchivedSession) -> PublicAnswer:
    speech = cut_speech(answer, session)
    text = say_answer(answer, speech.cues if speech else ())
    return PublicAnswer(
        answer=answer,
        session_id=session.id,
        url=f"a/{answer_name(answer)}/",
        speech=speech,
        text=text,
        excerpt=cut_text(text, max_length=EXCERPT_LENGTH),
        translation=_cut_translation(answer, session),
    )


def say_answer(answer: Answer, cues: Sequence[Cue]) -> str:
    """What was answered, plain: in writing, then spoken by those who answer, or by all when nobody is told apart."""
    answerers = {key_of(name) for name in answer.answerers}
    told_apart = any(key_of(cue.speaker) in answerers for cue in cues)
    own = [cue.text for cue in cues if not (told_apart and cue.speaker) or key_of(cue.speaker) in answerers]
    return f"{plain_text(answer.body)} {' '.join(own)}".strip()


def _public_translation(session: ArchivedSession) -> Transcript | None:
    """The first translation into another language than the session's, without what is hidden."""
    found = next((one for one in session.translations if one.language != session.language), None)
    return _without_hidden(found, session.answers)[0] if found else None


def _cut_translation(answer: Answer, session: ArchivedSession) -> Transcript | None:
    """The translation of what was said in an answer."""
    shown = _public_translation(session) if answer.ranges else None
    cues = _spoken(shown, answer.ranges) if shown else ()
    return replace(shown, cues=cues) if shown and cues else None


def _spoken(transcript: Transcript, ranges: Sequence[Span]) -> tuple[Cue, ...]:
    first_ms, last_ms = ranges[0].start_ms, ranges[-1].end_ms
    near = (cue for cue in transcript.cues if cue.span.start_ms < last_ms and cue.span.end_ms >= first_ms)
    return tuple(cue for cue in near if _inside(cue, ranges))


def _transcript_of(transcripts: Sequence[Transcript], *languages: str) -> Transcript | None:
    for language in languages:
        for transcript in transcripts:
            if transcript.language == language:
                return transcript
    return transcripts[0] if transcripts else None


def _without_hidden(transcript: Transcript, answers: Iterable[Answer]) -> tuple[Transcript, frozenset[str]]:
    """The transcript without speech of drafts and withdrawn answers, and where it was cut."""
    hidden = [span for answer in answers if answer.state in _HIDDEN for span in answer.ranges]
    public = [span for answer in answers if answer.state is AnswerState.PUBLISHED for span in answer.ranges]
    kept: list[Cue] = []
    gaps: set[str] = set()
    for cue in transcript.cues:
        if _touches(cue, hidden) and not _inside(cue, public):
            gaps.add(kept[-1].id if kept else "")
        else:
            kept.append(cue)
    return replace(transcript, cues=tuple(kept)), frozenset(gaps)


def _inside(cue: Cue, ranges: Iterable[Span]) -> bool:
    """Whether most of a cue lies in the ranges."""
    if cue.span.duration_ms == 0:
        return any(span.start_ms <= cue.span.start_ms < span.end_ms for span in ranges)
    return 2 * sum(cue.span.overlap_ms(span) for span in ranges) > cue.span.duration_ms


def _touches(cue: Cue, ranges: Iterable[Span]) -> bool:
    """Whether any of a cue lies in the ranges: what is hidden is hidden with its edges."""
    return any(span.start_ms <= cue.span.start_ms < span.end_ms or cue.span.overlap_ms(span) for span in ranges)


def neighbours(session: PublicSession, answer_id: str) -> tuple[PublicAnswer | None, PublicAnswer | None]:
    """The answers before and after one in its session."""
    before = after = None
    for left, right in pairwise(session.answers):
        if right.answer.id == answer_id:
            before = left
        if left.answer.id == answer_id:
            after = right
    return before, after


@lru_cache(maxsize=4096)
def key_of(title: str) -> str:
    """What makes two spellings of a topic, product or name the same: case and spaces do not count, umlauts do."""
    return " ".join(title.casefold().split())
