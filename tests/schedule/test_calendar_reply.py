"""Answers of calendar programs: what can be read of them, and what each is worth."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub.questions.notice_mail import parse_notice
from streamhub.schedule.calendar_reply import Weight, parse_calendar_reply, weigh_reply
from streamhub.schedule.invitation import Invitation, Reply
from streamhub.schedule.show import Role

AT = datetime(2027, 2, 28, 18, tzinfo=UTC)
ASKED = Invitation(
    session_id="s", person_id="ada", role=Role.EXPERT, made_at=AT, sequence=3, asked_sequence=2, told="{}"
)


def text_of(
    state: str = "ACCEPTED", *, who: str = "mailto:ada@example.org", method: str = "REPLY", extra: str = ""
) -> str:
    return (
        f"BEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:{method}\nBEGIN:VEVENT\nUID:u@streamhub\nSEQUENCE:2\n"
        f"DTSTAMP:20270228T170000Z\nATTENDEE;PARTSTAT={state}:{who}\n{extra}END:VEVENT\nEND:VCALENDAR"
    )


def weigh(text: str, invitation: Invitation = ASKED, **more: object) -> tuple[Weight, Reply]:
    reply = parse_calendar_reply(text)
    assert reply is not None
    values: dict[str, object] = {"address": "ada@example.org", "link_version": 1, "still_open": True, "at": AT, **more}
    weighed = weigh_reply(invitation, reply, **values)  # type: ignore[arg-type]
    assert weighed.at <= AT
    return weighed.weight, weighed.reply


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("ACCEPTED", (Weight.COUNTS, Reply.ACCEPTED)),
        ("tentative", (Weight.COUNTS, Reply.TENTATIVE)),
        ("DECLINED", (Weight.COUNTS, Reply.DECLINED)),
        ("DELEGATED", (Weight.DELEGATED, Reply.DECLINED)),
        ("NEEDS-ACTION", (Weight.UNCLEAR, Reply.NONE)),
        ("IN-PROCESS", (Weight.UNCLEAR, Reply.NONE)),
    ],
)
def test_what_is_said(state: str, expected: tuple[Weight, Reply]) -> None:
    """Each state of an attendee means one answer, and what is none means nothing."""
    assert weigh(text_of(state)) == expected


def test_what_an_answer_is_worth() -> None:
    """Another's, an older, a repeated or a late answer decides nothing, and says so."""
    assert weigh(text_of(who="mailto:eve@example.org"))[0] is Weight.OTHER
    assert weigh(text_of(), address="")[0] is Weight.OTHER
    assert weigh(text_of(), link_version=2)[0] is Weight.RENEWED
    renewed = replace(ASKED, link_version=2, renewed_sequence=900, asked_sequence=900, sequence=901)
    for sequence, weight in ((2, Weight.RENEWED), (899, Weight.RENEWED), (900, Weight.COUNTS), (901, Weight.COUNTS)):
        said = text_of().replace("SEQUENCE:2", f"SEQUENCE:{sequence}")
        assert weigh(said, renewed, link_version=2)[0] is weight
        assert weigh(said, renewed, link_version=3)[0] is Weight.RENEWED, "not before he was told of the newest links"
    assert weigh(text_of().replace("SEQUENCE:2", "SEQUENCE:902"), renewed, link_version=2)[0] is Weight.RENEWED
    assert weigh(text_of(), replace(ASKED, asked_sequence=3))[0] is Weight.STALE
    assert weigh(text_of(), replace(ASKED, replied_at=AT))[0] is Weight.STALE
    assert weigh(text_of(), replace(ASKED, told=""))[0] is Weight.STALE, "the date is off until he is asked anew"
    assert weigh(text_of(), replace(ASKED, reply=Reply.ACCEPTED))[0] is Weight.REPEATED
    assert weigh(text_of(), still_open=False)[0] is Weight.LATE
    assert weigh(text_of(), replace(ASKED, withdrawn_at=AT))[0] is Weight.LATE
    assert weigh(text_of("DECLINED", method="COUNTER")) == (Weight.COUNTERED, Reply.DECLINED)
    assert weigh(text_of("NEEDS-ACTION", method="COUNTER")) == (Weight.COUNTERED, Reply.TENTATIVE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "BEGIN:VCALENDAR\nMETHOD:REPLY\nEND:VCALENDAR",
        text_of(method="REQUEST"),
        text_of(method="PUBLISH"),
        text_of().replace("UID:u@streamhub\n", ""),
        text_of().replace("ATTENDEE;PARTSTAT=ACCEPTED:mailto:ada@example.org\n", ""),
        text_of().replace("SEQUENCE:2", "SEQUENCE:99999999999999"),
        text_of().replace("END:VEVENT\n", "END:VEVENT\nBEGIN:VEVENT\nUID:x\nEND:VEVENT\n"),
    ],
)
def test_what_is_no_answer(text: str) -> None:
    """Requests, halves and several entries at once are no answer."""
    assert parse_calendar_reply(text) is None


def test_a_proposed_time_is_understood() -> None:
    """A time in a zone that Windows names is understood; one in no zone means nothing to anybody else."""
    windows = text_of(method="COUNTER", extra='DTSTART;TZID="W. Europe Standard Time":20270304T183000\n')
    reply = parse_calendar_reply(windows)
    assert reply is not None
    assert reply.proposed_at == datetime(2027, 3, 4, 17, 30, tzinfo=UTC)
    floating = parse_calendar_reply(text_of(method="COUNTER", extra="DTSTART:20270304T183000\n"))
    assert floating is not None
    assert floating.proposed_at is None


LINES = st.lists(
    st.sampled_from(
        [
            "BEGIN:VCALENDAR", "END:VCALENDAR", "BEGIN:VEVENT", "END:VEVENT", "METHOD:REPLY", "METHOD:COUNTER", "UID:u",
            "ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@b", "ATTENDEE;PARTSTAT=:x", "ATTENDEE:", "SEQUENCE:-1", "SEQUENCE:x",
            "DTSTAMP:20270228", "DTSTAMP:x", "DTSTART;TZID=Mond:20270228T170000", "COMMENT;X=\"a:\u2028", " folded", "",
        ]
    ),
    max_size=14,
)  # fmt: skip


@given(lines=LINES, raw=st.text(max_size=60))
def test_any_text_is_an_answer_or_none(lines: list[str], raw: str) -> None:
    """Whatever a text holds, reading it raises nothing."""
    for text in ("\n".join(lines), "\r\n".join([*lines[:7], raw, *lines[7:]])):
        reply = parse_calendar_reply(text)
        assert reply is None or reply.uid
        mail = f"Content-Type: text/calendar; method=REPLY\r\n\r\n{text}".encode("utf-8", "replace")
        notice = parse_notice(mail)
        assert notice is None or notice.replies


@given(raw=st.binary(max_size=300))
def test_any_bytes_are_a_notice_or_none(raw: bytes) -> None:
    """Whatever bytes a mail is made of, looking for a notice in it raises nothing."""
    report = (
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n\r\n--x\r\n"
        b"Content-Type: message/delivery-status\r\n\r\n"
    )
    for head in (report, b"Content-Type: text/calendar; charset=x-unknown\r\n\r\n"):
        notice = parse_notice(head + raw)
        assert notice is None or notice.replies or notice.returned
