"""What a host sees at a question that is asked anew: when and where it was answered, and why that did not help.

Reads and shows; decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from streamhub.errors import StreamhubError
from streamhub.store import verdicts as verdict_rows
from streamhub.web.hub import Hub


@dataclass(frozen=True, kw_only=True, slots=True)
class Before:
    """One earlier answer.

    Attributes:
        asked_at: when the question was asked then, UTC.
        answered_at: when the answer became public, UTC; None: nobody knows.
        url: the answer's page at its second; the session's page where it has none any more.
        reasons: why it did not help, in people's own words.
    """

    asked_at: datetime
    answered_at: datetime | None
    url: str
    reasons: Sequence[str]


async def read_histories(hub: Hub, session_id: str) -> dict[str, list[Before]]:
    """By question of a session that is asked anew: what happened before, the latest first."""
    histories = await hub.store.read(lambda db: verdict_rows.list_histories(db, session_id))
    urls: dict[str, str] = {}
    for session in {one.session_id for history in histories.values() for one in history}:
        urls |= await _urls(hub, session)
    return {
        question_id: [
            Before(
                asked_at=one.asked_at,
                answered_at=one.answered_at,
                url=urls.get(one.reopens, f"/s/{one.session_id}"),
                reasons=one.reasons,
            )
            for one in history
        ]
        for question_id, history in histories.items()
    }


async def _urls(hub: Hub, session_id: str) -> dict[str, str]:
    try:
        answers = await hub.answers.list(session_id)
    except StreamhubError:  # the console must not fail because an old archive file cannot be read
        return {}
    return {
        one.id: f"/archive/{hub.answers.page(one)}" + (f"?t={one.start_ms // 1000}" if one.start_ms is not None else "")
        for one in answers
    }
