"""The noun of a notice: a mail that a program wrote about one of ours, such as a calendar's answer or a returned mail.

Pure. Refuses to know mails as bytes (`streamhub.questions.notice_mail` reads them) and what follows from a notice.
"""

from __future__ import annotations

from dataclasses import dataclass

from streamhub.schedule.calendar_reply import CalendarReply


@dataclass(frozen=True, kw_only=True, slots=True)
class Returned:
    """A mail that did not arrive.

    Attributes:
        message_id: of the mail, without brackets.
        status: the enhanced status code, such as ``5.1.1`` (RFC 3463).
    """

    message_id: str
    status: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """What one such mail says.

    Attributes:
        ref: digest of its Message-ID, so that it counts once.
        replies: what calendars answer in it, each once.
        returned: mails that did not arrive and will not.
    """

    ref: str
    replies: tuple[CalendarReply, ...] = ()
    returned: tuple[Returned, ...] = ()
