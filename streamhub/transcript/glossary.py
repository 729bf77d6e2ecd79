"""The glossary: names and words of a show as hosts write them down, an entry a line.

Owns the notation and the order in which names are handed on. ``Streamhub: Stream Hub, Strihm Hab`` is an entry with
two variants that recognisers write for it; a line that begins with ``#`` is a remark. Pure; refuses to know where a
glossary is kept and how a text is corrected by it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from streamhub.text import LANGUAGES, words_of
from streamhub.wordforms.common import is_common, is_stop_word

MAX_GLOSSARY_CHARACTERS = 20_000
MAX_ENTRIES = 300
MAX_VARIANTS = 20
MAX_ENTRY_CHARACTERS = 80
MAX_ENTRY_WORDS = 6
_MIN_RARE_LETTERS = 4
_VARIANTS = re.compile(r":(?:\s+|$)")
_SEPARATORS = re.compile(r"\s*[,;]\s*")
_WORD = re.compile(r"\w+(?:[-&!.'’]\w+)*")
_PRODUCT_LIKE = re.compile(r"[^\W\d_]+\d|\d+[^\W\d_]|\w[^\W\d_]*[A-ZÄÖÜ]")


class Flaw(StrEnum):
    """What is the matter with a line."""

    NO_LETTERS = "no_letters"
    LONG = "long"
    VARIANTS = "variants"
    TWICE = "twice"
    CLAIMED = "claimed"
    EVERYDAY = "everyday"
    MANY = "many"


SENTENCES: Mapping[Flaw, tuple[str, str]] = MappingProxyType(
    {
        Flaw.NO_LETTERS: ("Line %(line)s: “%(about)s” has no letters.", "Write a name or a word."),
        Flaw.LONG: ("Line %(line)s: “%(about)s” is too long.", "At most 6 words and 80 characters fit."),
        Flaw.VARIANTS: ("Line %(line)s: “%(about)s” has too many variants.", "Leave at most 20 behind the colon."),
        Flaw.TWICE: ("Line %(line)s: “%(about)s” stands there already.", "Take one of the two lines out."),
        Flaw.CLAIMED: (
            "Line %(line)s: “%(about)s” belongs to another entry already.",
            "One spelling can stand for one name only.",
        ),
        Flaw.EVERYDAY: (
            "Line %(line)s: “%(about)s” is said in every other sentence.",
            "It would be replaced everywhere; add the words beside it.",
        ),
        Flaw.MANY: ("Line %(line)s: more than %(about)s entries do not fit.", "Leave out what is hardly ever said."),
    }
)
"""What is the matter, and what to do about it; the message ids of the web catalogue."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that cannot stay as it is.

    Attributes:
        line: its number, from 1.
        flaw: why.
        about: the piece of it that is meant.
    """

    line: int
    flaw: Flaw
    about: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A name or a word.

    Attributes:
        said: as it is to be written.
        heard: what recognisers write for it.
    """

    said: str
    heard: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """Where the words of a session come from.

    Attributes:
        language: of the session.
        people: names of those who take part.
        products: that questions are about.
        show: the show's glossary.
        hub: the glossary of all shows.
        learned: what people corrected in earlier sessions, as heard and as written, with how often; most often first.
        titles: of topics.
        texts: of questions.
    """

    language: str
    people: Sequence[str] = ()
    products: Sequence[str] = ()
    show: Sequence[Entry] = ()
    hub: Sequence[Entry] = ()
    learned: Sequence[tuple[str, str, int]] = ()
    titles: Sequence[str] = ()
    texts: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Vocabulary:
    """What is known of a session's words before anybody listens.

    Attributes:
        hints: for the recogniser, what matters most first.
        names: what a heard word may be corrected to because it sounds like it.
        told: what people said of heard words: folded words to what is to be written for them.
    """

    hints: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    told: tuple[tuple[str, str], ...] = ()


def parse_glossary(text: str) -> tuple[list[Entry], list[Problem]]:
    """The entries of a glossary, and every problem in it.

    Where there are problems, the entries are those of the lines without any.
    """
    entries: list[Entry] = []
    problems: list[Problem] = []
    taken: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        entry = _parse_line(line)
        found = [*_flaws(number, entry), *_clashes(number, entry, taken)]
        if len(entries) == MAX_ENTRIES:
            return entries, [*problems, Problem(number, Flaw.MANY, str(MAX_ENTRIES))]
        problems += found
        if not found:
            entries.append(entry)
            taken |= {key_of(one): number for one in (entry.said, *entry.heard)}
    return entries, problems


def _parse_line(line: str) -> Entry:
    said, *rest = _VARIANTS.split(line.strip(), maxsplit=1)
    variants = [" ".join(one.split()) for one in _SEPARATORS.split(rest[0] if rest else "")]
    said = " ".join(said.split())
    # A variant that differs in capitals alone is no other word: the name is written as it stands anyway.
    return Entry(said=said, heard=tuple(dict.fromkeys(one for one in variants if one and key_of(one) != key_of(said))))


def _flaws(number: int, entry: Entry) -> list[Problem]:
    found = []
    for one in (entry.said, *entry.heard):
        if not (any(map(str.isalpha, one)) and key_of(one)):
            found.append(Problem(number, Flaw.NO_LETTERS, one or ":"))
        elif len(one) > MAX_ENTRY_CHARACTERS or len(one.split()) > MAX_ENTRY_WORDS:
            found.append(Problem(number, Flaw.LONG, one))
    if len(entry.heard) > MAX_VARIANTS:
        found.append(Problem(number, Flaw.VARIANTS, entry.said))
    return found + [Problem(number, Flaw.EVERYDAY, one) for one in entry.heard if _is_everyday(one)]


def _clashes(number: int, entry: Entry, taken: dict[str, int]) -> list[Problem]:
    found = [Problem(number, Flaw.TWICE, entry.said)] if key_of(entry.said) in taken else []
    return found + [Problem(number, Flaw.CLAIMED, one) for one in entry.heard if key_of(one) in taken]


def _is_everyday(text: str) -> bool:
    """Whether a variant is a word or two that every second sentence has, so that no text would survive it."""
    words = words_of(text)
    return bool(words) and all(is_stop_word(word) for word in words)


def key_of(text: str) -> str:
    """What makes two spellings the same word or words: no capitals, accents and punctuation."""
    return " ".join(words_of(text))


def find_rare_words(texts: Iterable[str], language: str) -> list[str]:
    """Words of texts that no dictionary has, names and products among them; those of most texts first, then in order.

    A word is given as it stands where it was met first.
    """
    counted: Counter[str] = Counter()
    written: dict[str, str] = {}
    for text in texts:
        found = {key_of(word): word for word in _WORD.findall(text) if _is_rare(word, language)}
        counted.update(found.keys())
        written = found | written
    return [written[key] for key, _ in counted.most_common()]


def _is_rare(word: str, language: str) -> bool:
    if is_product_like(word):
        return True
    return sum(map(str.isalpha, word)) >= _MIN_RARE_LETTERS and not is_common(word, language)


def is_product_like(word: str) -> bool:
    """Whether a word is written as only products and models are: with capitals inside, or letters beside digits."""
    return len(word) > 2 and bool(_PRODUCT_LIKE.search(word))


def _is_odd(heard: str) -> bool:
    """Whether no dictionary has what was heard, so that one correction is enough to replace it from then on."""
    return not all(any(is_common(word, one) for one in LANGUAGES) for word in heard.split())


def plan_names(known: Known) -> Vocabulary:
    """The vocabulary of a session, ranked for a recogniser that remembers few words.

    Heard words are corrected to names that people gave, and of the questions' words to those alone that are written
    like a product: what no dictionary has is mostly a compound, and its plural is no slip.
    """
    glossary = (*known.show, *known.hub)
    learned = [said for _, said, _ in known.learned]
    given = [
        *known.people,
        *(entry.said for entry in known.show),
        *learned,
        *known.products,
        *(entry.said for entry in known.hub),
        *known.titles,
    ]
    parts = {word for one in given for word in words_of(one)}
    rare = [word for word in find_rare_words(known.texts, known.language) if key_of(word) not in parts]
    ranked = [*given, *rare]
    by_key = {key_of(one): one for one in reversed(ranked)}  # the spelling of what matters most wins
    names = [
        *known.people,
        *(entry.said for entry in glossary),
        *learned,
        *known.products,
    ]
    names += [word for word in rare if is_product_like(word)]
    told = [(key_of(heard), said) for heard, said, times in reversed(known.learned) if times > 1 or _is_odd(heard)]
    told += [(key_of(heard), entry.said) for entry in reversed(glossary) for heard in entry.heard]
    return Vocabulary(
        hints=tuple(dict.fromkeys(by_key[key_of(one)] for one in ranked if key_of(one))),
        names=tuple(dict.fromkeys(by_key[key_of(one)] for one in names if key_of(one))),
        told=tuple(dict(told).items()),  # a show's glossary over the hub's, both over what was learned
    )
