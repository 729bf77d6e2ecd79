"""How many words of the labelled round tables get a speaker, and how many of those the right one.

    python bench/who_speaks.py [--data ../shared/data/roundtable] [--language de] [--diariser folder]

By tracks: one clean track per person; the same with microphones that hear the others 14 dB softer, set up to 8 dB
differently, in noise; the mix beside the single tracks; the mix beside the host's track alone; the host left and all
others right; and the mix in two channels, which tells nothing. By words: the true sentences with no track at all. Each
with the list of participants. By a diariser, given the folder of its models: the mix alone, each label counted for the
person who makes most words right. Turns of phrase and thresholds were chosen on German; English is reported.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import networkx as nx

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from streamhub.config import TranscriptSettings  # noqa: E402
from streamhub.recording.ffmpeg import find_ffmpeg  # noqa: E402
from streamhub.recording.listening import listen  # noqa: E402
from streamhub.schedule.show import Participant, Role  # noqa: E402
from streamhub.timecode import Span  # noqa: E402
from streamhub.transcript.sherpa_onnx import SherpaOnnx  # noqa: E402
from streamhub.transcript.signs import name_by_signs  # noqa: E402
from streamhub.transcript.speakers import Turn, assign_speakers, label_turns  # noqa: E402
from streamhub.transcript.transcript import Cue, Word  # noqa: E402

PEOPLE = ("Host", "Anna", "Julia", "Peter")
LIST = tuple(Participant(name=name, role=Role.HOST if name == "Host" else Role.EXPERT) for name in PEOPLE)
OTHERS = "the others"
GAINS = (0.6, 0.3, 0.8, 0.5)
BLEED = 0.2


@dataclass(frozen=True)
class Case:
    """Tracks to be made of the mix (0) and the single tracks (1 to 4): ffmpeg's arguments, and who is on each."""

    name: str
    argv: Sequence[str]
    on: Sequence[str]


def bleeding() -> list[str]:
    """A filter after which each track also holds the others, softly, and noise."""
    parts = ["anoisesrc=a=0.003:d=360,asplit=4[n1][n2][n3][n4]"]
    parts += [f"[{track}]asplit=4" + "".join(f"[{track}x{into}]" for into in range(1, 5)) for track in range(1, 5)]
    for into, gain in enumerate(GAINS, start=1):
        heard = "".join(f"[{track}x{into}]" for track in range(1, 5))
        weights = " ".join(str(1 if track == into else BLEED) for track in range(1, 5))
        parts.append(f"{heard}[n{into}]amix=inputs=5:weights={weights} 1:normalize=0,volume={gain}[out{into}]")
    maps = [part for track in range(1, 5) for part in ("-map", f"[out{track}]")]
    return ["-filter_complex", ";".join(parts), *maps, "-c:a", "libopus"]


def copied(*tracks: int) -> list[str]:
    """These tracks as they are."""
    return [*(part for track in tracks for part in ("-map", str(track))), "-c", "copy"]


CASES = (
    Case("a track each", copied(1, 2, 3, 4), PEOPLE),
    Case("a track each, bleeding", bleeding(), PEOPLE),
    Case("mix and a track each", copied(0, 1, 2, 3, 4), ("", *PEOPLE)),
    Case("mix and the host's track", copied(0, 1), ("", "Host")),
    Case(
        "host left, others right",
        [
            "-filter_complex", "[2][3][4]amix=inputs=3:normalize=0[o];[1][o]join=inputs=2:channel_layout=stereo[s]",
            "-map", "[s]", "-c:a", "libopus",
        ],
        ("Host", OTHERS),
    ),
    Case("two channels of one room", ["-map", "0", "-ac", "2", "-c:a", "libopus"], ("left", "right")),
)  # fmt: skip


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "roundtable")
    options.add_argument("--language", choices=["de", "en"])
    options.add_argument("--diariser", type=Path, help="folder with segmentation.onnx and embedding.onnx")
    given = options.parse_args()
    if not given.data.is_dir():
        print(f"{given.data}: there are no round tables; name their folder with --data")
        return 0
    for language in [given.language] if given.language else ["de", "en"]:
        said = json.loads((given.data / f"roundtable_{language}.json").read_text("utf-8"))["segments"]
        cues = [cue_of(number, segment) for number, segment in enumerate(said)]
        truth = {word: segment["speaker"] for cue, segment in zip(cues, said, strict=True) for word in cue.words}
        with tempfile.TemporaryDirectory(prefix="bench-voices-") as folder:
            for case in CASES:
                report(language, case.name, truth, by_tracks(given.data, language, case, Path(folder), cues))
        if given.diariser:
            mix = given.data / f"roundtable_{language}.opus"
            report(language, "a diariser", truth, by_diariser(given.diariser, mix, cues, truth))
        report(language, "words alone", truth, (name_by_signs(cues, LIST), 0.0))
    return 0


def cue_of(number: int, segment: dict[str, object]) -> Cue:
    """A sentence with its words' true times."""
    words: list[tuple[str, float]] = [(text, at) for text, at in segment["words"] if text]  # type: ignore[attr-defined]
    end_s = float(str(segment["end"]))
    ends = [*(at for _, at in words[1:]), max(end_s, words[-1][1] + 0.02)]
    timed = tuple(
        Word(text, Span(round(at * 1000), max(round(at * 1000) + 1, round(end * 1000))))
        for (text, at), end in zip(words, ends, strict=True)
    )
    span = Span(timed[0].span.start_ms, timed[-1].span.end_ms)
    return Cue(id=f"c{number + 1}", span=span, text=str(segment["text"]), words=timed)


def by_tracks(data: Path, language: str, case: Case, folder: Path, cues: Sequence[Cue]) -> tuple[Sequence[Cue], float]:
    """The cues with speakers by the tracks of a case, and the seconds that it took."""
    target = folder / f"{case.name.replace(' ', '-')}.mka"
    files = [f"roundtable_{language}.opus", *(f"roundtable_{language}.{name}.opus" for name in PEOPLE)]
    inputs = [part for name in files for part in ("-i", str(data / name))]
    subprocess.run([str(find_ffmpeg()), "-v", "error", "-y", *inputs, *case.argv, str(target)], check=True)
    began_s = time.monotonic()
    heard = asyncio.run(listen(target, 360_000, turns=True))
    took_s = time.monotonic() - began_s
    turns = [Turn(speaker=case.on[turn.track], span=turn.span) for turn in heard.turns]
    return assign_speakers(cues, turns), took_s


def by_diariser(models: Path, mix: Path, cues: Sequence[Cue], truth: dict[Word, str]) -> tuple[Sequence[Cue], float]:
    """The cues with speakers by the voices that a diariser tells apart, and the seconds that it took."""
    began_s = time.monotonic()
    diariser = SherpaOnnx(settings=TranscriptSettings(), folder=models)
    turns = asyncio.run(diariser.tell_apart(mix, 360_000))
    took_s = time.monotonic() - began_s
    labelled = assign_speakers(cues, label_turns(turns, "en"))
    common = Counter((cue.speaker, truth[word]) for cue in labelled for word in cue.words if cue.speaker)
    matches = nx.max_weight_matching(nx.Graph([(*pair, {"weight": count}) for pair, count in common.items()]))
    people = {label: who for pair in matches for label, who in (pair, pair[::-1]) if who in PEOPLE}
    return [replace(cue, speaker=people.get(cue.speaker, cue.speaker)) for cue in labelled], took_s


def report(language: str, name: str, truth: dict[Word, str], found: tuple[Sequence[Cue], float]) -> None:
    """Print the shares of a case."""
    cues, took_s = found
    named = [(word, cue.speaker) for cue in cues for word in cue.words if cue.speaker]
    right = sum(truth[word] == who or (who == OTHERS and truth[word] != "Host") for word, who in named)
    share = f"{right / len(named):7.1%} of them right" if named else ""
    print(f"{language}  {name:26}  {len(named) / len(truth):6.1%} of {len(truth)} words named {share}  {took_s:.1f} s")


if __name__ == "__main__":
    raise SystemExit(main())
