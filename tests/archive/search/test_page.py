"""The search page in a real browser, under a strict policy and in a sub-path."""

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streamhub.archive.search.document import SearchDocument, Turn
from streamhub.archive.search.index import plan_index
from streamhub.wordforms.analysis import Analyzer, split_words
from streamhub.wordforms.nouns_de import SERVICE_NOUNS

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

pytestmark = pytest.mark.browser

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'"
)
PAGE = f"""<!doctype html>
<html lang="de"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{CSP}">
<title>Suche</title><link rel="icon" href="data:,"><script type="module" src="../static/search.js"></script></head>
<body><form role="search" action="" data-search-root="../search/" data-lang="de" data-other-lang="en"
 data-search-limit="2" data-message-searching="Suche läuft"
 data-message-none="Nichts gefunden." data-message-one="Eine Antwort."
 data-message-many="{{count}} Antworten." data-message-corrected="Gesucht: {{words}}."
 data-message-error="Die Suche geht gerade nicht." data-message-more="Mehr"
 data-message-other="Auch englische Antworten" data-message-speech="Auch ganze Sendungen"
 data-message-passages-none="Nirgends." data-message-passages-one="Eine Stelle."
 data-message-passages-many="{{count}} Stellen."
 data-message-elsewhere="Nur auf Englisch:" data-message-at="ab {{time}}"><input name="q" aria-label="Suche"></form>
<details data-search-filters hidden><summary>Eingrenzen</summary>
<label>Thema <select data-facet="topic"><option value="">Alle</option></select></label>
<label>Person <select data-facet="speaker"><option value="">Alle</option></select></label>
<label>Produkt <select data-facet="product"><option value="">Alle</option></select></label>
<label>Sprache <select data-search-language><option value="de">Deutsch</option><option value="en">Englisch</option>
<option value="all">Beide</option></select></label>
<button type="button" data-search-clear hidden>Wieder alles zeigen</button></details>
<p data-search-status aria-live="polite"></p><ol data-search-results></ol>
<section data-search-nothing hidden><p data-search-nearest hidden>Nahe: <span></span></p>
<p><a data-search-ask href="https://hub.example/">Fragen</a></p></section>
<section data-search-speech hidden><h2>In Sendungen</h2>
<p data-search-passages aria-live="polite"></p><ol></ol></section>
</body></html>"""
EVIL = '<img src=x onerror="window.hacked=1"></script><script>window.hacked=1</script> Zwiebel \u202e'


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_api.sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        except sync_api.Error as problem:
            pytest.skip(f"no Chromium starts here: {str(problem).splitlines()[0]}")
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def root(static: Path, archive: list[SearchDocument], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site in a sub-path, with one hostile answer more."""
    root = tmp_path_factory.mktemp("site")
    evil = SearchDocument(
        id="evil",
        url="javascript:window.hacked=1",
        language="de",
        question=EVIL,
        turns=(Turn(start_ms=3_601_000, speaker=EVIL, text=EVIL + " und Quitten. " * 40),),
        session_title=EVIL,
        date="2026-04-01",
    )
    speech = SearchDocument(
        id="netzabend.1",
        kind="speech",
        url="s/netzabend/",
        language="de",
        question="Netzabend",
        turns=(Turn(start_ms=90_500, speaker="Host", text="Zum Schluss noch ein Wort über Seekabel."),),
        date="2026-01-10",
    )
    for path, data in plan_index([*archive, evil, speech]).items():
        (root / "sub" / path).parent.mkdir(parents=True, exist_ok=True)
        (root / "sub" / path).write_bytes(data)
    (root / "sub" / "suche").mkdir()
    (root / "sub" / "suche" / "index.html").write_text(PAGE, encoding="utf-8")
    shutil.copytree(static, root / "sub" / "static")
    return root


@pytest.fixture(scope="module")
def address(root: Path) -> Iterator[str]:
    handler = functools.partial(QuietHandler, directory=str(root))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/sub/suche/"
        server.shutdown()
        thread.join()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A fresh page that fails the test on any error of a script or breach of the policy."""
    context = browser.new_context(locale="de-DE")
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.set_default_timeout(15_000)
    yield page
    context.close()
    # What the network lacks, tests take away on purpose; the page reports it, and that is what they look at.
    expected = ("Failed to load resource", "m.json: the server answered 404")
    assert [problem for problem in problems if not any(part in problem for part in expected)] == []


def ask(page: Any, query: str) -> None:
    page.fill("input[name=q]", query)
    page.press("input[name=q]", "Enter")


def status(page: Any) -> Any:
    return sync_api.expect(page.locator("[data-search-status]"))


def test_typing_finds_and_links_to_the_second(page: Any, address: str) -> None:
    """Results appear while typing, with matches marked, the best turn, and a link that jumps to it."""
    page.goto(address)
    page.locator("input[name=q]").press_sequentially("Telefonleitung")
    status(page).to_have_text("2 Antworten.")
    link = page.locator("[data-search-results] li:first-child a")
    assert link.evaluate("a => a.href") == address.replace("suche/", "answers/rauschen/?t=21")
    item = page.locator("[data-search-results] li:first-child")
    assert item.locator("mark").all_inner_texts() == ["Telefonleitungen"]
    assert item.locator("time").inner_text() == "ab 0:21"
    assert item.locator(".search-result-speaker").inner_text() == "Julia"
    assert item.locator(".search-result-source").inner_text() == "Netzabend · 10.\u00a0Januar 2026"
    assert page.evaluate("location.search") == "?q=Telefonleitung"


def test_address_can_be_shared(page: Any, address: str) -> None:
    """Opening an address with a query shows its results; emptying the field empties both."""
    page.goto(address + "?q=Router+defekt")
    status(page).to_have_text("Eine Antwort.")
    assert page.input_value("input[name=q]") == "Router defekt"
    page.fill("input[name=q]", "")
    status(page).to_have_text("")
    assert page.locator("[data-search-results] li").count() == 0
    assert page.evaluate("location.search") == ""


def test_correction_is_told_as_people_write_it(page: Any, address: str) -> None:
    """A slip is corrected and reported in the spelling of the answers."""
    page.goto(address)
    ask(page, "Ruoter")
    status(page).to_have_text("Eine Antwort. Gesucht: Router.")


def test_other_language_on_request(page: Any, address: str) -> None:
    """A button adds the other language's answers, marked as such, and puts the focus on the results."""
    page.goto(address + "?q=Router")
    status(page).to_have_text("Eine Antwort.")
    page.get_by_role("button", name="Auch englische Antworten").click()
    status(page).to_have_text("2 Antworten.")
    assert sorted(page.locator("li").evaluate_all("items => items.map((item) => item.lang)")) == ["de", "en"]
    assert page.evaluate("document.activeElement.tagName") == "A"


def test_what_only_the_other_language_has_is_found_there(page: Any, address: str) -> None:
    """Where the page's language has nothing, the other's answers come at once, and so does the help; guesses do not."""
    page.goto(address + "?q=readings+missing")
    status(page).to_have_text("Nur auf Englisch: Eine Antwort.")
    assert page.locator("li").evaluate_all("items => items.map((item) => item.lang)") == ["en"]
    sync_api.expect(page.locator("[data-search-nothing]")).to_be_visible()
    sync_api.expect(page.get_by_role("button", name="Auch englische Antworten")).to_have_count(0)
    ask(page, "readngs")
    status(page).to_have_text("Nichts gefunden.")
    sync_api.expect(page.get_by_role("button", name="Auch englische Antworten")).to_be_visible()


def test_more_results(page: Any, address: str) -> None:
    """Only some results are loaded at first; a button brings the next ones and moves the focus there."""
    page.goto(address + "?q=Anna")
    status(page).to_have_text("3 Antworten.")
    assert page.locator("li").count() == 2
    page.get_by_role("button", name="Mehr").click()
    sync_api.expect(page.locator("li")).to_have_count(3)
    sync_api.expect(page.locator("li:nth-child(3) a")).to_be_focused()
    assert page.get_by_role("button", name="Mehr").count() == 0


def test_keyboard(page: Any, address: str) -> None:
    """The arrows walk from the field through the results and back, Escape returns to the field."""
    page.goto(address + "?q=Anna")
    status(page).to_have_text("3 Antworten.")
    page.focus("input[name=q]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    sync_api.expect(page.locator("li:nth-child(2) a")).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    sync_api.expect(page.locator("input[name=q]")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    sync_api.expect(page.locator("input[name=q]")).to_be_focused()


def test_hostile_answers_stay_text(page: Any, address: str) -> None:
    """Markup in an answer or a query is shown as text, and a script address is no link."""
    page.goto(address)
    ask(page, 'Quitten <img src=x onerror="window.hacked=1">')
    status(page).to_have_text("Eine Antwort.")
    item = page.locator("li")
    assert "<script>window.hacked=1</script>" in item.locator("a").inner_text()
    assert item.locator("a").get_attribute("href") is None
    assert item.locator("img, script").count() == 0
    assert item.locator("time").inner_text() == "ab 1:00:01"
    assert page.evaluate("window.hacked") is None


def test_nothing_and_errors_are_said(page: Any, address: str, root: Path) -> None:
    """Nothing found is said so; a broken index is said so too, and works again when it is back."""
    page.goto(address)
    ask(page, "Quittengeleeeinmachglas")
    status(page).to_have_text("Nichts gefunden.")
    manifest = root / "sub" / "search" / "de" / "m.json"
    hidden = manifest.rename(manifest.with_suffix(".away"))
    try:
        page.goto(address)
        ask(page, "Router")
        status(page).to_have_text("Die Suche geht gerade nicht.")
    finally:
        hidden.rename(manifest)
    ask(page, "Router")
    status(page).to_have_text("Eine Antwort.")


def test_rebuilt_site_is_read_again(page: Any, address: str, root: Path) -> None:
    """When a rebuild took the files away that an open page knows, it reads the new manifest and goes on."""
    page.goto(address + "?q=Router")
    status(page).to_have_text("Eine Antwort.")
    page.route("**/search/de/v-*.idx", lambda route: route.abort(), times=1)
    ask(page, "Kündigug")
    status(page).to_have_text("2 Antworten. Gesucht: Kündigung.")


def count_requests(page: Any, part: str) -> list[str]:
    """The addresses that are asked for from now on and have this in them."""
    found: list[str] = []
    page.on("request", lambda request: found.append(request.url) if part in request.url else None)
    return found


def test_filters_narrow_down_and_can_be_shared(page: Any, address: str) -> None:
    """Values come when the filters are opened, with counts of what is found; the choice stands in the address."""
    loaded = count_requests(page, "/f-")
    page.goto(address + "?q=Anna")
    status(page).to_have_text("3 Antworten.")
    assert loaded == []
    page.locator("summary").press("Enter")
    topic = page.get_by_label("Thema")
    sync_api.expect(topic.locator("option")).to_have_text(["Alle", "Telefon (2)"])
    sync_api.expect(page.locator("label:has([data-facet=product])")).to_be_hidden()
    topic.select_option("Telefon")
    status(page).to_have_text("2 Antworten.")
    assert page.evaluate("location.search") == "?q=Anna&topic=Telefon"
    sync_api.expect(page.get_by_label("Person").locator("option")).to_have_text(
        ["Alle", "Anna (2)", "Host (1)", "Julia (1)", "Peter (1)"]
    )
    page.goto(address + "?topic=Telefon&speaker=Peter&language=all")
    status(page).to_have_text("Eine Antwort.")
    assert page.get_by_label("Sprache").input_value() == "all"
    page.get_by_role("button", name="Wieder alles zeigen").click()
    status(page).to_have_text("")
    assert page.evaluate("location.search") == ""
    sync_api.expect(page.locator("summary")).to_be_focused()


def test_a_value_that_nobody_has_finds_nothing(page: Any, address: str) -> None:
    """An address may name any value; it is shown as chosen and finds nothing, and markup in it stays text."""
    page.goto(address + "?q=Anna&topic=%3Cimg%20src=x%20onerror=%22window.hacked=1%22%3E")
    status(page).to_have_text("Nichts gefunden.")
    assert page.get_by_label("Thema").input_value().startswith("<img src=x")
    assert page.evaluate("window.hacked") is None


def test_quotation_marks_find_exact_words(page: Any, address: str) -> None:
    """Words in quotation marks have to stand in the answer as they are."""
    page.goto(address)
    ask(page, "Kündigung Frist")
    status(page).to_have_text("2 Antworten.")
    ask(page, "„Frist gilt bei der Kündigung“")
    status(page).to_have_text("Eine Antwort.")
    ask(page, '"Kündigung Frist"')
    status(page).to_have_text("Nichts gefunden.")


def test_nothing_found_helps_on(page: Any, address: str) -> None:
    """Without a result the nearest topics are offered, and the question is taken along to the hub."""
    page.goto(address)
    ask(page, '"Verträge ohne Quitten?"')
    status(page).to_have_text("Nichts gefunden.")
    nearest = page.locator("[data-search-nearest] a")
    sync_api.expect(nearest).to_have_text(["Verträge"])
    link = page.get_by_role("link", name="Fragen")
    sync_api.expect(link).to_have_attribute("href", "https://hub.example/?question=%22Vertr%C3%A4ge+ohne+Quitten%3F%22")
    nearest.first.click()
    status(page).to_have_text("2 Antworten.")
    sync_api.expect(page.locator("[data-search-nothing]")).to_be_hidden()


def test_whole_sessions_come_behind_the_answers(page: Any, address: str) -> None:
    """What was said outside answers is found where answers say little, or on request, and leads to the second."""
    loaded = count_requests(page, "/speech/")
    page.goto(address)
    ask(page, "Anna")
    status(page).to_have_text("3 Antworten.")
    assert loaded == []
    page.get_by_role("button", name="Auch ganze Sendungen").click()
    passages = page.locator("[data-search-speech]")
    sync_api.expect(passages.locator("[data-search-passages]")).to_have_text("Nirgends.")
    ask(page, "Seekabel")
    status(page).to_have_text("Nichts gefunden.")
    sync_api.expect(passages.locator("[data-search-passages]")).to_have_text("Eine Stelle.")
    assert passages.locator("a").evaluate("a => a.href") == address.replace("suche/", "s/netzabend/?t=90")
    assert passages.locator("mark").all_inner_texts() == ["Seekabel"]


@pytest.mark.parametrize("language", ["de", "en"])
def test_browser_analyses_as_python_does(page: Any, address: str, language: str) -> None:
    """Thousands of words have the same terms in the browser as in Python."""
    words = [noun + ending for noun in SERVICE_NOUNS for ending in ("", "s", "en", "ungen", "ing")]
    analyzer = Analyzer(language)  # type: ignore[arg-type]
    expected = [sorted(analyzer.word_terms(next(split_words(word))).items()) for word in words]
    page.goto(address)
    got = page.evaluate(
        """async ([language, words]) => {
            const analysis = await import("../static/analysis.js");
            const analyzer = await analysis.createAnalyzer(language);
            return words.map((word) => [...analyzer.wordTerms(analysis.splitWords(word)[0])].sort());
        }""",
        [language, words],
    )
    assert [[tuple(pair) for pair in terms] for terms in got] == expected


def test_results_work_with_names(page: Any, address: str) -> None:
    """A speaker's name finds the answers of that person."""
    page.goto(address + "?q=Peter+W%C3%A4rmepumpe")
    sync_api.expect(page.locator("li:first-child a")).to_contain_text("Wärmepumpe")
