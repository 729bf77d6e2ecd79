"""Whom calendars answer, and where mail comes back to, by the settings."""

from __future__ import annotations

import pytest

from streamhub.app import find_organizer
from streamhub.config import MailboxSettings, MailSettings, Settings
from streamhub.doctor import Verdict, check_return


@pytest.mark.parametrize(
    ("mailbox", "mail", "organizer"),
    [
        ({}, {}, ""),
        ({}, {"from_address": "Hub@Firma.de"}, "hub@firma.de"),
        ({"host": "imap.firma.de", "address": "fragen@firma.de"}, {"from_address": "hub@firma.de"}, "fragen@firma.de"),
        ({"host": "imap.firma.de"}, {"from_address": "hub@firma.de"}, "hub@firma.de"),
        ({"address": "fragen@firma.de"}, {"from_address": "hub@firma.de"}, "hub@firma.de"),
    ],
)
def test_calendars_answer_to_the_mailbox_that_is_read(
    mailbox: dict[str, str], mail: dict[str, str], organizer: str
) -> None:
    """Invitations name the mailbox that is read as their organizer; without one the address that they come from."""
    settings = Settings(mailbox=MailboxSettings(**mailbox), mail=MailSettings(**mail))  # type: ignore[arg-type]
    assert find_organizer(settings) == organizer


@pytest.mark.parametrize(
    ("mail", "verdict"),
    [
        ({"from_address": "Fragen@firma.de"}, Verdict.OK),
        ({"from_address": "hub@firma.de"}, Verdict.WARN),
        ({"from_address": "hub@firma.de", "return_address": "fragen@firma.de"}, Verdict.OK),
        ({"from_address": "fragen@firma.de", "return_address": "weg@firma.de"}, Verdict.WARN),
    ],
)
def test_the_doctor_says_where_mail_comes_back_to(mail: dict[str, str], verdict: Verdict) -> None:
    """Mail that comes back to another address than the mailbox that is read is a warning with what to do."""
    box = MailboxSettings(host="imap.firma.de", address="fragen@firma.de")
    finding = check_return(Settings(mailbox=box, mail=MailSettings(**mail)))  # type: ignore[arg-type]
    assert finding.verdict is verdict
    assert bool(finding.advice) is (verdict is Verdict.WARN)
