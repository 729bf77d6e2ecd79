"""The keeper of the outbox: sends what is queued, each mail at least once and under one Message-ID.

A mail is taken in the store before the mail server hears of it, so that a hub that was killed knows what it was doing.
A server that takes nothing is asked again after pauses that grow; a mail that is refused waits for a person. Refuses to
know why mails are written, and how they travel.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from streamhub.errors import MailDeferred, MailRefused, StreamhubError
from streamhub.outbox.letter import build_letter
from streamhub.outbox.mail import Letterhead, Mail
from streamhub.outbox.rules import plan_pause
from streamhub.outbox.sender import Sender
from streamhub.store import mails as mail_rows
from streamhub.store.store import Store
from streamhub.timecode import Now

LOG = logging.getLogger("streamhub.keepers.postman")
_PAUSE_S = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class PostmanParts:
    """What the postman works with.

    Attributes:
        store: the hub's data.
        sender: hands mail over.
        head: who writes.
        wanted: whether a mail's reason still holds; asked in the transaction that takes it for sending.
        now: the clock.
    """

    store: Store
    sender: Sender
    head: Letterhead
    wanted: Callable[[Database, Mail], bool]
    now: Now


@dataclass(slots=True)
class Postman:
    """Sends queued mail.

    Attributes:
        trouble: why nothing goes out at the moment; empty when all is well.
        rests_until: not before that the server is asked again; None: at once.
    """

    parts: PostmanParts
    trouble: str = ""
    rests_until: datetime | None = None
    _breaks: int = 0

    async def watch(self, pause_s: float = _PAUSE_S) -> None:
        """Send whatever is queued, again and again; ends by being cancelled."""
        recovering = True  # what a process before this one was sending when it ended
        while True:
            try:
                if recovering:
                    await self._take_up_unfinished()
                    recovering = False
                await self.send_due()
            except StreamhubError as error:
                LOG.warning("postman_failed error=%s", error)
            except Exception:  # a job's boundary: the outbox outlives whatever one mail ran into
                LOG.exception("postman_broke")
                self._rest("the outbox broke off; the log says where", self.parts.now())
                recovering = True
            await asyncio.sleep(pause_s)

    async def _take_up_unfinished(self) -> None:
        recovered = await self.parts.store.write(mail_rows.recover_mails)
        if recovered:
            LOG.info("mails_recovered count=%d", recovered)

    async def send_due(self) -> int:
        """Send everything that is due, one after the other; returns how many went out."""
        sent = 0
        while self.rests_until is None or self.parts.now() >= self.rests_until:
            at, domain = self.parts.now(), self.parts.head.domain
            mail = await self.parts.store.write(
                lambda db, at=at, domain=domain: mail_rows.claim_mail(  # type: ignore[misc]
                    db, domain, at=at, wanted=self.parts.wanted
                )
            )
            if mail is None:
                break
            sent += await self._send(mail)
        return sent

    async def _send(self, mail: Mail) -> bool:
        """Send one mail that was taken; says whether it went out."""
        head, at = self.parts.head, self.parts.now()
        try:
            letter = build_letter(mail, head, at=at)
            await self.parts.sender.send(letter, sender=head.envelope, recipient=mail.recipient)
        except (MailRefused, ValueError) as refused:
            reason = str(refused) if isinstance(refused, MailRefused) else "its headers cannot be written"
            LOG.warning("mail_refused mail=%s kind=%s", mail.id, mail.kind)
            await self.parts.store.write(lambda db: mail_rows.refuse_mail(db, mail.id, reason))
            self._recover()
        except StreamhubError as trouble:
            reason = str(trouble)
            await self.parts.store.write(lambda db: mail_rows.postpone_mail(db, mail.id, reason, at=at))
            LOG.warning("mail_postponed mail=%s kind=%s reason=%s", mail.id, mail.kind, trouble)
            if not isinstance(trouble, MailDeferred):
                self._rest(reason, at)
        else:
            await self.parts.store.write(lambda db: mail_rows.finish_mail(db, mail.id, at=at))
            LOG.info("mail_sent mail=%s kind=%s", mail.id, mail.kind)
            self._recover()
            return True
        return False

    def _rest(self, reason: str, at: datetime) -> None:
        self._breaks += 1
        pause = plan_pause(self._breaks) or plan_pause(1)
        self.trouble, self.rests_until = reason, at + pause if pause else None

    def _recover(self) -> None:
        self._breaks, self.trouble, self.rests_until = 0, "", None
