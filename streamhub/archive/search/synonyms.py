"""Synonyms: from lines that an owner writes to what a query looks up beside its own words.

Owns the notation of the owner's file. Refuses to know where the file is. A file has a group a line, its words between
commas, and says before which language follows::

    # Words of our trade
    [de]
    Amtsleitung, Trunk, SIP-Trunk
    -Handy                 # none of the shipped synonyms for this word

Every word of a group finds the answers with the others; groups that share a word stay apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from streamhub.archive.search.document import LANGUAGES
from streamhub.errors import BadInput
from streamhub.wordforms.analysis import Analyzer, Language, split_words
from streamhub.wordforms.synonyms import SYNONYMS

MAX_GROUPS = 2_000
MAX_GROUP_WORDS = 20

Synonyms = Mapping[Language, Mapping[str, tuple[str, ...]]]
"""By language and the stems of a word (a space between), the stems of those that mean the same."""


def parse_synonyms(text: str = "", *, name: str = "synonyms.txt") -> Synonyms:
    """Read an owner's file, which adds to the synonyms that are shipped.

    Args:
        text: of the file.
        name: how messages call it.

    Raises:
        BadInput: a line cannot be read; says which.
    """
    groups: dict[Language, list[tuple[str, ...]]] = {language: [] for language in LANGUAGES}
    dropped: dict[Language, set[str]] = {language: set() for language in LANGUAGES}
    analyzers = {language: Analyzer(language) for language in LANGUAGES}
    language: Language | None = None
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        line = line.split("#", 1)[0].strip()
        where = f"{name}, line {number}"
        if line.startswith("["):
            language = _read_language(line, where)
        elif line and language is None:
            raise BadInput(f"{where}: no language before it", hint="write [de] or [en] on a line before the words")
        elif line.startswith("-") and language:
            dropped[language].add(_stem(analyzers[language], line[1:]))
        elif line and language:
            groups[language].append(_read_group(analyzers[language], line, where))
            if len(groups[language]) > MAX_GROUPS:
                raise BadInput(f"{where}: more than {MAX_GROUPS} groups", hint="keep those that people really type")
    return {
        language: _connect(
            [*groups[language], *_shipped(analyzers[language], without=dropped[language])],
        )
        for language in LANGUAGES
    }


def _read_language(line: str, where: str) -> Language:
    for language in LANGUAGES:
        if line == f"[{language}]":
            return language
    raise BadInput(f"{where}: {line!r} is no language", hint="write [de] or [en]")


def _read_group(analyzer: Analyzer, line: str, where: str) -> tuple[str, ...]:
    words = [word for word in line.split(",") if word.strip()]
    stems = tuple(dict.fromkeys(stem for word in words if (stem := _stem(analyzer, word))))
    if len(words) < 2 or len(words) > MAX_GROUP_WORDS:
        raise BadInput(
            f"{where}: {len(words)} words in a group, 2 to {MAX_GROUP_WORDS} make sense",
            hint="put commas between words that mean the same",
        )
    return stems


def _shipped(analyzer: Analyzer, *, without: set[str]) -> Iterable[tuple[str, ...]]:
    for line in SYNONYMS[analyzer.language].split("\n"):
        stems = tuple(stem for word in line.split(",") if (stem := _stem(analyzer, word)) and stem not in without)
        if len(stems) > 1:
            yield stems


def _connect(groups: Iterable[tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for group in groups:
        for stems in group:
            found.setdefault(stems, {}).update(dict.fromkeys(other for other in group if other != stems))
    return {stems: tuple(others) for stems, others in sorted(found.items())}


def _stem(analyzer: Analyzer, text: str) -> str:
    """The stems of a word or of a few; one with hyphens is written together as well as apart, so it counts as one."""
    return " ".join(analyzer.stem("".join(word.pieces)) for word in split_words(text))
