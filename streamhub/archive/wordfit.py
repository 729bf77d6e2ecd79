"""Word times of a text that a person corrected. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from streamhub.timecode import Span
from streamhub.transcript.transcript import Word


def fit_words(words: Sequence[Word], span: Span, text: str) -> tuple[Word, ...]:
    """Times of the words of a corrected text.

    Words that were there before keep their time; the others share the time of those whose place they take, by letters.
    Without any times before there are none after.
    """
    if not words:
        return ()
    texts = text.split()
    fitted: list[Word] = []
    matcher = SequenceMatcher(a=[word.text for word in words], b=texts, autojunk=False)
    for kind, first, last, begin, end in matcher.get_opcodes():
        if kind == "equal":
            fitted += words[first:last]
        elif begin < end:
            start_ms = words[first].span.start_ms if first < last else _end_before(words, first, span)
            end_ms = words[last - 1].span.end_ms if first < last else _start_after(words, last, span)
            fitted += share_time(texts[begin:end], Span(start_ms, max(start_ms, end_ms)))
    return tuple(fitted)


def share_time(texts: Sequence[str], span: Span) -> tuple[Word, ...]:
    """Words that share a stretch by letters."""
    letters = sum(map(len, texts)) or 1
    shared, done = [], 0
    for text in texts:
        start_ms = span.start_ms + span.duration_ms * done // letters
        done += len(text)
        shared.append(Word(text, Span(start_ms, span.start_ms + span.duration_ms * done // letters)))
    return tuple(shared)


def _end_before(words: Sequence[Word], place: int, span: Span) -> int:
    return words[place - 1].span.end_ms if place else min(span.start_ms, words[0].span.start_ms)


def _start_after(words: Sequence[Word], place: int, span: Span) -> int:
    return words[place].span.start_ms if place < len(words) else max(span.end_ms, words[-1].span.end_ms)
