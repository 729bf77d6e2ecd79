"""The glossary in a real browser: from the show's page to a saved entry, wide and narrow, without a complaint."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from streamhub.archive.folder import save_session
from streamhub.reviewing import HubReview
from tests.web.browsing import CHROMIUM, HOSTILE, open_browser, open_tab, sign_in
from tests.web.reviewed import review_session

if TYPE_CHECKING:
    from tests.web.conftest import World

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(120),
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium and playwright"),
]


@pytest.mark.parametrize("width", [1280, 390])
async def test_a_host_writes_a_glossary(world: World, width: int) -> None:
    """From the show's page a host writes entries, is told of a bad line, and saves; nothing is wider than the page."""
    await world.plan()
    entries = f"Streamhub: Stream Hub, Strihm Hab\nJulia Weber\n{HOSTILE[:60]}"
    async with open_browser() as browser:
        tab = await open_tab(browser, width=width)
        await sign_in(world, tab)
        page = tab.page
        await page.goto(f"{world.url}/host/shows/runde")
        await tab.shoot(f"show-{width}")
        await page.click("a[href='/host/shows/runde/glossary']")
        await page.fill(
            "#glossary-text", f"Streamhub: Stream Hub, Strihm Hab\nJulia Weber\n{HOSTILE[:60]}\nUnd AG: und"
        )
        await page.click("button.primary")
        assert "Zeile 4" in await page.inner_text("#said")
        await tab.shoot(f"glossary-refused-{width}")
        await page.fill("#glossary-text", entries)
        await page.click("button.primary")
        assert "Gespeichert" in await page.inner_text("#said")
        assert "3 Einträge" in await page.inner_text("main")
        assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        await tab.shoot(f"glossary-{width}")
        assert [one for one in tab.complaints if "400" not in one] == []


@pytest.mark.parametrize("width", [1280, 390])
async def test_what_was_heard_and_learned_is_shown(world: World, width: int) -> None:
    """In review a word that was put right says what was heard; a correction is listed, and forgotten."""
    one = await review_session(world)
    (transcript,) = one.archived.transcripts
    cue = one.cue("c3")
    words = (*cue.words[:1], replace(cue.words[1], text="Zarriv", heard="Sa Rief"), *cue.words[2:])
    text = " ".join(word.text for word in words)
    cues = tuple(replace(other, words=words, text=text) if other.id == "c3" else other for other in transcript.cues)
    changed = replace(one.archived, transcripts=(replace(transcript, cues=cues),))
    assert isinstance(world.hub.review, HubReview)
    save_session(world.hub.review.transcripts, changed, loaded=one.archived)
    async with open_browser() as browser:
        tab = await open_tab(browser, width=width)
        await sign_in(world, tab)
        page = tab.page
        await page.goto(f"{world.url}{one.path}?answer={one.ids[0]}&cue=c3#cue-c3")
        assert await page.get_attribute(".w.righted", "title") == "gehört: Sa Rief"
        assert "gehört wurde: Sa Rief" in await page.inner_text("#cue-c3")
        await tab.shoot(f"review-heard-{width}")
        await page.fill("#fix-text", text.replace("Zarriv", "Tsarriff"))
        await page.click("button[value=words]")
        await page.wait_for_selector("text=von Hand berichtigt")
        await page.goto(f"{world.url}/host/shows/runde/glossary")
        assert "Sa Rief → Tsarriff" in await page.inner_text("#learned")
        assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        await tab.shoot(f"glossary-learned-{width}")
        await page.click("button[value=forget]")
        assert "Bisher keine." in await page.inner_text("#learned")
        assert tab.complaints == []
