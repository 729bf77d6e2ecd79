"""Embeds in a real browser, on pages of another origin with a strict policy, with and without JavaScript."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from records import HOSTILE, make_session
from serving import Served, chromium, serve
from test_browser import make_film
from test_embeds import LICENSED
from test_site import english, hostile_session

from streamhub.archive.archived import ArchivedSession
from streamhub.archive.site import plan_site
from streamhub.archive.theme import load_theme
from streamhub.archive.writer import write_site

pytestmark = pytest.mark.browser
ANSWER = "a/q1-router-blinkt-rot/"
QUESTION = "Warum blinkt mein Router rot?"
SHOTS = os.environ.get("STREAMHUB_SHOTS", "")
PASTES = sorted((Path(__file__).parent / "pastes").glob("*.html"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium."""
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with a recording, built once; copied where a test changes it."""
    return build_site(tmp_path_factory.mktemp("built"), make_session(), english())


def build_site(folder: Path, *archive: ArchivedSession) -> Path:
    make_film(folder / "media/recordings/netz.mp4")
    plan = plan_site(archive, replace(LICENSED, url=""), load_theme(), media_root=folder / "media")
    write_site(plan, folder / "public")
    return folder / "public"


@pytest.fixture
def archive(built: Path, tmp_path: Path) -> Iterator[Served]:
    """The archive, at an address of its own, with a copy of the site."""
    shutil.copytree(built, tmp_path / "archive")
    with serve(tmp_path / "archive") as served:
        yield served


@pytest.fixture
def firm(archive: Served, tmp_path: Path) -> Iterator[Served]:
    """A company's site with a policy that allows the archive's script and data, and nothing else."""
    (tmp_path / "firm").mkdir()
    policy = (
        f"default-src 'none'; script-src {archive.url}; connect-src {archive.url}; style-src {archive.url}; "
        f"media-src {archive.url}; frame-src {archive.url}; form-action 'none'; base-uri 'none'"
    )
    with serve(tmp_path / "firm", {"Content-Security-Policy": policy}) as served:
        yield served


class Tab:
    """A page, what it complained of, and what it asked for."""

    def __init__(self, browser: Any, **options: Any) -> None:
        self.context = browser.new_context(locale="de-DE", **options)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda said: said.type == "error" and self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog {dialog.message}"))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def state(self, element: str = "streamhub-answer", *, wanted: str) -> None:
        """Wait until an element is in a state."""
        self.page.locator(f"{element}[data-state={wanted}]").first.wait_for(state="attached", timeout=20_000)

    def shoot(self, name: str) -> None:
        """Keep a picture for eyes, where somebody wants one."""
        if SHOTS:
            self.page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


@pytest.fixture
def tabs(browser: Any) -> Iterator[Any]:
    """Opens pages, each with a context of its own."""
    opened: list[Tab] = []

    def open_tab(**options: Any) -> Tab:
        opened.append(Tab(browser, **options))
        return opened[-1]

    yield open_tab
    for tab in opened:
        tab.context.close()


def page_of(body: str, archive: Served, *, lang: str = "de", script: str = "") -> str:
    """A page of the company with the archive's script."""
    tag = script or f'<script async src="{archive.url}static/embed.js"></script>'
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>Firma</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"</head><body><main><h1>Hilfe</h1>{tag}\n{body}</main></body></html>"
    )


def answer_of(archive: Served, path: str = ANSWER, text: str = QUESTION) -> str:
    """The line that a web master pastes."""
    return f'<streamhub-answer src="{archive.url}{path}"><a href="{archive.url}{path}">{text}</a></streamhub-answer>'


def shown(page: Any, element: str = "streamhub-answer") -> str:
    """What is to be read in an element: of its shadow, and of what stands in a slot."""
    return str(
        page.locator(element).first.evaluate(
            "e => e.shadowRoot.querySelector('slot') ? e.innerText : e.shadowRoot.textContent"
        )
    )


def until(page: Any, expression: str, *, timeout_s: float = 20.0) -> None:
    """Wait until an expression is true; a strict policy forbids the browser's own way."""
    end = time.monotonic() + timeout_s
    while not page.evaluate(expression):
        assert time.monotonic() < end, expression
        page.wait_for_timeout(50)


def test_an_answer_on_a_page_with_a_strict_policy(archive: Served, firm: Served, tabs: Any) -> None:
    """Question, short answer, who, session, date, licence and the link to the second; asked are two files, no more."""
    tab = tabs()
    tab.page.goto(firm.write("index.html", page_of(answer_of(archive), archive)))
    tab.state(wanted="published")
    text = shown(tab.page)
    for said in (
        QUESTION,
        "Halten Sie den Knopf zehn Sekunden",
        "Anna Weber · Netz & Router · 2. März 2027",
        "CC BY 4.0",
    ):
        assert said in text
    link = tab.page.locator("streamhub-answer a[part=link]").first
    assert link.get_attribute("href") == f"{archive.url}{ANSWER}?t=5"
    assert link.inner_text() == "Im Archiv ab 0:05"
    assert tab.complaints == []
    assert {url for url in tab.asked if url.startswith(archive.url)} == {
        f"{archive.url}static/embed.js",
        f"{archive.url}{ANSWER}answer.json",
    }
    assert all(url.startswith((archive.url, firm.url)) for url in tab.asked)


def test_nothing_is_kept_in_the_browser(archive: Served, firm: Served, tabs: Any) -> None:
    """No cookie is set or sent, nothing lies in a storage, and the script knows no way to do so."""
    tab = tabs()
    tab.page.goto(firm.write("index.html", page_of(answer_of(archive), archive)))
    tab.state(wanted="published")
    tab.page.reload()
    tab.state(wanted="published")
    assert archive.cookies == []
    assert tab.context.cookies() == []
    assert tab.page.evaluate("localStorage.length + sessionStorage.length") == 0
    source = (archive.folder / "static/embed.js").read_text("utf-8")
    for word in ("document.cookie", "localStorage", "sessionStorage", "indexedDB", "innerHTML", "eval("):
        assert word not in source


def test_the_recording_comes_after_the_click(archive: Served, firm: Served, tabs: Any) -> None:
    """Before it nothing of the recording is asked for; then it starts at the answer's second, by keyboard too."""
    tab = tabs()
    tab.page.goto(firm.write("index.html", page_of(answer_of(archive), archive)))
    tab.state(wanted="published")
    assert not [url for url in tab.asked if "media" in url]
    button = tab.page.locator("streamhub-answer button")
    assert button.inner_text() == "Antwort ansehen"
    button.focus()
    tab.page.keyboard.press("Enter")
    until(tab.page, "document.querySelector('streamhub-answer').shadowRoot.querySelector('video')?.currentTime >= 7")
    assert [url for url in tab.asked if "media/recordings/netz.mp4" in url]
    assert tab.complaints == []


def test_without_javascript_the_link_remains(archive: Served, firm: Served, tabs: Any) -> None:
    """What the web master pasted is what is seen, and it leads to the answer's page."""
    tab = tabs(java_script_enabled=False)
    tab.page.goto(firm.write("index.html", page_of(answer_of(archive), archive)))
    link = tab.page.locator("streamhub-answer a")
    assert link.is_visible()
    link.click()
    assert tab.page.url == f"{archive.url}{ANSWER}"
    assert QUESTION in tab.page.locator("h1").inner_text()


def test_a_withdrawn_answer_takes_its_text_along(archive: Served, firm: Served, tabs: Any) -> None:
    """When its file is gone the element says so, and the text that was pasted leaves the page."""
    (archive.folder / ANSWER / "answer.json").unlink()
    tab = tabs()
    tab.page.goto(firm.write("index.html", page_of(answer_of(archive), archive)))
    tab.state(wanted="gone")
    assert shown(tab.page) == "Diese Antwort ist nicht öffentlich oder nicht mehr da."
    assert QUESTION not in tab.page.content()


def test_a_superseded_answer_leads_to_its_successor(archive: Served, firm: Served, tabs: Any) -> None:
    """The element points to what took its place."""
    tab = tabs()
    body = answer_of(archive, "a/q4-router-alt/", "Den Stecker ziehen")
    tab.page.goto(firm.write("index.html", page_of(body, archive)))
    tab.state(wanted="superseded")
    assert "Zu dieser Frage gibt es eine neuere Antwort:" in shown(tab.page)
    assert tab.page.locator("streamhub-answer a").get_attribute("href") == f"{archive.url}{ANSWER}"
    assert "Den Stecker ziehen" not in tab.page.content()


def test_an_archive_that_cannot_be_reached_costs_nothing(archive: Served, firm: Served, tabs: Any) -> None:
    """While its server fails, the pasted link stays."""
    (archive.folder / "_headers").unlink()
    tab = tabs()
    tab.page.goto(firm.write("index.html", page_of(answer_of(archive), archive)))
    tab.state(wanted="unreachable")
    assert tab.page.locator("streamhub-answer > a").is_visible()


@pytest.mark.parametrize(
    "src",
    [
        "http://127.0.0.1:9/a/q1/",
        "javascript:alert(1)",
        "data:application/json,{}",
        "//evil.example/a/",
        "../a/",
        "ARCHIVE.evil/",
    ],
)
def test_only_archives_that_the_page_trusts_are_asked(archive: Served, firm: Served, tabs: Any, src: str) -> None:
    """An address elsewhere, also one that begins alike, is not asked; the pasted link stays."""
    tab = tabs()
    src = src.replace("ARCHIVE", archive.url.rstrip("/"))
    body = f'<streamhub-answer src="{src}"><a href="#x">Link</a></streamhub-answer>'
    tab.page.goto(firm.write("index.html", page_of(body, archive)))
    tab.state(wanted="unreachable")
    assert shown(tab.page) == "Link"
    assert [url for url in tab.asked if url != f"{firm.url}index.html"] == [f"{archive.url}static/embed.js"]
    assert tab.complaints == []


def test_an_archive_that_the_page_names_is_asked(archive: Served, firm: Served, tabs: Any) -> None:
    """data-archives of the script element adds archives beside the one that the script comes from."""
    firm.headers["Content-Security-Policy"] += f"; script-src-elem {firm.url}"
    shutil.copy(archive.folder / "static/embed.js", firm.folder / "embed.js")
    script = f'<script async src="{firm.url}embed.js" data-archives="{archive.url}"></script>'
    tab = tabs()
    tab.page.goto(firm.write("index.html", page_of(answer_of(archive), archive, script=script)))
    tab.state(wanted="published")
    assert QUESTION in shown(tab.page)


def test_a_list_narrowed(archive: Served, firm: Served, tabs: Any) -> None:
    """By topic, product, person, language and number; without anything all answers; an empty one says so."""
    cases = {
        'topic="router"': ["Why does my router blink red?", QUESTION],
        "": ["Why does my router blink red?", QUESTION],
        'language="en"': ["Why does my router blink red?"],
        'limit="1"': ["Why does my router blink red?"],
        'person="anna-weber" product="fritz-box-7590"': [QUESTION],
        f'src="{archive.url}topics/stoerung/"': [QUESTION],
        'topic="router" language="fr"': None,
        'topic="nothing"': None,
    }
    body = "".join(
        f'<streamhub-answers {attributes}><a href="{archive.url}">Antworten</a></streamhub-answers>'
        for attributes in cases
    )
    tab = tabs()
    tab.page.goto(firm.write("index.html", page_of(body, archive)))
    until(tab.page, f"document.querySelectorAll('streamhub-answers[data-state]').length === {len(cases)}")
    for number, wanted in enumerate(cases.values()):
        element = tab.page.locator("streamhub-answers").nth(number)
        if wanted is None:
            assert (
                element.evaluate("e => e.shadowRoot.textContent")
                == "Hier gibt es zurzeit keine öffentlichen Antworten."
            )
        else:
            assert element.locator("li .question").all_inner_texts() == wanted, number
    tab.shoot("embed-lists")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(firm: Served, tabs: Any, tmp_path: Path, text: str) -> None:
    """Whatever strangers type, elements make the same elements of it and nothing runs or loads."""
    with serve(build_site(tmp_path / "hostile", hostile_session(text))) as evil:
        firm.headers["Content-Security-Policy"] = ""
        tab = tabs()
        body = answer_of(evil, text="x") + "<streamhub-answers></streamhub-answers>"
        tab.page.goto(firm.write("index.html", page_of(body, evil)))
        tab.state(wanted="published")
        tab.state("streamhub-answers", wanted="published")
        tags = tab.page.evaluate(
            "[...document.querySelectorAll('streamhub-answer, streamhub-answers')]"
            ".flatMap(e => [...e.shadowRoot.querySelectorAll('*')].map(one => one.localName))"
        )
        assert set(tags) <= {"article", "div", "p", "a", "span", "button", "ul", "li"}
        hrefs = tab.page.locator("streamhub-answer a, streamhub-answers a").evaluate_all("all => all.map(a => a.href)")
        assert all(href.startswith((evil.url, "https://creativecommons.org/")) for href in hrefs)
        assert tab.complaints == []
        assert all(url.startswith((evil.url, firm.url)) for url in tab.asked)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_embeds_are_accessible_and_fit(archive: Served, firm: Served, tabs: Any, width: int, scheme: str) -> None:
    """Nothing that axe finds, nothing wider than the screen, whatever the page's colours."""
    axe_module = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    tab = tabs(viewport={"width": width, "height": 844}, color_scheme=scheme)
    firm.headers["Content-Security-Policy"] = ""
    body = (
        answer_of(archive)
        + answer_of(archive, "a/e1-router-red/")
        + answer_of(archive, "a/q4-router-alt/")
        + answer_of(archive, "a/gone/")
        + "<streamhub-answers></streamhub-answers>"
    )
    page = page_of(body, archive).replace("<head>", '<head><meta name="color-scheme" content="light dark">')
    tab.page.goto(firm.write("index.html", page))
    until(tab.page, "document.querySelectorAll('[data-state]').length === 5")
    results = axe_module.Axe().run(tab.page)
    assert results.violations_count == 0, results.generate_report()
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
    tab.shoot(f"embed-{width}-{scheme}")


def test_a_company_gives_its_own_look(archive: Served, firm: Served, tabs: Any) -> None:
    """Variables and parts reach inside; the page's other styles do not."""
    firm.headers["Content-Security-Policy"] += f" {firm.url}"
    firm.write("own.css", "")
    policy = firm.headers["Content-Security-Policy"].replace("style-src", f"style-src {firm.url}")
    firm.headers["Content-Security-Policy"] = policy
    firm.write(
        "own.css",
        "p { color: red } streamhub-answer { --streamhub-accent: rgb(1, 2, 3); --streamhub-ink: rgb(9, 9, 9) } "
        "streamhub-answer::part(question) { font-size: 40px }",
    )
    tab = tabs()
    page = page_of(answer_of(archive), archive).replace("</head>", '<link rel="stylesheet" href="own.css"></head>')
    tab.page.goto(firm.write("index.html", page))
    tab.state(wanted="published")
    style = "(e, name) => getComputedStyle(e)[name]"
    question = tab.page.locator("streamhub-answer [part=question]")
    assert question.evaluate(style, "fontSize") == "40px"
    assert question.evaluate(style, "color") == "rgb(9, 9, 9)"
    assert tab.page.locator("streamhub-answer a[part=link]").first.evaluate(style, "color") == "rgb(1, 2, 3)"


def test_the_keyboard_reaches_everything(archive: Served, firm: Served, tabs: Any) -> None:
    """Button, link and licence are reached in the order in which they are read."""
    tab = tabs()
    tab.page.goto(firm.write("index.html", page_of(answer_of(archive), archive)))
    tab.state(wanted="published")
    reached = []
    for _ in range(3):
        tab.page.keyboard.press("Tab")
        reached.append(
            tab.page.evaluate("document.querySelector('streamhub-answer').shadowRoot.activeElement?.textContent")
        )
    assert reached == ["Antwort ansehen", "Im Archiv ab 0:05", "CC BY 4.0"]


@pytest.mark.parametrize("paste", PASTES, ids=lambda path: path.stem)
@pytest.mark.parametrize("script", [True, False], ids=["script", "noscript"])
def test_pastes_of_content_systems(archive: Served, firm: Served, tabs: Any, paste: Path, script: bool) -> None:
    """What WordPress, Typo3 and Notion store of the pasted lines works, with JavaScript and without."""
    tab = tabs(java_script_enabled=script)
    tab.page.goto(firm.write("index.html", paste.read_text("utf-8").replace("ARCHIVE/", archive.url)))
    if "<streamhub-answer" in paste.read_text("utf-8"):
        if script:
            tab.state(wanted="published")
            tab.state("streamhub-answers", wanted="published")
            assert "Halten Sie den Knopf zehn Sekunden" in shown(tab.page)
            assert QUESTION in shown(tab.page, "streamhub-answers")
        else:
            assert tab.page.locator("streamhub-answer > a").first.is_visible()
            assert tab.page.locator("streamhub-answers > a").first.is_visible()
    for frame in tab.page.frames[1:]:
        frame.get_by_text(QUESTION).first.wait_for(timeout=20_000)
    assert tab.complaints == []
    tab.shoot(f"paste-{paste.stem}-{'script' if script else 'noscript'}")


def test_frames_are_shown_where_they_are_meant(archive: Served, firm: Served, tabs: Any) -> None:
    """The pages for frames are shown by others, as the headers file says it; the site's other pages are not."""
    firm.headers["Content-Security-Policy"] = ""
    tab = tabs()
    body = "".join(
        f'<iframe title="t" src="{archive.url}{path}"></iframe>'
        for path in (f"embed/{ANSWER}", "embed/a/q4-router-alt/", "embed/topics/router/", "embed/answers/", ANSWER)
    )
    tab.page.goto(firm.write("index.html", page_of(body, archive)))
    frames = tab.page.frames[1:]
    frames[0].get_by_text("Halten Sie den Knopf zehn Sekunden").wait_for(timeout=20_000)
    assert frames[0].locator("a").first.get_attribute("target") == "_blank"
    frames[1].get_by_text("Zu dieser Frage gibt es eine neuere Antwort").wait_for(timeout=20_000)
    frames[2].get_by_text(QUESTION).wait_for(timeout=20_000)
    frames[3].get_by_text("Why does my router blink red?").wait_for(timeout=20_000)
    assert [said for said in tab.complaints if "frame-ancestors" in said]
    assert frames[4].url.startswith("chrome-error:")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_frames_and_builder_are_accessible_and_fit(archive: Served, tabs: Any, width: int, scheme: str) -> None:
    """Nothing that axe finds, nothing wider than the screen, no complaint, in both languages."""
    axe_module = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    tab = tabs(viewport={"width": width, "height": 844}, color_scheme=scheme)
    paths = (
        "embed/",
        "en/embed/?answer=a/e1-router-red/",
        f"embed/{ANSWER}",
        "embed/topics/router/",
        "embed/a/q4-router-alt/",
    )
    for number, path in enumerate(paths):
        tab.page.goto(archive.url + path)
        if "answer=" in path:
            tab.state(wanted="published")
        results = axe_module.Axe().run(tab.page)
        assert results.violations_count == 0, (path, results.generate_report())
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= width, path
        tab.shoot(f"builder-{number}-{width}-{scheme}")
    assert tab.complaints == []


def test_the_builder_makes_lines_that_work(archive: Served, firm: Served, tabs: Any) -> None:
    """What is chosen by clicking is previewed, copied with a message, and shows the same on another page."""
    tab = tabs(permissions=["clipboard-read", "clipboard-write"])
    page = tab.page
    page.goto(f"{archive.url}embed/?answer={ANSWER}")
    tab.state(wanted="published")
    assert page.locator("#plain").input_value() == f'<a href="{archive.url}{ANSWER}">{QUESTION}</a>'
    page.get_by_role("button", name="Kopieren").first.click()
    page.get_by_text("Kopiert.").first.wait_for()
    line = page.evaluate("navigator.clipboard.readText()").replace("\r\n", "\n")
    assert line == page.locator("#element").input_value()
    other = tabs()
    other.page.goto(firm.write("index.html", page_of(line, archive, script=" ")))
    other.state(wanted="published")
    assert "Halten Sie den Knopf zehn Sekunden" in shown(other.page)
    page.get_by_label("Eine Liste von Antworten").check()
    page.get_by_label("Thema").select_option("Störung")
    page.get_by_label("Sprache").select_option("de")
    page.get_by_label("Wie viele höchstens").fill("3")
    page.get_by_label("Ohne Rahmen").check()
    tab.state("streamhub-answers", wanted="published")
    assert f'<iframe src="{archive.url}embed/topics/stoerung/"' in page.locator("#frame").input_value()
    line = page.locator("#element").input_value()
    assert '<streamhub-answers topic="stoerung" language="de" limit="3" look="plain">' in line
    other.page.goto(firm.write("list.html", page_of(line, archive, script=" ")))
    other.state("streamhub-answers", wanted="published")
    assert other.page.locator("streamhub-answers li .question").all_inner_texts() == [QUESTION]
    page.get_by_label("Eine Antwort").check()
    page.get_by_label("Adresse oder Worte").fill("https://evil.example/a/q1/")
    page.get_by_text("Das ist keine Adresse einer Antwort in diesem Archiv.").wait_for()
    assert page.locator("#element").input_value() == ""
    assert tab.complaints == other.complaints == []


def test_the_builders_frame_fits_a_phone(archive: Served, firm: Served, tabs: Any) -> None:
    """The page of the line for frames is not wider than the screen, and nor is what the frame shows."""
    tab = tabs()
    tab.page.goto(f"{archive.url}embed/?answer={ANSWER}")
    tab.state(wanted="published")
    frame = tab.page.locator("#frame").input_value()
    phone = tabs(viewport={"width": 390, "height": 844})
    phone.page.goto(firm.write("phone.html", f'<meta name="viewport" content="width=device-width">{frame}'))
    shown_in = phone.page.frame_locator("iframe")
    shown_in.get_by_role("heading", name=QUESTION).wait_for()
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert shown_in.locator("html").evaluate("one => one.scrollWidth <= one.clientWidth")


def test_the_builder_finds_answers_by_words(archive: Served, tabs: Any) -> None:
    """The search is loaded when words are typed and not before; a click on what it finds makes the line."""
    tab = tabs()
    page = tab.page
    page.goto(f"{archive.url}embed/")
    page.wait_for_load_state("networkidle")
    assert not any("search" in path for path in archive.asked)
    field = page.get_by_label("Adresse oder Worte")
    field.fill("rot blinkender router")
    page.get_by_text("Wählen Sie eine davon:").wait_for()
    assert page.locator("#element").input_value() == ""
    page.locator("[data-found]").get_by_role("button", name=QUESTION, exact=True).click()
    tab.state(wanted="published")
    assert field.input_value() == archive.url + ANSWER
    assert f'<streamhub-answer src="{archive.url}{ANSWER}">' in page.locator("#element").input_value()
    assert page.locator("[data-found] li").count() == 0
    field.fill("xylophon zwiebelkuchen")
    page.get_by_text("Nichts gefunden.").wait_for()
    assert tab.complaints == []


def test_the_builder_without_javascript(archive: Served, tabs: Any) -> None:
    """Then it shows how to write the lines by hand, and no form that does nothing."""
    tab = tabs(java_script_enabled=False)
    tab.page.goto(f"{archive.url}embed/")
    assert not tab.page.locator("form#builder").is_visible()
    assert "<streamhub-answer src=" in tab.page.locator("pre").first.inner_text()


def test_cite_and_embed_on_the_answer_page(archive: Served, tabs: Any) -> None:
    """Both open by keyboard or click, and copy what they show with a message."""
    tab = tabs(permissions=["clipboard-read", "clipboard-write"])
    page = tab.page
    page.goto(archive.url + ANSWER)
    page.get_by_text("Zitieren").click()
    page.get_by_role("button", name="Kopieren").first.click()
    page.get_by_text("Kopiert.").first.wait_for()
    said = page.evaluate("navigator.clipboard.readText()")
    assert said == (
        f"„{QUESTION}“ Anna Weber. Service-Runde: Netz & Router, 2. März 2027, 0:05. {archive.url}{ANSWER}?t=5"
    )
    page.get_by_text("Einbetten", exact=True).first.click()
    assert page.locator("#embed-line").input_value() == (
        f'<script async src="{archive.url}static/embed.js"></script>\n{answer_of(archive)}'
    )
    tab.shoot("answer-share")
    page.get_by_role("link", name="Rahmen, Liste oder anderes Aussehen").click()
    tab.state(wanted="published")
    assert tab.complaints == []


def next_of(archive: Served, **attributes: str) -> str:
    """The line for the next session."""
    said = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f'<streamhub-next{said}><a href="{archive.url}">Alle Sendungen</a></streamhub-next>'


def announce(folder: Path, *sessions: dict[str, Any]) -> None:
    """Tell of these sessions, as a build of the archive does."""
    data = {"format": "streamhub coming 1", "sessions": list(sessions)}
    (folder / "coming.json").write_text(json.dumps(data), "utf-8")


def coming(title: str, *, days: float, show: str = "runde", live: bool = False) -> dict[str, Any]:
    starts = datetime.now(UTC) + timedelta(days=days)
    return {
        "title": title,
        "show": show,
        "show_title": "Die Runde",
        "text": "",
        "language": "de",
        "starts_at": starts.isoformat(),
        "ends_at": (starts + timedelta(hours=1)).isoformat(),
        "zone": "Asia/Tokyo",
        "url": "https://hub.example.org/s/x",
        "live": live,
    }


def test_the_next_session_and_where_to_ask(archive: Served, firm: Served, tabs: Any, tmp_path: Path) -> None:
    """The first that is not over is shown with both times and the way to ask; it follows a move and a cancellation."""
    folder = tmp_path / "archive"
    past, other = coming("Vorbei", days=-2), coming("Andere Reihe", days=1, show="zweite")
    announce(folder, past, other, coming(HOSTILE[1], days=3), coming("Später", days=9))
    tab = tabs(timezone_id="Europe/Berlin", viewport={"width": 390, "height": 800})
    tab.page.goto(firm.write("index.html", page_of(next_of(archive, show="runde"), archive)))
    tab.state("streamhub-next", wanted="published")
    text = shown(tab.page, "streamhub-next")
    for said in ("Nächste Sendung: Die Runde", HOSTILE[1], "Jetzt Frage stellen", "bei Ihnen"):
        assert said in text
    assert "Andere Reihe" not in text
    asks = tab.page.locator("streamhub-next").evaluate("e => e.shadowRoot.querySelector('a').href")
    assert asks == "https://hub.example.org/s/x"
    tab.shoot("embed-next-390")
    announce(folder, coming("Umgezogen", days=5))
    tab.page.locator("streamhub-next").evaluate("e => e.refresh()")
    until(tab.page, "document.querySelector('streamhub-next').shadowRoot.textContent.includes('Umgezogen')")
    announce(folder, coming("Läuft", days=0, live=True))
    tab.page.locator("streamhub-next").evaluate("e => e.refresh()")
    until(tab.page, "document.querySelector('streamhub-next').shadowRoot.textContent.includes('Gerade live')")
    announce(folder)
    tab.page.locator("streamhub-next").evaluate("e => e.refresh()")
    tab.state("streamhub-next", wanted="none")
    assert "Zurzeit ist keine Sendung geplant." in tab.page.locator("streamhub-next").evaluate(
        "e => e.shadowRoot.textContent"
    )
    assert tab.page.get_by_role("link", name="Alle Sendungen").is_visible()
    assert tab.complaints == []


def test_the_script_stays_small() -> None:
    """What a company's page loads is at most 8 KB, compressed."""
    script = (Path(__file__).parents[2] / "site/static/embed.js").read_bytes()
    assert len(gzip.compress(script, 9)) <= 8 * 1024
