"""The role of a sender of mail, and its fake.

Refuses to know how mail travels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Protocol


class Sender(Protocol):
    """Hands mail to whoever delivers it."""

    async def send(self, letter: EmailMessage, *, sender: str, recipient: str) -> None:
        """Hand a mail over; when this returns, it is the deliverer's business. The same mail may come twice.

        Args:
            letter: the whole mail.
            sender: where a failure of delivery is reported to.
            recipient: the one address.

        Raises:
            MailRefused: it will never be taken.
            MailDeferred: this mail is not taken now, others may be.
            Unavailable: none is taken now.
        """

    async def probe(self) -> str:
        """Look whether mail would be taken, and say what was seen, without sending any.

        Raises:
            Unavailable: it would not.
        """


@dataclass(slots=True)
class Pigeonhole:
    """A sender that keeps everything; raises what a test puts in.

    Attributes:
        letters: what was sent.
        failures: raised one after the other before anything is kept.
    """

    letters: list[EmailMessage] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    async def send(self, letter: EmailMessage, *, sender: str, recipient: str) -> None:
        """Keep it."""
        if self.failures:
            raise self.failures.pop(0)
        self.letters.append(letter)

    async def probe(self) -> str:
        """Always fine."""
        return "keeps everything"
