"""What the rehearsal recogniser is taught to hear: every sentence that two small grammars can make.

Owns how sentences are made and which of them are held out of all training. The patterns and words stand in `german.py`
and `english.py`.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from bench.rehearsal import english, german

HELD_OUT_SHARE = 10
"""One sentence in so many is held out, by its checksum: the same ones in every run."""

_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Grammar:
    """The sentences of one language.

    Attributes:
        patterns: by kind (`moderation`, `question`, `answer`); a `{slot}` stands for one of its words.
        slots: what may fill each slot.
    """

    patterns: Mapping[str, Sequence[str]]
    slots: Mapping[str, Sequence[str]]

    def make(self, chance: Random, kind: str = "") -> str:
        """A sentence: a pattern of the kind, of any kind when none is given, with every slot filled."""
        return self.fill(chance.choice(self.patterns[kind or chance.choice(tuple(self.patterns))]), chance)

    def make_held_out(self, chance: Random, kind: str = "") -> str:
        """A sentence that training never sees; of a kind with slots."""
        while not is_held_out(sentence := self.make(chance, kind), self):
            pass
        return sentence

    def fill(self, pattern: str, chance: Random) -> str:
        """The pattern with every slot filled."""
        return _SLOT.sub(lambda found: chance.choice(self.slots[found[1]]), pattern)

    def is_fixed(self, sentence: str) -> bool:
        """Whether this sentence is a pattern without a slot."""
        return any(sentence in patterns for patterns in self.patterns.values())

    def cover(self) -> Iterator[str]:
        """Sentences that hold every pattern and every word of every slot at least once."""
        for pattern in (pattern for patterns in self.patterns.values() for pattern in patterns):
            slots = _SLOT.findall(pattern)
            for number in range(max((len(self.slots[slot]) for slot in slots), default=1)):
                yield _SLOT.sub(lambda found, n=number: self.slots[found[1]][n % len(self.slots[found[1]])], pattern)  # type: ignore[misc]

    def words(self) -> set[str]:
        """Every word that can be said, case folded."""
        return {word for sentence in self.cover() for word in re.findall(r"[\w']+", sentence.casefold())}


def is_held_out(sentence: str, grammar: Grammar) -> bool:
    """Whether a sentence is kept out of all training: a stable tenth of those that are made from slots.

    A sentence without slots is always taught: its words may stand nowhere else.
    """
    return zlib.crc32(sentence.encode()) % HELD_OUT_SHARE == 0 and not grammar.is_fixed(sentence)


GRAMMARS: Mapping[str, Grammar] = {
    language: Grammar(
        patterns={"moderation": half.MODERATION, "question": half.QUESTIONS, "answer": half.ANSWERS}, slots=half.SLOTS
    )
    for language, half in (("en", english), ("de", german))
}


def write_grammar(path: Path) -> None:
    """Write both grammars as one JSON file, for readers and for the test that holds the demo to them."""
    told = {
        language: {
            "sentences": [pattern for patterns in grammar.patterns.values() for pattern in patterns],
            "slots": {name: list(words) for name, words in grammar.slots.items()},
        }
        for language, grammar in GRAMMARS.items()
    }
    path.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", "utf-8")
