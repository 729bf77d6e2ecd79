"""What a session listens to elsewhere, read for pages and programs alike: words for people, JSON for programs.

Knows nothing of forms and routes.
"""

from __future__ import annotations

from collections.abc import Callable

from streamhub.live.problem import fill
from streamhub.questions.trouble import SENTENCES
from streamhub.timecode import format_instant
from streamhub.web.aside import spare
from streamhub.web.hub import Hub
from streamhub.web.source_views import SourceOffer, SourcesView, SourceView
from streamhub.web.views import Json


async def read_listening(hub: Hub, session_id: str) -> SourcesView:
    """A session's sources; none when they cannot be read: its page works without them."""
    return await spare(hub.sources.view(session_id), session_id) or SourcesView()


def tell_source(source: SourceView, say: Callable[[str], str]) -> tuple[str, str]:
    """What keeps a source from being read and what to do, in the reader's language; both empty when nothing does."""
    if source.problem is None:
        return "", ""
    what, advice = SENTENCES[source.problem]
    details = {"place": source.address, **source.problem_details}
    return fill(say(what), details), fill(say(advice), details)


def source_json(source: SourceView) -> Json:
    """A source with its state."""
    message, hint = tell_source(source, str)
    return {
        "id": source.id,
        "kind": source.kind,
        "name": source.name,
        "address": source.address,
        "shared": source.shared,
        "state": source.state.value,
        "read_at": format_instant(source.read_at) if source.read_at else None,
        "taken": source.taken,
        "skipped": {reason.value: count for reason, count in source.skipped.items()},
        "problem": source.problem.value if source.problem else None,
        "message": message,
        "hint": hint,
        "failing_since": format_instant(source.failing_since) if source.failing_since else None,
        "retry_at": format_instant(source.retry_at) if source.retry_at else None,
    }


def sources_json(view: SourcesView) -> Json:
    """Everything about a session's sources."""
    return {
        "sources": [source_json(source) for source in view.sources],
        "mail_to": view.mail_to,
        "waiting": view.waiting,
        "additions": [
            {"question_id": one.question_id, "whole": one.whole, "text": one.text, "at": format_instant(one.at)}
            for one in view.additions
        ],
        "gone": sorted(view.gone),
    }


def plan_listening_state(view: SourcesView) -> Json:
    """What a host's page has to hear of at once: not when each source was read, but what came of it."""
    everything = sources_json(view)
    steady = ("id", "state", "taken", "skipped", "problem")
    return {
        **everything,
        "sources": {source["id"]: {name: source[name] for name in steady} for source in everything["sources"]},
    }


def offer_json(offer: SourceOffer) -> Json:
    """A kind of source."""
    return {"kind": offer.slug, "name": offer.name, "example": offer.example}
