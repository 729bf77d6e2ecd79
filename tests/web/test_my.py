"""What comes after the question: my page and feed, whether it helped, asking anew, erasing, and the hosts' outbox."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import feedparser
import pytest
from aiohttp import ClientSession, CookieJar

import streamhub
from streamhub.answers.answer import Answer, AnswerState
from streamhub.keepers.telling import HubTelling
from streamhub.keepers.tidying import tidy
from streamhub.outbox.mail import Mail, MailState
from streamhub.questions.clusters import Cluster
from streamhub.questions.follower import Follower, FollowerKind
from streamhub.questions.intake import Contribution
from streamhub.questions.question import QuestionState, Shown
from streamhub.questions.writing import Proposal, Story, StoryState, Writer, digest_of
from streamhub.schedule.show import SessionState
from streamhub.store import clusters, followers, mails, proposals, questions, shows, sources, stories, verdicts
from streamhub.store import erasing as erasing_rows
from streamhub.store.merging import merge_question
from streamhub.timecode import Span
from streamhub.web.erasing import finish_erasures
from streamhub.web.links import Links
from streamhub.web.snapshot import take_snapshot

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.web.conftest import MakeWorld, World

Q = QuestionState


class Reader:
    """Somebody with a browser of his own and no JavaScript."""

    def __init__(self, world: World, session: ClientSession) -> None:
        self.world = world
        self.session = session

    async def ask(self, session_id: str, text: str = "Was kostet das?", **more: str) -> str:
        path = f"{self.world.url}/api/v1/sessions/{session_id}/questions"
        async with self.session.post(path, json={"text": text, **more}) as answer:
            assert answer.status == 201, await answer.text()
            return str((await answer.json())["id"])

    async def get(self, path: str, *, status: int = 200) -> str:
        async with self.session.get(f"{self.world.url}{path}") as page:
            assert page.status == status, await page.text()
            return await page.text()

    async def post(self, path: str, *, status: int = 200, **fields: str) -> str:
        async with self.session.post(f"{self.world.url}{path}", data=fields) as page:
            assert page.status == status, await page.text()
            return await page.text()

    @property
    def voter(self) -> str:
        cookie = next(one.value for one in self.session.cookie_jar if one.key == "streamhub_voter")
        return cookie.rpartition(".")[0]


@asynccontextmanager
async def reader_of(world: World) -> AsyncIterator[Reader]:
    headers = {"Accept-Language": "en"}
    async with ClientSession(cookie_jar=CookieJar(unsafe=True), headers=headers) as session:
        yield Reader(world, session)


async def answer(world: World, question_id: str, **changes: Any) -> None:
    """Let a question be answered in public."""
    at = world.clock()

    def publish(db: Any) -> str:
        for state in (Q.ANSWERED_IN_WRITING, Q.PUBLISHED):
            questions.step_question(db, question_id, state, at=at, author="Jana")
        return questions.load_question(db, question_id).session_id

    session_id = await world.hub.store.write(publish)
    given: dict[str, Any] = {
        "id": question_id, "slug": "was", "session_id": session_id, "question": "Was?", "answerers": ("Bernd Bach",),
        "ranges": (Span(130_000, 190_000),), "state": AnswerState.PUBLISHED, **changes,
    }  # fmt: skip
    world.answers.answers.setdefault(session_id, []).append(Answer(**given))


async def finish(world: World, session_id: str) -> None:
    """Take a session to where its answers are public."""
    way = ("LIVE", "ENDED", "PROCESSING", "IN_REVIEW", "PUBLISHED")
    for state in (SessionState[name] for name in way):
        await world.hub.store.write(lambda db, state=state: shows.step_session(db, session_id, state, at=world.clock()))


def telling(world: World) -> HubTelling:
    return HubTelling(store=world.hub.store, offered=True, now=world.clock, random=os.urandom)


async def told(world: World, question_id: str, email: str = "ada@example.org", voter: str = "") -> str:
    """Somebody who was told about an answer; returns the path of the mail's link."""
    await telling(world).follow(question_id, email, "en", FollowerKind.ASKER, voter=voter)
    found = await world.hub.store.read(lambda db: followers.list_followers(db, question_id))
    follower = next(one for one in found if one.email == email)
    at = world.clock()
    await world.hub.store.write(lambda db: followers.mark_told(db, follower.id, about=question_id, at=at))
    return Links(hub_url="", secret=world.hub.secret).helped(follower.id)


async def reopening(world: World, question_id: str) -> Any:
    return await world.hub.store.read(lambda db: verdicts.find_reopening(db, question_id))


async def test_my_page_follows_my_questions(world: World) -> None:
    """A browser sees its own questions with state and answer at the second; another browser sees none of them."""
    session = await world.plan()
    async with reader_of(world) as ada, reader_of(world) as bob:
        assert "Nothing was asked in this browser yet." in await ada.get("/my")
        asked = await ada.ask(session, "Ruckelt es abends?")
        page = await ada.get("/my")
        assert "Ruckelt es abends?" in page
        assert "on the list" in page
        await answer(world, asked)
        page = await ada.get("/my")
        assert f'href="/archive/de/a/{asked}-was/?t=130"' in page
        assert "Did this answer help you?" in page
        assert "Ruckelt" not in await bob.get("/my")


async def test_my_feed_is_a_secret(world: World) -> None:
    """The feed tells of my questions to whoever has its address; no other address does, and the page is not cached."""
    session = await world.plan()
    async with reader_of(world) as ada, reader_of(world) as anybody:
        first = await ada.ask(session, "Ruckelt <b>es</b>\x0b abends?")
        await ada.ask(session, "Und morgens?")
        await answer(world, first)
        path = re.search(r'href="(/f/[^"]+\.atom)"', await ada.get("/my"))[1]
        feed = feedparser.parse(await anybody.get(path))
        assert not feed.bozo
        assert {entry.title for entry in feed.entries} == {"Ruckelt <b>es</b> abends?", "Und morgens?"}
        answered = next(entry for entry in feed.entries if "abends" in entry.title)
        assert answered.link.endswith(f"/archive/de/a/{first}-was/?t=130")
        assert answered.summary == "Your question was answered."
        await anybody.get(path.replace("/f/", "/f/x"), status=404)
        async with anybody.session.get(f"{world.url}{path}") as response:
            assert "no-store" in response.headers["Cache-Control"]


async def test_looking_at_a_link_changes_nothing(world: World) -> None:
    """A mail scanner that opens the links of a mail neither says that it helped nor takes the address away."""
    session = await world.plan()
    async with reader_of(world) as ada, reader_of(world) as scanner:
        asked = await ada.ask(session)
        await answer(world, asked)
        path = await told(world, asked)
        assert "Did this answer help you?" in await scanner.get(path)
        follower = (await world.hub.store.read(lambda db: followers.list_followers(db, asked)))[0]
        leave = Links(hub_url="", secret=world.hub.secret).leave(follower.id)
        assert "Delete my address" in await scanner.get(leave)
        assert await world.hub.store.read(lambda db: verdicts.list_verdicts(db, asked)) == []
        assert (await world.hub.store.read(lambda db: followers.list_followers(db, asked)))[0].email
        # One click of a mail program (RFC 8058): a POST without cookies, origin or form.
        page = await scanner.post(leave, **{"List-Unsubscribe": "One-Click"})
        assert "Your address is deleted." in page
        assert (await world.hub.store.read(lambda db: followers.list_followers(db, asked)))[0].email == ""
        assert "Your address is deleted." in await scanner.get(leave)


@pytest.mark.parametrize("path", ["/helped/x.y", "/helped/abc", "/leave/x.y", "/f/x.y.atom"])
async def test_forged_links_lead_nowhere(world: World, path: str) -> None:
    """A link that we did not sign, or signed for something else, shows nothing."""
    async with reader_of(world) as ada:
        await ada.get(path, status=404)
        leave = Links(hub_url="", secret=world.hub.secret).leave("someone")
        await ada.get(leave.replace("/leave/", "/helped/"), status=404)


async def test_no_puts_the_question_back_with_its_history(world: World) -> None:
    """A "no" of the asker asks the question anew in the show's next session; the host sees when, where and why."""
    first = await world.plan(title="Erste")
    async with reader_of(world) as ada:
        asked = await ada.ask(first, "Ruckelt es abends?", name="Ada", shown="name")
        await world.act(asked, "tag", topics=["WLAN"], products=["Box 7"])
        await answer(world, asked)
        await finish(world, first)
        second = await world.host(
            "POST", "/sessions", show_id="runde", title="Zweite", starts_at="2027-04-02T20:15:00+01:00"
        )
        await world.host("POST", f"/sessions/{second['id']}/state", to="open")
        world.clock.forward(days=3)
        path = await told(world, asked)
        page = await ada.post(path, helped="no", reason="Der Neustart half nur einen Tag.")
        assert "on the list again" in page
        anew = await reopening(world, asked)
        assert (anew.session_id, anew.text, anew.state) == (second["id"], "Ruckelt es abends?", Q.OPEN)
        assert (anew.topics, anew.products, anew.asker.name) == (("WLAN",), ("Box 7",), "Ada")
        old = await world.hub.store.read(lambda db: questions.load_question(db, asked))
        assert (old.state, old.id) == (Q.PUBLISHED, asked)
        mine = await ada.get("/my")
        assert mine.count("Ruckelt es abends?") == 2
        async with world.client.get(f"/host/s/{second['id']}", headers=world.bearer) as console:
            board = await console.text()
        assert "Der Neustart half nur einen Tag." in board
        assert f"/archive/de/a/{asked}-was/?t=130" in board
        assert "Der Neustart" not in await ada.get(f"/s/{second['id']}")
        again = await ada.post(path, helped="no", reason="Auch danach nicht.")
        assert "on the list again" in again
        assert (await reopening(world, asked)).id == anew.id
        # Whoever was told before is told again about the new answer, at the same address.
        untold = await world.hub.store.read(followers.list_untold)
        assert [(one.question_id, one.email) for one in untold] == [(anew.id, "ada@example.org")]


async def test_without_a_next_session_it_waits_to_be_carried_over(world: World) -> None:
    """Where the show has no session to come, what is asked anew waits to be carried over."""
    session = await world.plan()
    async with reader_of(world) as ada:
        asked = await ada.ask(session)
        await answer(world, asked)
        await finish(world, session)
        await ada.post(f"/my/{asked}/helped", helped="no")
        anew = await reopening(world, asked)
        assert (anew.session_id, anew.state) == (session, Q.CARRIED_OVER)


async def test_no_of_others_is_counted_and_asks_nothing_anew(world: World) -> None:
    """A reader who did not ask may say that it did not help, once and changeable; that reopens nothing."""
    session = await world.plan()
    async with reader_of(world) as ada, reader_of(world) as bob:
        asked = await ada.ask(session)
        await world.act(asked, "tag", topics=["WLAN", "Netz"], products=["Box 7"])
        await answer(world, asked)
        await finish(world, session)
        assert "Did this answer help you?" in await bob.get(f"/s/{session}")
        for helped in ("no", "no", "partly"):
            await bob.post(f"/s/{session}/answers/{asked}/helped", helped=helped)
        assert await reopening(world, asked) is None
        await ada.post(f"/my/{asked}/helped", helped="yes")
        counts = await world.hub.store.read(lambda db: verdicts.count_verdicts(db, by="topic"))
        assert {name: (c.yes, c.partly, c.no) for name, c in counts.items()} == {"WLAN": (1, 1, 0), "Netz": (1, 1, 0)}
        by_product = await world.hub.store.read(lambda db: verdicts.count_verdicts(db, by="product", show_id="runde"))
        assert set(by_product) == {"Box 7"}
        assert await world.hub.store.read(lambda db: verdicts.count_verdicts(db, session_id="andere")) == {}
        await ada.post(f"/my/{asked}/helped", helped="no")
        await bob.post(f"/s/{session}/answers/{asked}/helped", helped="no")
        assert (await reopening(world, asked)).votes == 1
        (count,) = (await world.hub.store.read(verdicts.count_verdicts)).values()
        assert (count.yes, count.partly, count.no) == (0, 0, 2)


async def test_the_archive_asks_by_a_link_that_keeps_nothing(world: World) -> None:
    """Who comes from an answer's page finds his choice made and has to send it; other sessions know nothing of it."""
    session = await world.plan()
    async with reader_of(world) as ada, reader_of(world) as bob:
        asked = await ada.ask(session)
        await answer(world, asked)
        await finish(world, session)
        page = await bob.get(f"/s/{session}/answers/{asked}/helped?helped=partly")
        assert 'value="partly" required checked' in page
        assert f'action="/s/{session}/answers/{asked}/helped"' in page
        assert "whole history" not in page
        assert "required checked" not in await bob.get(f"/s/{session}/answers/{asked}/helped?helped=maybe")
        assert await world.hub.store.read(verdicts.count_verdicts) == {}
        await bob.get(f"/s/anderswo/answers/{asked}/helped", status=404)


async def test_one_person_counts_once_by_mail_and_by_browser(world: World) -> None:
    """Who says it by the mail's link and again in the browser that asked counts once."""
    session = await world.plan()
    async with reader_of(world) as ada:
        asked = await ada.ask(session)
        await answer(world, asked)
        path = await told(world, asked, voter=ada.voter)
        await ada.post(path, helped="yes")
        await ada.post(f"/my/{asked}/helped", helped="partly")
        (count,) = (await world.hub.store.read(verdicts.count_verdicts)).values()
        assert (count.yes, count.partly, count.no) == (0, 1, 0)


async def test_what_is_wrong_is_said_on_the_page(world: World) -> None:
    """Nothing chosen and a reason that is too long are said beside the form; an answer that is gone is not judged."""
    session = await world.plan()
    async with reader_of(world) as ada:
        asked = await ada.ask(session)
        await ada.post(f"/my/{asked}/helped", helped="yes", status=404)
        await answer(world, asked)
        path = await told(world, asked)
        assert "Nothing is chosen yet." in await ada.post(path, status=400)
        assert "too long" in await ada.post(f"/my/{asked}/helped", helped="no", reason="x" * 1001, status=400)
        await ada.post(f"/s/andere/answers/{asked}/helped", helped="yes", status=404)
        assert await reopening(world, asked) is None


async def test_erasing_takes_the_words_out_of_every_file(world: World) -> None:
    """After a question is erased no file of the database holds its words, name, address or reason any more."""
    session = await world.plan()
    canaries = ["Kanarienfrage", "Kanarienname", "kanarienpost", "Kanariengrund", "Kanarienort", "Kanarienurtext"]
    async with reader_of(world) as ada:
        question = {"text": "Kanarienfrage " * 20, "name": "Kanarienname", "shown": "name", "place": "Kanarienort"}
        asked = await ada.ask(session, **question)
        path = await told(world, asked, "kanarienpost@example.org", voter=ada.voter)
        store = world.hub.store
        for deed in ("hold", "open", "star"):  # each leaves the words in the journal, so that it can be undone
            await world.act(asked, deed)
        await store.write(
            lambda db: db.execute("update questions set original = 'Kanarienurtext' where id = ?", [asked]).rowcount
        )
        for number, state in enumerate((MailState.SENT, MailState.DRAFT)):
            mail = Mail(
                id=f"m{number}", kind="answered", object=asked, recipient="kanarienpost@example.org", language="de",
                subject="Kanarienfrage", body="Kanarienfrage", state=state, made_at=world.clock(),
            )  # fmt: skip
            await store.write(lambda db, mail=mail: mails.put_mail(db, mail))
        await answer(world, asked)
        await finish(world, session)
        await ada.post(path, helped="no", reason="Kanariengrund")
        anew = await reopening(world, asked)
        assert any(b"Kanarienfrage" in file.read_bytes() for file in store.path.parent.glob("hub.sqlite3*"))
        assert "Nothing was erased." in await ada.post(f"/my/{asked}/erase", status=400)
        page = await ada.post(f"/my/{asked}/erase", sure="yes")
        assert "Your question is erased." in page
        assert "Kanarien" not in page
        for file in store.path.parent.glob("hub.sqlite3*"):
            content = file.read_bytes()
            assert [word for word in canaries if word.encode() in content] == [], file.name
        for one in (asked, anew.id):
            kept = await store.read(lambda db, one=one: questions.load_question(db, one))
            assert (kept.state, kept.text) == (Q.WITHDRAWN, "")
        assert world.answers.answers[session][0].state is AnswerState.WITHDRAWN
        with pytest.raises(Exception, match="erased"):
            await store.write(
                lambda db: questions.step_question(db, asked, Q.PUBLISHED, at=world.clock(), author="Jana")
            )
        async with world.client.get(f"/host/s/{session}", headers=world.bearer) as console:
            assert console.status == 200


async def test_erasing_takes_what_hangs_on_a_question_too(world: World) -> None:
    """Cases, proposed answers, additions, what waits, parts, topics and the journal hold no word of it afterwards."""
    session = await world.plan()
    store, at = world.hub.store, world.clock()
    async with reader_of(world) as ada:
        asked = await ada.ask(session, "Kanarienfrage eins?\nKanarienfrage zwei?", name="Kanarienname", shown="name")

        def plant(db: Any) -> None:
            writer = Writer(name="Kanarienzeuge", shown=Shown.NAME)
            fields: dict[str, Any] = {"question_id": asked, "writer": writer, "language": "de", "at": at}
            told = Story(
                id="s1", voter="v1", text="Kanarienfall", state=StoryState.DECLINED, note="Kanariennote", **fields
            )
            stories.save_story(db, told)
            text = "Kanarienantwort"
            proposal = Proposal(id="p1", voter="v1", text=text, digest=digest_of(text), **fields)
            proposals.insert_proposal(db, proposal)
            proposals.accept_proposal(db, "p1", at=at, author="Jana")
            proposals.undo_acceptance(db, "p1", at=at, author="Jana")
            line = Contribution(source="mail", ref="m1", author="Kanarienautor", author_ref="x", text="Egal", at=at)
            db["contributions"].insert(
                {
                    "source": "mail", "ref": "m1", "session_id": session, "question_id": asked,
                    "author": "kanarienschluessel", "at": "2027-03-02T12:00:00.000Z",
                }
            )  # fmt: skip
            sources.add_addition(
                db, "mail", "m2", sources.Addition(question_id=asked, whole=True, text="Kanarientext", at=at)
            )
            sources.keep_waiting(db, replace(line, ref="m3", text="Kanarienwarten", reply_to=("m1",)), at=at)
            cluster = Cluster(
                id="c1", session_id=session, label="Kanarienthema", central=asked, members=frozenset({asked})
            )
            clusters.save_clusters(db, session, [], [cluster], at=at)

        await store.write(plant)
        path = f"/questions/{asked}/edit"
        await world.host("POST", path, text="Kanarienfassung?", version=(await load(world, asked)).version)
        parts = "Kanarienteil eins?\nKanarienteil zwei?"
        await world.host("POST", f"/questions/{asked}/split", text=parts, version=(await load(world, asked)).version)
        canaries = {
            "Kanarienfrage", "Kanarienname", "Kanarienzeuge", "Kanarienfall", "Kanariennote", "Kanarienantwort",
            "Kanarienautor", "kanarienschluessel", "Kanarientext", "Kanarienwarten", "Kanarienthema",
            "Kanarienfassung", "Kanarienteil",
        }  # fmt: skip
        assert await found_in_files(world, canaries) == canaries
        await ada.post(f"/my/{asked}/erase", sure="yes")
        assert await found_in_files(world, canaries) == set()
        _, snapshot = await take_snapshot(world.client.app, session)
        assert b"anarien" not in snapshot
        async with world.client.get(f"/host/s/{session}", headers=world.bearer) as console:
            assert (console.status, "anarien" in await console.text()) == (200, False)


async def load(world: World, question_id: str) -> Any:
    return await world.hub.store.read(lambda db: questions.load_question(db, question_id))


async def found_in_files(world: World, words: set[str]) -> set[str]:
    """Those of the words that stand anywhere in the files of the database."""
    content = b"".join(file.read_bytes() for file in world.hub.store.path.parent.glob("hub.sqlite3*"))
    return {word for word in words if word.encode() in content}


async def test_a_mail_on_its_way_keeps_nothing_of_an_erased_question(world: World) -> None:
    """A mail that a server was just taking when its question was erased is blank once that is settled."""
    session = await world.plan()
    store, at = world.hub.store, world.clock()
    async with reader_of(world) as ada:
        asked = await ada.ask(session)
        mail = Mail(
            id="m1", kind="answered", object=asked, recipient="kanarienpost@example.org", language="de",
            subject="Kanarienfrage", body="Kanarienfrage", state=MailState.QUEUED, made_at=at,
        )  # fmt: skip
        await store.write(lambda db: mails.put_mail(db, mail))
        taken = await store.write(lambda db: mails.claim_mail(db, "hub", at=at, wanted=lambda _db, _mail: True))
        assert taken.state is MailState.SENDING
        await ada.post(f"/my/{asked}/erase", sure="yes")
        await store.write(lambda db: mails.finish_mail(db, "m1", at=at))
        await store.purge()
        assert await found_in_files(world, {"Kanarienfrage", "kanarienpost"}) == set()
        assert (await store.read(lambda db: mails.load_mail(db, "m1"))).state is MailState.SENT


@pytest.mark.parametrize("state", [MailState.DRAFT, MailState.SENT, MailState.SENDING])
async def test_erasing_a_merged_question_takes_its_mail_along(world: World, state: MailState) -> None:
    """A mail about the question that stands for an erased one goes with it; others who follow that are told."""
    session, at, store = await world.plan(), world.clock(), world.hub.store
    async with reader_of(world) as ada:
        asked, other = await ada.ask(session, "Kanarienfrage"), await ada.ask(session, "Andere")

        def bring(db: Any) -> None:
            merge_question(db, asked, other, at=at, author="Jana")
            for number, (one, email) in enumerate(
                {asked: "kanarienpost@example.org", other: "ben@example.org"}.items()
            ):
                given = {"id": f"f{number}", "question_id": one, "email": email}
                follower = Follower(language="de", kind=FollowerKind.ASKER, at=at, **given)
                followers.follow_question(db, replace(follower, told_at=at, told_about=other))
                mail = Mail(
                    id=f"m{number}", kind="answered", object=other, followed=one, recipient=email, language="de",
                    subject="Beantwortet", body="Kanarienfrage" if one == asked else "Andere", state=state, made_at=at,
                )  # fmt: skip
                mails.put_mail(db, mail)

        await store.write(bring)
        await ada.post(f"/my/{asked}/erase", sure="yes")
        if state is MailState.SENDING:
            await store.write(lambda db: mails.finish_mail(db, "m0", at=at))
            await store.purge()
        assert await found_in_files(world, {"Kanarienfrage", "kanarienpost"}) == set()
        kept = await store.read(lambda db: mails.load_mail(db, "m1"))
        assert (kept.recipient, kept.body, kept.state) == ("ben@example.org", "Andere", state)


async def test_one_address_follows_a_merged_question_and_the_other(world: World) -> None:
    """Where one address follows both, erasing one takes the unsent mail away and leaves the promise for the other."""
    session, at, store = await world.plan(), world.clock(), world.hub.store
    async with reader_of(world) as ada:
        asked, other = await ada.ask(session, "Kanarienfrage"), await ada.ask(session, "Andere")

        def bring(db: Any) -> None:
            merge_question(db, asked, other, at=at, author="Jana")
            for number, one in enumerate((asked, other)):
                given = {"id": f"f{number}", "question_id": one, "email": "ada@example.org"}
                follower = Follower(language="de", kind=FollowerKind.ASKER, at=at, **given)
                followers.follow_question(db, replace(follower, told_at=at, told_about=other))
            mail = Mail(
                id="m1", kind="answered", object=other, followed=asked, recipient="ada@example.org", language="de",
                subject="Beantwortet", body="Kanarienfrage", state=MailState.QUEUED, made_at=at,
            )  # fmt: skip
            mails.put_mail(db, mail)

        await store.write(bring)
        await ada.post(f"/my/{asked}/erase", sure="yes")
        assert await found_in_files(world, {"Kanarienfrage"}) == set()
        (waits,) = await store.read(followers.list_untold)
        assert (waits.question_id, waits.email) == (other, "ada@example.org")


async def test_erasing_goes_on_after_a_crash(world: World) -> None:
    """An erasure that was wished when the hub died is finished at the next start."""
    session = await world.plan()
    async with reader_of(world) as ada:
        asked = await ada.ask(session, "Kanarienfrage")
    await world.hub.store.write(lambda db: erasing_rows.wish_erasure(db, asked, at=world.clock()))
    assert await finish_erasures(world.client.app, world.hub) == 1
    assert await finish_erasures(world.client.app, world.hub) == 0
    assert (await world.hub.store.read(lambda db: questions.load_question(db, asked))).text == ""


async def test_kill_9_before_the_purge_leaves_no_byte(make_world: MakeWorld, tmp_path: Path) -> None:
    """A hub that is killed between erasing a question and purging its bytes purges them at its next start."""
    database = tmp_path / "0" / "hub.sqlite3"
    argv = [sys.executable, str(Path(__file__).with_name("erasing_hub.py")), str(database)]
    environ = {**os.environ, "PYTHONPATH": str(Path(streamhub.__file__).parents[1])}
    child = subprocess.Popen(argv, stdout=subprocess.PIPE, env=environ)  # noqa: ASYNC220  nothing else runs meanwhile
    assert child.stdout is not None
    assert child.stdout.readline() == b"erased\n"
    child.kill()
    child.wait()
    child.stdout.close()
    assert any(b"Kanarienfrage" in file.read_bytes() for file in database.parent.glob("hub.sqlite3*"))
    world = await make_world()
    async with asyncio.timeout(60):
        while await world.hub.store.read(erasing_rows.list_unpurged):
            await asyncio.sleep(0.05)
    assert await found_in_files(world, {"Kanarienfrage"}) == set()


async def test_an_erasure_is_purged_later_where_somebody_reads(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the log could not be emptied an erasure stays marked, and is purged when the hub tidies next."""
    session, store = await world.plan(), world.hub.store
    async with reader_of(world) as ada:
        asked = await ada.ask(session, "Kanarienfrage")

        async def busy() -> bool:
            return False

        with monkeypatch.context() as reading:
            reading.setattr(type(store), "purge", lambda _: busy())
            await ada.post(f"/my/{asked}/erase", sure="yes")
        assert await store.read(erasing_rows.list_unpurged) == [asked]
        assert await found_in_files(world, {"Kanarienfrage"}) == {"Kanarienfrage"}
        await tidy(store, world.hub.photos_dir, now=world.clock)
        assert await store.read(erasing_rows.list_unpurged) == []
        assert await found_in_files(world, {"Kanarienfrage"}) == set()


async def test_an_older_database_forgets_no_erasure(world: World) -> None:
    """Where an older database was put in place, questions on the list beside it are erased again at the start."""
    session, store = await world.plan(), world.hub.store
    async with reader_of(world) as ada:
        erased, asked = await ada.ask(session, "Weg"), await ada.ask(session, "Kanarienfrage")
        await ada.post(f"/my/{erased}/erase", sure="yes")
    listed = store.path.with_name("erased.txt")
    assert listed.read_text() == f"{erased}\n"
    assert listed.stat().st_mode & 0o077 == 0
    listed.write_text(f"{erased}\n{asked}\nunbekannt\n../../etc/passwd\n")
    assert await finish_erasures(world.client.app, world.hub) == 1
    assert await found_in_files(world, {"Kanarienfrage"}) == set()


@pytest.mark.parametrize("state", ["held", "on_air", "merged", "declined", "carried_over", "queued"])
async def test_erasing_works_from_every_state(world: World, state: str) -> None:
    """Wherever a question is on its way, its asker can take it back; one on air comes off it."""
    session = await world.plan(to="live")
    async with reader_of(world) as ada:
        asked, other = await ada.ask(session, "Kanarienfrage"), await ada.ask(session, "Andere")

        def bring(db: Any) -> None:
            if state == "merged":
                merge_question(db, asked, other, at=world.clock(), author="Jana")
            else:
                questions.step_question(db, asked, Q(state), at=world.clock(), author="Jana")

        await world.hub.store.write(bring)
        await ada.post(f"/my/{asked}/erase", sure="yes")
        kept = await world.hub.store.read(lambda db: questions.load_question(db, asked))
        assert (kept.text, kept.state) == ("", Q.MERGED if state == "merged" else Q.WITHDRAWN)
        assert "Kanarienfrage" not in await ada.get(f"/s/{session}")
        assert "Andere" in await ada.get("/my")


async def test_nobody_erases_what_is_not_his(world: World) -> None:
    """Another browser, and one without a cookie, cannot erase a question or delete somebody's address."""
    session = await world.plan()
    async with reader_of(world) as ada, reader_of(world) as bob:
        asked = await ada.ask(session, "Meine Frage")
        await telling(world).follow(asked, "ada@example.org", "de", FollowerKind.ME_TOO, voter=ada.voter)
        follower = (await world.hub.store.read(lambda db: followers.list_followers(db, asked)))[0]
        for _ in range(2):
            await bob.post(f"/my/{asked}/erase", sure="yes", status=404)
            await bob.post(f"/my/leave/{follower.id}", status=404)
            await bob.ask(session, "Von Bob")
        assert "Meine Frage" in await ada.get("/my")
        await ada.post(f"/my/leave/{follower.id}")
        assert await world.hub.store.read(followers.list_untold) == []


async def put_mails(world: World, *states: MailState) -> None:
    for number, state in enumerate(states):
        mail = Mail(
            id=f"m{number}", kind="answered", object="q", recipient="ada@example.org", language="de",
            subject=f"Betreff {number} <b>", body="Guten Tag,\n\nText", state=state,
            made_at=world.clock() - timedelta(minutes=number),
        )  # fmt: skip
        await world.hub.store.write(lambda db, mail=mail: mails.put_mail(db, mail))


class Posting:
    """A mail server's side as a page sees it."""

    configured = True
    trouble = ""
    rests_until = None


async def test_hosts_read_edit_and_send_drafts(world: World) -> None:
    """A host reads a draft, edits it, sends it and discards another; nobody else sees the outbox, nor an address."""
    object.__setattr__(world.hub, "post", Posting())
    await put_mails(world, MailState.DRAFT, MailState.DRAFT, MailState.SENT)
    host = await world.sign_in()
    try:
        page = await (await host.get("/host/outbox")).text()
        assert "Betreff 0 &lt;b&gt;" in page
        assert "a…@example.org" in page
        assert "ada@example.org" not in page + await (await host.get("/host/outbox/m0")).text()
        fields = {"subject": "Neu", "body": "Anders", "edition": "1"}
        assert (await host.post("/host/outbox/m0/edit", **fields)).status == 303
        clash = await host.post("/host/outbox/m0/edit", **{**fields, "body": "Zu spät getippt"})
        assert clash.status == 409
        assert "Zu spät getippt" in await clash.text()
        assert (await host.post("/host/outbox/m0/send")).status == 303
        assert (await host.post("/host/outbox/m1/discard")).status == 303
        assert (await host.post("/host/outbox/m2/send")).status == 409
        states = await world.hub.store.read(lambda db: [mails.load_mail(db, f"m{n}").state for n in range(3)])
        assert states == [MailState.QUEUED, MailState.DISCARDED, MailState.SENT]
        assert (await host.post("/host/outbox/m0/hold")).status == 303
        assert (await host.post("/host/outbox/send-all")).status == 303
        assert (await world.hub.store.read(mails.count_mails))[MailState.QUEUED] == 1
        for box in ("sent", "discarded"):
            assert (await host.get(f"/host/outbox?box={box}")).status == 200
        assert (await host.get("/host/outbox?box=x")).status == 404
        assert (await host.get("/host/outbox/nix")).status == 404
    finally:
        await host.close()
    async with reader_of(world) as anybody:
        await anybody.get("/host/outbox", status=401)


async def test_hosts_are_told_that_the_mail_server_is_down(world: World) -> None:
    """While the mail server takes nothing the outbox says so, and when it is asked again; without one it says that."""
    async with world.client.get("/host/outbox", headers={**world.bearer, "Accept-Language": "en"}) as page:
        assert "No mail server is set up" in await page.text()
    down = Posting()
    down.trouble = "mail server x:25: cannot be reached"
    down.rests_until = world.clock() + timedelta(minutes=4)
    object.__setattr__(world.hub, "post", down)
    async with world.client.get("/host/outbox", headers={**world.bearer, "Accept-Language": "en"}) as page:
        text = await page.text()
    assert "cannot be reached" in text
    assert "Next attempt:" in text


async def test_signed_in_people_erase_their_own_questions_too(world: World) -> None:
    """Whoever is signed in can do on his own page what everybody can; its forms carry the token, and must."""
    session = await world.plan()
    browser = await world.sign_in()
    try:
        ask = f"{world.url}/api/v1/sessions/{session}/questions"
        async with browser.session.post(ask, json={"text": "Meine Frage?"}) as answered:
            asked = (await answered.json())["id"]
        async with browser.session.get(f"{world.url}/my") as page:
            token = re.search(r'name="form_token" value="([^"]+)"', await page.text())
        assert token
        for sent, status in (({}, 403), ({"form_token": "x"}, 403), ({"form_token": token[1]}, 200)):
            form = {"sure": "yes", **sent}
            async with browser.session.post(f"{world.url}/my/{asked}/erase", data=form) as answered:
                assert answered.status == status
        async with browser.session.get(f"{world.url}/my") as page:
            assert "Meine Frage?" not in await page.text()
    finally:
        await browser.close()


@pytest.mark.parametrize("path", ["/f/abc.def.atom", "/helped/abc.def", "/leave/abc.def"])
async def test_secrets_of_addresses_are_not_logged(world: World, path: str, caplog: pytest.LogCaptureFixture) -> None:
    """The log names the kind of an address that is a secret, and not the secret."""
    caplog.set_level("DEBUG", logger="streamhub.web")
    async with world.client.get(path) as answered:
        assert answered.status == 404
    said = [one.getMessage() for one in caplog.records if one.name == "streamhub.web"]
    assert any(path.rpartition("/")[0] in line for line in said)
    assert not any("abc.def" in line for line in said)
