"""Where else than on its page one can ask in a session: by mail, or on a network under a hashtag.

Told only while questions are taken.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from streamhub.schedule.rules import accepts_asking
from streamhub.schedule.show import SessionTimes
from streamhub.web.hub import Hub
from streamhub.web.source_views import Ways


async def find_ways(hub: Hub, session: SessionTimes, *, at: datetime) -> Ways:
    """The other ways to ask in a session; none when it takes no questions now."""
    return await hub.sources.ways(session.id) if accepts_asking(session, at=at) else Ways()


def tell_ways(ways: Ways, say: Callable[[str], str]) -> str:
    """The other ways in one sentence of plain text; empty when there is none."""
    named = [say("by mail to %(address)s") % {"address": ways.mail_to}] if ways.mail_to else []
    named += [say("on %(name)s with %(tag)s") % {"name": place.name, "tag": place.address} for place in ways.places]
    if not named:
        return ""
    return say("You can also ask %(ways)s.") % {"ways": f" {say('or')} ".join(named)}
