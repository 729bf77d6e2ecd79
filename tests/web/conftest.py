"""A hub on real sockets and a real database; only the roles of `streamhub.web.services` are played by plain fakes."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import limits.aio.storage.memory
import pytest
from aiohttp import ClientResponse, ClientSession, CookieJar
from aiohttp.test_utils import TestClient, TestServer
from sqlite_utils import Database

from streamhub.answers.answer import Answer, AnswerState
from streamhub.answers.asked import AskedAloud
from streamhub.config import HubSettings
from streamhub.errors import Conflict, NotFound, StreamhubError, Unavailable
from streamhub.live.platform import Ingest, Signal
from streamhub.live_answers import LiveAnswers
from streamhub.publishing import HubGate
from streamhub.questions.question import Asker, Question, QuestionState, Shown
from streamhub.recording.matching import InboxCode, InboxItem
from streamhub.reviewing import HubReview
from streamhub.schedule.show import Moderation, SessionState
from streamhub.store import questions, shows
from streamhub.store.store import Store
from streamhub.timecode import Span
from streamhub.transcript.live_words import NOW, Listening, LiveCaptions
from streamhub.transcript.recognised import PieceTask
from streamhub.transcript.transcript import Cue, Transcript
from streamhub.web.access import AccessRole, make_api_token, make_host_link
from streamhub.web.application import make_app
from streamhub.web.hub import Hub
from streamhub.web.platform_views import (
    AccountView,
    ChatView,
    Offer,
    PlatformView,
    VideosView,
    WatchPlace,
    Wish,
)
from tests.fakes.sources import PlainSource, make_desk, make_parts, plain_kind

START = datetime(2027, 3, 2, 19, 15, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that runs by hand."""

    at: datetime = START - timedelta(days=2, hours=3)

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **by: float) -> None:
        self.at += timedelta(**by)


@dataclass
class FakeBroadcasting:
    """Steps the session as the role asks, and plays what the test puts into a folder."""

    store: Store
    now: Clock
    folder: Path
    state: Signal = Signal(receiving=True, quality="good", bitrate_kbit_s=3900)

    async def go_live(self, session_id: str) -> None:
        await self._step(session_id, SessionState.LIVE)

    async def end(self, session_id: str) -> None:
        await self._step(session_id, SessionState.ENDED)

    async def _step(self, session_id: str, to: SessionState) -> None:
        await self.store.write(lambda db: shows.step_session(db, session_id, to, at=self.now()))

    async def ingest(self, session_id: str) -> Ingest:
        return Ingest(url="rtmp://127.0.0.1:1935/live", key=f"key-of-{session_id}")

    async def signal(self, session_id: str) -> Signal:
        return self.state

    def hls_folder(self, session_id: str) -> Path | None:
        folder = self.folder / session_id
        return folder if folder.is_dir() else None


@dataclass
class FakeStep:
    name: str
    state: str
    attempts: int = 3
    message: str = ""
    started_at: datetime | None = START
    ended_at: datetime | None = None


@dataclass
class FakeStatus:
    workflow_id: str
    kind: str
    key: str
    state: str
    steps: list[FakeStep]


@dataclass
class FakeWork:
    work: list[FakeStatus] = field(default_factory=list)
    decided: list[tuple[str, str, str]] = field(default_factory=list)

    async def status(self, *, about: str = "") -> list[FakeStatus]:
        return [work for work in self.work if not about or f"{work.key}:".startswith(f"{about}:")]

    async def decide(self, workflow_id: str, step: str, decision: str) -> None:
        if not any(work.workflow_id == workflow_id for work in self.work):
            raise NotFound(f"work {workflow_id}: there is none")
        if self.decided:
            raise Conflict(f"step {step}: is not held")
        self.decided.append((workflow_id, step, decision))


@dataclass
class FakeAnswers:
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    shown: dict[str, bool] = field(default_factory=dict)
    recuts: list[str] = field(default_factory=list)
    rehearings: list[tuple[str, str]] = field(default_factory=list)
    aloud: dict[str, list[AskedAloud]] = field(default_factory=dict)
    ordered: list[tuple[str, str]] = field(default_factory=list)

    def order(self, db: Database, session_id: str, answer_id: str, *, at: datetime) -> None:
        self.ordered.append((session_id, answer_id))

    async def list(self, session_id: str) -> list[Answer]:
        return self.answers.get(session_id, [])

    async def show_session(self, session_id: str, *, public: bool, author: str) -> None:
        self.shown[session_id] = public

    async def publish(self, session_id: str, answer_id: str, *, author: str) -> None:
        self._set(session_id, answer_id, AnswerState.PUBLISHED)

    async def publish_drafts(self, session_id: str, answer_ids: Sequence[str], *, author: str) -> Sequence[str]:
        drafts = [a.id for a in await self.list(session_id) if a.id in answer_ids and a.state is AnswerState.DRAFT]
        for answer_id in drafts:
            await self.publish(session_id, answer_id, author=author)
        return drafts

    async def withdraw(self, session_id: str, answer_id: str, *, author: str) -> None:
        self._set(session_id, answer_id, AnswerState.WITHDRAWN)

    def _set(self, session_id: str, answer_id: str, state: AnswerState) -> None:
        found = self.answers.get(session_id, [])
        if not any(answer.id == answer_id for answer in found):
            raise NotFound(f"answer {answer_id}: there is none")
        self.answers[session_id] = [replace(a, state=state) if a.id == answer_id else a for a in found]

    async def asked_aloud(self, session_id: str) -> list[AskedAloud]:
        return self.aloud.get(session_id, [])

    async def recut(self, session_id: str, *, author: str) -> None:
        self.recuts.append(session_id)

    async def hear_again(self, session_id: str, language: str, *, author: str) -> None:
        self.rehearings.append((session_id, language))

    def page(self, answer: Answer) -> str:
        return f"{answer.language}/a/{answer.id}-{answer.slug}/"


@dataclass
class FakeWorkshop:
    tasks: dict[str, PieceTask] = field(default_factory=dict)
    heard: list[tuple[str, int, str, Transcript]] = field(default_factory=list)
    sounds: list[Path] = field(default_factory=list)
    recogniser: str = "fake tiny"
    model: str = "abc1"

    async def version(self) -> str:
        return self.model

    async def plan_piece(
        self, session_id: str, hearing: str, number: int, language: str, *, translate: bool = False
    ) -> PieceTask:
        task = self.tasks.get(session_id)
        if task is None or hearing != "ab-00000000" or number >= len(task.hearing.pieces):
            raise NotFound(f"session {session_id}: has no such piece")
        return replace(task, piece=task.hearing.pieces[number], language=language)

    async def write_sound(self, task: PieceTask) -> Path:
        self.sounds.append(task.folder / "sound.wav")
        self.sounds[-1].write_bytes(b"sound" * 100_000)
        return self.sounds[-1]

    async def take_piece(self, task: PieceTask, transcript: Transcript, version: str) -> None:
        self.heard.append((task.session_id, task.piece.number, version, transcript))


@dataclass
class FakePlatforms:
    """A platform in memory: shows what a test puts in, and keeps what it was asked for."""

    offers: list[Offer] = field(default_factory=lambda: [Offer(slug="tube", name="Tube & Co")])
    views: dict[str, PlatformView] = field(default_factory=dict)
    places: dict[str, WatchPlace] = field(default_factory=dict)
    signed_in: list[AccountView] = field(default_factory=list)
    woken: list[str] = field(default_factory=list)
    retried: list[str] = field(default_factory=list)
    remade: list[str] = field(default_factory=list)
    failure: StreamhubError | None = None
    broken: bool = False

    def offered(self) -> list[Offer]:
        return self.offers

    async def view(self, session_id: str) -> PlatformView | None:
        self._fail_if_broken()
        return self.views.get(session_id)

    async def public(self, session_id: str) -> WatchPlace | None:
        self._fail_if_broken()
        return self.places.get(session_id)

    async def accounts(self) -> list[AccountView]:
        return self.signed_in

    def wake(self, session_id: str) -> None:
        self.woken.append(session_id)

    async def retry(self, session_id: str) -> None:
        self._require(session_id)
        self.retried.append(session_id)

    async def remake(self, session_id: str) -> None:
        self._require(session_id)
        self.remade.append(session_id)

    async def ingest(self, session_id: str) -> Ingest:
        self._require(session_id)
        return Ingest(url="rtmps://tube.example/live2", key=f"tube-key-of-{session_id}")

    def _fail_if_broken(self) -> None:
        if self.broken:
            raise Unavailable("platform: its rows cannot be read")

    def _require(self, session_id: str) -> None:
        if self.failure:
            raise self.failure
        if session_id not in self.views:
            raise Conflict(f"session {session_id}: is shown by the hub alone")


@dataclass
class FakeVideos:
    views: dict[str, VideosView] = field(default_factory=dict)

    async def view(self, session_id: str) -> VideosView | None:
        return self.views.get(session_id)

    async def approve(self, session_id: str, *, author: str) -> None:
        self._wish(session_id, Wish.FOLLOW)

    async def decline(self, session_id: str, *, author: str) -> None:
        self._wish(session_id, Wish.LEAVE)

    def _wish(self, session_id: str, wish: Wish) -> None:
        if session_id not in self.views:
            raise Conflict(f"session {session_id}: has no video")
        self.views[session_id] = replace(self.views[session_id], wish=wish)


@dataclass
class FakeChat:
    """Makes real questions of its lines."""

    store: Store
    now: Clock
    views: dict[str, ChatView] = field(default_factory=dict)

    async def view(self, session_id: str) -> ChatView | None:
        return self.views.get(session_id)

    async def take(self, session_id: str, ref: str, *, author: str) -> str:
        view = self.views.get(session_id)
        line = next((line for line in view.lines if line.ref == ref), None) if view else None
        if view is None or line is None:
            raise NotFound(f"chat of session {session_id}: the line {ref!r} is not kept any more")
        question_id = f"chat{view.lines.index(line)}"
        if line.taken:
            return question_id
        asker = Asker(name=line.author, shown=Shown.NAME)
        question = Question(
            id=question_id,
            session_id=session_id,
            text=line.text,
            asker=asker,
            state=QuestionState.OPEN,
            source="chat",
            asked_at=line.at,
        )
        await self.store.write(lambda db: questions.insert_question(db, question))
        lines = tuple(replace(one, taken=one.taken or one is line) for one in view.lines)
        self.views[session_id] = replace(view, lines=lines)
        return question_id


@dataclass
class FakeLiveWords:
    """Hears what a test says."""

    heard: dict[str, LiveCaptions] = field(default_factory=dict)
    recogniser: str = "fake tiny"
    ready: bool = True

    async def is_ready(self) -> bool:
        return self.ready

    def captions(self, session_id: str) -> LiveCaptions:
        return self.heard.get(session_id, LiveCaptions())

    def say(self, session_id: str, *cues: tuple[int, str], now: str = "", behind: bool = False) -> None:
        """More is heard: captions that begin at a second and last until the next one, and what is being said."""
        before = self.captions(session_id).cues
        fresh = [
            Cue(id=f"s1-{at_s * 1000}", span=Span(at_s * 1000, at_s * 1000 + 3900), text=said) for at_s, said in cues
        ]
        kept = {cue.id: cue for cue in (*before, *fresh)}
        end_ms = max((cue.span.end_ms for cue in kept.values()), default=0)
        saying = Cue(id=NOW, span=Span(end_ms, end_ms + 900), text=now) if now else None
        listening = Listening.BEHIND if behind else Listening.HEARING
        self.heard[session_id] = LiveCaptions(listening=listening, cues=tuple(kept.values()), now=saying)


@dataclass
class FakeInbox:
    items: Sequence[InboxItem] = ()
    assigned: dict[str, tuple[str, bool, int, str]] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)
    occupied: frozenset[str] = frozenset()
    problem: tuple[InboxCode, Mapping[str, str]] | None = None

    def list(self) -> Sequence[InboxItem]:
        return self.items

    async def assign(self, name: str, session_id: str, author: str, *, replace: bool = False, part: int = 0) -> None:
        self._require(name)
        if session_id in self.occupied and not replace:
            raise Conflict(f"session {session_id}: has its recording already")
        self.assigned[name] = (session_id, replace, part, author)

    async def cancel(self, name: str, author: str) -> None:
        self._require(name)
        self.stopped[name] = author

    def _require(self, name: str) -> None:
        if not any(item.name == name for item in self.items):
            raise NotFound(f"inbox: no file {name!r}")


@dataclass
class World:
    """A running hub and everything that a test turns."""

    client: TestClient[Any, Any]
    hub: Hub
    clock: Clock
    broadcasting: FakeBroadcasting
    work: FakeWork
    answers: FakeAnswers
    workshop: FakeWorkshop
    token: str
    platforms: FakePlatforms
    videos: FakeVideos
    chat: FakeChat
    inbox: FakeInbox
    words: FakeLiveWords

    @property
    def url(self) -> str:
        return str(self.client.make_url("/")).rstrip("/")

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @staticmethod
    def find_field(html: str, name: str) -> str:
        """The value of a hidden field."""
        found = re.search(rf'name="{name}" value="([^"]*)"', html)
        assert found, f"no field {name}"
        return found[1]

    async def host(self, method: str, path: str, **json: Any) -> dict[str, Any]:
        """Ask the host's API and insist on success."""
        async with self.client.request(method, f"/api/v1/host{path}", json=json or None, headers=self.bearer) as answer:
            body: dict[str, Any] = await answer.json()
            assert answer.status < 300, body
            return body

    async def plan(
        self,
        *,
        title: str = "Netz",
        moderation: Moderation = Moderation.AFTER,
        language: str = "de",
        to: str = "open",
        person: str = "Jana Weber",
        **show: Any,
    ) -> str:
        """A show with a session in some state; returns the session's id."""
        show = {"id": "runde", "title": "Runde", "language": language, "moderation": moderation.value, **show}
        await self.host("POST", "/shows", **show)
        people = [{"name": person, "role": "host", "about": person}]
        made = await self.host(
            "POST",
            "/sessions",
            show_id=show["id"],
            title=title,
            starts_at="2027-03-02T20:15:00+01:00",
            participants=people,
        )
        for state in [] if to == "draft" else ["open"] if to == "open" else ["open", to]:
            await self.host("POST", f"/sessions/{made['id']}/state", to=state)
        return str(made["id"])

    async def ask(self, session_id: str, text: str = "Was kostet das?", **more: str) -> str:
        """Ask by the API; returns the question's id."""
        async with ClientSession() as somebody:
            path = f"{self.url}/api/v1/sessions/{session_id}/questions"
            async with somebody.post(path, json={"text": text, **more}) as answer:
                body = await answer.json()
                assert answer.status == 201, body
                return str(body["id"])

    async def act(self, question_id: str, action: str, **body: Any) -> dict[str, Any]:
        return await self.host("POST", f"/questions/{question_id}/{action}", **body)

    async def link(self, *, person: str = "Jana", role: AccessRole = AccessRole.HOST) -> str:
        return await make_host_link(self.hub.store, self.clock, os.urandom, self.url, person=person, role=role)

    async def sign_in(self, *, person: str = "Jana", role: AccessRole = AccessRole.HOST) -> Browser:
        """A browser of somebody who used a link."""
        browser = Browser(self, ClientSession(cookie_jar=CookieJar(unsafe=True)))
        token = (await self.link(person=person, role=role)).partition("token=")[2]
        async with browser.session.post(f"{self.url}/host/enter", data={"token": token}) as page:
            assert page.status == 200, await page.text()
            browser.form_token = self.find_field(await page.text(), "form_token")
        return browser


@dataclass
class Browser:
    """A signed-in browser without JavaScript."""

    world: World
    session: ClientSession
    form_token: str = ""

    async def post(self, path: str, **fields: str) -> ClientResponse:
        return await self.session.post(
            f"{self.world.url}{path}", data={"form_token": self.form_token, **fields}, allow_redirects=False
        )

    async def get(self, path: str) -> ClientResponse:
        return await self.session.get(f"{self.world.url}{path}", allow_redirects=False)

    async def close(self) -> None:
        await self.session.close()


MakeWorld = Callable[..., Awaitable[World]]


@pytest.fixture
def one_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that a test does counts as one minute for the budgets per address, whenever it begins and however long."""
    began = time.time() // 60 * 60 + 1
    monkeypatch.setattr(limits.aio.storage.memory, "time", SimpleNamespace(time=lambda: began))


@pytest.fixture
async def make_world(tmp_path: Path, one_minute: None) -> AsyncIterator[MakeWorld]:
    """Makes hubs with settings of one's own."""
    opened: list[tuple[TestClient[Any, Any], Store]] = []

    async def make(**settings: Any) -> World:
        clock = Clock()
        folder = tmp_path / str(len(opened))
        (folder / "public").mkdir(parents=True)
        store = Store.open(folder / "hub.sqlite3", now=clock)
        broadcasting, work, answers = FakeBroadcasting(store, clock, folder / "hls"), FakeWork(), FakeAnswers()
        workshop = FakeWorkshop()
        platforms, videos, chat, inbox = FakePlatforms(), FakeVideos(), FakeChat(store, clock), FakeInbox()
        words = FakeLiveWords()
        generous: dict[str, Any] = {"questions_per_minute": 500, "votes_per_minute": 500, "votes_per_address": 0}
        hub = Hub(
            settings=HubSettings(name="Probe-Hub", **{**generous, **settings}),
            store=store,
            now=clock,
            random=os.urandom,
            broadcasting=broadcasting,
            work=work,
            answers=answers,
            workshop=workshop,
            public_dir=folder / "public",
            snapshots_dir=folder / "live",
            site_dir=folder / "site",
            media_dir=folder / "media",
            secret=b"s" * 32,
            photos_dir=folder / "photos",
            platforms=platforms,
            videos=videos,
            chat=chat,
            inbox=inbox,
            gate=HubGate(store=store, transcripts=folder / "transcripts", now=clock),
            live_words=words,
            live_answers=LiveAnswers(store, words.captions, lag_s=4.0, every_s=0.0),
            review=HubReview(store, folder / "transcripts", asyncio.Lock(), clock),
            sources=make_desk(
                make_parts(store, [plain_kind(PlainSource(now=clock), invites=True)], now=clock, random=os.urandom)
            )[0],
        )
        client = TestClient(TestServer(make_app(hub)), cookie_jar=CookieJar(unsafe=True))
        await client.start_server()
        opened.append((client, store))
        token = await make_api_token(store, clock, os.urandom, person="script")
        return World(
            client, hub, clock, broadcasting, work, answers, workshop, token, platforms, videos, chat, inbox, words
        )

    yield make
    for client, store in opened:
        await client.close()
        await store.close()


@pytest.fixture
async def world(make_world: MakeWorld) -> World:
    """A hub."""
    return await make_world()


@pytest.fixture
def fakes() -> Any:
    """The fakes of this file, for tests that build some themselves."""
    return SimpleNamespace(FakeStatus=FakeStatus, FakeStep=FakeStep)
