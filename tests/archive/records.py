"""Strategies and plain builders of archived sessions for the tests of the archive."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from hypothesis import strategies as st

from streamhub.answers.answer import Answer, AnswerState
from streamhub.archive.archived import ArchivedRecording, ArchivedSession
from streamhub.archive.clips import clips_folder, plan_key
from streamhub.archive.format import canonical
from streamhub.config import LegalSettings
from streamhub.recording.clip import Clip, note_name
from streamhub.recording.recording import ClockMap, ClockPiece
from streamhub.schedule.show import ON_AIR, Participant, Role
from streamhub.timecode import Span
from streamhub.transcript.transcript import Cue, Maker, Transcript, Word

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</script><script>alert(1)</script>",
    "javascript:alert(1)",
    "' onmouseover='alert(1)",
    "--> WEBVTT <v x>",
    "]]><!--",
    "{{ 7*7 }}{% raw %}",
    "---\nstate: published\n---",
    "&lt;b&gt; &amp; ü",
    "\u202eevil\u2066 \u2028 \u0085 \x00\x1b[31m",
    "no",
    "null",
    "2027-03-02",
    "12:34:56",
    "=cmd|' /C calc'!A0",
    "%s %(count)s {0} ${x}",
    "# heading\n\n[x](javascript:alert(1)) <svg/onload=alert(1)> ![p](https://tracker.example/p.gif)",
    "…„“‚‘ «» – — 漢字 🙂",
    "BEGIN:VEVENT\r\nSUMMARY:x;y,z\\n\r\nEND:VEVENT\r\n",
    "00:01.000 --> 00:02.000 <c.x><00:01.500>&lrm; NOTE x\n\nSTYLE\n::cue{}",
    "]]>--!><![CDATA[x]]><?php x ?><!ENTITY e SYSTEM 'file:///etc/passwd'>&e;",
    "Donaudampfschifffahrtsgesellschaftskapitänsmütze" * 8,
    "👩‍👩‍👧‍👦 e\u0301 \ufeffx\u200b\u2060\u00ad\u200f\u061c \ud7ff\ufffe \U0001f1e9\U0001f1ea",
    "```\n</textarea></title></style><base href=//x><plaintext>",
)

FILLED = LegalSettings(
    company="Stadtwerke Beispiel GmbH",
    address="Musterweg 1\n12345 Beispielstadt",
    email="info@stadtwerke.example",
    phone="01234 5678",
    represented_by="Erika Muster",
    register="Amtsgericht Köln, HRB 1234",
    vat_id="DE123",
    responsible="Erika Muster, ebenda",
    privacy_host="Rechenzentrum Beispiel, Köln",
    privacy_authority="LDI NRW",
    privacy_log_days=7,
    accessibility_state="partial",
    accessibility_checked="2026-11-28",
    accessibility_gaps="Ältere Aufzeichnungen haben keine Untertitel.\nKarten.",
    accessibility_body="MLBF, Magdeburg",
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(HOSTILE)
filled = texts.filter(lambda text: bool(text.strip()))
slugs = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,5}){0,2}", fullmatch=True).filter(
    lambda text: text not in {"con", "prn", "aux", "nul"}
)
# What a caption can say: one line, single spaces, no bare carriage returns or controls.
lines = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Zs"]), min_size=1, max_size=30)
spans = st.tuples(st.integers(0, 10**7), st.integers(0, 10**6)).map(lambda pair: Span(pair[0], pair[0] + pair[1]))


@st.composite
def ordered_spans(draw: st.DrawFn, *, max_size: int = 5, least_ms: int = 0) -> tuple[Span, ...]:
    """Spans in order that do not overlap."""
    at = 0
    found = []
    for gap, length in draw(
        st.lists(st.tuples(st.integers(0, 9999), st.integers(least_ms, 60_000)), max_size=max_size)
    ):
        found.append(Span(at + gap, at + gap + length))
        at += gap + length
    return tuple(found)


@st.composite
def transcripts(draw: st.DrawFn, language: str) -> Transcript:
    """Transcripts as the archive keeps them."""
    cues = []
    for number, span in enumerate(draw(ordered_spans(least_ms=1)), 1):
        words = draw(st.lists(st.builds(Word, texts, spans, st.floats(0, 1)), max_size=3))
        cues.append(
            Cue(id=f"c{number}", span=span, text=draw(lines), speaker=draw(lines | st.just("")), words=tuple(words))
        )
    return Transcript(
        language=language,
        cues=tuple(cues),
        made_by=draw(st.sampled_from(Maker)),
        made_with=draw(lines | st.just("")),
    )


CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")


def shown(text: str) -> str:
    """What of a text is to be seen: without controls, spaces as one."""
    return " ".join(CONTROLS.sub("", text.replace("\x85", " ")).split())


def _without_words(transcript: Transcript) -> Transcript:
    """As translations are kept: without word times."""
    return replace(transcript, cues=tuple(replace(cue, words=()) for cue in transcript.cues))


recordings = st.builds(
    lambda url, kind, label, mime, duration_ms, session, media, has_video: ArchivedRecording(
        url=url,
        kind=kind,
        label=label,
        mime=mime,
        duration_ms=duration_ms,
        clock=ClockMap(tuple(ClockPiece(*pair) for pair in zip(session, media, strict=False))),
        has_video=has_video,
    ),
    filled,
    filled,
    texts,
    filled,
    st.integers(0, 10**8),
    ordered_spans(),
    ordered_spans(),
    st.booleans(),
)


@st.composite
def sessions(draw: st.DrawFn) -> ArchivedSession:
    """Archived sessions that are valid, whatever their texts say."""
    session_id = draw(slugs)
    answers = []
    for answer_id in draw(st.lists(slugs.filter(lambda text: "-" not in text), max_size=3, unique=True)):
        answers.append(
            Answer(
                id=answer_id,
                slug=draw(slugs),
                session_id=session_id,
                question=draw(filled),
                asker=draw(texts),
                answerers=tuple(draw(st.lists(texts, max_size=2))),
                language=draw(st.sampled_from(["de", "en"])),
                topics=tuple(draw(st.lists(texts, max_size=2))),
                products=tuple(draw(st.lists(texts, max_size=2))),
                state=draw(st.sampled_from(AnswerState)),
                superseded_by=draw(st.just("") | slugs.filter(lambda text, own=answer_id: text != own)),
                valid_until=draw(st.none() | st.dates(min_value=date(1000, 1, 1))),
                confidence=draw(st.floats(0, 1)),
                evidence=tuple(draw(st.lists(texts, max_size=2))),
                votes=draw(st.integers(0, 10**6)),
                body=draw(texts),
                writer=draw(texts),
                writer_role=draw(st.none() | st.sampled_from(ON_AIR)),
            )
        )
    session = ArchivedSession(
        id=session_id,
        show_id=draw(slugs),
        show_title=draw(filled),
        title=draw(filled),
        starts_at=draw(
            st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
        ),
        zone=draw(st.sampled_from(["Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "UTC"])),
        language=draw(st.sampled_from(["de", "en"])),
        participants=tuple(
            draw(st.lists(st.builds(Participant, name=filled, role=st.sampled_from(ON_AIR), about=texts), max_size=2))
        ),
        recordings=tuple(draw(st.lists(recordings, max_size=2))),
        transcripts=tuple(
            draw(transcripts(language)) for language in draw(st.lists(st.sampled_from(["de", "en"]), unique=True))
        ),
        translations=tuple(
            draw(transcripts(language).map(_without_words))
            for language in draw(st.lists(st.sampled_from(["de", "en"]), unique=True, max_size=1))
        ),
        answers=tuple(answers),
        recap=draw(texts),
        public=draw(st.booleans()),
    )
    return canonical(session)


def make_session(**changes: object) -> ArchivedSession:
    """A small German session with a published, a draft, a withdrawn and a superseded answer."""
    session_id = str(changes.pop("id", "2027-03-02-netz"))
    speech = (
        ("Clara Roth", "Guten Abend und willkommen in der Runde."),
        ("Clara Roth", "Maria fragt, warum ihr Router rot blinkt."),
        ("Anna Weber", "Rotes Blinken heißt: Die Leitung ist nicht synchron."),
        ("Anna Weber", "Starten Sie den Router zuerst neu."),
        ("Clara Roth", "Jetzt etwas Vertrauliches über das Zebraprojekt."),
        ("Peter Brandt", "Das Zebraprojekt bleibt unter uns."),
        ("Clara Roth", "Und nun der Fall Nilpferd."),
        ("Peter Brandt", "Der Fall Nilpferd wurde zurückgezogen."),
    )
    cues = tuple(
        Cue(id=f"c{n}", span=Span(n * 5000 - 5000, n * 5000 - 200), text=text, speaker=speaker)
        for n, (speaker, text) in enumerate(speech, 1)
    )

    def answer(answer_id: str, slug: str, question: str, start_ms: int, **more: object) -> Answer:
        return Answer(
            id=answer_id,
            slug=slug,
            session_id=session_id,
            question=question,
            ranges=(Span(start_ms, start_ms + 10_000),),
            **{"state": AnswerState.PUBLISHED, **more},  # type: ignore[arg-type]
        )

    values: dict[str, object] = {
        "id": session_id,
        "show_id": "service-runde",
        "show_title": "Service-Runde",
        "title": "Netz & Router",
        "starts_at": datetime(2027, 3, 2, 19, 15, tzinfo=UTC),
        "participants": (
            Participant(name="Clara Roth", role=Role.HOST),
            Participant(name="Anna Weber", role=Role.EXPERT, about="Netztechnik"),
            Participant(name="Peter Brandt", role=Role.EXPERT),
        ),
        "transcripts": (Transcript(language="de", cues=cues, made_with="faster-whisper small"),),
        "recordings": (
            ArchivedRecording(
                url="recordings/netz.mp4",
                duration_ms=42_000,
                clock=ClockMap((ClockPiece(Span(0, 40_000), Span(2_000, 42_000)),)),
            ),
        ),
        "answers": (
            answer(
                "q1",
                "router-blinkt-rot",
                "Warum blinkt mein Router rot?",
                5_000,
                asker="Maria aus Köln",
                answerers=("Anna Weber",),
                topics=("Router", "Störung"),
                products=("FRITZ!Box 7590",),
                votes=12,
                body="Halten Sie den Knopf **zehn Sekunden** gedrückt.",
            ),
            answer("q2", "zebra", "Was wird aus dem Zebraprojekt?", 20_000, state=AnswerState.DRAFT, topics=("Zebra",)),
            answer(
                "q3",
                "nilpferd",
                "Was war der Fall Nilpferd?",
                30_000,
                state=AnswerState.WITHDRAWN,
                topics=("Nilpferd",),
            ),
            Answer(
                id="q4",
                slug="router-alt",
                session_id=session_id,
                question="Wie starte ich den alten Router neu?",
                state=AnswerState.SUPERSEDED,
                superseded_by="q1",
                body="Den Stecker des Giraffenmodells ziehen.",
                topics=("Giraffe",),
            ),
        ),
        "recap": "Ein Abend über *Router*.",
    } | changes
    return canonical(ArchivedSession(**values))  # type: ignore[arg-type]


def make_distinct(archive: Iterable[ArchivedSession]) -> list[ArchivedSession]:
    """Generated sessions as one archive can hold them: ids once, and no recording that would have to lie on a disk."""
    taken: set[str] = set()
    distinct = []
    for session in archive:
        own = tuple(answer for answer in session.answers if answer.id not in taken)
        taken |= {answer.id for answer in own}
        local = tuple(one for one in session.recordings if one.url.startswith("http"))
        distinct.append(replace(session, answers=own, recordings=local))
    return distinct


def place_recording(root: Path, session: ArchivedSession, *, title: str) -> Path:
    """A media folder with the recording of the small session, and the clip of its first answer."""
    (root / "recordings").mkdir(parents=True)
    (root / "recordings/netz.mp4").write_bytes(b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 100)
    folder = clips_folder(root, session.id)
    folder.mkdir(parents=True)
    names = {"video": "q.mp4", "audio": "q.m4a", "captions": "q.vtt", "poster": "q.jpg", "share": "q-share.jpg"}
    for name in names.values():
        (folder / name).write_bytes(b"WEBVTT\n" if name.endswith(".vtt") else b"x")
    answer = session.answers[0]
    clip = Clip(answer_id=answer.id, key=plan_key(session, answer, title=title), duration_ms=10_000, **names)
    (folder / note_name(answer.id)).write_text(json.dumps(clip.to_json()))
    return root
