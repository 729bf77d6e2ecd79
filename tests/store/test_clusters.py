"""Topics as rows: what hosts decide is kept and logged without words, and people are counted once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from streamhub.errors import BadInput, Conflict, NotFound
from streamhub.questions.clusters import Cluster
from streamhub.questions.question import QuestionState
from streamhub.store import clusters, questions
from streamhub.store.log import list_actions

AT = datetime(2027, 3, 2, 19, tzinfo=UTC)
S = "2027-03-02-netz"
BY = {"at": AT, "author": "Jana"}


def made(id_, *members, **more):
    return Cluster(id=id_, session_id=S, label=f"label {id_}", members=frozenset(members), **more)


@pytest.fixture
async def filled(store, sample):
    await store.write(sample.fill("q1", "q2", "q3", "q4", "q5"))
    await store.write(
        lambda db: clusters.save_clusters(db, S, [], [made("a", "q1", "q2", "q3"), made("b", "q4", "q5")], at=AT)
    )
    return store


async def read(store):
    return {one.id: one for one in await store.read(lambda db: clusters.list_clusters(db, S))}


async def test_grouping_comes_back(filled):
    """Clusters come back as they were saved, largest first."""
    assert list((await read(filled)).values()) == [made("a", "q1", "q2", "q3"), made("b", "q4", "q5")]


async def test_grouping_of_yesterday_is_refused(filled):
    """A grouping that was made from clusters which a host changed meanwhile is refused and changes nothing."""
    before = list((await read(filled)).values())
    await filled.write(lambda db: clusters.name_cluster(db, S, "a", "Tarife", **BY))
    with pytest.raises(Conflict):
        await filled.write(lambda db: clusters.save_clusters(db, S, before, [], at=AT))
    assert (await read(filled))["a"].title == "Tarife"


async def test_hosts_deeds_are_kept(filled):
    """Names, pins, moves, splits and merges are kept and count as the host's."""
    await filled.write(lambda db: clusters.pin_cluster(db, S, "a", True, **BY))
    await filled.write(lambda db: clusters.move_question(db, S, "q4", "a", **BY))
    await filled.write(lambda db: clusters.move_question(db, S, "q1", "", **BY))
    found = await read(filled)
    assert (found["a"].members, found["a"].placed, found["a"].pinned) == ({"q2", "q3", "q4"}, {"q4"}, True)
    assert await filled.read(lambda db: clusters.list_alone(db, S)) == {"q1"}
    await filled.write(lambda db: clusters.split_cluster(db, S, "a", ["q2", "q9"], new_id="c", **BY))
    found = await read(filled)
    assert (found["c"].members, found["a"].members) == ({"q2"}, {"q3", "q4"})
    await filled.write(lambda db: clusters.merge_clusters(db, S, "c", "b", **BY))
    found = await read(filled)
    assert found.keys() == {"a", "b"}
    assert found["b"].members == {"q2", "q5"}


async def test_log_holds_no_words(filled):
    """What hosts do to topics is logged with its author, without the names that they give."""
    await filled.write(lambda db: clusters.name_cluster(db, S, "a", "Ärger mit Frau Müller", **BY))
    action = (await filled.read(lambda db: list_actions(db, limit=1)))[0]
    assert (action.action, action.author, action.object_kind, action.object_id) == ("topic.name", "Jana", "topic", "a")
    assert "Müller" not in str(action)


async def test_nonsense_is_refused(filled):
    """Topics and questions that are not there, and splits that split nothing, are refused."""
    for deed in (
        lambda db: clusters.name_cluster(db, S, "x", "n", **BY),
        lambda db: clusters.merge_clusters(db, S, "a", "x", **BY),
        lambda db: clusters.move_question(db, S, "q1", "x", **BY),
        lambda db: clusters.move_question(db, "anderswo", "q1", "a", **BY),
        lambda db: clusters.join_cluster(db, S, "x", "q1"),
    ):
        with pytest.raises(NotFound):
            await filled.write(deed)
    for chosen in ([], ["q1", "q2", "q3"], ["q4"]):
        with pytest.raises(BadInput):
            await filled.write(lambda db, chosen=chosen: clusters.split_cluster(db, S, "a", chosen, new_id="n", **BY))
    with pytest.raises(BadInput):
        await filled.write(lambda db: clusters.merge_clusters(db, S, "a", "a", **BY))


async def test_answered_questions_leave_and_come_back(filled):
    """A question that is declined is in no topic, and is back in its own when it is open again."""
    step = lambda to: lambda db: questions.step_question(db, "q1", to, **BY)  # noqa: E731
    await filled.write(step(QuestionState.DECLINED))
    assert (await read(filled))["a"].members == {"q2", "q3"}
    await filled.write(step(QuestionState.OPEN))
    assert (await read(filled))["a"].members == {"q1", "q2", "q3"}


async def test_new_question_joins_once(filled):
    """A question joins a topic only while it is in none, so that a host's placing wins."""
    await filled.write(lambda db: clusters.move_question(db, S, "q1", "", **BY))
    await filled.write(lambda db: clusters.join_cluster(db, S, "b", "q1"))
    assert (await read(filled))["b"].members == {"q4", "q5"}


async def test_people_are_counted_once(filled):
    """People are voters and askers, each once per topic, those of merged questions included."""

    def vote(db):
        for question_id, voter in (("q1", "v1"), ("q2", "v1"), ("q2", "v2"), ("q4", "v1")):
            questions.add_vote(db, question_id, voter, at=AT)

    await filled.write(vote)
    assert await filled.read(lambda db: clusters.count_people(db, S)) == {"a": 5, "b": 3}

    def merge(db):
        questions.add_vote(db, "q3", "v3", at=AT)
        db.execute("update questions set state = 'merged', merged_into = 'q2' where id = 'q3'")

    await filled.write(merge)
    assert await filled.read(lambda db: clusters.count_people(db, S)) == {"a": 6, "b": 3}
    await filled.write(lambda db: db.execute("insert into claims values ('q1', 'v2', ?)", [AT.isoformat()]).rowcount)
    assert await filled.read(lambda db: clusters.count_people(db, S)) == {"a": 5, "b": 3}
