"""Why a step is refused by the state of things, in words: one code each, with the sentence and what to do about it.

The English sentences are the message ids of the web catalogue, so that a host reads them in German as well. Refuses to
know who raises them; logs and programs read the error's own message.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Refusal(StrEnum):
    """What stands in the way."""

    QUESTION_STEP = "question_step"
    QUESTION_ERASED = "question_erased"
    NOT_ON_AIR = "not_on_air"
    NO_VOTES = "no_votes"
    NOT_QUEUED = "not_queued"
    NOT_LIVE = "not_live"
    SESSION_STEP = "session_step"


SENTENCES: Mapping[Refusal, tuple[str, str]] = MappingProxyType(
    {
        Refusal.QUESTION_STEP: (
            "The question is not in a state from which this can be done (%(state)s).",
            "Look at it as it is now, then decide again.",
        ),
        Refusal.QUESTION_ERASED: (
            "The question was erased at its asker's wish.",
            "Nothing more can be done to it.",
        ),
        Refusal.NOT_ON_AIR: (
            "The question is not on air (%(state)s).",
            "Look at it as it is now, then decide again.",
        ),
        Refusal.NO_VOTES: (
            "This question takes no more votes.",
            "Look at it as it is now, then decide again.",
        ),
        Refusal.NOT_QUEUED: (
            "The question is not in the queue (%(state)s).",
            "Put it into the queue first.",
        ),
        Refusal.NOT_LIVE: (
            "The session is not live.",
            "Questions go on air when it is: go live first.",
        ),
        Refusal.SESSION_STEP: (
            "The session cannot take this step from where it is.",
            "Reload the page and look at where the session is now.",
        ),
    }
)
"""What is the matter, and what to do about it."""

STATES: Mapping[str, str] = MappingProxyType(
    {
        "received": "new",
        "held": "waits for approval",
        "open": "open",
        "merged": "merged",
        "queued": "coming up",
        "on_air": "on air now",
        "answered_live": "answered in the broadcast",
        "answered_in_writing": "answered in writing",
        "carried_over": "carried over to the next session",
        "declined": "declined",
        "published": "answer in the archive",
        "superseded": "superseded",
        "withdrawn": "withdrawn",
    }
)
"""A question's states as pages name them."""
