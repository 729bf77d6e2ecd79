"""Help with words that no answer has: spelling, and compounds split at query time.

Owns distances and choices among the words of a vocabulary. Refuses to know where the vocabulary comes from and what is
done with the choice. `site/static/search-engine.js` has the same rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from streamhub.wordforms.compounds import LINKS, MAX_COMPOUND_LENGTH

MAX_CORRECTIONS = 3
CORRECTION_WEIGHT = 0.7
MIN_SPLIT_PART = 4
SLIP_LETTERS = "abcdefghijklmnopqrstuvwxyz"
MAX_ENDING = 6
_MIN_LENGTH = 4
_MIN_LENGTH_FOR_TWO = 8


def measure_distance(left: str, right: str, limit: int) -> int:
    """Damerau distance (optimal string alignment: insert, delete, replace, swap neighbours), or ``limit + 1``."""
    if abs(len(left) - len(right)) > limit:
        return limit + 1
    before: list[int] = []
    last = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        row = [i]
        for j, b in enumerate(right, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
        before, last = last, row
    return min(last[-1], limit + 1)


def find_corrections(
    typed: str, vocabulary: Mapping[str, int], *, stem: Callable[[str], str] = str, slips: int = 2
) -> tuple[str, ...]:
    """The likeliest words of the vocabulary for one that is not in it, best first, at most three.

    One slip is forgiven from four letters on, two from eight on. Among words as near as each other, swapped letters
    count as the likeliest slip, then a right first letter, then the more common word. A vocabulary of stems knows no
    endings, so a slip in one, or one that looks like one, is undone before stemming. ``slips`` may allow fewer.
    """
    word = stem(typed)
    if len(word) < _MIN_LENGTH or not word.isalpha():
        return ()
    limit = min(slips, 2 if len(word) >= _MIN_LENGTH_FOR_TWO else 1)
    letters = set(word)
    found: list[tuple[int, bool, bool, int, str]] = []
    for term, count in vocabulary.items():
        # Each slip adds or takes at most two of the letters in use, which is much cheaper to see than the distance.
        if abs(len(term) - len(word)) > limit or len(letters.symmetric_difference(term)) > 2 * limit:
            continue
        distance = measure_distance(word, term, limit)
        if distance <= limit:
            found.append((distance, sorted(term) != sorted(word), term[0] != word[0], -count, term))
    for meant in vary_ending(typed):
        term = stem(meant)
        if term in vocabulary:
            found.append((1, sorted(meant) != sorted(typed), False, -vocabulary[term], term))
    found.sort()
    best = dict.fromkeys(choice[-1] for choice in found if choice[0] == found[0][0])
    return tuple(best)[:MAX_CORRECTIONS]


def vary_ending(word: str) -> list[str]:
    """All that a word may have been meant as if there is one slip among its last letters, in a fixed order."""
    found: list[str] = []
    for at in range(max(_MIN_LENGTH, len(word) - MAX_ENDING), len(word) + 1):
        head, tail = word[:at], word[at:]
        if len(tail) > 1:
            found.append(head + tail[1] + tail[0] + tail[2:])
        if tail:
            found.append(head + tail[1:])
            found += [head + letter + tail[1:] for letter in SLIP_LETTERS]
        found += [head + letter + tail for letter in SLIP_LETTERS]
    return found


def split_by_vocabulary(
    word: str, vocabulary: Mapping[str, int], *, stem: Callable[[str], str], links: Iterable[str] = LINKS
) -> tuple[str, ...]:
    """Split a word that nobody used into two that somebody did, ``routerstorung`` to the stems of both; or ``()``.

    Of several ways the one with the longer shorter half is taken, then the one with the later cut.
    """
    if len(word) > MAX_COMPOUND_LENGTH:
        return ()
    best: tuple[int, int, tuple[str, str]] | None = None
    for at in range(MIN_SPLIT_PART, len(word) - MIN_SPLIT_PART + 1):
        last = stem(word[at:])
        if last not in vocabulary:
            continue
        for link in links:
            first = word[: at - len(link)] if word[:at].endswith(link) else ""
            if len(first) >= MIN_SPLIT_PART and stem(first) in vocabulary:
                choice = (min(len(first), len(word) - at), at, (stem(first), last))
                best = choice if best is None or choice[:2] > best[:2] else best
                break
    return best[2] if best else ()
