"""A question's own page: me-too with a story, answers in writing by anybody and by those who prove what they are."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession, CookieJar

from streamhub.answers.answer import Answer, AnswerState
from streamhub.errors import Unavailable
from streamhub.live.mark import MarkKind
from streamhub.questions.question import QuestionState
from streamhub.questions.writing import MAX_PROPOSAL_LENGTH, MAX_STORY_LENGTH
from streamhub.schedule.show import Moderation, Participant, Role
from streamhub.store import deflections as deflection_rows
from streamhub.store import log as log_rows
from streamhub.store import marks as mark_rows
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
from streamhub.store.handover import hand_over
from streamhub.store.rows import change
from streamhub.timecode import Span
from streamhub.web.services import Suggestion
from tests.web.test_pages import HOSTILE, Shape

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.web.conftest import MakeWorld, World


class Reader:
    """Somebody with a browser and no JavaScript."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.session = ClientSession(cookie_jar=CookieJar(unsafe=True))

    async def get(self, path: str, *, status: int = 200) -> str:
        async with self.session.get(f"{self.world.url}{path}") as page:
            text = await page.text()
            assert page.status == status, text
            return text

    async def post(self, path: str, *, status: int = 200, **fields: str) -> str:
        async with self.session.post(f"{self.world.url}{path}", data=fields) as page:
            text = await page.text()
            assert page.status == status, text
            return text

    async def send(self, place: str, path: str, *, status: int = 200, **fields: str) -> str:
        """Open a question's page, wait as a person does, fill in a form and send it."""
        stamp = self.world.find_field(await self.get(place), "stamp")
        self.world.clock.forward(seconds=20)
        fields = {"stamp": stamp, "consent": "yes", "shown": "anonymous", **fields}
        return await self.post(f"{place}/{path}", status=status, **fields)

    async def api(self, method: str, path: str, *, status: int = 200, **body: Any) -> Any:
        address = f"{self.world.url}/api/v1{path}"
        async with self.session.request(method, address, json=body or None) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json()


@pytest.fixture
async def reader(world: World) -> AsyncIterator[Reader]:
    someone = Reader(world)
    yield someone
    await someone.session.close()


@pytest.fixture
async def other(world: World) -> AsyncIterator[Reader]:
    someone = Reader(world)
    yield someone
    await someone.session.close()


async def add_people(world: World, session: str) -> None:
    """An expert and a super-user take part."""

    def add(db: Any) -> None:
        there = show_rows.load_session(db, session)
        people = (
            Participant(name="Bernd Bach", role=Role.EXPERT),
            Participant(name="Cora Uhl", role=Role.SUPER_USER),
        )
        show_rows.save_session(db, replace(there, participants=(*there.participants, *people)))

    await world.hub.store.write(add)


async def find_written(world: World, question: str) -> dict[str, Any]:
    return await world.host("GET", f"/questions/{question}/writing")


async def test_me_too_with_a_story(world: World, reader: Reader, other: Reader) -> None:
    """One button votes; with a case in own words it votes and tells, and everybody reads it in a folded list."""
    session = await world.plan()
    asked = await world.ask(session)
    place = f"/s/{session}/q/{asked}"
    assert "Ihre Stimme zählt" in await other.post(f"{place}/me-too", wish="vote")
    text = "Mein Router R7 blinkt auch,\nseit dem Gewitter."
    told = await reader.send(place, "me-too", text=text, name="Ada L.", shown="name")
    assert "Ihr Fall steht unten" in told
    page = await other.get(place)
    assert "1 Person schildert ihren Fall" in page
    assert "seit dem Gewitter." in page
    assert "Ada L." in page
    body = await other.api("GET", f"/questions/{asked}")
    assert body["votes"] == 2
    assert [story["text"] for story in body["stories"]] == [text]
    assert "voter" not in str(body)
    assert "zurückgenommen" in await other.post(f"{place}/me-too", wish="unvote")
    assert (await other.api("GET", f"/questions/{asked}"))["votes"] == 1


async def test_a_story_is_erased_by_its_teller_alone(world: World, reader: Reader, other: Reader) -> None:
    """Its teller sees a button and the story is gone from everywhere; another cookie erases nothing."""
    session = await world.plan()
    asked = await world.ask(session)
    place = f"/s/{session}/q/{asked}"
    await reader.send(place, "me-too", text="Bei mir auch.")
    story = (await find_written(world, asked))["stories"][0]["id"]
    assert "/erase" not in await other.get(place)
    await other.post(f"{place}/stories/{story}/erase", status=404)
    await other.api("DELETE", f"/stories/{story}", status=404)
    assert "Ihr Fall wurde gelöscht" in await reader.post(f"{place}/stories/{story}/erase")
    assert (await find_written(world, asked))["stories"] == []


async def test_stories_wait_where_hosts_look_first(world: World, reader: Reader, other: Reader) -> None:
    """Under moderation before publication a story is seen by its teller and the hosts, until a host shows it."""
    session = await world.plan(moderation=Moderation.BEFORE)
    asked = await world.ask(session)
    await world.act(asked, "approve")
    place = f"/s/{session}/q/{asked}"
    told = await reader.send(place, "me-too", text="Nur für Hosts.")
    assert "bevor er hier erscheint" in told
    assert "Nur für Hosts." in told
    assert "Nur für Hosts." not in await other.get(place)
    host = await world.sign_in()
    async with await host.get(f"/host/s/{session}") as console:
        html = await console.text()
    assert "Nur für Hosts." in html
    assert "warten auf Sie" in html
    story = (await find_written(world, asked))["stories"][0]["id"]
    async with await host.post(f"/host/s/{session}/stories/{story}/show") as answer:
        assert answer.status == 303
    assert "Nur für Hosts." in await other.get(place)
    async with await host.post(f"/host/s/{session}/stories/{story}/decline", note="doppelt") as answer:
        assert answer.status == 303
    assert "Nur für Hosts." not in await other.get(place)
    await host.close()


async def test_anybody_proposes_and_a_host_accepts(world: World, reader: Reader, other: Reader) -> None:
    """A proposal waits for the host; accepted, it answers the question in writing, and undoing opens it again."""
    session = await world.plan()
    asked = await world.ask(session)
    place = f"/s/{session}/q/{asked}"
    sent = await reader.send(place, "answers", text="Den **roten** Knopf.\n\n- lange\n- fest", name="Ada", shown="name")
    assert "bevor sie hier erscheint" in sent
    assert "roten" not in await other.get(place)
    proposal = (await find_written(world, asked))["answers"][0]
    assert (proposal["state"], proposal["role"]) == ("held", None)
    await world.host("POST", f"/proposals/{proposal['id']}/accept")
    page = await other.get(place)
    assert "<strong>roten</strong>" in page
    assert "<li>lange</li>" in page
    assert "schriftlich beantwortet" in page
    body = await other.api("GET", f"/questions/{asked}")
    assert (body["state"], body["answers"][0]["accepted"], body["answers"][0]["name"]) == (
        "answered_in_writing",
        True,
        "Ada",
    )
    assert world.answers.ordered == [(session, asked)]
    await world.host("POST", f"/proposals/{proposal['id']}/undo")
    assert (await other.api("GET", f"/questions/{asked}"))["state"] == "open"
    assert "roten" not in await other.get(place)


async def test_what_is_answered_in_writing_stays_answered(world: World, reader: Reader) -> None:
    """Taken off air again it is answered in writing; queued when the session ends it is, too, and is not carried on."""
    session = await world.plan(to="live")
    asked, other = await world.ask(session), await world.ask(session, "Und das andere?")
    sent = await reader.api("POST", f"/questions/{asked}/answers", status=201, text="Den roten Knopf.")
    await world.host("POST", f"/proposals/{sent['id']}/accept")
    await world.act(asked, "on-air")
    assert (await world.act(asked, "back"))["state"] == "answered_in_writing"
    assert (await world.act(asked, "back"))["state"] == "answered_in_writing"
    made = await world.hub.store.read(lambda db: mark_rows.list_marks(db, session))
    assert [mark.kind for mark in made] == [MarkKind.ON_AIR, MarkKind.BACK]
    await world.act(asked, "queue")
    assert await world.hub.store.write(lambda db: hand_over(db, session, at=world.clock())) == [other]
    states = {one: await reader.api("GET", f"/questions/{one}") for one in (asked, other)}
    assert [one["state"] for one in states.values()] == ["answered_in_writing", "carried_over"]
    await world.host("POST", f"/proposals/{sent['id']}/undo")
    assert (await reader.api("GET", f"/questions/{asked}"))["state"] == "open"


async def test_others_stay_beside_the_accepted_one_or_are_declined(world: World, reader: Reader) -> None:
    """A second answer is shown as "also answered"; a declined one tells its writer why, and nobody else anything."""
    session = await world.plan()
    asked = await world.ask(session)
    place = f"/s/{session}/q/{asked}"
    ids = []
    for text in ("Die erste.", "Die zweite.", "Die dritte."):
        sent = await reader.api("POST", f"/questions/{asked}/answers", status=201, text=text)
        ids.append(sent["id"])
    await world.host("POST", f"/proposals/{ids[0]}/accept")
    await world.host("POST", f"/proposals/{ids[1]}/also")
    await world.host("POST", f"/proposals/{ids[2]}/decline", note="Gefährlich")
    page = await world_page(world, place)
    assert page.index("Die erste.") < page.index("Außerdem geantwortet") < page.index("Die zweite.")
    assert "Die dritte." not in page
    assert "Gefährlich" in await reader.get(place)
    await world.host("POST", f"/proposals/{ids[1]}/accept")
    body = await reader.api("GET", f"/questions/{asked}")
    assert {one["text"]: one["state"] for one in body["answers"]} == {"Die zweite.": "accepted", "Die erste.": "also"}


async def world_page(world: World, path: str) -> str:
    async with ClientSession() as somebody, somebody.get(f"{world.url}{path}") as page:
        assert page.status == 200
        return await page.text()


async def test_an_expert_proves_himself_by_a_personal_link(world: World, reader: Reader, other: Reader) -> None:
    """A host makes the link; looking at it uses nothing up; its button marks what is written in this browser."""
    session = await world.plan()
    await add_people(world, session)
    asked = await world.ask(session)
    host = await world.sign_in()
    async with await host.post(f"/host/s/{session}/people/1/link") as page:
        html = await page.text()
        assert page.status == 200
    link = re.search(r"<code>([^<]+)</code>", html)
    assert link
    path = link[1].removeprefix(world.url)
    await host.close()
    door = await reader.get(path)
    assert "Weiter als Bernd Bach" in door
    token = path.partition("token=")[2]
    waiting = await reader.post(f"/s/{session}/as", token=token)
    assert "Was kostet das?" in waiting
    place = f"/s/{session}/q/{asked}"
    assert "Sie schreiben als Bernd Bach" in await reader.get(place)
    await reader.send(place, "answers", text="Vom Fachmann.", shown="name", name="Somebody Else")
    await other.send(place, "answers", text="Vom Laien.", shown="name", name="Bernd Bach")
    found = {one["text"]: (one["name"], one["role"]) for one in (await find_written(world, asked))["answers"]}
    assert found == {"Vom Fachmann.": ("Bernd Bach", "expert"), "Vom Laien.": ("Bernd Bach", None)}
    for one in (await find_written(world, asked))["answers"]:
        await world.host("POST", f"/proposals/{one['id']}/also")
    assert (await other.get(place)).count("Fachperson") == 1
    await reader.post(f"/s/{session}/as/leave")
    assert "Sie schreiben als" not in await reader.get(place)


async def test_a_personal_link_is_worth_nothing_elsewhere(world: World, reader: Reader) -> None:
    """Forged, of another session, of somebody who left, too old, or as a cookie: each is refused, nothing crashes."""
    session = await world.plan()
    elsewhere = await world.plan(title="Anderswo", id="anderswo")
    for one in (session, elsewhere):
        await add_people(world, one)
    made = await world.host("POST", f"/sessions/{session}/people/1/link")
    assert (made["name"], made["role"]) == ("Bernd Bach", "expert")
    token = made["url"].partition("token=")[2]
    for wrong in ("", "x", "ä", f"{token}x", f"x{token}", token.replace(".", ""), "a" * 3000):
        await reader.post(f"/s/{session}/as", status=401, token=wrong)
    await reader.post(f"/s/{elsewhere}/as", status=401, token=token)
    await reader.get(f"/s/{elsewhere}/as?token={token}", status=401)
    headers = {"Cookie": f"streamhub_as_{session}={token}"}
    async with ClientSession() as thief, thief.get(f"{world.url}/s/{session}/as", headers=headers) as page:
        assert page.status == 401
    async with ClientSession() as thief, thief.get(f"{world.url}/host", headers=headers) as page:
        assert page.status == 401
    await reader.post(f"/s/{session}/as", token=token)

    def remove(db: Any) -> None:
        there = show_rows.load_session(db, session)
        show_rows.save_session(db, replace(there, participants=there.participants[:1]))

    await world.hub.store.write(remove)
    await reader.get(f"/s/{session}/as", status=401)
    await reader.post(f"/s/{session}/as", status=401, token=token)
    await world.host("POST", f"/sessions/{session}/state", to="cancelled")


async def test_a_personal_link_ends_after_half_a_year(world: World, reader: Reader) -> None:
    """A link found in an old mail opens nothing any more."""
    session = await world.plan()
    await add_people(world, session)
    token = (await world.host("POST", f"/sessions/{session}/people/2/link"))["url"].partition("token=")[2]
    world.clock.forward(days=179)
    await reader.get(f"/s/{session}/as?token={token}")
    world.clock.forward(days=2)
    await reader.get(f"/s/{session}/as?token={token}", status=401)
    async with world.client.post(f"/api/v1/host/sessions/{session}/people/9/link", headers=world.bearer) as answer:
        assert answer.status == 404


async def test_a_merged_question_leads_to_its_target(world: World, reader: Reader) -> None:
    """Old links to a question that was merged, or to a wrong session, lead to the one that stands for it."""
    session = await world.plan()
    first, second = await world.ask(session, "Erste?"), await world.ask(session, "Zweite?")
    await reader.send(f"/s/{session}/q/{first}", "me-too", text="Mein Fall.")
    sql = "update questions set state = 'merged', merged_into = ? where id = ?"
    await world.hub.store.write(lambda db: change(db, sql, second, first))
    async with reader.session.get(f"{world.url}/s/{session}/q/{first}") as page:
        assert page.url.path == f"/s/{session}/q/{second}"
        assert "Mein Fall." in await page.text()
    async with reader.session.get(f"{world.url}/s/anderswo/q/{second}") as page:
        assert page.url.path == f"/s/{session}/q/{second}"
    await reader.post(f"/s/{session}/q/{first}/me-too", wish="vote")
    assert (await reader.api("GET", f"/questions/{first}"))["id"] == second
    await reader.api("GET", f"/questions/{first}")


@pytest.mark.parametrize("action", ["hold", "decline"])
async def test_hidden_questions_have_no_page(world: World, reader: Reader, action: str) -> None:
    """What the public may not see has no page, and takes no stories and answers."""
    session = await world.plan()
    asked = await world.ask(session, "Geheim?")
    place = f"/s/{session}/q/{asked}"
    stamp = world.find_field(await reader.get(place), "stamp")
    await world.act(asked, action)
    assert "Geheim?" not in await reader.get(place, status=404)
    world.clock.forward(seconds=20)
    for path in ("me-too", "answers"):
        await reader.post(f"{place}/{path}", status=404, stamp=stamp, consent="yes", text="x")
    await reader.api("POST", f"/questions/{asked}/answers", status=404, text="x")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"text": " "}, "Es steht noch kein Text da."),
        ({"text": "x" * (MAX_PROPOSAL_LENGTH + 1)}, "höchstens 5000 Zeichen"),
        ({"text": "gut", "consent": ""}, "Ohne Ihr Einverständnis"),
        ({"text": "gut", "shown": "name", "name": ""}, "keiner angegeben"),
        ({"text": "gut", "stamp": "x"}, "lange offen"),
    ],
)
async def test_what_is_wrong_is_said_with_the_text_kept(
    world: World, reader: Reader, fields: dict[str, str], said: str
) -> None:
    """A form with a mistake comes back with the text in it and a sentence that says what to do."""
    session = await world.plan()
    asked = await world.ask(session)
    page = await reader.send(f"/s/{session}/q/{asked}", "answers", status=400, **fields)
    assert said in page
    if fields["text"] == "gut":
        assert ">gut</textarea>" in page


async def test_limits_of_one_person(world: World, reader: Reader) -> None:
    """Long stories are refused before the vote counts, and a fourth waiting proposal of one person too."""
    session = await world.plan()
    asked = await world.ask(session)
    await reader.api("POST", f"/questions/{asked}/stories", status=400, text="x" * (MAX_STORY_LENGTH + 1))
    assert (await reader.api("GET", f"/questions/{asked}"))["votes"] == 0
    for number in range(3):
        await reader.api("POST", f"/questions/{asked}/answers", status=201, text=f"Antwort {number}")
    await reader.api("POST", f"/questions/{asked}/answers", status=409, text="Noch eine")


async def test_a_form_sent_twice_proposes_once(world: World, reader: Reader) -> None:
    """A double click or a reload does not make two answers."""
    session = await world.plan()
    asked = await world.ask(session)
    place = f"/s/{session}/q/{asked}"
    stamp = world.find_field(await reader.get(place), "stamp")
    world.clock.forward(seconds=20)
    for _ in range(2):
        await reader.post(f"{place}/answers", stamp=stamp, consent="yes", text="Einmal.", shown="anonymous")
    assert len((await find_written(world, asked))["answers"]) == 1


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_texts_stay_text(world: World, reader: Reader, text: str) -> None:
    """Whatever is typed as story, answer or name runs nothing and adds no attribute beyond those of a safe link."""
    session = await world.plan()
    tame, wild = [await world.ask(session, "Zahm?"), await world.ask(session, "Wild?")]
    name = text[:50] if text[:50].strip() else "x"
    for question, said, called in ((tame, "harmlos", "Ada"), (wild, text, name)):
        words = {"shown": "name", "name": called}
        await reader.api("POST", f"/questions/{question}/stories", status=201, text=said[:MAX_STORY_LENGTH], **words)
        made = await reader.api("POST", f"/questions/{question}/answers", status=201, text=said, **words)
        await world.host("POST", f"/proposals/{made['id']}/accept")
    pages = [await world_page(world, f"/s/{session}/q/{question}") for question in (tame, wild)]
    assert " on" not in "".join(name for _, names in Shape.of(pages[1]) for name in (f" {n}" for n in names))
    added = set(Shape.of(pages[1])) - set(Shape.of(pages[0]))
    assert {tag for tag, _ in added} <= {"em", "strong", "code", "pre", "blockquote", "ul", "ol", "li", "a", "h4", "hr"}
    assert all(names in {(), ("href", "rel"), ("start",)} for tag, names in added if tag != "html")
    assert "javascript:" not in "".join(re.findall(r'href="([^"]*)"', pages[1]))
    async with world.client.get(f"/host/s/{session}", headers=world.bearer) as console:
        html = await console.text()
    assert console.status == 200
    assert "<script>alert" not in html
    assert "<img" not in re.sub(r'<img src="/static/[^>]*>', "", html)


async def test_it_is_answered_at_a_second_in_the_archive(world: World, reader: Reader) -> None:
    """A question that was answered on air links to the very second of its published answer."""
    session = await world.plan(to="live")
    asked = await world.ask(session)
    world.clock.forward(minutes=12, seconds=30)
    await world.act(asked, "on-air")
    await world.act(asked, "done")
    assert "bei 12:30" in await reader.get(f"/s/{session}/q/{asked}")
    await world.host("POST", f"/sessions/{session}/state", to="ended")
    answer = Answer(
        id=asked,
        slug="was-kostet-das",
        session_id=session,
        question="Was kostet das?",
        ranges=(Span(745_000, 875_000),),
        answerers=("Bernd Bach",),
        state=AnswerState.PUBLISHED,
    )
    world.answers.answers[session] = [answer]
    page = await reader.get(f"/s/{session}/q/{asked}")
    assert f'href="/archive/de/a/{asked}-was-kostet-das/?t=745"' in page
    assert "Beantwortet bei 12:25, 2:10 lang" in page
    world.answers.answers[session] = [replace(answer, state=AnswerState.DRAFT)]
    assert "?t=745" not in await reader.get(f"/s/{session}/q/{asked}")


async def test_this_answers_me_counts_once_and_is_undone(world: World, reader: Reader, other: Reader) -> None:
    """A person counts once for an answer and session; the count is seen, can be taken back, and holds no typed text."""
    session = await world.plan()
    asked = await world.ask(session)
    step = question_rows.step_question
    at = world.clock()
    await reader.api("POST", f"/sessions/{session}/deflections/{asked}", status=404)
    answered = QuestionState.ANSWERED_IN_WRITING
    await world.hub.store.write(lambda db: step(db, asked, answered, at=at, author="host"))
    path = f"/sessions/{session}/deflections/{asked}"
    for _ in range(3):
        assert await reader.api("POST", path) == {"helped": True, "people": 1}
    assert (await other.api("POST", path))["people"] == 2
    assert "half 2 Personen vor dem Fragen" in await reader.get(f"/s/{session}/q/{asked}")
    assert await other.api("DELETE", path) == {"helped": False, "people": 1}
    counted = await world.hub.store.read(lambda db: deflection_rows.count_deflected(db, [session]))
    assert counted == {session: 1}
    async with world.client.get(f"/host/s/{session}", headers=world.bearer) as console:
        assert "1 Person fand eine Antwort, bevor sie fragte" in await console.text()


async def test_answers_from_elsewhere_in_the_archive_count_too(world: World, reader: Reader) -> None:
    """An answer that was never asked on this hub helps as well, and a path that is no id finds no file."""
    session = await world.plan()
    folder = world.hub.public_dir / "answers"
    folder.mkdir(parents=True)
    (folder / "imported.json").write_text("{}")
    assert (await reader.api("POST", f"/sessions/{session}/deflections/imported"))["people"] == 1
    await reader.api("POST", f"/sessions/{session}/deflections/nowhere", status=404)
    await reader.api("POST", f"/sessions/{session}/deflections/..%2Fanswers%2Fimported", status=404)


async def test_writing_is_logged_without_words(world: World, reader: Reader) -> None:
    """The log says what happened to which id and never a person's words or name."""
    session = await world.plan()
    asked = await world.ask(session)
    words = {"text": "Wortlaut", "name": "Namentlich", "shown": "name"}
    story = await reader.api("POST", f"/questions/{asked}/stories", status=201, **words)
    made = await reader.api("POST", f"/questions/{asked}/answers", status=201, **words)
    await world.host("POST", f"/proposals/{made['id']}/accept")
    await world.host("POST", f"/stories/{story['id']}/decline", note="Begründung")
    await reader.api("DELETE", f"/answers/{made['id']}")
    logged = await world.hub.store.read(lambda db: log_rows.list_actions(db, limit=50))
    assert {"story.tell", "story.decide", "proposal.intake", "proposal.decide", "proposal.erase", "consent.given"} <= {
        one.action for one in logged
    }
    assert not re.search("Wortlaut|Namentlich|Begründung", str(logged))


async def test_a_signed_in_host_writes_as_host(world: World) -> None:
    """A host's own answer on the question's page carries the host's mark, and his form its token."""
    session = await world.plan()
    asked = await world.ask(session)
    host = await world.sign_in()
    place = f"/s/{session}/q/{asked}"
    async with await host.get(place) as page:
        html = await page.text()
    assert world.find_field(html, "form_token") == host.form_token
    world.clock.forward(seconds=20)
    fields = {
        "stamp": world.find_field(html, "stamp"),
        "consent": "yes",
        "text": "Ja.",
        "shown": "name",
        "name": "Jana",
    }
    async with await host.post(f"{place}/answers", **fields) as answer:
        assert answer.status == 303
    assert (await find_written(world, asked))["answers"][0]["role"] == "host"
    await host.close()


class FakeSuggestions:
    """Suggests what a test puts in, and keeps what it was asked."""

    def __init__(self) -> None:
        self.found: list[Suggestion] = []
        self.asked: list[str] = []
        self.broken = False

    async def suggest(self, text: str, *, language: str, session_id: str, limit: int = 5) -> list[Suggestion]:
        self.asked.append(text)
        if self.broken:
            raise Unavailable("index: cannot be read")
        return self.found[:limit]


def suggestion(world: World, question: str, session: str, **more: Any) -> Suggestion:
    answered = Suggestion(
        kind="answered",
        id=question,
        text="Was kostet ein Router?",
        language="de",
        score=0.9,
        session_id=session,
        session_title="Netz",
        page=f"/archive/a/{question}-was-kostet-ein-router/",
        start_ms=745_000,
        duration_ms=130_000,
        answerers=("Bernd Bach",),
        at=world.clock(),
        votes=7,
    )
    return replace(answered, **more)


def offer(world: World) -> FakeSuggestions:
    """Put a service of suggestions into a hub."""
    fake = FakeSuggestions()
    object.__setattr__(world.hub, "suggestions", fake)
    return fake


@pytest.fixture
def suggestions(world: World) -> FakeSuggestions:
    """A service of suggestions, put into the hub of the test."""
    return offer(world)


async def test_looking_first_without_javascript(world: World, reader: Reader, suggestions: FakeSuggestions) -> None:
    """A button shows what was answered already, at its second, with everything that was typed kept in the form."""
    session = await world.plan()
    asked = await world.ask(session)
    answered = QuestionState.ANSWERED_IN_WRITING
    at = world.clock()
    await world.hub.store.write(lambda db: question_rows.step_question(db, asked, answered, at=at, author="host"))
    suggestions.found = [
        suggestion(world, asked, session),
        suggestion(
            world, "offen", session, kind="open", start_ms=None, duration_ms=None, answerers=(), page="/s/x#q-y"
        ),
    ]
    typed = {"text": 'Was kostet "es"?', "name": "Ada", "shown": "name", "consent": "yes", "email": "ada@example.org"}
    page = await reader.post(f"/s/{session}", **typed)
    assert suggestions.asked == ['Was kostet "es"?']
    assert "Was kostet &#34;es&#34;?</textarea>" in page
    assert 'value="Ada"' in page
    assert f'href="/archive/a/{asked}-was-kostet-ein-router/?t=745"' in page
    assert "Bernd Bach" in page
    assert "2:10" in page
    assert f'href="/s/{session}/q/offen"' in page
    noted = await reader.post(f"/s/{session}", helped=asked, **typed)
    assert "Vermerkt: Das hilft mir. Rückgängig" in noted
    assert "Was kostet &#34;es&#34;?</textarea>" in noted
    undone = await reader.post(f"/s/{session}", not_helped=asked, **typed)
    assert "Vermerkt" not in re.sub(r'data-[a-z-]+="[^"]*"', "", undone)
    kept = b"".join(path.read_bytes() for path in world.hub.store.path.parent.glob("hub.sqlite3*"))
    assert b'Was kostet "es"' not in kept


async def test_a_refused_note_keeps_what_was_typed(make_world: MakeWorld) -> None:
    """Where too many votes came from an address, the page says so and the form is still as it was typed."""
    world = await make_world(votes_per_minute=1)
    offer(world)
    reader, session = Reader(world), await world.plan()
    asked, at = await world.ask(session), world.clock()
    answered = QuestionState.ANSWERED_IN_WRITING
    await world.hub.store.write(lambda db: question_rows.step_question(db, asked, answered, at=at, author="host"))
    await reader.post(f"/s/{session}", helped=asked, text="Wieso?")
    page = await reader.post(f"/s/{session}", not_helped=asked, text="Wieso?", email="ada@example.org", status=429)
    assert "Wieso?</textarea>" in page
    assert "kamen viele Stimmen" in page
    await reader.session.close()


async def test_looking_never_blocks(world: World, reader: Reader, suggestions: FakeSuggestions) -> None:
    """With nothing found, or a service that fails, the page says so or nothing, and the form is there as before."""
    session = await world.plan()
    page = await reader.post(f"/s/{session}", text="Wieso")
    assert "noch niemand gefragt" in page
    suggestions.broken = True
    assert "Frage senden" in await reader.post(f"/s/{session}", text="Wieso")
    asked = len(suggestions.asked)
    await reader.post(f"/s/{session}", text="")
    await reader.get(f"/s/{session}?look=1&text=Wieso")
    assert len(suggestions.asked) == asked


async def test_spoken_and_written_stand_in_one_list(world: World, reader: Reader) -> None:
    """Spoken answers with second and length, written ones with who wrote them: one list, and no draft in it."""
    session = await world.plan(to="live")
    spoken, both, written, draft = [await world.ask(session, f"Frage {name}?") for name in "abcd"]
    for one in (spoken, both, draft):
        await world.act(one, "on-air")
        await world.act(one, "done")
    made = await reader.api("POST", f"/questions/{written}/answers", status=201, text="Ja.", name="Ada", shown="name")
    await world.host("POST", f"/proposals/{made['id']}/accept")
    before = await reader.api("GET", f"/sessions/{session}/answers")
    assert [(one["question_id"], one["spoken"], one["writer"]) for one in before["answers"]] == [
        (written, False, "Ada")
    ]
    await world.host("POST", f"/sessions/{session}/state", to="ended")
    answer = Answer(id=spoken, slug="a", session_id=session, question="Frage a?", state=AnswerState.PUBLISHED)
    world.answers.answers[session] = [
        replace(answer, ranges=(Span(60_000, 90_000),), answerers=("Bernd Bach",)),
        replace(
            answer, id=both, slug="b", question="Frage b?", ranges=(Span(5_000, 9_000),), body="Und:", writer="Cora"
        ),
        replace(answer, id=draft, slug="d", question="Frage d?", body="Entwurf", state=AnswerState.DRAFT),
    ]
    after = await reader.api("GET", f"/sessions/{session}/answers")
    found = [(one["question_id"], one["spoken"], one["written"]) for one in after["answers"]]
    assert found == [(both, True, True), (spoken, True, False), (written, False, True)]
    page = await reader.get(f"/s/{session}")
    assert "3 Antworten" in page
    assert "Entwurf" not in page
    assert f"/archive/de/a/{spoken}-a/?t=60" in page
    assert f'href="/s/{session}/q/{written}"' in page


async def test_stories_fold_under_their_question(world: World, reader: Reader) -> None:
    """On the session's page a pile of single cases stands as one, folded, under its question."""
    session = await world.plan()
    asked = await world.ask(session)
    for number in range(3):
        world.clock.forward(seconds=1)
        async with ClientSession() as somebody:
            path = f"{world.url}/api/v1/questions/{asked}/stories"
            async with somebody.post(path, json={"text": f"Fall {number}"}) as answer:
                assert answer.status == 201
    page = await reader.get(f"/s/{session}")
    assert "3 Personen schildern ihren Fall" in page
    assert page.index("3 Personen schildern") < page.index("Fall 0") < page.index("Fall 2")
