"""Promises are kept: once, with the very second, only for what is public, and in the reader's language."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import streamhub
from streamhub.answers.answer import Answer, AnswerState
from streamhub.keepers.answered_mail import (
    MAX_QUOTE_LENGTH,
    AnsweredFacts,
    format_length,
    plan_answered_mail,
    quote_question,
)
from streamhub.keepers.postman import Postman, PostmanParts
from streamhub.keepers.teller import Teller, TellerParts, is_still_true
from streamhub.keepers.telling import HubTelling
from streamhub.outbox.mail import MailState
from streamhub.outbox.sender import Pigeonhole
from streamhub.questions.follower import FollowerKind
from streamhub.questions.question import Question, QuestionState
from streamhub.schedule.show import Session, SessionState, Show
from streamhub.store import followers, mails, questions, shows
from streamhub.store.merging import merge_question
from streamhub.store.store import Store
from streamhub.timecode import Span
from streamhub.web.links import Links, read_helped, read_leave
from tests.outbox.conftest import HEAD

SECRET = b"s" * 32
SESSION = "2027-03-02-netz"
Q = QuestionState


class Clock:
    def __init__(self):
        self.at = datetime(2027, 3, 3, 9, 0, tzinfo=UTC)

    def __call__(self):
        return self.at


@dataclass
class Places:
    """Answers in memory."""

    answers: dict[str, Answer] = field(default_factory=dict)

    async def list(self, session_id):
        return [answer for answer in self.answers.values() if answer.session_id == session_id]

    def page(self, answer):
        return f"a/{answer.id}-{answer.slug}/"


@dataclass
class Desk:
    """A hub's promises, from asking to the mail."""

    store: Store
    clock: Clock
    places: Places = field(default_factory=Places)
    built: bool = True
    by_rule: bool = True
    sender: Pigeonhole = field(default_factory=Pigeonhole)

    def __post_init__(self):
        self.telling = HubTelling(store=self.store, offered=True, now=self.clock, random=os.urandom)
        self.teller = Teller(
            TellerParts(
                store=self.store,
                answers=self.places,
                is_built=lambda page: self.built,
                links=Links(hub_url="https://hub.example.org", secret=SECRET),
                hub_name="Frag die Runde",
                by_rule=self.by_rule,
                keep_days=30,
                secret=SECRET,
                now=self.clock,
            )
        )
        parts = PostmanParts(store=self.store, sender=self.sender, head=HEAD, wanted=is_still_true, now=self.clock)
        self.postman = Postman(parts)

    async def ask(self, *names, state=Q.ANSWERED_LIVE, text=""):
        def fill(db):
            shows.save_show(db, Show(id="runde", title="Runde"))
            shows.save_session(
                db,
                Session(
                    id=SESSION, show_id="runde", title="Netz", starts_at=self.clock.at, state=SessionState.PUBLISHED
                ),
            )
            for name in names:
                question = Question(
                    id=name, session_id=SESSION, text=text or f"Was ist {name}?", state=state, asked_at=self.clock.at
                )
                questions.insert_question(db, question)

        await self.store.write(fill)

    async def step(self, name, to):
        await self.store.write(lambda db: questions.step_question(db, name, to, at=self.clock.at, author="Jana"))
        if to is Q.PUBLISHED:
            self.places.answers.setdefault(
                name,
                Answer(
                    id=name,
                    slug="was",
                    session_id=SESSION,
                    question=f"Was ist {name}?",
                    answerers=("Bernd Bach", "Cem Cetin"),
                    ranges=(Span(95_400, 200_400), Span(300_000, 325_000)),
                ),
            )
        states = {Q.PUBLISHED: AnswerState.PUBLISHED, Q.WITHDRAWN: AnswerState.WITHDRAWN}
        if name in self.places.answers and to in states:
            self.places.answers[name] = replace(self.places.answers[name], state=states[to])

    async def follow(self, name, email="ada@example.org", language="de", kind=FollowerKind.ASKER):
        await self.telling.follow(name, email, language, kind)

    async def outbox(self, *states):
        return await self.store.read(lambda db: mails.list_mails(db, states=states or set(MailState)))

    async def run(self):
        """What the keepers do in a round; returns the letters that went out so far."""
        await self.teller.sync()
        await self.postman.send_due()
        return self.sender.letters


@pytest.fixture
async def desk(tmp_path):
    clock = Clock()
    async with Store.open(tmp_path / "hub.sqlite3", now=clock) as store:
        yield Desk(store, clock)


def text_of(letter):
    return letter.get_body(("plain",)).get_content()


async def test_the_asker_is_told_once(desk):
    """Once the answer is public, its asker gets one mail with the length, the people and the very second."""
    await desk.ask("q1")
    await desk.follow("q1")
    assert await desk.run() == []
    await desk.step("q1", Q.PUBLISHED)
    for _ in range(3):
        letters = await desk.run()
    assert [letter["Subject"] for letter in letters] == ["Ihre Frage wurde beantwortet, 2 Min. 10 Sek."]
    text = text_of(letters[0])
    assert "„Was ist q1?“" in text
    assert "Es antwortet: Bernd Bach, Cem Cetin." in text
    assert "https://hub.example.org/archive/a/q1-was/?t=95\n" in text
    follower = (await desk.store.read(lambda db: followers.list_followers(db, "q1")))[0]
    helped = re.search(r"https://hub\.example\.org/helped/(\S+)", text)[1]
    assert read_helped(SECRET, helped) == follower.id
    leave = letters[0]["List-Unsubscribe"].strip("<>").rpartition("/")[2]
    assert read_leave(SECRET, leave) == follower.id
    assert read_leave(SECRET, helped) is None


async def test_each_is_told_in_his_language(desk):
    """An English reader is told in English; somebody with the same question is not told that it is his."""
    await desk.ask("q1")
    await desk.follow("q1", "bob@example.org", "en")
    await desk.follow("q1", "cem@example.org", "en", FollowerKind.ME_TOO)
    await desk.step("q1", Q.PUBLISHED)
    letters = {str(letter["To"]): letter for letter in await desk.run()}
    assert letters["bob@example.org"]["Subject"] == "Your question was answered, 2 min 10 s"
    assert letters["cem@example.org"]["Subject"] == "A question that you have too was answered, 2 min 10 s"
    assert letters["bob@example.org"]["Content-Language"] == "en"


async def test_nobody_is_sent_to_a_page_that_is_not_there(desk):
    """As long as the page is not built, or the archive still has a draft, nobody is told."""
    await desk.ask("q1")
    await desk.follow("q1")
    await desk.step("q1", Q.PUBLISHED)
    desk.built = False
    assert await desk.run() == []
    desk.built = True
    desk.places.answers["q1"] = replace(desk.places.answers["q1"], state=AnswerState.DRAFT)
    assert await desk.run() == []
    desk.places.answers["q1"] = replace(desk.places.answers["q1"], state=AnswerState.PUBLISHED)
    assert len(await desk.run()) == 1


async def test_a_written_answer_is_told_without_a_length(desk):
    """An answer in writing is told as well, with its page and no second."""
    await desk.ask("q1", state=Q.ANSWERED_IN_WRITING)
    await desk.follow("q1")
    await desk.step("q1", Q.PUBLISHED)
    desk.places.answers["q1"] = replace(desk.places.answers["q1"], ranges=(), body="So ist es.")
    letter = (await desk.run())[0]
    assert letter["Subject"] == "Ihre Frage wurde beantwortet"
    assert "Die Antwort zum Nachlesen:\nhttps://hub.example.org/archive/a/q1-was/\n" in text_of(letter)


async def test_who_followed_a_merged_question(desk):
    """Who followed a question that was merged is told when its target is answered; one address gets one mail."""
    await desk.ask("q1", "q2", state=Q.OPEN)
    await desk.follow("q1")
    await desk.follow("q2")
    await desk.follow("q1", "bob@example.org")

    def merge(db):
        merge_question(db, "q1", "q2", at=desk.clock.at, author="Jana")

    await desk.store.write(merge)
    for state in (Q.ANSWERED_IN_WRITING, Q.PUBLISHED):
        await desk.step("q2", state)
    letters = {str(letter["To"]): letter for letter in await desk.run()}
    assert len(desk.sender.letters) == 2
    assert set(letters) == {"ada@example.org", "bob@example.org"}
    assert "„Was ist q1?“" in text_of(letters["bob@example.org"])
    assert "„Was ist q2?“" in text_of(letters["bob@example.org"])
    assert await desk.run() == list(desk.sender.letters)


@pytest.mark.parametrize("by_rule", [True, False])
async def test_withdrawn_before_it_was_told(tmp_path, by_rule):
    """What is withdrawn before its mail went out is not told, and is told after all when it comes back."""
    clock = Clock()
    async with Store.open(tmp_path / "hub.sqlite3", now=clock) as store:
        desk = Desk(store, clock, by_rule=by_rule)
        await desk.ask("q1")
        await desk.follow("q1")
        await desk.step("q1", Q.PUBLISHED)
        await desk.teller.sync()
        assert len(await desk.outbox(MailState.QUEUED if by_rule else MailState.DRAFT)) == 1
        await desk.step("q1", Q.WITHDRAWN)
        await desk.postman.send_due()
        assert await desk.run() == []
        assert await desk.outbox() == []
        await desk.step("q1", Q.PUBLISHED)
        await desk.teller.sync()
        assert len(await desk.outbox()) == 1


async def test_without_a_rule_mails_stay_drafts(tmp_path):
    """By hand, a mail is a draft until a person sends it; a discarded one stays discarded."""
    clock = Clock()
    async with Store.open(tmp_path / "hub.sqlite3", now=clock) as store:
        desk = Desk(store, clock, by_rule=False)
        await desk.ask("q1", "q2")
        for name in ("q1", "q2"):
            await desk.follow(name)
            await desk.step(name, Q.PUBLISHED)
        assert await desk.run() == []
        first, second = await desk.outbox(MailState.DRAFT)
        who = {"at": clock.at, "author": "Jana"}
        await store.write(lambda db: mails.step_mail(db, first.id, MailState.QUEUED, **who))
        await store.write(lambda db: mails.step_mail(db, second.id, MailState.DISCARDED, **who))
        for _ in range(2):
            assert len(await desk.run()) == 1
        assert [mail.id for mail in await desk.outbox(MailState.DISCARDED)] == [second.id]


async def test_who_leaves_is_not_told(desk):
    """Who has the address deleted before the mail went out gets none."""
    await desk.ask("q1")
    await desk.follow("q1")
    follower = (await desk.store.read(lambda db: followers.list_followers(db, "q1")))[0]
    await desk.step("q1", Q.PUBLISHED)
    await desk.teller.sync()
    await desk.store.write(lambda db: followers.unfollow(db, follower.id))
    assert await desk.run() == []
    assert await desk.outbox() == []


async def test_addresses_go_after_their_days(desk):
    """Thirty days after it was told an address stands nowhere any more, and nothing is told again."""
    await desk.ask("q1", "q2")
    await desk.follow("q1")
    await desk.follow("q2", "bob@example.org")
    await desk.step("q1", Q.PUBLISHED)
    assert len(await desk.run()) == 1
    desk.clock.at += timedelta(days=29)
    await desk.run()
    assert (await desk.store.read(lambda db: followers.list_followers(db, "q1")))[0].email == "ada@example.org"
    desk.clock.at += timedelta(days=2)
    assert len(await desk.run()) == 1
    assert (await desk.store.read(lambda db: followers.list_followers(db, "q1")))[0].email == ""
    assert {mail.recipient for mail in await desk.outbox()} == {""}
    assert (await desk.store.read(lambda db: followers.list_followers(db, "q2")))[0].email == "bob@example.org"
    desk.clock.at += timedelta(days=340)
    await desk.run()
    assert (await desk.store.read(lambda db: followers.list_followers(db, "q2")))[0].email == ""


async def test_no_address_in_the_log(desk, caplog):
    """Neither the program's log nor the log of actions names an address."""
    caplog.set_level("DEBUG")
    await desk.ask("q1")
    await desk.follow("q1")
    await desk.step("q1", Q.PUBLISHED)
    assert len(await desk.run()) == 1
    assert "ada" not in caplog.text
    kept = await desk.store.read(lambda db: db.execute("select group_concat(details) from log").fetchone()[0])
    assert "ada" not in kept


@pytest.mark.parametrize("kills", [1, 2, 3, 4, 5, 6])
async def test_kill_9_tells_nobody_twice(tmp_path, kills):
    """Killed at any moment while it tells many, the hub tells each one once in the end, and nobody is left out."""
    clock = Clock()
    names = [f"q{number}" for number in range(40)]
    async with Store.open(tmp_path / "hub.sqlite3", now=clock) as store:
        desk = Desk(store, clock)
        await desk.ask(*names)
        for number, name in enumerate(names):
            await desk.follow(name, f"p{number}@example.org")
            await desk.step(name, Q.PUBLISHED)
    environ = {**os.environ, "PYTHONPATH": str(Path(streamhub.__file__).parents[1])}
    argv = [sys.executable, str(Path(__file__).with_name("telling_hub.py")), str(tmp_path)]
    child = subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE)  # noqa: ASYNC220  the child is killed at once
    for _ in range(kills * 4):
        child.stdout.readline()
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    async with Store.open(tmp_path / "hub.sqlite3", now=clock) as store:
        told = await store.read(lambda db: db.execute("select count(*) from mails").fetchone()[0])
        untold = len(await store.read(followers.list_untold))
        assert told + untold == 40
        assert told >= kills * 4 - 1
        desk = Desk(store, clock, places=Places({name: _answer(name) for name in names}))
        letters = await desk.run()
        assert sorted(str(letter["To"]) for letter in letters) == sorted(f"p{n}@example.org" for n in range(40))


def _answer(name):
    return Answer(id=name, slug="was", session_id=SESSION, question="Was?", state=AnswerState.PUBLISHED)


FACTS = AnsweredFacts(
    kind=FollowerKind.ASKER, question="Was?", target="", answerers=("Bernd",), length_ms=130_000,
    answer_url="https://hub.example.org/a/?t=9", helped_url="https://hub.example.org/helped/x",
    leave_url="https://hub.example.org/leave/x", hub_name="Runde", keep_days=30,
)  # fmt: skip


@given(st.text(max_size=1200), st.text(max_size=80), st.sampled_from(["de", "en"]))
def test_what_is_quoted_stays_short_and_in_its_place(question, name, language):
    """Whatever is asked, the mail has its fixed number of paragraphs, a fixed subject and short quotes."""
    facts = replace(FACTS, question=question, answerers=(name,))
    subject, body = plan_answered_mail(facts, language)
    assert "\n" not in subject
    assert len(body.strip().split("\n\n")) == 6
    assert len(quote_question(question)) <= MAX_QUOTE_LENGTH
    assert subject == plan_answered_mail(FACTS, language)[0]


@pytest.mark.parametrize(
    ("asked", "quoted"),
    [
        ("Gewinn unter https://evil.example/x?y=1 jetzt!", "Gewinn unter […] jetzt!"),
        ("Schreib an eve@evil.example bitte", "Schreib an […] bitte"),
        ("Siehe evil.example/gewinn", "Siehe […]"),
        ("Ruf 0190 123 456 78 an", "Ruf […] an"),
        ("Ruf +49 (30) 123-4567 an", "Ruf […] an"),
        ("Zwei\nZeilen", "Zwei Zeilen"),
        ("Was kostet 1.000-2.000 Euro im Jahr 2027?", "Was kostet 1.000-2.000 Euro im Jahr 2027?"),
        ("Geht das z.B. mit 5.6 GHz?", "Geht das z.B. mit 5.6 GHz?"),
        ("https://evil.example", "[…]"),
    ],
)
def test_a_quote_carries_no_address(asked, quoted):
    """The hub's letter carries nobody's advertising: addresses and telephone numbers are left out of quotes."""
    assert quote_question(asked) == quoted


@pytest.mark.parametrize(
    ("ms", "de", "en"),
    [
        (130_000, "2 Min. 10 Sek.", "2 min 10 s"),
        (120_000, "2 Min.", "2 min"),
        (45_400, "45 Sek.", "45 s"),
        (10, "1 Sek.", "1 s"),
        (5_400_000, "1 Std. 30 Min.", "1 h 30 min"),
        (59_600, "1 Min.", "1 min"),
    ],
)
def test_lengths(ms, de, en):
    """A length is told in its two largest units."""
    assert (format_length(ms, "de"), format_length(ms, "en")) == (de, en)
