"""Stories, proposed answers and deflections: whose they are, who sees them, and how each deed is taken back."""

from dataclasses import replace

import pytest

from streamhub.errors import Conflict, NotFound
from streamhub.live.mark import Mark, MarkKind, Witness
from streamhub.questions.question import QuestionState, Shown
from streamhub.questions.writing import Proposal, ProposalState, Story, StoryState, Writer, digest_of
from streamhub.schedule.show import Role
from streamhub.store import deflections, marks, proposals, questions, stories
from streamhub.store.rows import change

Q = QuestionState
P = ProposalState


@pytest.fixture
def story(sample):
    """Makes a story."""

    def make(story_id: str, question_id: str = "a", *, voter: str = "", state: StoryState = StoryState.SHOWN) -> Story:
        return Story(
            id=story_id,
            question_id=question_id,
            voter=voter or f"voter-{story_id}",
            writer=Writer(name="Ada", shown=Shown.NAME),
            text=f"Bei mir auch: {story_id}",
            language="de",
            state=state,
            at=sample.start,
        )

    return make


@pytest.fixture
def proposal(sample):
    """Makes a proposal."""

    def make(proposal_id: str, question_id: str = "a", *, role: Role | None = None) -> Proposal:
        text = f"Den Stecker ziehen, {proposal_id}."
        return Proposal(
            id=proposal_id,
            question_id=question_id,
            voter=f"voter-{proposal_id}",
            writer=Writer(name="Bernd Bach", shown=Shown.NAME, role=role),
            text=text,
            digest=digest_of(text),
            language="de",
            at=sample.start,
        )

    return make


def merge(db, source: str, target: str) -> None:
    change(db, "update questions set state = 'merged', merged_into = ? where id = ?", target, source)


def unmerge(db, source: str) -> None:
    change(db, "update questions set state = 'open', merged_into = null where id = ?", source)


async def test_stories_come_back_and_are_one_per_person(store, sample, story):
    """A story comes back as it was told; telling again under the same question replaces it and keeps its id."""
    await store.write(sample.fill("a", "b"))
    first = await store.write(lambda db: stories.save_story(db, story("s1", voter="v")))
    assert first == story("s1", voter="v")
    again = await store.write(lambda db: stories.save_story(db, replace(story("s2", voter="v"), text="Nun anders.")))
    assert (again.id, again.text) == ("s1", "Nun anders.")
    await store.write(lambda db: stories.save_story(db, story("s3", "b", voter="v")))
    found = await store.read(lambda db: stories.list_stories(db, ["a", "b"]))
    assert {key: [one.id for one in told] for key, told in found.items()} == {"a": ["s1"], "b": ["s3"]}
    assert [one.id for one in await store.read(lambda db: stories.list_stories_of(db, "v"))] == ["s1", "s3"]


async def test_stories_and_proposals_move_along_with_merges(store, sample, story, proposal):
    """What was written under a merged question stands under the one it was merged into, and goes back with it."""
    await store.write(sample.fill("a", "b", "c"))
    for number, key in enumerate("abc"):
        await store.write(lambda db, n=number, k=key: stories.save_story(db, story(f"s{n}", k)))
        await store.write(lambda db, n=number, k=key: proposals.insert_proposal(db, proposal(f"p{n}", k)))
    await store.write(lambda db: (merge(db, "c", "b"), merge(db, "b", "a")))
    found = await store.read(lambda db: stories.list_stories(db, ["a"]))
    assert [one.id for one in found["a"]] == ["s0", "s1", "s2"]
    answers = await store.read(lambda db: proposals.list_proposals(db, ["a"]))
    assert [one.id for one in answers["a"]] == ["p0", "p1", "p2"]
    accepted, question = await store.write(
        lambda db: proposals.accept_proposal(db, "p2", at=sample.start, author="host")
    )
    assert (accepted.accepted_for, question.id, question.state) == ("a", "a", Q.ANSWERED_IN_WRITING)
    await store.write(lambda db: unmerge(db, "b"))
    answers = await store.read(lambda db: proposals.list_proposals(db, ["a", "b"]))
    assert {key: [one.id for one in some] for key, some in answers.items()} == {"a": ["p0", "p2"], "b": ["p1"]}


async def test_a_merge_in_a_circle_ends(store, sample, story):
    """Even rows that point at each other are read once."""
    await store.write(sample.fill("a", "b"))
    await store.write(lambda db: stories.save_story(db, story("s1")))
    await store.write(lambda db: (merge(db, "a", "b"), merge(db, "b", "a")))
    assert [one.id for one in (await store.read(lambda db: stories.list_stories(db, ["b"])))["b"]] == ["s1"]


async def test_shown_stories_are_counted_where_their_questions_went(store, sample, story):
    """Each question counts the shown cases of itself and of all that was merged into it; held ones count nowhere."""
    await store.write(sample.fill("a", "b", "c"))

    def tell(db) -> None:
        for number, (question, state) in enumerate([("a", "shown"), ("b", "shown"), ("c", "shown"), ("c", "held")]):
            stories.save_story(db, story(f"s{number}", question, state=StoryState(state)))
        merge(db, "c", "b")
        merge(db, "b", "a")

    await store.write(tell)
    session_id = (await store.read(lambda db: questions.load_question(db, "a"))).session_id
    told = await store.read(lambda db: stories.count_told(db, session_id))
    assert {key: told[key] for key in "abc"} == {"a": 3, "b": 2, "c": 1}
    await store.write(lambda db: unmerge(db, "b"))
    told = await store.read(lambda db: stories.count_told(db, session_id))
    assert {key: told[key] for key in "abc"} == {"a": 1, "b": 2, "c": 1}


async def test_what_is_decided_shows_in_the_description_of_what_was_written(store, sample, story, proposal):
    """Telling, deciding and erasing each give another description; reading gives the same."""
    await store.write(sample.fill("a"))
    session_id = (await store.read(lambda db: questions.load_question(db, "a"))).session_id
    seen = []

    async def look() -> None:
        seen.append(await store.read(lambda db: stories.describe_written(db, session_id)))

    await look()
    await store.write(lambda db: stories.save_story(db, story("s1", voter="v")))
    await look()
    at, held = sample.start, StoryState.HELD
    await store.write(lambda db: stories.decide_story_state(db, "s1", held, at=at, author="Jana"))
    await look()
    await store.write(lambda db: proposals.insert_proposal(db, proposal("p1")))
    await look()
    await store.write(lambda db: stories.erase_story(db, "s1", voter="v", at=at))
    await look()
    assert len(set(seen)) == len(seen)
    await look()
    assert seen[-1] == seen[-2]


async def test_only_its_writer_erases_a_story(store, sample, story):
    """Another person's cookie, or none, erases nothing; the writer's own deletes the row."""
    await store.write(sample.fill("a"))
    await store.write(lambda db: stories.save_story(db, story("s1")))
    for voter in ("somebody", ""):
        with pytest.raises(NotFound):
            await store.write(lambda db, v=voter: stories.erase_story(db, "s1", voter=v, at=sample.start))
    await store.write(lambda db: stories.erase_story(db, "s1", voter="voter-s1", at=sample.start))
    assert await store.read(lambda db: stories.list_stories(db, ["a"])) == {}


async def test_hosts_hold_and_decline_stories(store, sample, story):
    """A declined story keeps its reason until it is shown again."""
    await store.write(sample.fill("a"))
    await store.write(lambda db: stories.save_story(db, story("s1", state=StoryState.HELD)))
    decide = stories.decide_story_state
    declined = await store.write(
        lambda db: decide(db, "s1", StoryState.DECLINED, at=sample.start, author="h", note="Werbung")
    )
    assert (declined.state, declined.note) == (StoryState.DECLINED, "Werbung")
    shown = await store.write(lambda db: decide(db, "s1", StoryState.SHOWN, at=sample.start, author="h"))
    assert (shown.state, shown.note) == (StoryState.SHOWN, "")


@pytest.mark.parametrize("state", [Q.OPEN, Q.QUEUED, Q.CARRIED_OVER])
async def test_accepting_answers_in_writing_and_is_undone(store, sample, proposal, state):
    """An accepted proposal answers its question in writing; undoing puts both back to where they were."""
    await store.write(sample.fill())
    await store.write(lambda db: questions.insert_question(db, sample.question("a", state=state)))
    await store.write(lambda db: proposals.insert_proposal(db, proposal("p1", role=Role.EXPERT)))
    accepted, question = await store.write(
        lambda db: proposals.accept_proposal(db, "p1", at=sample.start, author="host")
    )
    assert (accepted.state, question.state) == (P.ACCEPTED, Q.ANSWERED_IN_WRITING)
    assert await store.read(lambda db: proposals.list_accepted(db, ["a"])) == {"a": accepted}
    twice, _ = await store.write(lambda db: proposals.accept_proposal(db, "p1", at=sample.start, author="host"))
    assert twice == accepted
    undone, question = await store.write(lambda db: proposals.undo_acceptance(db, "p1", at=sample.start, author="host"))
    assert (undone.state, question.state) == (P.HELD, state)
    with pytest.raises(Conflict):
        await store.write(lambda db: proposals.undo_acceptance(db, "p1", at=sample.start, author="host"))


async def test_accepting_another_leaves_the_first_beside_it(store, sample, proposal):
    """There is one accepted answer; the one before it stays to be read, and undoing leads back to the open question."""
    await store.write(sample.fill("a"))
    for key in ("p1", "p2"):
        await store.write(lambda db, k=key: proposals.insert_proposal(db, proposal(k)))
        await store.write(lambda db, k=key: proposals.accept_proposal(db, k, at=sample.start, author="host"))
    found = (await store.read(lambda db: proposals.list_proposals(db, ["a"])))["a"]
    assert {one.id: one.state for one in found} == {"p1": P.ALSO, "p2": P.ACCEPTED}
    _, question = await store.write(lambda db: proposals.undo_acceptance(db, "p2", at=sample.start, author="host"))
    assert question.state is Q.OPEN


async def test_a_spoken_answer_keeps_its_way(store, sample, proposal):
    """Accepting beside an answer that was given on air changes no state, and neither does taking it back."""
    await store.write(sample.fill())
    await store.write(lambda db: questions.insert_question(db, sample.question("a", state=Q.PUBLISHED)))
    mark = Mark(
        session_id=sample.session.id,
        question_id="a",
        kind=MarkKind.ON_AIR,
        at=sample.start,
        witness=Witness.HOST,
        author="host",
    )
    await store.write(lambda db: marks.insert_mark(db, mark))
    await store.write(lambda db: proposals.insert_proposal(db, proposal("p1")))
    _, question = await store.write(lambda db: proposals.accept_proposal(db, "p1", at=sample.start, author="host"))
    assert question.state is Q.PUBLISHED
    _, question = await store.write(lambda db: proposals.undo_acceptance(db, "p1", at=sample.start, author="host"))
    assert question.state is Q.PUBLISHED


@pytest.mark.parametrize("state", [Q.HELD, Q.DECLINED])
async def test_nothing_is_accepted_under_a_question_that_is_not_public(store, sample, proposal, state):
    """A held or declined question is not answered by accepting something under it."""
    await store.write(sample.fill())
    await store.write(lambda db: questions.insert_question(db, sample.question("a", state=state)))
    await store.write(lambda db: proposals.insert_proposal(db, proposal("p1")))
    with pytest.raises(Conflict):
        await store.write(lambda db: proposals.accept_proposal(db, "p1", at=sample.start, author="host"))


async def test_an_erased_proposal_keeps_no_words(store, sample, proposal):
    """Its writer's words and name are gone, its digest stays, and a published answer made of it alone is withdrawn."""
    await store.write(sample.fill("a"))
    await store.write(lambda db: proposals.insert_proposal(db, proposal("p1")))
    await store.write(lambda db: proposals.accept_proposal(db, "p1", at=sample.start, author="host"))
    await store.write(lambda db: questions.step_question(db, "a", Q.PUBLISHED, at=sample.start, author="host"))
    with pytest.raises(NotFound):
        await store.write(lambda db: proposals.erase_proposal(db, "p1", voter="somebody", at=sample.start))
    erased, question = await store.write(
        lambda db: proposals.erase_proposal(db, "p1", voter="voter-p1", at=sample.start)
    )
    assert (erased.text, erased.writer.name, erased.state) == ("", "", P.ERASED)
    assert question.state is Q.WITHDRAWN
    assert await store.read(lambda db: proposals.list_digests(db, ["a"])) == {"a": {proposal("p1").digest}}
    with pytest.raises(Conflict):
        await store.write(lambda db: proposals.accept_proposal(db, "p1", at=sample.start, author="host"))


async def test_deflections_count_a_person_once(store, sample):
    """However often somebody says that an answer helped, it counts once for answer and session, and can be undone."""
    await store.write(sample.fill("a"))
    session = sample.session.id
    for voter in ("v1", "v1", "v2"):
        await store.write(lambda db, v=voter: deflections.add_deflection(db, "x", session, v, at=sample.start))
    assert await store.read(lambda db: deflections.count_helped(db, "x")) == 2
    assert await store.read(lambda db: deflections.count_deflected(db, [session, "else"])) == {session: 2}
    assert await store.read(lambda db: deflections.list_helped(db, session, "v1")) == {"x"}
    assert await store.write(lambda db: deflections.remove_deflection(db, "x", session, "v1")) == 1
    assert await store.write(lambda db: deflections.remove_deflection(db, "x", session, "v1")) == 1
