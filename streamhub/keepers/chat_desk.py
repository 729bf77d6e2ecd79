"""The chats as the web face asks for them: the chatter's state and lines in its records.

Decides nothing; asks no platform.
"""

from __future__ import annotations

from streamhub.keepers.chatter import Chatter
from streamhub.web.platform_views import ChatLine, ChatState, ChatView


class ChatDesk:
    """Fulfils `streamhub.web.services.Chat`."""

    def __init__(self, chatter: Chatter) -> None:
        self._chatter = chatter

    async def view(self, session_id: str) -> ChatView | None:
        """Its state and last lines, newest first; None while no chat is read."""
        state = self._chatter.state(session_id)
        if state is None:
            return None
        lines = tuple(
            ChatLine(
                ref=line.ref,
                author=line.author,
                standing=line.standing,
                text=line.text,
                at=line.at,
                taken=line.ref in state.taken,
            )
            for line in reversed(self._chatter.recent(session_id))
        )
        return ChatView(
            state=ChatState(state.phase.value), interval_s=state.interval_s, lines=lines, problem=state.problem
        )

    async def take(self, session_id: str, ref: str, *, author: str) -> str:
        """Make a line a question; returns the question's id, also when it was one already.

        Raises:
            NotFound: the line is not kept any more.
            Conflict: the session takes no more questions.
        """
        question = await self._chatter.take(session_id, ref, author)
        return question.id
