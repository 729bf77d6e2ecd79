"""Sources for hosts and programs: added, switched, removed, and what is wrong with them in one sentence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlite_utils import Database

from streamhub.questions.intake import Contribution
from streamhub.questions.question import Question, QuestionState
from streamhub.questions.trouble import SourceCode
from streamhub.store import sources as rows
from streamhub.store.contributions import take_contribution
from streamhub.web.access import AccessRole
from tests.web.conftest import World

HOSTILE = "</p><script>window.hacked=1</script>"


async def trouble(world: World, session: str) -> str:
    """A source that fails, with a question that was taken back and an addition; returns the source's id."""
    made = await world.host("POST", f"/sessions/{session}/sources", kind="plain", address="#netz")
    source_id = str(made["sources"][0]["id"])
    at = world.clock()

    def fill(db: Database) -> None:
        row = rows.load_source(db, source_id)
        rows.save_source(
            db,
            replace(
                row,
                read_at=at - timedelta(minutes=5),
                taken=7,
                skipped={"repeated": 2, "automatic": 1},
                problem=SourceCode.UNREACHABLE.value,
                problem_details={"place": f"plain.example {HOSTILE}"},
                failing_since=at - timedelta(minutes=4),
                retry_at=at + timedelta(minutes=1),
                tries=3,
            ),
        )
        question = Question(
            id="q7", session_id=session, text="Weg?", state=QuestionState.OPEN, source="plain", asked_at=at
        )
        line = Contribution(source="plain", ref="7", author="Ada", author_ref="x", text="Weg?", at=at)
        take_contribution(db, line, question)
        rows.note_gone(db, "plain", "7", "q7", at=at)
        addition = rows.Addition(question_id="q7", whole=False, text=f"Nachtrag {HOSTILE}", at=at)
        rows.add_addition(db, "plain", "8", addition)

    await world.hub.store.write(fill)
    return source_id


async def test_hosts_add_switch_and_remove(world: World) -> None:
    """A host adds a source by a form, switches it, reads it, and removes it, each without JavaScript."""
    session = await world.plan()
    host = await world.sign_in()
    path = f"/host/s/{session}/sources"
    async with await host.post(path, kind="plain", address="netz") as answer:
        assert (answer.status, answer.headers["Location"]) == (303, path)
    async with await host.get(path) as page:
        text = await page.text()
        assert "#netz" in text
        assert f"fragen+{session}@firma.de" in text
    (source,) = (await world.host("GET", f"/sessions/{session}/sources"))["sources"]
    for turn, state in (("off", "off"), ("on", "waiting"), ("read", "waiting")):
        async with await host.post(f"{path}/{source['id']}/{turn}") as answer:
            assert answer.status == 303
        (seen,) = (await world.host("GET", f"/sessions/{session}/sources"))["sources"]
        assert seen["state"] == state
    async with await host.post(f"{path}/{source['id']}/remove") as answer:
        assert answer.status == 303
    assert (await world.host("GET", f"/sessions/{session}/sources"))["sources"] == []
    await host.close()


async def test_wrong_addresses_come_back(world: World) -> None:
    """A wrong address is shown again with a sentence, and adding a source twice is refused."""
    session = await world.plan()
    host = await world.sign_in()
    async with await host.post(f"/host/s/{session}/sources", kind="plain", address="kein Tag <b>") as page:
        text = await page.text()
        assert page.status == 400
        assert 'value="kein Tag &lt;b&gt;"' in text
    await world.host("POST", f"/sessions/{session}/sources", kind="plain", address="#netz")
    async with await host.post(f"/host/s/{session}/sources", kind="plain", address="#netz") as page:
        assert page.status == 409
    await host.close()


@pytest.mark.parametrize("language", ["de", "en"])
async def test_trouble_is_one_sentence(world: World, language: str) -> None:
    """The console says which source cannot be read, since when and what to do, and nothing of it is markup."""
    session = await world.plan()
    await trouble(world, session)
    for path in (f"/host/s/{session}", f"/host/s/{session}/sources"):
        async with world.client.get(f"{path}?lang={language}", headers=world.bearer) as page:
            text = await page.text()
        assert {"de": "antwortet nicht.", "en": "does not answer."}[language] in text
        assert {"de": "von derselben Person doppelt gefragt", "en": "asked twice by one author"}[language] in text
        assert f"/host/s/{session}#q-q7" in text
        assert "Nachtrag &lt;/p&gt;" in text
        assert "<script>window.hacked" not in text


async def test_the_api_says_it_too(world: World) -> None:
    """A program sees state, problem, counts, additions and what is gone, and which kinds there are."""
    session = await world.plan()
    source_id = await trouble(world, session)
    seen = await world.host("GET", f"/sessions/{session}/sources")
    (source,) = seen["sources"]
    assert (source["id"], source["state"], source["problem"]) == (source_id, "failing", "source_unreachable")
    assert (source["taken"], source["skipped"]) == (7, {"repeated": 2, "automatic": 1})
    assert source["hint"].startswith("The hub tries again")
    assert (seen["gone"], seen["additions"][0]["question_id"]) == (["q7"], "q7")
    assert seen["kinds"] == [{"kind": "plain", "name": "Plain & Co", "example": "#netz"}]
    assert seen["mail_to"] == f"fragen+{session}@firma.de"
    switched = await world.host("POST", f"/sessions/{session}/sources/{source_id}/off")
    assert switched["sources"][0]["state"] == "off"


async def test_only_planners_change_sources(world: World) -> None:
    """An expert sees the sources and changes nothing."""
    session = await world.plan()
    expert = await world.sign_in(role=AccessRole.EXPERT)
    async with await expert.get(f"/host/s/{session}/sources") as page:
        assert page.status == 200
        assert 'name="address"' not in await page.text()
    async with await expert.post(f"/host/s/{session}/sources", kind="plain", address="#netz") as answer:
        assert answer.status == 403
    await expert.close()


async def test_the_public_learns_nothing(world: World) -> None:
    """Neither additions nor what keeps a source from being read is on any public page."""
    session = await world.plan()
    await trouble(world, session)
    for path in (f"/s/{session}", f"/api/v1/sessions/{session}", f"/api/v1/sessions/{session}/questions"):
        async with world.client.get(path) as page:
            text = await page.text()
            assert page.status == 200
        assert "Nachtrag" not in text
        assert "plain.example" not in text
