"""Shortening: how much of a very long answer its page prints, so that the page stays light. Pure.

Owns the limit and where the text is cut: between paragraphs, and only where the page of the session has the rest. What
a page does not print it leads on to; downloads, feeds, embeds and the search keep the whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from streamhub.archive.gist import plan_anchor
from streamhub.archive.public import PublicAnswer, PublicSession, say_answer
from streamhub.archive.viewing import view_translation
from streamhub.archive.views import AnswerView, CueView, RestView, TranscriptView, TurnView

WHOLE_COST = 28_000
"""Up to this, in compressed bytes that an answer takes, it is printed whole; about twenty minutes of speech."""
SHOWN_COST = 24_000
"""What is printed of a longer one, so that never a few words alone are left for another page."""
LEAST_COST = 6_000
"""What is printed of speech in any case, beside however much there is in writing."""
_CUE_COST = 40
_BYTE_COST = 0.75
"""Words stand on the page and in its structured data."""
_TRANSLATED_BYTE_COST = 1.15
"""Words stand there with their translation."""


def shorten_answer(view: AnswerView, answer: PublicAnswer, found: PublicSession) -> AnswerView:
    """The view as its page prints it: whole, or its first paragraphs with where the rest stands."""
    if view.transcript is None:
        return view
    written = _BYTE_COST * len(view.body_markdown.encode("utf-8", "replace"))
    byte_cost = _TRANSLATED_BYTE_COST if view.translation else _BYTE_COST
    if written + sum(_cost(cue, byte_cost) for cue in _cues(view.transcript)) <= WHOLE_COST:
        return view
    turns, first = _cut_turns(view.transcript, max(LEAST_COST, SHOWN_COST - written), byte_cost)
    if first is None or first.id not in _shown_with_the_session(answer, found):
        return view
    rest = RestView(
        url=f"{found.url}#t-{first.id}",
        at_ms=first.at_ms,
        media_start_ms=first.media_start_ms,
        media_end_ms=[*_cues(view.transcript)][-1].media_end_ms,
    )
    cut = replace(view.transcript, turns=turns, rest=rest)
    kept = answer.cues[: sum(1 for _ in _cues(cut))]
    translation = answer.translation
    if translation is not None:
        early = tuple(cue for cue in translation.cues if cue.span.start_ms < first.at_ms)
        translation = replace(translation, cues=early)
    return replace(
        view,
        text=say_answer(answer.answer, kept),
        transcript=cut,
        translation=view_translation(translation, answer.url, rest=f"{found.url}#translation"),
    )


def _cues(transcript: TranscriptView) -> Iterator[CueView]:
    return (cue for turn in transcript.turns for paragraph in turn.paragraphs for cue in paragraph)


def _cost(cue: CueView, byte_cost: float) -> float:
    return _CUE_COST + byte_cost * len(cue.text.encode("utf-8", "replace"))


def _cut_turns(
    transcript: TranscriptView, limit: float, byte_cost: float
) -> tuple[tuple[TurnView, ...], CueView | None]:
    """The turns within a limit, at least a paragraph, and the first cue that is left out; None when none is."""
    shown: list[TurnView] = []
    spent = 0.0
    for turn in transcript.turns:
        for number, paragraph in enumerate(turn.paragraphs):
            spent += sum(_cost(cue, byte_cost) for cue in paragraph)
            if spent > limit and (shown or number):
                part = [replace(turn, paragraphs=turn.paragraphs[:number])] if number else []
                return (*shown, *part), paragraph[0]
        shown.append(turn)
    return tuple(shown), None


def _shown_with_the_session(answer: PublicAnswer, found: PublicSession) -> frozenset[str]:
    """The cues that the page of the session has of an answer: none where it shows another transcript."""
    whole = found.transcript
    if whole is None or answer.speech is None or whole.language != answer.speech.language:
        return frozenset()
    return frozenset(plan_anchor(cue.id) for cue in whole.cues)
