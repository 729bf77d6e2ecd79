"""Pages: what a browser gets of the texts that people wrote."""

from __future__ import annotations

import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from streamhub.archive.markdown import cut_text
from streamhub.archive.pages import encode_text
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
