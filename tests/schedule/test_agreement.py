"""Agreement by person and purpose, and how somebody is shown who does not want to be named."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub.answers.consent import Consent, decide_word, list_missing
from streamhub.schedule.agreement import Voice, find_voices, list_lacking, person_key, plan_shown
from streamhub.schedule.event import Event
from streamhub.schedule.invitation import ConsentWord, Purpose
from streamhub.schedule.masks import Masker, is_mask, plan_masks
from streamhub.schedule.public import plan_public_event, plan_public_session
from streamhub.schedule.show import Participant, Role, Session, Show

SHOW = Show(id="r", title="Runde")
AT = datetime(2027, 3, 1, tzinfo=UTC)
ADA = Participant(name="Ada Weber", role=Role.EXPERT, about="Leiterin Netz, Netz AG")


def voice(person_id: str = "ada", shown_as: str = "", **said: bool) -> Voice:
    name = "Ada Weber"
    words = {
        Purpose(one): ConsentWord(purpose=Purpose(one), given=given, text_version="1", at=AT)
        for one, given in said.items()
    }
    return Voice(person_id=person_id, name=name, shown_as=shown_as or name, words=words)


def noted(given: bool, answer_id: str = "") -> Consent:
    return Consent(name="Ada Weber", answer_id=answer_id, given=given, at=AT, author="host")


BOTH = {"recording": True, "transcript": True}


def test_a_no_of_either_side_is_a_no() -> None:
    """A host's yes does not outweigh what the person said behind the link, nor the other way round."""
    refusing, agreeing = voice(recording=False), voice(**BOTH)
    assert decide_word("Ada Weber", "q1", [noted(True)], [refusing]) is False
    assert decide_word("Ada Weber", "q1", [noted(True, "q1")], [refusing]) is False
    assert decide_word("Ada Weber", "q1", [noted(False)], [agreeing]) is False
    assert decide_word("ADA  weber", "q1", [], [agreeing]) is True
    assert decide_word("Ada Weber", "q1", [], [voice(recording=True)]) is None
    assert decide_word("Ada Weber", "q1", [noted(True)], [voice()]) is True
    assert decide_word("Bob", "q1", [], [agreeing]) is None


def test_two_guests_of_one_name_share_no_consent() -> None:
    """A name that two share agrees only when both do; the name that tells them apart is one person's."""
    one = voice("a", shown_as="Ada Weber (Netz AG)", **BOTH)
    other = voice("b", shown_as="Ada Weber (Strom GmbH)")
    assert decide_word("Ada Weber (Netz AG)", "q1", [], [one, other]) is True
    assert decide_word("Ada Weber (Strom GmbH)", "q1", [], [one, other]) is None
    assert decide_word("Ada Weber", "q1", [], [one, other]) is None
    assert decide_word("Ada Weber", "q1", [noted(True)], [one, other]) is None, "of which of the two?"
    assert decide_word("Ada Weber", "q1", [noted(True, "q1")], [one, other]) is True, "a host listened to it"
    names = ["Ada Weber (Netz AG)", "Ada Weber"]
    assert list_missing(names, "q1", [], needed=True, voices=[one, other]) == ("Ada Weber",)
    assert list_missing(names, "q1", [], needed=False, voices=[one, other]) == ()
    assert [found.person_id for found in find_voices("Ada Weber", [one, other])] == ["a", "b"]


def test_a_title_changes_nobody() -> None:
    """What stands beside a name on the review page takes nothing of the person's consent away."""
    refusing = voice(recording=False, name=False)
    assert decide_word("Dr. Ada Weber", "q1", [], [refusing]) is False
    assert decide_word("Ada Weberin", "q1", [], [refusing]) is None
    names = ["Dr. Ada Weber", "Bob"]
    assert list_lacking([refusing], Purpose.NAME, needed=False, names=names) == ("Ada Weber", "Dr. Ada Weber")
    masks = plan_masks([ADA], ["Ada Weber", "Dr. Ada Weber"], "de")
    assert set(masks.values()) == {"Fachperson"}


def test_silence_counts_only_where_consent_is_needed() -> None:
    """Who was asked and said nothing lacks a purpose where the show asks; who is not asked any more does not."""
    silent, gone = voice(), Voice(person_id="x", name="X", shown_as="X", asked=False)
    assert list_lacking([silent, gone], Purpose.CLIPS, needed=True) == ("Ada Weber",)
    assert list_lacking([silent, gone], Purpose.CLIPS, needed=False) == ()
    assert list_lacking([voice(clips=False)], Purpose.CLIPS, needed=False) == ("Ada Weber",)
    assert silent.silent == tuple(Purpose)
    assert voice(live=False).refused == (Purpose.LIVE,)


@given(
    st.lists(
        st.tuples(st.uuids().map(str), st.sampled_from(["Ada", "ada ", "Bob"]), st.sampled_from(["", "A", "B"])),
        unique_by=lambda person: person[0],
        max_size=8,
    )
)
def test_names_tell_people_apart(people: list[tuple[str, str, str]]) -> None:
    """However many share a name and an organisation, no two are shown alike, and who is alone keeps his name."""
    shown = plan_shown(people)
    assert len({person_key(name) for name in shown.values()}) == len(people)
    for person_id, name, _ in people:
        alone = [person_key(other) for _, other, _ in people].count(person_key(name)) == 1
        assert (shown[person_id] == name) == alone


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Ada Weber sagt es.", "Fachperson sagt es."),
        ("Das hat ada  weber gesagt", "Das hat Fachperson gesagt"),
        ("Frau Weber, bitte", "Fachperson, bitte"),
        ("Herr Dr. Weber und Dr. Webers Router", "Fachperson und Fachperson Router"),
        ("Webermann und die Weber bleiben", "Webermann und die Weber bleiben"),
        ("Danke, Ada!", "Danke, Ada!"),
        ("Prof. Dr. med. Ada Weber und Dr.-Ing. Weber", "Fachperson und Fachperson"),
        ("Ich bin h. Weber und C. Weber", "Ich bin h. Weber und C. Weber"),
    ],
)
def test_names_leave_texts(text: str, masked: str) -> None:
    """The whole name goes, and the surname after a form of address; what may be somebody else's stays."""
    assert Masker([ADA], ["Ada Weber"], "de").text(text) == masked


@pytest.mark.parametrize("known", ["Ada Weber", "Dr. Ada Weber", "Prof. Dr. med. Ada Weber", "Frau Ada Weber"])
@pytest.mark.parametrize(
    "written", ["Ada Weber", "Dr. Ada Weber", "ADA WEBER", "Ada Weber (Netz AG)", "Dr.-Ing. Ada Weber"]
)
def test_titles_hide_no_name(known: str, written: str) -> None:
    """Whoever refuses under a name with titles or without is found and hidden under each other way to write it."""
    person = Voice(person_id="a", name=known, shown_as=known)
    assert find_voices(written, [person]) == (person,)
    masker = Masker([ADA], [known], "de")
    assert masker.name(written) == "Fachperson"
    assert "Weber" not in masker.text(f"Mit {written} und {known}.")


def test_who_may_be_named_keeps_a_name_that_is_his_alone() -> None:
    """Of two guests of one name who are told apart, only the one who refuses is hidden; a part of a name is nobody."""
    one, other = (Participant(name=f"Ada Weber ({mark})", role=Role.EXPERT) for mark in "AB")
    masker = Masker([one, other], ["Ada Weber (A)", "Ada Weber"], "de")
    assert masker.name("Ada Weber (A)") == "Fachperson"
    assert masker.name("Ada Weber (B)") == "Ada Weber (B)"
    assert masker.name("Ada Weberin") == "Ada Weberin"
    assert masker.hides("Ada Weber")


def test_two_of_one_role_get_numbers() -> None:
    """Two unnamed experts stay two, in the language of the session, and a mask is known as one."""
    bob = Participant(name="Bob Stone", role=Role.EXPERT)
    masks = plan_masks([ADA, bob], ["Ada Weber", "Bob Stone", "Carl"], "en")
    assert masks == {"Ada Weber": "Expert 1", "Bob Stone": "Expert 2", "Carl": "Guest"}
    assert all(map(is_mask, masks.values()))
    assert not is_mask("Ada Weber")
    assert plan_masks([ADA], [], "de") == {}


def test_a_public_session_names_nobody_who_refuses() -> None:
    """The name goes with the line under it, from people and title; hosts' own session is left as it is."""
    hidden = Participant(name=ADA.name, role=ADA.role, about=ADA.about, named=False)
    session = Session(id="s", show_id="r", title="Netz mit Ada Weber", starts_at=AT, participants=(hidden,))
    shown = plan_public_session(session, SHOW)
    assert shown.title == "Netz mit Fachperson"
    assert shown.participants == (Participant(name="Fachperson", role=Role.EXPERT),)
    assert "Ada" not in repr(shown)
    assert session.participants[0].name == "Ada Weber"


def test_who_is_only_asked_is_hidden_too() -> None:
    """A name that must not be read goes from a title also where its bearer is no participant, or one with a title."""
    doctor = Participant(name="Dr. Ada Weber", role=Role.EXPERT, named=False)
    session = Session(
        id="s",
        show_id="r",
        title="Netz mit Ada Weber",
        call="Fragt auch Bo Lund",
        starts_at=AT,
        participants=(doctor,),
        unnamed=("Ada Weber", "Bo Lund", "Dr. Ada Weber"),
    )
    shown = plan_public_session(session, SHOW)
    assert (shown.title, shown.call) == ("Netz mit Fachperson", "Fragt auch Gast")
    assert [one.name for one in shown.participants] == ["Fachperson"]
    assert "Ada" not in repr(shown)
    assert "Lund" not in repr(shown)


def test_an_event_names_nobody_whom_its_sessions_hide() -> None:
    """Title and text of an event lose the names that each of its sessions hides, and keep the others."""
    sessions = [
        Session(id="s", show_id="r", title="a", starts_at=AT, unnamed=("Ada Weber",)),
        Session(id="t", show_id="r", title="b", starts_at=AT, unnamed=("Bo Lund",)),
        Session(id="u", show_id="r", title="c", starts_at=AT),
    ]
    event = Event(id="e", show_id="r", title="Ein Abend mit Ada Weber", about="Bo Lund und Cy Roth")
    shown = plan_public_event(event, sessions)
    assert (shown.title, shown.about) == ("Ein Abend mit Gast", "Gast und Cy Roth")
    assert plan_public_event(event, sessions[2:]).about == event.about
