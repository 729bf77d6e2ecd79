"""Whom calendars answer, and where mail comes back to, by the settings."""

from __future__ import annotations

import pytest

from streamhub.app import find_organizer
from streamhub.config import MailboxSettings, MailSettings, Settings


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
