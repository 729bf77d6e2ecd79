"""Masking: a session of the archive without the names of those who do not want to be named. Pure.

The files keep every name, for hosts correct them and a no can be taken back; everything public is made from what comes
out of here: pages, lists, feeds, exports, captions, clips, what stands beside videos.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NewType

from streamhub.answers.answer import Answer
from streamhub.archive.archived import ArchivedSession
from streamhub.schedule.masks import Masker
from streamhub.schedule.show import Participant
from streamhub.text import slugify
from streamhub.transcript.hiding import hide_in_cues
from streamhub.transcript.transcript import Transcript

MaskedSession = NewType("MaskedSession", ArchivedSession)
"""A session of the archive without these names: all that pages, lists, clips and videos are made from."""


def mask_archived(session: ArchivedSession) -> MaskedSession:
    """The session with a role in the place of each name that must not be shown; doing it twice changes nothing."""
    if not session.unnamed:
        return MaskedSession(session)
    masker = Masker(session.participants, session.unnamed, session.language)
    masked = replace(
        session,
        show_title=masker.text(session.show_title),
        title=masker.text(session.title),
        recap=masker.text(session.recap),
        participants=tuple(_mask_person(one, masker) for one in session.participants),
        unnamed=(),
        unclipped=tuple(map(masker.name, session.unclipped)),
        recordings=tuple(replace(one, label=masker.text(one.label)) for one in session.recordings),
        transcripts=tuple(_mask_transcript(one, masker) for one in session.transcripts),
        translations=tuple(_mask_transcript(one, masker) for one in session.translations),
        answers=tuple(_mask_answer(one, masker) for one in session.answers),
    )
    return MaskedSession(masked)


def _mask_person(one: Participant, masker: Masker) -> Participant:
    if masker.hides(one.name):
        return Participant(name=masker.name(one.name), role=one.role)
    return replace(one, about=masker.text(one.about))


def _mask_transcript(transcript: Transcript, masker: Masker) -> Transcript:
    return replace(transcript, cues=hide_in_cues(transcript.cues, masker))


def _mask_answer(answer: Answer, masker: Masker) -> Answer:
    """An answer whose question held a name has another address, for the old one is made of that question's words."""
    question = masker.text(answer.question)
    return replace(
        answer,
        question=question,
        slug=answer.slug if question == answer.question else slugify(question),
        body=masker.text(answer.body),
        asker=masker.name(answer.asker),
        writer=masker.name(answer.writer),
        answerers=tuple(dict.fromkeys(map(masker.name, answer.answerers))),
        topics=tuple(dict.fromkeys(map(masker.text, answer.topics))),
        products=tuple(dict.fromkeys(map(masker.text, answer.products))),
        evidence=tuple(map(masker.text, answer.evidence)),
    )
