"""What a host gives away: the session's address, a plain link, and the frame for a company's page.

Also reads the votes in doubt for the console. Shows nothing that is secret.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web
from markupsafe import escape

from streamhub.config import parse_origins
from streamhub.schedule.show import Session
from streamhub.store import votes as vote_rows
from streamhub.web.agenda import page_address
from streamhub.web.hub import hub_of


async def read_sharing(request: web.Request, session: Session) -> dict[str, Any]:
    """What the console shows of sharing, and of votes in doubt."""
    hub = hub_of(request)
    address = page_address(request, session.id)
    return {
        "suspects": await hub.store.read(lambda db: vote_rows.list_suspects(db, session.id)),
        "share": {
            "address": address,
            "link": plan_link(address, session.title),
            "frame": plan_frame(address, session.title),
            "origins": parse_origins(hub.settings.embed_origins),
        },
    }


def plan_link(address: str, title: str) -> str:
    """A link as HTML, to be pasted into any page."""
    return f'<a href="{escape(address)}">{escape(title)}</a>'


def plan_frame(address: str, title: str) -> str:
    """The ask form as HTML, to be pasted into an allowed page."""
    style = "width:100%;max-width:44rem;height:60rem;border:0"
    return f'<iframe src="{escape(address)}/embed" title="{escape(title)}" style="{style}" loading="lazy"></iframe>'
