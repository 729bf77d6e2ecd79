"""Which session a dropped file belongs to."""

import string
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub.recording.matching import (
    REASONS,
    SENTENCES,
    FileFacts,
    InboxCode,
    Reason,
    Slot,
    check_slot,
    dates_in,
    holds_id,
    match_file,
    notes_about,
    say_inbox,
    stem_of,
    title_key,
)

START = datetime(2027, 3, 2, 19, 15, tzinfo=UTC)
HOUR_MS = 3_600_000
REF = "dQw4w9-_gXc"
SLOT = Slot(
    session_id="2027-03-02-netz",
    title="Netz & Glasfaser: Wie geht's weiter?",
    ids=frozenset({REF, "2027-03-02-netz"}),
    started_at=START,
    ended_at=START + timedelta(hours=1),
)
NEXT = replace(
    SLOT,
    session_id="2027-03-09-netz",
    ids=frozenset({"-_aaaaaaaa-", "2027-03-09-netz"}),
    started_at=START + timedelta(days=7),
    ended_at=START + timedelta(days=7, hours=1),
)
OTHER = replace(
    SLOT, session_id="2027-03-05-strom", title="Strom", ids=frozenset({"bbbbbbbbbbb"}), started_at=START, zone="UTC"
)


def facts(name: str, *, duration_ms: int = HOUR_MS, **more: object) -> FileFacts:
    return FileFacts(name=name, duration_ms=duration_ms, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    [
        f"{REF}.mp4",
        f"Anything at all [{REF}].mp4",
        f"Anything-{REF}.mp4",
        f"{REF} (1).mp4",
        f"videoplayback_{REF}_1080p.mp4",
        "2027-03-02-netz.mp4",
    ],
)
def test_by_id(name: str) -> None:
    """The platform's id, or our own, anywhere in the name decides."""
    verdict = match_file(facts(name), [NEXT, SLOT, OTHER])
    assert (verdict.slot, verdict.code, verdict.strength) == (SLOT, None, 3)


@pytest.mark.parametrize("name", [f"x{REF}.mp4", f"{REF}x.mp4", f"{REF.lower()}.mp4", "dQw4w9.mp4"])
def test_a_piece_of_a_word_is_no_id(name: str) -> None:
    """An id inside a longer word, in other letters, or cut off says nothing."""
    assert match_file(facts(name), [SLOT, NEXT]).code is InboxCode.NOTHING_FITS


@pytest.mark.parametrize(
    "name",
    [
        "Netz & Glasfaser: Wie geht's weiter?.mp4",
        "Netz & Glasfaser_ Wie geht_s weiter_.mp4",
        "NETZ  GLASFASER - wie geht's weiter (2).mp4",
        "Netz \u200f& Glasfaser：Wie geht’s weiter？.mp4",
    ],
)
def test_by_title(name: str) -> None:
    """Signs that no file name may hold, letter case, copies' numbers and hidden marks do not matter."""
    verdict = match_file(facts(name), [SLOT, OTHER])
    assert (verdict.slot, verdict.code, verdict.strength) == (SLOT, None, 2)


def test_umlauts_in_pieces() -> None:
    """A name from a Mac, with its umlauts in two pieces, is the same title."""
    slot = replace(SLOT, title="Über Öl und Straßen")
    assert match_file(facts("U\u0308ber O\u0308l und Strassen.mp4"), [slot]).slot == slot


def test_a_long_title_cut_off() -> None:
    """Exports cut long titles; a short beginning of a title is no match."""
    slot = replace(SLOT, title="Die große Fragerunde zum Ausbau des Glasfasernetzes im ganzen Landkreis")
    assert match_file(facts("Die große Fragerunde zum Ausbau des Glasfasernetz.mp4"), [slot]).slot == slot
    assert match_file(facts("Die große.mp4"), [slot]).slot is None


def test_the_same_title_every_week() -> None:
    """A date in the name decides between equal titles; without one, or a length that differs, the host does."""
    slots = [SLOT, NEXT]
    name = "Netz & Glasfaser_ Wie geht_s weiter_"
    assert match_file(facts(f"{name}.mp4"), slots).code is InboxCode.SEVERAL_FIT
    shorter = replace(NEXT, ended_at=NEXT.started_at + timedelta(minutes=40))
    assert match_file(facts(f"{name}.mp4", duration_ms=40 * 60_000), [SLOT, shorter]).slot == shorter
    dated = replace(facts(f"{name}.mp4"), notes=frozenset({"2027-03-09T19:15:00+00:00"}))
    assert match_file(dated, slots).slot == NEXT
    assert match_file(facts("9.3.2027.mp4"), slots).slot == NEXT


def test_length_alone_is_no_match() -> None:
    """A length without a date is shown as a reason, and taken for nothing."""
    verdict = match_file(facts("VID_0001.mp4"), [replace(SLOT, has_recording=True), NEXT])
    assert (verdict.slot, verdict.code) == (None, InboxCode.NOTHING_FITS)
    assert [candidate.session_id for candidate in verdict.candidates] == [NEXT.session_id]
    assert verdict.candidates[0].reasons == (Reason.SAME_LENGTH,)
    assert match_file(facts("20270302.mp4"), [SLOT, NEXT]).slot == SLOT


@pytest.mark.parametrize(
    ("changes", "more", "code"),
    [
        ({"ended_at": None}, {}, InboxCode.NOT_ENDED),
        ({"has_recording": True}, {}, InboxCode.HAS_RECORDING),
        ({}, {"has_audio": False}, InboxCode.NO_SOUND),
        ({}, {"has_video": False}, InboxCode.NO_PICTURE),
        ({}, {"duration_ms": HOUR_MS - 72_001}, InboxCode.OTHER_LENGTH),
        ({}, {"duration_ms": HOUR_MS + 72_001}, InboxCode.OTHER_LENGTH),
        ({}, {"duration_ms": HOUR_MS - 72_000}, None),
        ({"ended_at": START + timedelta(minutes=10)}, {"duration_ms": 540_000}, None),
        ({"ended_at": START + timedelta(minutes=10)}, {"duration_ms": 539_999}, InboxCode.OTHER_LENGTH),
    ],
)
def test_what_keeps_it_from_being_taken(changes: dict, more: dict, code: InboxCode | None) -> None:
    """The right session is not enough: it has ended, lacks a recording, and the file is whole (2 %, or a minute)."""
    slot = replace(SLOT, **changes)
    found = FileFacts(**{"name": f"{REF}.mp4", "duration_ms": HOUR_MS, **more})
    assert check_slot(found, slot)[0] is code
    verdict = match_file(found, [slot, OTHER])
    assert (verdict.slot, verdict.code) == (slot, code)


def test_descriptions_beside_a_file() -> None:
    """A row with the file's title lends it the row's id, whatever its columns are called; a row's prose does not."""
    rows = [
        ("Video-ID", "Videotitel (Original)"),
        (REF, "Ganz anders benannt", "2027-03-02T19:15:00+00:00", f"Siehe auch https://x/{NEXT.ids} " + "x" * 200),
        ("-_aaaaaaaa-", "Urlaub"),
    ]
    notes = notes_about("Ganz anders benannt.mp4", rows)
    assert notes == {REF, "Ganz anders benannt", "2027-03-02T19:15:00+00:00"}
    assert match_file(replace(facts("Ganz anders benannt.mp4"), notes=notes), [SLOT, NEXT]).slot == SLOT
    address = frozenset({f"https://watch.example/watch?v={REF}"})
    assert match_file(replace(facts("a.mp4"), notes=address), [SLOT, NEXT]).slot == SLOT
    prose = frozenset({f"As I said in {REF} last week"})
    assert match_file(replace(facts("a.mp4"), notes=prose), [SLOT, NEXT]).slot is None


@given(st.text(max_size=80), st.integers(0, 10**8), st.booleans())
def test_no_name_breaks_it(name: str, duration_ms: int, sound: bool) -> None:
    """Whatever a file is called, there is a verdict, and its sentence can be filled."""
    verdict = match_file(facts(name, duration_ms=duration_ms, has_audio=sound), [SLOT, NEXT, OTHER])
    if verdict.code is not None:
        what, advice = say_inbox(verdict.code, verdict.details)
        assert "%(" not in what + advice
        assert "?s" not in what


@given(st.sampled_from(list(permutations([SLOT, NEXT, OTHER]))), st.sampled_from([REF, SLOT.title, "x", "9.3.2027"]))
def test_order_does_not_matter(slots: tuple[Slot, ...], stem: str) -> None:
    """The verdict is the same in whatever order the sessions come."""
    found = facts(f"{stem}.mp4")
    assert match_file(found, slots) == match_file(found, [SLOT, NEXT, OTHER])


@given(
    st.text(string.ascii_letters + string.digits + "-_", min_size=11, max_size=11),
    st.text(string.ascii_letters + " .-_()[]", max_size=20),
)
def test_an_id_between_brackets_is_always_found(ident: str, title: str) -> None:
    """Whatever characters an id is made of, it is found where nothing touches it."""
    assert holds_id(f"{title} [{ident}]", ident)
    slot = replace(SLOT, ids=frozenset({ident}), title="Z" * 30)
    assert match_file(facts(f"{title} [{ident}].mp4"), [slot]).slot == slot


@given(st.text(max_size=60))
def test_title_keys_are_stable(title: str) -> None:
    """A title and its key have the same key, so that what was normalised once stays so."""
    assert title_key(title_key(title)) == title_key(title)


def test_dates_and_stems() -> None:
    """Dates are read in the ways people write them, impossible ones are none; stems lose endings and copy numbers."""
    assert dates_in("Runde 2027-03-02") == {date(2027, 3, 2)}
    assert dates_in("20270302_1915") == {date(2027, 3, 2)}
    assert dates_in("am 02.03.2027 und 9.3.2027") == {date(2027, 3, 2), date(2027, 3, 9)}
    assert dates_in("2027-02-31, 99999999, 31.31.2027") == frozenset()
    assert [stem_of(name) for name in ("a.mp4", "a (1).mp4", "a.b.mp4", ".mp4", "Nr. 5 was it", "a")] == [
        "a", "a", "a.b", ".mp4", "Nr. 5 was it", "a",
    ]  # fmt: skip


def test_every_code_has_its_sentences() -> None:
    """Each code and each reason has its words."""
    assert set(SENTENCES) == set(InboxCode)
    assert set(REASONS) == set(Reason)
