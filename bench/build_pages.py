"""The pages of an archive and nothing else: no search index, no feeds, no downloads, no look at what was there before.

Reads the archive from its folder, finds out what is like what, and prints: the pages of answers alone, or with them all
that lists and leads to them (sessions, topics, products, people, shows, both start pages). `bench.build` measures the
first, `bench.hugo` both, beside Hugo.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, takewhile
from pathlib import Path
from typing import Any

from streamhub.archive.folder import list_sessions, load_session
from streamhub.archive.gist import SessionGist, plan_gist
from streamhub.archive.gists import Gists, plan_slip
from streamhub.archive.heads import Heads
from streamhub.archive.library import Library, plan_library
from streamhub.archive.listing import KINDS, Listing
from streamhub.archive.masking import mask_archived
from streamhub.archive.media import MediaSettings, PlacedMedia, place_recording, player_kind
from streamhub.archive.outlets import Outlets
from streamhub.archive.pages import Frame, Printer, plan_csp
from streamhub.archive.plan import Part
from streamhub.archive.planner import Planner, Shelf
from streamhub.archive.public import PublicSession, show_session
from streamhub.archive.sources import Readings
from streamhub.archive.structured import absolute, describe_answer, describe_session
from streamhub.archive.theme import Theme, load_theme
from streamhub.archive.viewing import outline_session, view_answer, view_session

ADDRESS = "https://archive.example"
TITLE = "Answers"
LANGUAGE = "de"
HOMES = ("page index.html", "page en/index.html")

Printing = Callable[[Theme, Frame], Printer]
Pages = Iterator[tuple[str, bytes]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadArchive:
    """What was read: sessions, how they hang together, and where their recordings are."""

    found: dict[str, PublicSession]
    library: Library
    media: dict[str, PlacedMedia]


def read_archive(root: Path) -> ReadArchive:
    """Read an archive whole."""
    found: dict[str, PublicSession] = {}
    gists: dict[str, SessionGist] = {}
    media: dict[str, PlacedMedia] = {}
    for show, session_id in list_sessions(root):
        session = show_session(mask_archived(load_session(root, show, session_id)))
        if session:
            gist = plan_gist(session, digest="", clip_keys={})
            found[gist.where], gists[gist.where] = session, gist
            if placed := _place(gist):
                media[gist.id] = placed
    library = plan_library(Gists(map(plan_slip, gists.values()), gists.__getitem__))
    return ReadArchive(found=found, library=library, media=media)


def _place(gist: SessionGist) -> PlacedMedia | None:
    """The recording of a session, where it lies elsewhere."""
    recording = gist.recording
    place = recording and place_recording(recording.url, recording.kind, MediaSettings(root=None), what=gist.where)
    if not recording or not place:
        return None
    return PlacedMedia(
        url=place[0],
        kind=player_kind(recording.kind, has_video=recording.has_video),
        mime=recording.mime,
        clock=recording.clock,
        duration_ms=recording.duration_ms,
    )


def print_pages(root: Path, *, everything: bool, printing: Printing = Printer) -> Pages:
    """Path and bytes of each page of the archive in that folder."""
    archive = read_archive(root)
    library = archive.library
    frame = Frame(
        title=TITLE,
        language=LANGUAGE,
        url=ADDRESS,
        hub_url="",
        csp=plan_csp([one.origin for one in archive.media.values()]),
        has_products=bool(library.products),
        has_people=bool(library.people),
        has_topics=bool(library.topics),
    )
    printer = printing(load_theme(), frame)
    yield from _print_answers(archive, printer)
    if everything:
        yield from _print_sessions(archive, printer)
        for part in _list_parts(archive, printer):
            for path, content in part.render().items():
                assert isinstance(content, bytes), path
                yield path, content


def _print_answers(archive: ReadArchive, printer: Printer) -> Pages:
    address = partial(absolute, ADDRESS)
    for session in archive.found.values():
        media = archive.media.get(session.session.id)
        for answer in session.answers:
            view = view_answer(answer, session, archive.library, media)
            yield view.head.path, printer.print_page("answer.html", view, data=describe_answer(view, address))


def _print_sessions(archive: ReadArchive, printer: Printer) -> Pages:
    address, heads = partial(absolute, ADDRESS), Heads(printer)
    for session in archive.found.values():
        view = view_session(session, archive.library, archive.media.get(session.session.id))
        data = describe_session(view, address, above=heads.above("sessions", view.head.language))
        yield view.head.path, printer.print_page("session.html", view, data=data)


def _list_parts(archive: ReadArchive, printer: Printer) -> Iterator[Part]:
    """The start pages, and the pages of all lists; of what belongs to them, the pages alone."""
    library = archive.library
    outlets = Outlets(TITLE, LANGUAGE, ADDRESS, code="", size_of=lambda path: 0)
    for gist in library.sessions:
        outlets.add_session(outline_session(gist, library, archive.media.get(gist.id)))
    shelf = Shelf(library=library, reader=Readings(title=TITLE, code=""), media=archive.media, clips={})
    start = takewhile(_is_page, Planner(shelf, printer, outlets).plan_parts())
    yield from (part for part in start if part.name in HOMES)
    listing = Listing(library, printer, Heads(printer), outlets)
    parts = chain(listing.plan_sessions(), *map(listing.plan_labels, KINDS), listing.plan_shows())
    yield from filter(_is_page, parts)


def _is_page(part: Part) -> bool:
    return part.name.startswith("page ")


class _TimedPrinter(Printer):
    """Knows how much processor time its pages took, without what they are made from."""

    cpu_s = 0.0

    def print_page(self, template: str, view: Any, **more: Any) -> bytes:
        """As `Printer` does."""
        started = time.process_time()
        page = super().print_page(template, view, **more)
        self.cpu_s += time.process_time() - started
        return page


def write_pages(root: Path, target: Path, *, everything: bool) -> dict[str, Any]:
    """Read an archive and write its pages below a folder, and nothing else."""
    printers: list[_TimedPrinter] = []

    def make_printer(theme: Theme, frame: Frame) -> Printer:
        printers.append(_TimedPrinter(theme, frame))
        return printers[-1]

    written = size = 0
    writing = 0.0
    for path, page in print_pages(root, everything=everything, printing=make_printer):
        started = time.process_time()
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_bytes(page)
        writing += time.process_time() - started
        written, size = written + 1, size + len(page)
    return {"written": written, "size_bytes": size, "print_s": writing + printers[0].cpu_s}


def make_answer_pages(root: Path, target: Path) -> dict[str, Any]:
    """The pages of answers alone."""
    return write_pages(root, target, everything=False)
