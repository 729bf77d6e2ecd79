"""The library: what the site shows and how it hangs together, from the gists of its sessions. Pure.

Owns labels (topics, products, people) and who took whose place; which answers are like each other is
`streamhub.archive.likes`' business. What may be shown
at all is decided in `streamhub.archive.public`; a `Library` holds nothing of a draft or withdrawn answer.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from streamhub.archive.gist import AnswerGist, SessionGist
from streamhub.archive.gists import Gists
from streamhub.archive.likes import Likes, relate
from streamhub.archive.public import key_of
from streamhub.schedule.masks import is_mask
from streamhub.schedule.show import Role
from streamhub.text import slugify


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
        digest_of: digest of a published answer's reference, by id; cheaper than the answer.
        related: answer id to ids of its likes, best first.
        topics, products, people: by `key_of` their title.
        by_id: sessions.
        replaced: answer id to the superseded ones whose place it took.
    """

    sessions: Sequence[SessionGist] = field(repr=False)
    answers: Mapping[str, AnswerGist] = field(repr=False)
    digest_of: Callable[[str], str] = field(repr=False)
    related: Likes
    topics: Mapping[str, Label]
    products: Mapping[str, Label]
    people: Mapping[str, Label]
    by_id: Mapping[str, SessionGist] = field(repr=False)
    replaced: Mapping[str, tuple[AnswerGist, ...]] = field(default_factory=dict)
    heirs: Mapping[str, str] = field(default_factory=dict)

    def successor_of(self, answer_id: str) -> AnswerGist | None:
        """The published answer that took the place of one, however many came in between; None without any."""
        return self.answers.get(_follow(self.heirs[answer_id], self.heirs)) if answer_id in self.heirs else None


def plan_library(gists: Gists, *, find_likes: Callable[[Mapping[str, AnswerGist]], Likes] = relate) -> Library:
    """Put together what is shown of sessions.

    Args:
        gists: of the sessions.
        find_likes: as `relate`, by whoever remembers what it came to the last time.
    """
    answers = gists.answers
    old = [answer for session in gists.sessions for answer in session.replaced]
    heirs = {answer.id: answer.superseded_by for answer in old}
    replaced: defaultdict[str, list[AnswerGist]] = defaultdict(list)
    for answer in old:
        replaced[_follow(answer.superseded_by, heirs)].append(answer)
    return Library(
        sessions=gists.sessions,
        answers=answers,
        digest_of=gists.digest_of,
        related=find_likes(answers),
        topics=_labels("topics", answers, lambda answer: answer.topics),
        products=_labels("products", answers, lambda answer: answer.products),
        people=_people(gists.sessions, answers),
        by_id=gists.by_id,
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
    languages: defaultdict[str, Counter[str]] = defaultdict(Counter)
    members: defaultdict[str, list[str]] = defaultdict(list)
    for answer_id, answer in answers.items():
        for title in titles_of(answer):
            key = key_of(title)
            if key and members[key][-1:] != [answer_id]:
                spellings[key][title] += 1
                languages[key][answer.ref.language] += 1
                members[key].append(answer_id)
    urls = plan_urls(folder, spellings)
    return {
        key: Label(
            title=_commonest(spellings[key]),
            url=urls[key],
            language=_commonest(languages[key]),
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
        if not is_mask(spoken[key].title if key in spoken else _commonest(names[key]))
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
