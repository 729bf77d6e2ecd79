"""What is written to somebody whose question was answered, in German and English. Pure.

What strangers typed is quoted in one short line without addresses, so that nobody can have the hub send his own letter
to somebody else's door.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from streamhub.errors import BadInput
from streamhub.questions.follower import FollowerKind
from streamhub.text import clean_line

MAX_QUOTE_LENGTH = 200
_ADDRESS = re.compile(
    r"""\S*(?:://|www\.|@)\S*  # an address of a page or for mail
    | \S+\.[^\W\d_]{2,}(?:[/?#:]\S*)?(?=[\s.,;:!?)]|$)  # one without its beginning
    | (?<![\d.,])(?:\+|0)\d[\d\s()/.-]{5,}\d  # a telephone number
    """,
    re.IGNORECASE | re.VERBOSE,
)
_LEFT_OUT = "[…]"

_SUBJECTS: Mapping[str, Mapping[FollowerKind, str]] = MappingProxyType(
    {
        "de": {
            FollowerKind.ASKER: "Ihre Frage wurde beantwortet",
            FollowerKind.ME_TOO: "Eine Frage, die auch Sie haben, wurde beantwortet",
        },
        "en": {
            FollowerKind.ASKER: "Your question was answered",
            FollowerKind.ME_TOO: "A question that you have too was answered",
        },
    }
)
_WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "de": {
            "hello": "Guten Tag,",
            "quote": "„{text}“",
            "merged": "Sie wurde zusammen mit einer anderen beantwortet, die dasselbe wissen will:",
            "who": "Es antwortet: {names}.",
            "length": "Die Antwort ist {length} lang und beginnt hier, auf die Sekunde genau:",
            "written": "Die Antwort zum Nachlesen:",
            "helped": "Hat das geholfen? Wenn nicht, kommt die Frage mit ihrer ganzen Vorgeschichte wieder auf die "
            "Liste, und niemand muss etwas zweimal erklären:",
            "why": "Sie erhalten diese eine Nachricht, weil jemand bei der Frage diese Adresse angegeben hat ({hub}). "
            "In {days} Tagen wird die Adresse gelöscht, oder gleich hier:",
        },
        "en": {
            "hello": "Hello,",
            "quote": "“{text}”",
            "merged": "It was answered together with another one that wants to know the same:",
            "who": "Answered by {names}.",
            "length": "The answer takes {length} and begins here, at the very second:",
            "written": "The answer to read:",
            "helped": "Did it help? If not, the question goes back on the list with its whole history, and nobody has "
            "to explain anything twice:",
            "why": "You get this one message because somebody gave this address along with the question ({hub}). The "
            "address will be deleted in {days} days, or at once here:",
        },
    }
)
_UNITS = MappingProxyType({"de": ("Std.", "Min.", "Sek."), "en": ("h", "min", "s")})


@dataclass(frozen=True, kw_only=True, slots=True)
class AnsweredFacts:
    """What a mail about an answer tells.

    Attributes:
        kind: why the person is told.
        question: as the person followed it.
        target: the question that was answered in its place; empty when it is the same.
        answerers: names.
        length_ms: of the answer; None for one in writing.
        answer_url: its page, at the second.
        helped_url: where to say whether it helped.
        leave_url: where to have the address deleted.
        hub_name: who writes.
        keep_days: when the address is deleted.
    """

    kind: FollowerKind
    question: str
    target: str
    answerers: tuple[str, ...]
    length_ms: int | None
    answer_url: str
    helped_url: str
    leave_url: str
    hub_name: str
    keep_days: int


def plan_answered_mail(facts: AnsweredFacts, language: str) -> tuple[str, str]:
    """Subject and text."""
    words = _WORDS[language]
    length = "" if facts.length_ms is None else format_length(facts.length_ms, language)
    subject = _SUBJECTS[language][facts.kind]
    said = words["quote"].format(text=quote_question(facts.question))
    lines = [words["hello"], f"{subject}:\n{said}"]
    if facts.target and quote_question(facts.target) != quote_question(facts.question):
        lines.append(f"{words['merged']}\n{words['quote'].format(text=quote_question(facts.target))}")
    if facts.answerers:
        lines.append(words["who"].format(names=", ".join(map(quote_question, facts.answerers))))
    lines.append(f"{words['length'].format(length=length) if length else words['written']}\n{facts.answer_url}")
    lines.append(f"{words['helped']}\n{facts.helped_url}")
    why = words["why"].format(hub=quote_question(facts.hub_name), days=facts.keep_days)
    lines.append(f"{why}\n{facts.leave_url}")
    return f"{subject}, {length}" if length else subject, "\n\n".join(lines) + "\n"


def format_length(ms: int, language: str) -> str:
    """A length of time in whole seconds: ``2 Min. 10 Sek.``, ``2 min 10 s``; seconds go where there are hours.

    Babel's words round to one unit (90 minutes are "2 hours"), so these are our own.
    """
    minutes, seconds = divmod(max(1, round(ms / 1000)), 60)
    hours, minutes = divmod(minutes, 60)
    shown = [(hours, 0), (minutes, 1)] if hours else [(minutes, 1), (seconds, 2)]
    return " ".join(f"{number} {_UNITS[language][unit]}" for number, unit in shown if number)


def quote_question(text: str) -> str:
    """What somebody typed in one short line; addresses and telephone numbers are left out."""
    try:
        visible = clean_line(text, max_length=4 * len(text), what="question")
    except BadInput:
        return _LEFT_OUT
    line = " ".join(_ADDRESS.sub(_LEFT_OUT, visible).split())
    if len(line) <= MAX_QUOTE_LENGTH:
        return line
    return line[:MAX_QUOTE_LENGTH].rsplit(" ", 1)[0][: MAX_QUOTE_LENGTH - 1] + "…"
