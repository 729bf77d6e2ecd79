"""The export: all that is public, for programs. An index that names a file per session, and a schema. Pure.

``export/v1/index.json`` lists the sessions with a digest each, so that whoever keeps a copy fetches only what changed;
a session's file is the one that its page offers (`streamhub.archive.exports.render_data`). ``export/v1/schema.json`` is
a JSON Schema of the draft of 2020-12 for these files and for those that embeds read. In ``v1`` fields are only added.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from streamhub.archive.embeds import ANSWER_FORMAT, LIST_FORMAT, Licence, encode
from streamhub.archive.event import ArchivedEvent
from streamhub.archive.exports import FORMAT as SESSION_FORMAT
from streamhub.archive.gist import SessionGist
from streamhub.archive.views import Head

INDEX_FORMAT = "streamhub export 1"
FOLDER = "export/v1/"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"

_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_MS = {"type": ["integer", "null"], "minimum": 0, "description": "milliseconds of the session's clock"}
_LANGUAGE = {"type": "string", "pattern": "^[a-z]{2}$"}
_INSTANT = {"type": "string", "format": "date-time"}
_DAY = {"type": "string", "format": "date"}


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportedSession:
    """A session in the index.

    Attributes:
        id: of the session.
        path: of its file, relative to the root of the site.
        url: of its page, likewise.
        title, language: of the session.
        starts_at: as ISO 8601.
        answers: how many it has.
        digest: of all that its file is made from; another one whenever the file has changed.
    """

    id: str
    path: str
    url: str
    title: str
    language: str
    starts_at: str
    answers: int
    digest: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportedEvent:
    """An event in the index: its page relative to the root of the site, and the ids of its sessions in their order."""

    id: str
    url: str
    title: str
    language: str
    sessions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportPageView:
    """The page that documents the export."""

    head: Head
    sessions: int
    answers: int


def list_session(gist: SessionGist, digest: str) -> list[ExportedSession]:
    """A session in the index, if it has something to say: its page offers the file then."""
    if not (gist.answers or gist.captions_language):
        return []
    ref = gist.ref
    return [
        ExportedSession(
            id=gist.id,
            path=f"{ref.url}export/session.json",
            url=ref.url,
            title=ref.title,
            language=ref.language,
            starts_at=ref.starts_at.isoformat(),
            answers=len(gist.answers),
            digest=digest,
        )
    ]


def list_event(event: ArchivedEvent, sessions: tuple[str, ...]) -> ExportedEvent:
    """An event in the index, with those of its sessions that are shown."""
    url = f"e/{event.id}/"
    return ExportedEvent(id=event.id, url=url, title=event.title, language=event.language, sessions=sessions)


def render_index(
    title: str,
    language: str,
    sessions: Iterable[ExportedSession],
    licence: Licence,
    address: Callable[[str], str],
    events: Iterable[ExportedEvent] = (),
) -> bytes:
    """``export/v1/index.json``: sessions newest first, as they come; events by id."""
    return encode(
        {
            "format": INDEX_FORMAT,
            "title": title,
            "language": language,
            "address": address(""),
            "schema": address(f"{FOLDER}schema.json"),
            "licence": {"name": licence.name, "url": licence.url} if licence.name else None,
            "sessions": [
                {
                    "id": one.id,
                    "title": one.title,
                    "language": one.language,
                    "starts_at": one.starts_at,
                    "answers": one.answers,
                    "page": address(one.url),
                    "file": address(one.path),
                    "digest": one.digest,
                }
                for one in sessions
            ],
            "events": [
                {
                    "id": one.id,
                    "title": one.title,
                    "language": one.language,
                    "page": address(one.url),
                    "sessions": list(one.sessions),
                }
                for one in events
            ],
        }
    )


def render_schema() -> bytes:
    """``export/v1/schema.json``: which of the kinds a file is, its ``format`` says."""
    return json.dumps(SCHEMA, ensure_ascii=False, indent=1).encode() + b"\n"


def _record(description: str, optional: tuple[str, ...] = (), /, **properties: Any) -> dict[str, Any]:
    """An object with these properties; all but the optional ones are there. Later versions may add others."""
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": [name for name in properties if name not in optional],
    }


def _list(items: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _maybe(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


_LICENCE = _maybe(_record("under what the answers may be used", name=_TEXT, url=_TEXT))
_LABELS = _list(_record("a topic or product with its page", title=_TEXT, url=_TEXT))
_PEOPLE = _list(_record("who answered, with their page if they have one", name=_TEXT, url=_TEXT))
_REFERENCE = _record(
    "another answer", ("language", "question"), id=_TEXT, url=_TEXT, language=_LANGUAGE, question=_TEXT
)
_SHORT = {
    "id": _TEXT,
    "url": {**_TEXT, "description": "page of the answer, relative to the root of the site"},
    "language": _LANGUAGE,
    "question": _TEXT,
    "answered_by": _PEOPLE,
    "date": _DAY,
    "start_ms": _MS,
    "duration_ms": _COUNT,
    "votes": _COUNT,
    "topics": _LABELS,
    "products": _LABELS,
    "text": {**_TEXT, "description": "the written answer, else the first words that were said"},
}

SCHEMA: dict[str, Any] = {
    "$schema": _DIALECT,
    "title": "What streamhub publishes for programs, version 1",
    "oneOf": [{"$ref": f"#/$defs/{name}"} for name in ("index", "session", "answer", "superseded", "answers")],
    "$defs": {
        "index": _record(
            "export/v1/index.json: all sessions, newest first, and the events that several of them belong to",
            ("events",),
            format={"const": INDEX_FORMAT},
            title=_TEXT,
            language=_LANGUAGE,
            address=_TEXT,
            schema=_TEXT,
            licence=_LICENCE,
            sessions=_list(
                _record(
                    "a session",
                    id=_TEXT,
                    title=_TEXT,
                    language=_LANGUAGE,
                    starts_at=_INSTANT,
                    answers=_COUNT,
                    page=_TEXT,
                    file={**_TEXT, "description": "where its file is; without a public address relative to the root"},
                    digest={**_TEXT, "description": "another one whenever the file has changed"},
                )
            ),
            events=_list(
                _record(
                    "an event",
                    id=_TEXT,
                    title=_TEXT,
                    language=_LANGUAGE,
                    page=_TEXT,
                    sessions={**_list(_TEXT), "description": "ids of its sessions in their order"},
                )
            ),
        ),
        "session": _record(
            "a session with its answers and every word that was said",
            ("event",),
            format={"const": SESSION_FORMAT},
            address=_TEXT,
            title=_TEXT,
            show=_TEXT,
            language=_LANGUAGE,
            starts_at=_INSTANT,
            zone={**_TEXT, "description": "IANA name of the host's time zone"},
            event=_maybe(_record("the event that it belongs to", title=_TEXT, address=_TEXT)),
            duration_ms=_COUNT,
            licence=_LICENCE,
            participants=_list(_record("who took part", name=_TEXT, role=_TEXT, about=_TEXT)),
            topics=_list(_TEXT),
            answers=_list(
                _record(
                    "a published answer",
                    id=_TEXT,
                    address=_TEXT,
                    question=_TEXT,
                    asker={**_TEXT, "description": "as the asker wants to be shown; may be empty"},
                    answered_by=_list(_TEXT),
                    language=_LANGUAGE,
                    start_ms=_MS,
                    duration_ms=_COUNT,
                    votes=_COUNT,
                    topics=_list(_TEXT),
                    products=_list(_TEXT),
                    text={**_TEXT, "description": "written, then spoken, plain"},
                    written={**_TEXT, "description": "the written answer in Markdown; may be empty"},
                    valid_until=_maybe(_DAY),
                )
            ),
            transcript=_list(
                _record(
                    "a cue, without what is not published",
                    ("language",),
                    start_ms=_COUNT,
                    end_ms=_COUNT,
                    speaker=_TEXT,
                    text=_TEXT,
                    language={**_TEXT, "description": "where it is not the session's"},
                )
            ),
        ),
        "answer": _record(
            "<page of an answer>/answer.json: an answer in short",
            format={"const": ANSWER_FORMAT},
            state={"const": "published"},
            **_SHORT,
            asker=_TEXT,
            session=_record("its session", title=_TEXT, url=_TEXT, show=_TEXT, language=_LANGUAGE),
            valid_until=_maybe(_DAY),
            replaces=_list(_REFERENCE),
            media=_maybe(
                _record(
                    "what a page can play after a click; an end of 0 is the file's",
                    kind={"enum": ["video", "audio"]},
                    url=_TEXT,
                    start_ms=_COUNT,
                    end_ms=_COUNT,
                )
            ),
            licence=_LICENCE,
        ),
        "superseded": _record(
            "<page of a superseded answer>/answer.json",
            format={"const": ANSWER_FORMAT},
            state={"const": "superseded"},
            id=_TEXT,
            url=_TEXT,
            language=_LANGUAGE,
            question=_TEXT,
            successor=_maybe(_REFERENCE),
        ),
        "answers": _record(
            "answers.json, also beside each topic, product and person: a page of a list, newest first",
            format={"const": LIST_FORMAT},
            title=_TEXT,
            url={**_TEXT, "description": "page of the list, relative to the root of the site"},
            total={"type": ["integer", "null"], "description": "on the first page only"},
            next={"type": ["string", "null"], "description": "name of the file with older ones, in the same folder"},
            licence=_LICENCE,
            answers=_list(
                _record("an answer", **_SHORT, session=_record("its session", title=_TEXT, language=_LANGUAGE))
            ),
        ),
    },
}
"""A JSON Schema for every file; each of its kinds is told by ``format`` (and ``state``)."""
