"""Building the search index: documents in, files out, nothing written.

Owns the answers' fragments. What of it can be kept from build to build is in `streamhub.archive.search.record` (one
document's words) and `streamhub.archive.search.assembly` (the index of all), where the layout of the files is told.
Refuses to know disks, pages and queries. The same documents give the same bytes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from streamhub.archive.search.assembly import IndexBuilder, encode_json
from streamhub.archive.search.document import FRAGMENTS, Kind, SearchDocument
from streamhub.archive.search.record import analyse
from streamhub.archive.search.synonyms import Synonyms
from streamhub.wordforms.nouns_de import SERVICE_NOUNS


def plan_index(
    documents: Iterable[SearchDocument],
    *,
    service_nouns: Collection[str] = SERVICE_NOUNS,
    synonyms: Synonyms | None = None,
) -> dict[str, bytes]:
    """Plan all files of the index and of the answers at once, remembering nothing.

    Args:
        documents: in any order; both languages.
        service_nouns: German nouns that compounds are split at, beside those that the texts teach.
        synonyms: what a query looks up beside its own words; those that are shipped when not given.

    Returns:
        Path relative to the root of the site, to content; both languages have a manifest even when empty.

    Raises:
        Conflict: two documents have the same id.
    """
    files: dict[str, bytes] = {}
    with IndexBuilder(service_nouns=service_nouns, synonyms=synonyms) as builder:
        for document in documents:
            builder.add(analyse(document))
            files[fragment_path(document.id, document.kind)] = render_fragment(document)
        files.update((path, content) for path, content in builder.files() if content is not None)
    return files


def fragment_path(document_id: str, kind: Kind = "answer") -> str:
    """Where a document's public JSON lies, relative to the root of the site."""
    return f"{FRAGMENTS[kind]}{document_id}.json"


def render_fragment(document: SearchDocument) -> bytes:
    """The public JSON of one answer, or of a stretch of speech in the same form; times are integer milliseconds."""
    return encode_json(
        {
            "id": document.id,
            "url": document.url,
            "language": document.language,
            "question": document.question,
            "answer": document.answer_text,
            "turns": [
                {"start_ms": turn.start_ms, "speaker": turn.speaker, "text": turn.text} for turn in document.turns
            ],
            "topics": list(document.topics),
            "products": list(document.products),
            "speakers": list(document.speakers),
            "date": document.date,
            "session": document.session_title,
            "show": document.show,
        }
    )
