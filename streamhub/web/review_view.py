"""What the review page shows: answers to look at, and the words around one of them, with the edges in their places.

Pure. Times of the session clock stand beside those of the player. Knows nothing of requests and of how anything is
corrected.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from streamhub.answers.answer import Answer, AnswerState
from streamhub.answers.sentences import sentences_of
from streamhub.archive.archived import ArchivedSession
from streamhub.archive.corrections import Fault, refuse
from streamhub.archive.format import extent_ms
from streamhub.archive.review import cue_key, is_unsure
from streamhub.archive.wordfit import share_time
from streamhub.errors import BadInput
from streamhub.recording.recording import ClockMap
from streamhub.schedule.show import Session
from streamhub.timecode import Span, format_clock, merge_spans, parse_ms
from streamhub.transcript.speakers import is_label, remembered_name
from streamhub.transcript.transcript import Cue, Transcript

AROUND_MS = 60_000
MORE_MS = 180_000
INSIDE_MS = 300_000
"""Of a long answer, so much is shown after its beginning and before its end."""
_OPEN = frozenset({AnswerState.DRAFT, AnswerState.PUBLISHED})


@dataclass(frozen=True, slots=True)
class PlayerClock:
    """Session time as the player shows it; without a recording the session's own."""

    clock: ClockMap | None

    def shown_ms(self, session_ms: int) -> int:
        """The player's time of a session time, the nearest where nothing was recorded."""
        return self.clock.nearest_media_ms(session_ms) if self.clock and self.clock.pieces else session_ms

    def text(self, session_ms: int) -> str:
        """The player's time as people type it, to the millisecond where it has any: ``12:03``, ``12:03.450``."""
        shown_ms = self.shown_ms(session_ms)
        return format_clock(shown_ms) + (f".{shown_ms % 1000:03d}" if shown_ms % 1000 else "")

    def read(self, text: str, *, same_ms: int | None = None) -> int:
        """The session time of what somebody typed; what stands there unchanged stays to the millisecond.

        Raises:
            BadCorrection: no time, or nothing of the session was recorded there.
        """
        if same_ms is not None and text.strip() == self.text(same_ms):
            return same_ms
        try:
            shown_ms = parse_ms(text)
        except BadInput as error:
            raise refuse(Fault.NO_TIME, typed=text.strip()[:40] or "…") from error
        session_ms = self.clock.session_ms(shown_ms) if self.clock and self.clock.pieces else shown_ms
        if session_ms is None:
            raise refuse(Fault.NOT_RECORDED, typed=text.strip())
        return session_ms


@dataclass(frozen=True, kw_only=True, slots=True)
class WordView:
    """A word to click on.

    Attributes:
        text: the word.
        start_ms, end_ms: on the session clock.
        shown_ms: where the player finds it.
        begins: it begins a sentence.
        inside: it lies in the answer.
        opens, closes: numbers of the stretches that begin before it, and end after it.
        heard: what the recogniser wrote, where a name was put right; else empty.
    """

    text: str
    start_ms: int
    end_ms: int
    shown_ms: int
    begins: bool
    inside: bool
    opens: tuple[int, ...] = ()
    closes: tuple[int, ...] = ()
    heard: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class LineView:
    """What one cue says.

    Attributes:
        cue: the cue.
        shown: its time in the player.
        shown_ms: the same as a number.
        words: its words.
        corrected: a person corrected it.
        gap: something between the line above and this one is not shown.
    """

    cue: Cue
    shown: str
    shown_ms: int
    words: tuple[WordView, ...]
    corrected: bool
    gap: bool

    @property
    def heard(self) -> tuple[str, ...]:
        """What the recogniser wrote for the words that were put right, each once."""
        return tuple(dict.fromkeys(word.heard for word in self.words if word.heard))


@dataclass(frozen=True, kw_only=True, slots=True)
class StretchView:
    """A stretch of the answer: number, session times, and the same as typed."""

    number: int
    span: Span
    begins: str
    ends: str
    shown_ms: int
    shown_end_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Detail:
    """One answer, ready to be corrected.

    Attributes:
        answer: the answer.
        stretches: where it is.
        lines: the words around.
        language: of the transcript that they are from; empty without one.
        others: answers that a stretch could be given to.
        speakers: names to choose from, those who take part first.
        at_text: where the words begin, as typed; for an answer that has no stretch.
        more: how much more than usual is shown.
    """

    answer: Answer
    stretches: tuple[StretchView, ...]
    lines: tuple[LineView, ...]
    language: str
    others: tuple[Answer, ...]
    speakers: tuple[str, ...]
    at_text: str
    more: int


@dataclass(frozen=True, kw_only=True, slots=True)
class VoiceView:
    """A speaker of the session.

    Attributes:
        name: name or label.
        nameless: it is a label: nobody said yet whose voice it is.
        speaking_ms: for how long.
        first_ms: when first, in the player.
        proposed: whom the show's earlier sessions know under this label; may be empty.
    """

    name: str
    nameless: bool
    speaking_ms: int
    first_ms: int
    proposed: str


def plan_voices(archived: ArchivedSession, known: Mapping[str, str], clock: PlayerClock) -> tuple[VoiceView, ...]:
    """Who speaks in a session, those without a name first; ``known`` is what hosts called the show's speakers."""
    transcript = choose_transcript(archived.transcripts, archived.language)
    spoken: dict[str, list[Cue]] = {}
    for cue in transcript.cues if transcript else ():
        if cue.speaker:
            spoken.setdefault(cue.speaker, []).append(cue)
    voices = [
        VoiceView(
            name=name,
            nameless=is_label(name),
            speaking_ms=sum(cue.span.duration_ms for cue in cues),
            first_ms=clock.shown_ms(cues[0].span.start_ms),
            proposed=_propose(name, known, spoken),
        )
        for name, cues in spoken.items()
    ]
    return tuple(sorted(voices, key=lambda voice: (not voice.nameless, -voice.speaking_ms)))


def _propose(name: str, known: Mapping[str, str], spoken: Collection[str]) -> str:
    """Whom hosts meant by that speaker before, unless that person has a voice of his own here."""
    before = remembered_name(name, known)
    return "" if before in spoken else before


def needs_look(answer: Answer) -> bool:
    """Whether the answer asks for attention."""
    return answer.state in _OPEN and is_unsure(answer)


def is_accepted_draft(answer: Answer) -> bool:
    """Whether somebody accepted the answer and nobody published it."""
    return answer.state is AnswerState.DRAFT and answer.confidence >= 1 and bool(answer.ranges or answer.body.strip())


def plan_next(answers: Sequence[Answer], after: str) -> str:
    """The answer to look at after one: the next unsure one, else the next that nobody accepted, else itself."""
    ids = [answer.id for answer in answers]
    place = ids.index(after) + 1 if after in ids else 0
    turned = [*answers[place:], *answers[:place]]
    others = [answer for answer in turned if answer.id != after]
    for wanted in (needs_look, lambda one: one.state is AnswerState.DRAFT and one.confidence < 1):
        if found := next((answer.id for answer in others if wanted(answer)), ""):
            return found
    return after


def plan_detail(
    session: Session,
    archived: ArchivedSession,
    answer: Answer,
    clock: PlayerClock,
    *,
    corrected: Collection[str],
    more: int = 0,
    at_ms: int | None = None,
) -> Detail:
    """The answer with the words around it.

    Args:
        session: gives hosts and language.
        archived: what stands in the archive.
        answer: the one.
        clock: the player's.
        corrected: pieces that a person corrected.
        more: how often somebody asked for more of the surroundings.
        at_ms: session time from which words are shown beside those of the answer; None for none.
    """
    transcript = choose_transcript(archived.transcripts, answer.language, archived.language)
    windows = plan_windows(answer.ranges, more=more, at_ms=at_ms, last_ms=extent_ms(archived) or 0)
    lines = _lines(session, transcript, windows, answer.ranges, clock, corrected) if transcript else ()
    stretches = tuple(
        StretchView(
            number=number,
            span=span,
            begins=clock.text(span.start_ms),
            ends=clock.text(span.end_ms),
            shown_ms=clock.shown_ms(span.start_ms),
            shown_end_ms=clock.shown_ms(span.end_ms),
        )
        for number, span in enumerate(answer.ranges)
    )
    return Detail(
        answer=answer,
        stretches=stretches,
        lines=lines,
        language=transcript.language if transcript else "",
        others=tuple(one for one in archived.answers if one.id != answer.id),
        speakers=_speakers(archived, lines),
        at_text=clock.text(windows[0].start_ms) if windows else "",
        more=more,
    )


def choose_transcript(transcripts: Sequence[Transcript], *languages: str) -> Transcript | None:
    """The first transcript in one of these languages, or the first of all."""
    for language in languages:
        for transcript in transcripts:
            if transcript.language == language:
                return transcript
    return transcripts[0] if transcripts else None


def plan_windows(ranges: Sequence[Span], *, more: int, at_ms: int | None, last_ms: int) -> tuple[Span, ...]:
    """Which parts of a session are shown: around the edges, never a whole day."""
    around_ms = AROUND_MS + more * MORE_MS
    windows = []
    for span in ranges:
        inside_ms = INSIDE_MS + more * MORE_MS
        windows.append(Span(max(0, span.start_ms - around_ms), min(span.start_ms + inside_ms, span.end_ms + around_ms)))
        windows.append(Span(max(0, span.start_ms - around_ms, span.end_ms - inside_ms), span.end_ms + around_ms))
    if at_ms is not None or not ranges:
        start_ms = min(at_ms or 0, last_ms)
        windows.append(Span(start_ms, start_ms + INSIDE_MS + more * MORE_MS))
    return merge_spans(windows, gap_ms=2_000)


def _lines(
    session: Session,
    transcript: Transcript,
    windows: Sequence[Span],
    ranges: Sequence[Span],
    clock: PlayerClock,
    corrected: Collection[str],
) -> tuple[LineView, ...]:
    numbered = [
        (number, cue)
        for number, cue in enumerate(transcript.cues)
        if any(cue.span.start_ms < window.end_ms and cue.span.end_ms > window.start_ms for window in windows)
    ]
    shown = Transcript(language=transcript.language, cues=tuple(cue for _, cue in numbered))
    starts = {sentence.span.start_ms for sentence in sentences_of(session, shown)}
    words = [(cue, cue.words or share_time(cue.text.split(), cue.span)) for _, cue in numbered]
    spans = [word.span for _, said in words for word in said]
    opens, closes = _edges(spans, ranges)
    lines, place, before = [], 0, -1
    for (number, cue), (_, said) in zip(numbered, words, strict=True):
        views = []
        for word in said:
            views.append(
                WordView(
                    text=word.text,
                    start_ms=word.span.start_ms,
                    end_ms=word.span.end_ms,
                    shown_ms=clock.shown_ms(word.span.start_ms),
                    begins=word.span.start_ms in starts,
                    inside=any(span.start_ms <= _middle(word.span) < span.end_ms for span in ranges),
                    opens=tuple(n for n, at in opens if at == place),
                    closes=tuple(n for n, at in closes if at == place),
                    heard=word.heard,
                )
            )
            place += 1
        lines.append(
            LineView(
                cue=cue,
                shown=format_clock(clock.shown_ms(cue.span.start_ms)),
                shown_ms=clock.shown_ms(cue.span.start_ms),
                words=tuple(views),
                corrected=cue_key(transcript.language, cue.id) in corrected,
                gap=number != before + 1,
            )
        )
        before = number
    return tuple(lines)


def _edges(words: Sequence[Span], ranges: Sequence[Span]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Number of each stretch with the place of the word before which it begins, and after which it ends."""
    opens, closes = [], []
    for number, span in enumerate(ranges):
        inside = [place for place, word in enumerate(words) if span.start_ms <= _middle(word) < span.end_ms]
        if inside:
            opens.append((number, inside[0]))
            closes.append((number, inside[-1]))
    return opens, closes


def _middle(span: Span) -> int:
    return (span.start_ms + span.end_ms) // 2


def _speakers(archived: ArchivedSession, lines: Iterable[LineView]) -> tuple[str, ...]:
    names = [person.name for person in archived.participants]
    return tuple(dict.fromkeys([*names, *(line.cue.speaker for line in lines if line.cue.speaker)]))
