"""What programs wrote about our mails, taken in with the mailbox's look: calendars' answers, and mails that came back.

Everything happens in the transaction that notes how far the mailbox was read, so that nothing is lost and nothing
counts twice. Whose answer it is is told by the entry's name alone, which only the hub can make. Addresses and comments
stay out of the log.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlite_utils import Database

from streamhub.questions.notice import Notice
from streamhub.schedule.calendar_reply import CalendarReply, weigh_reply
from streamhub.schedule.invitation import Invitation, decide_reply, is_answerable
from streamhub.store import invitations as invitation_rows
from streamhub.store import notices as rows
from streamhub.store import people as people_rows
from streamhub.store import shows as show_rows
from streamhub.web.rooms import plan_uid

LOG = logging.getLogger("streamhub.keepers.notices")


@dataclass(frozen=True, kw_only=True, slots=True)
class NoticeTaker:
    """Takes notices in.

    Attributes:
        secret: the hub's key, with which the names of entries are made.
    """

    secret: bytes = field(repr=False)

    def take(self, db: Database, notices: Sequence[Notice], at: datetime) -> frozenset[str]:
        """Take notices in; returns the ids of the sessions where something changed."""
        replies = [(one.ref, reply) for one in notices for reply in one.replies]
        changed = self._take_replies(db, replies, at) if replies else set()
        for one in notices:
            for returned in one.returned:
                mail = rows.keep_returned(db, one.ref, returned, at=at)
                if mail is not None:
                    LOG.info("mail_returned mail=%s kind=%s status=%s", mail.id, mail.kind, returned.status)
        return frozenset(changed)

    def _take_replies(self, db: Database, replies: Sequence[tuple[str, CalendarReply]], at: datetime) -> set[str]:
        named = {plan_uid(self.secret, one): one for one in invitation_rows.list_invitations(db)}
        changed: set[str] = set()
        for ref, reply in replies:
            invitation = named.get(reply.uid)
            if invitation is None:
                LOG.info("calendar_reply_unknown")
                continue
            after = self._take_reply(db, ref, reply, invitation, at)
            if after is not None:
                named[reply.uid] = after
                changed.add(invitation.session_id)
        return changed

    def _take_reply(
        self, db: Database, ref: str, reply: CalendarReply, invitation: Invitation, at: datetime
    ) -> Invitation | None:
        """The invitation after an answer; None where nobody has to hear of it."""
        person = people_rows.load_person(db, invitation.person_id)
        session = show_rows.load_session(db, invitation.session_id)
        weighed = weigh_reply(
            invitation,
            reply,
            address=person.email,
            link_version=person.link_version,
            still_open=is_answerable(session, now=at),
            at=at,
        )
        kept = rows.KeptReply(
            ref=ref,
            session_id=session.id,
            person_id=person.id,
            at=at,
            weight=weighed.weight,
            reply=weighed.reply,
            proposed_at=reply.proposed_at,
            comment=reply.comment,
        )
        if not rows.keep_reply(db, kept):
            return None
        LOG.info("calendar_reply session_id=%s person=%s weight=%s", session.id, person.id, weighed.weight)
        if not weighed.weight.decides:
            return invitation
        after = decide_reply(invitation, weighed.reply, at=weighed.at)
        if after is not invitation:
            action = f"invitation.reply.{after.reply}"
            invitation_rows.change_invitation(db, after, action, at=at, author="")
        return after
