"""The site in a real browser: no violations of WCAG 2.2 AA, nothing wider than the screen, a player that obeys.

Needs Chromium and playwright (`make test-browser`).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import font_lato
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from records import FILLED, HOSTILE, make_session
from serving import Served, chromium, serve
from test_coming import NEXT
from test_site import YOUTUBE, english, hostile_session

from streamhub.archive.site import plan_site
from streamhub.archive.theme import load_theme
from streamhub.archive.writer import write_site
from streamhub.config import SiteSettings

pytestmark = pytest.mark.browser
ANSWER = "a/q1-router-blinkt-rot/"
SESSION = "s/2027-03-02-netz/"
FRAMED = "a/e1-router-red/"
PAGES = ("", ANSWER, "a/q4-router-alt/", SESSION, "search/", "topics/", "people/", "people/anna-weber/", "404.html")
PAGES += ("shows/service-runde/", "imprint/", "en/privacy/", "accessibility/", "en/", FRAMED, "s/2027-04-02-lines/")
PAGES += ("sessions/", "topics/router/", "products/", "products/fritz-box-7590/", "embed/", "en/export/")
PAGES += (f"embed/{ANSWER}", "embed/answers/", "embed/topics/router/")
WATCH = """
window.shifted = []; window.painted = 0; window.blocked = 0;
const watch = (type, take) =>
  new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true });
const names = (shift) => shift.sources.map((one) => one.node?.className);
watch("layout-shift", (one) => one.hadRecentInput || shifted.push([one.value, ...names(one)]));
watch("largest-contentful-paint", (one) => (painted = one.startTime));
watch("longtask", (one) => (blocked += Math.max(0, one.duration - 50)));
"""
PLAYER = """<!doctype html><title>A platform's player</title><script>
let at = Number(new URL(location).searchParams.get("start")), playing = true, asked = false;
const say = () => parent.postMessage(JSON.stringify({ event: "infoDelivery", info: { currentTime: at } }), "*");
addEventListener("message", (event) => {
  const { event: kind, func, args } = JSON.parse(event.data);
  if (kind === "listening") asked = true;
  if (func === "seekTo") at = args[0];
  if (func === "playVideo" || func === "pauseVideo") playing = func === "playVideo";
});
setInterval(() => { if (playing) at += 0.2; if (asked) say(); }, 50);
</script>"""
"""Does what platforms' players do: is told where to go, and tells its time once it was asked."""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A served site with a real recording of 44 seconds."""
    folder = tmp_path_factory.mktemp("browser")
    make_film(folder / "media/recordings/netz.mp4")
    session = make_session()
    old = replace(session.answers[0], valid_until=date(2020, 1, 31))
    archive = (replace(session, answers=(old, *session.answers[1:])), english(recordings=(YOUTUBE,)))
    hub = "https://hub.example.org"
    plan = plan_site(
        archive, SiteSettings(), load_theme(), media_root=folder / "media", legal=FILLED, hub_url=hub, coming=(NEXT,)
    )
    write_site(plan, folder / "public")
    with serve(folder / "public") as served:
        yield served


@pytest.fixture(scope="module")
def site(host: Served) -> str:
    """Address of that site."""
    return host.url


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
    page.add_init_script(WATCH)
    for path in PAGES:
        page.goto(site + path)
        page.wait_for_timeout(100)
        assert page.evaluate("shifted") == [], path
        results = axe_module.Axe().run(page)
        assert results.violations_count == 0, (path, results.generate_report())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert said == []
    page.close()


def test_own_looks_move_nothing_when_they_arrive(browser: Any, tmp_path: Path) -> None:
    """However late sign and typeface come, what is read already stays where it is; and both are there at last."""
    (tmp_path / "site/static").mkdir(parents=True)
    drawn = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 120 32'><rect width='120' height='32'/></svg>"
    (tmp_path / "site/static/firma.svg").write_text(drawn)
    (tmp_path / "site/static/firma.ttf").write_bytes(Path(font_lato.LatoBlack).read_bytes())
    site = SiteSettings(logo="firma.svg", font="firma.ttf", heading_font="firma.ttf")
    theme = load_theme(tmp_path / "site")
    write_site(plan_site((make_session(),), site, theme, media_root=None), tmp_path / "public")
    late_s = 0.0

    def hold_up(route: Any) -> None:
        time.sleep(late_s)
        route.continue_()

    with serve(tmp_path / "public") as served:
        for late_s in (0.0, 0.4):
            page = browser.new_page(viewport={"width": 1280, "height": 844})
            page.add_init_script(WATCH)
            page.route("**/firma.*", hold_up)
            for path in ("", ANSWER, "search/"):
                page.goto(served.url + path)
                page.wait_for_timeout(300)
                assert page.evaluate("shifted") == [], (path, late_s)
                assert page.evaluate("[...document.fonts].every((one) => one.status === 'loaded')"), (path, late_s)
                assert page.locator(".brand-logo").bounding_box()["width"] == 120
            page.close()


def test_paper_has_what_was_said_and_where_it_is_from(site: str, browser: Any) -> None:
    """Session and citation are printed with question and words; what only a screen can do is left out; it all fits."""
    page = browser.new_page(viewport={"width": 640, "height": 900})
    page.goto(site + ANSWER)
    page.emulate_media(media="print")
    for shown in ("h1", ".written", ".said >> nth=0", ".facts", "#citation"):
        assert page.locator(shown).is_visible(), shown
    for hidden in (".player", ".afterwards", ".top nav", ".related", "#embed-line", ".facts .inline", ".share button"):
        assert not page.locator(hidden).first.is_visible(), hidden
    tops = [page.locator(one).first.bounding_box()["y"] for one in (".written", ".facts", ".said", "#citation")]
    assert tops == sorted(tops)
    assert page.evaluate("document.documentElement.scrollWidth") <= 640
    page.close()


def test_the_systems_own_colours_leave_buttons_and_places_to_see(site: str, browser: Any) -> None:
    """With forced colours buttons and notices have borders, and only the page one is on is underlined in the menu."""
    page = browser.new_page(forced_colors="active")
    page.goto(site + "search/")
    border = "one => getComputedStyle(one).borderTopWidth + getComputedStyle(one).borderTopStyle"
    assert page.locator("form button[type=submit]").evaluate(border) == "1pxsolid"
    colour = "one => getComputedStyle(one).borderBottomColor"
    here = page.locator(".top nav a[aria-current]").evaluate(colour)
    others = {one.evaluate(colour) for one in page.locator(".top nav a:not([aria-current])").all()}
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert here != paper
    assert others == {paper}
    page.goto(site + "a/q4-router-alt/")
    assert page.locator(".notice").first.evaluate(border) == "1pxsolid"
    page.close()


def test_the_player_starts_at_the_second_and_follows(host: Served, site: str, browser: Any) -> None:
    """Nothing is fetched before the click; then the film starts at the answer and the spoken cue is marked."""
    page = browser.new_page()
    host.asked.clear()
    page.goto(site + ANSWER)
    assert not [path for path in host.asked if "media" in path or path.endswith(".vtt")]
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


@pytest.mark.parametrize("path", ["", "en/"])
def test_a_search_field_warms_the_search_up_when_somebody_turns_to_it(
    host: Served, site: str, browser: Any, path: str
) -> None:
    """Nothing of the search comes with the start page, all of it once the field has the focus; then the page finds."""
    said: list[str] = []
    page = browser.new_page()
    page.on("console", lambda message: said.append(message.text))
    host.asked.clear()
    page.goto(site + path)
    page.wait_for_load_state("networkidle")
    assert not [one for one in host.asked if "search" in one or "stemmer" in one]
    page.focus("input[type=search]")
    language = "english" if path else "german"
    needed = {"search.js", "search-engine.js", "analysis.js", "base-stemmer.js", f"{language}-stemmer.js", "m.json"}
    end = time.monotonic() + 20
    while missing := needed - {one.rpartition("/")[2] for one in host.asked}:
        assert time.monotonic() < end, missing
        page.wait_for_timeout(50)
    page.keyboard.type("Router")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-search-results] > li")
    assert said == []
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


@pytest.mark.parametrize("width", [390, 1280])
def test_every_page_reads_without_script(site: str, browser: Any, width: int) -> None:
    """Each page type says with scripts what it says without, but for search and builder, which say what they need."""
    heard = browser.new_context(viewport={"width": width, "height": 844})
    deaf = browser.new_context(viewport={"width": width, "height": 844}, java_script_enabled=False)
    with_script, without = heard.new_page(), deaf.new_page()
    for path in PAGES:
        with_script.goto(site + path)
        without.goto(site + path)
        said = " ".join(without.inner_text("main").split())
        assert without.locator("h1").is_visible(), path
        if path in {"search/", "embed/"} or path == ANSWER:  # the answer's validity is past, see below
            continue
        said_by_script = " ".join(with_script.inner_text("main").split())
        assert said_by_script.replace(site, "") == said.replace(site, ""), path
    heard.close()
    deaf.close()


def test_an_answer_that_held_until_a_day_says_so_afterwards(site: str, browser: Any) -> None:
    """By the reader's clock; without scripts the day alone stands there."""
    page = browser.new_page()
    page.goto(site + ANSWER)
    assert (
        page.locator(".until").inner_text() == "Galt bis 31.\u00a0Januar 2020; seitdem kann sich etwas geändert haben."
    )
    page.close()
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site + ANSWER)
    assert page.locator(".until").inner_text() == "Gültig bis 31.\u00a0Januar 2020."
    context.close()


def test_a_platforms_player_comes_with_the_click_and_obeys(site: str, browser: Any) -> None:
    """No other host is asked before; then its player starts at the second, words follow and lead it, and it stops."""
    page = browser.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.route(
        "https://www.youtube-nocookie.com/**", lambda route: route.fulfill(body=PLAYER, content_type="text/html")
    )
    page.goto(f"{site}{FRAMED}#t-c2")
    page.click("#t-c2")
    page.click("a[data-cue=t-c1]")
    assert page.locator("iframe").count() == 0
    assert not [url for url in asked if not url.startswith(site)]
    page.goto(f"{site}{FRAMED}?t=4")
    page.click(".player-start")
    (address,) = [url for url in asked if not url.startswith(site)]
    assert address.startswith("https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ?start=4&autoplay=1")
    page.wait_for_selector("#t-c2.is-now")
    assert page.locator("iframe").get_attribute("title") == "Watch the answer"
    page.click("a[data-cue=t-c1]")
    page.wait_for_selector("#t-c1.is-now")
    until(page, "document.querySelector('[data-player-note]').textContent.includes('The answer ends here')")
    page.wait_for_timeout(300)
    page.click("a[data-cue=t-c1]")
    page.wait_for_selector("#t-c1.is-now")
    assert said == []
    page.close()


def test_a_platforms_player_may_take_its_time(site: str, browser: Any) -> None:
    """Until it is there nothing is said to it, which would be told as an error; then it does what was wanted last."""
    page = browser.new_page()
    said: list[str] = []
    held: list[Any] = []
    page.on("console", lambda message: said.append(message.text))
    page.route("https://www.youtube-nocookie.com/**", lambda route: held.append(route))  # noqa: PLW0108  it is looked at
    page.goto(f"{site}{FRAMED}?t=4")
    page.click(".player-start")
    page.wait_for_timeout(700)
    page.click("a[data-cue=t-c1]")
    held[0].fulfill(body=PLAYER, content_type="text/html")
    page.wait_for_selector("#t-c1.is-now")
    assert said == []
    page.close()


def test_long_words_and_hostile_texts_fit(browser: Any, tmp_path: Path) -> None:
    """On a small screen nothing of them is wider than the screen, runs or opens a dialog."""
    archive, paths = [], ["", "sessions/", "topics/", "people/", "embed/answers/"]
    for number, text in enumerate(HOSTILE):
        session = replace(hostile_session(text), id=f"2027-03-02-x{number}")
        answer = replace(session.answers[0], id=f"q{number}", session_id=session.id)
        archive.append(replace(session, answers=(answer,)))
        paths += [f"a/q{number}-router-blinkt-rot/", f"s/{session.id}/", f"embed/a/q{number}-router-blinkt-rot/"]
    write_site(plan_site(archive, SiteSettings(), load_theme(), media_root=None), tmp_path)
    page = browser.new_page(viewport={"width": 390, "height": 844})
    said: list[str] = []
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("pageerror", lambda error: said.append(str(error)))
    for path in paths:
        page.goto((tmp_path / path / "index.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    assert said == []
    page.close()


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
