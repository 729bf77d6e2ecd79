"""From what the hub knows to what the planner plans with: questions become themes, people experts and customers.

Pure. Owns which questions make a theme (what hosts tagged, else the topic that the hub found, else the product), when
somebody knows it (what he said he knows, word by word, whatever the ending), and who can come.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from streamhub.schedule.demand import MAX_SKILL, Customer, Expert, Slot, Theme, Wanted, make_theme
from streamhub.schedule.frame import Frame, plan_slots
from streamhub.schedule.people import Availability, Fit, Person, check_fit
from streamhub.schedule.proposing import Exclusion, Pin, Problem
from streamhub.schedule.show import Role
from streamhub.store.demand import AskedFor
from streamhub.text import fold
from streamhub.wordforms.analysis import Analyzer, find_words, fold_word
from streamhub.wordforms.common import is_stop_word

LATELY = timedelta(days=90)
ASKER = "asker:"
"""What ids of customers begin with who are known by a question alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Engagement:
    """Somebody in a session.

    Attributes:
        name: as it stands there.
        starts_at, ends_at: of the session, UTC.
        person_id: who, where it is known; else empty.
    """

    name: str
    starts_at: datetime
    ends_at: datetime
    person_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What the hub knows.

    Attributes:
        asked: the questions that wait.
        people: active people.
        availability: when they can, by id; who is not in it has not said.
        engagements: who is in which session, from some weeks ago on.
        taken: stretches in which sessions are held already, UTC.
    """

    asked: Sequence[AskedFor] = ()
    people: Sequence[Person] = ()
    availability: Mapping[str, Availability]
    engagements: Sequence[Engagement] = ()
    taken: Sequence[tuple[datetime, datetime]] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """What a plan is made from, with what its page shows beside it.

    Attributes:
        problem: the problem without a host's wishes.
        alone: questions that belong to no theme.
    """

    problem: Problem
    alone: tuple[str, ...]


class Words:
    """Compares what people know with what is asked, by the stems of words. Not safe for two threads at once."""

    def __init__(self) -> None:
        self._analyzers = (Analyzer("de"), Analyzer("en"))
        self._kept: dict[str, list[frozenset[str]]] = {}

    def stems(self, text: str) -> list[frozenset[str]]:
        """The stems of a text's words in each language; words that say nothing are left out."""
        if text not in self._kept:
            words = [word for word in find_words(text) if not is_stop_word(word)]
            pieces = {piece for word in words for piece in fold_word(word)}
            self._kept[text] = [frozenset(one.stem(piece) for piece in pieces) for one in self._analyzers]
        return self._kept[text]

    def is_about(self, known: str, texts: Iterable[str]) -> bool:
        """Whether all words of something known stand in one of some texts, in the stems of one language."""
        own = self.stems(known)
        return any(
            stems and stems <= others for text in texts for stems, others in zip(own, self.stems(text), strict=True)
        )


def make_inputs(known: Known, frame: Frame, *, now: datetime) -> Inputs:
    """The problem that a frame and what the hub knows make."""
    words = Words()
    slots = plan_slots(frame, now=now, taken=known.taken)
    groups, alone = group_questions(known.asked)
    themes = [_theme(title, group, now) for title, group in groups.items()]
    about = {theme.id: _texts(title, group) for theme, (title, group) in zip(themes, groups.items(), strict=True)}
    experts = [person for person in known.people if person.role is Role.EXPERT and person.active]
    guests = [person for person in known.people if person.role in {Role.CUSTOMER, Role.SUPER_USER} and person.active]
    made = [_expert(person, known, themes, about, slots, words, now=now) for person in experts]
    customers = [_customer(person, known, about, slots, words) for person in guests]
    problem = Problem(
        themes=tuple(themes),
        slots=tuple(slots),
        experts=tuple(made),
        customers=(*customers, *_askers(groups, {fold(person.name) for person in known.people})),
        rules=frame.rules(),
        zone=frame.zone,
    )
    return Inputs(problem=problem, alone=tuple(alone))


def group_questions(asked: Iterable[AskedFor]) -> tuple[dict[str, list[AskedFor]], list[str]]:
    """Questions by what a session about them would be called, and those that would be in none."""
    questions = list(asked)
    tags: dict[str, Counter[str]] = defaultdict(Counter)
    for one in questions:
        if one.cluster_id and one.topics:
            tags[one.cluster_id][one.topics[0]] += 1
    groups: dict[str, list[AskedFor]] = {}
    titles: dict[str, str] = {}
    alone = []
    for one in questions:
        told = tags[one.cluster_id].most_common(1) if one.cluster_id in tags else []
        title = (one.topics or tuple(tag for tag, _ in told) or (one.cluster,))[0] or next(iter(one.products), "")
        if not title:
            alone.append(one.id)
            continue
        groups.setdefault(titles.setdefault(fold(title), title), []).append(one)
    return groups, alone


def theme_id_of(title: str) -> str:
    """The planner's handle of a theme: the same whenever it is called the same."""
    return hashlib.sha256(fold(title).encode()).hexdigest()[:12]


def _theme(title: str, group: Sequence[AskedFor], now: datetime) -> Theme:
    wanted = [Wanted(id=one.id, people=one.people, age_days=float(max(0, (now - one.asked_at).days))) for one in group]
    languages = Counter(one.language for one in group)
    language = max(sorted(languages), key=lambda one: languages[one])
    return make_theme(theme_id_of(title), title=title, wanted=wanted, language=language)


def _texts(title: str, group: Sequence[AskedFor]) -> list[str]:
    """What a theme is called, and what at least a third of its questions are called."""
    names = Counter(name for one in group for name in {*one.topics, *one.products, one.cluster} if name)
    return [title, *(name for name, count in sorted(names.items()) if 3 * count >= len(group))]


def _expert(
    person: Person,
    known: Known,
    themes: Sequence[Theme],
    about: Mapping[str, Sequence[str]],
    slots: Sequence[Slot],
    words: Words,
    *,
    now: datetime,
) -> Expert:
    knows = {}
    for theme in themes:
        hits = sum(words.is_about(one, about[theme.id]) for one in (*person.topics, *person.products))
        if hits and theme.language in person.speaks:
            knows[theme.id] = min(MAX_SKILL, hits)
    own = [one for one in known.engagements if _is_his(one, person)]
    free, unsure = _find_free(known, person, slots, own)
    return Expert(
        id=person.id,
        name=person.name,
        house=fold(person.organisation),
        knows=knows,
        free=free,
        unsure=unsure,
        booked=tuple(sorted({one.starts_at for one in own})),
        most=person.most_sessions,
        rest_days=person.rest_days,
        recent=len({one.starts_at for one in own if now - LATELY <= one.starts_at}),
    )


def _is_his(one: Engagement, person: Person) -> bool:
    return one.person_id == person.id or (not one.person_id and fold(one.name) == fold(person.name))


def _find_free(
    known: Known, person: Person, slots: Sequence[Slot], own: Sequence[Engagement]
) -> tuple[frozenset[str], frozenset[str]]:
    """Slots at which nothing speaks against somebody, and those among them of which he has said nothing."""
    free, unsure = set(), set()
    said = known.availability.get(person.id) or Availability(person_id=person.id, zone=person.zone)
    for slot in slots:
        if any(one.starts_at < slot.ends_at and slot.starts_at < one.ends_at for one in own):
            continue
        fit = check_fit(said, slot.starts_at, slot.ends_at)
        if fit.possible:
            free.add(slot.id)
        if fit is Fit.UNKNOWN:
            unsure.add(slot.id)
    return frozenset(free), frozenset(unsure)


def _customer(
    person: Person, known: Known, about: Mapping[str, Sequence[str]], slots: Sequence[Slot], words: Words
) -> Customer:
    wishes = (*person.topics, *person.products)
    own = [one for one in known.engagements if _is_his(one, person)]
    free, unsure = _find_free(known, person, slots, own)
    return Customer(
        id=person.id,
        name=person.name,
        asked=frozenset(
            key
            for key, texts in about.items()
            if any(words.is_about(wish, texts) for wish in wishes)
            or any(words.is_about(text, [person.question]) for text in texts)
        ),
        free=None if unsure and unsure == free else free,
    )


def _askers(groups: Mapping[str, Sequence[AskedFor]], known: set[str]) -> list[Customer]:
    """Those who asked under a name, each once; who is among the hub's people is not taken twice."""
    found: dict[str, tuple[str, str, set[str]]] = {}
    for title, group in groups.items():
        for one in group:
            name = fold(one.asker)
            if name and name not in known:
                found.setdefault(name, (f"{ASKER}{one.id}", one.asker, set()))[2].add(theme_id_of(title))
    return [Customer(id=key, name=name, asked=frozenset(themes)) for key, name, themes in found.values()]


def with_wishes(
    problem: Problem, pins: Iterable[Pin], exclusions: Iterable[Exclusion]
) -> tuple[list[Pin], list[Exclusion]]:
    """The wishes that still name something that there is; the others are left out."""
    themes, slots = {one.id for one in problem.themes}, {one.id for one in problem.slots}
    experts = {one.id for one in problem.experts}
    return (
        [
            pin
            for pin in dict.fromkeys(pins)
            if pin.theme_id in {"", *themes} and pin.slot_id in {"", *slots} and pin.expert_ids <= experts
        ],
        [
            one
            for one in dict.fromkeys(exclusions)
            if one.theme_id in {"", *themes} and one.slot_id in {"", *slots} and one.expert_id in {"", *experts}
        ],
    )
