"""Names in what a recogniser heard: put right by what the show's people said beforehand.

Owns which words may be replaced, and by what. Whoever is not sure leaves a word alone: a word that a dictionary of one
of our languages has is never replaced, unless a person said so in a glossary or by a correction. Pure; refuses to know
where words come from.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from streamhub.text import LANGUAGES, words_of
from streamhub.timecode import Span
from streamhub.transcript.glossary import Vocabulary
from streamhub.transcript.rules import interpolate_words
from streamhub.transcript.sounds import Sound, likeness, likeness_of_letters, likeness_of_sounds, sound_of, squash
from streamhub.transcript.transcript import Cue, Maker, Transcript, Word
from streamhub.wordforms.analysis import Analyzer
from streamhub.wordforms.common import is_common, is_stop_word

MIN_LETTERS = 4
"""Shorter names are replaced only where a person said how they are misheard: too many words sound like them."""
MIN_JOINED = 7
"""Letters of a name that two heard words may be joined to."""
LIKE_SAME = 0.6
LIKE_NEAR = 0.8
SOUNDS_NEAR = 0.8
"""Letters that must be alike where the sound is the same, and where it is nearly so; chosen by ``bench/names.py``."""
LIKE_BESIDE = 0.5
"""Letters and sounds that must be alike where another word of the same name was heard right beside it."""
LIKE_REST = 0.4
"""Letters that must be alike between the first and the last one that differ."""
_SLIP = 2
_MAX_PARTS = 4
_ENDINGS = ("", "s", "'s", "’s")
_EDGES = re.compile(r"^([\W_]*)(.*?)([\W_]*)$", re.DOTALL)
_ADDRESS = re.compile(r"[@#_/\\=]|\w\.\w")
_INFLECTED = re.compile(r"(?:s|es|n|en|e|er|ern|in|innen)")


@dataclass(frozen=True, slots=True)
class _Token:
    """A word with its punctuation apart."""

    word: Word
    before: str
    core: str
    after: str


@dataclass(frozen=True, slots=True)
class _Name:
    """A name as it may be heard.

    Attributes:
        text: as it is to be written.
        words: the same, word by word.
        sound: of all of it.
        sounds: of each word.
    """

    text: str
    words: tuple[str, ...]
    sound: Sound
    sounds: tuple[Sound, ...]


@dataclass(frozen=True, slots=True)
class _Lexicon:
    """A vocabulary, ready to be looked up in."""

    names: tuple[_Name, ...]
    told: dict[tuple[str, ...], str]
    longest: int
    known: dict[str, str]
    stems: frozenset[str]


def correct_transcript(transcript: Transcript, vocabulary: Vocabulary) -> Transcript:
    """The transcript with its names put right; one that a person wrote stays as it is."""
    if transcript.made_by is Maker.PERSON:
        return transcript
    cues = tuple(correct_cue(cue, vocabulary, transcript.language) for cue in transcript.cues)
    return replace(transcript, cues=cues)


def correct_cue(cue: Cue, vocabulary: Vocabulary, language: str) -> Cue:
    """The cue with its names put right; the same object where there is nothing to do."""
    words = cue.words or interpolate_words(cue.text, cue.span)
    corrected = correct_names(words, vocabulary, language)
    if corrected == words:
        return cue
    return replace(cue, text=" ".join(word.text for word in corrected), words=corrected)


def correct_names(words: Sequence[Word], vocabulary: Vocabulary, language: str) -> tuple[Word, ...]:
    """Words with names put right; each that was changed says what had been heard.

    Case and punctuation around a name stay, and so does its time; where one word becomes two or two become one, they
    share it. What was put right before is left alone.

    Args:
        words: as heard, in order; of one sentence, or of a live cue.
        vocabulary: what is known of the session's words.
        language: of the words.
    """
    lexicon = _prepare(vocabulary)
    if not (lexicon.names or lexicon.told):
        return tuple(words)
    tokens = [_token(word) for word in words]
    corrected: list[Word] = []
    place = 0
    while place < len(tokens):
        taken, said = _find(tokens, place, lexicon, language)
        if taken:
            corrected += _rewrite(tokens[place : place + taken], said)
        else:
            taken = 1
            corrected.append(tokens[place].word)
        place += taken
    return tuple(corrected)


def _token(word: Word) -> _Token:
    match = _EDGES.match(word.text)
    before, core, after = match.groups() if match else ("", word.text, "")
    return _Token(word, before, core, after)


@lru_cache(maxsize=8)
def _prepare(vocabulary: Vocabulary) -> _Lexicon:
    parts = [part for name in vocabulary.names if len(name.split()) > 1 for part in name.split()]
    texts = [*vocabulary.names, *(part for part in parts if len(squash(part)) >= MIN_LETTERS)]
    names = tuple(
        _Name(text, words, sound_of(text), tuple(map(sound_of, words)))
        for text in dict.fromkeys(texts)
        if len(squash(text)) >= MIN_LETTERS and (words := tuple(text.split()))
    )
    told = {tuple(heard.split()): said for heard, said in vocabulary.told}
    known = {name.sound.letters: name.text for name in reversed(names)}
    longest = max([1, *map(len, told), *(len(name.words) + 1 for name in names)])
    stemmers = [Analyzer("de"), Analyzer("en")]
    stems = frozenset(one.stem(letters) for letters in known for one in stemmers)
    return _Lexicon(names, told, min(longest, _MAX_PARTS + 2), known, stems)


def _find(tokens: Sequence[_Token], place: int, lexicon: _Lexicon, language: str) -> tuple[int, str]:
    """How many words from here on are a name, and which; none where they are as they should be."""
    for count in range(min(lexicon.longest, len(tokens) - place), 0, -1):
        window = tokens[place : place + count]
        if _is_one_breath(window):
            said = _look_up(window, lexicon) or _hear(window, lexicon, language)
            if said:
                return (count, said) if said != " ".join(token.core for token in window) else (0, "")
    return 0, ""


def _is_one_breath(window: Sequence[_Token]) -> bool:
    """No comma or full stop inside, nothing that was put right before, and no address or handle."""
    return all(not one.after and not other.before for one, other in pairwise(window)) and not any(
        token.word.heard or not token.core or _ADDRESS.search(token.before[-1:] + token.core) for token in window
    )


def _look_up(window: Sequence[_Token], lexicon: _Lexicon) -> str:
    """What a person said is to be written for these words; with the ending of a genitive, if they have one."""
    words = tuple(words_of(" ".join(token.core for token in window)))
    for ending in _ENDINGS:
        bare = words[-1].removesuffix(ending) if words else ""
        if words and words[-1].endswith(ending) and (said := lexicon.told.get((*words[:-1], bare))):
            return said + ending
    return ""


def _hear(window: Sequence[_Token], lexicon: _Lexicon, language: str) -> str:
    """The one name that these words sound like; empty where there is none, or where two are as likely."""
    text = " ".join(token.core for token in window)
    letters = squash(text)
    if len(letters) < MIN_LETTERS or not _may_change(window, letters, lexicon):
        return ""
    heard = sound_of(text)
    scores: dict[str, float] = {}
    halves = len(window) == 1 or not any(_stands_alone(token.core, lexicon) for token in window)
    for name in lexicon.names:
        if not halves and len(name.words) != len(window):
            continue
        for ending in _endings(name, language):
            if (score := _score(window, heard, name, ending)) > 0:
                scores[name.text + ending] = score
    ranked = sorted(scores, key=lambda text: (-scores[text], text))
    if not ranked or (len(ranked) > 1 and scores[ranked[0]] == scores[ranked[1]]):
        return ""
    return ranked[0]


def _endings(name: _Name, language: str) -> Sequence[str]:
    """Endings with which a name may be said; one that ends in such a sound takes none."""
    if name.sound.letters[-1:] in {"s", "x", "z"}:
        return _ENDINGS[:1]
    return _ENDINGS[:2] if language == "de" else _ENDINGS


def _may_change(window: Sequence[_Token], letters: str, lexicon: _Lexicon) -> bool:
    """Whether a guess may touch these words: somebody must have heard what no dictionary has, and no known name."""
    strange = [token for token in window if not _is_known(token.core)]
    if len(window) == 1:
        return bool(strange) and not _is_form_of_name(letters, lexicon)
    return bool(strange) or letters in lexicon.known


def _is_known(core: str) -> bool:
    return any(is_common(core, language) for language in LANGUAGES)


def _is_form_of_name(letters: str, lexicon: _Lexicon) -> bool:
    """Whether this is a name already, or one with an ending: nothing is wrong with it."""
    if letters in lexicon.known:
        return False  # only its capitals may be wrong
    return any(
        letters.startswith(known) and _INFLECTED.fullmatch(letters[len(known) :]) for known in lexicon.known
    ) or any(one.stem(letters) in lexicon.stems for one in _STEMMERS)


_STEMMERS = (Analyzer("de"), Analyzer("en"))


def _score(window: Sequence[_Token], heard: Sound, name: _Name, ending: str) -> float:
    """How likely these words are that name; 0 for not at all."""
    if len(name.words) == len(window):
        return _score_by_word(window, name, ending)
    if abs(len(name.words) - len(window)) > 1 or len(name.sound.letters) < MIN_JOINED:
        return 0.0
    return _score_sounds(heard, sound_of(name.text + ending))


def _stands_alone(core: str, lexicon: _Lexicon) -> bool:
    """Whether a word is no half of a name that fell apart: no number, stop word, or name itself."""
    letters = squash(core)
    no_part = letters in lexicon.known or _is_form_of_name(letters, lexicon)
    return no_part or is_stop_word(core) or not any(map(str.isalpha, core))


def _score_by_word(window: Sequence[_Token], name: _Name, ending: str) -> float:
    texts = (*name.words[:-1], name.words[-1] + ending)
    pairs = [(sound_of(token.core), sound_of(text)) for token, text in zip(window, texts, strict=True)]
    sure = any(heard.letters == wanted.letters for heard, wanted in pairs)  # the rest of the name is right
    scores = []
    for token, (heard, wanted) in zip(window, pairs, strict=True):
        if heard.letters == wanted.letters:
            scores.append(1.0)
        elif _is_known(token.core) or len(heard.letters) < MIN_LETTERS:
            return 0.0
        else:
            scores.append(_score_sounds(heard, wanted, sure=sure))
    return sum(scores) / len(scores) if all(scores) else 0.0


def _score_sounds(heard: Sound, wanted: Sound, *, sure: bool = False) -> float:
    shorter, longer = sorted((len(heard.letters), len(wanted.letters)))
    if shorter < longer * min(LIKE_SAME, LIKE_NEAR, LIKE_BESIDE):
        return 0.0
    if not _differ_by_slips(heard.letters, wanted.letters):
        return 0.0
    letters, sounds = likeness_of_letters(heard, wanted), likeness_of_sounds(heard, wanted)
    if sure:
        return (letters + sounds) / 2 if min(letters, sounds) >= LIKE_BESIDE else 0.0
    enough = LIKE_SAME if sounds == 1 else LIKE_NEAR if sounds >= SOUNDS_NEAR else 2.0
    return (letters + sounds) / 2 if letters >= enough else 0.0


def _differ_by_slips(heard: str, wanted: str) -> bool:
    """Whether what differs is a slip here and there, no other half of a compound: ``-frage`` is no ``-dialog``."""
    start = _count_same(heard, wanted)
    end = _count_same(heard[start:][::-1], wanted[start:][::-1])
    one, other = heard[start : len(heard) - end], wanted[start : len(wanted) - end]
    return max(len(one), len(other)) <= _SLIP or likeness(one, other) >= LIKE_REST


def _count_same(left: str, right: str) -> int:
    """How many letters are the same before the first that differs."""
    return next((n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))


def _rewrite(tokens: Sequence[_Token], said: str) -> list[Word]:
    """The words of a name in the place of those that were heard, with the punctuation around them."""
    first, last = tokens[0], tokens[-1]
    if first.core[:1].isupper() and said[:1].islower() and not any(map(str.isupper, said)):
        said = said[:1].upper() + said[1:]  # a word of a glossary at the beginning of a sentence
    texts = said.split()
    heard = [token.core for token in tokens]
    if len(texts) == len(tokens):
        spans = [token.word.span for token in tokens]
        whole = [core if core != text else "" for core, text in zip(heard, texts, strict=True)]
        chances = [token.word.probability for token in tokens]
    else:
        span = Span(first.word.span.start_ms, max(first.word.span.start_ms, last.word.span.end_ms))
        spans = [word.span for word in interpolate_words(" ".join(texts), span)]
        whole = [" ".join(heard)] * len(texts)
        chances = [min(token.word.probability for token in tokens)] * len(texts)
    texts[0] = first.before + texts[0]
    texts[-1] += last.after
    return [
        Word(text, span, chance, heard=before)
        for text, span, chance, before in zip(texts, spans, chances, whole, strict=True)
    ]
