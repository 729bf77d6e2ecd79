"""What is written to somebody who is invited, in German and English. Pure.

Times are told in the host's zone and, where that is another one, in the reader's. Nobody else's address is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from streamhub.schedule.invitation import Reply, Telling
from streamhub.schedule.show import Role
from streamhub.web.pages import format_moment

_SUBJECTS: Mapping[str, Mapping[Telling, str]] = MappingProxyType(
    {
        "de": {
            Telling.ASKED: "Einladung: {title}, {day}",
            Telling.NEW_TIME: "Neuer Termin: {title}, {day}",
            Telling.CONFIRMED: "Bestätigt: {title}, {day}",
            Telling.CHANGED: "Geändert: {title}, {day}",
            Telling.RENEWED: "Neue persönliche Links: {title}, {day}",
            Telling.WITHDRAWN: "Einladung zurückgenommen: {title}",
            Telling.CANCELLED: "Abgesagt: {title}",
            Telling.POSTPONED: "Verschoben: {title}",
        },
        "en": {
            Telling.ASKED: "Invitation: {title}, {day}",
            Telling.NEW_TIME: "New date: {title}, {day}",
            Telling.CONFIRMED: "Confirmed: {title}, {day}",
            Telling.CHANGED: "Changed: {title}, {day}",
            Telling.RENEWED: "New personal links: {title}, {day}",
            Telling.WITHDRAWN: "Invitation taken back: {title}",
            Telling.CANCELLED: "Cancelled: {title}",
            Telling.POSTPONED: "Postponed: {title}",
        },
    }
)
_LEADS: Mapping[str, Mapping[Telling, str]] = MappingProxyType(
    {
        "de": {
            Telling.ASKED: "wir laden Sie {role} ein.",
            Telling.NEW_TIME: "die Sendung „{title}“ hat einen neuen Termin. Bitte sagen Sie noch einmal, ob es passt.",
            Telling.CONFIRMED: "Ihre Teilnahme an „{title}“ ist bestätigt. Wir freuen uns auf Sie.",
            Telling.CHANGED: "zu „{title}“ hat sich etwas geändert. So gilt es jetzt:",
            Telling.RENEWED: "wir laden Sie zu „{title}“ mit neuen persönlichen Links ein.",
            Telling.WITHDRAWN: "wir müssen die Einladung zu „{title}“ leider zurücknehmen. Sie brauchen nichts zu tun.",
            Telling.CANCELLED: "die Sendung „{title}“ findet nicht statt. Sie brauchen nichts zu tun.",
            Telling.POSTPONED: "die Sendung „{title}“ findet nicht zur angekündigten Zeit statt. "
            "Wir melden uns mit einem neuen Termin.",
        },
        "en": {
            Telling.ASKED: "we would like to invite you {role}.",
            Telling.NEW_TIME: "the session “{title}” has a new date. Please say again whether it suits you.",
            Telling.CONFIRMED: "you are confirmed for “{title}”. We look forward to it.",
            Telling.CHANGED: "something has changed about “{title}”. This is how it stands now:",
            Telling.RENEWED: "this is your invitation to “{title}” with new personal links.",
            Telling.WITHDRAWN: "we are sorry to take back the invitation to “{title}”. There is nothing for you to do.",
            Telling.CANCELLED: "the session “{title}” will not take place. There is nothing for you to do.",
            Telling.POSTPONED: "the session “{title}” will not take place at the announced time. "
            "We will come back with a new date.",
        },
    }
)
_ROLES: Mapping[str, Mapping[Role, str]] = MappingProxyType(
    {
        "de": {
            Role.HOST: "zur Moderation unserer Sendung „{title}“",
            Role.EXPERT: "als Fachperson in unsere Sendung „{title}“",
            Role.CUSTOMER: "als Kundin oder Kunden in unsere Sendung „{title}“",
            Role.SUPER_USER: "als Super-User in unsere Sendung „{title}“",
            Role.PRODUCER: "für die Sendetechnik zu unserer Sendung „{title}“",
        },
        "en": {
            Role.HOST: "to host our session “{title}”",
            Role.EXPERT: "to our session “{title}” as an expert",
            Role.CUSTOMER: "to our session “{title}” as a customer",
            Role.SUPER_USER: "to our session “{title}” as a super-user",
            Role.PRODUCER: "to produce our session “{title}”",
        },
    }
)
_WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "de": {
            "hello": "Guten Tag {name},",
            "when": "Wann: {moment}, {minutes} Minuten",
            "yours": "Bei Ihnen: {moment}",
            "was": "Es war: {moment}",
            "before": "Bisher: {moment}",
            "about": "Worum es geht: {about}",
            "question": "Ihre Frage, um die es dabei geht:\n„{question}“",
            "room": "Ihr Zugang zum Studio, nur für Sie:\n{url}",
            "check": "Kamera, Mikrofon und Leitung vorab ausprobieren:\n{url}",
            "behind": "wir laden Sie {role} ein: Sie führen Technik und Ablauf und sind weder zu sehen noch zu hören.",
            "reply": "Auf Ihrer Seite sagen Sie zu oder ab:\n{url}",
            "answer": "Auf Ihrer Seite sagen Sie zu oder ab, und wozu Sie einwilligen:\n{url}",
            "page": "Zugang, Hinweise und Ihre Angaben stehen auf Ihrer Seite; auch absagen geht dort:\n{url}",
            "renewed": "Die Links in früheren Nachrichten gelten nicht mehr, und Antworten auf diese Nachrichten "
            "zählen nicht. Diese Nachricht ersetzt den Eintrag in Ihrem Kalender.",
            "none": "Eine Antwort von Ihnen haben wir noch nicht.",
            "accepted": "Wir haben von Ihnen eine Zusage. Stimmt das nicht, sagen Sie es bitte auf Ihrer Seite.",
            "tentative": "Wir haben von Ihnen ein „vielleicht“. Stimmt das nicht, sagen Sie es bitte auf Ihrer Seite.",
            "not_yet": "Ihre Zusage ist noch keine feste Buchung: Wir bestätigen sie in einer eigenen Nachricht.",
            "private": "Bitte geben Sie diese Nachricht nicht weiter: Wer die Adresse hat, handelt in Ihrem Namen.",
            "bye": "{hub}",
        },
        "en": {
            "hello": "Hello {name},",
            "when": "When: {moment}, {minutes} minutes",
            "yours": "Your time: {moment}",
            "was": "It was: {moment}",
            "before": "Before: {moment}",
            "about": "What it is about: {about}",
            "question": "Your question, which it is about:\n“{question}”",
            "room": "Your way into the studio, for you alone:\n{url}",
            "check": "Try camera, microphone and line beforehand:\n{url}",
            "behind": "we would like to invite you {role}: you run the technique and the run of show, and are neither "
            "seen nor heard.",
            "reply": "Accept, say perhaps or decline, on your page:\n{url}",
            "answer": "Accept, say perhaps or decline, and say what you consent to, on your page:\n{url}",
            "page": "Studio link, hints and what you told us are on your page, where you can still decline:\n{url}",
            "renewed": "The links in earlier messages work no more, and answers to those messages do not count. This "
            "message takes the place of the entry in your calendar.",
            "none": "We have no answer from you yet.",
            "accepted": "We have noted that you accepted. If that is wrong, please say so on your page.",
            "tentative": "We have noted that you said perhaps. If that is wrong, please say so on your page.",
            "not_yet": "Your acceptance is no firm booking yet: we confirm it in a message of its own.",
            "private": "Please do not pass this message on: whoever has the address acts in your name.",
            "bye": "{hub}",
        },
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class InvitationFacts:
    """What such a mail tells.

    Attributes:
        telling: what has happened.
        name: of the reader.
        role: in the session.
        title: of the session.
        starts_at: when, UTC.
        zone: the host's.
        own_zone: the reader's.
        minutes: how long.
        note: from hosts to him alone; may be empty.
        instructions: for the green room; empty unless he is certain.
        room_url: his own way into the studio; empty unless he is certain.
        page_url: his own page.
        certain: whether both sides said yes.
        reply: what he said, as hosts know it.
        renewed: whether his personal links are other ones than in the mails before.
        hub_name: who writes.
        question: what the reader wants to ask; may be empty.
        about: what its show is about; may be empty.
        moved_from: the time that he was told before, UTC; None where that is the same, or he was told none.
    """

    telling: Telling
    name: str
    role: Role
    title: str
    starts_at: datetime
    zone: str
    own_zone: str
    minutes: int
    note: str
    instructions: str
    room_url: str
    page_url: str
    certain: bool
    reply: Reply
    renewed: bool
    hub_name: str
    question: str = ""
    about: str = ""
    moved_from: datetime | None = None


def plan_invitation_mail(facts: InvitationFacts, language: str) -> tuple[str, str]:
    """Subject and text."""
    words, telling = _WORDS[language], facts.telling
    local = facts.starts_at.astimezone(ZoneInfo(facts.zone))
    day = f"{local:%d.%m.%Y}" if language == "de" else f"{local:%Y-%m-%d}"
    subject = _SUBJECTS[language][telling].format(title=facts.title, day=day)
    role = _ROLES[language][facts.role].format(title=facts.title)
    behind = telling is Telling.ASKED and not facts.role.on_air
    pattern = words["behind"] if behind else _LEADS[language][telling]
    lead = pattern.format(title=facts.title, role=role)
    moments = tell_moments(facts.starts_at, facts.zone, facts.own_zone, facts.minutes, language)
    if telling.calls_off:
        was = words["was"].format(moment=format_moment(facts.starts_at, facts.zone, language))
        blocks = [words["hello"].format(name=facts.name), lead, was, facts.hub_name]
        return subject, "\n\n".join(blocks) + "\n"
    blocks = [
        words["hello"].format(name=facts.name),
        lead,
        words["renewed"] if facts.renewed else "",
        words.get(facts.reply, "") if telling is Telling.RENEWED else "",
        moments if facts.moved_from is None else f"{moments}\n{_say_before(facts.moved_from, facts, language)}",
        words["about"].format(about=facts.about) if facts.about and telling is Telling.ASKED else "",
        words["question"].format(question=facts.question) if facts.question else "",
        facts.note,
        words["room"].format(url=facts.room_url) if facts.room_url else "",
        facts.instructions,
        words["page" if facts.certain else "answer" if facts.role.on_air else "reply"].format(url=facts.page_url),
        words["check"].format(url=f"{facts.page_url}/check"),
        "" if facts.certain else words["not_yet"],
        words["private"],
        facts.hub_name,
    ]
    return subject, "\n\n".join(block for block in blocks if block) + "\n"


def _say_before(moved_from: datetime, facts: InvitationFacts, language: str) -> str:
    return _WORDS[language]["before"].format(moment=format_moment(moved_from, facts.zone, language))


def tell_moments(starts_at: datetime, zone: str, own_zone: str, minutes: int, language: str) -> str:
    """When something is: in the host's zone, and in the reader's where his clock shows another time."""
    words = _WORDS[language]
    lines = [words["when"].format(moment=format_moment(starts_at, zone, language), minutes=minutes)]
    here, there = starts_at.astimezone(ZoneInfo(own_zone)), starts_at.astimezone(ZoneInfo(zone))
    if here.replace(tzinfo=None) != there.replace(tzinfo=None):
        lines.append(words["yours"].format(moment=format_moment(starts_at, own_zone, language)))
    return "\n".join(lines)
