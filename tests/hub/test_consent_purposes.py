"""Consent by purpose through the whole hub: what somebody says behind the link reaches archive, site, clips, embeds."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streamhub.answered import AnsweredFolder
from streamhub.archive.folder import load_session
from streamhub.errors import NoConsent
from streamhub.recording.workflow import import_media
from streamhub.schedule.invitation import ConsentWord, Purpose
from streamhub.schedule.people import Person
from streamhub.schedule.show import Participant, Publishing, Role, Show
from streamhub.store import invitations, people
from streamhub.store import shows as show_rows
from tests.hub.test_clips import film, on_disk, on_site
from tests.hub.test_gate import embedded, everywhere, gate_of, page, publish
from tests.hub.test_seams import SESSION, START, WORDS, answers_of, finish, folder, hold_session, open_parts, settle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from streamhub.app import Parts

__all__ = ["film", "folder"]  # fixtures

ADA, BOB = Person(id="ada", name="Ada Grünkohl", about="Leiterin Netz"), Person(id="bob", name="Bob Zwieback")
PEOPLE = {"router": "Ada Grünkohl", "bill": "Bob Zwieback"}


@asynccontextmanager
async def held(
    folder: Path,
    film: Path | None = None,
    *,
    publishing: Publishing = Publishing.REVIEW,
    early: dict[str, bool] | None = None,
) -> AsyncIterator[Parts]:
    """A hub with a session in review, in which Ada answers one question and Bob the other; both were invited."""
    lines = ["WEBVTT", ""]
    for number, (key, sentences) in enumerate(WORDS.items()):
        said = [sentences[0], f"{sentences[1]} Das sagt {PEOPLE[key]}."]
        for turn, sentence in enumerate(said):
            at_s = 30 * number + 1 + 10 * turn
            arrow = f"00:00:{at_s:02}.000 --> 00:00:{at_s + 9:02}.000"
            lines += [arrow, f"<v {PEOPLE[key]}>{sentence}", ""]
    captions = folder / "said.vtt"
    captions.write_text("\n".join(lines), "utf-8")
    everybody = tuple(Participant(name=one.name, role=Role.EXPERT, about=one.about) for one in (ADA, BOB))
    async with open_parts(folder) as parts:
        await hold_session(parts, replace(SESSION, participants=everybody))

        def save(db: object) -> None:
            show_rows.save_show(db, Show(id="runde", title="Runde", publishing=publishing))  # type: ignore[arg-type]
            for one in (ADA, BOB):
                people.save_person(db, one)  # type: ignore[arg-type]
                invitations.invite(db, SESSION.id, one.id, Role.EXPERT, at=START, author="")  # type: ignore[arg-type]

        await parts.store.write(save)
        for purpose, given in (early or {}).items():
            await say(parts, "bob", **{purpose: given})
        if film is not None:
            await import_media(parts.room, film, SESSION.id)
        await finish(parts, captions)
        yield parts


async def say(parts: Parts, person_id: str, **said: bool) -> None:
    """As if the person had answered behind the link."""
    person = {one.id: one for one in (ADA, BOB)}[person_id]
    words = [
        ConsentWord(purpose=Purpose(one), given=given, text_version="1", at=parts.now()) for one, given in said.items()
    ]
    await parts.store.write(lambda db: invitations.save_words(db, SESSION.id, person, words))
    await gate_of(parts).follow_words(SESSION.id)
    await settle(parts)


async def test_who_refuses_the_name_is_named_nowhere(folder: Path) -> None:
    """The role stands in its place on every page, feed, index, export and embed; a later yes brings the name back."""
    async with held(folder) as parts:
        for one in WORDS:
            await publish(parts, one)
        assert everywhere(folder).count("Grünkohl".encode()) > 5
        await say(parts, "ada", name=False)
        site = everywhere(folder)
        for trace in ("Grünkohl", "Gr\\u00fcnkohl", "grünkohl", "gruenkohl", "Leiterin Netz"):
            assert trace.encode() not in site, trace
        assert b"Fachperson" in site
        assert b"Zwieback" in site
        assert "Fachperson" in page(folder, "router")
        assert not (folder / "public" / "people" / "fachperson").exists(), "a role is no person with a page"
        listed = await answers_of(parts).list(SESSION.id)
        assert [one.answerers for one in listed] == [("Fachperson",), ("Bob Zwieback",)], "for the hub's own pages"
        known = AnsweredFolder(folder / "transcripts").look() or {}
        assert known["router"].answer.answerers == ("Fachperson",), "for who asks the same again"
        archived = load_session(folder / "transcripts", "runde", SESSION.id)
        assert archived.unnamed == ("Ada Grünkohl",)
        assert archived.participants[0].name == "Ada Grünkohl", "hosts go on correcting with names"
        await say(parts, "ada", name=True)
        assert "Grünkohl".encode() in everywhere(folder)


async def test_a_refusal_outlives_the_person(folder: Path) -> None:
    """Who is deleted from the hub's people stays unnamed and unpublished where he said no."""
    async with held(folder) as parts:
        await publish(parts, "router")
        await say(parts, "ada", name=False)
        await say(parts, "bob", recording=False)
        for one in (ADA, BOB):
            await parts.store.write(lambda db, one=one: people.delete_person(db, one.id))  # type: ignore[misc]
        await publish(parts, "router")
        assert "Grünkohl".encode() not in everywhere(folder)
        with pytest.raises(NoConsent, match="Bob Zwieback"):
            await answers_of(parts).publish(SESSION.id, "bill", author="host")


async def test_no_clips_of_who_refuses_them(folder: Path, film: Path) -> None:
    """A clip that is there goes from site and disk, a new one is refused by name; others keep theirs."""
    async with held(folder, film) as parts:
        for one in WORDS:
            await publish(parts, one)
        await parts.clips.order(SESSION.id, [], author="host")
        await settle(parts)
        assert {name.partition("/")[0] for name in on_site(folder)} == {"router", "bill"}
        await say(parts, "ada", clips=False)
        assert {name.partition("/")[0] for name in on_site(folder)} == {"bill"}
        assert not [name for name in on_disk(folder) if name.startswith("router")]
        with pytest.raises(NoConsent, match="Ada Grünkohl"):
            await parts.clips.order(SESSION.id, ["router"], author="host")
        assert embedded(folder) == {"router", "bill"}, "the answer itself stays"
        await say(parts, "ada", clips=True)
        await parts.clips.order(SESSION.id, ["router"], author="host")
        await settle(parts)
        assert {name.partition("/")[0] for name in on_site(folder)} == {"router", "bill"}


async def test_a_refused_name_is_in_no_clip(folder: Path, film: Path) -> None:
    """Captions and names of a clip that was made before are made anew without the name."""
    async with held(folder, film) as parts:
        await publish(parts, "router")
        await parts.clips.order(SESSION.id, ["router"], author="host")
        await settle(parts)
        assert "Grünkohl" in on_site(folder)["router/clip.vtt"].read_text("utf-8")
        await say(parts, "ada", name=False)
        captions = on_site(folder)["router/clip.vtt"].read_text("utf-8")
        assert "Grünkohl" not in captions
        assert "Fachperson" in captions


async def test_taking_back_the_recording_takes_the_answer_back(folder: Path) -> None:
    """A no by link withdraws what is public with that voice, alone; a host's yes cannot bring it back."""
    async with held(folder) as parts:
        for one in WORDS:
            await publish(parts, one)
        await say(parts, "bob", transcript=False)
        assert embedded(folder) == {"router"}
        assert WORDS["bill"][1].encode() not in everywhere(folder)
        await gate_of(parts).note_consent(SESSION.id, "Bob Zwieback", "bill", given=True, author="host")
        with pytest.raises(NoConsent, match="Bob Zwieback"):
            await answers_of(parts).publish(SESSION.id, "bill", author="host")
        await say(parts, "bob", transcript=True, recording=True)
        await publish(parts, "bill")
        assert embedded(folder) == {"router", "bill"}


async def test_a_show_that_publishes_by_itself_minds_a_no(folder: Path) -> None:
    """What somebody refused before the session is not published by the hub either."""
    async with held(folder, publishing=Publishing.AUTO, early={"recording": False}) as parts:
        await settle(parts)
        assert embedded(folder) == {"router"}
        assert WORDS["bill"][1].encode() not in everywhere(folder)


async def test_a_show_that_asks_waits_for_each_purpose(folder: Path) -> None:
    """Where consent is needed silence publishes nothing, and a yes to the recording alone is no yes to the name."""
    async with held(folder, publishing=Publishing.CONSENT) as parts:
        with pytest.raises(NoConsent, match="Ada Grünkohl"):
            await answers_of(parts).publish(SESSION.id, "router", author="host")
        await say(parts, "ada", recording=True, transcript=True)
        await publish(parts, "router")
        assert embedded(folder) == {"router"}
        assert "Grünkohl".encode() not in everywhere(folder)
        await say(parts, "ada", name=True)
        assert "Grünkohl".encode() in everywhere(folder)


async def test_silence_outlives_the_person_too(folder: Path) -> None:
    """Where consent is needed, who said nothing about his name does not get named by being deleted."""
    async with held(folder, publishing=Publishing.CONSENT) as parts:
        await say(parts, "ada", recording=True, transcript=True)
        await parts.store.write(lambda db: people.delete_person(db, "ada"))
        await publish(parts, "router")
        assert embedded(folder) == {"router"}
        assert "Grünkohl".encode() not in everywhere(folder)
