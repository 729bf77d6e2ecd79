"""Masking: a session of the archive without the names of those who do not want to be named. Pure.

The files keep every name, for hosts correct them and a no can be taken back; everything public is made from what comes
out of here: pages, lists, feeds, exports, captions, clips, what stands beside videos.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from streamhub.answers.answer import Answer
from streamhub.archive.archived import ArchivedSession
from streamhub.schedule.agreement import person_key
from streamhub.schedule.masks import make_masker, mask_name, plan_masks, plan_session_masks
from streamhub.schedule.show import Participant, Session
from streamhub.transcript.transcript import Cue, Transcript


def mask_archived(session: ArchivedSession) -> ArchivedSession:
    """The session with a role in the place of each name that must not be shown; doing it twice changes nothing."""
    if not session.unnamed:
        return session
    masks = plan_masks(session.participants, session.unnamed, session.language)
    clean, hidden = make_masker(masks), {person_key(name) for name in masks}
    return replace(
        session,
        title=clean(session.title),
        recap=clean(session.recap),
        participants=tuple(
            Participant(name=mask_name(one.name, masks), role=one.role) if person_key(one.name) in hidden else one
            for one in session.participants
        ),
        unnamed=(),
        unclipped=tuple(mask_name(name, masks) for name in session.unclipped),
        transcripts=tuple(_mask_transcript(one, masks, clean) for one in session.transcripts),
        translations=tuple(_mask_transcript(one, masks, clean) for one in session.translations),
        answers=tuple(_mask_answer(one, masks, clean) for one in session.answers),
    )


def mask_one(session: ArchivedSession, answer: Answer) -> tuple[ArchivedSession, Answer]:
    """A session and one of its answers, both without these names."""
    if not session.unnamed:
        return session, answer
    masks = plan_masks(session.participants, session.unnamed, session.language)
    return mask_archived(session), _mask_answer(answer, masks, make_masker(masks))


def mask_cues(session: Session, cues: Sequence[Cue]) -> tuple[Cue, ...]:
    """What was heard of a session that runs, without these names; the very same cues where nobody has to be hidden."""
    masks = plan_session_masks(session)
    if not masks:
        return tuple(cues)
    return tuple(_mask_cues(cues, masks, make_masker(masks)))


def _mask_transcript(transcript: Transcript, masks: Mapping[str, str], clean: Callable[[str], str]) -> Transcript:
    return replace(transcript, cues=tuple(_mask_cues(transcript.cues, masks, clean)))


def _mask_cues(cues: Iterable[Cue], masks: Mapping[str, str], clean: Callable[[str], str]) -> Iterator[Cue]:
    """The times of a sentence's words go with the name that stood among them."""
    for cue in cues:
        text = clean(cue.text)
        words = cue.words if text == cue.text else ()
        yield replace(cue, text=text, speaker=mask_name(cue.speaker, masks), words=words)


def _mask_answer(answer: Answer, masks: Mapping[str, str], clean: Callable[[str], str]) -> Answer:
    return replace(
        answer,
        question=clean(answer.question),
        body=clean(answer.body),
        asker=mask_name(answer.asker, masks),
        writer=mask_name(answer.writer, masks),
        answerers=tuple(dict.fromkeys(mask_name(name, masks) for name in answer.answerers)),
        evidence=tuple(clean(line) for line in answer.evidence),
    )
