"""Rules of topics: ids and names survive, what hosts placed stays, labels tell groups apart."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from streamhub.questions.clusters import Cluster, plan_clusters, plan_joining
from streamhub.questions.finding import QuestionFinder
from streamhub.questions.grouping import find_central, find_groups, find_neighbours, label_groups
from streamhub.questions.likeness import Entry

DRAWN = itertools.count()
QUESTIONS = [f"q{n}" for n in range(12)]


def plan(old: Sequence[Cluster], groups: Sequence[set[str]], alone: frozenset[str] = frozenset()) -> list[Cluster]:
    return plan_clusters(
        old, [frozenset(group) for group in groups], alone=alone, draw=lambda: f"new{next(DRAWN)}", session_id="s"
    )


def cluster(id_: str, members: set[str], **more: object) -> Cluster:
    return Cluster(id=id_, session_id="s", members=frozenset(members), **more)  # type: ignore[arg-type]


@st.composite
def groupings(draw: st.DrawFn) -> list[set[str]]:
    """Questions in groups, some in none."""
    homes = draw(st.lists(st.integers(0, 5), min_size=12, max_size=12))
    return [{q for q, home in zip(QUESTIONS, homes, strict=True) if home == n} for n in range(1, 6)]


@st.composite
def clusterings(draw: st.DrawFn) -> list[Cluster]:
    """Clusters as hosts may have left them."""
    made = []
    for n, members in enumerate(group for group in draw(groupings()) if group):
        placed = frozenset(draw(st.sets(st.sampled_from(sorted(members)))))
        name = draw(st.sampled_from(["", "Name"]))
        pinned = draw(st.booleans())
        made.append(cluster(f"c{n}", members, placed=placed, pinned=pinned, name=name))
    return made


@given(old=clusterings(), groups=groupings(), alone=st.sets(st.sampled_from(QUESTIONS)))
def test_hosts_are_always_right(old: list[Cluster], groups: list[set[str]], alone: set[str]) -> None:
    """Pinned and named clusters stay, pinned ones with all members; what was placed stays; each question is once."""
    held = {member for one in old for member in (one.members if one.pinned else one.placed)}
    after = plan(old, groups, frozenset(alone - held))
    by_id = {one.id: one for one in after}
    assert len(by_id) == len(after)
    for one in old:
        if one.pinned or one.name or one.placed:
            assert (by_id[one.id].name, by_id[one.id].pinned) == (one.name, one.pinned)
            assert by_id[one.id].members >= one.placed
            assert by_id[one.id].placed == one.placed
        if one.pinned:
            assert by_id[one.id].members >= one.members
    members = [member for one in after for member in one.members]
    assert len(members) == len(set(members))
    assert not set(members) & (alone - held)
    assert all(len(one.members) > 1 for one in after if not one.kept)


@given(groups=groupings(), extra=st.lists(st.integers(0, 4), max_size=8))
def test_ids_are_stable_when_questions_come(groups: list[set[str]], extra: list[int]) -> None:
    """Groups that only grow keep their clusters' ids, and the same grouping again changes nothing."""
    first = plan([], groups)
    assert plan(first, groups) == first
    grown = [group | {f"n{i}" for i, home in enumerate(extra) if home == n} for n, group in enumerate(groups)]
    second = {one.id: one.members for one in plan(first, grown)}
    for one in first:
        assert one.members <= second[one.id]


def test_larger_part_keeps_the_id() -> None:
    """Where a cluster falls apart its id goes with the larger part; a cluster that nothing follows is dissolved."""
    old = [cluster("a", {"q1", "q2", "q3", "q4", "q5"}), cluster("b", {"q6", "q7"})]
    after = {one.id: one.members for one in plan(old, [{"q1", "q2"}, {"q3", "q4", "q5"}])}
    assert after.pop("a") == {"q3", "q4", "q5"}
    assert [*after.values()] == [{"q1", "q2"}]


def test_question_taken_out_stays_out() -> None:
    """A question that a host took out of all clusters joins none, however like it is."""
    assert plan([], [{"q1", "q2", "q3"}], frozenset({"q3"}))[0].members == {"q1", "q2"}


def test_new_question_joins_the_nearest_or_stays_single() -> None:
    """A new question joins where its likest questions are, by the mean of the best three; far ones attract nothing."""
    home = {"q1": "a", "q2": "a", "q3": "b"}
    assert plan_joining([("q3", 0.5), ("q1", 0.6), ("q2", 0.6)], home) == "a"
    assert plan_joining([("q3", 0.9), ("q1", 0.6), ("q2", 0.2)], home) == "b"
    assert plan_joining([("q3", 0.1), ("q9", 0.9)], home) == ""
    assert plan_joining([], {}) == ""


TEXTS = {
    "u1": "Was kostet der Umzug des Anschlusses?",
    "u2": "Wie teuer ist ein Umzug vom Anschluss in eine andere Wohnung?",
    "u3": "Umzug: welche Kosten entstehen für den Anschluss?",
    "r1": "Warum blinkt mein Router rot?",
    "r2": "Der Router blinkt ständig rot, was tun?",
    "r3": "Mein Router blinkt rot und nichts geht",
    "x": "Gibt es Rabatt für Schüler?",
}


def test_like_questions_are_grouped_named_and_represented() -> None:
    """Questions about one thing are one group with its words as label and one of them as the most central."""
    entries = {key: Entry(key=key, text=text, language="de") for key, text in TEXTS.items()}
    index = QuestionFinder()
    index.change(add=entries.values())
    neighbours = find_neighbours(index, list(entries.values()))
    groups = find_groups(neighbours)
    assert set(groups) == {frozenset({"u1", "u2", "u3"}), frozenset({"r1", "r2", "r3"})}
    assert find_groups(neighbours) == groups
    labels = label_groups({min(group): group for group in groups}, entries)
    assert "Umzug" in labels["u1"]
    assert "Router" in labels["r1"]
    assert find_central(frozenset({"u1", "u2", "u3"}), neighbours) in {"u1", "u2", "u3"}


def test_few_questions_make_no_group() -> None:
    """No question, one question and questions that have nothing in common make no group."""
    for texts in ([], ["Router?"], ["Router?", "Umzug!"]):
        entries = [Entry(key=text, text=text, language="de") for text in texts]
        index = QuestionFinder()
        index.change(add=entries)
        assert find_groups(find_neighbours(index, entries)) == []
