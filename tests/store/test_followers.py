"""Followers: one promise per address and question, so many in a day, deleted when it is kept."""

import os
from datetime import timedelta

import pytest

from streamhub.errors import BadInput, Conflict, NotFound, TooMany
from streamhub.keepers.telling import HubTelling
from streamhub.questions.follower import MOST_A_DAY, FollowerKind
from streamhub.store import followers
from streamhub.store.questions import load_question
from streamhub.text import clean_email


def make_telling(store, clock):
    return HubTelling(store=store, offered=True, now=clock, random=os.urandom)


async def test_a_promise_is_kept_once(store, sample, clock):
    """The same address follows a question once, however it is written."""
    await store.write(sample.fill("q1"))
    telling = make_telling(store, clock)
    for email in ("Ada@Example.org", " ada@example.org ", "ADA@EXAMPLE.ORG"):
        await telling.follow("q1", email, "de", FollowerKind.ASKER, voter="v1")
    untold = await store.read(followers.list_untold)
    assert [(one.email, one.kind, one.voter) for one in untold] == [("ada@example.org", FollowerKind.ASKER, "v1")]


async def test_an_address_is_no_target(store, sample, clock):
    """One address is promised so many mails in a day and no more; another one still gets its own; the next day too."""
    await store.write(sample.fill(*(f"q{n}" for n in range(MOST_A_DAY + 1))))
    telling = make_telling(store, clock)
    for number in range(MOST_A_DAY):
        await telling.follow(f"q{number}", "ada@example.org", "de", FollowerKind.ME_TOO)
    with pytest.raises(TooMany):
        await telling.follow(f"q{MOST_A_DAY}", "ada@example.org", "de", FollowerKind.ME_TOO)
    await telling.follow(f"q{MOST_A_DAY}", "bob@example.org", "de", FollowerKind.ME_TOO)
    clock.instant += timedelta(days=1)
    await telling.follow(f"q{MOST_A_DAY}", "ada@example.org", "de", FollowerKind.ME_TOO)


async def test_what_cannot_be_followed(store, sample, clock):
    """An unknown question, an erased one, a language we do not speak and no address are refused."""
    await store.write(sample.fill("q1"))
    telling = make_telling(store, clock)
    with pytest.raises(NotFound):
        await telling.follow("q9", "ada@example.org", "de", FollowerKind.ASKER)
    with pytest.raises(BadInput):
        await telling.follow("q1", "ada@example.org", "fr", FollowerKind.ASKER)
    with pytest.raises(BadInput):
        await telling.follow("q1", "ada", "de", FollowerKind.ASKER)
    await store.write(lambda db: db.execute("update questions set text = '' where id = 'q1'").rowcount)
    with pytest.raises(Conflict):
        await telling.follow("q1", "ada@example.org", "de", FollowerKind.ASKER)


async def test_addresses_are_forgotten(store, sample, clock):
    """An address goes some days after it was told, and at last when it never was; the row without it stays."""
    await store.write(sample.fill("q1", "q2"))
    telling = make_telling(store, clock)
    for question in ("q1", "q2"):
        await telling.follow(question, "ada@example.org", "de", FollowerKind.ASKER)
    first = (await store.read(followers.list_untold))[0]
    told_at = clock()
    await store.write(lambda db: followers.mark_told(db, first.id, about="q1", at=told_at))
    long_ago = told_at - timedelta(days=300)
    forget = lambda db: followers.forget_addresses(db, told_before=told_at, made_before=long_ago)  # noqa: E731
    assert await store.write(forget) == 0
    later = told_at + timedelta(seconds=1)
    assert await store.write(lambda db: followers.forget_addresses(db, told_before=later, made_before=long_ago)) == 1
    kept = await store.read(lambda db: followers.find_follower(db, first.id))
    assert (kept.email, kept.told_at) == ("", told_at)
    assert await store.write(lambda db: followers.forget_addresses(db, told_before=later, made_before=later)) == 1


async def test_merged_questions_lead_to_what_stands_for_them(store, sample, clock):
    """A merged question is resolved to its target, over several steps, and a ring of them ends somewhere."""
    await store.write(sample.fill("q1", "q2", "q3"))

    def merge(db):
        for source, target in (("q1", "q2"), ("q2", "q3")):
            db.execute("update questions set merged_into = ? where id = ?", [target, source])

    await store.write(merge)
    found = await store.read(lambda db: followers.resolve_merged(db, load_question(db, "q1")))
    assert found.id == "q3"
    await store.write(lambda db: db.execute("update questions set merged_into = 'q1' where id = 'q3'").rowcount)
    assert await store.read(lambda db: followers.resolve_merged(db, load_question(db, "q1")))


async def test_a_browser_finds_its_questions(store, sample, clock):
    """What a browser asked is found again by it and by no other; the first claim stays."""
    await store.write(sample.fill("q1", "q2"))
    for voter in ("v1", "v2", ""):
        await store.write(lambda db, voter=voter: followers.claim_question(db, "q1", voter, at=clock()))
    mine = await store.read(lambda db: followers.list_claimed(db, "v1"))
    assert [question.id for question in mine] == ["q1"]
    assert await store.read(lambda db: followers.list_claimed(db, "v2")) == []
    assert await store.read(lambda db: followers.find_claimant(db, "q2")) == ""


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Ada.L+hub@Example.ORG", "ada.l+hub@example.org"),
        ("  ada@sub.example.co.uk\n", "ada@sub.example.co.uk"),
        ("ada@müller.example", "ada@xn--mller-kva.example"),
    ],
)
def test_addresses_are_normalised(typed, kept):
    """An address is kept in one way however it was typed."""
    assert clean_email(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "", "ada", "@example.org", "ada@", "ada@localhost", "ada@example..org", "a b@example.org", ".ada@example.org",
        "ada@127.0.0.1", "ada@[127.0.0.1]", "ada@example.org\nBcc: eve@example.org", "ada@example.org, eve@example.org",
        "Ada <ada@example.org>", '"a b"@example.org', "ada@exa_mple.org", "ä@example.org", "a" * 65 + "@example.org",
        "ada@" + "a" * 64 + ".org", "ada@" + "a." * 130 + "org", "ada@example.org%0abcc:eve", "a@b@c.org", "ada@-a.org",
        "ada\x00@example.org", "ada@example\r\n.org", "ada@example.123",
    ],
)  # fmt: skip
def test_what_is_no_address(typed):
    """What mail servers would not take, or would take for more than one address, is refused."""
    with pytest.raises(BadInput):
        clean_email(typed)
