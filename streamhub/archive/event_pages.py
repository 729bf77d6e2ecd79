"""The pages of events: their sessions in order, with dates and answers, and what is to come. Pure.

A session says to which event it belongs, an event what others say of its sessions; so a change makes anew the page of
its event and no other, and an event that is renamed the pages of its sessions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from streamhub.archive.event import ArchivedEvent, mask_event
from streamhub.archive.gist import SessionGist
from streamhub.archive.heads import Heads
from streamhub.archive.markdown import cut_text
from streamhub.archive.pages import Printer
from streamhub.archive.plan import Part
from streamhub.archive.structured import absolute, describe_event
from streamhub.archive.views import ComingView, EventDay, EventItem, EventTie, EventView, Head, Named

ANSWERS_SHOWN = 10
"""So many answers of each session stand on the page of an event; the session's own page has them all."""
_DESCRIPTION_LENGTH = 160


class EventPages:
    """Plans the pages of events.

    Args:
        events: of the archive, as they stand in their files.
        titles: of the sessions that are shown, by id.
        printer: prints pages.
        heads: names the lists above them.
    """

    def __init__(
        self, events: Iterable[ArchivedEvent], titles: Mapping[str, Named], printer: Printer, heads: Heads
    ) -> None:
        self._printer = printer
        self._heads = heads
        self._titles = titles
        masked = (mask_event(event) for event in events)
        self._events = [event for event in masked if any(one in titles for one in event.sessions)]
        self._event_of = {one: event for event in reversed(self._events) for one in event.sessions}
        for event in self._events:
            for before in event.pre_shows:
                self._event_of.setdefault(before.session, event)
        self._seen: dict[str, EventItem] = {}

    def find_tie(self, session_id: str) -> EventTie | None:
        """What a session's page says of its event; None where it belongs to none."""
        event = self._event_of.get(session_id)
        if event is None:
            return None
        goal = next((one.goal for one in event.pre_shows if one.session == session_id and one.goal), "")
        first = any(one.session == session_id and not one.goal for one in event.pre_shows)
        before = (one.session for one in event.pre_shows if one.goal == session_id)
        return EventTie(
            event=Named(title=event.title, url=_address(event)),
            language=event.language,
            goes_before=self._titles.get(goal),
            opens=first,
            pre_shows=tuple(self._titles[one] for one in before if one in self._titles),
        )

    def see(self, gist: SessionGist, duration_ms: int) -> None:
        """Take what an event's page says of a session; sessions without one are passed over."""
        if gist.id in self._event_of:
            refs = tuple(answer.ref for answer in gist.answers[:ANSWERS_SHOWN])
            more = len(gist.answers) - len(refs)
            ends_at = gist.ref.starts_at + timedelta(milliseconds=duration_ms)
            self._seen[gist.id] = EventItem(session=gist.ref, ends_at=ends_at, answers=refs, more=more)

    def list_shown(self) -> list[tuple[ArchivedEvent, tuple[str, ...]]]:
        """Events with a page, and the ids of those of their sessions that are shown; after all sessions were seen."""
        shown = ((event, tuple(filter(self._seen.__contains__, event.sessions))) for event in self._events)
        return [(event, sessions) for event, sessions in shown if sessions]

    def plan_pages(self, coming: Iterable[ComingView]) -> Iterator[tuple[str, Part]]:
        """Path and part of the page of each event of which a session is shown; after all sessions were seen."""
        by_path = {view.path: view for view in coming}
        for event, _ in self.list_shown():
            view = self._view(event, by_path)
            above = self._heads.above("sessions", event.language)
            data = describe_event(view, self._address, above=above, organizer=self._printer.frame.title)
            yield view.head.path, self._printer.plan_page("event.html", view, data=data)

    def _view(self, event: ArchivedEvent, coming: Mapping[str, ComingView]) -> EventView:
        items = {one: item for one in _list_members(event) if (item := self._item(one, coming)) is not None}
        first = [items.pop(one.session) for one in event.pre_shows if not one.goal and one.session in items]
        marked = [self._mark(event, one, item, coming) for one, item in items.items()]
        place = ZoneInfo(event.zone)
        ordered = sorted(marked, key=lambda one: (one.starts_at, one.url))
        days = groupby(ordered, key=lambda one: one.starts_at.astimezone(place).date())
        return EventView(
            head=Head(
                path=f"{_address(event)}index.html",
                language=event.language,
                title=cut_text(event.title, max_length=120),
                description=cut_text(" ".join(event.about.split()) or event.title, max_length=_DESCRIPTION_LENGTH),
                section="sessions",
            ),
            title=event.title,
            about=event.about,
            zone=event.zone,
            cancelled=event.cancelled,
            opening=tuple(first),
            days=tuple(_day(list(found)) for _, found in days),
            total_answers=sum(len(one.answers) + one.more for one in (*first, *ordered)),
        )

    def _item(self, session_id: str, coming: Mapping[str, ComingView]) -> EventItem | None:
        """A session that is shown, or is to come; None for any other."""
        seen, view = self._seen.get(session_id), coming.get(f"s/{session_id}/")
        if seen or view is None:
            return seen
        return EventItem(coming=view, ends_at=view.ends_at)

    def _mark(
        self, event: ArchivedEvent, session_id: str, item: EventItem, coming: Mapping[str, ComingView]
    ) -> EventItem:
        """A session with the one that it goes before, if that is shown or to come."""
        goal = next((one.goal for one in event.pre_shows if one.session == session_id), "")
        later = coming.get(f"s/{goal}/")
        return replace(item, goes_before=self._titles.get(goal) or (Named(title=later.title) if later else None))

    def _address(self, path: str) -> str:
        return absolute(self._printer.frame.url, path)


def _address(event: ArchivedEvent) -> str:
    return f"e/{event.id}/"


def _list_members(event: ArchivedEvent) -> list[str]:
    """Ids of the sessions of an event, and of what goes before it, each once."""
    return list(dict.fromkeys([*event.sessions, *(one.session for one in event.pre_shows)]))


def _day(items: list[EventItem]) -> EventDay:
    first: datetime = items[0].starts_at
    return EventDay(starts_at=first, items=tuple(items))
