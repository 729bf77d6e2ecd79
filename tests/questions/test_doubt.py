"""Doubts: what makes a person look first, and what does not."""

from __future__ import annotations

import pytest

from streamhub.questions.doubt import Doubt, VoteDoubt, count_links, decide_doubt, decide_vote_doubt


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("Warum ist mein Router tot? Gestern ging er noch.", 0),
        ("Siehe https://example.org/a und www.example.org", 2),
        ("http://a.example http://b.example, http://c.example", 3),
        ("Version 2.4.1 auf example.com", 0),
        ("buy at pills.shop/now and casino.xyz/win", 2),
        ("Ich nutze z.B. node.js/express", 0),
    ],
)
def test_links_are_counted(text: str, links: int) -> None:
    """Addresses of pages count, versions and abbreviations do not."""
    assert count_links(text) == links


@pytest.mark.parametrize(
    ("text", "name", "flags", "doubt"),
    [
        ("Eine Frage?", "Ada", {}, Doubt.NONE),
        ("Eine Frage zu https://a.example und https://b.example?", "", {}, Doubt.NONE),
        ("https://a.example https://b.example https://c.example", "", {}, Doubt.LINKS),
        ("Eine Frage?", "https://spam.example", {}, Doubt.LINKS),
        ("Eine Frage?", "", {"trapped": True, "flooded": True}, Doubt.TRAP),
        ("Eine Frage?", "", {"repeated": True}, Doubt.REPEATED),
        ("Eine Frage?", "", {"flooded": True}, Doubt.FLOOD),
    ],
)
def test_questions_in_doubt(text: str, name: str, flags: dict[str, bool], doubt: Doubt) -> None:
    """Two links are a question, three are advertising; the first reason is the one that is kept."""
    given = {"trapped": False, "repeated": False, "flooded": False, **flags}
    assert decide_doubt(text, name, **given) is doubt


@pytest.mark.parametrize(
    ("newcomers_over", "forged", "address_over", "doubt"),
    [
        (False, False, False, VoteDoubt.NONE),
        (False, True, False, VoteDoubt.NONE),
        (True, False, False, VoteDoubt.NEWCOMERS),
        (True, True, True, VoteDoubt.FORGED),
        (False, False, True, VoteDoubt.ADDRESS),
    ],
)
def test_votes_in_doubt(newcomers_over: bool, forged: bool, address_over: bool, doubt: VoteDoubt) -> None:
    """One forged cookie is a newcomer like any other; many at once are in doubt."""
    assert decide_vote_doubt(newcomers_over=newcomers_over, forged=forged, address_over=address_over) is doubt
