"""What the archive gets of a session: its transcript, its answers where they were found, and their states.

Owns what the hub has to know for that, and how it becomes files; nothing of it depends on who works when. Refuses to
know recognisers, workflows and pages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlite_utils import Database

from streamhub.answers.answer import Answer, AnswerState
from streamhub.answers.rules import find_shift, plan_answers
from streamhub.answers.written import draft_written, with_writing
from streamhub.archive.archived import ArchivedRecording, ArchivedSession
from streamhub.archive.folder import load_session, save_session
from streamhub.config import AnswerSettings
from streamhub.errors import NotFound
from streamhub.live.mark import Mark
from streamhub.questions.question import Question, QuestionState
from streamhub.questions.writing import Proposal
from streamhub.recording.recording import Recording
from streamhub.schedule.invitation import Purpose
from streamhub.schedule.show import Participant, Role, Session, SessionState, Show
from streamhub.store import marks as mark_rows
from streamhub.store import proposals as proposal_rows
from streamhub.store import questions as question_rows
from streamhub.store import recordings as recording_rows
from streamhub.store import shows as show_rows
from streamhub.store import voices as voice_rows
from streamhub.store.agreements import list_lacking_names
from streamhub.store.consents import find_successions
from streamhub.store.store import Store
from streamhub.transcript.rules import move_captions, to_session_clock
from streamhub.transcript.signs import name_by_signs
from streamhub.transcript.transcript import Transcript

ERASED = "[…]"
"""Stands in the archive where a question stood that was erased at its asker's wish."""

Q = QuestionState
_ANSWERED = frozenset({Q.ANSWERED_LIVE, Q.ANSWERED_IN_WRITING, Q.ON_AIR, Q.PUBLISHED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """What was answered in writing.

    Attributes:
        questions: those that it is about, answered or not.
        accepted: by question, the proposal that hosts accepted.
        known: by question, digests of all that was ever accepted for it.
    """

    questions: Sequence[Question]
    accepted: Mapping[str, Proposal]
    known: Mapping[str, frozenset[str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What the hub knows of a session when its answers are cut.

    Attributes:
        voices: what people called its show's speakers.
        unnamed: names that must not be shown.
        unclipped: names of those who agree to no clip.
    """

    show: Show
    session: Session
    questions: Sequence[Question]
    marks: Sequence[Mark]
    recording: Recording | None
    written: Written
    voices: Mapping[str, str]
    unnamed: tuple[str, ...] = ()
    unclipped: tuple[str, ...] = ()


def load_facts(db: Database, session_id: str) -> Facts:
    """What the hub knows of a session when its answers are cut.

    Raises:
        NotFound: no such session.
    """
    session = show_rows.load_session(db, session_id)
    marks = mark_rows.list_marks(db, session_id)
    marked = {mark.question_id for mark in marks}
    wanted = [
        question
        for question in question_rows.list_questions(db, session_id)
        if question.state in _ANSWERED or (question.state is Q.WITHDRAWN and question.id in marked)
    ]
    people = [one.name for one in session.participants]
    return Facts(
        show=show_rows.load_show(db, session.show_id),
        session=session,
        questions=wanted,
        marks=marks,
        recording=recording_rows.find_recording(db, session_id),
        written=_load_written(db, session_id, frozenset(question.id for question in wanted)),
        voices=voice_rows.list_voice_names(db, session.show_id),
        unnamed=list_lacking_names(db, session_id, Purpose.NAME, people),
        unclipped=list_lacking_names(db, session_id, Purpose.CLIPS, people),
    )


def _load_written(db: Database, session_id: str, ids: frozenset[str]) -> Written:
    questions = [question for question in question_rows.list_questions(db, session_id) if question.id in ids]
    found = [question.id for question in questions]
    return Written(
        questions=questions,
        accepted=proposal_rows.list_accepted(db, found),
        known=proposal_rows.list_digests(db, found),
    )


def plan_written(answers: Sequence[Answer], written: Written) -> list[Answer]:
    """The answers with what was written for them: addenda of spoken ones, and answers that were given in writing alone.

    An answer of which nothing is left, because what was written for it was taken back, goes.
    """
    questions = {question.id: question for question in written.questions}
    planned = []
    for before in answers:
        question = questions.get(before.id)
        if question is None:
            planned.append(before)
            continue
        known = written.known.get(before.id, frozenset())
        answer = with_writing(before, written.accepted.get(before.id), known=known)
        emptied = before.body.strip() and not answer.body.strip() and not answer.ranges
        if not emptied or question.state in {Q.ANSWERED_LIVE, Q.ON_AIR}:
            planned.append(answer)
    there = {answer.id for answer in answers}
    wanted = _ANSWERED | {Q.WITHDRAWN}
    fresh = [key for key in written.accepted if key not in there and questions[key].state in wanted]
    return [*planned, *(draft_written(questions[key], written.accepted[key]) for key in fresh)]


def plan_archived(
    facts: Facts, transcript: Transcript | None, settings: AnswerSettings, *, captions: bool
) -> ArchivedSession:
    """A session as the archive gets it, with its answers as drafts where the witnesses say.

    Args:
        facts: what the hub knows of it.
        transcript: on the recording's clock; None where nobody heard anything.
        settings: of the answers stage.
        captions: whether the transcript came as captions, which may be out of step with the recording.
    """
    session, recording = facts.session, facts.recording
    if transcript and recording:
        transcript = to_session_clock(transcript, recording.clock)
    if transcript:
        transcript = replace(transcript, cues=name_by_signs(transcript.cues, session.participants))
    # What was withdrawn before it was cut is cut all the same: only what has a range can be kept out of the transcript.
    withdrawn = {question.id for question in facts.questions if question.state is Q.WITHDRAWN}
    questions = [replace(q, state=Q.ANSWERED_LIVE) if q.id in withdrawn else q for q in facts.questions]
    if transcript and captions:  # what was heard in the recording cannot be out of step with it
        shift_ms = find_shift(session, questions, facts.marks, transcript, lag_s=settings.lag_s)
        transcript = move_captions(transcript, shift_ms) if shift_ms else transcript
    heard = transcript or Transcript(language=session.language)
    spoken = plan_answers(session, _named(questions), facts.marks, heard, lag_s=settings.lag_s)
    states = {question.id: question.state for question in facts.questions}
    return ArchivedSession(
        id=session.id,
        show_id=facts.show.id,
        show_title=facts.show.title,
        title=session.title,
        starts_at=session.started_at or session.starts_at,
        zone=session.zone,
        language=session.language,
        participants=_host_first(session.participants),
        unnamed=facts.unnamed,
        unclipped=facts.unclipped,
        recordings=(_archived_recording(recording),) if recording else (),
        transcripts=(transcript,) if transcript else (),
        answers=tuple(
            with_state(answer, states[answer.id]) if states[answer.id] is Q.WITHDRAWN else answer
            for answer in plan_written(spoken, facts.written)
        ),
        public=session.state is SessionState.PUBLISHED,
    )


def plan_recut(facts: Facts, archived: ArchivedSession, settings: AnswerSettings) -> tuple[Answer, ...]:
    """The answers of an archived session, cut anew; those that were never on air stay as they are."""
    transcripts = {transcript.language: transcript for transcript in archived.transcripts}
    heard = transcripts.get(facts.session.language) or Transcript(language=facts.session.language)
    states = {question.id: question.state for question in facts.questions}
    questions = [replace(q, state=Q.ANSWERED_LIVE) if q.state is Q.WITHDRAWN else q for q in facts.questions]
    planned = plan_answers(facts.session, _named(questions), facts.marks, heard, lag_s=settings.lag_s)
    fresh = {answer.id: with_state(answer, states.get(answer.id)) for answer in planned}
    kept = tuple(_recut_answer(answer, fresh.pop(answer.id, None)) for answer in archived.answers)
    return (*kept, *fresh.values())


def _recut_answer(answer: Answer, fresh: Answer | None) -> Answer:
    """An answer where it is now said to be, unless somebody accepted it; what else is known of it stays."""
    accepted = answer.confidence >= 1 and bool(answer.ranges)  # no machine is that sure: a person looked at it
    if fresh is None or not fresh.ranges or accepted:
        return answer
    return replace(
        answer,
        ranges=fresh.ranges,
        answerers=fresh.answerers,
        confidence=fresh.confidence,
        evidence=fresh.evidence,
    )


def _named(questions: Iterable[Question]) -> list[Question]:
    """The questions; those that were erased with a sign for their words, since an answer without any is none."""
    return [question if question.text else replace(question, text=ERASED) for question in questions]


def without_erased(answers: Iterable[Answer], erased: Collection[str]) -> list[Answer]:
    """The answers; of those whose questions were erased nothing is left but where they are, so that it stays hidden."""
    return [
        replace(answer, question=ERASED, slug="x", asker="", body="", writer="", evidence=())
        if answer.id in erased
        else answer
        for answer in answers
    ]


def _host_first(participants: Sequence[Participant]) -> tuple[Participant, ...]:
    named = (replace(one, named=True, written=True) for one in participants)  # who is not stands in lists of their own
    return tuple(sorted(named, key=lambda p: p.role is not Role.HOST))


def _archived_recording(recording: Recording) -> ArchivedRecording:
    info = recording.info
    return ArchivedRecording(
        url=recording.path,
        mime="video/mp4" if info.video_codec else "audio/mp4",
        duration_ms=info.duration_ms,
        clock=recording.clock,
        has_video=bool(info.video_codec),
    )


def with_successor(answer: Answer, successor_id: str) -> Answer:
    """The answer with the one that took its place; none for a public one, and as it is where nobody said."""
    if answer.state is AnswerState.SUPERSEDED:
        return replace(answer, superseded_by=successor_id or answer.superseded_by)
    return replace(answer, superseded_by="") if answer.state is AnswerState.PUBLISHED else answer


def with_state(answer: Answer, state: QuestionState | None) -> Answer:
    """The answer in the state that its question has; as it is for a state that says nothing about answers.

    What has neither a range nor a written body is no answer yet, so it stays a draft whatever is said.
    """
    if state is Q.PUBLISHED and (answer.ranges or answer.body.strip()):
        return replace(answer, state=AnswerState.PUBLISHED)
    if state is Q.WITHDRAWN:
        return replace(answer, state=AnswerState.WITHDRAWN)
    if state is Q.SUPERSEDED:
        return replace(answer, state=AnswerState.SUPERSEDED)
    return replace(answer, state=AnswerState.DRAFT) if state in _ANSWERED else answer


def _list_names(archived: ArchivedSession) -> list[str]:
    """Every name under which somebody stands in a session."""
    names = [one.name for one in archived.participants]
    for answer in archived.answers:
        names += [*answer.answerers, answer.writer, answer.asker]
    for transcript in archived.transcripts:
        names += dict.fromkeys(cue.speaker for cue in transcript.cues)
    return [name for name in dict.fromkeys(names) if name]


async def write_states(store: Store, transcripts: Path, session_id: str, ids: frozenset[str]) -> tuple[Answer, ...]:
    """Have the files of a session follow these answers; returns all of its answers, none where it is not cut yet.

    Nobody else may write to the archive meanwhile.
    """
    session, written, successors = await store.read(
        lambda db: (
            show_rows.load_session(db, session_id),
            _load_written(db, session_id, ids),
            find_successions(db, ids),
        )
    )
    try:
        archived = await asyncio.to_thread(load_session, transcripts, session.show_id, session_id)
    except NotFound:  # not cut yet: whoever cuts it looks at the states
        return ()
    states = {question.id: question.state for question in written.questions}
    answers = tuple(
        with_successor(with_state(answer, states.get(answer.id)), successors.get(answer.id, ""))
        for answer in plan_written(archived.answers, written)
    )
    erased = {question.id for question in written.questions if not question.text}
    answers = tuple(without_erased(answers, erased))
    public = session.state is SessionState.PUBLISHED
    names = _list_names(archived)
    unnamed, unclipped = await store.read(
        lambda db: (
            list_lacking_names(db, session_id, Purpose.NAME, names),
            list_lacking_names(db, session_id, Purpose.CLIPS, names),
        )
    )
    changed = replace(archived, answers=answers, public=public, unnamed=unnamed, unclipped=unclipped)
    await asyncio.to_thread(save_session, transcripts, changed, loaded=archived)
    return answers
