"""Questions that were asked aloud in a session and that nobody had submitted: proposals for the host.

Pure. Owns which question sentences are worth proposing: those that are answered by somebody else at some length, and
lie in no question's own words. Refuses to decide: a person says whether a proposal becomes a question.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from streamhub.answers.answer import Answer
from streamhub.answers.evidence import say
from streamhub.answers.sentences import Sentence, sentences_of
from streamhub.answers.witnesses import Hearing, hear, weigh
from streamhub.schedule.show import Session
from streamhub.timecode import Span, format_clock
from streamhub.transcript.transcript import Transcript

AT_MOST = 20
_LEAST_WORDS = 4
_LEAST_ANSWER_S = 3.0
_LEAST_WORTH = 4.5  # nats of signs; chosen on the half of the benchmark's sessions that is not scored
_LONG_ANSWER_S = 60.0
_READING_MS = 12_000  # a known question's own sentences lie so near to its beginning
_FOLLOWING = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedAloud:
    """A question that was asked aloud.

    Attributes:
        text: what was asked, as heard.
        span: from its first word to the end of its answer, session milliseconds.
        confidence: 0 to 1.
        evidence: sentences that say why it is proposed, in the session's language.
    """

    text: str
    span: Span
    confidence: float
    evidence: tuple[str, ...]


def find_asked_aloud(session: Session, answers: Sequence[Answer], transcript: Transcript) -> tuple[AskedAloud, ...]:
    """Propose questions that were asked aloud, the surest ones, in order of time.

    Args:
        session: whose language the evidence is in, and whose hosts are known.
        answers: those that there are; what lies at their beginning is their own question.
        transcript: on the session clock.
    """
    sentences = sentences_of(session, transcript)
    hearing = hear(sentences)
    known = [span for answer in answers for span in answer.ranges]
    found = []
    for at, sentence in enumerate(sentences):
        signs = hearing.around(at)
        if not signs.asks or len(sentence.text.split()) < _LEAST_WORDS or _is_known(sentence, known):
            continue
        answered_s = _answered_s(sentences, at)
        worth = weigh(signs) + min(1.0, answered_s / _LONG_ANSWER_S)
        if answered_s >= _LEAST_ANSWER_S and worth >= _LEAST_WORTH:
            found.append((worth, at, answered_s))
    surest = sorted(sorted(found, reverse=True)[:AT_MOST], key=lambda one: one[1])
    stops = [one.start_ms for one in known] + [sentences[at].span.start_ms for _, at, _ in surest]
    return tuple(_proposal(session, hearing, at, worth, answered_s, stops) for worth, at, answered_s in surest)


def _is_known(sentence: Sentence, known: Sequence[Span]) -> bool:
    return any(-1_000 <= sentence.span.start_ms - span.start_ms <= _READING_MS for span in known)


def _answered_s(sentences: Sequence[Sentence], at: int) -> float:
    """How long somebody else speaks from shortly after a sentence on; without speakers, until the next question."""
    asker = sentences[at].speaker
    start = next(
        (n for n in range(at + 1, min(at + 1 + _FOLLOWING, len(sentences))) if _replies(sentences, n, asker)), None
    )
    if start is None:
        return 0.0
    end = start
    while end < len(sentences) and _replies(sentences, end, asker):
        end += 1
    return (sentences[end - 1].span.end_ms - sentences[start].span.start_ms) / 1000


def _replies(sentences: Sequence[Sentence], at: int, asker: str) -> bool:
    sentence = sentences[at]
    return sentence.speaker != asker if asker else not (sentence.asks or sentence.moderates)


def _proposal(
    session: Session, hearing: Hearing, at: int, worth: float, answered_s: float, stops: Sequence[int]
) -> AskedAloud:
    sentences, language = hearing.sentences, session.language
    start_ms = sentences[at].span.start_ms
    stop_ms = min((one for one in stops if one > start_ms), default=sentences[-1].span.end_ms + 1)
    inside = [one for one in sentences[at:] if one.span.start_ms < stop_ms]
    while len(inside) > 1 and (inside[-1].by_host or inside[-1].moderates):
        inside.pop()
    evidence = [say(language, "aloud", start=format_clock(start_ms))]
    if hearing.around(at).announced:
        evidence.append(say(language, "announced"))
    if sentences[at].speaker:
        evidence.append(say(language, "answered_long", seconds=f"{answered_s:.0f}"))
    return AskedAloud(
        text=sentences[at].text,
        span=Span(start_ms, max(one.span.end_ms for one in inside)),
        confidence=round(1 / (1 + math.exp(_LEAST_WORTH - worth)), 2),
        evidence=tuple(evidence),
    )
