"""Pages: what a browser gets of the texts that people wrote."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import jinja2
from hypothesis import example, given
from hypothesis import strategies as st
from markupsafe import Markup

from streamhub.archive.markdown import cut_text
from streamhub.archive.pages import encode_text, load_phrases, make_environment
from streamhub.archive.theme import load_theme
from streamhub.archive.xml import xml_text

ANY = st.text(st.characters(), max_size=60)


def is_noncharacter(letter: str) -> bool:
    return 0xFDD0 <= ord(letter) <= 0xFDEF or ord(letter) & 0xFFFE == 0xFFFE


@given(ANY)
@example("\x85 Straße – 100 % \ufdd0\U0001fffe\uffff\U0010ffff「神」\ufdf0")
@example("Grüße aus Köln: „ja“ \xa0§ 5 🎤\x07")
def test_pages_hold_everything_but_what_html_forbids(text: str) -> None:
    """Controls, noncharacters and halves of letters go or become a question mark; every other letter stays."""
    kept = "".join("?" if "\ud800" <= letter <= "\udfff" else letter for letter in text if not is_forbidden(letter))
    assert encode_text(text) == kept.encode()


def is_forbidden(letter: str) -> bool:
    return (unicodedata.category(letter) == "Cc" and letter not in "\t\n\r") or is_noncharacter(letter)


@given(ANY)
@example("a\r\nb\x0b\x85\ufffe\ud800\U0001fffe")
def test_feeds_hold_everything_but_what_xml_forbids(text: str) -> None:
    """What XML 1.0 has no place for goes, and carriage returns with it; every other letter stays."""
    low = {letter for letter in map(chr, range(0x20)) if letter not in "\t\n"}
    kept = [letter for letter in text if letter not in low | {"\x7f", "\ufffe", "\uffff"}]
    assert xml_text(text) == "".join(letter for letter in kept if not "\ud800" <= letter <= "\udfff")


@given(st.text(st.sampled_from("aä ,–\n\t"), max_size=80), st.integers(4, 30))
@example("a" + " " * 60 + "b", 8)
def test_a_long_text_is_cut_like_its_whole(text: str, max_length: int) -> None:
    """A text that fits stays whole; of a longer one the beginning stays, at most so long, and an ellipsis tells."""
    flat = " ".join(text.split())
    cut = cut_text(text, max_length=max_length)
    if len(flat) <= max_length:
        assert cut == flat
    else:
        head = cut.removesuffix("\u00a0…")
        assert head != cut
        assert flat.startswith(head)
        assert len(head) < max_length


PHRASES = """{{ _("Search") }}|{{ _("Question from %(name)s", name=one) }}
{{ _("%(num)s %% of %(name)s", num=2, name=two) }}
{{ _("%(length)s, from %(time)s of the recording", length=one|upper, time=two) }}|{{ _(one, name=two) if false }}
{{ ngettext("%(num)s vote", "%(num)s votes", texts|length) }}|{{ texts|join(", ") }}
{{ texts|join(two) }}|{{ []|join }}"""
TEXTS = st.lists(st.one_of(ANY, ANY.map(Markup.escape), st.just("<b>&'")), min_size=2, max_size=4)


OWN = replace(load_theme(), templates={**load_theme().templates, "own.html": PHRASES})
"""The shipped theme with one template more."""


@given(TEXTS, st.sampled_from(["de", "en"]))
@example(["<script>", "%(name)s %s 100 %"], "de")
def test_templates_say_what_plain_jinja_would(texts: list[str], language: str) -> None:
    """Phrases that are put together when a template is compiled, and texts that are joined: the same words, escaped."""
    plain = jinja2.Environment(autoescape=True, extensions=["jinja2.ext.i18n"], undefined=jinja2.StrictUndefined)
    plain.install_gettext_translations(load_phrases(OWN, language), newstyle=True)  # type: ignore[attr-defined]
    values = {"texts": texts, "one": texts[0], "two": texts[1]}
    ours = make_environment(OWN, language=language).get_template("own.html").render(values)
    assert ours == plain.from_string(PHRASES).render(values)
