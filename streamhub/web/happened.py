"""What happened, in words: the actions of hosts as the console tells them, and who was faster than one.

Pure apart from the reader's language; refuses to know how anything is done.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from streamhub.errors import Overtaken
from streamhub.web.hub import hub_of
from streamhub.web.pages import format_brief, language_of, words_of


def tell_action(action: str, say: Callable[[str], str]) -> str:
    """An action as a host reads it in the list of what happened; unknown ones as they are."""
    return {
        "star": say("starred"),
        "unstar": say("star taken away"),
        "queue": say("queued"),
        "open": say("put into the inbox"),
        "approve": say("let in"),
        "hold": say("held back"),
        "decline": say("declined"),
        "on-air": say("put on air"),
        "done": say("marked as answered"),
        "back": say("taken off air, back to the queue"),
        "merge": say("merged"),
        "unmerge": say("taken out of a merged one"),
        "split": say("split"),
        "edit": say("edited"),
        "reset": say("words put back"),
        "tag": say("topics set"),
        "place": say("moved in the queue"),
        "up": say("moved up"),
        "down": say("moved down"),
        "carry": say("carried over"),
        "to-writing": say("left for a written answer"),
        "phone": say("typed in from the phone"),
        "csv": say("read from a CSV"),
        "undo": say("undone"),
        "story-show": say("case shown"),
        "story-hold": say("case held back"),
        "story-decline": say("case declined"),
        "answer-accept": say("written answer accepted"),
        "answer-also": say("written answer shown beside it"),
        "answer-hold": say("written answer held back"),
        "answer-decline": say("written answer declined"),
        "answer-undo": say("acceptance of a written answer taken back"),
        "topic-rename": say("topic renamed"),
        "topic-pin": say("topic pinned"),
        "topic-unpin": say("topic unpinned"),
        "topic-merge": say("topics merged"),
        "topic-split": say("topic split"),
        "topic-move": say("moved to another topic"),
    }.get(action, action)


async def tell_overtaken(request: web.Request, error: Overtaken, *, undoing: bool = False) -> Overtaken:
    """The same refusal in the reader's language, with who did what meanwhile and when."""
    hub, say, language = hub_of(request), words_of(request), language_of(request)
    who = error.author or say("The hub")
    if error.at is not None:
        time = format_brief(error.at, hub.settings.zone, language, now=hub.now())
        said = say("%(who)s changed this question meanwhile: %(what)s (%(time)s).")
        message = said % {"who": who, "what": tell_action(error.action, say), "time": time}
    else:
        message = say("This question was changed meanwhile.")
    hint = (
        say("Nothing was undone. Undo the later change first, or change the question as you want it.")
        if undoing
        else say("Nothing was overwritten. Look at it as it is now, then decide again.")
    )
    return Overtaken(message, hint=hint, author=error.author, action=error.action, at=error.at, version=error.version)
