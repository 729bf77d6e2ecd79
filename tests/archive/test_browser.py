"""The site in a real browser: no violations of WCAG 2.2 AA, nothing wider than the screen, a player that obeys.

Needs Chromium and playwright (`make test-browser`).
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

sys.path.insert(0, str(Path(__file__).parent))
from records import FILLED, make_session
from serving import chromium

from streamhub.archive.site import plan_site
from streamhub.archive.theme import load_theme
from streamhub.archive.writer import write_site
from streamhub.config import SiteSettings

pytestmark = pytest.mark.browser
ANSWER = "a/q1-router-blinkt-rot/"
SESSION = "s/2027-03-02-netz/"
PAGES = ("", ANSWER, "a/q4-router-alt/", SESSION, "search/", "topics/", "people/", "people/anna-weber/", "404.html")
PAGES += ("shows/service-runde/", "imprint/", "en/privacy/", "accessibility/")


ASKED: list[str] = []


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a served site with a real recording of 44 seconds; `ASKED` remembers what was asked for."""
    folder = tmp_path_factory.mktemp("browser")
    make_film(folder / "media/recordings/netz.mp4")
    plan = plan_site((make_session(),), SiteSettings(), load_theme(), media_root=folder / "media", legal=FILLED)
    write_site(plan, folder / "public")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    runner, port = asyncio.run_coroutine_threadsafe(serve(folder / "public"), loop).result(10)
    yield f"http://127.0.0.1:{port}/"
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


async def serve(public: Path) -> tuple[web.AppRunner, int]:
    """Serve a folder as web hosts do: index files, byte ranges."""

    async def answer(request: web.Request) -> web.StreamResponse:
        ASKED.append(request.path)
        path = public / request.path.lstrip("/")
        return web.FileResponse(path / "index.html" if path.is_dir() else path)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, runner.addresses[0][1]


def until(page: Any, expression: str, *, timeout_s: float = 20.0) -> None:
    """Wait until an expression is true; the page's policy forbids the browser's own way, which needs eval."""
    end = time.monotonic() + timeout_s
    while not page.evaluate(expression):
        assert time.monotonic() < end, (expression, page.locator("[data-player]").evaluate("box => box.outerHTML"))
        page.wait_for_timeout(50)


def make_film(path: Path) -> None:
    """A short film with sound that every Chromium plays (no patented codec needed)."""
    import av
    import numpy as np

    path.parent.mkdir(parents=True)
    with av.open(str(path), "w", format="webm") as film:
        video = film.add_stream("libvpx", rate=2)
        video.width, video.height, video.pix_fmt = 64, 36, "yuv420p"
        for number in range(88):
            picture = np.full((36, 64, 3), number * 2, dtype=np.uint8)
            film.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        film.mux(video.encode())


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium."""
    with chromium() as opened:
        yield opened


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_pages_are_accessible_and_fit(site: str, browser: Any, scheme: str, width: int) -> None:
    """No violation that axe can find, no error on the console, nothing wider than the screen, light and dark."""
    axe_module = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    page = browser.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    for path in PAGES:
        page.goto(site + path)
        results = axe_module.Axe().run(page)
        assert results.violations_count == 0, (path, results.generate_report())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert said == []
    page.close()


def test_the_player_starts_at_the_second_and_follows(site: str, browser: Any) -> None:
    """Nothing is fetched before the click; then the film starts at the answer and the spoken cue is marked."""
    page = browser.new_page()
    ASKED.clear()
    page.goto(site + ANSWER)
    assert not [path for path in ASKED if "media" in path or path.endswith(".vtt")]
    assert page.locator("video").count() == 0
    page.click(".player-start")
    until(page, "document.querySelector('video')?.currentTime >= 7")
    page.wait_for_selector("#t-c2.is-now")
    page.click("#t-c3")
    until(page, "document.querySelector('video').currentTime >= 12")
    page.wait_for_selector("#t-c3.is-now")
    assert page.locator("track").get_attribute("src") == "answer.vtt"
    page.close()


def test_an_address_with_a_second_starts_there(site: str, browser: Any) -> None:
    """?t= counts on the clock of the session; the cue is shown and the film starts there on click."""
    page = browser.new_page()
    page.goto(f"{site}{SESSION}?t=10")
    page.wait_for_selector("#t-c3.is-asked")
    assert page.locator("video").count() == 0
    page.click(".player-start")
    until(page, "document.querySelector('video')?.currentTime >= 12")
    page.close()


@pytest.mark.parametrize(("asked", "shown"), [("10", "c3"), ("13", "c3"), ("5", "c2"), ("0", "c1")])
def test_an_address_with_a_second_shows_the_words_without_a_recording(
    browser: Any, tmp_path: Path, asked: str, shown: str
) -> None:
    """A whole second leads to the cue that begins in it, else to the one being said; from a disk as well."""
    session = make_session(recordings=())
    (transcript,) = session.transcripts
    cues = tuple(replace(cue, span=cue.span.shifted(700)) for cue in transcript.cues)
    session = replace(session, transcripts=(replace(transcript, cues=cues),))
    plan = plan_site((session,), SiteSettings(), load_theme(), media_root=None)
    write_site(plan, tmp_path / "public")
    page = browser.new_page(viewport={"width": 390, "height": 300})
    page.goto(f"{(tmp_path / 'public' / SESSION / 'index.html').as_uri()}?t={asked}")
    page.wait_for_selector(f"#t-{shown}.is-asked")
    assert page.locator(".is-asked").count() == 1
    assert page.evaluate("scrollY") > 0
    page.close()


def test_the_film_pauses_where_the_answer_ends(site: str, browser: Any) -> None:
    """At the end of the answer the player stops and says so."""
    page = browser.new_page()
    page.goto(site + ANSWER)
    page.click(".player-start")
    until(page, "document.querySelector('video')?.readyState >= 2")
    page.evaluate("document.querySelector('video').currentTime = 16.5")
    until(page, "document.querySelector('video').paused && document.querySelector('video').currentTime >= 17")
    assert "Hier endet die Antwort" in page.locator("[data-player-note]").inner_text()
    page.close()


def test_without_script_everything_but_the_search_is_there(site: str, browser: Any) -> None:
    """The transcript, the links and the recording can be reached; the search page says what it needs."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site + ANSWER)
    assert "Rotes Blinken heißt" in page.inner_text("main")
    assert page.locator(".player-start").get_attribute("href").endswith("netz.mp4#t=7,17")
    page.goto(f"{site}search/")
    assert "Die Suche braucht JavaScript" in page.inner_text("main")
    context.close()


def test_a_broken_recording_is_said(site: str, browser: Any) -> None:
    """When the recording cannot be played the link comes back with a message."""
    page = browser.new_page()
    page.route("**/netz.mp4*", lambda route: route.fulfill(status=404))
    page.goto(site + ANSWER)
    page.click(".player-start")
    until(page, "document.querySelector('[data-player-note]').textContent.includes('kann die Aufzeichnung')")
    assert page.locator("video").count() == 0
    assert page.locator(".player-start").is_visible()
    page.close()
