"""Rules of curation: what becomes of questions that hosts merge, split, edit and drag, and what stands against an undo.

Pure; who did what when is `streamhub.questions.change`, and the steps of a question are `streamhub.questions.rules`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from streamhub.errors import BadInput, WrongState
from streamhub.questions.change import Change, Shots, Snapshot, snapshot
from streamhub.questions.question import Question, QuestionState
from streamhub.questions.refusal import Refusal
from streamhub.questions.rules import NEXT_STATES, plan_queue
from streamhub.text import fold

Q = QuestionState

MAX_PARTS = 10
PLACE_STEP = 1024.0
"""Distance of two places in the queue, wide enough for fifty drags into the same gap."""

EDITABLE = frozenset({Q.RECEIVED, Q.HELD, Q.OPEN, Q.QUEUED, Q.ON_AIR, Q.CARRIED_OVER})
"""States in which hosts may still change a question's words: nothing of it has been published."""

SPLITTABLE = EDITABLE - {Q.ON_AIR}
LEFT_OPEN = frozenset({Q.OPEN, Q.QUEUED})
"""What is carried over at the end of a session."""

_NO_TARGET = frozenset({Q.MERGED, Q.DECLINED, Q.SUPERSEDED, Q.WITHDRAWN})


class InboxOrder(StrEnum):
    """How the inbox may be sorted."""

    VOTES = "votes"
    AGE = "age"
    NEWEST = "newest"
    TOPIC = "topic"


@dataclass(frozen=True, kw_only=True, slots=True)
class InboxFilter:
    """What the inbox shows, and in which order.

    Attributes:
        order: how it is sorted; what waits for approval stands first by votes.
        source: only questions that came in this way; empty for all.
        topic: only questions of this topic; ``-`` for those without one; empty for all.
        state: only questions in this state, or ``unseen`` for those that nobody has looked at; empty for all.
        text: only questions that hold each of these words somewhere, case and accents aside; empty for all.
    """

    order: InboxOrder = InboxOrder.VOTES
    source: str = ""
    topic: str = ""
    state: str = ""
    text: str = ""

    def admits(self, question: Question) -> bool:
        """Whether a question is shown."""
        if self.source and question.source != self.source:
            return False
        if self.topic and (self.topic not in question.topics if self.topic != "-" else question.topics):
            return False
        if self.state and (question.seen if self.state == "unseen" else question.state.value != self.state):
            return False
        if not self.text.strip():
            return True
        said = fold(" ".join((question.id, question.text, question.original, question.asker.name, *question.topics)))
        return all(word in said for word in fold(self.text).split())


def plan_inbox(questions: Iterable[Question], wanted: InboxFilter) -> list[Question]:
    """The questions that a filter admits, in its order."""
    admitted = [question for question in questions if wanted.admits(question)]
    by_votes = plan_queue(admitted)
    if wanted.order is InboxOrder.AGE:
        return sorted(admitted, key=lambda q: (q.asked_at, q.id))
    if wanted.order is InboxOrder.NEWEST:
        return sorted(admitted, key=lambda q: (q.asked_at, q.id), reverse=True)
    if wanted.order is InboxOrder.TOPIC:
        return sorted(by_votes, key=lambda q: (not q.topics, fold(q.topics[0]) if q.topics else ""))
    return sorted(by_votes, key=lambda q: q.state not in {Q.HELD, Q.RECEIVED})


def decide_merge(source: Question, target: Question) -> Question:
    """The source after it was merged into the target; merged into it already changes nothing.

    Raises:
        Conflict: they are one, or of two sessions, or either is where it cannot be merged.
    """
    name = f"question {source.id}"
    if source.id == target.id:
        raise WrongState(
            f"{name}: cannot be merged with itself", hint="choose another question", code=Refusal.MERGE_SELF
        )
    if source.state is Q.MERGED:
        if source.merged_into == target.id:
            return source
        message = f"{name}: is merged into {source.merged_into} already"
        raise WrongState(message, hint="take it out of there first", code=Refusal.MERGED_ALREADY)
    if source.session_id != target.session_id:
        message = f"{name}: belongs to another session than {target.id}"
        raise WrongState(message, hint="carry one of them over first", code=Refusal.MERGE_SESSIONS)
    if source.state is Q.ON_AIR:
        message = f"{name}: is on air, cannot be merged away"
        raise WrongState(message, hint="merge the other one into it instead", code=Refusal.MERGE_ON_AIR)
    if Q.MERGED not in NEXT_STATES[source.state]:
        raise _wrong(source, "cannot be merged", Refusal.NOT_MERGEABLE, hint="open it first")
    if target.state is Q.MERGED:
        message = f"question {target.id}: is merged itself"
        raise WrongState(message, hint=f"merge into {target.merged_into}", code=Refusal.TARGET_MERGED)
    if target.state in _NO_TARGET:
        raise _wrong(target, "nothing can be merged into it", Refusal.TARGET_CLOSED, hint="open it first")
    return replace(source, state=Q.MERGED, merged_into=target.id, place=None)


def decide_unmerge(question: Question, *, to: QuestionState) -> Question:
    """The question after it was taken out of the one that stood for it, in the state that it had before.

    Raises:
        Conflict: it is not merged.
    """
    if question.state is not Q.MERGED:
        raise _wrong(question, "not merged", Refusal.NOT_MERGED)
    goal = to if to in NEXT_STATES[Q.MERGED] else Q.OPEN
    return replace(question, state=goal, merged_into="")


def decide_edit(question: Question, text: str) -> Question:
    """The question with clearer words; the words as typed are kept, and writing them again is as if nothing was edited.

    Raises:
        Conflict: it is past the point where its words may change.
    """
    if question.state not in EDITABLE:
        raise _wrong(question, "its words stay as they are", Refusal.WORDS_FIXED)
    typed = question.original or question.text
    return replace(question, text=text, original="" if text == typed else typed)


def decide_split(question: Question, texts: Sequence[str], ids: Sequence[str]) -> tuple[Question, ...]:
    """A question in parts: it keeps its id for the first, the others are new; all know the words as typed.

    Raises:
        BadInput: too few or too many parts.
        Conflict: it is where it cannot be split.
    """
    if not 2 <= len(texts) <= MAX_PARTS:
        raise BadInput(
            f"question {question.id}: {len(texts)} part(s), 2 to {MAX_PARTS} are possible",
            hint="write one part per line",
        )
    if question.state not in SPLITTABLE:
        raise _wrong(question, "cannot be split", Refusal.NOT_SPLITTABLE, hint="take it back first")
    first, *others = texts
    kept = decide_edit(question, first)
    parts = [
        replace(
            question,
            id=id_,
            text=text,
            original=question.original or question.text,
            split_from=question.id,
            votes=0,
            place=None,
            seen=True,
            version=1,
        )
        for id_, text in zip(ids, others, strict=True)
    ]
    return (kept, *parts)


def _wrong(question: Question, why: str, code: Refusal, *, hint: str = "") -> WrongState:
    message = f"question {question.id}: is {question.state}, {why}"
    return WrongState(message, hint=hint, code=code, state=question.state.value)


def plan_places(queue: Sequence[Question], moved: str, before: str) -> dict[str, float]:
    """Places after one question of the queue was dragged before another, or to the end; as few as possible change.

    Args:
        queue: the queued questions in their order.
        moved: id of the one that is dragged.
        before: id of the one that it is dropped before; empty for the end.
    """
    rest = [question for question in queue if question.id != moved]
    at = next((n for n, question in enumerate(rest) if question.id == before), len(rest))
    ahead = rest[:at]
    places: dict[str, float] = {}
    last = 0.0
    if ahead and all(question.place is not None for question in ahead):
        last = ahead[-1].place or 0.0
    elif ahead:  # those without a place come after those with one, so all ahead get theirs now
        for number, question in enumerate(ahead, start=1):
            places[question.id] = last = number * PLACE_STEP
    behind = rest[at].place if at < len(rest) else None
    if behind is None:
        places[moved] = last + PLACE_STEP
        return places
    middle = (last + behind) / 2 if ahead else behind - PLACE_STEP
    if ahead and (places or not last < middle < behind):  # the gap is used up: number all anew
        order = [question.id for question in ahead] + [moved] + [question.id for question in rest[at:]]
        return {id_: number * PLACE_STEP for number, id_ in enumerate(order, start=1)}
    return {moved: middle}


@dataclass(frozen=True, kw_only=True, slots=True)
class Clash:
    """Why a change cannot be undone as it is.

    Attributes:
        question_id: the question that was changed since; empty where it is something beside questions.
        by: the change that came after; None when something else than a host changed it.
    """

    question_id: str
    by: Change | None


def find_clash(
    change: Change, now: Mapping[str, Question], later: Iterable[Change], things: Shots | None = None
) -> Clash | None:
    """What was changed since a change, in what it changed; None when it can be put back.

    Args:
        change: the one to undo.
        now: its questions as they are.
        later: changes of these questions that came after.
        things: what else it changed, as that is now.
    """
    following = [one for one in later if one.stands and one.undoes is None]
    for question_id, question in now.items():
        touched = change.touches(question_id)
        overtaking = [one for one in following if one.touches(question_id) & touched]
        if overtaking:
            return Clash(question_id=question_id, by=overtaking[-1])
        if not _holds(change.after.get(question_id, {}), question):
            return Clash(question_id=question_id, by=None)
    for name, shot in (things or {}).items():
        changed = [one for one in following if name in one.things_after]
        if changed or not _is_still(change.things_after[name], shot):
            return Clash(question_id="", by=changed[-1] if changed else None)
    return None


def _is_still(wanted: Snapshot | None, now: Snapshot | None) -> bool:
    """Whether a thing is as a change left it; the label of a topic is the machine's business."""
    if wanted is None or now is None:
        return wanted is now
    return all(now[name] == value for name, value in wanted.items() if name != "label")


def _holds(shot: Snapshot, question: Question) -> bool:
    current = snapshot(question)
    return all(current[name] == value for name, value in shot.items() if name in current)


def find_meanwhile(changes: Iterable[Change], question_id: str, version: int) -> Change | None:
    """The latest change of a question that gave it a version after the one that somebody saw; None when none did."""
    since = [one for one in changes if one.after.get(question_id, {}).get("version", 0) > version]
    return max(since, key=lambda one: one.id, default=None)
