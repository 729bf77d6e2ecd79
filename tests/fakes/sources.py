"""A plain source in memory: what a test writes there, with the failures that a test asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from streamhub.errors import BadInput, PlatformError
from streamhub.keepers.source_desk import SourceDesk
from streamhub.keepers.source_reading import SourceKind
from streamhub.keepers.sources import Sources, SourcesParts
from streamhub.questions.intake import Batch, Contribution, Skip
from streamhub.store.store import Store
from streamhub.text import Random
from streamhub.timecode import Now

START = datetime(2027, 3, 2, 19, 0, tzinfo=UTC)


@dataclass
class PlainSource:
    """A source whose cursor is how many contributions were read of a place."""

    name: str = "plain"
    now: Now = lambda: START
    lines: dict[str, list[Contribution]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    failures: list[PlatformError | Exception] = field(default_factory=list)
    skipped: dict[Skip, int] = field(default_factory=dict)
    reads: list[tuple[str, str, datetime]] = field(default_factory=list)
    page: int = 40
    hangs: asyncio.Event | None = None

    def say(self, text: str, *, place: str = "#netz", author: str = "Zoe", ref: str = "", **more: object) -> str:
        lines = self.lines.setdefault(place, [])
        line = Contribution(
            source=self.name,
            ref=ref or f"{place}/{len(lines)}",
            author=author,
            author_ref=f"account of {author}",
            text=text,
            at=more.pop("at", self.now() - timedelta(seconds=2) + timedelta(milliseconds=len(lines))),  # type: ignore[arg-type]
            **{"named": True, "url": f"https://plain.example/{len(lines)}", **more},  # type: ignore[arg-type]
        )
        lines.append(line)
        return line.ref

    async def read(self, ref: str, cursor: str) -> Batch:
        self.reads.append((ref, cursor, self.now()))
        if self.hangs is not None:
            await self.hangs.wait()
        if self.failures:
            raise self.failures.pop(0)
        lines, begin = self.lines.get(ref, []), int(cursor or 0)
        page = lines[begin : begin + self.page]
        skipped, self.skipped = self.skipped, {}
        return Batch(
            contributions=tuple(line for line in page if line.ref not in self.gone),
            cursor=str(begin + len(page)),
            wait_s=0.0,
            more=begin + len(page) < len(lines),
            skipped=skipped,
        )

    async def find_gone(self, ref: str, refs: Collection[str]) -> frozenset[str]:
        return frozenset(refs) & self.gone


def parse_tag(typed: str) -> str:
    tag = typed.strip().lstrip("#")
    if not tag.isidentifier():
        raise BadInput(f"hashtag {typed!r}: none", hint="write it as #netz")
    return f"#{tag}"


def plain_kind(source: PlainSource, **more: object) -> SourceKind:
    values: dict[str, object] = {"name": "Plain & Co", "parse": parse_tag, "example": "#netz", **more}
    return SourceKind(slug=source.name, source=source, **values)  # type: ignore[arg-type]


def make_parts(
    store: Store, kinds: Collection[SourceKind], *, now: Now, random: Random, changed: Callable[[str], None] = print
) -> SourcesParts:
    return SourcesParts(
        store=store,
        kinds={kind.slug: kind for kind in kinds},
        secret=b"k" * 32,
        now=now,
        random=random,
        changed=changed,
    )


def make_desk(parts: SourcesParts) -> tuple[SourceDesk, Sources]:
    keeper = Sources(parts)
    return SourceDesk(parts, keeper, mail_to=lambda session_id: f"fragen+{session_id}@firma.de"), keeper
