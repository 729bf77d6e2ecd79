"""The gate before the public, seen in the built site: consent, succession, addenda and withdrawal reach every file."""

from __future__ import annotations

import gzip
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import feedparser
import pytest

from streamhub.answers.answer import AnswerState
from streamhub.archive.corrections import plan_addendum
from streamhub.archive.folder import load_session
from streamhub.errors import Conflict, NoConsent, NotFound
from streamhub.publishing import HubGate
from streamhub.reviewing import HubReview
from streamhub.schedule.show import Publishing, Show
from streamhub.store import shows as show_rows
from tests.hub.test_seams import SESSION, WORDS, answers_of, finish, folder, hold_session, open_parts, settle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from streamhub.app import Parts

__all__ = ["folder"]  # a fixture

HOST, EXPERT, CUSTOMER = "Jana Weber", "Ali Demir", "Käthe Öl"
SPEAKERS = {"router": (HOST, EXPERT), "bill": (CUSTOMER, EXPERT)}


@asynccontextmanager
async def reviewed(folder: Path, publishing: Publishing) -> AsyncIterator[Parts]:
    """A hub with a session of two answers in review, in each of which two people are to be heard."""
    lines = ["WEBVTT", ""]
    for number, (key, sentences) in enumerate(WORDS.items()):
        for turn, sentence in enumerate(sentences):
            at_s = 30 * number + 1 + 10 * turn
            arrow = f"00:00:{at_s:02}.000 --> 00:00:{at_s + 9:02}.000"
            lines += [arrow, f"<v {SPEAKERS[key][turn]}>{sentence}", ""]
    captions = folder / "said.vtt"
    captions.write_text("\n".join(lines), "utf-8")
    async with open_parts(folder) as parts:
        await hold_session(parts)
        show = Show(id="runde", title="Runde", publishing=publishing)
        await parts.store.write(lambda db: show_rows.save_show(db, show))
        await finish(parts, captions)
        yield parts


def gate_of(parts: Parts) -> HubGate:
    return HubGate(store=parts.store, transcripts=parts.workspace.transcripts, now=parts.now)


async def publish(parts: Parts, answer_id: str) -> None:
    await answers_of(parts).publish(SESSION.id, answer_id, author="host")
    await settle(parts)


def page(folder: Path, answer_id: str) -> str:
    """The page of an answer; empty where there is none."""
    found = next((folder / "public" / "a").glob(f"{answer_id}-*/index.html"), None)
    return found.read_text("utf-8") if found else ""


def fed(folder: Path) -> list[str]:
    """The questions in the feed."""
    return [entry.title for entry in feedparser.parse((folder / "public" / "feed.xml").read_bytes()).entries]


def everywhere(folder: Path) -> bytes:
    """Every byte of the site, packed ones unpacked: what is not in it is nowhere."""
    texts = []
    for path in sorted((folder / "public").rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            texts.append(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    return b"\n".join(texts)


def embedded(folder: Path) -> set[str]:
    """The answers that programs and embeds can fetch."""
    return {path.stem for path in (folder / "public").rglob("answers/*.json")}


async def test_nothing_is_published_without_consent(folder: Path) -> None:
    """In a show that asks, each voice has to agree, to the answer or to the session; then it is published."""
    async with reviewed(folder, Publishing.CONSENT) as parts:
        gate, answers = gate_of(parts), answers_of(parts)
        with pytest.raises(NoConsent) as refused:
            await publish(parts, "bill")
        assert set(refused.value.names) == {CUSTOMER, EXPERT}
        await gate.note_consent(SESSION.id, EXPERT, "", given=True, author="host")
        await gate.note_consent(SESSION.id, CUSTOMER.upper(), "bill", given=True, author="host")
        assert list(await answers.publish_drafts(SESSION.id, ["router", "bill"], author="host")) == ["bill"]
        await settle(parts)
        assert page(folder, "bill")
        assert not page(folder, "router")
        assert WORDS["router"][1].encode() not in everywhere(folder)
        with pytest.raises(NoConsent, match=HOST):
            await answers.publish_drafts(SESSION.id, ["router"], author="host")
        archived = load_session(folder / "transcripts", "runde", SESSION.id)
        view = await gate.consents(archived, "router")
        assert (view.needed, view.missing) == (True, (HOST,))


@pytest.mark.parametrize("publishing", [Publishing.REVIEW, Publishing.CONSENT])
async def test_a_no_takes_a_voice_out_of_the_public(folder: Path, publishing: Publishing) -> None:
    """Who takes consent back is gone from page, feed, index and transcript at once, in every kind of show."""
    async with reviewed(folder, publishing) as parts:
        gate = gate_of(parts)
        for name in (HOST, EXPERT, CUSTOMER):
            await gate.note_consent(SESSION.id, name, "", given=True, author="host")
        await publish(parts, "router")
        await publish(parts, "bill")
        assert embedded(folder) == {"router", "bill"}
        gone = await gate.note_consent(SESSION.id, CUSTOMER, "", given=False, author="host")
        await settle(parts)
        assert list(gone) == ["bill"]
        assert fed(folder) == [WORDS["router"][0]]
        assert embedded(folder) == {"router"}
        assert WORDS["bill"][1].encode() not in everywhere(folder)
        assert not page(folder, "bill")
        with pytest.raises(NoConsent):
            await publish(parts, "bill")
        await gate.note_consent(SESSION.id, CUSTOMER, "bill", given=True, author="host")
        await publish(parts, "bill")
        assert page(folder, "bill")


async def test_a_newer_answer_takes_the_place_of_an_older_one(folder: Path) -> None:
    """Both pages say so, the old words are nowhere any more, and publishing the old one again takes it back."""
    async with reviewed(folder, Publishing.REVIEW) as parts:
        gate = gate_of(parts)
        with pytest.raises(Conflict):
            await gate.supersede(SESSION.id, "router", "bill", author="host")
        await publish(parts, "router")
        with pytest.raises(Conflict, match="cannot take the place"):
            await gate.supersede(SESSION.id, "router", "bill", author="host")
        await publish(parts, "bill")
        assert [one.answer_id for one in await gate.successors(SESSION.id, "router")] == ["bill"]
        with pytest.raises(NotFound):
            await gate.supersede("2027-01-01-x", "router", "bill", author="host")
        await gate.supersede(SESSION.id, "router", "bill", author="host")
        await settle(parts)
        found = {one.id: one for one in load_session(folder / "transcripts", "runde", SESSION.id).answers}
        assert (found["router"].state, found["router"].superseded_by) == (AnswerState.SUPERSEDED, "bill")
        old, new = page(folder, "router"), page(folder, "bill")
        assert "Zu dieser Frage gibt es eine neuere Antwort" in old
        assert "/bill-" in old
        assert "Diese Antwort tritt an die Stelle einer früheren" in new
        assert "/router-" in new
        assert fed(folder) == [WORDS["bill"][0]]
        assert embedded(folder) == {"bill"}
        await publish(parts, "router")
        assert embedded(folder) == {"router", "bill"}
        assert "früheren" not in page(folder, "bill")
        again = load_session(folder / "transcripts", "runde", SESSION.id).answers
        assert {one.superseded_by for one in again} == {""}


async def test_an_addendum_stands_beside_what_was_said(folder: Path) -> None:
    """What a reviewer adds in writing is on the page, in the feed, in the Markdown and in the index, until it goes."""
    async with reviewed(folder, Publishing.REVIEW) as parts:
        await publish(parts, "bill")
        review = HubReview(parts.store, folder / "transcripts", parts.pipeline.archive_lock, parts.now)
        text = "Seit Mai gilt: **Zwetschgenmus**."
        made = await review.edit(SESSION.id, lambda a: plan_addendum(a, "bill", text), {}, author="host")
        assert made is not None
        await settle(parts)
        assert "<strong>Zwetschgenmus</strong>" in page(folder, "bill")
        assert WORDS["bill"][1] in page(folder, "bill")
        assert "Zwetschgenmus" in (folder / "public" / "feed.xml").read_text("utf-8")
        markdown = next((folder / "public" / "a").glob("bill-*/answer.md")).read_text("utf-8")
        assert text in markdown
        fragment = next((folder / "public").rglob("answers/bill.json")).read_bytes()
        assert b"Zwetschgenmus" in fragment
        await review.undo(SESSION.id, made.id, author="host")
        await settle(parts)
        assert b"Zwetschgenmus" not in everywhere(folder)


async def test_a_chain_of_answers_leads_to_its_last(folder: Path) -> None:
    """An answer whose successor was superseded itself leads to the one that holds."""
    from streamhub.archive.library import plan_library
    from streamhub.archive.sources import Readings, hold

    async with reviewed(folder, Publishing.REVIEW):
        archived = load_session(folder / "transcripts", "runde", SESSION.id)
    first, second = archived.answers
    third = replace(first, id="new", slug="neu", ranges=(), body="Neu.", state=AnswerState.PUBLISHED)
    chain = (
        replace(first, state=AnswerState.SUPERSEDED, superseded_by=second.id),
        replace(second, state=AnswerState.SUPERSEDED, superseded_by="new"),
        third,
    )
    reader = Readings(title="", code="")
    library = plan_library(reader.read([hold(replace(archived, answers=chain))]))
    assert [library.successor_of(one.id) for one in chain[:2]] == [library.answers["new"]] * 2
    assert [one.id for one in library.replaced["new"]] == [first.id, second.id]
    circle = (
        replace(first, state=AnswerState.SUPERSEDED, superseded_by=second.id),
        replace(second, state=AnswerState.SUPERSEDED, superseded_by=first.id),
    )
    closed = plan_library(reader.read([hold(replace(archived, answers=circle))]))
    assert [closed.successor_of(one.id) for one in circle] == [None, None]
