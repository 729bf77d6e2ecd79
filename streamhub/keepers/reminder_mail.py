"""What reminders say, in German and English. Pure.

They say when, in the host's zone and in the reader's, and never how long it is until then: a mail may lie for a while.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from streamhub.keepers.invitation_mail import tell_moments
from streamhub.schedule.reminder import Rung

_WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "de": {
            "subject": "Erinnerung: {title}, {day}",
            "subject_now": "Gleich: {title}",
            "subject_answer": "Erinnerung an die Einladung: {title}, {day}",
            "hello": "Guten Tag {name},",
            "week": "wir erinnern Sie an die Sendung „{title}“.",
            "day": "wir erinnern Sie an die Sendung „{title}“.",
            "hour": "„{title}“ beginnt bald.",
            "five_minutes": "„{title}“ beginnt gleich. Bitte kommen Sie jetzt ins Studio.",
            "answer": "auf unsere Einladung zu „{title}“ fehlt uns noch Ihre Antwort. Es dauert eine Minute.",
            "room": "Ihr Zugang zum Studio, nur für Sie:\n{url}",
            "check": "Kamera, Mikrofon und Leitung vorab ausprobieren:\n{url}",
            "page": "Zugang, Hinweise und Ihre Angaben stehen auf Ihrer Seite; auch absagen geht dort:\n{url}",
            "reply": "Zusagen, vielleicht oder absagen, auf Ihrer Seite:\n{url}",
            "private": "Bitte geben Sie diese Nachricht nicht weiter: Wer die Adresse hat, handelt in Ihrem Namen.",
        },
        "en": {
            "subject": "Reminder: {title}, {day}",
            "subject_now": "In a moment: {title}",
            "subject_answer": "Reminder of our invitation: {title}, {day}",
            "hello": "Hello {name},",
            "week": "this is a reminder of the session “{title}”.",
            "day": "this is a reminder of the session “{title}”.",
            "hour": "“{title}” begins soon.",
            "five_minutes": "“{title}” begins in a moment. Please come to the studio now.",
            "answer": "we still miss your answer to our invitation to “{title}”. It takes a minute.",
            "room": "Your way into the studio, for you alone:\n{url}",
            "check": "Try camera, microphone and line beforehand:\n{url}",
            "page": "Studio link, hints and what you told us are on your page, where you can still decline:\n{url}",
            "reply": "Accept, say perhaps or decline, on your page:\n{url}",
            "private": "Please do not pass this message on: whoever has the address acts in your name.",
        },
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReminderFacts:
    """What a reminder tells.

    Attributes:
        rung: which it is; None: it asks for an answer.
        name: of the reader.
        title: of the session.
        starts_at: when, UTC.
        zone: the host's.
        own_zone: the reader's.
        minutes: how long.
        instructions: for the green room; may be empty.
        room_url: the reader's own way into the studio; may be empty.
        page_url: the reader's own page.
        hub_name: who writes.
    """

    rung: Rung | None
    name: str
    title: str
    starts_at: datetime
    zone: str
    own_zone: str
    minutes: int
    instructions: str
    room_url: str
    page_url: str
    hub_name: str


def plan_reminder_mail(facts: ReminderFacts, language: str) -> tuple[str, str]:
    """Subject and text."""
    words, rung = _WORDS[language], facts.rung
    local = facts.starts_at.astimezone(ZoneInfo(facts.zone))
    day = f"{local:%d.%m.%Y, %H:%M} Uhr" if language == "de" else f"{local:%Y-%m-%d, %H:%M}"
    named = "subject_answer" if rung is None else "subject_now" if rung is Rung.FIVE_MINUTES else "subject"
    blocks = [
        words["hello"].format(name=facts.name),
        words[rung.value if rung else "answer"].format(title=facts.title),
        tell_moments(facts.starts_at, facts.zone, facts.own_zone, facts.minutes, language),
        words["room"].format(url=facts.room_url) if facts.room_url else "",
        "" if rung is Rung.FIVE_MINUTES else facts.instructions,
        words["check"].format(url=f"{facts.page_url}/check") if rung and rung is not Rung.FIVE_MINUTES else "",
        words["page" if rung else "reply"].format(url=facts.page_url),
        words["private"],
        facts.hub_name,
    ]
    return words[named].format(title=facts.title, day=day), "\n\n".join(block for block in blocks if block) + "\n"
