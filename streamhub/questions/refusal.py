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
    MERGE_SELF = "merge_self"
    MERGED_ALREADY = "merged_already"
    MERGE_SESSIONS = "merge_sessions"
    MERGE_ON_AIR = "merge_on_air"
    NOT_MERGEABLE = "not_mergeable"
    TARGET_MERGED = "target_merged"
    TARGET_CLOSED = "target_closed"
    MERGE_CIRCLE = "merge_circle"
    NOT_MERGED = "not_merged"
    WORDS_FIXED = "words_fixed"
    NOT_SPLITTABLE = "not_splittable"
    NOT_CARRIED = "not_carried"
    NOT_ANSWERABLE = "not_answerable"
    NOT_ANSWERED = "not_answered"
    NEIGHBOUR_GONE = "neighbour_gone"
    OTHER_ON_AIR = "other_on_air"
    TAKEN_BACK = "taken_back"
    NOT_ACCEPTED = "not_accepted"
    RUNDOWN_CHANGED = "rundown_changed"
    RUNDOWN_OVER = "rundown_over"
    RUNDOWN_FULL = "rundown_full"
    TOPICS_CHANGED = "topics_changed"
    NOTHING_TO_HEAR = "nothing_to_hear"
    SOURCE_THERE = "source_there"
    SOURCES_FULL = "sources_full"
    FILE_TAKEN = "file_taken"
    FILE_GONE = "file_gone"
    NOT_ENDED = "not_ended"
    RECORDING_THERE = "recording_there"
    NOT_SHOWN = "not_shown"
    BROADCAST_THERE = "broadcast_there"
    PUSHES_HERE = "pushes_here"
    SHOWN_HERE = "shown_here"
    STEP_NOT_WAITING = "step_not_waiting"


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
        Refusal.MERGE_SELF: (
            "A question cannot be merged with itself.",
            "Choose another question.",
        ),
        Refusal.MERGED_ALREADY: (
            "The question is merged into another one already.",
            "Take it out of there first.",
        ),
        Refusal.MERGE_SESSIONS: (
            "The two questions belong to different sessions.",
            "Carry one of them over first.",
        ),
        Refusal.MERGE_ON_AIR: (
            "The question is on air, so it is not merged into another one.",
            "Merge the other one into it instead.",
        ),
        Refusal.NOT_MERGEABLE: (
            "The question cannot be merged from where it is (%(state)s).",
            "Put it into the inbox first.",
        ),
        Refusal.TARGET_MERGED: (
            "The question to merge into is merged into another one itself.",
            "Merge into that one.",
        ),
        Refusal.TARGET_CLOSED: (
            "Nothing is merged into the other question where that one is (%(state)s).",
            "Put it into the inbox first.",
        ),
        Refusal.MERGE_CIRCLE: (
            "The other question is merged into this one by now.",
            "Take it out of there first.",
        ),
        Refusal.NOT_MERGED: (
            "The question is not merged (%(state)s).",
            "Look at it as it is now, then decide again.",
        ),
        Refusal.WORDS_FIXED: (
            "The words of the question stay as they are now (%(state)s).",
            "Look at it as it is now, then decide again.",
        ),
        Refusal.NOT_SPLITTABLE: (
            "The question cannot be split from where it is (%(state)s).",
            "Put it into the inbox first.",
        ),
        Refusal.NOT_CARRIED: (
            "The question cannot be carried over from where it is (%(state)s).",
            "Put it into the inbox first.",
        ),
        Refusal.NOT_ANSWERABLE: (
            "The question cannot be answered from where it is (%(state)s).",
            "Let it in first.",
        ),
        Refusal.NOT_ANSWERED: (
            "The question has no published answer (%(state)s).",
            "Look at it as it is now, then decide again.",
        ),
        Refusal.NEIGHBOUR_GONE: (
            "The question that it was dragged to is not in the queue any more.",
            "Drag it again.",
        ),
        Refusal.OTHER_ON_AIR: (
            "Another question is on air now.",
            "Take that one off air first.",
        ),
        Refusal.TAKEN_BACK: (
            "Whoever wrote this took it back.",
            "Nothing more can be done to it.",
        ),
        Refusal.NOT_ACCEPTED: (
            "The answer is not accepted.",
            "Look at it as it is now, then decide again.",
        ),
        Refusal.RUNDOWN_CHANGED: (
            "Somebody else changed the run of show a moment ago.",
            "Look at it again, then press again.",
        ),
        Refusal.RUNDOWN_OVER: (
            "Nothing is left in the run of show.",
            "Add a topic.",
        ),
        Refusal.RUNDOWN_FULL: (
            "The run of show has as many topics as it can hold.",
            "Take one out first.",
        ),
        Refusal.TOPICS_CHANGED: (
            "The topics were changed meanwhile.",
            "Group the questions again.",
        ),
        Refusal.NOTHING_TO_HEAR: (
            "The session was not live yet, so there is nothing to hear.",
            "Go live first.",
        ),
        Refusal.SOURCE_THERE: (
            "The session listens to this already.",
            "Switch it on if it is off.",
        ),
        Refusal.SOURCES_FULL: (
            "The session listens to as many sources as it may.",
            "Remove one first.",
        ),
        Refusal.FILE_TAKEN: (
            "The recording is being taken already.",
            "Stop that first.",
        ),
        Refusal.FILE_GONE: (
            "The recording was taken at this very moment.",
            "Look at its session.",
        ),
        Refusal.NOT_ENDED: (
            "The session has not ended yet.",
            "Assign the recording after its end.",
        ),
        Refusal.RECORDING_THERE: (
            "The session has its recording already.",
            "Choose to replace it.",
        ),
        Refusal.NOT_SHOWN: (
            "The session is over, so nothing is to be shown any more.",
            "Plan another one.",
        ),
        Refusal.BROADCAST_THERE: (
            "The broadcast there can be used.",
            "Use that one.",
        ),
        Refusal.PUSHES_HERE: (
            "The encoder of this session pushes to the hub.",
            "Use the hub's address and key.",
        ),
        Refusal.SHOWN_HERE: (
            "The hub alone shows this session.",
            "Choose a platform for the show.",
        ),
        Refusal.STEP_NOT_WAITING: (
            "The step does not wait for a decision any more.",
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
