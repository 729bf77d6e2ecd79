"""Rules of transcription: from what a recogniser heard to sentences, and from the media's clock to the session's.

Pure. Owns where a cue begins and ends, and what counts as a loop of a recogniser.
Refuses to know which recogniser heard the words and in which file they stand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from streamhub.recording.recording import ClockMap, ClockPiece
from streamhub.text import ends_sentence, words_of
from streamhub.timecode import Span
from streamhub.transcript.transcript import Cue, LanguageCheck, Maker, Transcript, Word

MAX_CUE_CHARACTERS = 180
MAX_CUE_MS = 14_000
PAUSE_MS = 1_800
MAX_REPEATS = 3
MAX_VOCABULARY_CHARACTERS = 400
EDGE_TOLERANCE_MS = 500
SURE_OF_LANGUAGE = 0.8
SURE_OF_ANOTHER = 0.9
LEAST_WINDOWS = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """One stretch of speech as a recogniser reported it.

    Attributes:
        span: media milliseconds.
        text: as written by the recogniser.
        words: word times; empty when it gave none.
    """

    span: Span
    text: str
    words: tuple[Word, ...] = ()


def make_transcript(
    heard: Sequence[Heard],
    *,
    language: str,
    made_with: str,
    language_chance: float = 1.0,
    language_checks: tuple[LanguageCheck, ...] = (),
) -> Transcript:
    """The transcript of what a recogniser heard: loops dropped, sentences as cues, word times kept."""
    words = [word for part in drop_loops(heard) for word in _words_of_part(part)]
    return Transcript(
        language=language,
        cues=cues_from_words(words),
        made_by=Maker.MACHINE,
        made_with=made_with,
        language_chance=language_chance,
        language_checks=language_checks,
    )


def drop_loops(heard: Sequence[Heard]) -> list[Heard]:
    """Leave one of more than three consecutive stretches that say the same: a recogniser's loop over noise or music."""
    kept: list[Heard] = []
    for said, run in groupby(heard, key=lambda part: tuple(words_of(part.text))):
        parts = list(run)
        if said:
            kept += parts[:1] if len(parts) > MAX_REPEATS else parts
    return kept


def spread_words(words: Sequence[Word]) -> tuple[Word, ...]:
    """Give words without length a share of the next word's time (else of the previous one's), by their letters.

    Recognisers that align words by attention often press several words into one instant. Times never run backwards
    afterwards.
    """
    groups: list[list[Word]] = [[]]
    for word in words:
        groups[-1].append(word)
        if word.span.duration_ms:
            groups.append([])
    if len(groups) > 1 and groups[-1]:
        tail = groups.pop()
        groups[-1] += tail
    spread: list[Word] = []
    for group in groups:
        spread += _share(group, floor_ms=spread[-1].span.end_ms if spread else 0)
    return tuple(spread)


def _share(group: Sequence[Word], *, floor_ms: int) -> list[Word]:
    if not group:
        return []
    start_ms = max(floor_ms, min(word.span.start_ms for word in group))
    end_ms = max(start_ms, *(word.span.end_ms for word in group))
    edges = _proportional(start_ms, end_ms, [len(word.text) for word in group])
    return [replace(word, span=Span(a, b)) for word, (a, b) in zip(group, pairwise(edges), strict=True)]


def _proportional(start_ms: int, end_ms: int, weights: Sequence[int]) -> list[int]:
    """Edges that share a stretch by weight; one more than there are weights."""
    total = sum(weights) or 1
    edges, done = [start_ms], 0
    for weight in weights:
        done += weight
        edges.append(start_ms + (end_ms - start_ms) * done // total)
    return edges


def _words_of_part(part: Heard) -> tuple[Word, ...]:
    return spread_words(part.words) if part.words else interpolate_words(part.text, part.span)


def interpolate_words(text: str, span: Span) -> tuple[Word, ...]:
    """Words of a text with times shared out by their letters; for text whose recogniser gave no word times."""
    tokens = text.split()
    edges = _proportional(span.start_ms, span.end_ms, [len(token) for token in tokens])
    return tuple(Word(token, Span(a, b)) for token, (a, b) in zip(tokens, pairwise(edges), strict=True))


def cues_from_words(words: Iterable[Word], *, speaker: str = "") -> tuple[Cue, ...]:
    """Cut words into cues at sentence ends and long pauses; long sentences at their best inner edge.

    Ids are ``c1``, ``c2`` ... in order. Each cue lasts at least a millisecond and begins no earlier than the last one.
    """
    kept = [word for word in words if word.text.strip()]
    parts = [part for sentence in _sentences(kept) for part in _fit(sentence)]
    cues: list[Cue] = []
    for number, part in enumerate(parts, start=1):
        floor_ms = cues[-1].span.start_ms if cues else 0
        start_ms = max(floor_ms, part[0].span.start_ms)
        span = Span(start_ms, max(start_ms + 1, part[-1].span.end_ms))
        text = " ".join(word.text for word in part)
        cues.append(Cue(id=f"c{number}", span=span, text=text, speaker=speaker, words=tuple(part)))
    return tuple(cues)


def _sentences(words: Sequence[Word]) -> list[list[Word]]:
    sentences: list[list[Word]] = [[]]
    for index, word in enumerate(words):
        sentences[-1].append(word)
        if index + 1 < len(words):
            following = words[index + 1]
            pause_ms = following.span.start_ms - word.span.end_ms
            if pause_ms >= PAUSE_MS or ends_sentence(word.text, following.text):
                sentences.append([])
    return [sentence for sentence in sentences if sentence]


def _fit(words: Sequence[Word]) -> list[Sequence[Word]]:
    """Cut a stretch in two, again and again, until every part fits a caption."""
    characters = sum(len(word.text) + 1 for word in words)
    lasting_ms = words[-1].span.end_ms - words[0].span.start_ms
    if len(words) < 2 or (characters <= MAX_CUE_CHARACTERS and lasting_ms <= MAX_CUE_MS):
        return [words]
    cut = max(range(1, len(words)), key=lambda index: _cut_value(words, index, characters))
    return _fit(words[:cut]) + _fit(words[cut:])


def _cut_value(words: Sequence[Word], index: int, characters: int) -> float:
    """How good an edge before word ``index`` is: after punctuation, in a pause, and near the middle."""
    before, after = words[index - 1], words[index]
    left = sum(len(word.text) + 1 for word in words[:index])
    balance = 1 - abs(2 * left / characters - 1)
    punctuation = 0.5 if before.text[-1:] in ",;:–—" else 0.0
    pause_s = min(1.0, max(0, after.span.start_ms - before.span.end_ms) / 1000)
    return balance + punctuation + pause_s


def to_session_clock(transcript: Transcript, clock: ClockMap) -> Transcript:
    """The transcript on the session clock; what was said outside the session (before going live) is left out.

    A cue that lies across a gap of the clock is cut there; its later parts get the ids ``c5-2``, ``c5-3`` ...
    """
    cues: list[Cue] = []
    for cue in transcript.cues:
        parts = _map_words(cue, clock) if cue.words else _map_text(cue, clock)
        for number, part in enumerate(parts, start=1):
            cues.append(part if number == 1 else replace(part, id=f"{cue.id}-{number}"))
    return replace(transcript, cues=tuple(sorted(cues, key=lambda cue: cue.span.start_ms)))


def move_captions(transcript: Transcript, shift_ms: int) -> Transcript:
    """Captions that are out of step, moved as a whole; what would then lie before the beginning is left out."""

    def moved(span: Span) -> Span:
        return Span(max(0, span.start_ms + shift_ms), max(1, span.end_ms + shift_ms))

    cues = tuple(
        replace(
            cue,
            span=moved(cue.span),
            words=tuple(replace(word, span=moved(word.span)) for word in cue.words),
        )
        for cue in transcript.cues
        if cue.span.end_ms + shift_ms > 0
    )
    return replace(transcript, cues=cues, moved_ms=transcript.moved_ms + shift_ms)


def _map_words(cue: Cue, clock: ClockMap) -> list[Cue]:
    placed = [(_piece_at(clock, (w.span.start_ms + w.span.end_ms) // 2), w) for w in cue.words]
    parts = []
    for piece, run in groupby((pair for pair in placed if pair[0] is not None), key=lambda pair: pair[0]):
        assert piece is not None
        words = tuple(replace(word, span=_to_session(piece, word.span)) for _, word in run)
        # The cue's own edges may lie a little outside its words; they count where the cue was not cut.
        start_ms, end_ms = words[0].span.start_ms, words[-1].span.end_ms
        if words[0].text == cue.words[0].text and len(words) == len(cue.words):
            whole = _to_session(piece, cue.span)
            start_ms, end_ms = min(start_ms, whole.start_ms), max(end_ms, whole.end_ms)
        text = cue.text if len(words) == len(cue.words) else " ".join(word.text for word in words)
        parts.append(replace(cue, span=Span(start_ms, max(start_ms + 1, end_ms)), text=text, words=words))
    return parts


def _map_text(cue: Cue, clock: ClockMap) -> list[Cue]:
    """A cue without word times goes where most of it lies."""
    best = max(clock.pieces, key=lambda piece: piece.media.overlap_ms(cue.span), default=None)
    if best is None or not best.media.overlap_ms(cue.span):
        return []
    span = _to_session(best, cue.span)
    return [replace(cue, span=Span(span.start_ms, max(span.start_ms + 1, span.end_ms)))]


def _piece_at(clock: ClockMap, media_ms: int) -> ClockPiece | None:
    for piece in clock.pieces:
        if piece.media.start_ms <= media_ms <= piece.media.end_ms:
            return piece
    last = clock.pieces[-1] if clock.pieces else None
    if last and last.media.end_ms < media_ms <= last.media.end_ms + EDGE_TOLERANCE_MS:
        return last
    return None


def _to_session(piece: ClockPiece, span: Span) -> Span:
    return Span(piece.to_session_ms(span.start_ms), piece.to_session_ms(span.end_ms))


def settle_languages(heard: Sequence[tuple[str, float]], *, begin: str) -> list[str]:
    """The language of each piece of a recording whose language may change, with hysteresis.

    A piece keeps the language of the one before it, unless it is sure of another: a German sentence full of English
    names makes nobody speak English.

    Args:
        heard: for each piece the language that its sound is most like, and how sure that is (0 to 1); an empty
            language where nobody speaks.
        begin: the language that the recording is expected to begin with.
    """
    settled, now = [], begin
    for language, chance in heard:
        if language and chance >= SURE_OF_LANGUAGE:
            now = language
        settled.append(now)
    return settled


def find_spoken_language(checks: Iterable[LanguageCheck], told: str, *, known: Collection[str]) -> str:
    """The language in which a recording is surely spoken although another one was told; empty where that is unsure.

    At least two windows are sure of it, and more than twice as many as are sure of the one that was told: a clip in
    another language, or a show that mixes them, is not a language that was set wrong.

    Args:
        checks: what windows of the sound are most like.
        told: the language that the recording is said to be in.
        known: the languages that it may be heard in instead.
    """
    sure = [check.language for check in checks if check.chance >= SURE_OF_ANOTHER]
    counts = {language: sure.count(language) for language in known if language != told}
    best = max(sorted(counts), key=lambda language: counts[language], default="")
    enough = best and counts[best] >= LEAST_WINDOWS and counts[best] > 2 * sure.count(told)
    return best if enough else ""


def mark_languages(cues: Iterable[Cue], spoken: Sequence[tuple[Span, str]]) -> tuple[Cue, ...]:
    """Cues with the language of the stretch in which their middle lies; as they are where none is known."""
    marked = []
    for cue in cues:
        middle_ms = (cue.span.start_ms + cue.span.end_ms) // 2
        language = next((language for span, language in spoken if span.start_ms <= middle_ms < span.end_ms), "")
        marked.append(replace(cue, language=language or cue.language))
    return tuple(marked)


def unmark_language(transcript: Transcript, language: str) -> Transcript:
    """The transcript as one in that language; only cues in another one say so."""
    whole = transcript.language
    cues = tuple(
        replace(cue, language=own if (own := cue.language or whole) != language else "") for cue in transcript.cues
    )
    return replace(transcript, language=language, cues=cues, language_chance=1.0)


def join_words(transcript: Transcript) -> tuple[Word, ...]:
    """All words of a transcript; those of cues without word times with times by their letters."""
    return tuple(word for cue in transcript.cues for word in cue.words or interpolate_words(cue.text, cue.span))


def plan_vocabulary(names: Iterable[str]) -> str:
    """Names and products as a hint for a recogniser: each once, in order, cut to what its context holds."""
    return ", ".join(cut_vocabulary(names))


def cut_vocabulary(names: Iterable[str]) -> tuple[str, ...]:
    """The names that fit a recogniser's context, each once, in order; what is too long leaves room for shorter ones."""
    kept: list[str] = []
    for name in dict.fromkeys(" ".join(name.split()) for name in names):
        if name and sum(len(one) + 2 for one in kept) + len(name) <= MAX_VOCABULARY_CHARACTERS:
            kept.append(name)
    return tuple(kept)
