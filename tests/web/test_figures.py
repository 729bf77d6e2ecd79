"""The dashboard: who may see it, that it adds up, and that a spreadsheet gets text as text."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest

from streamhub.web.access import AccessRole
from streamhub.web.figures import render_csv
from tests.web.browsing import CHROMIUM, open_browser, open_tab, sign_in
from tests.web.test_pages import HOSTILE

if TYPE_CHECKING:
    from tests.web.conftest import World

FORMULAS = [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", "\r=1+1", "\n=1+1", " =1+1", "\u00a0=1", "＝1+1", "＋1", "－1", "＠x",
    "\u3000=1+1", "\u2003@x",
    '=HYPERLINK("http://evil";"x")', "=cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!D2", '"=1"', ";=1", ",=1",
]  # fmt: skip


@pytest.mark.parametrize("language", ["de", "en"])
def test_no_cell_is_a_formula(language: str) -> None:
    """Whatever a topic is called, no cell begins like a formula, nothing is lost, and no line gets another cell."""
    texts = [*FORMULAS, *HOSTILE, "ganz harmlos", 'Größe; Maß, "Zahl"']
    text = render_csv([[one, 7, 1234.5, None] for one in texts], language=language)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=";" if language == "de" else ","))
    assert len(rows) == len(texts)
    for one, row in zip(texts, rows, strict=True):
        assert row[0] in {one, f"'{one}"}
        assert row[0].lstrip()[:1] not in set("=+-@\t\r\n＝＋－＠"), row[0]
        assert row[1:] == ["7", "1234,50" if language == "de" else "1234.50", ""]


async def test_the_figures_add_up(world: World) -> None:
    """What was asked, voted and answered is on the page, in the JSON and in the CSV; a scope leaves out the rest."""
    session = await world.plan(to="live", title="Netz")
    other = await world.plan(to="live", title="Anderes", id="zweite")
    ids = [await world.ask(session, text) for text in ("Eins?", "Zwei?", "Drei?")]
    await world.ask(other, "Vier?")
    await world.act(ids[0], "tag", topics=["=Ausbau"], products=["Router X"])
    async with world.client.post(f"/api/v1/questions/{ids[0]}/vote") as voted:
        assert voted.status == 200
    world.clock.forward(minutes=30)
    await world.act(ids[0], "on-air")
    await world.act(ids[0], "done")
    await world.act(ids[1], "decline", note="doppelt")
    figures = (await world.host("GET", "/figures"))["figures"]
    whole = figures["all"][0]
    assert (whole["asked"], whole["answered"], whole["me_too"], whole["median_s"]) == (4, 1, 1, 1800)
    assert whole["states"] == {"answered_live": 1, "declined": 1, "open": 2}
    assert [one["label"] for one in figures["topic"]] == ["=Ausbau"]
    scoped = (await world.host("GET", f"/figures?session={session}"))["figures"]
    assert scoped["all"][0]["asked"] == 3
    assert (await world.host("GET", "/figures?from=2027-03-05"))["figures"]["all"][0]["asked"] == 0
    host = await world.sign_in()
    async with await host.get("/host/dashboard") as page:
        text = await page.text()
    assert "30 min" in text
    assert "=Ausbau" in text
    async with await host.get("/host/dashboard.csv?lang=de") as file:
        raw = await file.read()
        assert "attachment" in file.headers["Content-Disposition"]
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert {len(row) for row in rows} == {len(rows[0])}
    topic = next(row for row in rows if row[0] == "Thema")
    assert topic[1:5] == ["'=Ausbau", "'=Ausbau", "1", "1"]
    assert "0,50" in topic
    await host.close()


async def test_days_that_are_none_are_said(world: World) -> None:
    """A day that cannot be read is said on the page and to programs."""
    host = await world.sign_in()
    for day in ("gestern", "2027-02-30", "9999-12-31"):
        async with await host.get(f"/host/dashboard?to={day}") as page:
            assert page.status == 400
            assert "data-error" in await page.text()
        async with world.client.get(f"/api/v1/host/figures?to={day}", headers=world.bearer) as answer:
            assert answer.status == 400
    await host.close()


async def test_figures_name_nobody(world: World) -> None:
    """No name of an asker and no id of a browser is in the figures; experts do not see them at all."""
    session = await world.plan(to="live")
    asked = await world.ask(session, "Wer?", name="Ada Geheim", shown="name")
    async with world.client.post(f"/api/v1/questions/{asked}/vote"):
        pass
    host, expert = await world.sign_in(), await world.sign_in(person="Ole", role=AccessRole.EXPERT)
    for path in ("/host/dashboard", "/host/dashboard.csv", "/api/v1/host/figures"):
        async with await host.get(path) as page:
            assert page.status == 200
            text = await page.text()
        assert "Geheim" not in text
        assert asked not in text
        async with await expert.get(path) as refused:
            assert refused.status == 403
    await host.close()
    await expert.close()


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no playwright with Chromium on this machine")
async def test_the_dashboard_fits_and_is_accessible(world: World) -> None:
    """On phone and desk, in both languages, nothing sticks out and the accessibility rules hold."""
    axe = pytest.importorskip("axe_playwright_python.async_playwright", reason="axe is not installed")
    session = await world.plan(to="live", title="Glasfaser und Verträge")
    for number in range(12):
        asked = await world.ask(session, f"Frage {number}?")
        await world.act(asked, "tag", topics=[("Ausbau", "Verträge", "Störungen")[number % 3]], products=["Router X"])
        if number < 7:
            world.clock.forward(minutes=7)
            await world.act(asked, "on-air")
    async with open_browser() as browser:
        tab = await open_tab(browser)
        await sign_in(world, tab)
        for language in ("de", "en"):
            for width in (390, 1280):
                await tab.page.set_viewport_size({"width": width, "height": 900})
                await tab.page.goto(f"{world.url}/host/dashboard?lang={language}")
                await tab.shoot(f"dashboard-{width}-{language}")
                assert await tab.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
                results = await axe.Axe().run(tab.page)
                assert [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in results.response["violations"]] == []
        assert tab.complaints == []
