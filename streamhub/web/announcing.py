"""What a company says of a session elsewhere: blog text, texts for networks, hashtags; in German and English. Pure.

Written anew from the session each time, so that a move or a cancellation is in it at once. Of people it names those who
agreed to be named; a text that is too long loses what matters least, never its link.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from markupsafe import escape

from streamhub.archive.exports import escape_markdown
from streamhub.archive.markdown import render_markdown
from streamhub.schedule.public import PublicSession
from streamhub.schedule.show import Role, SessionState
from streamhub.web.pages import format_moment

LENGTHS = (280, 500, 1200)
"""What the usual networks take, the strictest first."""

_MOST_TAGS = 4
_LONGEST_TAG = 30
_LINK_WEIGHT = 23  # the strictest network counts every link so
_NAMED = frozenset({Role.HOST, Role.EXPERT, Role.SUPER_USER})
_ZONE = re.compile(r"\(([^,)]+)[^)]*\)")

_WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "de": {
            "ask": "Jetzt Frage stellen",
            "ask_long": "{link} – und stimmen Sie über die Fragen anderer ab.",
            "watch": "Live zuschauen und fragen",
            "answers": "Antworten ansehen",
            "calendar": "In den Kalender",
            "with": "Mit",
            "people": "Mit dabei",
            "minutes": "{minutes} Minuten, live, ohne Anmeldung",
            "live": "Gerade live:",
            "off": "Fällt aus:",
            "off_long": "Die Sendung „{title}“ fällt leider aus. Ihre Fragen bleiben stehen.",
            "moved": "Verschoben:",
            "moved_long": "Die Sendung „{title}“ wird verschoben; der neue Termin steht bald hier.",
            "new": "Neuer Termin:",
            "new_long": "Neuer Termin; angekündigt war {before}.",
            "over": "Zum Nachlesen:",
        },
        "en": {
            "ask": "Ask your question now",
            "ask_long": "{link} – and vote for the questions of others.",
            "watch": "Watch live and ask",
            "answers": "See the answers",
            "calendar": "Add to your calendar",
            "with": "With",
            "people": "With us",
            "minutes": "{minutes} minutes, live, no account needed",
            "live": "Live now:",
            "off": "Cancelled:",
            "off_long": "The session “{title}” will not take place. Your questions stay.",
            "moved": "Postponed:",
            "moved_long": "The session “{title}” is postponed; the new date will stand here soon.",
            "new": "New date:",
            "new_long": "A new date; announced before was {before}.",
            "over": "To read again:",
        },
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Announcement:
    """What is said of a session.

    Attributes:
        session: as the public may see it.
        url: of its page, whole.
        topics: what people ask about, the most frequent first.
        moved_from: the start that was announced before; None: it was never moved.
    """

    session: PublicSession
    url: str
    topics: tuple[str, ...] = ()
    moved_from: datetime | None = None

    @property
    def kind(self) -> str:
        """What there is to say: off, moved, live, over, a new date, or that it is planned."""
        state = self.session.state
        if state in {SessionState.CANCELLED, SessionState.MOVED}:
            return "off" if state is SessionState.CANCELLED else "moved"
        if state is SessionState.LIVE:
            return "live"
        if self.session.ended_at is not None:
            return "over"
        return "new" if self.moved_from is not None else "planned"


def tell_when(facts: Announcement, language: str) -> str:
    """When it is, or that it is not; one short line for a picture, with the zone's first name alone."""
    when = _ZONE.sub(r"(\1)", format_moment(facts.session.starts_at, facts.session.zone, language))
    if facts.kind == "moved":  # nobody knows yet where to
        return _WORDS[language]["moved"].rstrip(":")
    return f"{_WORDS[language][facts.kind]} {when}" if facts.kind in {"off", "new"} else when


def plan_blog(facts: Announcement, language: str) -> tuple[str, str]:
    """Title and Markdown of a blog text."""
    words, session = _WORDS[language], facts.session
    head = f"{words[facts.kind]} {session.title}" if facts.kind in words else session.title
    when = format_moment(session.starts_at, session.zone, language)
    if facts.kind in {"off", "moved"}:
        told = words[f"{facts.kind}_long"].format(title=session.title)
        return head, "\n\n".join([_plain(told), f"[{_plain(facts.session.show.title)}]({facts.url})"]) + "\n"
    blocks = [f"**{_plain(when)}**  \n{_plain(facts.session.show.title)}"]
    if facts.kind == "new" and facts.moved_from is not None:
        before = format_moment(facts.moved_from, session.zone, language)
        blocks.append(f"*{_plain(words['new_long'].format(before=before))}*")
    blocks += [_plain(text) for text in (facts.session.show.about, session.call) if text.strip()]
    people = [one for one in session.participants if one.role in _NAMED]
    if people:
        lines = [f"- **{_plain(one.name)}**" + (f", {_plain(one.about)}" if one.about else "") for one in people]
        blocks.append(f"{words['people']}:\n\n" + "\n".join(lines))
    if facts.kind in {"live", "over"}:
        blocks.append(f"[{words['watch' if facts.kind == 'live' else 'answers']}]({facts.url})")
    else:
        link = f"[{words['ask']}]({facts.url})"
        blocks.append(words["ask_long"].format(link=link))
        blocks.append(_plain(words["minutes"].format(minutes=session.planned_minutes)))
        blocks.append(f"[{words['calendar']}]({facts.url}/session.ics)")
    return head, "\n\n".join(blocks) + "\n"


def render_blog(title: str, markdown: str) -> str:
    """The same as HTML, to paste into a page."""
    return f"<h2>{escape(title)}</h2>\n{render_markdown(markdown)}"


def _plain(text: str) -> str:
    """A text of somebody's as Markdown that means nothing but itself, line by line."""
    return "\n".join(map(escape_markdown, text.splitlines()))


def plan_posts(facts: Announcement, language: str) -> list[tuple[int, str]]:
    """A text for each length that networks take."""
    return [(length, _fit(_pieces(facts, language), length, facts.url)) for length in LENGTHS]


def _pieces(facts: Announcement, language: str) -> list[tuple[int, str]]:
    """The lines of a post in their order, each with how soon it may go: 0 never, the highest first."""
    words, session = _WORDS[language], facts.session
    people = [one for one in session.participants if one.role in _NAMED]
    names = ", ".join(one.name for one in people)
    long_names = ", ".join(f"{one.name} ({one.about})" if one.about else one.name for one in people)
    head = words.get(facts.kind, "")
    asks = {"live": words["watch"], "over": words["answers"]}.get(facts.kind, words["ask"])
    tags = plan_tags(facts)
    if facts.kind in {"off", "moved"}:
        return [(0, words[f"{facts.kind}_long"].format(title=session.title)), (0, facts.url)]
    return [
        (0, f"{head} {session.title}".strip()),
        (0, format_moment(session.starts_at, session.zone, language)) if facts.kind != "over" else (0, ""),
        (6, facts.session.show.about.strip()),
        (5, session.call.strip()),
        (4, f"{words['with']} {long_names}" if names and long_names != names else ""),
        (2, f"{words['with']} {names}" if names else ""),
        (0, f"{asks}: {facts.url}"),
        (3, " ".join(tags[1:])),
        (1, tags[0] if tags else ""),
    ]


def _fit(pieces: Sequence[tuple[int, str]], length: int, url: str) -> str:
    kept = [(rank, text) for rank, text in pieces if text]
    while True:
        text = _join(kept)
        ranks = [rank for rank, _ in kept if rank]
        if weigh(text, url) <= length or not ranks:
            break
        kept = [(rank, one) for rank, one in kept if rank != max(ranks)]
    if weigh(text, url) <= length:
        return text
    title = kept[0][1]  # nothing else is left to go: the title is cut
    while title and weigh(_join([(0, f"{title}…"), *kept[1:]]), url) > length:
        title = title[:-1].rstrip()
    return _join([(0, f"{title}…"), *kept[1:]])


def _join(kept: Sequence[tuple[int, str]]) -> str:
    """Lines below each other; people are named once, hashtags stand in one line."""
    ranks = {rank for rank, _ in kept}
    lines = [text for rank, text in kept if not (rank == 2 and 4 in ranks) and rank not in {1, 3}]
    tags = " ".join(text for rank, text in sorted(kept) if rank in {1, 3})
    return "\n\n".join([*lines, tags] if tags else lines)


def weigh(text: str, url: str) -> int:
    """How long a text is where it is counted most strictly: links count alike, and what is not Latin counts double."""
    rest = text.replace(url, "", 1) if url in text else text
    return sum(1 if _is_light(ord(one)) else 2 for one in rest) + (_LINK_WEIGHT if url in text else 0)


def _is_light(code: int) -> bool:
    return code <= 0x10FF or 0x2000 <= code <= 0x200D or 0x2010 <= code <= 0x201F or 0x2032 <= code <= 0x2037


def plan_tags(facts: Announcement) -> list[str]:
    """Hashtags: the show's first, then what people ask about."""
    tags: dict[str, str] = {}
    for text in (facts.session.show.title, *facts.topics):
        words = re.findall(r"\w+", text)
        tag = "".join(word[:1].upper() + word[1:] for word in words).replace("_", "")
        if tag and len(tag) <= _LONGEST_TAG and not tag.isdigit():
            tags.setdefault(tag.casefold(), f"#{tag}")
    return list(tags.values())[:_MOST_TAGS]
