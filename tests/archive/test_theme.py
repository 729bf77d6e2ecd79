"""The theme: overriding file by file, and two complete catalogues."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

sys.path.insert(0, str(Path(__file__).parent))
from records import make_session

from streamhub import archive
from streamhub.archive.catalogue import format_iso_length, format_length, format_moment, load_translations
from streamhub.archive.pages import initials, link, safe_url
from streamhub.archive.site import plan_site
from streamhub.archive.theme import find_shipped_theme, load_theme
from streamhub.config import SiteSettings
from streamhub.errors import BadInput


def messages_asked_for() -> set[object]:
    """Every message that the templates ask for, and what programs mark as one."""
    templates = extract_from_dir(find_shipped_theme() / "templates", [("**.html", "jinja2"), ("**.md", "jinja2")])
    programs = extract_from_dir(Path(archive.__file__).parent, [("**.py", "python")], keywords={"phrase": None})
    return {message for _, _, message, _, _ in (*templates, *programs)}


def read_catalogue(language: str) -> Catalog:
    """The shipped catalogue of a language."""
    content = (find_shipped_theme() / "locales" / language / "site.po").read_bytes()
    return read_po(io.BytesIO(content), locale=language, abort_invalid=True)


@pytest.mark.parametrize("language", ["de", "en"])
def test_catalogues_are_complete(language: str) -> None:
    """Every message has its translation with the same places, none is fuzzy, and none is left over."""
    catalogue = read_catalogue(language)
    asked = messages_asked_for()
    known = {message.id: message for message in catalogue if message.id}
    assert asked - known.keys() == set()
    assert known.keys() - asked == set()
    for message in known.values():
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(strings), message.id
        assert not message.fuzzy, message.id
        assert not list(message.check(catalogue)), message.id


def test_german_is_set_as_german() -> None:
    """German phrases use German quotation marks, a real ellipsis and no straight quotes."""
    for message in read_catalogue("de"):
        for text in message.string if isinstance(message.string, tuple) else (message.string,):
            assert not message.id or '"' not in text, text
            assert "..." not in text, text
            assert text.count("„") == text.count("“"), text


def test_a_workspace_overrides_file_by_file(tmp_path: Path) -> None:
    """A template, a static file and a phrase of the workspace win; the rest of the shipped theme stays."""
    for name, text in {
        "templates/404.html": '{% extends "shipped/404.html" %}{% block kind %}ours{% endblock %}',
        "static/site.css": "body { color: red }",
        "static/logo.svg": "<svg/>",
        "locales/de/site.po": 'msgid "Search"\nmsgstr "Finden"\n',
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    files = plan_site((make_session(),), SiteSettings(), load_theme(tmp_path), media_root=None).render()
    not_found = bytes(files["404.html"]).decode()  # type: ignore[arg-type]
    assert '<body class="ours">' in not_found
    assert "Seite nicht gefunden" in not_found
    assert files["static/site.css"] == b"body { color: red }"
    assert "static/logo.svg" in files
    assert ">Finden<" in bytes(files["index.html"]).decode()  # type: ignore[arg-type]
    assert ">Themen<" in bytes(files["index.html"]).decode()  # type: ignore[arg-type]


def test_assets_change_their_address_with_their_content(tmp_path: Path) -> None:
    """Browsers may keep assets: another content has another address."""
    (tmp_path / "static").mkdir()
    (tmp_path / "static/site.css").write_text("a {}")
    pages = [
        bytes(plan_site((), SiteSettings(), theme, media_root=None).render()["index.html"])  # type: ignore[arg-type]
        for theme in (load_theme(), load_theme(), load_theme(tmp_path))
    ]
    assert pages[0] == pages[1] != pages[2]


def test_a_broken_theme_is_named(tmp_path: Path) -> None:
    """A file that is no text, a link, a broken catalogue and a missing static file are told apart."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/base.html").write_bytes(b"\xff")
    with pytest.raises(BadInput, match=r"base\.html: is not UTF-8"):
        load_theme(tmp_path)
    (tmp_path / "templates/base.html").unlink()
    (tmp_path / "templates/base.html").symlink_to("/etc/hostname")
    with pytest.raises(BadInput, match="symbolic link"):
        load_theme(tmp_path)
    with pytest.raises(BadInput, match="message catalogue for de"):
        load_translations("de", [b'msgid "x"\nmsgstr "y\nnonsense\n'])
    with pytest.raises(BadInput, match=r"static file site\.css"):
        plan_site((), SiteSettings(), replace(load_theme(), static={}), media_root=None).render()


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (
            '{% extends "shipped/404.html" %}\n{% block main %}\n{{ 1 + "a" }}{% endblock %}',
            r"404\.html:3 fails: unsupp",
        ),
        ('{% extends "shipped/404.html" %}\n{% block main %}{{ page.no }}{% endblock %}', r"404\.html:2 fails: .*'no'"),
        ('{% extends "shipped/404.html" %}\n{% block main %}', r"404\.html:2 fails: .*endblock"),
        ('{% extends "shipped/405.html" %}', r"no template shipped/405\.html, which 404\.html names"),
    ],
)
def test_a_mistake_in_an_own_template_is_told_with_its_line(tmp_path: Path, template: str, said: str) -> None:
    """Whatever is wrong with it, its owner reads which file and line to look at."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/404.html").write_text(template, "utf-8")
    with pytest.raises(BadInput, match=said):
        plan_site((), SiteSettings(), load_theme(tmp_path), media_root=None).render()


def test_a_mistyped_name_of_an_own_template_is_told(tmp_path: Path) -> None:
    """A file that takes no other's place is named where its name is nearly one; parts of an owner's own are not."""
    (tmp_path / "templates").mkdir()
    for name, text in {
        "anwser.html": "x",
        "home.html": '{% extends "shipped/home.html" %}{% block kind %}{% include "homes.html" %}{% endblock %}',
        "homes.html": "home",
        "ours.html": "x",
    }.items():
        (tmp_path / "templates" / name).write_text(text, "utf-8")
    advice = plan_site((), SiteSettings(), load_theme(tmp_path), media_root=None).advice
    told = [line for line in advice if "templates" in line]
    assert told == ["site/templates/anwser.html: no page is made with it; did you mean answer.html?"]


def test_moments_name_their_zone() -> None:
    """Date, time, name of the zone and offset, in both languages; zones without a name show the offset alone."""
    starts = make_session().starts_at
    german = "Dienstag, 2.\u00a0März 2027, 20:15\u00a0Uhr (MEZ,\u00a0UTC+1)"
    assert format_moment(starts, "Europe/Berlin", "de") == german
    assert format_moment(starts, "Europe/London", "en") == "Tuesday, 2\u00a0March 2027, 19:15 (GMT,\u00a0UTC)"
    assert format_moment(starts, "America/St_Johns", "en") == "Tuesday, 2\u00a0March 2027, 15:45 (UTC−3:30)"


def test_lengths_are_written_for_people_and_machines() -> None:
    """Seconds up to an hour, then minutes; rounded, never in float."""
    assert format_length(130_400, "de") == "2\u00a0Min. 10\u00a0Sek."
    assert format_length(3_725_000, "en") == "1\u00a0h 2\u00a0min"
    assert format_length(0, "en") == "0\u00a0s"
    assert format_iso_length(3_725_499) == "PT1H2M5S"
    assert format_iso_length(0) == "PT0S"


def test_links_are_relative() -> None:
    """The site works under any path: links go from page to page."""
    assert link("a/x/index.html", "") == "../../"
    assert link("index.html", "") == "./"
    assert link("index.html", "a/x/") == "a/x/"
    assert link("a/x/index.html", "a/x/answer.vtt") == "answer.vtt"
    assert link("en/search/index.html", "search/") == "../../search/"
    assert link("a/x/index.html", "https://media.example.org/x.mp4") == "https://media.example.org/x.mp4"


def test_addresses_that_run_something_are_not_linked() -> None:
    """Only web addresses and relative ones may stand in a link."""
    assert safe_url("https://hub.example.org/") == "https://hub.example.org/"
    assert safe_url("../x/") == "../x/"
    for address in ("javascript:alert(1)", "data:text/html,x", "//evil.example/", "vbscript:x"):
        assert safe_url(address) == "#"


def test_initials_are_letters() -> None:
    """Titles and signs do not count."""
    assert initials("Dr. Anna Weber") == "AW"
    assert initials("Maria") == "M"
    assert initials("<b> 7") == ""
