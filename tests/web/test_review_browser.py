"""The review in a real browser: words play, edges move by key and pointer, two reviewers, twelve answers by keys."""

from __future__ import annotations

import asyncio
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from streamhub.errors import NotFound
from tests.web.browsing import CHROMIUM, Tab, async_api, open_browser, open_tab, sign_in
from tests.web.reviewed import HEAD_MS, SLOT_MS, review_session, right, sentence

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamhub.answers.answer import Answer
    from tests.web.conftest import World
    from tests.web.reviewed import Reviewed

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no playwright with Chromium on this machine"),
]
COUNT = 12
CLIP_MS = HEAD_MS + COUNT * SLOT_MS


@pytest.fixture(scope="module")
def clip(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four minutes of small picture and sound."""
    path = tmp_path_factory.mktemp("clip") / "recording.mp4"
    subprocess.run(
        [
            str(program), "-loglevel", "error", "-f", "lavfi", "-i", "testsrc=size=160x90:rate=5",
            "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=16000", "-t", str(CLIP_MS / 1000),
            "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "5",
            "-c:a", "aac", "-movflags", "+faststart", str(path),
        ],
        check=True,
        timeout=240,
    )  # fmt: skip
    return path


async def until(condition: Callable[[], Any], what: str) -> None:
    """Wait until something is true, in the page or in the files."""
    for _ in range(300):
        found = condition()
        if await found if asyncio.iscoroutine(found) else found:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(what)


async def open_review(browser: Any, one: Reviewed, *, person: str = "Jana", width: int = 1280) -> Tab:
    tab = await open_tab(browser, width=width)
    if person == "Jana":
        await sign_in(one.world, tab)
    else:
        await tab.page.goto(await one.world.link(person=person))
        await tab.page.get_by_role("button", name="Anmelden").click()
        await tab.page.wait_for_url("**/host")
    await tab.page.goto(f"{one.world.url}{one.path}")
    await until(lambda: tab.page.evaluate("document.getElementById('player').readyState >= 1"), "the player is ready")
    return tab


async def media_s(tab: Tab) -> float:
    return float(await tab.page.evaluate("document.getElementById('player').currentTime"))


async def hold_still(tab: Tab) -> None:
    """Let the player play on the spot, so that the word that was clicked stays the one however busy the machine is."""
    await tab.page.evaluate("document.getElementById('player').playbackRate = 0")


def word(tab: Tab, ms: int) -> Any:
    return tab.page.locator(f'.w[data-s="{ms}"]')


async def saved(tab: Tab) -> None:
    await async_api.expect(tab.page.locator("#saved")).to_have_text("Alles ist gespeichert.", timeout=30_000)


async def test_an_unsure_answer_is_put_right(world: World, clip: Path) -> None:
    """Words play, the edges go to sentences by key and by pointer, accepting leads on, and undoing takes it back."""
    one = await review_session(world, clip=clip, clip_ms=CLIP_MS)
    async with open_browser() as browser:
        tab = await open_review(browser, one)
        keys = tab.page.keyboard
        await async_api.expect(tab.page.locator("#answer-title")).to_have_text("Was kostet Tarif 2?")
        await word(tab, sentence(1, 3).start_ms).click()
        await until(lambda: is_near(tab, (HEAD_MS + sentence(1, 3).start_ms) / 1000), "it plays from the word")
        await until(lambda: tab.page.evaluate("!document.getElementById('player').paused"), "it plays")
        await keys.press("p")
        await keys.press("[")
        await keys.press("ArrowLeft")
        await until(lambda: one.answer(1).ranges[0].start_ms == right(1).start_ms, "the beginning is at the question")
        await keys.press("Shift+ArrowRight")
        await until(lambda: one.answer(1).ranges[0].start_ms > right(1).start_ms, "a word later")
        await keys.press("Shift+ArrowLeft")
        await until(lambda: one.answer(1).ranges[0].start_ms == right(1).start_ms, "and back")
        await saved(tab)
        await drag(tab, ".edge.end", f'.w[data-s="{sentence(1, 3).start_ms}"]')
        await until(lambda: one.answer(1).ranges == (right(1),), "the end is at the end of the sentence")
        await saved(tab)
        await keys.press("2")
        await until(lambda: tab.page.evaluate("!document.getElementById('player').paused"), "the end is played")
        await until(lambda: tab.page.evaluate("document.getElementById('player').paused"), "it stops")
        assert await is_near(tab, (HEAD_MS + right(1).end_ms) / 1000)
        await keys.press("a")
        await async_api.expect(tab.page.locator("#all-sure")).to_be_visible(timeout=30_000)
        assert one.answer(1).confidence == 1.0
        await keys.press("u")
        await async_api.expect(tab.page.locator("[data-unsure] li")).to_have_count(1, timeout=30_000)
        assert one.answer(1).confidence == 0.4
        assert one.answer(1).ranges == (right(1),)
        assert tab.complaints == []


async def is_near(tab: Tab, wanted_s: float, *, by: float = 4.0) -> bool:
    return -0.3 <= await media_s(tab) - wanted_s <= by


async def drag(tab: Tab, handle: str, target: str) -> None:
    """Press on one thing and let go over another, as a hand does."""
    mouse = tab.page.mouse
    await tab.page.locator(handle).hover()  # which waits until it stands still
    start, end = await tab.page.locator(handle).bounding_box(), await tab.page.locator(target).bounding_box()
    await mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    await mouse.down()
    await mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2, steps=6)
    await mouse.up()


async def test_words_speakers_and_pieces(world: World, clip: Path) -> None:
    """A word is corrected, a speaker named, a stretch split and its rest removed, all without leaving the page."""
    one = await review_session(world, clip=clip, clip_ms=CLIP_MS)
    async with open_browser() as browser:
        tab = await open_review(browser, one)
        await hold_still(tab)
        keys = tab.page.keyboard
        await keys.press("k")
        await keys.press("j")
        await keys.press("j")
        await async_api.expect(tab.page.locator("#answer-title")).to_have_text("Was kostet Tarif 1?", timeout=30_000)
        await word(tab, sentence(0, 2).start_ms).click()
        await keys.press("f")
        field = tab.page.locator("#fix-text")
        await async_api.expect(field).to_be_focused(timeout=30_000)
        await field.fill("Der Tarif eins kostet neun Euro und mehr.")
        await keys.press("Control+Enter")
        await until(lambda: one.cue("c3").text.endswith("und mehr."), "the words are corrected")
        await async_api.expect(tab.page.locator("#cue-c3 .by-hand")).to_be_visible(timeout=30_000)
        await keys.press("f")
        await tab.page.locator("#fix-speaker").fill("Eva Roth")
        await tab.page.get_by_role("button", name="Person behalten").click()
        await until(lambda: one.cue("c4").speaker == "Eva Roth", "and those that follow")
        assert one.cue("c5").speaker == "Jana Weber"
        await keys.press("Escape")
        await saved(tab)
        await word(tab, sentence(0, 3).start_ms).click()
        await keys.press("p")
        await keys.press("x")
        await until(lambda: len(one.answer(0).ranges) == 2, "it is split before the word")
        await async_api.expect(tab.page.locator("form.stretch")).to_have_count(2, timeout=30_000)
        await tab.page.locator("#pieces-1 summary").click()
        await tab.page.locator("#pieces-1").get_by_role("button", name="Diese Strecke entfernen").click()
        await until(lambda: len(one.answer(0).ranges) == 1, "the rest is gone")
        assert one.answer(0).ranges[0].end_ms == sentence(0, 3).start_ms
        await saved(tab)
        await word(tab, sentence(0, 3).start_ms).click()
        await keys.press("p")
        await keys.press("Shift+ArrowRight")
        await keys.press("e")
        await until(lambda: one.answer(0).ranges[0].end_ms > sentence(0, 3).start_ms, "it ends with the word")
        assert tab.complaints == []


async def test_an_answer_that_was_not_found_gets_its_place(world: World, clip: Path) -> None:
    """Where the machine found nothing, b and e at two words say where the answer is, and the same keys move it."""
    one = await review_session(world, clip=clip, clip_ms=CLIP_MS)
    host = await world.sign_in()
    await host.post(one.path, deed="remove", number="0", **await one.fields(host, 1))
    await host.close()
    async with open_browser() as browser:
        tab = await open_review(browser, one)
        await hold_still(tab)
        keys = tab.page.keyboard
        await async_api.expect(tab.page.locator(".stretch .wrong")).to_be_visible()
        for place, key in ((1, "b"), (3, "e")):
            await word(tab, sentence(1, place).start_ms).click()
            await keys.press("p")
            await keys.press(key)
        await until(lambda: bool(one.answer(1).ranges), "it lies somewhere")
        assert one.answer(1).ranges[0].start_ms == right(1).start_ms
        await async_api.expect(tab.page.locator(".edge")).to_have_count(2, timeout=30_000)
        await word(tab, sentence(1, 2).start_ms).click()
        await keys.press("p")
        await keys.press("b")
        await until(lambda: one.answer(1).ranges[0].start_ms == sentence(1, 2).start_ms, "it begins later")
        assert tab.complaints == []


async def test_two_reviewers_meet(world: World, clip: Path) -> None:
    """Each sees what the other did within seconds; who acts on what he has not seen is told, and nothing is lost."""
    one = await review_session(world, clip=clip, clip_ms=CLIP_MS)
    async with open_browser() as browser:
        jana, ali = await open_review(browser, one), await open_review(browser, one, person="Ali")
        await ali.page.locator("#begin-0").focus()  # while somebody types, nothing is exchanged under his hands
        await jana.page.keyboard.press("[")
        await jana.page.keyboard.press("ArrowLeft")
        await until(lambda: one.answer(1).ranges[0].start_ms == right(1).start_ms, "Jana moved the beginning")
        await ali.page.locator("#begin-0").fill("0:35")
        await ali.page.locator("#begin-0").press("Tab")
        said = ali.page.locator("[data-error]")
        await async_api.expect(said).to_contain_text("Jana war inzwischen hier", timeout=30_000)
        await async_api.expect(ali.page.locator("#begin-0")).to_have_value("0:35")
        assert one.answer(1).ranges[0].start_ms == right(1).start_ms
        await ali.page.locator('form.stretch button[value="edges"]').click()
        await until(lambda: one.answer(1).ranges[0].start_ms == 32_000, "Ali decided again")
        await async_api.expect(jana.page.locator("#begin-0")).to_have_value("0:35", timeout=30_000)
        assert [text for text in ali.complaints if "409" not in text] == []
        assert jana.complaints == []


_BELOW = "document.documentElement.scrollHeight - document.body.getBoundingClientRect().bottom - scrollY"
_UNFOLD = """document.querySelectorAll("main details").forEach((fold) => { fold.open = true; });
const long = "Was kostet ein zweiter Anschluss? ".repeat(5);
document.querySelectorAll("main option").forEach((one) => { one.textContent = long; });"""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("language", ["de", "en"])
async def test_it_reads_well_everywhere(world: World, clip: Path, language: str) -> None:
    """Both languages, a phone and a desk, with the fixing form and the keys open: nothing that axe would name."""
    axe = pytest.importorskip("axe_playwright_python.async_playwright", reason="axe is not installed")
    one = await review_session(world, count=6, unsure=frozenset({1, 4}), clip=clip, clip_ms=CLIP_MS)
    async with open_browser() as browser:
        tab = await open_review(browser, one)
        for width in (390, 1280):
            await tab.page.set_viewport_size({"width": width, "height": 900})
            for query, name in (("", "answer"), (f"&answer={one.ids[1]}&cue=c8", "fixing")):
                await tab.page.goto(f"{world.url}{one.path}?lang={language}{query}")
                await async_api.expect(tab.page.locator(".edge").first).to_be_visible()
                await tab.shoot(f"review-{name}-{width}-{language}")
                assert await tab.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
                assert await tab.page.evaluate(_BELOW) < 2, "empty room below the page"
                await tab.page.evaluate(_UNFOLD)
                assert await tab.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
                await tab.shoot(f"review-{name}-unfolded-{width}-{language}")
                results = await axe.Axe().run(tab.page)
                found = [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in results.response["violations"]]
                assert found == []
        await tab.page.keyboard.press("?")
        await async_api.expect(tab.page.locator("#help")).to_be_visible()
        await tab.shoot(f"review-keys-{language}")
        results = await axe.Axe().run(tab.page)
        assert [v["id"] for v in results.response["violations"]] == []
        assert tab.complaints == []


async def test_twelve_answers_by_keys(world: World, clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Twelve answers, four of them with both edges wrong, are right and published with 28 presses of keys."""
    unsure = frozenset({1, 4, 7, 10})
    one = await review_session(world, count=COUNT, unsure=unsure, clip=clip, clip_ms=CLIP_MS)
    async with open_browser() as browser:
        tab = await open_review(browser, one)
        begun = time.monotonic()
        presses = 0
        for number in [*sorted(unsure), *(n for n in range(COUNT) if n not in unsure)]:
            title = tab.page.locator("#answer-title")
            if number in unsure:
                await async_api.expect(title).to_have_text(f"Was kostet Tarif {number + 1}?", timeout=30_000)
            for key in (*("[", "ArrowLeft", "]", "ArrowLeft"),) if number in unsure else ():
                await tab.page.keyboard.press(key)
                presses += 1
            before = await title.text_content()
            await tab.page.keyboard.press("A")
            presses += 1
            if number != COUNT - 1:
                await async_api.expect(title).not_to_have_text(before or "", timeout=30_000)
        await until(lambda: all(a.state.value == "published" for a in published(world, one)), "all are public")
        took_s = time.monotonic() - begun
        assert [one.answer(n).ranges for n in range(COUNT)] == [(right(n),) for n in range(COUNT)]
        assert {one.answer(n).confidence for n in range(COUNT)} == {1.0}
        assert presses == 28
        with capsys.disabled():
            print(f"\nreview of {COUNT} answers, {len(unsure)} of them wrong: {presses} presses, {took_s:.1f} s")
        assert tab.complaints == []


def published(world: World, one: Reviewed) -> list[Answer]:
    found = world.answers.answers.get(one.session)
    if found is None:
        raise NotFound(one.session)
    return found
