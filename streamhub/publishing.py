"""The gate before the public: who has to agree, and which answer takes the place of which.

States and consents stand in the store, what is said by whom in the archive's files. Refuses to know pages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

from streamhub.answers.consent import Consent, find_word, list_missing
from streamhub.archive.archived import ArchivedSession
from streamhub.archive.folder import load_session
from streamhub.archive.public import speakers_of
from streamhub.errors import Conflict, NoConsent, NotFound
from streamhub.ordering import CUT_STATES, order_publication
from streamhub.questions.question import QuestionState
from streamhub.schedule.agreement import find_voices
from streamhub.schedule.show import Publishing
from streamhub.store import consents as rows
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
from streamhub.store.agreements import list_voices
from streamhub.store.consents import Successor
from streamhub.store.store import Store
from streamhub.text import clean_line
from streamhub.timecode import Now
from streamhub.web.services import ConsentView

MAX_NAME_LENGTH = 80
_BY_LINK = "personal link"
_PUBLIC = frozenset({QuestionState.PUBLISHED})


def list_withheld(db: Database, session_id: str, people: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Of these answers with those who speak in them, the ones that may not be published, and because of whom."""
    show = show_rows.load_show(db, show_rows.load_session(db, session_id).show_id)
    needed = show.publishing is Publishing.CONSENT
    return _list_missing(db, session_id, people, needed=needed)


def _list_missing(
    db: Database, session_id: str, people: Mapping[str, Sequence[str]], *, needed: bool
) -> dict[str, tuple[str, ...]]:
    said, voices = rows.list_consents(db, session_id), list_voices(db, session_id)
    found = {key: list_missing(names, key, said, needed=needed, voices=voices) for key, names in people.items()}
    return {key: names for key, names in found.items() if names}


def require_consent(db: Database, session_id: str, people: Mapping[str, Sequence[str]]) -> None:
    """Insist that these answers may be published.

    Raises:
        NoConsent: somebody said no, or consent is needed and somebody said nothing.
    """
    for answer_id, names in list_withheld(db, session_id, people).items():
        raise NoConsent(
            f"answer {answer_id}: {', '.join(names)} did not agree that it is published",
            hint="ask, and note the answer on the review page",
            names=names,
        )


def _withdraw_refused(
    db: Database, session_id: str, people: Mapping[str, Sequence[str]], *, at: datetime, author: str
) -> list[str]:
    """Withdraw what is public with the voice of somebody who says no; returns what went."""
    public = {one.id for one in question_rows.list_questions(db, session_id, states=_PUBLIC)}
    refused = _list_missing(db, session_id, people, needed=False)
    gone = [one for one in people if one in public and one in refused]
    for one in gone:
        question_rows.step_question(db, one, QuestionState.WITHDRAWN, at=at, author=author)
    return gone


@dataclass(frozen=True, kw_only=True, slots=True)
class HubGate:
    """The role `streamhub.web.services.Gate`.

    Attributes:
        store: the hub's data.
        transcripts: folder of the archive.
        now: the clock.
    """

    store: Store
    transcripts: Path
    now: Now

    async def consents(self, archived: ArchivedSession, answer_id: str) -> ConsentView:
        """Who speaks in an answer, and what each said."""
        show, said, voices = await self.store.read(
            lambda db: (
                show_rows.load_show(db, archived.show_id),
                rows.list_consents(db, archived.id),
                list_voices(db, archived.id),
            )
        )
        answer = next((one for one in archived.answers if one.id == answer_id), None)
        names = speakers_of(answer, archived) if answer else ()
        needed = show.publishing is Publishing.CONSENT
        return ConsentView(
            needed=needed,
            people=tuple((name, find_word(name, answer_id, said)) for name in names),
            missing=list_missing(names, answer_id, said, needed=needed, voices=voices),
            voices={name: found for name in names if (found := find_voices(name, voices))},
        )

    async def note_consent(
        self, session_id: str, name: str, answer_id: str, *, given: bool, author: str
    ) -> Sequence[str]:
        """Note what a person said; a no takes what is public and has her voice out of the public at once.

        Args:
            session_id: the session.
            name: the person.
            answer_id: the answer that it is about; empty for all of the session.
            given: whether it is a yes.
            author: who notes it.

        Returns:
            The answers that were withdrawn.

        Raises:
            NotFound: no such session.
            BadInput: no name.
        """
        people, at = await self._heard(session_id), self.now()
        consent = Consent(
            name=clean_line(name, max_length=MAX_NAME_LENGTH, what="name"),
            answer_id=answer_id,
            given=given,
            at=at,
            author=author,
        )

        def note(db: Database) -> Sequence[str]:
            rows.save_consent(db, session_id, consent)
            gone = _withdraw_refused(db, session_id, people, at=at, author=author)
            if gone:
                order_publication(db, session_id, gone, at=at)
            return gone

        return await self.store.write(note)

    async def follow_words(self, session_id: str) -> Sequence[str]:
        """Have archive, site, clips and embeds follow what an invited person said behind his link.

        Returns:
            The answers that were withdrawn.

        Raises:
            NotFound: no such session.
        """
        people, at = await self._heard(session_id), self.now()

        def follow(db: Database) -> Sequence[str]:
            gone = _withdraw_refused(db, session_id, people, at=at, author=_BY_LINK)
            if show_rows.load_session(db, session_id).state in CUT_STATES:
                order_publication(db, session_id, gone, at=at)
            return gone

        return await self.store.write(follow)

    async def _heard(self, session_id: str) -> dict[str, tuple[str, ...]]:
        """Who is to be heard in each answer."""
        session = await self.store.read(lambda db: show_rows.load_session(db, session_id))
        return await asyncio.to_thread(self._people, session.show_id, session_id)

    async def successors(self, session_id: str, answer_id: str) -> Sequence[Successor]:
        """The public answers of the show that could take the place of one."""
        found = await self.store.read(lambda db: rows.list_successors(db, session_id))
        return [one for one in found if one.answer_id != answer_id]

    async def supersede(self, session_id: str, answer_id: str, successor_id: str, *, author: str) -> None:
        """Let another public answer take the place of one; its page stays and leads there.

        Raises:
            NotFound: no such answers.
            Conflict: one of them is not public, or they are one.
        """
        at = self.now()

        def supersede(db: Database) -> None:
            question, successor = (question_rows.load_question(db, one) for one in (answer_id, successor_id))
            if question.session_id != session_id:
                raise NotFound(f"answer {answer_id}: there is no such answer in session {session_id}")
            if question.id == successor.id or successor.state is not QuestionState.PUBLISHED:
                raise Conflict(
                    f"answer {successor_id}: cannot take the place of {answer_id}",
                    hint="choose another answer, one that is published",
                )
            question_rows.step_question(db, answer_id, QuestionState.SUPERSEDED, at=at, author=author)
            rows.save_succession(db, answer_id, successor_id, at=at, author=author)
            order_publication(db, session_id, [answer_id], at=at)

        await self.store.write(supersede)

    def _people(self, show_id: str, session_id: str) -> dict[str, tuple[str, ...]]:
        try:
            archived = load_session(self.transcripts, show_id, session_id)
        except NotFound:
            return {}
        return {answer.id: speakers_of(answer, archived) for answer in archived.answers}
