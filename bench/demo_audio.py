"""Author the demo's round tables: scripts, voices, audio and ground truth.

Owns the wording of the two round tables (German and English) and how they are spoken; writes, for each language,
`streamhub/demo/roundtable_<language>.opus` and `streamhub/demo/roundtable_<language>.json`.
Refuses to know the hub, the encoder that pushes the audio, and the recogniser that hears it: every spoken sentence can
be made by the grammar of the rehearsal checkpoint (`streamhub/transcript/rehearsal/grammar.json`); a test holds that.

Needed at authoring time only: Debian's `espeak-ng` (the library `libespeak-ng.so.1`), NumPy and PyAV with libopus.
The same espeak-ng and the same seed give the same samples.

    python -m bench.demo_audio            # writes both round tables
    python -m bench.demo_audio --language de --out /some/folder
"""

from __future__ import annotations

import argparse
import ctypes
import json
import re
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

RATE_HZ = 48_000
LEAD_IN_MS = 600
TAIL_MS = 900
GAP_MS = (350, 800)
GAP_BEFORE_QUESTION_MS = (750, 900)
ON_AIR_LEAD_MS = 1_200
SPEECH_RMS = 0.09
ROOM_TONE_RMS = 0.0003
AUDIBLE = 0.005
OPUS_BIT_RATE = 48_000

DEMO_FOLDER = Path(__file__).resolve().parents[1] / "streamhub" / "demo"


@dataclass(frozen=True, kw_only=True, slots=True)
class Speaker:
    """Somebody on the panel.

    Attributes:
        name: as the moderation says it.
        role: `host` or `expert`.
        about: second line of the name plate.
        voice: espeak-ng voice and variant.
        rate_wpm: words a minute, before the seeded variation.
        pitch: espeak-ng pitch, 0 to 100, before the seeded variation.
    """

    name: str
    role: str
    about: str
    voice: str
    rate_wpm: int
    pitch: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A question as a customer typed it in the hub before the show.

    Attributes:
        id: names the question in the screenplay; a question without lines there stays open.
        text: the typed wording, which differs from what the host reads aloud.
        searches: words of the answer that nobody typed.
    """

    id: str
    text: str
    asker: str
    city: str
    votes: int
    topic: str
    product: str
    searches: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Script:
    """One round table, ready to be spoken.

    Attributes:
        screenplay: one `Name: sentence.` a line; `[q1]` begins a question, `[]` ends it.
        seed: decides rate, pitch and pauses.
    """

    language: str
    show: str
    title: str
    slug: str
    speakers: tuple[Speaker, ...]
    asked: tuple[Asked, ...]
    screenplay: str
    seed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One sentence of the screenplay; `part` is opening, announcement, question, answer or moderation."""

    speaker: str
    text: str
    part: str
    question_id: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Spoken:
    """A line with its samples; times count from the beginning of `samples`, in milliseconds."""

    line: Line
    samples: Samples
    start_ms: int
    end_ms: int
    words: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendered:
    """The finished audio (mono, `RATE_HZ`) and the ground truth that belongs to it."""

    samples: Samples
    truth: dict[str, Any]


GERMAN = Script(
    language="de",
    show="Expertenrunde",
    title="Rechnung, Lieferadresse, Kündigung",
    slug="rechnung-lieferadresse-kuendigung",
    seed=1,
    speakers=(
        Speaker(name="Martin", role="host", about="Kundenservice", voice="de", rate_wpm=168, pitch=45),
        Speaker(name="Anna", role="expert", about="Rechnung und Zahlung", voice="de+f2", rate_wpm=168, pitch=50),
        Speaker(name="Peter", role="expert", about="Vertrag und Lieferung", voice="de+m3", rate_wpm=168, pitch=45),
    ),
    asked=(
        Asked(
            id="q1",
            text="Ich habe alles durchsucht und keine Abrechnung entdeckt. Wo liegt die eigentlich?",
            asker="Julia",
            city="Zürich",
            votes=14,
            topic="Rechnung",
            product="Online-Konto",
            searches=("Kundenportal",),
        ),
        Asked(
            id="q2",
            text="Gestern gekauft, aber ich komme noch nicht an den Beleg. Mache ich etwas falsch?",
            asker="Thomas",
            city="Hamburg",
            votes=9,
            topic="Rechnung",
            product="Online-Konto",
            searches=("zehn Tage",),
        ),
        Asked(
            id="q3",
            text="Wir ziehen im März um. Was muss ich tun, damit das Paket in der neuen Wohnung ankommt?",
            asker="Laura",
            city="Berlin",
            votes=11,
            topic="Lieferung",
            product="Versand",
            searches=("Einstellungen", "Menü"),
        ),
        Asked(
            id="q4",
            text="Ich hätte gern einen zweiten Anschluss mit eigener Rufnummer. Wie teuer wird das?",
            asker="Daniel",
            city="Hamburg",
            votes=7,
            topic="Tarif",
            product="Zusatznummer",
            searches=("dreißig Euro",),
        ),
        Asked(
            id="q5",
            text="Ich habe gekündigt und es mir anders überlegt. Hilft man mir auch vor Ort in der Filiale?",
            asker="Maria",
            city="München",
            votes=5,
            topic="Vertrag",
            product="Kündigung",
            searches=("App",),
        ),
        Asked(
            id="q6",
            text="Gibt es bei Ihnen Rabatt für Studierende?",
            asker="Jonas",
            city="Leipzig",
            votes=2,
            topic="Tarif",
            product="Studententarif",
        ),
    ),
    screenplay="""
        Martin: Willkommen zur Expertenrunde.
        Martin: Guten Abend aus Berlin, mein Name ist Martin.
        Anna: Guten Abend aus Hamburg, mein Name ist Anna.
        Peter: Guten Abend aus Wien, mein Name ist Peter.
        [q1]
        Martin: Die nächste Frage kommt von Julia aus Zürich.
        Martin: Wo kann ich meine Rechnung finden?
        Anna: Sie können Ihre Rechnung im Kundenportal finden.
        Anna: Dafür brauchen Sie Ihre Nummer.
        [q2]
        Martin: Die nächste Frage kommt von Thomas aus Hamburg.
        Martin: Warum kann ich meine Rechnung nicht herunterladen?
        Anna: Es dauert zehn Tage, bis Sie die Rechnung herunterladen können.
        [q3]
        Martin: Die nächste Frage kommt von Laura aus Berlin.
        Martin: Wie kann ich meine Lieferadresse ändern?
        Peter: Danke Laura, das ist eine gute Frage.
        Peter: Sie können Ihre Lieferadresse in den Einstellungen ändern.
        Peter: Öffnen Sie zuerst das Menü und klicken Sie dann auf Speichern.
        [q4]
        Martin: Die nächste Frage kommt von Daniel aus Hamburg.
        Martin: Was kostet die Nummer?
        Anna: Die Nummer kostet dreißig Euro pro Jahr.
        [q5]
        Martin: Die nächste Frage kommt von Maria aus München.
        Martin: Kann ich meine Kündigung im Laden ändern?
        Peter: Das ist im Laden leider nicht möglich.
        Martin: Möchte jemand etwas ergänzen?
        Anna: Sie können Ihre Kündigung in der App ändern.
        []
        Martin: Vielen Dank und bis nächste Woche.
    """,
)

ENGLISH = Script(
    language="en",
    show="Expert round table",
    title="Invoices, passwords, subscriptions",
    slug="invoices-passwords-subscriptions",
    seed=1,
    speakers=(
        Speaker(name="Daniel", role="host", about="Customer care", voice="en-us", rate_wpm=165, pitch=45),
        Speaker(name="Julia", role="expert", about="Accounts and invoices", voice="en-us+f2", rate_wpm=165, pitch=50),
        Speaker(name="Thomas", role="expert", about="Contracts and plans", voice="en+m3", rate_wpm=165, pitch=45),
    ),
    asked=(
        Asked(
            id="q1",
            text="I have looked everywhere for last month's bill. Where are you hiding it?",
            asker="Peter",
            city="Hamburg",
            votes=13,
            topic="Invoices",
            product="Account",
            searches=("customer portal",),
        ),
        Asked(
            id="q2",
            text="My browser forgot my login and I would like to set a new one. What do I do?",
            asker="Anna",
            city="Munich",
            votes=10,
            topic="Login",
            product="Account",
            searches=("settings",),
        ),
        Asked(
            id="q3",
            text="Is the monthly plan expensive? I could not see a price on your page.",
            asker="Laura",
            city="Zurich",
            votes=8,
            topic="Prices",
            product="Subscription",
            searches=("thirty euros",),
        ),
        Asked(
            id="q4",
            text="I want to leave. Can the people behind the counter do that for me?",
            asker="Martin",
            city="Berlin",
            votes=6,
            topic="Contract",
            product="Subscription",
            searches=("mobile app",),
        ),
        Asked(
            id="q5",
            text="Suppose I give notice today. When is all of my data gone?",
            asker="Maria",
            city="London",
            votes=4,
            topic="Contract",
            product="Account",
            searches=("thirty days",),
        ),
        Asked(
            id="q6",
            text="Do you offer a discount for students?",
            asker="Emily",
            city="Leeds",
            votes=2,
            topic="Prices",
            product="Student plan",
        ),
    ),
    screenplay="""
        Daniel: Welcome to the expert round table.
        Daniel: Good evening from Munich, my name is Daniel.
        Julia: Good evening from Berlin, my name is Julia.
        Thomas: Good evening from Vienna, my name is Thomas.
        [q1]
        Daniel: Our next question comes from Peter in Hamburg.
        Daniel: Where do I find my invoice?
        Julia: You can find your invoice in the customer portal.
        Julia: You need your password for that.
        [q2]
        Daniel: Our next question comes from Anna in Munich.
        Daniel: How can I change my password?
        Julia: Thank you Anna, that is a good question.
        Julia: First open the settings and then click continue.
        [q3]
        Daniel: Our next question comes from Laura in Zurich.
        Daniel: How much does the subscription cost?
        Thomas: The subscription costs thirty euros per month.
        [q4]
        Daniel: Our next question comes from Martin in Berlin.
        Daniel: Can I cancel my subscription in the shop?
        Thomas: That is not possible in the shop.
        Daniel: Does anyone want to add something?
        Julia: You can cancel your subscription in the mobile app.
        [q5]
        Daniel: Our next question comes from Maria in London.
        Daniel: What happens if I cancel my contract?
        Thomas: It takes thirty days until you can delete the account.
        []
        Daniel: Thank you and see you next week.
    """,
)

SCRIPTS = {script.language: script for script in (GERMAN, ENGLISH)}


def parse_screenplay(script: Script) -> tuple[Line, ...]:
    """Return the lines of a screenplay, each with the part that it plays.

    Inside a question the host's sentences up to his first question mark announce and ask; everything else there, the
    experts' sentences and the host's between them, is the answer.
    """
    roles = {speaker.name: speaker.role for speaker in script.speakers}
    lines: list[Line] = []
    question_id: str | None = None
    asked = False
    for raw in filter(None, map(str.strip, script.screenplay.splitlines())):
        if raw.startswith("["):
            question_id, asked = raw.strip("[]") or None, False
            continue
        name, text = raw.split(": ", 1)
        if question_id is None:
            part = "moderation"
        elif asked:
            part = "answer" if roles[name] == "expert" else "moderation"
        else:
            asked = text.endswith("?")
            part = "question" if asked else "announcement"
        lines.append(Line(speaker=name, text=text, part=part, question_id=question_id))
    return tuple(lines)


class Espeak:
    """A thin binding of libespeak-ng: text to samples and the start of every word."""

    _WORD_EVENT = 1

    class _Event(ctypes.Structure):
        _fields_ = (
            ("type", ctypes.c_int),
            ("unique_identifier", ctypes.c_uint),
            ("text_position", ctypes.c_int),
            ("length", ctypes.c_int),
            ("audio_position", ctypes.c_int),
            ("sample", ctypes.c_int),
            ("user_data", ctypes.c_void_p),
            ("id", ctypes.c_char * 8),
        )

    def __init__(self) -> None:
        """Load the library.

        Raises:
            OSError: libespeak-ng is not installed (Debian: `apt-get install espeak-ng`).
        """
        self._libc = ctypes.CDLL(None)
        self._library = ctypes.CDLL("libespeak-ng.so.1")
        synchronous_output = 2
        self.rate_hz = int(self._library.espeak_Initialize(synchronous_output, 0, None, 0))
        self._chunks: list[NDArray[np.int16]] = []
        self._marks: list[tuple[int, int]] = []
        receiver = ctypes.CFUNCTYPE(
            ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(self._Event)
        )
        self._callback = receiver(self._receive)  # the library keeps a bare pointer, so this must outlive it
        self._library.espeak_SetSynthCallback(self._callback)

    def _receive(self, samples: Any, count: int, events: Any) -> int:
        if count > 0:
            self._chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        index = 0
        while events[index].type != 0:
            if events[index].type == self._WORD_EVENT:
                event = events[index]
                self._marks.append((event.text_position - 1, event.audio_position))
            index += 1
        return 0

    def say(self, text: str, *, voice: str, rate_wpm: int, pitch: int) -> tuple[Samples, list[tuple[str, int]]]:
        """Return mono samples at `rate_hz` and each word with its start in milliseconds.

        Raises:
            ValueError: the voice is not installed.
        """
        self._chunks.clear()
        self._marks.clear()
        self._libc.srand(1)  # the synthesiser's flutter and breath come from rand(), which it seeds with the clock
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"voice {voice!r}: espeak-ng does not have it; see `espeak-ng --voices`")
        rate, pitch_parameter, utf8 = 1, 3, 1
        self._library.espeak_SetParameter(rate, rate_wpm, 0)
        self._library.espeak_SetParameter(pitch_parameter, pitch, 0)
        encoded = text.encode()
        self._library.espeak_Synth(encoded, len(encoded) + 1, 0, 1, 0, utf8, None, None)
        self._library.espeak_Synchronize()
        samples = (np.concatenate(self._chunks) / 32_768).astype(np.float32)
        return samples, locate_words(text, dict(self._marks), len(samples) * 1000 // self.rate_hz)


def locate_words(text: str, marks: dict[int, int], length_ms: int) -> list[tuple[str, int]]:
    """Return each word with its start in milliseconds, from the starts that the synthesiser marked by text position.

    It speaks some pairs in one go ("in the") and marks only the first: the second then begins between its neighbours.
    """
    found = [(match.group(), marks.get(match.start())) for match in re.finditer(r"\w+", text)]
    words: list[tuple[str, int]] = []
    for index, (word, start_ms) in enumerate(found):
        if start_ms is None:
            before_ms = words[-1][1] if words else 0
            after_ms = next((later for _, later in found[index + 1 :] if later is not None), length_ms)
            start_ms = (before_ms + after_ms) // 2
        words.append((word, start_ms))
    return words


def resample(samples: Samples, from_hz: int) -> Samples:
    """Return the samples at `RATE_HZ`."""
    frame = av.AudioFrame.from_ndarray(samples[None, :], format="flt", layout="mono")
    frame.sample_rate = from_hz
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE_HZ)
    frames = [*resampler.resample(frame), *resampler.resample(None)]
    return np.concatenate([piece.to_ndarray()[0] for piece in frames]).astype(np.float32)


def find_audible_ms(samples: Samples, start_ms: int, end_ms: int) -> tuple[int, int]:
    """Return where sound begins and ends inside a range; the range itself when it is silent."""
    first = start_ms * RATE_HZ // 1000
    loud = np.flatnonzero(np.abs(samples[first : end_ms * RATE_HZ // 1000]) > AUDIBLE)
    if not loud.size:
        return start_ms, end_ms
    return (first + int(loud[0])) * 1000 // RATE_HZ, -(-(first + int(loud[-1]) + 1) * 1000 // RATE_HZ)


def speak_line(espeak: Espeak, line: Line, speaker: Speaker, chance: Random) -> Spoken:
    """Return the line spoken by its speaker, with a seeded variation of rate and pitch, at an even loudness."""
    raw, marks = espeak.say(
        line.text,
        voice=speaker.voice,
        rate_wpm=speaker.rate_wpm + chance.randint(-6, 6),
        pitch=speaker.pitch + chance.randint(-5, 5),
    )
    samples = resample(raw, espeak.rate_hz)
    samples *= SPEECH_RMS / float(np.sqrt(np.mean(samples**2)))
    length_ms = len(samples) * 1000 // RATE_HZ
    start_ms, end_ms = find_audible_ms(samples, 0, length_ms)
    starts = [max(start_ms, start) for _, start in marks] + [end_ms]
    words = tuple(
        (word, starts[index], max(starts[index] + 1, find_audible_ms(samples, starts[index], starts[index + 1])[1]))
        for index, (word, _) in enumerate(marks)
    )
    return Spoken(line=line, samples=samples, start_ms=start_ms, end_ms=end_ms, words=words)


def plan_gap_ms(line: Line, chance: Random) -> int:
    """Return the pause before a line: longer before a new question, so that the panel breathes."""
    return chance.randint(*(GAP_BEFORE_QUESTION_MS if line.part == "announcement" else GAP_MS))


def render_roundtable(script: Script, espeak: Espeak) -> Rendered:
    """Return the audio of a script and its ground truth."""
    speakers = {speaker.name: speaker for speaker in script.speakers}
    segments: list[dict[str, Any]] = []
    placed: list[tuple[int, Samples]] = []
    cursor_ms = LEAD_IN_MS
    for index, line in enumerate(parse_screenplay(script)):
        chance = Random(f"{script.language}:{script.seed}:{index}")
        spoken = speak_line(espeak, line, speakers[line.speaker], chance)
        begin_ms = cursor_ms + (plan_gap_ms(line, chance) if index else 0) - spoken.start_ms
        placed.append((begin_ms, spoken.samples))
        segments.append(describe_segment(spoken, begin_ms))
        cursor_ms = begin_ms + spoken.end_ms
    duration_ms = cursor_ms + TAIL_MS
    mix = np.random.default_rng(script.seed).normal(0, ROOM_TONE_RMS, duration_ms * RATE_HZ // 1000).astype(np.float32)
    for begin_ms, samples in placed:
        first = max(0, begin_ms) * RATE_HZ // 1000
        kept = samples[: len(mix) - first]
        mix[first : first + len(kept)] += kept
    return Rendered(samples=np.clip(mix, -1, 1), truth=describe_roundtable(script, segments, duration_ms))


def describe_segment(spoken: Spoken, begin_ms: int) -> dict[str, Any]:
    """Return the ground truth of one sentence, on the clock of the whole audio."""
    return {
        "speaker": spoken.line.speaker,
        "part": spoken.line.part,
        "question_id": spoken.line.question_id,
        "text": spoken.line.text,
        "start_ms": begin_ms + spoken.start_ms,
        "end_ms": begin_ms + spoken.end_ms,
        "words": [
            {"text": word, "start_ms": begin_ms + start_ms, "end_ms": begin_ms + end_ms}
            for word, start_ms, end_ms in spoken.words
        ],
    }


def describe_question(asked: Asked, segments: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a question as typed, with where it was read aloud and answered, or without where it stays open."""
    record: dict[str, Any] = {
        name: getattr(asked, name) for name in ("id", "text", "asker", "city", "votes", "topic", "product")
    }
    mine = [segment for segment in segments if segment["question_id"] == asked.id]
    record["answered"] = bool(mine)
    if not mine:
        return record
    question = next(segment for segment in mine if segment["part"] == "question")
    answers = [segment for segment in mine if segment["part"] == "answer"]
    return record | {
        "announced_ms": mine[0]["start_ms"],
        "on_air_ms": max(0, question["start_ms"] - ON_AIR_LEAD_MS),
        "spoken_text": question["text"],
        "question_start_ms": question["start_ms"],
        "question_end_ms": question["end_ms"],
        "answer_start_ms": answers[0]["start_ms"],
        "answer_end_ms": answers[-1]["end_ms"],
        "answerers": list(dict.fromkeys(segment["speaker"] for segment in answers)),
    }


def describe_roundtable(script: Script, segments: list[dict[str, Any]], duration_ms: int) -> dict[str, Any]:
    """Return everything that the demo and its tests need to know about a round table."""
    return {
        "language": script.language,
        "show": script.show,
        "title": script.title,
        "slug": script.slug,
        "audio": f"roundtable_{script.language}.opus",
        "duration_ms": duration_ms,
        "speakers": [
            {"name": speaker.name, "role": speaker.role, "about": speaker.about} for speaker in script.speakers
        ],
        "questions": [describe_question(asked, segments) for asked in script.asked],
        "searches": [{"query": query, "question": asked.id} for asked in script.asked for query in asked.searches],
        "segments": segments,
    }


def write_opus(samples: Samples, path: Path) -> None:
    """Write mono samples at `RATE_HZ` as Ogg Opus, the same bytes for the same samples."""
    with av.open(str(path), "w", format="ogg", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libopus", rate=RATE_HZ, layout="mono", options={"vbr": "on"})
        stream.bit_rate = OPUS_BIT_RATE
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="flt", layout="mono")
        frame.sample_rate = RATE_HZ
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_roundtable(rendered: Rendered, folder: Path) -> Path:
    """Write audio and ground truth of one round table; return the path of the ground truth."""
    audio = folder / str(rendered.truth["audio"])
    write_opus(rendered.samples, audio)
    truth = audio.with_suffix(".json")
    truth.write_text(json.dumps(rendered.truth, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return truth


def author_roundtable(language: str, folder: Path) -> str:
    """Render and write one round table; return a line that says what was written."""
    rendered = render_roundtable(SCRIPTS[language], Espeak())
    truth = write_roundtable(rendered, folder)
    size_kb = truth.with_suffix(".opus").stat().st_size // 1000
    return f"{truth.name}: {rendered.truth['duration_ms'] / 1000:.1f} s, {size_kb} kB of audio"


def main() -> None:
    """Write the round tables that the command line asks for."""
    parser = argparse.ArgumentParser(description="Render the demo's round tables with espeak-ng.")
    parser.add_argument("--language", choices=sorted(SCRIPTS), action="append", help="both where absent")
    parser.add_argument("--out", type=Path, default=DEMO_FOLDER, help="folder for audio and JSON")
    arguments = parser.parse_args()
    # A voice leaves traces in the next one, so every round table gets a synthesiser that has said nothing yet.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as fresh:
        for language in arguments.language or sorted(SCRIPTS):
            print(fresh.submit(author_roundtable, language, arguments.out).result())


if __name__ == "__main__":
    main()
