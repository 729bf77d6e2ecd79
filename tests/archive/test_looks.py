"""Looks and duties: an owner's colours, typefaces and texts, and legal pages that are never half-filled."""

from __future__ import annotations

import functools
import re
import sys
from dataclasses import fields, replace
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
from reading import Page
from records import FILLED, make_session

from streamhub.archive.brand import DARK_PAPER, LEAST_CONTRAST, PAPER, contrast, ink_on, render_brand
from streamhub.archive.checking import SiteCheck
from streamhub.archive.legal import LEGAL_PAGES, plan_legal
from streamhub.archive.plan import MediaLink
from streamhub.archive.site import plan_site
from streamhub.archive.theme import Theme, load_theme
from streamhub.archive.writer import write_site
from streamhub.config import LegalSettings, SiteSettings, parse_settings
from streamhub.errors import BadConfig, BadInput

theme = functools.cache(load_theme)
SETTINGS = SiteSettings(title="Antworten", url="https://antworten.example.org")


def build(
    site: SiteSettings = SETTINGS, legal: LegalSettings = FILLED, of: Theme | None = None
) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Every file that is made, and what the owner is told."""
    plan = plan_site((make_session(),), site, of or theme(), media_root=None, legal=legal)
    return {path: one for path, one in plan.render().items() if not isinstance(one, MediaLink)}, plan.advice


def test_legal_pages_say_what_the_owner_said() -> None:
    """In both languages, linked in every footer and listed in the sitemap, with every value at its place."""
    files, advice = build()
    assert advice == ()
    for name in LEGAL_PAGES:
        for root in ("", "en/"):
            page = Page(files[f"{root}{name}/index.html"].decode())
            assert not page.problems
            assert FILLED.company in page.text
            assert f"{SETTINGS.url}/{root}{name}/" in files["sitemap.xml"].decode()
        assert f"{name}/" in Page(files["index.html"].decode()).links()
    said = " ".join(Page(files[f"{name}/index.html"].decode()).text for name in LEGAL_PAGES)
    values = [getattr(FILLED, one.name) for one in fields(FILLED)]
    for line in (line for value in values for line in str(value).splitlines()):
        shown = {"partial": "teilweise", "2026-11-28": "28.\u00a0November 2026"}.get(line, line)
        assert shown in said, line
    english = Page(files["en/accessibility/index.html"].decode()).text
    assert "partially" in english
    assert "28\u00a0November 2026" in english or "28 November 2026" in english


def test_privacy_names_the_archives_that_can_be_asked() -> None:
    """Whoever gets an address when a visitor ticks a box is named, and nobody where there are none."""
    other = "https://antworten.firma.example/"
    files, _ = build(replace(SETTINGS, others=other))
    for path in ("privacy/index.html", "en/privacy/index.html"):
        assert other in Page(files[path].decode()).text
        assert "firma.example" not in Page(build()[0][path].decode()).text


@pytest.mark.parametrize("lacking", ["company", "address", "email", "privacy_host", "accessibility_checked"])
def test_half_filled_pages_are_not_published(lacking: str) -> None:
    """A page that lacks something is nowhere, not even as a link, and the owner is told which setting it needs."""
    files, advice = build(legal=replace(FILLED, **{lacking: ""}))
    missing = [name for name in LEGAL_PAGES if f"{name}/index.html" not in files]
    assert missing
    assert len(advice) == len(missing)
    assert all(f"legal.{lacking}" in line for line in advice)
    links = {
        link for path, content in files.items() if path.endswith(".html") for link in Page(content.decode()).links()
    }
    assert not [
        link for link in links for name in missing if link.rstrip("/").endswith(f"/{name}") or link == f"{name}/"
    ]
    _, all_advice = build(legal=LegalSettings())
    assert [line.split(":")[0] for line in all_advice] == list(LEGAL_PAGES)


def test_a_text_of_ones_own_stands_for_the_settings() -> None:
    """An owner's imprint in both languages is published without a setting; in one language it is not."""
    own = {"legal/imprint.de.html": "<p>Eigenes Impressum</p>", "legal/imprint.en.html": "<p>Own imprint</p>"}
    mine = replace(theme(), templates={**theme().templates, **own})
    files, _ = build(legal=LegalSettings(), of=mine)
    assert "Eigenes Impressum" in files["imprint/index.html"].decode()
    assert "Own imprint" in files["en/imprint/index.html"].decode()
    half = {**theme().templates, "legal/imprint.de.html": "<p>Nur deutsch</p>"}
    assert "imprint" not in plan_legal(LegalSettings(), half).pages


def test_a_site_in_ones_own_looks_has_no_flaw(tmp_path: Path) -> None:
    """Sign, colours, typeface and own styles are loaded from the site, in that order, and the policy lets them."""
    own = {
        "firma.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "firma.woff2": b"x",
        "custom.css": b"h1 { color: red }",
    }
    mine = replace(theme(), static={**theme().static, **own})
    site = replace(SETTINGS, logo="firma.svg", accent="#8a1538", font="firma.woff2")
    write_site(plan_site((make_session(),), site, mine, media_root=None, legal=FILLED), tmp_path)
    assert [str(flaw) for flaw in SiteCheck(tmp_path, site.url).find_flaws()] == []
    page = Page((tmp_path / "index.html").read_text())
    sheets = [one.attributes["href"] for one in page.all("link") if one.attributes.get("rel") == "stylesheet"]
    assert [sheet.split("?")[0] for sheet in sheets] == ["static/site.css", "static/brand.css", "static/custom.css"]
    (sign,) = page.all("img")
    assert sign.attributes["src"].startswith("static/firma.svg")
    (font,) = (one.attributes for one in page.all("link") if one.attributes.get("as") == "font")
    assert (font["href"], font["type"], "crossorigin" in font) == ("static/firma.woff2", "font/woff2", True)
    css = (tmp_path / "static/brand.css").read_text()
    assert "--accent: light-dark(#8a1538," in css
    assert 'url("firma.woff2") format("woff2")' in css
    assert "font-src 'self'" in (tmp_path / "_headers").read_text()


def drawing(attributes: str) -> bytes:
    """An SVG with these attributes."""
    return f"<svg xmlns='http://www.w3.org/2000/svg' {attributes}><rect width='9' height='9'/></svg>".encode()


def picture(width: int, height: int) -> bytes:
    """A PNG of that size."""
    file = BytesIO()
    Image.new("RGB", (width, height)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "width"),
    [
        ("a.svg", drawing("viewBox='0 0 120 32'"), 120),
        ("a.svg", drawing("viewBox='0,0,300,100' width='60px' height='40px'"), 48),
        ("a.svg", drawing("width='100%' height='100%' viewBox='-5 -5 10 20'"), 16),
        ("a.SVG", drawing("viewBox='0 0 7 0'"), 0),
        ("a.svg", drawing(""), 0),
        ("a.png", picture(64, 16), 128),
        ("a.jpg", picture(10, 320), 1),
    ],
)
def test_a_sign_has_its_place_before_it_is_there(name: str, content: bytes, width: int) -> None:
    """Pages say how wide the sign is at the height that it has, whatever it is drawn with; else they say nothing."""
    files, _ = build(replace(SETTINGS, logo=name), of=replace(theme(), static={**theme().static, name: content}))
    (sign,) = Page(files["index.html"].decode()).all("img")
    assert sign.attributes.get("width", "0") == str(width)
    assert sign.attributes["height"] == "32"


@pytest.mark.parametrize(("name", "content"), [("a.svg", b"<svg"), ("a.png", b"x"), ("a.svg", picture(1, 1))])
def test_a_sign_that_is_no_picture_is_refused(name: str, content: bytes) -> None:
    """An owner reads at once that his file is broken, and not from the first visitor."""
    with pytest.raises(BadInput, match=rf"site\.logo: {name} is no picture"):
        build(replace(SETTINGS, logo=name), of=replace(theme(), static={**theme().static, name: content}))


def test_the_shipped_looks_are_left_alone() -> None:
    """Without settings there is no further style sheet and no picture."""
    files, _ = build()
    assert "static/brand.css" not in files
    assert render_brand(SETTINGS) == b""
    assert not Page(files["index.html"].decode()).all("img")


@given(st.from_regex(r"#[0-9a-f]{6}", fullmatch=True))
def test_any_colour_stays_readable(colour: str) -> None:
    """Whatever is chosen, links and buttons keep the contrast that people need, or the choice is refused."""
    if contrast(colour, PAPER) < LEAST_CONTRAST:
        with pytest.raises(BadInput, match="choose a darker one"):
            render_brand(replace(SETTINGS, accent=colour))
        return
    css = render_brand(replace(SETTINGS, accent=colour)).decode()
    light, dark = re.findall(r"--accent: light-dark\((#\w{6}), (#\w{6})\)", css)[0]
    assert light == colour
    assert contrast(light, PAPER) >= LEAST_CONTRAST
    assert contrast(dark, DARK_PAPER) >= LEAST_CONTRAST
    assert contrast(ink_on(light), light) >= LEAST_CONTRAST
    assert contrast(ink_on(dark), dark) >= LEAST_CONTRAST


def test_contrast_is_that_of_the_standard() -> None:
    """Black on white is 21 to 1, and the papers are those of the theme's style sheet."""
    assert round(contrast("#000000", "#ffffff"), 6) == 21
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48
    assert f"--paper: light-dark({PAPER}, {DARK_PAPER})" in theme().static["site.css"].decode()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"accent": "red"}, "is no colour"),
        ({"accent": "#eeeeee"}, "has a contrast of"),
        ({"accent": "#8a1538", "accent_dark": "#222222"}, "choose a lighter one"),
        ({"logo": "weg.svg"}, "there is no weg.svg in site/static"),
        ({"font": "weg.woff2"}, "site.font"),
    ],
)
def test_looks_that_cannot_be_are_refused(changes: dict[str, str], said: str) -> None:
    """With the setting's name, the reason and what to do."""
    with pytest.raises(BadInput) as caught:
        plan_site((), replace(SETTINGS, **changes), theme(), media_root=None)
    assert said in str(caught.value)


def test_wrong_legal_settings_are_told() -> None:
    """A state that is none and a day that is none stand in the list of problems."""
    with pytest.raises(BadConfig) as caught:
        parse_settings('[legal]\naccessibility_state = "good"\naccessibility_checked = "heute"\n', {})
    assert {line.split(":")[0] for line in caught.value.problems} == {
        "legal.accessibility_state",
        "legal.accessibility_checked",
    }
