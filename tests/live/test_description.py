"""The text under a broadcast."""

from dataclasses import replace
from datetime import UTC, datetime

from streamhub.live.description import describe_session
from streamhub.schedule.public import PublicSession
from streamhub.schedule.show import Participant, Role, Show

SHOW = Show(id="netz", title="Netz", about="Alles über Router.")
SESSION = PublicSession(
    id="2027-03-02-netz",
    show_id="netz",
    show=SHOW,
    title="Netz",
    starts_at=datetime(2027, 3, 2, 19, 0, tzinfo=UTC),
    participants=(
        Participant(name="Jana Weber", role=Role.HOST),
        Participant(name="Tom Kern", role=Role.EXPERT, about="Technik"),
        Participant(name="Kim Kunde", role=Role.CUSTOMER),
    ),
)


def test_it_says_where_to_ask_what_it_is_about_and_who_is_in_it():
    """The address comes first, then the show, then hosts and experts; a customer is not named."""
    text = describe_session(SESSION, page_url="https://hub.example.org/s/2027-03-02-netz")
    assert text == (
        "Fragen stellen, vorher und während der Sendung: https://hub.example.org/s/2027-03-02-netz\n\n"
        "Alles über Router.\n\nMit Jana Weber, Tom Kern (Technik)"
    )


def test_an_english_session_is_described_in_english_and_without_an_address_nobody_reaches():
    """A hub without a public address names none."""
    text = describe_session(replace(SESSION, language="en"), page_url="")
    assert text == "Alles über Router.\n\nWith Jana Weber, Tom Kern (Technik)"
