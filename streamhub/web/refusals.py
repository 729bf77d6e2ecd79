"""What the state of things forbids, said in the reader's language. Refuses to know how anything is done."""

from __future__ import annotations

from collections.abc import Callable

from streamhub.errors import StreamhubError, WrongState
from streamhub.questions.refusal import SENTENCES, STATES, Refusal


def tell_refusal(error: StreamhubError, say: Callable[[str], str]) -> StreamhubError:
    """The same refusal in the reader's language, where it has a sentence; other errors as they are."""
    if not isinstance(error, WrongState):
        return error
    what, advice = SENTENCES[Refusal(error.code)]
    details = {"state": say(STATES.get(error.state, "open"))}
    message, hint = say(what) % details, say(advice)
    return WrongState(message, hint=hint, code=error.code, state=error.state)
