"""The library: what the site shows and how it hangs together, from the gists of its sessions. Pure.

Owns labels (topics, products, people), which answers are like each other, and who took whose place. What may be shown
at all is decided in `streamhub.archive.public`; a `Library` holds nothing of a draft or withdrawn answer.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from streamhub.archive.gist import AnswerGist, SessionGist
from streamhub.archive.public import key_of
from streamhub.schedule.show import Role
from streamhub.text import slugify

RELATED_ANSWERS = 4
_COMMON_SHARE = 0.2
_MOST_HOLDERS = 128
"""Of more answers, a word or a label tells nothing about likeness; and their pairs would be too many to weigh."""

_LABEL_WEIGHT = 2.0
_LEAST_LIKENESS = 1.5
_SCALE = 1 << 10  # likeness is summed in whole numbers, so that every machine comes to the same order
_BLOCK = 512
_WEIGHT_BITS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """A topic, product or person: something that several answers share.

    Attributes:
        title: as shown.
        url: its page, relative to the root of the site.
        language: of most of its answers.
        about: one line about a person; else empty.
        answers: ids of its answers, newest first.
        sessions: ids of the sessions in which a person took part.
    """

    title: str
    url: str
    language: str
    about: str = ""
    answers: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Library:
    """All that may be shown.

    Attributes:
        sessions: newest first.
        answers: published, by id; newest first, within a session in the order in which they were given.
        related: answer id to ids of its likes, best first.
        topics, products, people: by `key_of` their title.
        by_id: sessions.
        replaced: answer id to the superseded ones whose place it took.
    """

    sessions: tuple[SessionGist, ...]
    answers: Mapping[str, AnswerGist]
    related: Mapping[str, tuple[str, ...]]
    topics: Mapping[str, Label]
    products: Mapping[str, Label]
    people: Mapping[str, Label]
    by_id: Mapping[str, SessionGist] = field(repr=False)
    replaced: Mapping[str, tuple[AnswerGist, ...]] = field(default_factory=dict)
    heirs: Mapping[str, str] = field(default_factory=dict)

    def successor_of(self, answer_id: str) -> AnswerGist | None:
        """The published answer that took the place of one, however many came in between; None without any."""
        return self.answers.get(_follow(self.heirs[answer_id], self.heirs)) if answer_id in self.heirs else None


def plan_library(gists: Iterable[SessionGist]) -> Library:
    """Put together what is shown of sessions, which come in any order."""
    sessions = tuple(sorted(gists, key=lambda found: (found.ref.starts_at, found.id), reverse=True))
    answers = {answer.id: answer for session in sessions for answer in session.answers}
    old = [answer for session in sessions for answer in session.replaced]
    heirs = {answer.id: answer.superseded_by for answer in old}
    replaced: defaultdict[str, list[AnswerGist]] = defaultdict(list)
    for answer in old:
        replaced[_follow(answer.superseded_by, heirs)].append(answer)
    return Library(
        sessions=sessions,
        answers=answers,
        related=relate(answers),
        topics=_labels("topics", answers, lambda answer: answer.topics),
        products=_labels("products", answers, lambda answer: answer.products),
        people=_people(sessions, answers),
        by_id={session.id: session for session in sessions},
        replaced={key: tuple(found) for key, found in replaced.items()},
        heirs=heirs,
    )


def _follow(answer_id: str, heirs: Mapping[str, str]) -> str:
    """The last answer of a chain; the one at which a circle closes, where files were edited into one."""
    seen: set[str] = set()
    while answer_id in heirs and answer_id not in seen:
        seen.add(answer_id)
        answer_id = heirs[answer_id]
    return answer_id


# --- labels


def _labels(
    folder: str, answers: Mapping[str, AnswerGist], titles_of: Callable[[AnswerGist], Iterable[str]]
) -> dict[str, Label]:
    spellings: defaultdict[str, Counter[str]] = defaultdict(Counter)
    members: defaultdict[str, list[str]] = defaultdict(list)
    for answer in answers.values():
        for title in titles_of(answer):
            key = key_of(title)
            if key and members[key][-1:] != [answer.id]:
                spellings[key][title] += 1
                members[key].append(answer.id)
    urls = plan_urls(folder, spellings)
    return {
        key: Label(
            title=_commonest(spellings[key]),
            url=urls[key],
            language=_commonest(Counter(answers[answer_id].ref.language for answer_id in members[key])),
            answers=tuple(members[key]),
        )
        for key in sorted(spellings)
    }


def _people(sessions: Sequence[SessionGist], answers: Mapping[str, AnswerGist]) -> dict[str, Label]:
    """Those who answer, and hosts; customers are named where they speak and get no page of their own."""
    spoken = _labels("people", answers, lambda answer: answer.ref.answerers)
    seats: defaultdict[str, list[str]] = defaultdict(list)
    abouts: dict[str, str] = {}
    names: dict[str, Counter[str]] = defaultdict(Counter)
    languages: dict[str, Counter[str]] = defaultdict(Counter)
    for session in sessions:
        for name, role, about in session.participants:
            key = key_of(name)
            if not key or (role not in {Role.HOST, Role.EXPERT} and key not in spoken):
                continue
            seats[key].append(session.id)
            names[key][name] += 1
            languages[key][session.ref.language] += 1
            if about:
                abouts.setdefault(key, about)
    urls = plan_urls("people", {*spoken, *names})
    return {
        key: Label(
            title=spoken[key].title if key in spoken else _commonest(names[key]),
            url=urls[key],
            language=spoken[key].language if key in spoken else _commonest(languages[key]),
            about=abouts.get(key, ""),
            answers=spoken[key].answers if key in spoken else (),
            sessions=tuple(seats[key]),
        )
        for key in sorted({*spoken, *names})
    }


def plan_urls(folder: str, keys: Iterable[str]) -> dict[str, str]:
    """Addresses of labels; those whose slugs meet get a mark made from their title, so that all stay apart."""
    slugs = {key: slugify(key) for key in keys}
    taken = Counter(slugs.values())
    return {
        key: f"{folder}/{slug}/" if taken[slug] == 1 and slug != "x" else f"{folder}/{slug}-{_mark(key)}/"
        for key, slug in slugs.items()
    }


def _mark(key: str) -> str:
    return blake2b(key.encode("utf-8", "replace"), digest_size=4).hexdigest()


def _commonest(counted: Counter[str]) -> str:
    return min(counted, key=lambda text: (-counted[text], text))


# --- likes


def relate(answers: Mapping[str, AnswerGist]) -> dict[str, tuple[str, ...]]:
    """The most alike answers: rare common words of questions in one language, topics and products; best first."""
    ids = sorted(answers)
    holders: defaultdict[str, list[int]] = defaultdict(list)
    for ordinal, answer_id in enumerate(ids):
        for feature in answers[answer_id].features:
            holders[feature].append(ordinal)
    most = max(8, min(_MOST_HOLDERS, int(_COMMON_SHARE * len(ids))))
    telling = {
        feature: (np.array(found, dtype=np.int64), _weight_of(feature, len(found), len(ids)))
        for feature, found in holders.items()
        if 1 < len(found) <= most
    }
    related: dict[str, tuple[str, ...]] = dict.fromkeys(ids, ())
    for start in range(0, len(ids), _BLOCK):
        block = [
            [telling[one] for one in answers[key].features if one in telling] for key in ids[start : start + _BLOCK]
        ]
        for row, others in _rank_block(block, start, len(ids)):
            related[ids[row]] = tuple(ids[other] for other in others)
    return related


def _weight_of(feature: str, count: int, total: int) -> int:
    return round(_SCALE * math.log(1 + total / count) * (_LABEL_WEIGHT if feature.startswith("#") else 1.0))


def _rank_block(
    block: Sequence[Sequence[tuple[NDArray[np.int64], int]]], start: int, total: int
) -> Iterable[tuple[int, list[int]]]:
    """Of a run of answers, each with its telling features' holders and weights: the likest others of each."""
    pieces = [(row, found, weight) for row, own in enumerate(block, start) for found, weight in own]
    if not pieces:
        return
    sizes = [len(found) for _, found, _ in pieces]
    rows = np.repeat(np.array([row - start for row, _, _ in pieces], dtype=np.int64), sizes)
    columns = np.concatenate([found for _, found, _ in pieces])
    weights = np.repeat(np.array([weight for _, _, weight in pieces], dtype=np.int64), sizes)
    keys = np.sort((rows * total + columns) << _WEIGHT_BITS | weights)
    pairs = keys >> _WEIGHT_BITS
    begins = np.flatnonzero(np.diff(pairs, prepend=-1))
    sums = np.add.reduceat(keys & ((1 << _WEIGHT_BITS) - 1), begins)
    rows, columns = pairs[begins] // total, pairs[begins] % total
    good = (sums >= _LEAST_LIKENESS * _SCALE) & (rows + start != columns)
    if not good.any():
        return
    rows, columns, sums = rows[good], columns[good], sums[good]
    order = np.lexsort((columns, -sums, rows))
    rows, columns = rows[order], columns[order]
    firsts = np.flatnonzero(np.diff(rows, prepend=-1))
    for row, first, end in zip(rows[firsts].tolist(), firsts.tolist(), [*firsts[1:].tolist(), len(rows)], strict=True):
        yield start + row, columns[first : min(end, first + RELATED_ANSWERS)].tolist()
