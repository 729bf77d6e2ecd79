"""The keeper of promises: whoever follows a question is told once when its answer is published.

It is told nothing and looks at everything: the followers' rows say who waits, the questions' states and the archive say
what is answered. The mail and the note that its reader was told are one transaction, and a mail's id is made of its
reason, so that neither a crash nor two hubs tell anybody twice. What is withdrawn before it was told is not told.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from sqlite_utils import Database

from streamhub.answers.answer import Answer, AnswerState
from streamhub.keepers.answered_mail import AnsweredFacts, plan_answered_mail
from streamhub.keepers.rounds import repeat
from streamhub.outbox.mail import TO_ASKERS, Mail, MailState
from streamhub.outbox.rules import plan_mail_id
from streamhub.questions.follower import Follower
from streamhub.questions.question import Question, QuestionState
from streamhub.store import followers as follower_rows
from streamhub.store import mails as mail_rows
from streamhub.store import questions as question_rows
from streamhub.store.store import Store
from streamhub.timecode import Now
from streamhub.web.links import Links

LOG = logging.getLogger("streamhub.keepers.teller")
KIND = TO_ASKERS
"""The kind of these mails."""

_PAUSE_S = 10.0
_FORGET_EVERY = timedelta(hours=1)
_UNTOLD_DAYS = 365
"""An address that was never needed goes after so many days."""


class AnswerPlaces(Protocol):
    """Where answers stand; a part of `streamhub.web.services.Answers`."""

    async def list(self, session_id: str) -> Sequence[Answer]:
        """All answers of a session."""

    def page(self, answer: Answer) -> str:
        """Path of the answer's page within the archive site."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TellerParts:
    """What the teller works with.

    Attributes:
        store: the hub's data.
        answers: where answers stand.
        is_built: whether a page of the site is there, by its path.
        links: addresses of the hub's pages and of the site.
        hub_name: who writes.
        by_rule: whether mails go out by themselves.
        keep_days: days after which an address goes.
        secret: the hub's key; makes the ids of mails.
        now: the clock.
    """

    store: Store
    answers: AnswerPlaces
    is_built: Callable[[str], bool]
    links: Links
    hub_name: str
    by_rule: bool
    keep_days: int
    secret: bytes = field(repr=False)
    now: Now


@dataclass(frozen=True, kw_only=True, slots=True)
class _Due:
    """Somebody who may be told now: the follower, the question as followed, and the one that was answered."""

    follower: Follower
    followed: Question
    target: Question


class Teller:
    """Tells whoever waits."""

    def __init__(self, parts: TellerParts) -> None:
        self._parts = parts
        self._forgets_at: datetime | None = None

    async def watch(self, pause_s: float = _PAUSE_S) -> None:
        """Look again and again; ends by being cancelled."""
        await repeat(self.sync, name="teller", log=LOG, pause_s=pause_s)

    async def sync(self) -> int:
        """Tell everybody who is to be told now, take back what is not true any more; returns how many were told."""
        if await self._parts.store.read(find_untrue):
            await self._parts.store.write(self._take_back)
        due = await self._parts.store.read(find_due)
        answers: dict[str, Answer] = {}
        for session_id in dict.fromkeys(one.target.session_id for one in due):
            answers |= {answer.id: answer for answer in await self._parts.answers.list(session_id)}
        told = 0
        for one in due:
            answer = answers.get(one.target.id)
            if answer is not None and answer.state is AnswerState.PUBLISHED and self._is_there(answer):
                told += await self._parts.store.write(lambda db, one=one, answer=answer: self._tell(db, one, answer))  # type: ignore[misc]
        await self._forget()
        return told

    def _is_there(self, answer: Answer) -> bool:
        """Whether its page can be looked at; the site follows the archive within seconds."""
        return self._parts.is_built(self._parts.answers.page(answer))

    def _tell(self, db: Database, due: _Due, answer: Answer) -> bool:
        """Write the mail and note it, in one transaction; nothing when somebody was quicker or changed his mind."""
        follower = follower_rows.find_follower(db, due.follower.id)
        if follower is None or not follower.email or follower.told_at is not None:
            return False
        if question_rows.load_question(db, due.target.id).state is not QuestionState.PUBLISHED:
            return False
        at = self._parts.now()
        follower_rows.mark_told(db, follower.id, about=due.target.id, at=at)
        fresh = mail_rows.put_mail(db, self._write(due, answer))
        LOG.info("told follower=%s question=%s mail=%s", follower.id, due.target.id, fresh)
        return fresh

    def _write(self, due: _Due, answer: Answer) -> Mail:
        parts, follower = self._parts, due.follower
        facts = AnsweredFacts(
            kind=follower.kind,
            question=due.followed.text,
            target=due.target.text if due.target.id != due.followed.id else "",
            answerers=answer.answerers,
            length_ms=sum(span.duration_ms for span in answer.ranges) if answer.ranges else None,
            answer_url=parts.links.answer(parts.answers.page(answer), answer.start_ms),
            helped_url=parts.links.helped(follower.id),
            leave_url=parts.links.leave(follower.id),
            hub_name=parts.hub_name,
            keep_days=parts.keep_days,
        )
        subject, body = plan_answered_mail(facts, follower.language)
        return Mail(
            id=plan_mail_id(parts.secret, kind=KIND, recipient=follower.email, object=due.target.id),
            kind=KIND,
            object=due.target.id,
            followed=due.followed.id,
            recipient=follower.email,
            language=follower.language,
            subject=subject,
            body=body,
            leave_url=facts.leave_url,
            state=MailState.QUEUED if parts.by_rule else MailState.DRAFT,
            made_at=parts.now(),
        )

    def _take_back(self, db: Database) -> None:
        """Delete mails that nobody saw about answers that are not public any more; they may become true again."""
        for mail in find_untrue(db):
            mail_rows.delete_mail(db, mail.id)
            follower_rows.untell(db, about=mail.object, email=mail.recipient)

    async def _forget(self) -> None:
        """Delete addresses and mails that did their duty."""
        now = self._parts.now()
        if self._forgets_at is not None and now < self._forgets_at:
            return
        self._forgets_at = now + _FORGET_EVERY
        told_before = now - timedelta(days=self._parts.keep_days)
        never = now - timedelta(days=_UNTOLD_DAYS)

        def forget(db: Database) -> int:
            mails = mail_rows.forget_mails(db, made_before=told_before)
            return mails + follower_rows.forget_addresses(db, told_before=told_before, made_before=never)

        if forgotten := await self._parts.store.write(forget):
            LOG.info("addresses_forgotten count=%d", forgotten)


def find_due(db: Database) -> list[_Due]:
    """Everybody who waits for a question that is answered in public now."""
    due = []
    for follower in follower_rows.list_untold(db, due=True):
        followed = question_rows.load_question(db, follower.question_id)
        target = follower_rows.resolve_merged(db, followed)
        if target.state is QuestionState.PUBLISHED:
            due.append(_Due(follower=follower, followed=followed, target=target))
    return due


def find_untrue(db: Database) -> list[Mail]:
    """Mails that nobody saw and that may not go out any more."""
    return [mail for mail in mail_rows.list_unsent(db, KIND) if not is_still_true(db, mail)]


def is_still_true(db: Database, mail: Mail) -> bool:
    """Whether a mail may go out: one about an answer only while that is public and its reader wants it."""
    if mail.kind != KIND:
        return True
    if question_rows.load_question(db, mail.object).state is not QuestionState.PUBLISHED:
        return False
    return follower_rows.is_wanted(db, about=mail.object, email=mail.recipient)
