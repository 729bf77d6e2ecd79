"""The library: the public picture of the archive, what the site may show and how it hangs together. Pure.

The gate between draft and published stands here and nowhere else: pages, lists, feeds, downloads and the search index
are made from a `Library` alone, and a `Library` holds nothing of a draft or withdrawn answer, its speech included.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import pairwise

from streamhub.answers.answer import Answer, AnswerState
from streamhub.archive.archived import PLAYABLE, ArchivedRecording, ArchivedSession
from streamhub.archive.format import answer_name, order_of
from streamhub.archive.markdown import cut_text, plain_text
from streamhub.schedule.show import Role
from streamhub.text import slugify, words_of
from streamhub.timecode import Span
from streamhub.transcript.speakers import is_label
from streamhub.transcript.transcript import Cue, Transcript

RELATED_ANSWERS = 4
EXCERPT_LENGTH = 190
_HIDDEN = frozenset({AnswerState.DRAFT, AnswerState.WITHDRAWN})
_COMMON_WORD_SHARE = 0.2
_LABEL_WEIGHT = 2.0
_LEAST_LIKENESS = 1.5


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicAnswer:
    """A published answer.

    Attributes:
        answer: the record.
        session_id: its session.
        url: its page, relative to the root of the site.
        speech: the transcript cut to what was said, on the session clock; None for an answer in writing only.
        translation: the machine's translation of what was said, cut likewise; None without any.
        text: what was answered, plain: in writing, then spoken by those who answer (by all when nobody is named).
        excerpt: its beginning, for lists.
    """

    answer: Answer
    session_id: str
    url: str
    speech: Transcript | None
    text: str
    excerpt: str
    translation: Transcript | None = None

    @property
    def cues(self) -> tuple[Cue, ...]:
        """What was said."""
        return self.speech.cues if self.speech else ()

    @property
    def duration_ms(self) -> int:
        """Spoken length."""
        return sum(span.duration_ms for span in self.answer.ranges)


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicSession:
    """A session with something to show.

    Attributes:
        session: the record; its answers are not to be read, they may be drafts.
        url: its page, relative to the root of the site.
        answers: published ones in the order in which they were given.
        replaced: superseded ones: address and question stay, the answer is elsewhere.
        transcript: in the session's language, without what is hidden; None without any.
        translation: the machine's translation of it, without what is hidden; None without any.
        gaps: ids of the cues after which something was left out; empty text for the beginning.
        recording: the first that a page can play, else the first; None when only text exists.
        videos: recordings on platforms, which pages only link to.
        speakers: keys of all who take part or speak, in order.
    """

    session: ArchivedSession
    url: str
    answers: tuple[PublicAnswer, ...]
    replaced: tuple[PublicAnswer, ...]
    transcript: Transcript | None
    gaps: frozenset[str]
    recording: ArchivedRecording | None
    videos: tuple[ArchivedRecording, ...]
    speakers: tuple[str, ...]
    translation: Transcript | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """A topic, product or person: something that several answers share.

    Attributes:
        title: as shown.
        url: its page, relative to the root of the site.
        language: of most of its answers.
        about: one line about a person; else empty.
        answers: ids of its answers, newest first.
        sessions: ids of the sessions in which a person took part.
    """

    title: str
    url: str
    language: str
    about: str = ""
    answers: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Library:
    """All that may be shown.

    Attributes:
        sessions: newest first.
        answers: published, by id; newest first, within a session in the order in which they were given.
        related: answer id to ids of its likes, best first.
        topics, products, people: by `key_of` their title.
        by_id: sessions.
        replaced: answer id to the superseded ones whose place it took.
    """

    sessions: tuple[PublicSession, ...]
    answers: Mapping[str, PublicAnswer]
    related: Mapping[str, tuple[str, ...]]
    topics: Mapping[str, Label]
    products: Mapping[str, Label]
    people: Mapping[str, Label]
    by_id: Mapping[str, PublicSession] = field(repr=False)
    replaced: Mapping[str, tuple[PublicAnswer, ...]] = field(default_factory=dict)

    def successor_of(self, answer: Answer) -> PublicAnswer | None:
        """The published answer that took the place of one, however many came in between; None without any."""
        return next((self.answers.get(key) for key, old in self.replaced.items() if answer.id in _ids(old)), None)


def plan_library(archive: Iterable[ArchivedSession]) -> Library:
    """Let through what is public.

    A session is shown when it has a published or superseded answer, or when it is public and has no answers at all (an
    imported recording or text). Speech inside a draft or withdrawn answer is left out of its transcript.
    """
    shown = (_public_session(_without_labels(session)) for session in archive)
    sessions = tuple(
        sorted(
            (session for session in shown if session),
            key=lambda found: (found.session.starts_at, found.session.id),
            reverse=True,
        )
    )
    answers = {answer.answer.id: answer for session in sessions for answer in session.answers}
    return Library(
        sessions=sessions,
        answers=answers,
        related=_relate(answers),
        topics=_labels("topics", answers, lambda answer: answer.topics),
        products=_labels("products", answers, lambda answer: answer.products),
        people=_people(sessions, answers),
        by_id={session.session.id: session for session in sessions},
        replaced=_replaced(sessions),
    )


def _replaced(sessions: Sequence[PublicSession]) -> dict[str, tuple[PublicAnswer, ...]]:
    """By answer, those whose place it took, directly or by way of others."""
    old = [answer for session in sessions for answer in session.replaced]
    heirs = {answer.answer.id: answer.answer.superseded_by for answer in old}
    found: defaultdict[str, list[PublicAnswer]] = defaultdict(list)
    for answer in old:
        found[_follow(answer.answer.superseded_by, heirs)].append(answer)
    return {key: tuple(answers) for key, answers in found.items()}


def _ids(answers: Iterable[PublicAnswer]) -> set[str]:
    return {answer.answer.id for answer in answers}


def _follow(answer_id: str, heirs: Mapping[str, str]) -> str:
    """The last answer of a chain; the one at which a circle closes, where files were edited into one."""
    seen: set[str] = set()
    while answer_id in heirs and answer_id not in seen:
        seen.add(answer_id)
        answer_id = heirs[answer_id]
    return answer_id


def _without_labels(session: ArchivedSession) -> ArchivedSession:
    """The session in which voices that nobody named yet are nobody: their labels are for hosts."""
    labels = {cue.speaker for transcript in session.transcripts for cue in transcript.cues if is_label(cue.speaker)}
    if not labels:
        return session
    transcripts = (
        replace(one, cues=tuple(replace(cue, speaker="") if cue.speaker in labels else cue for cue in one.cues))
        for one in session.transcripts
    )
    answers = (
        replace(answer, answerers=tuple(name for name in answer.answerers if name not in labels))
        for answer in session.answers
    )
    return replace(session, transcripts=tuple(transcripts), answers=tuple(answers))


def _public_session(session: ArchivedSession) -> PublicSession | None:
    published = [answer for answer in session.answers if answer.state is AnswerState.PUBLISHED]
    replaced = [answer for answer in session.answers if answer.state is AnswerState.SUPERSEDED]
    if not published and not replaced and (session.answers or not session.public):
        return None
    found = _transcript_of(session.transcripts, session.language)
    transcript, gaps = _without_hidden(found, session.answers) if found else (None, frozenset[str]())
    return PublicSession(
        session=session,
        url=f"s/{session.id}/",
        answers=tuple(_public_answer(answer, session) for answer in sorted(published, key=order_of)),
        replaced=tuple(_public_answer(replace(answer, ranges=(), body=""), session) for answer in replaced),
        transcript=transcript,
        gaps=gaps,
        recording=next(iter(sorted(session.recordings, key=lambda one: one.kind not in PLAYABLE)), None),
        videos=tuple(one for one in session.recordings if one.kind not in PLAYABLE),
        speakers=_speakers(session),
        translation=_public_translation(session),
    )


def _speakers(session: ArchivedSession) -> tuple[str, ...]:
    names = [person.name for person in session.participants]
    names += dict.fromkeys(cue.speaker for transcript in session.transcripts for cue in transcript.cues)
    return tuple(dict.fromkeys(map(key_of, names)))


def cut_speech(answer: Answer, session: ArchivedSession) -> Transcript | None:
    """The transcript cut to what was said in an answer, on the session clock; None where nothing was."""
    transcript = _transcript_of(session.transcripts, answer.language, session.language)
    cues = _spoken(transcript, answer.ranges) if transcript and answer.ranges else ()
    return replace(transcript, cues=cues) if transcript and cues else None


def speakers_of(answer: Answer, session: ArchivedSession) -> tuple[str, ...]:
    """Who is to be heard in an answer: those who answer, and whoever else speaks in it; nobody in writing."""
    if not answer.ranges:
        return ()
    speech = cut_speech(answer, session)
    names = [*answer.answerers, *(cue.speaker for cue in speech.cues if cue.speaker)] if speech else answer.answerers
    return tuple({key_of(name): name for name in reversed(names)}.values())[::-1]


def _public_answer(answer: Answer, session: ArchivedSession) -> PublicAnswer:
    speech = cut_speech(answer, session)
    cues = speech.cues if speech else ()
    answerers = {key_of(name) for name in answer.answerers}
    own = [cue.text for cue in cues if key_of(cue.speaker) in answerers]
    spoken = " ".join(own or [cue.text for cue in cues])
    text = f"{plain_text(answer.body)} {spoken}".strip()
    return PublicAnswer(
        answer=answer,
        session_id=session.id,
        url=f"a/{answer_name(answer)}/",
        speech=speech,
        text=text,
        excerpt=cut_text(text, max_length=EXCERPT_LENGTH),
        translation=_cut_translation(answer, session),
    )


def _public_translation(session: ArchivedSession) -> Transcript | None:
    """The first translation into another language than the session's, without what is hidden."""
    found = next((one for one in session.translations if one.language != session.language), None)
    return _without_hidden(found, session.answers)[0] if found else None


def _cut_translation(answer: Answer, session: ArchivedSession) -> Transcript | None:
    """The translation of what was said in an answer."""
    shown = _public_translation(session) if answer.ranges else None
    cues = _spoken(shown, answer.ranges) if shown else ()
    return replace(shown, cues=cues) if shown and cues else None


def _spoken(transcript: Transcript, ranges: Sequence[Span]) -> tuple[Cue, ...]:
    first_ms, last_ms = ranges[0].start_ms, ranges[-1].end_ms
    near = (cue for cue in transcript.cues if cue.span.start_ms < last_ms and cue.span.end_ms >= first_ms)
    return tuple(cue for cue in near if _inside(cue, ranges))


def _transcript_of(transcripts: Sequence[Transcript], *languages: str) -> Transcript | None:
    for language in languages:
        for transcript in transcripts:
            if transcript.language == language:
                return transcript
    return transcripts[0] if transcripts else None


def _without_hidden(transcript: Transcript, answers: Iterable[Answer]) -> tuple[Transcript, frozenset[str]]:
    """The transcript without speech of drafts and withdrawn answers, and where it was cut."""
    hidden = [span for answer in answers if answer.state in _HIDDEN for span in answer.ranges]
    public = [span for answer in answers if answer.state is AnswerState.PUBLISHED for span in answer.ranges]
    kept: list[Cue] = []
    gaps: set[str] = set()
    for cue in transcript.cues:
        if _touches(cue, hidden) and not _inside(cue, public):
            gaps.add(kept[-1].id if kept else "")
        else:
            kept.append(cue)
    return replace(transcript, cues=tuple(kept)), frozenset(gaps)


def _inside(cue: Cue, ranges: Iterable[Span]) -> bool:
    """Whether most of a cue lies in the ranges."""
    if cue.span.duration_ms == 0:
        return any(span.start_ms <= cue.span.start_ms < span.end_ms for span in ranges)
    return 2 * sum(cue.span.overlap_ms(span) for span in ranges) > cue.span.duration_ms


def _touches(cue: Cue, ranges: Iterable[Span]) -> bool:
    """Whether any of a cue lies in the ranges: what is hidden is hidden with its edges."""
    return any(span.start_ms <= cue.span.start_ms < span.end_ms or cue.span.overlap_ms(span) for span in ranges)


# --- labels


def _labels(
    folder: str, answers: Mapping[str, PublicAnswer], titles_of: Callable[[Answer], Iterable[str]]
) -> dict[str, Label]:
    spellings: defaultdict[str, Counter[str]] = defaultdict(Counter)
    members: defaultdict[str, list[str]] = defaultdict(list)
    for answer in answers.values():
        for title in titles_of(answer.answer):
            key = key_of(title)
            if key and answer.answer.id not in members[key]:
                spellings[key][title] += 1
                members[key].append(answer.answer.id)
    urls = plan_urls(folder, spellings)
    return {
        key: Label(
            title=_commonest(spellings[key]),
            url=urls[key],
            language=_commonest(Counter(answers[answer_id].answer.language for answer_id in members[key])),
            answers=tuple(members[key]),
        )
        for key in sorted(spellings)
    }


def _people(sessions: Sequence[PublicSession], answers: Mapping[str, PublicAnswer]) -> dict[str, Label]:
    """Those who answer, and hosts; customers are named where they speak and get no page of their own."""
    spoken = _labels("people", answers, lambda answer: answer.answerers)
    seats: defaultdict[str, list[str]] = defaultdict(list)
    abouts: dict[str, str] = {}
    names: dict[str, Counter[str]] = defaultdict(Counter)
    languages: dict[str, Counter[str]] = defaultdict(Counter)
    for session in sessions:
        for person in session.session.participants:
            key = key_of(person.name)
            if not key or (person.role not in {Role.HOST, Role.EXPERT} and key not in spoken):
                continue
            seats[key].append(session.session.id)
            names[key][person.name] += 1
            languages[key][session.session.language] += 1
            if person.about:
                abouts.setdefault(key, person.about)
    urls = plan_urls("people", {*spoken, *names})
    return {
        key: Label(
            title=spoken[key].title if key in spoken else _commonest(names[key]),
            url=urls[key],
            language=spoken[key].language if key in spoken else _commonest(languages[key]),
            about=abouts.get(key, ""),
            answers=spoken[key].answers if key in spoken else (),
            sessions=tuple(seats[key]),
        )
        for key in sorted({*spoken, *names})
    }


def key_of(title: str) -> str:
    """What makes two spellings of a topic, product or name the same: case and spaces do not count, umlauts do."""
    return " ".join(title.casefold().split())


def plan_urls(folder: str, keys: Iterable[str]) -> dict[str, str]:
    """Addresses of labels; those whose slugs meet get a mark made from their title, so that all stay apart."""
    slugs = {key: slugify(key) for key in keys}
    taken = Counter(slugs.values())
    return {
        key: f"{folder}/{slug}/" if taken[slug] == 1 and slug != "x" else f"{folder}/{slug}-{_mark(key)}/"
        for key, slug in slugs.items()
    }


def _mark(key: str) -> str:
    return blake2b(key.encode("utf-8", "replace"), digest_size=4).hexdigest()


def _commonest(counted: Counter[str]) -> str:
    return min(counted, key=lambda text: (-counted[text], text))


# --- likes


def _relate(answers: Mapping[str, PublicAnswer]) -> dict[str, tuple[str, ...]]:
    """The most alike answers of the same language: rare common words of the questions, topics and products."""
    features = {answer_id: _features(answer.answer) for answer_id, answer in answers.items()}
    holders: defaultdict[str, list[str]] = defaultdict(list)
    for answer_id, own in features.items():
        for feature in own:
            holders[feature].append(answer_id)
    common = max(8.0, _COMMON_WORD_SHARE * len(answers))
    weights = {
        feature: math.log(1 + len(answers) / len(found)) * (_LABEL_WEIGHT if feature.startswith("#") else 1.0)
        for feature, found in holders.items()
        if 1 < len(found) <= common
    }
    related: dict[str, tuple[str, ...]] = {}
    for answer_id, own in features.items():
        likeness: defaultdict[str, float] = defaultdict(float)
        for feature in sorted(own):
            if feature in weights:
                for other in holders[feature]:
                    likeness[other] += weights[feature]
        likeness.pop(answer_id, None)
        ranked = sorted(likeness, key=lambda other: (-likeness[other], other))
        related[answer_id] = tuple(other for other in ranked[:RELATED_ANSWERS] if likeness[other] >= _LEAST_LIKENESS)
    return related


def _features(answer: Answer) -> frozenset[str]:
    words = (f"{answer.language}:{word}" for word in words_of(answer.question) if len(word) > 3)
    labels = (f"#{key_of(label)}" for label in (*answer.topics, *answer.products))
    return frozenset((*words, *labels))


def neighbours(session: PublicSession, answer_id: str) -> tuple[PublicAnswer | None, PublicAnswer | None]:
    """The answers before and after one in its session."""
    before = after = None
    for left, right in pairwise(session.answers):
        if right.answer.id == answer_id:
            before = left
        if left.answer.id == answer_id:
            after = right
    return before, after
