"""A session in review for tests: a real recording, real archive files, twelve answers or fewer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamhub.answers.answer import Answer
from streamhub.archive.archived import ArchivedRecording, ArchivedSession
from streamhub.archive.folder import load_session, save_session
from streamhub.questions.question import QuestionState
from streamhub.recording.recording import ClockMap, ClockPiece, MediaInfo, Recording
from streamhub.reviewing import HubReview
from streamhub.schedule.show import Participant, Role, SessionState
from streamhub.store import questions, recordings, shows
from streamhub.timecode import Span
from streamhub.transcript.transcript import Cue, Transcript, Word

if TYPE_CHECKING:
    from pathlib import Path

    from tests.web.conftest import Browser, World

HEAD_MS = 3_000
"""Of the recording lies before the session went live."""
SLOT_MS = 20_000
"""Each answer has so long: a sentence of the host, a question, two sentences of the answer, a handing over."""
SAID = (
    ("Jana Weber", "Und damit weiter."),
    ("Jana Weber", "Frage {n}: Was kostet Tarif {n} im Monat?"),
    ("Ali Demir", "Der Tarif {n} kostet neun Euro."),
    ("Ali Demir", "Wer kündigt, zahlt nichts."),
    ("Jana Weber", "Vielen Dank dafür."),
)
SENTENCE_MS = SLOT_MS // len(SAID)


@dataclass(frozen=True, kw_only=True)
class Reviewed:
    """A session in review.

    Attributes:
        session: its id.
        ids: of the answers in order.
    """

    world: World
    session: str
    ids: list[str]

    @property
    def path(self) -> str:
        return f"/host/s/{self.session}/review"

    @property
    def archived(self) -> ArchivedSession:
        """What stands in the files."""
        review = self.world.hub.review
        assert isinstance(review, HubReview)
        return load_session(review.transcripts, "runde", self.session)

    def answer(self, number: int) -> Answer:
        return next(one for one in self.archived.answers if one.id == self.ids[number])

    def cue(self, id_: str) -> Cue:
        return next(one for one in self.archived.transcripts[0].cues if one.id == id_)

    async def fields(self, host: Browser, number: int, **more: str) -> dict[str, str]:
        """The fields that the page's forms carry for an answer."""
        import html as escaping

        query = "&".join([f"answer={self.ids[number]}", *(f"{name}={value}" for name, value in more.items())])
        async with await host.get(f"{self.path}?{query}") as page:
            assert page.status == 200, await page.text()
            text = await page.text()
        part = text[text.index('class="fixing"') if "cue" in more else text.index('id="decide"') :]
        return {"answer": self.ids[number], "seen": escaping.unescape(self.world.find_field(part, "seen"))}


def sentence(slot: int, place: int) -> Span:
    """When a sentence is spoken, on the session clock."""
    start_ms = slot * SLOT_MS + place * SENTENCE_MS
    return Span(start_ms, start_ms + SENTENCE_MS)


def right(slot: int) -> Span:
    """Where an answer belongs: from its question to its last sentence."""
    return Span(sentence(slot, 1).start_ms, sentence(slot, 3).end_ms)


def make_transcript(slots: int) -> Transcript:
    cues = []
    for slot in range(slots):
        for place, (speaker, text) in enumerate(SAID):
            span = sentence(slot, place)
            texts = text.format(n=slot + 1).split()
            each = span.duration_ms // len(texts)
            words = [
                Word(t, Span(span.start_ms + n * each, span.start_ms + (n + 1) * each), 0.9)
                for n, t in enumerate(texts)
            ]
            cues.append(
                Cue(id=f"c{len(cues) + 1}", span=span, text=" ".join(texts), speaker=speaker, words=tuple(words))
            )
    return Transcript(language="de", cues=tuple(cues), made_with="fake tiny")


async def review_session(
    world: World,
    *,
    count: int = 3,
    unsure: frozenset[int] = frozenset({1}),
    clip: Path | None = None,
    clip_ms: int = 0,
    title: str = "Netz",
) -> Reviewed:
    """A session that was live, cut into answers; unsure ones begin a sentence late and end one late."""
    session = await world.plan(to="live", title=title)
    ids = [await world.ask(session, f"Was kostet Tarif {n + 1}?") for n in range(count)]
    world.clock.forward(seconds=count * SLOT_MS // 1000)
    for one in ids:
        await world.hub.store.write(
            lambda db, one=one: questions.step_question(
                db, one, QuestionState.ANSWERED_LIVE, at=world.clock(), author="x"
            )
        )
    await world.host("POST", f"/sessions/{session}/state", to="ended")
    for state in (SessionState.PROCESSING, SessionState.IN_REVIEW):
        await world.hub.store.write(lambda db, to=state: shows.step_session(db, session, to, at=world.clock()))
    length_ms = count * SLOT_MS
    clock = ClockMap((ClockPiece(Span(0, length_ms), Span(HEAD_MS, HEAD_MS + length_ms)),))
    if clip is not None:
        await _add_recording(world, session, clip, clip_ms, clock)
    answers = [
        Answer(
            id=one,
            slug=f"tarif-{n + 1}",
            session_id=session,
            question=f"Was kostet Tarif {n + 1}?",
            answerers=("Ali Demir",),
            ranges=(Span(sentence(n, 2).start_ms, sentence(n, 4).end_ms) if n in unsure else right(n),),
            confidence=0.4 if n in unsure else 0.9,
            evidence=("Auf Sendung um 0:03; Wortlaut dort nicht gefunden.",),
        )
        for n, one in enumerate(ids)
    ]
    archived = ArchivedSession(
        id=session,
        show_id="runde",
        show_title="Runde",
        title="Netz",
        starts_at=world.clock(),
        participants=(
            Participant(name="Jana Weber", role=Role.HOST),
            Participant(name="Ali Demir", role=Role.EXPERT),
        ),
        recordings=(ArchivedRecording(url=f"{session}/recording.mp4", duration_ms=HEAD_MS + length_ms, clock=clock),),
        transcripts=(make_transcript(count),),
        answers=tuple(answers),
        public=False,
    )
    review = world.hub.review
    assert isinstance(review, HubReview)
    save_session(review.transcripts, archived)
    world.answers.answers[session] = list(answers)
    return Reviewed(world=world, session=session, ids=ids)


async def _add_recording(world: World, session: str, clip: Path, clip_ms: int, clock: ClockMap) -> None:
    assert world.hub.media_dir is not None
    folder = world.hub.media_dir / session
    folder.mkdir(parents=True)
    (folder / clip.name).write_bytes(clip.read_bytes())
    recording = Recording(
        session_id=session,
        path=f"{session}/{clip.name}",
        sha256="0" * 64,
        info=MediaInfo(duration_ms=clip_ms, size_bytes=clip.stat().st_size, video_codec="h264", audio_codec="aac"),
        clock=clock,
    )
    await world.hub.store.write(lambda db: recordings.save_recording(db, recording))
