"""The keeper of sources: what is written elsewhere becomes questions, once each, whatever goes wrong anywhere."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from streamhub.errors import BadInput, Conflict, NotFound
from streamhub.keepers.source_desk import MAX_SOURCES, SourceDesk
from streamhub.keepers.source_reading import MOST_RETRY_S, SourceKind, plan_retry_s
from streamhub.keepers.source_taking import (
    HELD_OF_SOURCE,
    MAX_OF_AUTHOR,
    MAX_OF_SOURCE,
    REPLIES_OF_AUTHOR,
    REPLIES_OF_QUESTION,
    REPLIES_WINDOW,
    choose_session,
    clean_name,
    plan_question_text,
)
from streamhub.keepers.sources import CHECK_EVERY, Sources
from streamhub.keepers.tidying import WAITING_KEPT, tidy
from streamhub.questions.intake import Skip
from streamhub.questions.question import MAX_QUESTION_LENGTH, Question, QuestionState, Shown
from streamhub.questions.trouble import FAULTS, SENTENCES, SourceCode, make_source_error
from streamhub.schedule.show import Moderation, Session, SessionState, Show
from streamhub.store.erasing import erase_question
from streamhub.store.log import list_actions
from streamhub.store.questions import list_questions, step_question
from streamhub.store.shows import save_session, save_show, step_session
from streamhub.store.store import Store
from streamhub.web.source_views import SourceState, SourcesView
from tests.fakes.sources import START, PlainSource, make_desk, make_parts, plain_kind

NAME = "2027-03-02-netz"
NEXT = "2027-03-09-netz"
TAG = "#netz"


@dataclass
class Clock:
    """A clock that a test moves."""

    instant: datetime = START

    def __call__(self) -> datetime:
        return self.instant

    def pass_s(self, seconds: float) -> None:
        self.instant += timedelta(seconds=seconds)


@dataclass
class World:
    """A store with a live session, a public source and a mailbox of the whole hub, and a keeper that a test drives."""

    store: Store
    clock: Clock
    tags: PlainSource
    mail: PlainSource
    changes: list[str] = field(default_factory=list)
    desk: SourceDesk = field(init=False)
    keeper: Sources = field(init=False)
    default: str = ""

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Another keeper on the same data, as after a crash."""
        kinds = [
            plain_kind(self.tags),
            SourceKind(slug="mail", name="Mail", source=self.mail, address="fragen@firma.de", default=self.default),
        ]
        parts = make_parts(self.store, kinds, now=self.clock, random=os.urandom, changed=self.changes.append)
        self.desk, self.keeper = make_desk(parts)

    async def listen(self, session_id: str = NAME, address: str = TAG) -> str:
        return await self.desk.add(session_id, "plain", address, author="Jana")

    async def later(self, seconds: float = 300.0) -> None:
        """Let time pass and look."""
        self.clock.pass_s(seconds)
        await self.keeper.look()

    async def questions(self, session_id: str = NAME) -> list[Question]:
        return await self.store.read(lambda db: list_questions(db, session_id))

    async def texts(self, session_id: str = NAME) -> list[str]:
        return [question.text for question in await self.questions(session_id)]

    async def view(self, session_id: str = NAME) -> SourcesView:
        return await self.desk.view(session_id)

    async def step(self, *states: SessionState, session_id: str = NAME) -> None:
        for state in states:
            await self.store.write(lambda db, to=state: step_session(db, session_id, to, at=self.clock()))


def plan(db: Database, *, moderation: Moderation = Moderation.AFTER, state: SessionState = SessionState.LIVE) -> None:
    """A show with a session now and one next week."""
    save_show(db, Show(id="netz", title="Netz", language="de", moderation=moderation))
    for session_id, starts_at, its_state in (
        (NAME, START, state),
        (NEXT, START + timedelta(days=7), SessionState.SCHEDULED),
    ):
        started_at = START if its_state is SessionState.LIVE else None
        save_session(
            db,
            Session(
                id=session_id,
                show_id="netz",
                title="Netz",
                starts_at=starts_at,
                state=its_state,
                started_at=started_at,
            ),
        )


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store.open(tmp_path / "hub.sqlite3", now=lambda: START) as opened:
        yield opened


@pytest.fixture
async def world(store: Store) -> World:
    await store.write(plan)
    clock = Clock()
    return World(store, clock, PlainSource(now=clock), PlainSource(name="mail", now=clock))


async def test_what_is_written_becomes_questions_once(world: World) -> None:
    """Each contribution becomes one question with its author, its address and its source, also after a restart."""
    await world.listen()
    world.tags.say("Wann kommt Glasfaser?", author="Ada L.")
    world.tags.say("Is the router included?", author="Ben")
    await world.later()
    first, second = await world.questions()
    assert (first.text, first.source, first.origin_url) == ("Wann kommt Glasfaser?", "plain", "https://plain.example/0")
    assert (first.asker.public_name, first.language, second.language) == ("Ada L.", "de", "en")
    assert first.state is QuestionState.OPEN
    world.restart()
    world.tags.say("Und 5G?", author="Ada L.")
    for _ in range(3):
        await world.later()
    assert await world.texts() == ["Wann kommt Glasfaser?", "Is the router included?", "Und 5G?"]
    assert NAME in world.changes
    source = (await world.view()).sources[-1]
    assert (source.state, source.taken, source.problem) == (SourceState.READING, 3, None)


async def test_moderation_before_holds_them(world: World) -> None:
    """Under moderation before publication nothing from outside is seen before somebody has looked at it."""
    await world.store.write(lambda db: plan(db, moderation=Moderation.BEFORE))
    await world.listen()
    world.tags.say("Wann kommt Glasfaser?")
    await world.later()
    assert [question.state for question in await world.questions()] == [QuestionState.HELD]


async def test_what_looks_odd_is_held(world: World) -> None:
    """What a source marks as doubtful waits for a person even where nobody moderates before."""
    await world.listen()
    world.tags.say("Wann kommt Glasfaser?", suspect=True)
    await world.later()
    assert [question.state for question in await world.questions()] == [QuestionState.HELD]


async def test_authors_of_mail_are_named_to_hosts_only(world: World) -> None:
    """Whoever writes where nobody else reads it is shown to nobody but the hosts, and no address is kept as a name."""
    world.mail.say("Wann kommt Glasfaser?", place="", author="Ada Lovelace", named=False, url="")
    world.mail.say("Und 5G?", place="", author="ben@kunde.example", named=False, url="")
    await world.later()
    ada, ben = await world.questions()
    assert (ada.asker.name, ada.asker.shown, ada.asker.public_name) == ("Ada Lovelace", Shown.ANONYMOUS, "")
    assert ben.asker.name == ""
    assert world.store.path.read_bytes().find(b"ben@kunde") == -1


@pytest.mark.parametrize(
    ("to", "found"),
    [("", NAME), (NAME, NAME), (NEXT, NEXT), ("netz", NAME), ("nirgends", NAME)],
)
async def test_mail_finds_its_session(world: World, to: str, found: str) -> None:
    """A mail goes to the session that it was sent to, else to its show's next one, else to the hub's."""
    world.mail.say("Wann kommt Glasfaser?", place="", addressed_to=to)
    await world.later()
    assert await world.texts(found) == ["Wann kommt Glasfaser?"]


async def test_mail_to_a_session_that_is_over_goes_to_the_next_one(world: World) -> None:
    """What arrives after the end of a session is asked in the next one of its show."""
    await world.step(SessionState.ENDED)
    world.clock.pass_s(60)
    world.mail.say("Zu spät?", place="", addressed_to=NAME)
    await world.later()
    assert (await world.texts(), await world.texts(NEXT)) == ([], ["Zu spät?"])


async def test_settings_say_where_mail_goes(world: World) -> None:
    """Mail that says nothing itself goes where the settings say."""
    world.default = NEXT
    world.restart()
    world.mail.say("Wohin?", place="")
    await world.later()
    assert await world.texts(NEXT) == ["Wohin?"]


async def test_mail_waits_for_a_session(world: World) -> None:
    """Mail that comes while no session takes questions waits, through restarts, and is asked in the next one."""
    await world.step(SessionState.ENDED)
    await world.step(SessionState.CANCELLED, session_id=NEXT)
    world.clock.pass_s(60)
    world.mail.say("Ist da wer?", place="")
    await world.later()
    assert (await world.view()).waiting == 1
    world.restart()
    await world.later()
    await world.step(SessionState.SCHEDULED, session_id=NEXT)
    await world.later(30 * 24 * 3600.0)
    assert await world.texts(NEXT) == ["Ist da wer?"]
    await world.later()
    assert (await world.view()).waiting == 0
    assert await world.texts(NEXT) == ["Ist da wer?"]


async def test_mail_waits_for_a_quarter_and_no_longer(world: World, tmp_path: Path) -> None:
    """Mail that finds no session goes after its time, and no byte of it stays in the files of the hub."""
    await world.step(SessionState.ENDED)
    await world.step(SessionState.CANCELLED, session_id=NEXT)
    world.clock.pass_s(60)
    world.mail.say("Kanarienfrage?", place="", author="Kanarienname")
    await world.later()

    def found() -> bool:
        return any(b"Kanarien" in file.read_bytes() for file in tmp_path.glob("hub.sqlite3*"))

    world.clock.pass_s((WAITING_KEPT - timedelta(hours=1)).total_seconds())
    assert (await tidy(world.store, tmp_path / "photos", now=world.clock)).waiting == 0
    assert found()
    world.clock.pass_s(2 * 3600)
    assert (await tidy(world.store, tmp_path / "photos", now=world.clock)).waiting == 1
    assert not found()
    assert (await world.view()).waiting == 0


async def test_a_reply_is_an_addition(world: World) -> None:
    """A reply to what became a question, or to a reply, is kept with it and is no question of its own."""
    first = world.mail.say("Mein Router blinkt rot, was tun?", place="")
    second = world.mail.say("Er ist von 2019.", place="", reply_to=(first,))
    world.mail.say("Genauer: März 2019.", place="", reply_to=("unknown", second))
    world.mail.say("Was kostet ein neuer?", place="", reply_to=("unknown",))
    await world.later()
    assert await world.texts() == ["Mein Router blinkt rot, was tun?", "Was kostet ein neuer?"]
    asked = (await world.questions())[0]
    additions = (await world.view()).additions
    assert [(one.question_id, one.text, one.whole) for one in additions] == [
        (asked.id, "Er ist von 2019.", False),
        (asked.id, "Genauer: März 2019.", False),
    ]
    world.restart()
    await world.store.write(lambda db: db.execute("delete from chat_cursors").rowcount)
    await world.later()
    assert len((await world.view()).additions) == 2


async def test_replies_do_not_flood(world: World) -> None:
    """Replies of one author to a question, and of all to it, are kept up to limits; hosts see how many more came."""
    first = world.mail.say("Mein Router blinkt rot, was tun?", place="")
    await world.later()
    for number in range(REPLIES_OF_AUTHOR + 7):
        world.mail.say(f"Nachtrag {number}", place="", author="Eifrig", reply_to=(first,))
    world.mail.say("Auch bei mir.", place="", author="Ada", reply_to=(first,))
    await world.later()
    assert len((await world.view()).additions) == REPLIES_OF_AUTHOR + 1
    assert (await world.view()).sources[0].skipped == {Skip.FLOODING: 7}
    for number in range(REPLIES_OF_QUESTION):
        world.mail.say(f"Welle {number}", place="", author=f"Bot {number}", reply_to=(first,))
    for _ in range(REPLIES_OF_QUESTION // 40 + 2):
        await world.later(60)
    assert len((await world.view()).additions) == REPLIES_OF_QUESTION
    assert (await world.view()).sources[0].skipped == {Skip.FLOODING: 7 + REPLIES_OF_AUTHOR + 1}
    world.restart()
    await world.later(REPLIES_WINDOW.total_seconds())
    other = world.mail.say("Und 5G?", place="", author="Eifrig")
    world.mail.say("Am Land, meine ich.", place="", author="Eifrig", reply_to=(other,))
    await world.later()
    assert "Am Land, meine ich." in [one.text for one in (await world.view()).additions]


async def test_replies_over_many_questions_do_not_flood(world: World) -> None:
    """Replies spread over many questions are limited for a source in a while, as its questions are."""
    refs = [world.mail.say(f"Frage von {number}?", place="", author=f"Wer {number}") for number in range(8)]
    await world.later()
    for number in range(MAX_OF_SOURCE + 25):
        world.mail.say(f"Nachtrag {number}", place="", author=f"Bot {number}", reply_to=(refs[number % 8],))
    await world.later()
    for _ in range(12):
        await world.later(1)
    assert len((await world.view()).additions) == MAX_OF_SOURCE
    assert (await world.view()).sources[0].skipped == {Skip.FLOODING: 25}


async def test_nothing_is_added_to_what_was_erased(world: World) -> None:
    """A reply to a question that was erased on its asker's wish is not kept."""
    first = world.mail.say("Mein Router blinkt rot, was tun?", place="")
    await world.later()
    (question,) = await world.questions()
    await world.store.write(lambda db: erase_question(db, question.id, at=world.clock()))
    world.mail.say("Meine Nummer ist 0228.", place="", reply_to=(first,))
    await world.later()
    assert (await world.view()).additions == ()
    assert len(await world.questions()) == 1


async def test_a_long_text_loses_no_word(world: World) -> None:
    """What does not fit into a question is kept whole beside it."""
    text = " ".join(f"Wort{number}" for number in range(900)) + " Geht das?"
    world.mail.say(text, place="")
    await world.later()
    (question,) = await world.questions()
    assert len(question.text) <= MAX_QUESTION_LENGTH
    assert question.text.endswith("…")
    assert [(one.whole, one.text) for one in (await world.view()).additions] == [(True, text)]


async def test_what_was_taken_back_is_told(world: World) -> None:
    """What is gone before it was read is never asked; what is gone later stays, and hosts are told."""
    await world.listen()
    kept = world.tags.say("Bleibt das?", author="Ada")
    early = world.tags.say("Gleich weg", author="Ben")
    world.tags.gone.add(early)
    await world.later()
    assert await world.texts() == ["Bleibt das?"]
    world.tags.gone.add(kept)
    await world.later(CHECK_EVERY.total_seconds() + 1)
    (question,) = await world.questions()
    assert (await world.view()).gone == frozenset({question.id})
    await world.store.write(
        lambda db: step_question(db, question.id, QuestionState.DECLINED, at=world.clock(), author="Jana")
    )
    world.restart()
    await world.later()
    assert await world.texts() == ["Bleibt das?"]


async def test_old_posts_do_not_count(world: World) -> None:
    """A first look does not drag in what was written long before anybody thought of the session."""
    world.tags.say("Von vorgestern?", at=START - timedelta(days=2))
    world.tags.say("Von vor einem Jahr?", at=START - timedelta(days=365))
    await world.listen()
    await world.later()
    assert await world.texts() == ["Von vorgestern?"]
    assert (await world.view()).sources[-1].skipped == {Skip.OLD: 1}


async def test_one_author_does_not_flood(world: World) -> None:
    """Beyond a few questions in a row an author's are held, then dropped; others are not touched."""
    await world.listen()
    for number in range(MAX_OF_AUTHOR + 5):
        world.tags.say(f"Frage Nummer {number}?", author="Eifrig")
    world.tags.say("Frage Nummer 0!", author="Eifrig")
    world.tags.say("Eine ruhige Frage?", author="Ada")
    await world.later()
    states = [question.state for question in await world.questions()]
    assert states.count(QuestionState.OPEN) == 4
    assert states.count(QuestionState.HELD) == MAX_OF_AUTHOR - 3
    assert (await world.view()).sources[-1].skipped == {Skip.FLOODING: 5, Skip.REPEATED: 1}


async def test_one_source_does_not_flood(world: World) -> None:
    """A thousand authors at one source are held beyond a limit and dropped beyond the next; mail goes on as always."""
    await world.listen()
    for number in range(MAX_OF_SOURCE + 20):
        world.tags.say(f"Frage von {number}?", author=f"Bot {number}")
    for _ in range(12):
        await world.later(1)
    world.mail.say("Und ich?", place="")
    await world.later()
    states = [question.state for question in await world.questions() if question.source == "plain"]
    assert states.count(QuestionState.OPEN) == HELD_OF_SOURCE
    assert len(states) == MAX_OF_SOURCE
    (mail,) = [question for question in await world.questions() if question.source == "mail"]
    assert mail.state is QuestionState.OPEN


async def test_a_failing_source_costs_the_others_nothing(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """A source that fails is one sentence for hosts and is tried again later and later; the others go on."""
    await world.listen()
    world.tags.failures = [make_source_error(SourceCode.UNREACHABLE, "plain.example") for _ in range(3)]
    world.tags.say("Kommt das noch an?")
    world.mail.say("Und die Mail?", place="")
    with caplog.at_level(logging.INFO):
        await world.later()
    assert await world.texts() == ["Und die Mail?"]
    mail, tags = (await world.view()).sources
    assert (mail.state, tags.state, tags.problem) == (SourceState.READING, SourceState.FAILING, SourceCode.UNREACHABLE)
    assert tags.failing_since == world.clock()
    assert tags.retry_at is not None
    await world.later(1)
    assert len(world.tags.reads) == 1
    world.restart()
    for _ in range(3):
        await world.later(300)
    assert sorted(await world.texts()) == ["Kommt das noch an?", "Und die Mail?"]
    assert (await world.view()).sources[1].problem is None
    assert "Kommt das" not in caplog.text


async def test_a_bug_in_a_source_stays_in_its_source(world: World) -> None:
    """Whatever a source raises, hosts are told, and the next look tries again."""
    await world.listen()
    world.tags.failures = [RuntimeError("boom")]
    world.tags.say("Und danach?")
    await world.later()
    assert (await world.view()).sources[1].problem is SourceCode.INTERNAL
    await world.later()
    assert await world.texts() == ["Und danach?"]


async def test_a_pause_is_kept(world: World) -> None:
    """A source that asks for a pause is left alone until then."""
    await world.listen()
    until = world.clock() + timedelta(seconds=1200)
    world.tags.failures = [make_source_error(SourceCode.PAUSE, "plain.example", retry_at=until)]
    await world.later(0)
    for _ in range(11):
        await world.later(100)
    assert len(world.tags.reads) == 1
    await world.later(101)
    assert len(world.tags.reads) == 2


async def test_pace(world: World) -> None:
    """Sources are read once a minute while it is live, more rarely before, and not at all when it is over."""
    await world.store.write(lambda db: plan(db, state=SessionState.OPEN))
    await world.listen()
    for _ in range(30):
        await world.later(20)
    assert len(world.tags.reads) in {2, 3}
    await world.step(SessionState.LIVE)
    world.tags.reads.clear()
    for _ in range(30):
        await world.later(20)
    assert 7 <= len(world.tags.reads) <= 10
    await world.step(SessionState.ENDED)
    world.tags.reads.clear()
    await world.later(3600)
    assert world.tags.reads == []
    assert (await world.view()).sources[1].state is SourceState.RESTING


async def test_hosts_switch_and_remove(world: World) -> None:
    """A source that is off is not read; back on it goes on where it stopped; removed, its questions stay."""
    source_id = await world.listen()
    world.tags.say("Eins?")
    await world.later()
    await world.desk.switch(NAME, source_id, on=False, author="Jana")
    world.tags.say("Zwei?", author="Ben")
    await world.later()
    assert await world.texts() == ["Eins?"]
    assert (await world.view()).sources[1].state is SourceState.OFF
    await world.desk.switch(NAME, source_id, on=True, author="Jana")
    await world.later()
    assert await world.texts() == ["Eins?", "Zwei?"]
    await world.desk.remove(NAME, source_id, author="Jana")
    world.tags.say("Drei?", author="Cem")
    await world.later()
    assert await world.texts() == ["Eins?", "Zwei?"]
    actions = await world.store.read(lambda db: list_actions(db, limit=10, object_id=source_id))
    assert [action.action for action in actions] == ["source.remove", "source.on", "source.off", "source.add"]
    assert TAG not in str(actions)


async def test_wrong_sources_are_refused(world: World) -> None:
    """A wrong kind, address, session, a second time, and too many of them are refused with a sentence."""
    await world.listen()
    with pytest.raises(Conflict, match="already"):
        await world.listen(address="netz")
    with pytest.raises(BadInput):
        await world.listen(address="kein tag")
    with pytest.raises(NotFound):
        await world.listen("2027-01-01-nirgends")
    for kind in ("mail", "nothing"):
        with pytest.raises(BadInput, match="kind"):
            await world.desk.add(NAME, kind, TAG, author="Jana")
    other = await world.listen(NEXT)
    with pytest.raises(NotFound):
        await world.desk.remove(NAME, other, author="Jana")
    for number in range(MAX_SOURCES - 1):
        await world.listen(address=f"tag{number}")
    with pytest.raises(Conflict, match=str(MAX_SOURCES)):
        await world.listen(address="noch_einer")


async def test_the_running_keeper_outlives_a_source_that_hangs(world: World) -> None:
    """While one source hangs for ever, the loop reads the others, and it ends when it is told to."""
    await world.listen()
    world.tags.hangs = asyncio.Event()
    world.mail.say("Geht die Mail?", place="")
    await world.keeper.start()
    async with asyncio.timeout(30):
        while not await world.texts():
            await asyncio.sleep(0.02)
        await world.keeper.close()


async def test_more_is_read_at_once(world: World) -> None:
    """A backlog of several pages is read without waiting for the next turn."""
    await world.listen()
    for number in range(100):
        world.tags.say(f"Frage {number}?", author=f"Autor {number}")
    await world.keeper.start()
    async with asyncio.timeout(30):
        while len(await world.texts()) < 100:
            await asyncio.sleep(0.02)
    await world.keeper.close()


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    deeds=st.lists(
        st.one_of(
            st.tuples(st.just("say"), st.integers(0, 30)),
            st.tuples(st.sampled_from(["look", "fail", "crash", "lost"]), st.just(0)),
        ),
        max_size=25,
    )
)
async def test_nothing_twice_and_nothing_lost(tmp_path_factory: pytest.TempPathFactory, deeds: list) -> None:
    """However reads, failures, restarts and lost cursors follow each other, each thing is asked exactly once."""
    folder = tmp_path_factory.mktemp("hub")
    async with Store.open(folder / "hub.sqlite3", now=lambda: START) as store:
        await store.write(plan)
        clock = Clock()
        world = World(store, clock, PlainSource(now=clock, page=3), PlainSource(name="mail", now=clock))
        await world.listen()
        said: list[str] = []
        for deed, number in deeds:
            if deed == "say":
                said.append(f"Frage {len(said)} zu {number}?")
                world.tags.say(said[-1], author=f"Autor {len(said)}")
            elif deed == "fail":
                world.tags.failures.append(make_source_error(SourceCode.UNREACHABLE, "plain.example"))
            elif deed == "crash":
                world.restart()
            elif deed == "lost":
                await store.write(lambda db: db.execute("delete from chat_cursors").rowcount)
            else:
                await world.later(1000)
        world.tags.failures.clear()
        for _ in range(20):
            await world.later(1000)
        assert sorted(await world.texts()) == sorted(said)


def test_every_problem_has_its_words() -> None:
    """Every code has a fault, and a sentence that can be filled with a place."""
    for code in SourceCode:
        error = make_source_error(code, "plain.example", limit="4", folder="Fragen")
        assert error.message
        assert error.hint
        assert "%(" not in error.message + error.hint
    assert set(SENTENCES) == set(FAULTS) == set(SourceCode)


@given(tries=st.integers(1, 10_000), jitter=st.floats(0, 1))
def test_backoff_stays_within_its_limits(tries: int, jitter: float) -> None:
    """A retry is neither at once nor later than the limit with its spread, unless the source asks for more."""
    error = make_source_error(SourceCode.UNREACHABLE, "plain.example")
    assert 10 <= plan_retry_s(error, tries, at=START, jitter=jitter) <= MOST_RETRY_S * 1.25


@given(st.text(max_size=3000))
def test_question_texts_fit(text: str) -> None:
    """Whatever is written, a question's text fits, and whatever does not fit is kept."""
    short, whole = plan_question_text(text)
    assert len(short) <= MAX_QUESTION_LENGTH
    assert not whole or len(whole) > MAX_QUESTION_LENGTH


def test_nothing_is_taken_after_the_call_has_ended() -> None:
    """What was written after the deadline of a call goes to no session, in time it does; on air it counts again."""
    calling = Session(
        id=NAME,
        show_id="netz",
        title="Netz",
        starts_at=START + timedelta(days=2),
        state=SessionState.OPEN,
        call="Fotos bitte bis morgen",
        call_until=START + timedelta(days=1),
    )
    early, late = START + timedelta(hours=1), START + timedelta(days=1, seconds=1)
    live = calling.with_state(SessionState.LIVE)
    for wanted in (NAME, ""):
        assert choose_session([calling], wanted, early) == calling
        assert choose_session([calling], wanted, late) is None
        assert choose_session([live], wanted, late) == live


def test_names() -> None:
    """An address of mail is no name; a name with an at sign is."""
    assert clean_name("ada@kunde.example") == ""
    assert clean_name("Ada @ Werk 2") == "Ada @ Werk 2"
    assert choose_session([], "", START) is None
