"""YouTube's chat: the real client against the strict counterpart, page by page and refusal by refusal."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.oauth2.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from streamhub.config import YoutubeSettings
from streamhub.errors import BadInput, Fault, PlatformError
from streamhub.keepers.chat_reading import ChatPhase
from streamhub.keepers.chatter import Chatter, ChatterParts
from streamhub.live.problem import ProblemCode
from streamhub.live.quota import Priority
from streamhub.live.youtube.chat import MAX_TEXT, YouTubeChat, parse_page
from streamhub.live.youtube.client import Api
from streamhub.live.youtube.ledger import Ledger, make_budget
from streamhub.live.youtube.sign_in import GivenSignIn
from streamhub.questions.intake import Standing
from streamhub.questions.picking import parse_words
from streamhub.schedule.show import Session, SessionState, Show
from streamhub.store.broadcasts import BroadcastRow, save_broadcast
from streamhub.store.questions import list_questions
from streamhub.store.shows import save_session, save_show
from streamhub.store.store import Store
from tests.fakes.youtube import Drop, FakeYouTube, Html502, Refuse

NAME = "2027-03-02-netz"


@dataclass
class Desk:
    """The counterpart with one broadcast, the client, and the chat that is tested."""

    fake: FakeYouTube
    store: Store
    api: Api
    chat: YouTubeChat
    broadcast: str
    chat_ref: str

    def say(self, text: str, author: str = "Zoe", **standing: bool) -> str:
        return self.fake.say(self.chat_ref, author, text, **standing).id

    def happen(self, kind: str, **details: object) -> str:
        """Something in the chat that is no line."""
        message = self.fake.say(self.chat_ref, "Round Table", "", kind=kind)
        message.details.update(details)
        return message.id

    def calls(self, method: str) -> list[dict[str, object]]:
        return [call.params for call in self.fake.calls if call.method.removeprefix("youtube.") == method]

    async def left(self) -> int:
        return await self.api.ledger.left(Priority.CHAT)

    def chatter(self, **parts: object) -> Chatter:
        made = ChatterParts(
            store=self.store,
            source_of=lambda platform: self.chat if platform == "youtube" else None,
            words=parse_words(YoutubeSettings().chat_words),
            left=self.left,
            day_ends=self.api.ledger.budget.next_day_at,
            secret=b"k" * 32,
            now=self.fake.now,
            random=os.urandom,
            **parts,  # type: ignore[arg-type]
        )
        return Chatter(made)

    async def texts(self) -> list[str]:
        return [question.text for question in await self.store.read(lambda db: list_questions(db, NAME))]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with FakeYouTube(seed=3) as fake, Store.open(tmp_path / "hub.sqlite3", now=fake.now) as store:
        ledger = Ledger(store, make_budget(YoutubeSettings()), fake.now)
        api = Api(GivenSignIn(Credentials(token=fake.token)), ledger, url=fake.url, now=fake.now, timeout_s=5.0)
        starts_at = datetime.now(UTC) + timedelta(hours=1)
        made = await api.write(
            "liveBroadcasts.insert",
            priority=Priority.TRANSITION,
            part="snippet,status,contentDetails",
            body={
                "snippet": {"title": "Netz", "scheduledStartTime": starts_at.strftime("%Y-%m-%dT%H:%M:%SZ")},
                "status": {"privacyStatus": "unlisted", "selfDeclaredMadeForKids": False},
            },
        )
        live = Session(
            id=NAME,
            show_id="netz",
            title="Netz",
            starts_at=fake.now(),
            state=SessionState.LIVE,
            started_at=fake.now(),
        )
        row = BroadcastRow(
            session_id=NAME, platform="youtube", marker="m", ref=made["id"], chat_ref=made["snippet"]["liveChatId"]
        )
        await store.write(lambda db: save_show(db, Show(id="netz", title="Netz", platform="youtube")))
        await store.write(lambda db: save_session(db, live))
        await store.write(lambda db: save_broadcast(db, row))
        try:
            yield Desk(fake, store, api, YouTubeChat(api), made["id"], row.chat_ref)
            assert fake.violations == []
        finally:
            await api.close()


async def test_lines_come_oldest_first_and_once(desk: Desk) -> None:
    """Lines come with author, standing and time; the next look brings what came since, and what was asked to wait."""
    first = desk.say("Guten Abend", "Zoë")
    desk.say("!frage Was kostet das?", "Mia", moderator=True)
    desk.say("Willkommen", "Round Table", owner=True)
    batch = await desk.chat.read(desk.chat_ref, "")
    assert [(line.author, line.standing, line.text) for line in batch.contributions] == [
        ("Zoë", Standing.ANYBODY, "Guten Abend"),
        ("Mia", Standing.MODERATOR, "!frage Was kostet das?"),
        ("Round Table", Standing.OWNER, "Willkommen"),
    ]
    line = batch.contributions[0]
    assert (line.source, line.ref, line.author_ref[:2]) == ("chat", first, "UC")
    assert abs(line.at - desk.fake.now()) < timedelta(seconds=10)
    assert (batch.wait_s, batch.over) == (1.0, False)
    desk.say("Noch eine", "Zoë")
    again = await desk.chat.read(desk.chat_ref, batch.cursor)
    assert [line.text for line in again.contributions] == ["Noch eine"]
    assert again.contributions[0].author_ref == line.author_ref
    assert (await desk.chat.read(desk.chat_ref, again.cursor)).contributions == ()


async def test_only_what_people_wrote_is_a_line(desk: Desk) -> None:
    """Text beside money given is a line; stickers, memberships, polls and YouTube's own announcements are none."""
    desk.happen("superChatEvent", superChatDetails={"userComment": "!frage Und in Bremen?", "amountMicros": "5000000"})
    desk.happen("superStickerEvent", superStickerDetails={"amountMicros": "5000000"})
    desk.happen("newSponsorEvent", newSponsorDetails={})
    desk.happen("pollEvent", pollDetails={})
    desk.happen("sponsorOnlyModeStartedEvent")
    batch = await desk.chat.read(desk.chat_ref, "")
    assert [line.text for line in batch.contributions] == ["!frage Und in Bremen?"]


async def test_what_was_taken_back_is_told(desk: Desk) -> None:
    """Deleted, retracted and buried lines are told by their ids, banned people by theirs."""
    kept = desk.say("bleibt")
    buried = desk.happen("tombstone")
    desk.happen("messageDeletedEvent", messageDeletedDetails={"deletedMessageId": "a"})
    desk.happen("messageRetractedEvent", messageRetractedDetails={"retractedMessageId": "b"})
    banned = {"channelId": "UCspam", "displayName": "Spam"}
    desk.happen("userBannedEvent", userBannedDetails={"banType": "permanent", "bannedUserDetails": banned})
    batch = await desk.chat.read(desk.chat_ref, "")
    assert [line.ref for line in batch.contributions] == [kept]
    assert batch.removed == {"a", "b", buried}
    assert batch.removed_authors == {"UCspam"}


async def test_end_of_the_chat_is_told(desk: Desk) -> None:
    """After the broadcast the chat says that it is over and still gives the last lines, then it is closed."""
    desk.say("Tschüss")
    desk.fake.complete(desk.broadcast)
    batch = await desk.chat.read(desk.chat_ref, "")
    assert (batch.over, [line.text for line in batch.contributions]) == (True, ["Tschüss"])
    with pytest.raises(PlatformError) as refused:
        await desk.chat.read(desk.chat_ref, batch.cursor)
    assert (refused.value.code, refused.value.reason) == (ProblemCode.CHAT_CLOSED, "liveChatEnded")
    desk.happen("chatEndedEvent")
    assert parse_page({"items": [{"id": "x", "snippet": {"type": "chatEndedEvent"}}]}, "c").over


async def test_refusals_are_understood(desk: Desk) -> None:
    """Switched off and gone are closed; a cursor that is none is bad input; used-up quota and pace are said as such."""
    desk.fake.disable_chat(desk.chat_ref)
    for ref, cursor, fault, code in [
        (desk.chat_ref, "", Fault.BAD_STATE, ProblemCode.CHAT_CLOSED),
        ("gone", "", Fault.NOT_FOUND, ProblemCode.CHAT_CLOSED),
    ]:
        with pytest.raises(PlatformError) as refused:
            await desk.chat.read(ref, cursor)
        assert (refused.value.fault, refused.value.code) == (fault, code)
    desk.fake.chat_of(desk.chat_ref).disabled = False
    desk.fake.fail("liveChatMessages.list", Refuse(400, "pageTokenInvalid"))
    with pytest.raises(PlatformError) as refused:
        await desk.chat.read(desk.chat_ref, "an old cursor")
    assert refused.value.fault is Fault.BAD_INPUT
    desk.fake.fail("liveChatMessages.list", Refuse(403, "quotaExceeded"))
    with pytest.raises(PlatformError) as refused:
        await desk.chat.read(desk.chat_ref, "")
    assert refused.value.fault is Fault.QUOTA
    assert refused.value.retry_at == desk.api.ledger.budget.next_day_at(desk.fake.now())
    assert await desk.left() == 0


async def test_passing_trouble_is_read_through(desk: Desk) -> None:
    """One error page in between is no failure: the same look brings the lines."""
    desk.say("Guten Abend")
    desk.fake.fail("liveChatMessages.list", Html502())
    batch = await desk.chat.read(desk.chat_ref, "")
    assert [line.text for line in batch.contributions] == ["Guten Abend"]


async def test_a_reply_is_written_once_for_twenty_units(desk: Desk) -> None:
    """A reply stands in the chat as the channel's own line, costs 20 units, and one that is too long is never sent."""
    before = await desk.left()
    await desk.chat.write(desk.chat_ref, "Danke, Ihre Frage ist angekommen.")
    assert before - await desk.left() == 20
    (line,) = (await desk.chat.read(desk.chat_ref, "")).contributions
    assert (line.text, line.standing) == ("Danke, Ihre Frage ist angekommen.", Standing.OWNER)
    assert before - await desk.left() == 25
    with pytest.raises(BadInput, match="201 characters"):
        await desk.chat.write(desk.chat_ref, "x" * (MAX_TEXT + 1))
    await desk.chat.write(desk.chat_ref, "x" * MAX_TEXT)
    assert len(desk.calls("liveChatMessages.insert")) == 2


async def test_questions_come_out_of_the_chat(desk: Desk) -> None:
    """From a line in the chat to a question in the queue and a reply beside it, over a restart, each once."""
    chatter = desk.chatter(page_url=lambda session_id: f"https://hub.example.org/s/{session_id}")
    desk.say("Guten Abend")
    ref = desk.say("Mein Router blinkt rot")
    desk.say("!frage Was kostet das?", "Max")
    await chatter.look()
    await chatter.take(NAME, ref, "Jana")
    desk.fake.tick(20)
    await desk.chatter(page_url=lambda _: "https://hub.example.org").look()
    assert sorted(await desk.texts()) == ["Mein Router blinkt rot", "Was kostet das?"]
    written = [message.text for message in desk.fake.chat_of(desk.chat_ref).messages if message.owner]
    assert len(written) == 1
    assert written[0].startswith("@Max Danke")


async def test_reply_whose_answer_is_lost_is_not_written_again(desk: Desk) -> None:
    """When nobody knows whether a reply was written, it is left at that."""
    chatter = desk.chatter(page_url=lambda session_id: f"https://hub.example.org/s/{session_id}")
    desk.fake.fail("liveChatMessages.insert", Drop(after_effect=True))
    desk.say("!frage Was kostet das?")
    for _ in range(4):
        await chatter.look()
        desk.fake.tick(40)
    assert len([message for message in desk.fake.chat_of(desk.chat_ref).messages if message.owner]) == 1
    assert await desk.texts() == ["Was kostet das?"]


async def test_chat_that_closes_keeps_what_came(desk: Desk) -> None:
    """When the chat is switched off in Studio, the host reads that it is closed, and what came stays."""
    chatter = desk.chatter()
    desk.say("!frage Was kostet das?")
    await chatter.look()
    desk.fake.disable_chat(desk.chat_ref)
    desk.fake.tick(20)
    await chatter.look()
    state = chatter.state(NAME)
    assert state is not None
    assert state.problem is not None
    assert (state.phase, state.problem.code) == (ChatPhase.CLOSED, ProblemCode.CHAT_CLOSED)
    assert (await desk.texts(), len(chatter.recent(NAME))) == (["Was kostet das?"], 1)


async def test_used_up_quota_pauses_the_chat_before_anything_else(desk: Desk) -> None:
    """When only the reserve is left, the chat makes no request, while going live still may."""
    budget = desk.api.ledger.budget
    while await desk.left() >= 20:
        await desk.api.ledger.spend("liveChatMessages.insert", Priority.CHAT)
    while await desk.left() >= 5:
        await desk.api.ledger.spend("liveChatMessages.list", Priority.CHAT)
    chatter = desk.chatter()
    await chatter.look()
    state = chatter.state(NAME)
    assert state is not None
    assert state.problem is not None
    assert (state.phase, state.problem.code) == (ChatPhase.NO_QUOTA, ProblemCode.CHAT_PAUSED)
    assert state.problem.details["platform"] == "YouTube"
    assert desk.calls("liveChatMessages.list") == []
    assert len(desk.calls("liveBroadcasts.insert")) == 1
    await desk.api.ledger.spend("liveBroadcasts.transition", Priority.TRANSITION)
    assert await desk.api.ledger.left(Priority.TRANSITION) >= 2 * budget.reserve - 50


async def test_two_hours_of_chat_cost_what_we_count(desk: Desk) -> None:
    """A chat of two hours is read every quarter minute, at the platform's pace, for 2,400 units by both accounts."""
    desk.fake.polling_interval_ms, desk.fake.strict_chat_pace = 10_000, True
    now = desk.fake.now()  # two hours must fit into a day of the quota, whenever this runs
    desk.fake.tick((desk.api.ledger.budget.next_day_at(now) - now).total_seconds() + 60)
    before, counted_before = desk.fake.units_used, await desk.api.ledger.used()
    chatter, began = desk.chatter(), desk.fake.now()
    number = 0
    while desk.fake.now() - began < timedelta(hours=2):
        number += 1
        desk.say("Guten Abend" if number % 10 else f"!frage Frage {number}?", f"viewer{number}")
        desk.fake.tick(await chatter.look())
    looks = len(desk.calls("liveChatMessages.list"))
    assert 475 <= looks <= 481
    assert desk.fake.units_used - before == 5 * looks
    assert await desk.api.ledger.used() - counted_before == 5 * looks
    assert all(call.status == 200 for call in desk.fake.calls)
    assert len(await desk.texts()) == number // 10


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2),
)
_SNIPPETS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["textMessageEvent", "superChatEvent", "tombstone", "userBannedEvent", "neverHeardOf"]),
        "publishedAt": st.sampled_from(["2027-03-02T19:15:00.123456+00:00", "yesterday", ""]),
        "displayMessage": st.text(max_size=20),
        "textMessageDetails": st.fixed_dictionaries({}, optional={"messageText": st.text(max_size=20)}) | st.none(),
        "userBannedDetails": st.none() | st.just({}),
    },
)
_ITEMS = st.fixed_dictionaries(
    {},
    optional={
        "id": st.text(max_size=5),
        "snippet": _SNIPPETS | st.none(),
        "authorDetails": st.none() | st.dictionaries(st.sampled_from(["channelId", "displayName"]), _VALUES),
    },
)


@given(st.lists(_ITEMS, max_size=5), st.sampled_from([None, 0, 1500, "2000"]), st.sampled_from([None, "", "next"]))
def test_incomplete_pages_are_read_as_far_as_they_go(
    items: list[dict[str, object]], wait_ms: object, token: str | None
) -> None:
    """Whatever an item lacks, the page is read; only whole lines come out of it."""
    batch = parse_page({"items": items, "pollingIntervalMillis": wait_ms, "nextPageToken": token}, "before")
    assert batch.cursor == (token or "before")
    assert all(line.ref and line.text and line.author_ref for line in batch.contributions)
    assert len(batch.contributions) <= len(items)
