"""The noun of search: one published answer as the index sees it.

Owns what is searchable and what a result can show. Refuses to know where answers come from and how they are indexed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

from streamhub.errors import BadInput
from streamhub.wordforms.analysis import Language

Kind = Literal["answer", "speech"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

FOLDERS: Mapping[Kind, str] = {"answer": "search/", "speech": "speech/"}
FRAGMENTS: Mapping[Kind, str] = {"answer": "answers/", "speech": "speech/"}
"""Where the index of a kind lies, and what its results are shown from, relative to the root of the site."""
FACETS = ("topic", "product", "speaker", "show", "year")
"""What results can be narrowed to, in the order in which it is offered."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """A stretch of speech that a result can jump to: a caption cue or a speaker's turn.

    Attributes:
        start_ms: on the clock that the answer's page counts in, not negative.
        speaker: as shown; may be empty.
        text: what was said.
    """

    start_ms: int
    speaker: str = ""
    text: str

    def __post_init__(self) -> None:
        if self.start_ms < 0:
            raise BadInput(f"turn at {self.start_ms} ms: before the start", hint="use a time of 0 or later")


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchDocument:
    """One answer to index.

    Attributes:
        kind: an ``answer``, or ``speech`` of a session outside its answers, which is found behind them.
        id: names the fragment ``answers/<id>.json``, or ``speech/<id>.json``; letters, digits, ``.``, ``_`` and ``-``.
        url: the answer's page, relative to the root of the site, or an absolute http(s) address.
        language: whose index it goes into.
        question: as shown; counts most.
        answer_text: the written answer, plain text; may be empty.
        turns: what was said, in order.
        topics: as shown.
        products: as shown.
        speakers: who answered, as shown.
        session_title: as shown; may be empty.
        show: the show that it was a session of, as shown; may be empty.
        date: ISO date of the session; newer answers come first when all else is equal.
    """

    id: str
    kind: Kind = "answer"
    url: str
    language: Language
    question: str
    answer_text: str = ""
    turns: tuple[Turn, ...] = ()
    topics: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    speakers: tuple[str, ...] = ()
    session_title: str = ""
    show: str = ""
    date: str

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise BadInput(f"search document {self.id!r}: not usable as a file name", hint="use letters, digits, ._-")
        if self.language not in LANGUAGES:
            raise BadInput(
                f"search document {self.id}: language {self.language!r}", hint=f"use one of {', '.join(LANGUAGES)}"
            )
        try:
            date.fromisoformat(self.date)
        except ValueError as problem:
            raise BadInput(
                f"search document {self.id}: date {self.date!r} is not a date", hint="write it as 2027-03-02"
            ) from problem
