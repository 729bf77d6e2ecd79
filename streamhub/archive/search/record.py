"""What the index keeps of a document: its words, counted, in a few bytes.

Owns reading a document for the index, which knows nothing of any other document; so a record can be kept beside the
document it was made from and stays right for as long as that document is the same. Refuses to know terms: what a word
of one document means to the index depends on the words of all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache

import msgspec
import numpy as np

from streamhub.archive.search.document import FACETS, SearchDocument
from streamhub.errors import BadInput
from streamhub.wordforms.analysis import Language, find_words, fold_stop_words, fold_word
from streamhub.wordforms.compounds import find_spellings
from streamhub.wordforms.separable import find_separated
from streamhub.wordforms.stopwords import STOP_WORDS

RECORD_VERSION = 4
"""Goes up with every change of what a record holds, or of how words are told apart and folded."""

QUESTION_WEIGHT = 6
LABEL_WEIGHT = 2
BODY_WEIGHT = 1


class Record(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One document, counted.

    Attributes:
        version: of this form.
        kind: of the document.
        id: of the document.
        language: whose index it goes into.
        date: of its session, ISO.
        labels: by facet, as shown.
        length: words that carry meaning.
        words: different words, a line each; the pieces of one with a hyphen between.
        weights: of each word, the weights of its fields summed, as 16-bit numbers.
        noun_signs: of each German word, how much of its writing speaks for a noun, as signed 16-bit numbers.
    """

    version: int
    kind: str
    id: str
    language: str
    date: str
    labels: dict[str, tuple[str, ...]]
    length: int
    words: str
    weights: bytes
    noun_signs: bytes


def analyse(document: SearchDocument) -> bytes:
    """Count the words of a document; pure, so equal documents have equal records."""
    weights: dict[tuple[str, ...], int] = {}
    noun_signs: dict[tuple[str, ...], int] = {}
    stop_words = _stop_words(document.language)
    is_german = document.language == "de"
    length = 0
    for text, weight in _fields(document):
        for pieces, count, signs in find_spellings(text) if is_german else _find_forms(text):
            weights[pieces] = weights.get(pieces, 0) + count * weight
            noun_signs[pieces] = noun_signs.get(pieces, 0) + signs
            length += count * (pieces[0] not in stop_words)
        for verb in find_separated(text) if is_german else ():
            weights[verb,] = weights.get((verb,), 0) + weight
            noun_signs.setdefault((verb,), 0)
    words = sorted(weights)
    record = Record(
        version=RECORD_VERSION,
        kind=document.kind,
        id=document.id,
        language=document.language,
        date=document.date,
        labels=dict(_labels(document)),
        length=length,
        words="\n".join(map("-".join, words)),
        weights=_pack([weights[word] for word in words], "<u2"),
        noun_signs=_pack([noun_signs[word] for word in words], "<i2") if is_german else b"",
    )
    return msgspec.msgpack.encode(record)


_decoder = msgspec.msgpack.Decoder(Record)


def read_record(data: bytes) -> Record:
    """Read what `analyse` made.

    Raises:
        BadInput: the data is damaged, or was made by another version.
    """
    try:
        record = _decoder.decode(data)
    except msgspec.MsgspecError as problem:
        raise BadInput(f"search record: cannot be read ({problem})", hint="delete the kept records") from problem
    if record.version != RECORD_VERSION:
        raise BadInput(
            f"search record {record.id}: version {record.version}, this program makes {RECORD_VERSION}",
            hint="delete the kept records",
        )
    return record


def _fields(document: SearchDocument) -> Iterable[tuple[str, int]]:
    """The texts of a document by weight; a line never runs into the next."""
    if document.kind == "answer":
        yield document.question, QUESTION_WEIGHT
    yield "\n".join((*document.topics, *document.products, *document.speakers)), LABEL_WEIGHT
    spoken = (turn.text for turn in document.turns)
    yield "\n".join((document.answer_text, document.session_title, *spoken)), BODY_WEIGHT


def _labels(document: SearchDocument) -> Iterable[tuple[str, tuple[str, ...]]]:
    shown = {
        "topic": document.topics,
        "product": document.products,
        "speaker": document.speakers,
        "show": (document.show,),
        "year": (document.date[:4],),
    }
    for facet in FACETS:
        titles = tuple(dict.fromkeys(title for one in shown[facet] if (title := _clean(one))))
        if titles:
            yield facet, titles


def _clean(title: str) -> str:
    """A title in one line, without characters that cannot be shown or written."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in title).split())


def _find_forms(text: str) -> Iterator[tuple[tuple[str, ...], int, int]]:
    for word, count in Counter(find_words(text)).items():
        pieces = fold_word(word)
        if pieces:
            yield pieces, count, 0


def _pack(numbers: list[int], kind: str) -> bytes:
    limits = np.iinfo(kind)
    return np.clip(np.array(numbers, dtype=np.int64), limits.min, limits.max).astype(kind).tobytes()


@cache
def _stop_words(language: Language) -> frozenset[str]:
    return frozenset(fold_stop_words(STOP_WORDS[language]))
