"""Pages: hostile texts stay text, both languages are whole, times are written as people write them."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from html.parser import HTMLParser
from importlib import resources
from typing import TYPE_CHECKING

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from streamhub.archive import corrections
from streamhub.live import problem
from streamhub.questions import refusal, trouble
from streamhub.recording import matching
from streamhub.text import LANGUAGES
from streamhub.transcript import glossary
from streamhub.web.pages import format_countdown, format_moment, format_offset, plan_language

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.web.conftest import World

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "'-alert(1)-'",
    "</textarea><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</template><script>alert(1)</script>",
    "<a href=javascript:alert(1)>x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<style>*{display:none}</style>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content=0>",
    "<form action=//evil.example>",
    "<!-- comment",
    "<![CDATA[x]]>",
    "&lt;script&gt;",
    "&#x3c;script&#x3e;",
    "{{ 7 * 7 }}",
    "{% raw %}",
    "${7*7}",
    "%(count)s %s {0}",
    "\\u003cscript\\u003e",
    "data:text/html,<script>alert(1)</script>",
    "a\nevent: diff\ndata: {}\n\nb",
    "a\r\nSet-Cookie: x=y",
    '=HYPERLINK("http://evil")',
    "\u202egnirts desrever",
    "zero\u200bwidth",
    "line\u2028separator",
    "x" * 1000,
    "😀" * 300,
    "Z̷̢̛a̴l̶g̵o̸",
    "ﷺ" * 100,
    "--> WEBVTT",
    "'; drop table questions; --",
]


class Shape(HTMLParser):
    """The elements and attributes of a page, without its texts."""

    def __init__(self) -> None:
        super().__init__()
        self.shape: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.shape.append((tag, tuple(sorted(name for name, _ in attrs))))

    @classmethod
    def of(cls, html: str) -> list[tuple[str, tuple[str, ...]]]:
        parser = cls()
        parser.feed(html)
        return parser.shape


async def pages_of(world: World, session: str) -> Iterator[tuple[str, str]]:
    found = []
    for path in (f"/s/{session}", f"/host/s/{session}", "/host", "/"):
        headers = world.bearer if path.startswith("/host") else {}
        async with world.client.get(path, headers=headers) as page:
            assert page.status == 200
            found.append((path, await page.text()))
    return iter(found)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_texts_stay_text(world: World, text: str) -> None:
    """Whatever is typed as question, name, note, title or tag adds no element and no attribute to any page."""
    tame = await world.plan(title="Zahm")
    kind = await world.ask(tame, "harmlos", name="Ada", shown="name")
    await world.act(kind, "tag", topics=["Thema"])
    await world.act(kind, "decline", note="Grund")
    await world.act(kind, "open")
    wild = await world.plan(title=text[:150], person=text[:70])
    name = text[:50] if text[:50].strip() else "x"
    asked = await world.ask(wild, text, name=name, shown="name", place=name)
    await world.act(asked, "tag", topics=[name])
    await world.act(asked, "decline", note=text[:400])
    await world.act(asked, "open")
    for (path, expected), (_, got) in zip(await pages_of(world, tame), await pages_of(world, wild), strict=True):
        assert Shape.of(got) == Shape.of(expected), path
    async with world.client.get(f"/api/v1/sessions/{wild}/questions") as answer:
        shown = (await answer.json())["questions"][0]
    assert not set(shown["text"]) & set("\u202e\u200b\u2028\r")


async def test_hostile_text_cannot_break_out_of_events(world: World) -> None:
    """A question with line breaks and event names in it arrives as one question."""
    session = await world.plan()
    asked = await world.ask(session, "a\n\nevent: diff\ndata: {}\n\nb")
    async with world.client.get(f"/api/v1/sessions/{session}/events") as stream:
        lines = [await stream.content.readline() for _ in range(6)]
    data = [line for line in lines if line.startswith(b"data: ")]
    assert len(data) == 1
    assert json.loads(data[0][6:])["questions"][asked]["text"].count("event: diff") == 1


async def test_hostile_form_is_shown_again_as_text(world: World) -> None:
    """A form with a mistake and a script in it comes back with the script as text."""
    session = await world.plan()
    fields = {"text": "</textarea><script>alert(1)</script>", "name": '"><script>', "consent": ""}
    async with world.client.post(f"/s/{session}/questions", data=fields) as page:
        text = await page.text()
    assert page.status == 400
    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)" in text


def catalogue(language: str) -> Catalog:
    with (resources.files("streamhub.web") / "locales" / language / "web.po").open("rb") as source:
        return read_po(source, locale=language)


def said_in_the_code() -> set[str]:
    root = str(resources.files("streamhub.web"))
    methods = [("templates/**.html", "jinja2"), ("**.py", "python")]
    options = {"templates/**.html": {"newstyle_gettext": "true", "trimmed": "false"}}
    keywords = {"_": None, "say": None, "gettext": None, "ngettext": (1, 2)}
    found = extract_from_dir(root, method_map=methods, options_map=options, keywords=keywords)
    said = {message[0] if isinstance(message, tuple) else message for _, _, message, _, _ in found}
    told = [
        *problem.SENTENCES.values(),
        *matching.SENTENCES.values(),
        *trouble.SENTENCES.values(),
        *refusal.SENTENCES.values(),
        *corrections.SENTENCES.values(),
        *glossary.SENTENCES.values(),
        *((state,) for state in refusal.STATES.values()),
        *((reason,) for reason in matching.REASONS.values()),
    ]
    return said | {sentence for pair in told for sentence in pair}


@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogues_are_whole(language: str) -> None:
    """Messages of code and templates and problems' sentences are translated, none fuzzy or left over; places match."""
    known = catalogue(language)
    messages = {(m.id[0] if isinstance(m.id, tuple) else m.id): m for m in known if m.id}
    assert set(messages) == said_in_the_code()
    for message in messages.values():
        texts = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(texts), message.id
        assert not message.fuzzy
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        for text in texts:
            assert set(re.findall(r"%\(\w+\)s", str(text))) == set(re.findall(r"%\(\w+\)s", str(ids[-1]))), message.id


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de", "de"), ("de-AT,de;q=0.9,en;q=0.8", "de"), ("fr-FR, en;q=0.3", "en"), ("en;q=0.2, de;q=0.9", "de"),
        ("fr", ""), ("", ""), ("de;q=0", ""), ("de;q=x, en", "en"), ("*", ""), (";;;,,,", ""), ("en" * 5000, ""),
    ],
)  # fmt: skip
def test_language_of_the_browser(header: str, language: str) -> None:
    """The best of our languages that the browser names, or none."""
    assert plan_language(header) == language


@pytest.mark.parametrize(
    ("at", "zone", "language", "written"),
    [
        ("2027-03-02T19:15Z", "Europe/Berlin", "de", "Dienstag, 2. März 2027, 20:15 Uhr (MEZ, UTC+1, Europe/Berlin)"),
        ("2027-07-02T18:15Z", "Europe/Berlin", "de", "Freitag, 2. Juli 2027, 20:15 Uhr (MESZ, UTC+2, Europe/Berlin)"),
        ("2027-07-02T18:15Z", "Europe/Berlin", "en", "Friday, 2 July 2027, 20:15 (CEST, UTC+2, Europe/Berlin)"),
        ("2027-07-02T18:15Z", "America/St_Johns", "en", "Friday, 2 July 2027, 15:45 (UTC−2:30, America/St_Johns)"),
        ("2027-07-02T18:15Z", "Asia/Tokyo", "de", "Samstag, 3. Juli 2027, 03:15 Uhr (UTC+9, Asia/Tokyo)"),
    ],
)
def test_moments(at: str, zone: str, language: str, written: str) -> None:
    """A time always names its zone and its distance from UTC."""
    assert re.sub(r"\s", " ", format_moment(datetime.fromisoformat(at), zone, language)) == written


@pytest.mark.parametrize(
    ("left", "de", "en"),
    [
        (timedelta(days=2, hours=3, minutes=9), "2 Tage, 3 Stunden", "2 days, 3 hours"),
        (timedelta(days=1), "1 Tag", "1 day"),
        (timedelta(hours=1, minutes=30), "1 Stunde, 30 Minuten", "1 hour, 30 minutes"),
        (timedelta(seconds=40), "1 Minute", "1 minute"),
        (timedelta(0), "", ""),
        (timedelta(days=-1), "", ""),
    ],
)
def test_countdown(left: timedelta, de: str, en: str) -> None:
    """A time to wait is told in its two largest units and never rounded up."""
    assert (format_countdown(left, "de"), format_countdown(left, "en")) == (de, en)


def test_offset() -> None:
    """Whole hours are written short."""
    assert format_offset(timedelta(hours=1)) == "UTC+1"
    assert format_offset(timedelta(0)) == "UTC+0"


async def test_pages_have_language_labels_and_one_heading(world: World) -> None:
    """Every page says its language, has one first-level heading, and every field its label."""
    session = await world.plan(language="en")
    await world.ask(session, "Is this a question?", language="en")
    pages = [*await pages_of(world, session)]
    async with world.client.get("/host/enter?token=link_x") as page:
        pages.append(("/host/enter", await page.text()))
    for path, html in pages:
        assert re.search(r'<html lang="(de|en)">', html), path
        assert html.count("<h1") == 1, path
        labelled = set(re.findall(r'<label for="([^"]+)"', html))
        wrapped = re.sub(r"<label[^>]*>.*?</label>", "", html, flags=re.DOTALL)
        for field in re.findall(r"<(?:input|textarea|select)[^>]*>", wrapped):
            if 'type="hidden"' not in field:
                name = re.search(r'id="([^"]+)"', field)
                assert name, (path, field)
                assert name[1] in labelled, (path, field)
    assert '<p class="text" lang="en">' in pages[0][1]
