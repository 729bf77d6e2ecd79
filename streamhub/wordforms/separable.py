"""German verbs in two parts: "Wie richte ich den Router ein?" says ``einrichte``, which people look for as one word.

Pure, and rules alone: a particle that ends a clause belongs to a verb before it, and which word is the verb is told by
its form and place. Two words may come into question; what is no verb then makes a word that nobody types. The browser's
twin of `find_parted` is in `site/static/search-engine.js`.
Source: Duden, Die Grammatik, on verbs with a verb particle and the right bracket of the sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from streamhub.wordforms.analysis import Word, find_words, fold_stop_words, fold_word
from streamhub.wordforms.particles import VERB_PREFIXES
from streamhub.wordforms.stopwords import STOP_WORDS

_PARTICLES = f"{VERB_PREFIXES}|zurück"
MOST_VERBS = 2
_REACH = 200
_MARKS = ".,;:!?…()–"
_END = re.compile(rf" ({_PARTICLES})(?=[^\S\n]*(?:[{_MARKS}\n]|$)|\s+(?:und|oder|aber|denn|sondern)\b)")
_CLAUSE = re.compile(rf"[{_MARKS}\n]")
_PARTICLE = re.compile(VERB_PREFIXES)
_FOLDED_VERB = re.compile(r"[a-z]{2,}[etn]")
_END_OF_CLAUSE = re.compile(rf"\s*(?:[{_MARKS}]|$)")
_VERB = re.compile(r"[A-ZÄÖÜ]?[a-zäöüß]{2,}[etn]")
_POLITE = frozenset({"Sie", "Ihnen", "Ihr", "Ihre", "Ihren", "Ihrem", "Ihrer"})
_STOP_WORDS = frozenset(fold_stop_words(STOP_WORDS["de"]))


def find_separated(text: str) -> Iterator[str]:
    """The verbs that stand in two parts, folded and in one: ``einrichte``, ``anmelden``."""
    for match in _END.finditer(text):
        before = text[max(0, match.start() - _REACH) : match.start()]
        words = find_words(_CLAUSE.split(before)[-1])
        verbs = [word for n, word in enumerate(words) if _may_be_verb(word, words[n + 1 : n + 2], is_first=n == 0)]
        for verb in verbs[:MOST_VERBS]:
            yield from fold_word(match[1] + verb)


def find_parted(query: str, pieces: Sequence[tuple[str, Word]], meaning: Sequence[int]) -> dict[int, str]:
    """What words of a query may be with the particle that ends their clause: ``einrichte`` for "richte den Router ein".

    Queries are typed carelessly, so forms alone tell what a verb may be.

    Args:
        query: as typed.
        pieces: of its words, folded, each with the word that it is of.
        meaning: the places of those that are no stop words, rising.

    Returns:
        Words in one, folded, by the place of the piece that may be the verb.
    """
    parted: dict[int, str] = {}
    start = 0
    for end, (piece, word) in enumerate(pieces):
        if not _END_OF_CLAUSE.match(query, word.end):
            continue
        if _PARTICLE.fullmatch(piece):
            verbs = [at for at in meaning if start <= at < end and _FOLDED_VERB.fullmatch(pieces[at][0])]
            parted |= {at: piece + pieces[at][0] for at in verbs[:MOST_VERBS]}
        start = end + 1
    return parted


def _may_be_verb(word: str, following: list[str], *, is_first: bool) -> bool:
    if not _VERB.fullmatch(word) or fold_word(word)[0] in _STOP_WORDS:
        return False
    if word[0].isupper():
        return is_first
    before_noun = bool(following) and following[0][0].isupper() and following[0] not in _POLITE
    return not (before_noun and word.endswith(("e", "en")))  # then it is an adjective: "den neuen Router"
