"""The promise to tell, as the web face asks for it: who is told when a question is answered.

Fulfils `streamhub.web.services.Telling`. Keeps addresses; sending is the work of `streamhub.keepers.teller` and
`streamhub.keepers.postman`. Writes no address into any log.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from streamhub.questions.follower import Follower, FollowerKind
from streamhub.store.followers import follow_question
from streamhub.store.store import Store
from streamhub.text import Random, clean_email, new_id, require_language
from streamhub.timecode import Now

LOG = logging.getLogger("streamhub.keepers.telling")
_ID_LENGTH = 26


@dataclass(frozen=True, kw_only=True, slots=True)
class HubTelling:
    """Keeps promises in the store.

    Attributes:
        store: the hub's data.
        offered: whether a mail can ever go out, so that pages may promise one.
        now, random: clock, and source of ids.
    """

    store: Store
    offered: bool
    now: Now
    random: Random

    def check(self, email: str) -> str:
        """The address as it is kept.

        Raises:
            BadInput: it is none.
        """
        return clean_email(email)

    async def follow(self, question_id: str, email: str, language: str, kind: FollowerKind, *, voter: str = "") -> None:
        """Promise to tell an address once when a question is answered; promising it twice is promising it once.

        Raises:
            BadInput: no address, or no language of ours.
            NotFound: no such question.
            Conflict: the question was erased.
            TooMany: the address was given too many promises in a day.
        """
        follower = Follower(
            id=new_id(self.random, length=_ID_LENGTH),
            question_id=question_id,
            email=clean_email(email),
            language=require_language(language, what="follower"),
            kind=kind,
            voter=voter,
            at=self.now(),
        )
        fresh = await self.store.write(lambda db: follow_question(db, follower))
        if fresh:
            LOG.info("question_followed question=%s kind=%s", question_id, kind)
