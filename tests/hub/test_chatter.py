"""The chatter: what is said in chats becomes questions, once each, within the quota and whatever goes wrong."""

import asyncio
import heapq
import os
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from streamhub.errors import Conflict, Fault, NotFound, PlatformError, Unavailable
from streamhub.keepers.chat_desk import ChatDesk
from streamhub.keepers.chat_reading import KEPT_LINES, ChatPhase, plan_day
from streamhub.keepers.chatter import Chatter, ChatterParts
from streamhub.live.problem import ProblemCode, make_error, say_problem
from streamhub.live.quota import Budget, Priority
from streamhub.questions.intake import Batch, Contribution, Standing
from streamhub.questions.picking import parse_words
from streamhub.questions.question import MAX_QUESTION_LENGTH, Question, QuestionState
from streamhub.schedule.show import Moderation, Session, SessionState, Show
from streamhub.store import broadcasts as broadcast_rows
from streamhub.store import log
from streamhub.store.broadcasts import BroadcastRow
from streamhub.store.contributions import list_contributions, load_cursor
from streamhub.store.questions import list_questions
from streamhub.store.shows import load_session, save_session, save_show, step_session
from streamhub.store.spending import add_spending, list_spending, sum_spending
from streamhub.store.store import Store
from streamhub.web.platform_views import ChatState
from streamhub.web.services import Chat

START = datetime(2027, 3, 2, 19, 0, tzinfo=UTC)
NAME = "2027-03-02-netz"
PLATFORM = "elsewhere"
BUDGET = Budget(costs={"chat.read": 5, "chat.write": 20})
WORDS = parse_words("!frage !q #frage")


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.instant = START

    def __call__(self) -> datetime:
        return self.instant

    def pass_s(self, seconds: float) -> None:
        self.instant += timedelta(seconds=seconds)


def refuse(fault: Fault, code: ProblemCode, *, retry_at: datetime | None = None) -> PlatformError:
    return make_error(fault, code, {"platform": "Elsewhere", "command": "elsewhere"}, retry_at=retry_at)


@dataclass
class PlainChat:
    """A source with chats in memory; its cursor is how many lines were read."""

    now: Clock
    lines: dict[str, list[Contribution]] = field(default_factory=dict)
    failures: list[PlatformError] = field(default_factory=list)
    refusals: list[PlatformError] = field(default_factory=list)
    reads: list[tuple[str, str, datetime]] = field(default_factory=list)
    written: list[tuple[str, str]] = field(default_factory=list)
    removed: frozenset[str] = frozenset()
    removed_authors: frozenset[str] = frozenset()
    wait_s: float = 5.0
    over: bool = False
    spend: Callable[[str], object] | None = None

    def say(
        self, text: str, *, author: str = "Zoe", standing: Standing = Standing.ANYBODY, ref: str = "", chat: str = "c1"
    ) -> str:
        lines = self.lines.setdefault(chat, [])
        self.now.pass_s(0.001)
        line = Contribution(
            source="chat",
            ref=ref or f"{chat}-{len(lines)}",
            author=author,
            author_ref=f"channel of {author}",
            standing=standing,
            text=text,
            at=self.now(),
        )
        lines.append(line)
        return line.ref

    async def read(self, ref: str, cursor: str) -> Batch:
        self.reads.append((ref, cursor, self.now()))
        await self._pay("chat.read")
        if self.failures:
            raise self.failures.pop(0)
        lines = self.lines.get(ref, [])
        return Batch(
            contributions=tuple(lines[int(cursor or 0) :]),
            cursor=str(len(lines)),
            wait_s=self.wait_s,
            over=self.over,
            removed=self.removed,
            removed_authors=self.removed_authors,
        )

    async def write(self, ref: str, text: str) -> None:
        await self._pay("chat.write")
        if self.refusals:
            raise self.refusals.pop(0)
        self.written.append((ref, text))

    async def _pay(self, call: str) -> None:
        if self.spend is not None:
            paying = self.spend(call)
            assert asyncio.iscoroutine(paying)
            await paying


@dataclass
class World:
    """A store with a live session, its chat, and a chatter that a test drives."""

    store: Store
    clock: Clock
    chat: PlainChat
    chatter: Chatter
    changes: list[str]
    left: list[int]

    def restarted(self, **parts: object) -> Chatter:
        """Another chatter on the same data, as after a crash."""
        self.chatter = Chatter(replace(self.parts, **parts))
        return self.chatter

    parts: ChatterParts = field(init=False)

    async def later(self, seconds: float = 15.0) -> None:
        """Let time pass and look."""
        self.clock.pass_s(seconds)
        await self.chatter.look()

    async def questions(self, session_id: str = NAME) -> list[Question]:
        return await self.store.read(lambda db: list_questions(db, session_id))

    async def texts(self) -> list[str]:
        return [question.text for question in await self.questions()]

    async def step(self, *states: SessionState) -> None:
        for state in states:
            await self.store.write(lambda db, to=state: step_session(db, NAME, to, at=self.clock()))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store.open(tmp_path / "hub.sqlite3", now=lambda: START) as opened:
        yield opened


def fill(db: Database, *, moderation: Moderation = Moderation.AFTER, language: str = "de", chat: str = "c1") -> None:
    """A show on a platform with a live session, and its broadcast with a chat."""
    save_show(db, Show(id="netz", title="Netz", language=language, platform=PLATFORM, moderation=moderation))
    live = Session(
        id=NAME,
        show_id="netz",
        title="Netz",
        starts_at=START,
        language=language,
        planned_minutes=120,
        state=SessionState.LIVE,
        started_at=START,
    )
    save_session(db, live)
    follow(db, chat=chat)


def follow(db: Database, *, chat: str, part: int = 1, session_id: str = NAME) -> None:
    row = BroadcastRow(session_id=session_id, platform=PLATFORM, part=part, marker=f"m-{session_id}-{part}")
    broadcast_rows.save_broadcast(db, replace(row, ref=f"b{part}", chat_ref=chat))


@pytest.fixture
async def world(store: Store) -> World:
    clock = Clock()
    chat, changes, left = PlainChat(clock), [], [9_000]

    async def units() -> int:
        return left[0]

    parts = ChatterParts(
        store=store,
        source_of=lambda platform: chat if platform == PLATFORM else None,
        words=WORDS,
        left=units,
        day_ends=BUDGET.next_day_at,
        secret=b"k" * 32,
        now=clock,
        random=os.urandom,
        changed=changes.append,
    )
    await store.write(fill)
    made = World(store, clock, chat, Chatter(parts), changes, left)
    made.parts = parts
    return made


async def test_marked_lines_become_questions(world: World) -> None:
    """A marked line is a question of that session, its author named to hosts only, in its language; talk is not."""
    world.chat.say("Guten Abend zusammen")
    world.chat.say("!frage Was kostet das?", author="Zoë Z")
    world.clock.pass_s(3)
    await world.chatter.look()
    (question,) = await world.questions()
    assert (question.text, question.source, question.language) == ("Was kostet das?", "chat", "de")
    assert (question.asker.name, question.asker.public_name) == ("Zoë Z", "")
    assert question.state is QuestionState.OPEN
    assert question.asked_at == START + timedelta(milliseconds=2)
    assert [line.text for line in world.chatter.recent(NAME)] == ["Guten Abend zusammen", "!frage Was kostet das?"]
    state = world.chatter.state(NAME)
    assert state is not None
    assert (state.phase, state.interval_s, state.taken) == (ChatPhase.READING, 15.0, {"c1-1"})
    assert world.changes == [NAME, NAME]


async def test_moderation_holds_for_the_chat_too(store: Store, world: World) -> None:
    """Where a person looks first, a question from the chat waits for that person like all others."""
    await store.write(lambda db: fill(db, moderation=Moderation.BEFORE))
    world.chat.say("!frage Was kostet das?")
    await world.chatter.look()
    assert [question.state for question in await world.questions()] == [QuestionState.HELD]


async def test_hostile_lines_are_cleaned_and_cut(world: World) -> None:
    """Hidden characters go, too long is cut, a nameless author is anonymous, and nothing is refused."""
    world.chat.say("!frage \u202eWarum\u200b <b>so</b>?", author="\u200b\u202e ")
    world.chat.say("!frage " + "lang " * 900, author="N" * 200)
    await world.chatter.look()
    first, second = await world.questions()
    assert (first.text, first.asker.name, first.asker.public_name) == ("Warum <b>so</b>?", "", "")
    assert len(second.text) <= MAX_QUESTION_LENGTH
    assert len(second.asker.name) <= 60


async def test_author_is_kept_as_a_keyed_hash_only(world: World) -> None:
    """The platform's id of an author stands nowhere in the database; two authors of one name are told apart."""
    world.chat.say("!frage Was kostet das?")
    await world.chatter.look()
    (row,) = await world.store.read(lambda db: list_contributions(db, NAME))
    assert "channel" not in row["author"]
    assert len(row["author"]) == 24
    assert "channel of" not in "".join(line.author_ref for line in world.chatter.recent(NAME))
    await world.store.close()
    for file in world.store.path.parent.iterdir():
        assert b"channel of" not in file.read_bytes(), file


async def test_nothing_is_taken_twice_after_a_crash(world: World) -> None:
    """A new chatter goes on where the old one was, and even where its cursor is lost, no line is a question twice."""
    world.chat.say("!frage Was kostet das?")
    await world.chatter.look()
    world.chat.say("!frage Wie lange dauert das?")
    world.restarted()
    await world.chatter.look()
    assert await world.texts() == ["Was kostet das?", "Wie lange dauert das?"]
    assert [cursor for _, cursor, _ in world.chat.reads] == ["", "1"]
    await world.store.write(lambda db: db.execute("delete from chat_cursors").rowcount)
    world.restarted()
    await world.chatter.look()
    assert world.chat.reads[-1][1] == ""
    assert len(await world.questions()) == 2
    assert len(await world.store.read(lambda db: list_contributions(db, NAME))) == 2


async def test_lines_and_cursor_are_kept_together(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """When keeping fails half way, neither questions nor the cursor are kept, and the next look brings both."""
    world.chat.say("!frage Was kostet das?")
    world.chat.say("!frage Wie lange dauert das?")
    keep, broken = world.store.write, True

    async def write(fn: Callable[[Database], object], *, key: str | None = None) -> object:
        def run(db: Database) -> object:
            result = fn(db)
            if broken:
                raise Unavailable("the disk is gone")
            return result

        return await keep(run, key=key)

    monkeypatch.setattr(world.store, "write", write)
    await world.chatter.look()
    assert await world.questions() == []
    assert await world.store.read(lambda db: load_cursor(db, "chat", "c1")) == ""
    broken = False
    await world.later(60)
    assert len(await world.questions()) == 2
    assert await world.store.read(lambda db: load_cursor(db, "chat", "c1")) == "2"
    assert len(world.chatter.recent(NAME)) == 2


async def test_one_author_neither_repeats_nor_floods(world: World) -> None:
    """Repeated lines and a fourth question in five minutes are left out, over a restart too; hosts still see them."""
    for text in ("Eins hier?", "eins hier", "Zwei hier?", "Drei hier?"):
        world.chat.say(f"!frage {text}")
    await world.chatter.look()
    world.restarted()
    world.chat.say("!frage Vier hier?")
    world.chat.say("!frage Eins hier?", author="Max")
    await world.later()
    assert await world.texts() == ["Eins hier?", "Zwei hier?", "Drei hier?", "Eins hier?"]
    assert "!frage Vier hier?" in [line.text for line in world.chatter.recent(NAME)]
    world.clock.pass_s(300)
    world.chat.say("!frage Fünf hier?")
    await world.chatter.look()
    assert (await world.texts())[-1] == "Fünf hier?"


async def test_moderator_points_at_a_line(world: World) -> None:
    """A moderator's command with a name takes that author's last line, as that author's question; others cannot."""
    world.chat.say("Mein Router blinkt rot", author="Zoë")
    world.chat.say("!frage @Zoë", author="Max")
    await world.chatter.look()
    assert await world.questions() == []
    world.chat.say("!frage @zoe", author="Mia", standing=Standing.MODERATOR)
    world.chat.say("!frage @niemand", author="Mia", standing=Standing.MODERATOR)
    await world.later()
    world.chat.say("!frage @zoe", author="Olaf", standing=Standing.OWNER)
    await world.later()
    (question,) = await world.questions()
    assert (question.text, question.asker.name) == ("Mein Router blinkt rot", "Zoë")


async def test_moderators_may_explain_the_hashtag(world: World) -> None:
    """A moderator or owner who tells others how to ask has asked nothing; the command still works for them."""
    world.chat.say("Eure Fragen bitte mit #frage!", author="Mia", standing=Standing.MODERATOR)
    world.chat.say("#frage davor, dann sehen wir es", author="Olaf", standing=Standing.OWNER)
    world.chat.say("!frage Aus dem Publikum: Was kostet das?", author="Mia", standing=Standing.MODERATOR)
    await world.chatter.look()
    assert await world.texts() == ["Aus dem Publikum: Was kostet das?"]


async def test_host_takes_any_line_once(world: World) -> None:
    """A host makes any kept line a question, at once open and logged by name; again gives the same question."""
    await world.store.write(lambda db: fill(db, moderation=Moderation.BEFORE))
    ref = world.chat.say("Mein Router blinkt rot :hand-pink-waving:")
    asked = world.chat.say("!frage Was kostet das?")
    await world.chatter.look()
    question = await world.chatter.take(NAME, ref, "Jana")
    assert (question.text, question.state) == ("Mein Router blinkt rot", QuestionState.OPEN)
    assert await world.chatter.take(NAME, ref, "Bernd") == question
    assert (await world.chatter.take(NAME, asked, "Jana")).state is QuestionState.HELD
    assert len(await world.questions()) == 2
    state = world.chatter.state(NAME)
    assert state is not None
    assert state.taken == {ref, asked}
    actions = await world.store.read(lambda db: log.list_actions(db, limit=10, object_id=question.id))
    assert [(entry.action, entry.author) for entry in actions] == [
        ("question.take", "Jana"),
        ("question.intake", "chat"),
    ]
    with pytest.raises(NotFound, match="not kept any more"):
        await world.chatter.take(NAME, "gone", "Jana")
    other = world.chat.say("Noch eine Zeile")
    await world.later()
    await world.step(SessionState.ENDED)
    with pytest.raises(Conflict, match="takes no more questions"):
        await world.chatter.take(NAME, other, "Jana")


async def test_two_hosts_take_one_line_at_once(world: World) -> None:
    """Two hosts who press at the same moment get the same question."""
    ref = world.chat.say("Mein Router blinkt rot")
    await world.chatter.look()
    taken = await asyncio.gather(*(world.chatter.take(NAME, ref, f"host {n}") for n in range(5)))
    assert len({question.id for question in taken}) == 1
    assert len(await world.questions()) == 1


async def test_web_face_sees_the_chat(world: World) -> None:
    """The host's page gets the lines newest first, with what is a question already, and takes one by its ref."""
    desk: Chat = ChatDesk(world.chatter)
    assert await desk.view(NAME) is None
    ref = world.chat.say("Mein Router blinkt rot")
    world.chat.say("!frage Was kostet das?", author="Max")
    await world.chatter.look()
    view = await desk.view(NAME)
    assert view is not None
    assert (view.state, view.interval_s, view.problem) == (ChatState.READING, 15.0, None)
    assert [(line.author, line.taken) for line in view.lines] == [("Max", True), ("Zoe", False)]
    taken = await desk.take(NAME, ref, author="Jana")
    assert taken in {question.id for question in await world.questions()}
    assert {phase.value for phase in ChatPhase} == {state.value for state in ChatState}


async def test_only_the_last_lines_are_kept_and_never_stored(world: World) -> None:
    """The last lines of a chat are in memory, a fixed number of them, and nowhere in the database."""
    for n in range(KEPT_LINES + 10):
        world.chat.say(f"geschwätz nummer {n}")
    await world.chatter.look()
    kept = [line.text for line in world.chatter.recent(NAME)]
    assert kept == [f"geschwätz nummer {n}" for n in range(10, KEPT_LINES + 10)]
    await world.store.close()
    for file in world.store.path.parent.iterdir():
        assert "geschwätz".encode() not in file.read_bytes(), file


async def test_what_is_taken_back_is_neither_shown_nor_taken(world: World) -> None:
    """Lines that were removed, and lines of banned authors, go from the last lines; questions made before stay."""
    early = world.chat.say("!frage Was kostet das?")
    world.chat.say("kauft bei mir", author="Spam")
    await world.chatter.look()
    late = world.chat.say("!frage Doch nicht?")
    world.chat.say("!frage Kauft ihr bei mir?", author="Spam")
    world.chat.say("bleibt stehen", author="Max")
    world.chat.removed, world.chat.removed_authors = frozenset({early, late}), frozenset({"channel of Spam"})
    await world.later()
    assert [line.text for line in world.chatter.recent(NAME)] == ["bleibt stehen"]
    assert await world.texts() == ["Was kostet das?"]


async def test_session_without_chat_is_no_fault(store: Store, world: World) -> None:
    """A broadcast without a chat, as those made for children are, is left alone; so are other platforms and states."""
    await store.write(lambda db: follow(db, chat=""))
    await world.chatter.look()
    assert (world.chat.reads, world.chatter.state(NAME), world.chatter.recent(NAME)) == ([], None, ())
    await store.write(lambda db: (follow(db, chat="c1"), save_show(db, Show(id="netz", title="Netz"))))
    await world.chatter.look()
    assert world.chat.reads == []


async def test_rehearsal_is_read_less_often(world: World) -> None:
    """While a session rehearses, its chat is read every half minute, and from going live on every quarter."""
    session = await world.store.read(lambda db: load_session(db, NAME))
    rehearsing = replace(session, state=SessionState.REHEARSAL, started_at=None)
    await world.store.write(lambda db: save_session(db, rehearsing))
    await world.chatter.look()
    state = world.chatter.state(NAME)
    assert state is not None
    assert state.interval_s == 30.0
    await world.step(SessionState.LIVE)
    await world.later(30)
    state = world.chatter.state(NAME)
    assert state is not None
    assert state.interval_s == 15.0


async def test_last_lines_before_the_end_count(world: World) -> None:
    """When a session ends, its chat is read once more: what was asked before the end counts, later lines do not."""
    await world.chatter.look()
    world.chat.say("!frage Noch schnell eine?")
    world.clock.pass_s(5)
    await world.step(SessionState.ENDED)
    world.clock.pass_s(2)
    world.chat.say("!frage Zu spät?", author="Max")
    await world.chatter.look()
    assert await world.texts() == ["Noch schnell eine?"]
    assert (world.chatter.state(NAME), world.chatter.recent(NAME)) == (None, ())
    await world.later(600)
    assert len(world.chat.reads) == 2


async def test_next_part_is_followed(world: World) -> None:
    """When a long session goes on in a new broadcast, the old chat is read to its end, then the new one."""
    await world.chatter.look()
    world.chat.say("!frage Im alten Teil?")
    world.chat.say("!frage Im neuen Teil?", chat="c2", author="Max")
    await world.store.write(lambda db: follow(db, chat="c2", part=2))
    await world.chatter.look()
    await world.chatter.look()
    assert await world.texts() == ["Im alten Teil?", "Im neuen Teil?"]
    assert [ref for ref, _, _ in world.chat.reads] == ["c1", "c1", "c2"]
    state = world.chatter.state(NAME)
    assert state is not None
    assert (state.part, len(world.chatter.recent(NAME))) == (2, 2)


async def test_closed_chat_ends_tidily(world: World) -> None:
    """A chat that is over or switched off is said to be closed, keeps what came, and is looked at now and then."""
    world.chat.say("!frage Was kostet das?")
    await world.chatter.look()
    world.chat.failures = [refuse(Fault.BAD_STATE, ProblemCode.CHAT_CLOSED)]
    await world.later()
    state = world.chatter.state(NAME)
    assert state is not None
    assert state.problem is not None
    assert (state.phase, state.problem.code) == (ChatPhase.CLOSED, ProblemCode.CHAT_CLOSED)
    assert (len(await world.questions()), len(world.chatter.recent(NAME))) == (1, 1)
    await world.later(290)
    assert len(world.chat.reads) == 2
    world.chat.say("!frage Ist er wieder offen?")
    await world.later(10)
    assert len(await world.questions()) == 2
    world.chat.over = True
    await world.later()
    state = world.chatter.state(NAME)
    assert state is not None
    assert (state.phase, state.problem, state.interval_s) == (ChatPhase.CLOSED, None, 300.0)


async def test_used_up_quota_stops_the_chat_and_says_so(world: World) -> None:
    """When the quota is used up, the chat is read no more until the day is over, and the host reads why."""
    midnight = BUDGET.next_day_at(START)
    world.chat.failures = [refuse(Fault.QUOTA, ProblemCode.QUOTA_USED_UP, retry_at=midnight)]
    await world.chatter.look()
    state = world.chatter.state(NAME)
    assert state is not None
    assert state.problem is not None
    assert (state.phase, state.problem.code) == (ChatPhase.NO_QUOTA, ProblemCode.CHAT_PAUSED)
    assert state.problem.retry_at == midnight
    assert "the live chat is not read" in say_problem(state.problem)[0]
    for _ in range(100):
        await world.later(60)
    assert len(world.chat.reads) == 1
    world.clock.instant = midnight
    await world.chatter.look()
    state = world.chatter.state(NAME)
    assert state is not None
    assert (state.phase, state.problem) == (ChatPhase.READING, None)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.RATE, ProblemCode.RATE_LIMITED),
        (Fault.UNREACHABLE, ProblemCode.UNREACHABLE),
        (Fault.UNKNOWN_OUTCOME, ProblemCode.OUTCOME_UNKNOWN),
        (Fault.BROKEN, ProblemCode.BROKEN),
    ],
)
async def test_passing_failures_are_waited_out(world: World, fault: Fault, code: ProblemCode) -> None:
    """After a failure that passes, the next tries come later and later, the host reads why, and nothing is lost."""
    world.chat.failures = [refuse(fault, code) for _ in range(6)]
    world.chat.say("!frage Was kostet das?")
    await world.chatter.look()
    state = world.chatter.state(NAME)
    assert state is not None
    assert state.problem is not None
    assert (state.phase, state.problem.code) == (ChatPhase.WAITING, code)
    for _ in range(150):
        await world.later(5)
    times = [at for _, _, at in world.chat.reads]
    gaps = [(after - before).total_seconds() for before, after in pairwise(times)]
    assert 10 <= gaps[0] <= 25
    assert gaps[3] > 2 * gaps[0]
    assert max(gaps) <= 160
    assert await world.texts() == ["Was kostet das?"]


async def test_a_wish_to_wait_is_obeyed(world: World) -> None:
    """The platform's own word on when to ask again is obeyed, after success and after a refusal."""
    world.chat.wait_s = 40.0
    await world.chatter.look()
    await world.later(39)
    assert len(world.chat.reads) == 1
    world.chat.failures = [refuse(Fault.RATE, ProblemCode.RATE_LIMITED, retry_at=world.clock() + timedelta(seconds=90))]
    await world.later(1)
    await world.later(80)
    assert len(world.chat.reads) == 2
    await world.later(10)
    assert len(world.chat.reads) == 3


async def test_a_wish_to_wait_for_ever_is_not_obeyed(world: World) -> None:
    """An absurd pause, one that no calendar holds included, ends no chat: it is looked at again within minutes."""
    for wait_s in (86_400.0, 1e15):
        world.chat.wait_s = wait_s
        before = len(world.chat.reads)
        await world.later(301)
        await world.later(301)
        assert len(world.chat.reads) == before + 2


async def test_a_cursor_that_is_too_old_is_dropped(world: World) -> None:
    """When the platform forgot the cursor, reading begins with what is there, and takes nothing twice."""
    world.chat.say("!frage Was kostet das?")
    await world.chatter.look()
    world.chat.say("!frage Wie lange dauert das?")
    world.chat.failures = [refuse(Fault.BAD_INPUT, ProblemCode.BROKEN)]
    await world.later()
    await world.later(30)
    assert [cursor for _, cursor, _ in world.chat.reads] == ["", "1", ""]
    assert await world.texts() == ["Was kostet das?", "Wie lange dauert das?"]


async def test_sign_in_that_ended_is_said_and_asked_seldom(world: World) -> None:
    """A sign-in that ended is the host's to mend; the chat is tried every five minutes meanwhile."""
    world.chat.failures = [refuse(Fault.AUTH, ProblemCode.SIGNED_OUT)]
    await world.chatter.look()
    state = world.chatter.state(NAME)
    assert state is not None
    assert state.problem is not None
    assert state.problem.code is ProblemCode.SIGNED_OUT
    await world.later(299)
    assert len(world.chat.reads) == 1
    await world.later(1)
    assert len(world.chat.reads) == 2


async def test_one_broken_chat_holds_up_no_other(world: World) -> None:
    """Whatever goes wrong in one chat, even a bug, the others are read on."""
    session = await world.store.read(lambda db: load_session(db, NAME))
    await world.store.write(lambda db: (save_session(db, replace(session, id="b-two")), follow(db, chat="", part=1)))
    await world.store.write(lambda db: (follow(db, chat="broken"), follow(db, chat="c2", session_id="b-two")))
    world.chat.lines["broken"] = [None]  # type: ignore[list-item]
    world.chat.say("!frage Was kostet das?", chat="c2")
    await world.chatter.look()
    assert [question.text for question in await world.questions("b-two")] == ["Was kostet das?"]
    await world.later(60)
    assert len([ref for ref, _, _ in world.chat.reads if ref == "broken"]) == 2


async def test_it_runs_by_itself(world: World) -> None:
    """Once started, it follows sessions and reads their chats without being asked, until it is closed."""
    seen = asyncio.Event()
    world.restarted(changed=lambda _: seen.set(), sleep=lambda _: asyncio.sleep(0.01))
    world.chat.say("!frage Was kostet das?")
    await world.chatter.start()
    await world.chatter.start()
    await asyncio.wait_for(seen.wait(), 10)
    await world.chatter.close()
    await world.chatter.close()
    assert await world.texts() == ["Was kostet das?"]


# Replies.


def page_url(session_id: str) -> str:
    return f"https://hub.example.org/s/{session_id}"


async def test_replies_are_off_by_default(world: World) -> None:
    """Without being told to, the hub writes nothing into a chat."""
    world.chat.say("!frage Was kostet das?")
    await world.chatter.look()
    assert world.chat.written == []


async def test_each_author_is_replied_to_once(world: World) -> None:
    """Who asks for the first time reads where the questions are, once per session, even over a restart."""
    world.restarted(page_url=page_url)
    world.chat.say("!frage Was kostet das?")
    world.chat.say("!frage Und wie lange?")
    world.chat.say("!frage Geht es heute?", author="Max")
    world.chat.say("Guten Abend", author="Uta")
    await world.chatter.look()
    assert [text.partition(" Danke")[0] for _, text in world.chat.written] == ["@Zoe @Max"]
    assert world.chat.written[0][1].endswith(page_url(NAME))
    world.restarted(page_url=page_url)
    world.chat.say("!frage Und morgen?")
    await world.later(60)
    assert len(world.chat.written) == 1


async def test_replies_come_at_most_every_half_minute(world: World) -> None:
    """Two replies are half a minute apart; who asked in between is named in the next."""
    world.restarted(page_url=page_url)
    for n in range(12):
        world.chat.say("!frage Was kostet das?", author=f"viewer{n}")
        await world.later(15)
    assert len(world.chat.written) == 6
    named = " ".join(text for _, text in world.chat.written)
    assert all(f"@viewer{n} " in named for n in range(11))


async def test_replies_make_no_loop(world: World) -> None:
    """The hub's own line, coming back out of the chat, is neither a question nor answered, whatever words mark one."""
    world.restarted(page_url=page_url, words=parse_words("@zoe danke #frage"))
    world.chat.say("Was kostet das? #frage")
    await world.chatter.look()
    (written,) = world.chat.written
    world.chat.say(written[1], author="Der Sender", standing=Standing.OWNER)
    await world.later(60)
    assert len(await world.questions()) == 1
    assert len(world.chat.written) == 1
    assert written[1] in [line.text for line in world.chatter.recent(NAME)]


async def test_owner_and_late_lines_get_no_reply(world: World) -> None:
    """The channel itself, moderators, and lines that were written long ago are taken without a reply."""
    world.restarted(page_url=page_url)
    world.chat.say("!frage Was kostet das?")
    world.clock.pass_s(600)
    world.chat.say("!frage Frage vom Sender?", author="Der Sender", standing=Standing.OWNER)
    await world.chatter.look()
    assert (len(await world.questions()), world.chat.written) == (2, [])


@pytest.mark.parametrize(
    ("fault", "code", "written"),
    [
        (Fault.UNKNOWN_OUTCOME, ProblemCode.OUTCOME_UNKNOWN, 1),
        (Fault.RATE, ProblemCode.RATE_LIMITED, 1),
        (Fault.NOT_ALLOWED, ProblemCode.NOT_ALLOWED, 0),
        (Fault.QUOTA, ProblemCode.QUOTA_USED_UP, 0),
    ],
)
async def test_failed_replies_are_not_tried_again(world: World, fault: Fault, code: ProblemCode, written: int) -> None:
    """A reply that failed is never written again; where the hub may not write, it stays silent; reading goes on."""
    world.restarted(page_url=page_url)
    world.chat.refusals = [refuse(fault, code)]
    world.chat.say("!frage Was kostet das?")
    await world.chatter.look()
    world.chat.say("!frage Wie lange dauert das?", author="Max")
    await world.later(60)
    assert [text.partition(" Danke")[0] for _, text in world.chat.written] == ["@Max"][:written]
    assert len(await world.questions()) == 2


async def test_replies_never_starve_the_reading(world: World) -> None:
    """Where the quota allows no more than reading, the hub reads and says nothing."""
    world.restarted(page_url=page_url)
    world.left[0] = 900 + 480 * 5
    world.chat.say("!frage Was kostet das?")
    await world.chatter.look()
    assert (world.chat.written, len(await world.questions())) == ([], 1)


# A day's quota.


@dataclass
class SimulatedDay:
    """A day of sessions on one channel: their fixed costs, their chats, and the ledger that all is paid from."""

    store: Store
    clock: Clock
    sessions: Sequence[Session]
    refused: list[str] = field(default_factory=list)
    chats: list[str] = field(default_factory=list)

    async def spend(self, call: str, priority: Priority = Priority.CHAT, units: int | None = None) -> None:
        """As the ledger of a brand does it: refused when what more important things need would be touched."""
        at = self.clock()
        day, cost = BUDGET.day(at), BUDGET.cost(call) if units is None else units
        used = await self.store.read(lambda db: sum_spending(db, PLATFORM, day=day))
        if cost > BUDGET.left(used, priority):
            self.refused.append(call)
            raise refuse(Fault.QUOTA, ProblemCode.QUOTA_USED_UP, retry_at=BUDGET.next_day_at(at))
        await self.store.write(lambda db: add_spending(db, PLATFORM, day=day, call=call, units=cost))

    async def left(self) -> int:
        used = await self.store.read(lambda db: sum_spending(db, PLATFORM, day=BUDGET.day(self.clock())))
        return BUDGET.left(used, Priority.CHAT)

    async def run(self, chatter: Chatter, chat: PlainChat) -> None:
        """Live through the day: what is planned happens when it is due, and the chatter looks when it wants to."""
        events: list[tuple[datetime, int, str]] = []
        for number, session in enumerate(self.sessions):
            ends = session.starts_at + timedelta(minutes=session.planned_minutes)
            heapq.heappush(events, (session.starts_at - timedelta(minutes=15), number, "rehearse"))
            heapq.heappush(events, (session.starts_at, number, "live"))
            heapq.heappush(events, (ends, number, "end"))
            heapq.heappush(events, (ends + timedelta(minutes=20), number, "captions"))
        look_at = self.clock()
        while events:
            if events[0][0] <= look_at:
                at, number, what = heapq.heappop(events)
                self.clock.instant = at
                await self._happen(self.sessions[number], what)
                continue
            self.clock.instant = look_at
            wait_s = await chatter.look()
            look_at += timedelta(seconds=max(1.0, wait_s))
            look_at = min(look_at, events[0][0] + timedelta(seconds=5))
            for line in chat.lines.values():
                line.clear()

    async def _happen(self, session: Session, what: str) -> None:
        """The fixed costs of a session: planned, shown to hosts, live, ended, then its captions and texts."""
        if what == "rehearse":
            await self.spend("plan and rehearse", Priority.TRANSITION, 250)
            await self.store.write(lambda db: step_session(db, session.id, SessionState.REHEARSAL, at=self.clock()))
            await self.store.write(lambda db: follow(db, chat=f"chat-{session.id}", session_id=session.id))
        elif what == "live":
            await self.spend("go live", Priority.TRANSITION, 100)
            await self.store.write(lambda db: step_session(db, session.id, SessionState.LIVE, at=self.clock()))
        elif what == "end":
            await self.spend("end", Priority.TRANSITION, 50)
            await self.store.write(lambda db: step_session(db, session.id, SessionState.ENDED, at=self.clock()))
        else:
            await self.spend("captions", Priority.CAPTIONS, 500)


async def live_through(store: Store, plan: Sequence[tuple[float, int]]) -> tuple[SimulatedDay, PlainChat]:
    """A day of sessions, given as hours after the quota's midnight and minutes planned."""
    clock = Clock()
    midnight = BUDGET.next_day_at(START)
    clock.instant = midnight
    sessions = [
        Session(
            id=f"day-{number}",
            show_id="netz",
            title="Netz",
            starts_at=midnight + timedelta(hours=hours),
            planned_minutes=minutes,
            state=SessionState.OPEN,
        )
        for number, (hours, minutes) in enumerate(plan)
    ]

    def begin(db: Database) -> None:
        save_show(db, Show(id="netz", title="Netz", platform=PLATFORM))
        for session in sessions:
            save_session(db, session)

    await store.write(begin)
    day = SimulatedDay(store, clock, sessions)
    chat = PlainChat(clock, spend=day.spend)
    parts = ChatterParts(
        store=store,
        source_of=lambda platform: chat if platform == PLATFORM else None,
        words=WORDS,
        left=day.left,
        day_ends=BUDGET.next_day_at,
        secret=b"k" * 32,
        now=clock,
        random=os.urandom,
    )
    await day.run(Chatter(parts), chat)
    return day, chat


def check_day(day: SimulatedDay, chat: PlainChat) -> dict[str, list[float]]:
    """What must hold on every day; returns the gaps between looks by chat, in seconds."""
    assert day.refused == []
    gaps: dict[str, list[float]] = {}
    for session in day.sessions:
        times = [at for ref, _, at in chat.reads if ref == f"chat-{session.id}"]
        assert times, f"the chat of {session.id} was never read"
        ends = session.starts_at + timedelta(minutes=session.planned_minutes)
        assert ends <= times[-1] <= ends + timedelta(seconds=10), f"the chat of {session.id} was not read to its end"
        gaps[session.id] = [(b - a).total_seconds() for a, b in pairwise(times)]
    return gaps


@pytest.mark.parametrize(
    ("plan", "slowest_s"),
    [
        ([(11, 120)], 35),
        ([(2, 60), (6, 90), (11, 120)], 35),
        ([(10, 120), (10.5, 120), (11, 120)], 60),
        ([(2, 120), (4.5, 120), (7, 120), (10, 120), (11, 120)], 120),
        ([(hour, 60) for hour in range(2, 10)], 310),
    ],
    ids=["one show", "three shows", "three at once", "five shows", "eight shows"],
)
async def test_a_day_of_shows_with_chat_stays_inside_the_quota(
    store: Store, plan: Sequence[tuple[float, int]], slowest_s: float
) -> None:
    """A day's shows are planned, live, ended and captioned, their chats read to the end, within 10,000 units."""
    day, chat = await live_through(store, plan)
    gaps = check_day(day, chat)
    used = await store.read(lambda db: sum_spending(db, PLATFORM, day=BUDGET.day(day.sessions[0].starts_at)))
    assert used <= BUDGET.units - BUDGET.reserve
    assert max(max(session) for session in gaps.values()) <= slowest_s
    steady = [gap for session in gaps.values() for gap in session[:-1]]
    assert min(steady) >= 15


async def test_a_week_of_one_show_a_day_reads_every_quarter_minute(store: Store) -> None:
    """One show of two hours costs 900 units and 480 looks, so it is read every 15 seconds from its start to its end."""
    day, chat = await live_through(store, [(11, 120)])
    rows = await store.read(lambda db: list_spending(db, PLATFORM, day=BUDGET.day(day.sessions[0].starts_at)))
    looks = next(row["calls"] for row in rows if row["call"] == "chat.read")
    assert 480 <= looks <= 480 + 15 * 60 / 30 + 3
    live = check_day(day, chat)["day-0"][-400:-1]
    assert set(live) == {15.0}


@given(
    plan=st.lists(st.tuples(st.integers(0, 20), st.sampled_from([30, 60, 120, 180])), min_size=1, max_size=20),
    left=st.integers(0, 10_000),
)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_days_plan_is_never_dearer_than_what_is_left(plan: list[tuple[int, int]], left: int) -> None:
    """Whatever is planned, all chats together cost at most what is left, unless they are read as seldom as can be."""
    midnight = BUDGET.next_day_at(START)
    sessions = [
        Session(
            id=f"day-{number}",
            show_id="netz",
            title="Netz",
            starts_at=midnight + timedelta(hours=hours),
            planned_minutes=minutes,
            state=SessionState.OPEN,
        )
        for number, (hours, minutes) in enumerate(plan)
    ]
    day = plan_day(sessions, now=midnight, ends_at=BUDGET.next_day_at(midnight), upkeep_units=900)
    assert 0 <= day.chat_s <= sum(minutes for _, minutes in plan) * 60
    interval_s = day.interval_s(left, cost=5, least_s=15.0)
    assert 15 <= interval_s <= 300
    if interval_s < 300:
        assert day.chat_s / interval_s * 5 <= left - day.upkeep_units + 5
