"""Taking what came from a source into the queue of questions: each at most once, under the rules for everybody.

Owns what one transaction does with a look at a source: which session a contribution is for, whether it is a question,
an addition to one, or one too many. Whoever asks too much is looked at by a person and not silenced; only floods are
dropped, and counted. Refuses to know how sources are read and when: `streamhub.keepers.sources` does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlite_utils import Database

from streamhub.errors import BadInput
from streamhub.questions.intake import Contribution, Skip, Standing
from streamhub.questions.picking import WINDOW, Earlier, Surplus, clean_author, find_surplus
from streamhub.questions.question import MAX_QUESTION_LENGTH, Asker, Question, QuestionState, Shown
from streamhub.questions.rules import decide_intake
from streamhub.questions.tongue import guess_language
from streamhub.schedule.rules import ACCEPTS_QUESTIONS, accepts_asking
from streamhub.schedule.show import Session, SessionState
from streamhub.store import contributions as contribution_rows
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
from streamhub.store import sources as rows
from streamhub.text import LANGUAGES, Random, clean_text, new_id

MAX_OF_AUTHOR = 10
"""One author's questions in `picking.WINDOW` beyond which the rest is dropped."""
SOURCE_WINDOW = timedelta(minutes=10)
HELD_OF_SOURCE = 60
MAX_OF_SOURCE = 300
"""Questions from one kind of source in `SOURCE_WINDOW`: the next ones are held, and then dropped."""
REPLIES_OF_AUTHOR = 10
REPLIES_WINDOW = timedelta(days=1)
REPLIES_OF_QUESTION = 100
"""One author's replies to a question in `REPLIES_WINDOW`, and everybody's to it at any time, beyond which the rest is
dropped; those of one source are limited by `MAX_OF_SOURCE` besides."""
MAX_WHOLE_LENGTH = 20_000

_JUST_ENDED = frozenset({SessionState.ENDED, SessionState.PROCESSING})
_EDGES = " :;,.…|-–—\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What one look at a source brought, cleaned.

    Attributes:
        source: the row of the source, as it was before.
        contributions: oldest first, authors hashed.
        cursor: how far it was read.
        skipped: what was passed over already, by reason.
        oldest: what was written before that does not count, UTC.
        default: session or show for what says itself where it belongs to; empty: the hub's next session.
    """

    source: rows.SourceRow
    contributions: Sequence[Contribution]
    cursor: str
    skipped: Counter[Skip] = field(default_factory=Counter)
    oldest: datetime
    default: str = ""


@dataclass(kw_only=True, slots=True)
class Outcome:
    """What became of a look; grows while it is worked on.

    Attributes:
        questions: ids of new questions.
        sessions: ids of sessions where something changed.
        skipped: what was passed over, by reason.
        waiting: how many wait for a session.
    """

    questions: list[str] = field(default_factory=list)
    sessions: set[str] = field(default_factory=set)
    skipped: Counter[Skip] = field(default_factory=Counter)
    waiting: int = 0


def take_look(db: Database, look: Look, *, at: datetime, random: Random) -> Outcome:
    """Make questions of what was read and note how far it was read, all or nothing."""
    contribution_rows.save_cursor(db, look.source.kind, look.source.id, look.cursor, at=at)
    outcome = Outcome(skipped=Counter(look.skipped))
    for contribution in look.contributions:
        _take(db, look, contribution, outcome, at=at, random=random)
    return outcome


def _take(
    db: Database, look: Look, contribution: Contribution, outcome: Outcome, *, at: datetime, random: Random
) -> None:
    kind, ref = contribution.source, contribution.ref
    waits = rows.is_waiting(db, kind, ref)
    if rows.find_question_of(db, kind, [ref]):
        return
    text, whole = plan_question_text(contribution.text)
    if not text:
        outcome.skipped[Skip.EMPTY] += 1
        return
    if question_id := rows.find_question_of(db, kind, contribution.reply_to):
        rows.stop_waiting(db, kind, ref)
        _add(db, question_id, contribution, whole or text, outcome, at=at)
        return
    session = _find_session(db, look, contribution)
    if session is None and not look.source.session_id:
        if not waits and not rows.keep_waiting(db, contribution, at=at):
            outcome.skipped[Skip.FLOODING] += 1
        outcome.waiting += 1
        return
    rows.stop_waiting(db, kind, ref)
    if session is None:
        outcome.skipped[Skip.CLOSED] += 1
    elif contribution.at < look.oldest and not waits:
        outcome.skipped[Skip.OLD] += 1
    else:
        _ask(db, session, contribution, (text, whole), outcome, at=at, question_id=new_id(random))


def _add(
    db: Database, question_id: str, contribution: Contribution, text: str, outcome: Outcome, *, at: datetime
) -> None:
    """Keep a reply beside the question that it belongs to, or count why not."""
    asked = question_rows.load_question(db, question_id)
    if not asked.text:  # it was erased on its asker's wish, and nothing is kept of it any more
        outcome.skipped[Skip.CLOSED] += 1
        return
    written_at, author = min(contribution.at, at), contribution.author_ref
    replies, own = rows.count_replies(db, question_id, author, since=written_at - REPLIES_WINDOW)
    crowd = rows.count_recent_replies(db, contribution.source, asked.session_id, since=written_at - SOURCE_WINDOW)
    if own >= REPLIES_OF_AUTHOR or replies >= REPLIES_OF_QUESTION or crowd >= MAX_OF_SOURCE:
        outcome.skipped[Skip.FLOODING] += 1
        return
    addition = rows.Addition(question_id=question_id, whole=False, text=text, at=written_at, author=author)
    rows.add_addition(db, contribution.source, contribution.ref, addition)
    outcome.sessions.add(asked.session_id)


def _ask(
    db: Database,
    session: Session,
    contribution: Contribution,
    texts: tuple[str, str],
    outcome: Outcome,
    *,
    at: datetime,
    question_id: str,
) -> None:
    text, whole = texts
    state = _decide_state(db, session, contribution, text, at=at)
    if isinstance(state, Skip):
        outcome.skipped[state] += 1
        return
    language = contribution.language if contribution.language in LANGUAGES else guess_language(text)
    name = contribution.author
    question = Question(
        id=question_id,
        session_id=session.id,
        text=text,
        asker=Asker(name=name, shown=Shown.NAME if contribution.named and name else Shown.ANONYMOUS),
        language=language or session.language,
        state=state,
        source=contribution.source,
        asked_at=min(contribution.at, at),  # the source's clock may be ahead of ours
        origin_url=contribution.url,
    )
    contribution_rows.take_contribution(db, contribution, question)
    if whole:
        addition = rows.Addition(question_id=question_id, whole=True, text=whole, at=question.asked_at)
        rows.add_addition(db, contribution.source, contribution.ref, addition)
    outcome.questions.append(question_id)
    outcome.sessions.add(session.id)


def _decide_state(
    db: Database, session: Session, contribution: Contribution, text: str, *, at: datetime
) -> QuestionState | Skip:
    """The state in which it becomes a question, or why it becomes none."""
    before = [
        Earlier(author=contribution.author_ref, text=text_before, at=written_at)
        for text_before, written_at in contribution_rows.list_asked(db, session.id, contribution.author_ref)
    ]
    asked = Earlier(author=contribution.author_ref, text=text, at=contribution.at)
    surplus = find_surplus(asked, Standing.ANYBODY, before)
    if surplus is Surplus.REPEATED:
        return Skip.REPEATED
    own = sum(abs(one.at - asked.at) < WINDOW for one in before)
    crowd = rows.count_recent(db, contribution.source, session.id, since=min(at, contribution.at) - SOURCE_WINDOW)
    if own >= MAX_OF_AUTHOR or crowd >= MAX_OF_SOURCE:
        return Skip.FLOODING
    if surplus is not None or contribution.suspect or crowd >= HELD_OF_SOURCE:
        return QuestionState.HELD
    return decide_intake(show_rows.load_show(db, session.show_id).moderation)


def _find_session(db: Database, look: Look, contribution: Contribution) -> Session | None:
    """The session that it is for: the one that the source is read for, or the one that its author wrote to."""
    if look.source.session_id:
        session = show_rows.load_session(db, look.source.session_id)
        return session if _is_open(session, contribution.at) else None
    sessions = show_rows.list_sessions(db)
    for wanted in (contribution.addressed_to, look.default):
        if wanted and (found := choose_session(sessions, wanted, contribution.at)):
            return found
    return choose_session(sessions, "", contribution.at)


def choose_session(sessions: Iterable[Session], wanted: str, at: datetime) -> Session | None:
    """The session that something is for that was written at an instant; None when none takes questions.

    Args:
        sessions: all of the hub.
        wanted: id of a session or show; when that session is over, its show's next one is meant; empty: any.
        at: when it was written, UTC.
    """
    everything = list(sessions)
    named = next((session for session in everything if session.id == wanted), None)
    if named is not None and _is_open(named, at):
        return named
    show_id = named.show_id if named else wanted
    taking = [one for one in everything if accepts_asking(one, at=at) and (not wanted or one.show_id == show_id)]
    return min(taking, key=lambda one: (one.state is not SessionState.LIVE, one.starts_at, one.id), default=None)


def _is_open(session: Session, at: datetime) -> bool:
    """Whether something written then still counts: while the session takes questions, or just before it ended."""
    if session.state in ACCEPTS_QUESTIONS:
        return accepts_asking(session, at=at)
    return session.state in _JUST_ENDED and session.ended_at is not None and at <= session.ended_at


def plan_question_text(text: str) -> tuple[str, str]:
    """The question's text, and the whole text where it was too long for one; both empty when it says nothing."""
    try:
        cleaned = clean_text(text[:MAX_WHOLE_LENGTH], max_length=2 * MAX_WHOLE_LENGTH, what="text")
    except BadInput:
        return "", ""
    if sum(character.isalpha() for character in cleaned) < 2:
        return "", ""
    if len(cleaned) <= MAX_QUESTION_LENGTH:
        return cleaned, ""
    head = cleaned[:MAX_QUESTION_LENGTH]
    whole_words = head[: max(head.rfind(" "), head.rfind("\n"))] if {" ", "\n"} & set(head) else head
    return whole_words[: MAX_QUESTION_LENGTH - 1].rstrip(_EDGES) + "…", cleaned


def clean_name(name: str) -> str:
    """A name as it may be shown to hosts; an address of mail is none."""
    cleaned = clean_author(name)
    return "" if "@" in cleaned and "." in cleaned.partition("@")[2] else cleaned
