"""The noun of a promise: somebody who is told, once, when a question is answered.

Owns who is told and why an address may not be taken. The address is never shown to anybody; it is deleted some time
after the promise was kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MOST_A_DAY = 10
"""So many promises one address may be given in a day: an evening's questions, but no mail bomb."""

CONSENT_TEXT = "2026-11"
"""Version of the sentence beside the address; changes with its wording."""


class FollowerKind(StrEnum):
    """Why somebody is told."""

    ASKER = "asker"
    ME_TOO = "me_too"


@dataclass(frozen=True, kw_only=True, slots=True)
class Follower:
    """Somebody who is told when a question is answered.

    Attributes:
        id: drawn at random; stands in the links of the mail instead of the address.
        question_id: the question as it was followed; it may be merged into another one since.
        email: where to write; empty once it was deleted.
        language: ``de`` or ``en``, as the person read the page.
        kind: why.
        voter: id of the browser that followed; empty where none is known.
        consent: version of the sentence that was agreed to.
        at: when, UTC.
        told_at: when the mail was put into the outbox, UTC; None: not yet.
        told_about: id of the answer that the mail is about; empty: none yet.
    """

    id: str
    question_id: str
    email: str
    language: str
    kind: FollowerKind
    voter: str = ""
    consent: str = CONSENT_TEXT
    at: datetime
    told_at: datetime | None = None
    told_about: str = ""
