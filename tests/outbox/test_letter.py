"""A mail as it travels: one text in two forms, and nothing that a stranger typed becomes a header or markup."""

import re
from email import message_from_bytes
from email.policy import default as modern

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub.errors import BadInput, Conflict
from streamhub.outbox.letter import POLICY, build_letter, render_html
from streamhub.outbox.mail import Letterhead, MailState
from streamhub.outbox.rules import (
    NEXT_STATES,
    decide_edit,
    decide_retry,
    decide_step,
    mask_address,
    plan_mail_id,
    plan_pause,
)
from tests.outbox.conftest import HEAD, MADE, make_mail

HOSTILE = st.text(
    st.one_of(st.sampled_from("\r\n\0\t\x0b\x0c\x85\u2028\u2029:;,<>\"'@=?%(){}&"), st.characters(codec="utf-8")),
    max_size=120,
)
EXPECTED = {
    "Message-ID", "Date", "From", "To", "Subject", "Auto-Submitted", "X-Auto-Response-Suppress", "Content-Language",
    "List-Unsubscribe", "List-Unsubscribe-Post", "MIME-Version", "Content-Type",
}  # fmt: skip


def parsed(mail, head=HEAD):
    return message_from_bytes(build_letter(mail, head, at=MADE).as_bytes(policy=POLICY), policy=modern)


def test_a_letter_says_what_it_is():
    """A mail carries a Message-ID of its own, says that a machine wrote it, and how to be left alone in one click."""
    letter = parsed(make_mail())
    assert letter["Message-ID"] == "<abc234@streamhub.example>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["List-Unsubscribe"] == "<https://hub.example.org/u/token>"
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert str(letter["From"]) == "Frag die Runde <hub@streamhub.example>"
    assert str(letter["To"]) == "ada@example.org"
    plain, html = letter.get_body(("plain",)), letter.get_body(("html",))
    assert "Ihre Frage wurde beantwortet:" in plain.get_content()
    assert '<a href="https://hub.example.org/a/?t=130">' in html.get_content()


def test_only_ascii_travels_in_short_lines():
    """Umlauts, emoji and long lines go as ASCII in lines that every mail server takes, and arrive as they were."""
    text = "Müßte man 😀 " * 60
    mail = make_mail(subject="Größe der Übertragung – 2 Min.", body=text)
    raw = build_letter(mail, HEAD, at=MADE).as_bytes(policy=POLICY)
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert not re.search(rb"(?<!\r)\n", raw)
    letter = message_from_bytes(raw, policy=modern)
    assert letter["Subject"] == mail.subject
    assert letter.get_body(("plain",)).get_content().strip() == text.strip()


@given(subject=HOSTILE, body=HOSTILE, name=HOSTILE)
def test_nothing_typed_becomes_a_header(subject, body, name):
    """Whatever stands in subject, text and name, the mail has the headers that we wrote and one recipient."""
    mail = make_mail(subject=f"Frage: {subject}", body=f"Text: {body}")
    letter = parsed(mail, Letterhead(address=HEAD.address, name=f"Runde {name}"))
    assert set(letter.keys()) == EXPECTED
    assert [address.addr_spec for address in letter["To"].addresses] == ["ada@example.org"]
    assert [address.addr_spec for address in letter["From"].addresses] == ["hub@streamhub.example"]
    assert not letter.defects
    assert [part.get_content_type() for part in letter.walk()] == ["multipart/alternative", "text/plain", "text/html"]


@given(body=HOSTILE)
def test_nothing_typed_becomes_markup(body):
    """Whatever stands in the text, the page has paragraphs, line breaks and links of our own alone."""
    html = render_html(make_mail(body=f"{body}\n\nEnde"), HEAD.links)
    inside = html.partition('<div style="max-width:38rem;margin:0 auto">')[2].partition("</div>")[0]
    assert set(re.findall(r"<(/?\w+)", inside)) <= {"p", "/p", "br", "a", "/a"}


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/", "http://hub.example.org/", "https://hub.example.org.evil.example/",
        "https://hub.example.org@evil.example/", "javascript:alert(1)", "https://hub.example.orgx/",
    ],
)  # fmt: skip
def test_foreign_addresses_stay_text(address):
    """An address in a question is no link that our mail vouches for."""
    assert "<a " not in render_html(make_mail(body=f"Schau hier: {address}"), HEAD.links)


def test_a_mail_has_one_id_for_one_reason():
    """The id depends on each part of the reason and on the hub's key, and does not tell the address."""
    reason = {"kind": "answered", "recipient": "ada@example.org", "object": "q1", "version": "1"}
    ids = {plan_mail_id(b"key", **{**reason, **change}) for change in (
        {}, {"kind": "asked"}, {"recipient": "bob@example.org"}, {"object": "q2"}, {"version": "2"},
    )}  # fmt: skip
    ids.add(plan_mail_id(b"other", **reason))
    assert len(ids) == 6
    assert plan_mail_id(b"key", **reason) in ids
    assert all(re.fullmatch(r"[a-z2-7]{24}", one) for one in ids)


def test_pauses_grow_and_end():
    """Attempts come less and less often, go on for days, and then end."""
    pauses = []
    while (pause := plan_pause(len(pauses) + 1)) is not None:
        pauses.append(pause.total_seconds())
    assert pauses == sorted(pauses)
    assert pauses[0] == 60
    assert max(pauses) == 7200
    assert 5 * 86_400 < sum(pauses) < 9 * 86_400
    tired = make_mail(state=MailState.SENDING, tries=len(pauses))
    assert decide_retry(tired, "voll", at=MADE).state is MailState.FAILED


def test_steps_of_a_mail():
    """A mail goes the ways that the table allows, and no other; what is out stays out."""
    for state in MailState:
        for to in MailState:
            mail = make_mail(state=state)
            if to is state or to in NEXT_STATES[state]:
                assert decide_step(mail, to).state is to
            else:
                with pytest.raises(Conflict):
                    decide_step(mail, to)
    with pytest.raises(Conflict):
        decide_step(make_mail(state=MailState.DRAFT, recipient=""), MailState.QUEUED)


def test_only_drafts_are_edited():
    """A draft gets another text once for each look at it; what is on its way is not changed, nothing is emptied."""
    draft = make_mail(state=MailState.DRAFT)
    edited = decide_edit(draft, subject="Neu", body="Anders", edition=1)
    assert (edited.subject, edited.body, edited.edition) == ("Neu", "Anders", 2)
    with pytest.raises(Conflict):
        decide_edit(edited, subject="Alt", body="x", edition=1)
    with pytest.raises(Conflict):
        decide_edit(make_mail(state=MailState.QUEUED), subject="Neu", body="x", edition=1)
    with pytest.raises(BadInput):
        decide_edit(draft, subject=" ", body="x", edition=1)


def test_addresses_are_masked():
    """Hosts see the first letter and the domain of an address."""
    assert mask_address("ada@example.org") == "a…@example.org"
    assert mask_address("") == ""
