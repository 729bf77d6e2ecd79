"""Votes by the web: a budget per address, bursts of strangers, hosts who decide, and a page that explains all of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiohttp import ClientSession, CookieJar

from streamhub.questions.doubt import VoteDoubt
from streamhub.store import questions, votes
from streamhub.store.rows import fetch_all

if TYPE_CHECKING:
    from tests.web.conftest import MakeWorld, World


async def vote(world: World, question: str, address: str = "203.0.113.9", **more: Any) -> dict[str, Any]:
    """Vote once in a browser that was never here; ``known`` opens the page first, as people do."""
    headers = {"X-Forwarded-For": address}
    async with ClientSession(cookie_jar=CookieJar(unsafe=True), headers=headers) as somebody:
        if more.pop("known", False):
            async with somebody.get(f"{world.url}/s/{await session_of(world, question)}") as page:
                assert page.status == 200
        async with somebody.post(f"{world.url}/api/v1/questions/{question}/vote", **more) as answer:
            assert answer.status == 200, await answer.text()
            body: dict[str, Any] = await answer.json()
            return body


async def session_of(world: World, question: str) -> str:
    return (await world.hub.store.read(lambda db: questions.load_question(db, question))).session_id


async def test_a_budget_per_address(make_world: MakeWorld) -> None:
    """What comes over the budget of an address waits for a host; another address and another question count on."""
    world = await make_world(votes_per_address=3, trust_proxy=True)
    session = await world.plan()
    asked, other = await world.ask(session), await world.ask(session, "Andere?")
    for number in range(6):
        cast = await vote(world, asked, known=True)
        assert cast == ({"votes": number + 1} if number < 3 else {"votes": 3, "doubt": "address"})
    assert await vote(world, asked, "198.51.100.7", known=True) == {"votes": 4}
    assert await vote(world, other, known=True) == {"votes": 1}
    found = (await world.host("GET", f"/sessions/{session}/suspects"))["suspects"]
    wanted = {"question_id": asked, "votes": 4, "waiting": 3, "counted": 0, "discarded": 0, "reasons": {"address": 3}}
    assert found == [wanted]


async def test_a_burst_of_strangers(make_world: MakeWorld) -> None:
    """Many votes without our cookie from one address wait, forged ones say so, and who opened the page counts."""
    world = await make_world(votes_per_address=100, trust_proxy=True)
    asked = await world.ask(await world.plan())
    casts = [await vote(world, asked) for _ in range(12)]
    assert [cast.get("doubt", "") for cast in casts] == [""] * 10 + ["newcomers"] * 2
    forged = await vote(world, asked, cookies={"streamhub_voter": "aaaaaaaaaaaaaaaaaaaaaaaaaa.forged"})
    assert forged == {"votes": 10, "doubt": "forged"}
    assert await vote(world, asked, known=True) == {"votes": 11}
    assert await vote(world, asked, "198.51.100.7") == {"votes": 12}


async def test_a_race_counts_once(make_world: MakeWorld) -> None:
    """Fifty presses at once by one voter count once, and as many taken back leave nothing."""
    world = await make_world(votes_per_address=30)
    session = await world.plan()
    asked = await world.ask(session)
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as somebody:
        async with somebody.get(f"{world.url}/s/{session}") as page:
            assert page.status == 200

        async def press(method: str) -> int:
            async with somebody.request(method, f"{world.url}/api/v1/questions/{asked}/vote") as answer:
                return int((await answer.json())["votes"])

        assert await asyncio.gather(*(press("POST") for _ in range(50))) == [1] * 50
        assert set(await asyncio.gather(*(press("DELETE") for _ in range(50)))) == {0}
        mixed = ["POST", "DELETE"] * 25
        await asyncio.gather(*(press(method) for method in mixed))
    rows = await world.hub.store.read(lambda db: fetch_all(db, "select voter from votes where question_id = ?", asked))
    assert (await world.hub.store.read(lambda db: questions.load_question(db, asked))).votes == len(rows) <= 1


async def test_a_voter_in_doubt_sees_it_and_takes_it_back(make_world: MakeWorld) -> None:
    """The page says that a vote waits for a host; the same button takes it back."""
    world = await make_world(votes_per_address=1)
    session = await world.plan()
    asked = await world.ask(session)
    await vote(world, asked)
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as somebody:
        async with somebody.get(f"{world.url}/s/{session}"):
            pass
        async with somebody.post(f"{world.url}/s/{session}/questions/{asked}/vote") as page:
            html = await page.text()
        assert "darum sieht die Redaktion nach" in html
        assert '<span class="doubt">Ihre Stimme wartet auf die Redaktion.</span>' in html
        assert 'aria-pressed="true"' in html
        assert 'data-votes="1"' in html
        async with somebody.post(f"{world.url}/s/{session}/questions/{asked}/unvote") as page:
            assert 'data-votes="1"' in await page.text()
    assert await world.hub.store.read(lambda db: votes.list_suspects(db, session)) == []


async def test_hosts_decide(make_world: MakeWorld) -> None:
    """On the console a host lets votes in doubt count or discards them, and changes his mind; experts only look."""
    world = await make_world(votes_per_address=1)
    session = await world.plan()
    asked = await world.ask(session, "Fraglich?")
    for _ in range(3):
        await vote(world, asked, known=True)
    host = await world.sign_in()
    page = await (await host.get(f"/host/s/{session}")).text()
    assert "2 Stimmen warten auf Sie" in page
    assert "2 × mehr, als ein Anschluss abgeben darf" in page
    path = f"/host/s/{session}/suspects/{asked}"
    for verdict, counted, said in [
        ("counted", 3, "2 davon zählen nach Prüfung"),
        ("discarded", 1, "2 davon wurden verworfen"),
        ("counted", 3, "2 davon zählen"),
    ]:
        assert (await host.post(path, verdict=verdict)).status == 303
        assert said in await (await host.get(f"/host/s/{session}")).text()
        kept = await world.hub.store.read(lambda db: questions.load_question(db, asked))
        assert kept.votes == counted
    assert (await host.post(path, verdict="vielleicht")).status == 400
    assert (await host.post(f"/host/s/anderes/suspects/{asked}", verdict="counted")).status == 404
    body = {"verdict": "discarded"}
    async with world.client.post(f"/api/v1/host/questions/{asked}/suspects", json=body, headers=world.bearer) as answer:
        assert await answer.json() == {"votes": 1}
    await host.close()


async def test_no_address_is_kept(make_world: MakeWorld) -> None:
    """Neither the address nor a digest that is the same for two questions stands in the database."""
    world = await make_world(votes_per_address=5, trust_proxy=True)
    session = await world.plan()
    ids = [await world.ask(session, text) for text in ("Eins?", "Zwei?")]
    for asked in ids:
        await vote(world, asked, "203.0.113.77", known=True)
    rows = await world.hub.store.read(lambda db: fetch_all(db, "select address from votes"))
    assert len({row["address"] for row in rows}) == 2
    assert all(len(row["address"]) == 24 for row in rows)
    folder = world.hub.store.path.parent
    assert not any(b"203.0.113.77" in file.read_bytes() for file in folder.glob("hub.sqlite3*"))


async def test_the_page_that_explains(make_world: MakeWorld) -> None:
    """How votes are counted is a page in both languages with this hub's own numbers, linked from every session."""
    world = await make_world(votes_per_address=17)
    session = await world.plan()
    async with world.client.get(f"/s/{session}") as page:
        assert 'href="/help/votes"' in await page.text()
    for language, said in [("de", "zählen für eine Frage 17 Stimmen"), ("en", "17 votes count for one question")]:
        async with world.client.get("/help/votes", headers={"Accept-Language": language}) as page:
            assert said in await page.text()
    assert set(VoteDoubt) == {"", "address", "newcomers", "forged"}, "a new reason wants its words on the page"
