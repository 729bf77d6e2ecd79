"""The planner's page: sessions proposed from what people ask, wishes in the address, drafts by one click."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlite_utils import Database

from streamhub.errors import TimedOut
from streamhub.schedule.highs import Highs
from streamhub.schedule.people import Person
from streamhub.schedule.programme import Found, Programme
from streamhub.schedule.show import Role
from streamhub.session_planner import SessionPlanner
from streamhub.store import demand, invitations, people, shows
from streamhub.web.access import AccessRole
from streamhub.web.application import make_app
from streamhub.web.planner_views import Wishes

if TYPE_CHECKING:
    from tests.web.conftest import World

ROUTER = ["Warum blinkt mein Router rot?", "Mein Router startet ständig neu", "Router lässt sich nicht einrichten"]
INVOICE = ["Warum ist meine Rechnung so hoch?"]


class LateSolver:
    """A solver that is never ready, until it is let go; then it fails."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.gone = asyncio.Event()

    async def solve(self, programme: Programme, *, limit_s: float) -> Found:
        self.asked.set()
        await self.gone.wait()
        raise TimedOut("planner: no plan in time")


@asynccontextmanager
async def planning(world: World, solver: Any, **options: Any) -> AsyncIterator[World]:
    """The hub with a planner."""
    planner = SessionPlanner(world.hub.store, solver, now=world.clock, **options)
    hub = replace(world.hub, planner=planner)
    client: TestClient[Any, Any] = TestClient(TestServer(make_app(hub)))
    await client.start_server()
    try:
        yield replace(world, client=client, hub=hub)
    finally:
        await client.close()
        await planner.close()


@pytest.fixture
async def planned(world: World) -> AsyncIterator[World]:
    """A hub with a planner and its real solver."""
    highs = Highs()
    async with planning(world, highs, patience_s=60.0) as made:
        yield made
    await highs.close()


async def fill(world: World) -> str:
    """Questions on two topics, and experts for one of them."""
    session = await world.plan()
    for text in ROUTER:
        asked = await world.ask(session, text, name="Kim Kunde", shown="name")
        await world.act(asked, "tag", topics=["Router"])
    for text in INVOICE:
        asked = await world.ask(session, text, name="Resi Rechnung", shown="name")
        await world.act(asked, "tag", topics=["Rechnung"])
    experts = [
        Person(id="e1", name="Dr. Rita Router", topics=("Router",), organisation="Werk"),
        Person(id="e2", name="Ralf Regal", topics=("Router & Switches", "Router"), organisation="Haus"),
        Person(id="e3", name="Rosa Rechnung", topics=("Rechnungen",)),
    ]

    def save(db: Database) -> None:
        for person in experts:
            people.save_person(db, person)

    await world.hub.store.write(save)
    return session


async def text_of(world: World, path: str = "/host/planner") -> str:
    browser = await world.sign_in()
    async with await browser.get(path) as page:
        assert page.status == 200
        text = html.unescape(await page.text())
    await browser.close()
    return text


async def test_sessions_are_proposed_with_their_reasons(planned: World) -> None:
    """Theme, time, panel and customer stand there, why, how good the plan is, and for what experts are missing."""
    await fill(planned)
    page = await text_of(planned)
    assert "1 Sendung vorgeschlagen" in page
    assert "3 von 4 wartenden Personen bekämen eine Antwort" in page
    assert "Dr. Rita Router, Ralf Regal" in page
    assert "Kim Kunde" in page
    assert re.search("Außer (Dr. Rita Router, Ralf Regal|Ralf Regal, Dr. Rita Router) kennt sich niemand", page)
    assert "lässt sich kein besserer Plan machen" in page
    assert "Für diese Themen Fachpersonen gewinnen" in page
    assert "als sich damit auskennen: Rosa Rechnung" in page


async def test_one_click_makes_a_draft_and_its_questions_are_planned_for(planned: World) -> None:
    """The draft has the theme's title, its experts are invited, and no second session is proposed for its questions."""
    await fill(planned)
    browser = await planned.sign_in()
    text = await (await browser.get("/host/planner")).text()
    theme, slot = (planned.find_field(text, name) for name in ("theme", "slot"))
    async with await browser.post("/host/planner/make", theme=theme, slot=slot, wishes="") as answer:
        assert answer.status == 303
        session_id = answer.headers["Location"].split("/")[3]
    session = await planned.hub.store.read(lambda db: shows.load_session(db, session_id))
    assert (session.title, session.state.value) == ("Router", "draft")
    assert [(one.name, one.role) for one in session.participants] == [("Kim Kunde", Role.CUSTOMER)]
    asked = await planned.hub.store.read(lambda db: invitations.list_invitations(db, session_id=session_id))
    assert {(one.person_id, one.role) for one in asked} == {("e1", Role.EXPERT), ("e2", Role.EXPERT)}
    assert len(await planned.hub.store.read(lambda db: demand.list_planned(db, session_id))) == 3
    again = await (await browser.get("/host/planner")).text()
    assert "0 Sendungen vorgeschlagen" in again
    async with await browser.post("/host/planner/make", theme=theme, slot=slot, wishes="") as answer:
        assert answer.status == 409
    await browser.close()


async def test_a_customer_comes_with_his_question(planned: World) -> None:
    """A customer who is known with a question is proposed for a session about it, and invited into it."""
    await fill(planned)
    kim = Person(id="kim", name="Kim Kunde", role=Role.CUSTOMER, question="Mein Router blinkt, was tun?")
    await planned.hub.store.write(lambda db: people.save_person(db, kim))
    browser = await planned.sign_in()
    text = await (await browser.get("/host/planner")).text()
    fields = {name: planned.find_field(text, name) for name in ("theme", "slot")}
    async with await browser.post("/host/planner/make", **fields, wishes="") as answer:
        session_id = answer.headers["Location"].split("/")[3]
    asked = await planned.hub.store.read(lambda db: invitations.list_invitations(db, session_id=session_id))
    assert ("kim", Role.CUSTOMER) in {(one.person_id, one.role) for one in asked}
    await browser.close()


async def test_wishes_stand_in_the_address(planned: World) -> None:
    """A topic that is not wanted is not proposed, the wish is shown, and the hub keeps nothing of it."""
    await fill(planned)
    page = await text_of(planned)
    found = re.search(r'name="no" value="([0-9a-f]{12}\|\|)"', page)
    assert found
    without = await text_of(planned, f"/host/planner?no={found[1]}")
    assert "0 Sendungen vorgeschlagen" in without
    assert "ohne: Router" in without
    assert "Dieses Thema wollen Sie nicht" in without
    assert "1 Sendung vorgeschlagen" in await text_of(planned)


async def test_a_wish_that_cannot_be_met_is_said_with_what_hurts(planned: World) -> None:
    """A topic with one expert is wanted: the page says that it cannot be, and which rule is in the way."""
    await fill(planned)
    view = await planned.hub.planner.propose(Wishes())
    invoice = next(one.id for one in view.problem.themes if one.title == "Rechnung")
    page = await text_of(planned, f"/host/planner?keep={invoice}||")
    assert "„Rechnung“ ließ sich nicht so einplanen" in page
    assert "Was den Plan klein hält" in page
    assert "die Zahl der Fachpersonen in einer Runde: ohne das ginge 1 Wunsch mehr" in re.sub(r"\s+", " ", page)


async def test_the_frame_is_kept_for_all_hosts(planned: World) -> None:
    """Days, times and numbers are kept; wrong ones come back with a sentence in the reader's language."""
    await fill(planned)
    browser = await planned.sign_in()
    right = {
        "day-4": "on", "times": "9.30, 18 Uhr", "sessions": "2", "weeks": "3", "lead_days": "1", "minutes": "45",
        "questions": "5", "per_week": "1", "per_day": "1", "per_theme": "1", "experts_least": "1", "experts_most": "2",
        "customers_least": "0", "customers_most": "1", "show_id": "runde",
    }  # fmt: skip
    assert (await browser.post("/host/planner/frame", **right)).status == 303
    frame = await planned.hub.planner.frame()
    assert (frame.weekdays, frame.times, frame.sessions, frame.diverse) == ((4,), ("09:30", "18:00"), 2, False)
    page = await (await browser.get("/host/planner")).text()
    assert "2 Sendungen vorgeschlagen" in page
    for wrong, said in (
        ({"times": "25:00"}, "ist keine Uhrzeit"),
        ({"times": ""}, "keine Uhrzeit"),
        ({"weeks": "0"}, "ganze Zahl von 1 bis 52"),
        ({"weeks": "²"}, "ganze Zahl von 1 bis 52"),
        ({"day-4": ""}, "kein Wochentag"),
        ({"experts_least": "3"}, "mindestens 3 und höchstens 2"),
    ):
        async with await browser.post("/host/planner/frame", **{**right, **wrong}) as answer:
            assert answer.status == 400, wrong
            assert said in html.unescape(await answer.text())
    assert await planned.hub.planner.frame() == frame
    await browser.close()


async def test_the_quick_plan_is_there_at_once_and_stays_when_the_solver_fails(world: World) -> None:
    """While the solver works the greedy plan is shown as such; when it fails the plan stays, and says what it is."""
    solver = LateSolver()
    async with planning(world, solver, patience_s=0.0) as hub:
        await fill(hub)
        page = await text_of(hub)
        assert "1 Sendung vorgeschlagen" in page
        assert "Das ist der schnelle Plan" in page
        await solver.asked.wait()
        solver.gone.set()
        while "Das ist der schnelle Plan" in (page := await text_of(hub)):
            await asyncio.sleep(0.01)
        assert "1 Sendung vorgeschlagen" in page
        assert "wurde nicht bewiesen" in page


async def test_an_empty_hub_says_what_is_missing(planned: World) -> None:
    """Without questions, without experts, and without a show the page says so."""
    page = await text_of(planned)
    assert "Keine Frage wartet" in page
    session = await planned.plan()
    await planned.act(await planned.ask(session, "Wie geht das?"), "tag", topics=["Router"])
    page = await text_of(planned)
    assert "Noch sind keine Fachpersonen bekannt" in page
    assert "Keine der Fachpersonen kennt sich damit aus" in page


async def test_nonsense_in_the_address_is_passed_over(planned: World) -> None:
    """Whatever stands in the address, the page is there."""
    await fill(planned)
    for query in (
        "keep=x|y|z",
        "no=|||",
        "no=||nobody",
        "keep=" + "|" * 500,
        "no=%00|<b>|'",
        "&".join(["no=a||"] * 200),
    ):
        assert "1 Sendung vorgeschlagen" in await text_of(planned, f"/host/planner?{query}")


async def test_the_planner_is_for_hosts(planned: World) -> None:
    """An expert and the public see nothing of it."""
    browser = await planned.sign_in(role=AccessRole.EXPERT)
    assert (await browser.get("/host/planner")).status == 403
    assert (await browser.post("/host/planner/make", theme="x", slot="y")).status == 403
    await browser.close()
    async with planned.client.get("/host/planner") as answer:
        assert answer.status == 401


async def test_who_is_invited_elsewhere_is_not_planned_twice(planned: World) -> None:
    """An invitation that stands counts as a session: its week is closed for the expert, and its time for the host."""
    await fill(planned)
    view = await planned.hub.planner.propose(Wishes())
    first = view.planned[0]
    other = await planned.plan(title="Anderes", to="draft")
    at = first.slot.starts_at

    def invite(db: Database) -> None:
        shows.save_session(db, replace(shows.load_session(db, other), starts_at=at))
        invitations.invite(db, other, "e1", Role.EXPERT, at=planned.clock(), author="Jana")

    await planned.hub.store.write(invite)
    now = (await planned.hub.planner.propose(Wishes())).planned[0]
    assert now.slot.starts_at - at >= timedelta(days=5)
    expert = next(one for one in now.experts if one.id == "e1")
    assert expert.booked == (at,)


async def test_who_is_busy_by_his_calendar_is_not_planned_then(planned: World) -> None:
    """An expert whose calendar says that he is busy is in no session of that time."""
    await fill(planned)
    sessions = (await planned.hub.planner.propose(Wishes())).planned
    first, expert = next((two, one) for two in sessions for one in two.experts if one.id in {"e1", "e2"})

    def keep(db: Database) -> None:
        people.save_calendar(db, expert.id, "sealed")
        state = people.CalendarState(person_id=expert.id, access="sealed", read_at=planned.clock())
        people.save_busy(db, state, [(first.slot.starts_at, first.slot.ends_at)])

    await planned.hub.store.write(keep)
    then = [one for one in (await planned.hub.planner.propose(Wishes())).planned if one.slot.id == first.slot.id]
    assert all(expert.id not in {one.id for one in session.experts} for session in then)
