"""What speaks for a question being read aloud at a sentence: its wording, and the signs of a round table around it.

Pure. Owns the witnesses that need no mark (words, the asker's name, a question sentence, an announcement, who speaks
before and after, silence, a turn of topic) and how much each is worth. All are put on one scale, the logarithm of odds
in nats, so that they add up with each other and with what marks say. The weights were fitted by `bench.answers_fit` on
the half of its sessions that is not scored; those of name, announcement and silence are set by hand, for those sessions
show too little of them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from functools import lru_cache

from streamhub.answers.sentences import Sentence
from streamhub.answers.wording import Stems, Weights, Window, alignment, overlap, weigh_stems

NOT_READ = -3.0
"""The worth of "this question was not read aloud". The scale's zero would be right for questions of which half were
never asked; those that are looked for were answered in this session, as far as anybody knows."""

_WINDOW = 3
_ALIGNED_AT_MOST = 40
_LEAST_OVERLAP = 0.12
_SILENCE_MS = 2_000
_TOPIC_SENTENCES = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Signs:
    """What is seen at one sentence, each 0 to 1; with `WEIGHTS`, how much each is worth.

    Attributes:
        likeness: of the question's wording.
        likeness_squared: the same, so that a whole question says more than two halves.
        name: the asker's name falls here or just before.
        asks: it is a question sentence, and none that only passes the word on.
        announced: a host came to a question here or just before.
        by_host: a host speaks.
        turn: somebody else spoke before.
        answered: somebody else speaks soon after.
        silence: before it; 1 from two seconds on.
        topic: how little the words before and after have in common.
    """

    likeness: float = 0.0
    likeness_squared: float = 0.0
    name: float = 0.0
    asks: float = 0.0
    announced: float = 0.0
    by_host: float = 0.0
    turn: float = 0.0
    answered: float = 0.0
    silence: float = 0.0
    topic: float = 0.0


BASE = -10.2
WEIGHTS = Signs(
    likeness=9.7,
    likeness_squared=0.7,
    name=1.0,
    asks=3.0,
    announced=0.5,
    by_host=0.5,
    turn=0.6,
    answered=0.5,
    silence=0.2,
    topic=1.0,
)
SIGN_NAMES = tuple(one.name for one in fields(Signs))


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it is looked for.

    Attributes:
        stems: of its words.
        asker: stems of the asker's name; empty when nobody knows it.
    """

    stems: Stems
    asker: Stems = ()


class Hearing:
    """What is heard of questions in the sentences of one session; computed once for each pair."""

    def __init__(self, sentences: Sequence[Sentence]) -> None:
        self.sentences = sentences
        self._weights: Weights = weigh_stems([sentence.stems for sentence in sentences])
        self._windows = [self._window_list(at) for at in range(len(sentences))]
        self._around = [self._signs_at(at) for at in range(len(sentences))]
        self._known: dict[tuple[Stems, int], float] = {}

    def likeness(self, question: Asked, at: int) -> float:
        """How alike the question's words and the speech from sentence ``at`` on are, 0 to 1."""
        key = (question.stems, at)
        if key not in self._known:
            self._known[key] = max(self._window_likeness(question.stems, window) for window in self._windows[at])
        return self._known[key]

    def around(self, at: int) -> Signs:
        """The signs of a sentence that need no question."""
        return self._around[at]

    def signs(self, question: Asked, at: int) -> Signs:
        """All that is seen of a question at a sentence."""
        likeness = self.likeness(question, at)
        around = self._around[at]
        return Signs(
            likeness=likeness,
            likeness_squared=likeness**2,
            name=float(bool(question.asker) and self._names(question.asker, at)),
            asks=around.asks,
            announced=around.announced,
            by_host=around.by_host,
            turn=around.turn,
            answered=around.answered,
            silence=around.silence,
            topic=around.topic,
        )

    def worth(self, question: Asked, at: int) -> float:
        """The logarithm of the odds that the question is read from this sentence on, against not at all."""
        return BASE + weigh(self.signs(question, at))

    def candidates(self, question: Asked, within: range) -> list[int]:
        """The sentences that share most words with the question, the most alike first; a cheap first look."""
        rough = {at: overlap(question.stems, self._windows[at][0], self._weights) for at in within}
        best = sorted(rough, key=lambda at: (-rough[at], at))[:_ALIGNED_AT_MOST]
        return [at for at in best if rough[at] >= _LEAST_OVERLAP]

    def _names(self, asker: Stems, at: int) -> bool:
        near = {stem for sentence in self.sentences[max(0, at - 2) : at + 1] for stem in sentence.stems}
        return any(stem in near for stem in asker)

    def _window_list(self, at: int) -> list[Window]:
        first = self.sentences[at]
        stems = [first.stems]
        for sentence in self.sentences[at + 1 : at + _WINDOW]:
            if sentence.speaker != first.speaker:
                break
            stems.append(stems[-1] + sentence.stems)
        return [Window(one) for one in stems]

    def _window_likeness(self, question: Stems, window: Window) -> float:
        shared = 0.5 * (overlap(question, window, self._weights) + alignment(question, window.stems, self._weights))
        # What else is said in the window counts against it, so that it begins where the question does.
        precision = overlap(window.stems, Window(question), self._weights)
        return shared * (0.8 + 0.2 * precision)

    def _signs_at(self, at: int) -> Signs:
        sentence = self.sentences[at]
        before = self.sentences[at - 1] if at else None
        after = self.sentences[at + 1 : at + 1 + _WINDOW]
        pause_ms = sentence.span.start_ms - before.span.end_ms if before else _SILENCE_MS
        return Signs(
            asks=float(sentence.asks and not sentence.passes),
            announced=float(self._is_announced(at)),
            by_host=float(sentence.by_host),
            turn=float(before is not None and before.speaker != sentence.speaker),
            answered=float(any(one.speaker != sentence.speaker for one in after)),
            silence=min(1.0, max(0, pause_ms) / _SILENCE_MS),
            topic=self._topic_turn(at),
        )

    def _is_announced(self, at: int) -> bool:
        """A host comes to a question here, or shortly before without having read it yet."""
        for back in range(min(3, at + 1)):
            near = self.sentences[at - back]
            if back and near.asks:
                return False
            if near.announces:
                return True
        return False

    def _topic_turn(self, at: int) -> float:
        """One less the likeness (cosine) of the words before and after."""
        before = self._word_mass(range(max(0, at - _TOPIC_SENTENCES), at))
        after = self._word_mass(range(at, min(len(self.sentences), at + _TOPIC_SENTENCES)))
        length = math.sqrt(sum(w * w for w in before.values()) * sum(w * w for w in after.values()))
        return 1 - sum(w * after.get(stem, 0.0) for stem, w in before.items()) / length if length else 0.0

    def _word_mass(self, within: range) -> Mapping[str, float]:
        counts = Counter(stem for at in within for stem in self.sentences[at].stems)
        return {stem: count * self._weights.of(stem) for stem, count in counts.items()}


@lru_cache(maxsize=2)
def hear(sentences: tuple[Sentence, ...]) -> Hearing:
    """What is heard in these sentences; kept for a moment, since a session is looked at several times in a row."""
    return Hearing(sentences)


def weigh(signs: Signs, weights: Signs = WEIGHTS) -> float:
    """The worth of signs together, in nats."""
    return math.fsum(one * weight for one, weight in zip(astuple(signs), astuple(weights), strict=True))
