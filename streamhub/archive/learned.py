"""What a correction of words teaches: a name that was misheard, and how it is written. Pure.

Owns which corrections say something about the next recording. Only single words and short names that sound like what
stood there do; a sentence that was rewritten, a word of grammar or another ending says nothing. Refuses to know where
it is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from streamhub.archive.review import Edit, Fields
from streamhub.text import LANGUAGES, words_of
from streamhub.transcript.glossary import is_product_like
from streamhub.transcript.sounds import likeness_of_letters, likeness_of_sounds, sound_of, squash
from streamhub.wordforms.analysis import Analyzer
from streamhub.wordforms.common import is_common, is_stop_word

MAX_WORDS = 3
MIN_LETTERS = 3
LIKE_ENOUGH = 0.5
MOST_AT_ONCE = 3
"""A correction that replaces more names than that is another text."""
HEARD_AT = 4
"""Place of what was heard in a word as `streamhub.archive.wordtimes.list_word` lists it."""

Pair = tuple[str, str]
"""What the recogniser wrote, and what a person wrote instead."""


def find_learned(edit: Edit) -> tuple[Pair, ...]:
    """The names that a correction of words puts right; none for other corrections.

    A word that a machine had put right is learned as it was heard, and one that a person puts back as heard teaches
    to leave it as it is.
    """
    if edit.action != "words":
        return ()
    found: list[Pair] = []
    for key, after in edit.after.items():
        before = edit.before.get(key)
        if before and after and "text" in before and "text" in after:
            found += _compare(before, after)
    return tuple(dict.fromkeys(found))


def _compare(before: Fields, after: Fields) -> list[Pair]:
    old = _words(before)
    new = [_bare(text) for text in after["text"].split()]
    matcher = SequenceMatcher(a=[text for text, _ in old], b=new, autojunk=False)
    codes = matcher.get_opcodes()
    same = sum(last - first for kind, first, last, _, _ in codes if kind == "equal")
    changed = [code for code in codes if code[0] != "equal"]
    if same * 2 < max(len(old), len(new)) or len(changed) > MOST_AT_ONCE:
        return []
    found = []
    for kind, first, last, begin, end in changed:
        if kind == "replace":
            found += [_learn(words, said) for words, said in _pair(old[first:last], new[begin:end])]
    return [pair for pair in found if pair is not None]


def _pair(old: Sequence[tuple[str, str]], new: Sequence[str]) -> list[tuple[Sequence[tuple[str, str]], str]]:
    """Word by word where there are as many, else all of them as one name."""
    if len(old) == len(new):
        return [([one], said) for one, said in zip(old, new, strict=True)]
    return [(old, " ".join(new))]


def _words(fields: Fields) -> list[tuple[str, str]]:
    """Words without punctuation, each with what was heard where a machine had put it right."""
    listed = fields.get("words") or [[text] for text in fields["text"].split()]
    return [(_bare(word[0]), word[HEARD_AT] if len(word) > HEARD_AT else "") for word in listed]


def _bare(text: str) -> str:
    return text.strip(".,;:!?…()[]\"'“”„»«–— ")


def _learn(words: Sequence[tuple[str, str]], said: str) -> Pair | None:
    written = " ".join(text for text, _ in words)
    heard = " ".join(dict.fromkeys(heard or text for text, heard in words))
    if heard != written and words_of(heard) == words_of(said):
        return heard, said
    return (heard, said) if _teaches(heard, said) else None


def _teaches(heard: str, said: str) -> bool:
    both = (heard, said)
    if words_of(heard) == words_of(said) or any(not 0 < len(one.split()) <= MAX_WORDS for one in both):
        return False
    if any(sum(map(str.isalpha, one)) < MIN_LETTERS or all(_is_little(w) for w in one.split()) for one in both):
        return False
    left, right = map(sound_of, both)
    if max(likeness_of_letters(left, right), likeness_of_sounds(left, right)) < LIKE_ENOUGH or _same_stem(heard, said):
        return False
    return is_name(said) or (heard[:1].isupper() and said[:1].isupper())


def _is_little(word: str) -> bool:
    return is_stop_word(word) or not any(map(str.isalpha, word))


def is_name(text: str) -> bool:
    """Whether some word of it is in no dictionary, or is written like a product."""
    return any(is_product_like(word) or not any(is_common(word, one) for one in LANGUAGES) for word in text.split())


def _same_stem(left: str, right: str) -> bool:
    return any(_stems(left, one) == _stems(right, one) for one in (Analyzer("de"), Analyzer("en")))


def _stems(text: str, stemmer: Analyzer) -> list[str]:
    return [stemmer.stem(squash(word)) for word in text.split()]
