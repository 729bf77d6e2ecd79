"""Rules of answers: from marks and transcript to drafts with a range, a confidence and the reasons for both.

Pure. A range begins with the question being read, so that a viewer hears it, and ends with the last sentence of the
answer, before the host leads on to the next question. Without marks the result is a proposal of low confidence.
Refuses to publish: every answer made here is a draft.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from streamhub.answers.answer import Answer
from streamhub.answers.evidence import say, say_more, say_moved, say_start, weigh_start
from streamhub.answers.placing import Airing, Placed, learn_from, place_questions
from streamhub.answers.sentences import Sentence, sentences_of
from streamhub.answers.timing import Timing
from streamhub.answers.witnesses import Asked, hear
from streamhub.answers.wording import stems_of
from streamhub.live.mark import Mark, MarkKind, Witness
from streamhub.questions.question import Question, QuestionState
from streamhub.schedule.show import Role, Session
from streamhub.text import slugify
from streamhub.timecode import Span, format_clock, ms_between
from streamhub.transcript.transcript import Transcript

DONE_TOLERANCE_MS = 5_000
IMPLIED_DONE_MS = 1_500
SLIP_MS = 7_000  # a button that is pressed again so soon was pressed wrongly
SNAP_MS = 2_500  # how far a sentence may begin or end from where an ear heard it
CLOSING_MS = 90_000
MARK_ONLY_MS = 120_000

_NOT_ANSWERED_ON_AIR = frozenset(
    {QuestionState.MERGED, QuestionState.DECLINED, QuestionState.ANSWERED_IN_WRITING, QuestionState.WITHDRAWN}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Range:
    question_id: str
    span: Span
    answerers: tuple[str, ...]
    confidence: float
    evidence: tuple[str, ...]


def plan_answers(
    session: Session,
    questions: Sequence[Question],
    marks: Sequence[Mark],
    transcript: Transcript,
    *,
    lag_s: float = 6.0,
) -> tuple[Answer, ...]:
    """Draft an answer for every question that was answered on air.

    Args:
        session: with ``started_at``, the zero of its clock; without it marks count for nothing.
        questions: those that were answered on air; in the order in which they were asked, where that is known.
        marks: of the session, in any order.
        transcript: on the session clock; may be empty.
        lag_s: how long after the first word of a question the host usually presses "on air"; negative for before. A
            starting value: the session's own lag is learned from its marks.

    Returns:
        Drafts in order of their start; one without a range when neither mark nor wording was found.
    """
    wanted = {q.id: q for q in questions if q.state not in _NOT_ANSWERED_ON_AIR}
    airings = [airing for airing in find_airings(session, marks) if airing.question_id in wanted]
    sentences = sentences_of(session, transcript)
    if sentences:
        ranges = _ranges_by_text(session, wanted, airings, sentences, lag_s)
    else:
        ranges = _ranges_by_marks(session, airings, lag_s)
    by_question: dict[str, list[_Range]] = {}
    for one in ranges:
        by_question.setdefault(one.question_id, []).append(one)
    answers = [_draft(session, question, by_question.get(key, [])) for key, question in wanted.items()]
    moved = say_moved(session.language, transcript.moved_ms)
    answers = [replace(answer, evidence=(*answer.evidence, *moved)) if answer.ranges else answer for answer in answers]
    return tuple(sorted(answers, key=lambda a: (a.start_ms is None, a.start_ms or 0)))


def find_shift(
    session: Session,
    questions: Sequence[Question],
    marks: Sequence[Mark],
    transcript: Transcript,
    *,
    lag_s: float = 6.0,
) -> int:
    """By how many milliseconds captions must be moved to be in step with the marks of a session; 0 if they are.

    A shift of up to two minutes is found where several marks agree on it; the arguments are those of `plan_answers`.
    """
    wanted = {question.id: _asked(question, session.language) for question in questions}
    airings = [airing for airing in find_airings(session, marks) if airing.question_id in wanted]
    sentences = sentences_of(session, transcript)
    if not sentences:
        return 0
    shift_ms = learn_from(hear(sentences), airings, wanted, lag_s).shift_ms
    return -round(shift_ms, -2)  # nobody knows it to the millisecond


def find_airings(session: Session, marks: Iterable[Mark]) -> list[Airing]:
    """What was on air when, by the marks; what was taken back unanswered is left out.

    A "done" that only follows from the next question going on air says nothing of its own: that question's wording
    tells the end better. Witnesses weigh: who heard a question begin or end in the recording knows better than who
    pressed a button, and the overlay speaks only for questions that nobody else marked.
    """
    if session.started_at is None:
        return []
    marks = weigh_witnesses(sorted(marks, key=lambda m: m.at))
    on_air_ms = [ms_between(session.started_at, mark.at) for mark in marks if mark.kind is MarkKind.ON_AIR]
    airings: list[Airing] = []
    open_at: dict[str, tuple[int, bool]] = {}
    for mark in marks:
        at_ms, heard = max(0, ms_between(session.started_at, mark.at)), mark.witness is Witness.EAR
        if mark.kind is MarkKind.ON_AIR:
            open_at.setdefault(mark.question_id, (at_ms, heard))
        elif (began := open_at.pop(mark.question_id, None)) is not None and mark.kind is MarkKind.DONE:
            implied = not heard and any(began[0] < one and abs(one - at_ms) <= IMPLIED_DONE_MS for one in on_air_ms)
            airings.append(
                Airing(
                    question_id=mark.question_id,
                    on_air_ms=began[0],
                    done_ms=None if implied else at_ms,
                    heard=began[1],
                    heard_end=heard,
                )
            )
    airings += [Airing(question_id=key, on_air_ms=at_ms, heard=heard) for key, (at_ms, heard) in open_at.items()]
    return _without_slips(sorted(airings, key=lambda airing: airing.on_air_ms))


def _without_slips(airings: Sequence[Airing]) -> list[Airing]:
    """The airings less slips of the finger: a question that gave way within seconds, and has its own time elsewhere."""
    kept = []
    for at, airing in enumerate(airings):
        gave_way = any(0 < later.on_air_ms - airing.on_air_ms <= SLIP_MS for later in airings[at + 1 : at + 2])
        again = any(other is not airing and other.question_id == airing.question_id for other in airings)
        if airing.heard or not (gave_way and again and airing.done_ms is None):
            kept.append(airing)
    return kept


def weigh_witnesses(marks: Iterable[Mark]) -> list[Mark]:
    """The marks that count, in their order.

    Of each question: the beginnings that an ear heard instead of all others, the ends likewise (a question that was
    heard was not taken back); and what the overlay saw only where nobody else saw the question go on air.
    """
    given = list(marks)
    begins = {mark.question_id for mark in given if mark.kind is MarkKind.ON_AIR and mark.witness is Witness.EAR}
    ends = {mark.question_id for mark in given if mark.kind is not MarkKind.ON_AIR and mark.witness is Witness.EAR}
    others = {
        mark.question_id for mark in given if mark.kind is MarkKind.ON_AIR and mark.witness is not Witness.OVERLAY
    }

    def counts(mark: Mark) -> bool:
        if mark.witness is Witness.EAR:
            return True
        if mark.witness is Witness.OVERLAY:
            return mark.question_id not in others
        if mark.kind is MarkKind.ON_AIR:
            return mark.question_id not in begins
        return mark.question_id not in ends and not (mark.kind is MarkKind.BACK and mark.question_id in begins)

    return [mark for mark in given if counts(mark)]


def _ranges_by_text(
    session: Session,
    questions: Mapping[str, Question],
    airings: Sequence[Airing],
    sentences: tuple[Sentence, ...],
    lag_s: float,
) -> list[_Range]:
    hearing = hear(sentences)
    asked = {key: _asked(question, session.language) for key, question in questions.items()}
    timing = learn_from(hearing, airings, asked, lag_s)
    placed = place_questions(hearing, [_in_step(one, timing) for one in airings], asked, _without_shift(timing))
    placed = _without_rival_ends(placed)
    return [_range(session, sentences, one, placed[at + 1 :], timing) for at, one in enumerate(placed)]


def _asked(question: Question, language: str) -> Asked:
    return Asked(stems_of(question.text, language), stems_of(question.asker.name, language))


def _in_step(airing: Airing, timing: Timing) -> Airing:
    """The airing on the transcript's clock; what an ear heard in the recording is in step with the words."""
    on_air_ms, done_ms = airing.on_air_ms, airing.done_ms
    if not airing.heard:
        on_air_ms = max(0, on_air_ms + timing.shift_ms)
    if done_ms is not None and not airing.heard_end:
        done_ms = max(0, done_ms + timing.shift_ms)
    return replace(airing, on_air_ms=on_air_ms, done_ms=done_ms)


def _without_shift(timing: Timing) -> Timing:
    return replace(timing, offset_s=timing.offset_s + timing.shift_ms / 1000, shift_ms=0)


def _without_rival_ends(placed: Sequence[Placed]) -> list[Placed]:
    """Where several airings begin at one sentence, none of their "done" marks says where that stretch ends."""
    shared = {at for at, count in Counter(one.sentence for one in placed).items() if count > 1}
    return [
        replace(one, airing=replace(one.airing, done_ms=None)) if one.airing and one.sentence in shared else one
        for one in placed
    ]


def _range(
    session: Session, sentences: Sequence[Sentence], placed: Placed, later: Sequence[Placed], timing: Timing
) -> _Range:
    following = next((one.sentence for one in later if one.sentence > placed.sentence), None)
    last, why = _find_end(sentences, placed, following)
    inside = sentences[placed.sentence : last + 1]
    span = _heard_span(placed, Span(inside[0].span.start_ms, max(sentence.span.end_ms for sentence in inside)))
    done = format_clock(placed.airing.done_ms) if placed.airing and placed.airing.done_ms is not None else ""
    language = session.language
    return _Range(
        question_id=placed.question_id,
        span=span,
        answerers=_answerers(session, inside),
        confidence=weigh_start(placed)[1],
        evidence=(
            say_start(language, placed, span.start_ms, timing),
            say(language, why, end=format_clock(span.end_ms), done=done),
            *say_more(language, placed, timing),
        ),
    )


def _heard_span(placed: Placed, span: Span) -> Span:
    """The range with the edges that an ear heard, where no sentence begins or ends near them."""
    airing = placed.airing
    start_ms, end_ms = span.start_ms, span.end_ms
    if airing is not None and airing.heard and abs(airing.on_air_ms - start_ms) > SNAP_MS:
        start_ms = airing.on_air_ms
    if airing is not None and airing.heard_end and airing.done_ms is not None:
        end_ms = airing.done_ms if abs(airing.done_ms - end_ms) > SNAP_MS else end_ms
    return Span(start_ms, max(end_ms, start_ms + 1000))


def _find_end(sentences: Sequence[Sentence], placed: Placed, following: int | None) -> tuple[int, str]:
    """Number of the last sentence of an answer, and why there."""
    stop, why = (following, "next") if following is not None else (len(sentences), "last")
    done_ms = placed.airing.done_ms if placed.airing else None
    if placed.airing is not None and placed.airing.heard_end and done_ms is not None:
        within = [at for at in range(placed.sentence, stop) if sentences[at].span.start_ms < done_ms]
        return max(within, default=placed.sentence), "ear_end"
    if done_ms is not None:
        after = next(
            (
                at
                for at in range(placed.sentence + 1, stop)
                if sentences[at].span.start_ms > done_ms + DONE_TOLERANCE_MS
            ),
            stop,
        )
        if after < stop:
            stop, why = after, "done"
    if following is None and (closing := _find_closing(sentences, placed.sentence, stop)) is not None:
        stop, why = closing, "closing"
    return _without_moderation(sentences, placed.sentence, stop), why


def _find_closing(sentences: Sequence[Sentence], start: int, stop: int) -> int | None:
    """Where the goodbye begins, if it stands near the end."""
    floor_ms = sentences[-1].span.end_ms - CLOSING_MS
    return next(
        (at for at in range(start + 1, stop) if sentences[at].closes and sentences[at].span.start_ms >= floor_ms), None
    )


def _without_moderation(sentences: Sequence[Sentence], start: int, stop: int) -> int:
    """The last sentence before ``stop`` that is not the host leading on; the question itself always stays."""
    last = stop - 1
    panel = any(s.speaker and not s.by_host for s in sentences[start + 1 : stop])
    hosts = any(s.by_host for s in sentences[start:stop])
    while last > start:
        sentence = sentences[last]
        host_leads_on = panel and hosts and sentence.by_host
        might_lead_on = not sentence.speaker or sentence.by_host or not hosts
        if not host_leads_on and not (might_lead_on and (sentence.moderates or sentence.passes)):
            break
        last -= 1
    return last


def _answerers(session: Session, inside: Sequence[Sentence]) -> tuple[str, ...]:
    """Who answers, in order of speaking: whoever speaks but the hosts; a host who speaks alone answers himself.

    Where somebody speaks whose name nobody knows, that may be the one who answers: a host is not named for him.
    """
    hosts = {participant.name for participant in session.participants if participant.role is Role.HOST}
    speakers = dict.fromkeys(sentence.speaker for sentence in inside if sentence.speaker)
    panel = tuple(name for name in speakers if name not in hosts)
    alone = len(inside) > 1 and all(sentence.speaker for sentence in inside)
    return panel or (tuple(speakers) if alone else ())


def _ranges_by_marks(session: Session, airings: Sequence[Airing], lag_s: float) -> list[_Range]:
    """Without a word heard: from mark to mark."""
    ranges = []
    lag_ms = max(0, round(lag_s * 1000))
    starts_ms = [max(0, airing.on_air_ms - (0 if airing.heard else lag_ms)) for airing in airings]
    for at, airing in enumerate(airings):
        end_ms = starts_ms[at + 1] if at + 1 < len(airings) else airing.on_air_ms + MARK_ONLY_MS
        if airing.done_ms is not None:
            end_ms = min(end_ms, airing.done_ms) if at + 1 < len(airings) else airing.done_ms
        kind = "ear" if airing.heard else "no_text"
        says = say(session.language, kind, mark=format_clock(airing.on_air_ms))
        span = Span(starts_ms[at], max(end_ms, starts_ms[at] + 1000))
        sure = 0.9 if airing.heard else 0.3
        ranges.append(
            _Range(question_id=airing.question_id, span=span, answerers=(), confidence=sure, evidence=(says,))
        )
    return ranges


def _draft(session: Session, question: Question, ranges: Sequence[_Range]) -> Answer:
    evidence = tuple(sentence for one in ranges for sentence in one.evidence)
    return Answer(
        id=question.id,
        slug=slugify(question.text),
        session_id=session.id,
        question=question.text,
        asker=question.asker.public_name,
        answerers=tuple(dict.fromkeys(name for one in ranges for name in one.answerers)),
        ranges=tuple(sorted(one.span for one in ranges)),
        language=session.language,
        topics=question.topics,
        products=question.products,
        confidence=min((one.confidence for one in ranges), default=0.0),
        evidence=evidence or (say(session.language, "nothing"),),
        votes=question.votes,
    )
