"""Imports every real recording and transcript of a data folder, and looks whether each is published and found.

    python -m bench.import_data [../shared/data] [--only WORD] [--alone] [--keep FOLDER]

The folder has recordings under ``speech/`` and ``roundtable/`` and texts under ``transcripts/``: WebVTT as it is, the
others through the converters beside this file. Without it the script says so, ending with 0. Each file goes through
`streamhub import ... --publish` into one workspace, by way of one running hub, or with ``--alone`` each by itself. The
recogniser is the rehearsal checkpoint, which knows only the round tables' words: other recordings have to be found by
their title, round tables and captions by what is said in them. Ends with 1 when one failed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.convert_bundestag import convert_bundestag
from bench.convert_changelog import convert_changelog
from bench.convert_qmsum import convert_qmsum
from streamhub.archive.archived import ArchivedSession
from streamhub.archive.folder import load_session
from streamhub.commands import find_answers
from streamhub.text import words_of

MEDIA = frozenset({".wav", ".flac", ".mp3", ".opus"})
SETTINGS = {"STREAMHUB_TRANSCRIPT_MODEL": "rehearsal", "STREAMHUB_HUB_PORT": "0", "STREAMHUB_LIVE_RTMP_PORT": "0"}
PROBES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One file to import; ``spoken`` when what is said in it has to be found too."""

    file: Path
    show: str
    title: str
    language: str
    spoken: bool
    questions: Path | None = None
    marks: Path | None = None

    def arguments(self) -> list[str]:
        """For `streamhub import`."""
        given = [str(self.file), "--show", self.show, "--title", self.title, "--language", self.language]
        if self.questions and self.marks:
            given += ["--questions", str(self.questions), "--marks", str(self.marks)]
        return given


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What came of it: ``found`` of ``asked`` searches by what is said, and by the title."""

    item: Item
    seconds: float
    answers: int = 0
    found: int = 0
    asked: int = 0
    by_title: bool = False
    problem: str = ""


def list_recordings(data: Path) -> Iterator[Item]:
    """Everything that sounds."""
    for folder in ("speech", "roundtable"):
        for path in sorted((data / folder).rglob("*")):
            if path.suffix in MEDIA:
                language = "de" if "de" in path.parent.parts or "_de" in path.stem else "en"
                spoken = folder == "roundtable"
                yield Item(file=path, show=folder, title=path.stem, language=language, spoken=spoken)


def list_transcripts(data: Path, scratch: Path) -> Iterator[Item]:
    """Everything that is text, converted where it is no WebVTT."""
    texts = data / "transcripts"
    for path in sorted((texts / "talkpython").glob("*.vtt")):
        yield Item(file=path, show="talkpython", title=path.stem, language="en", spoken=True)
    for path in sorted((texts / "bundestag").glob("*.json")):
        captions = convert_bundestag(path, scratch)
        yield Item(file=captions, show="bundestag", title=path.stem, language="de", spoken=True)
    for path in sorted((texts / "changelog").glob("*.md")):
        folder = scratch / path.stem
        folder.mkdir()
        captions, _ = convert_changelog(path, folder)
        yield _with_questions(captions, "changelog", path.stem)
    for path in sorted((texts / "qmsum").glob("*.jsonl")):
        for folder, _ in convert_qmsum(path, scratch):
            yield _with_questions(folder / "captions.vtt", "qmsum", folder.name)


def _with_questions(captions: Path, show: str, title: str) -> Item:
    questions, marks = captions.with_name("questions.csv"), captions.with_name("marks.csv")
    if not questions.exists():
        return Item(file=captions, show=show, title=title, language="en", spoken=True)
    return Item(file=captions, show=show, title=title, language="en", spoken=True, questions=questions, marks=marks)


def import_item(item: Item, hub: Path) -> Result:
    """Import one file and look for it on the site."""
    before = time.monotonic()
    command = [sys.executable, "-m", "streamhub", "import", *item.arguments(), "--publish", "--json", "-w", str(hub)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - before
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith(("streamhub:", "  what"))]
        return Result(item=item, seconds=seconds, problem=" ".join(lines) or done.stderr[-300:])
    report = json.loads(done.stdout)
    session = load_session(hub / "transcripts", report["show"], report["session"])
    probes = plan_probes(session)
    found = sum(is_found(hub / "public", session, probe) for probe in probes)
    by_title = bool(session.answers) or is_found(hub / "public", session, item.title.replace("_", " "))
    problem = find_problem(item, session, hub / "public", state=report["state"])
    if not problem and item.spoken and found < len(probes):
        missing = [probe for probe in probes if not is_found(hub / "public", session, probe)]
        problem = f"not found by what is said: {missing}"
    if not problem and not by_title:
        problem = "not found by its title"
    return Result(
        item=item,
        seconds=seconds,
        answers=report["answers"],
        found=found,
        asked=len(probes),
        by_title=by_title,
        problem=problem,
    )


def find_problem(item: Item, session: ArchivedSession, public: Path, *, state: str) -> str:
    """What is wrong with the archive or the site, or ``""``."""
    expected = len(item.questions.read_text("utf-8").splitlines()) - 1 if item.questions else 0
    placed = [answer for answer in session.answers if answer.ranges]
    if state != "published":
        return f"state {state}"
    if len(placed) != expected:
        return f"{len(placed)} answers with a range, {expected} questions"
    pages = [path for path in public.rglob("index.html") if session.id in path.parent.parts[-1:]]
    if not pages:
        return "no page of the session"
    if item.spoken and not session.transcripts:
        return "no transcript"
    return ""


def plan_probes(session: ArchivedSession) -> list[str]:
    """Searches for what is said: the rarest words of the wordiest sentences, of answers where there are answers."""
    cues = [cue for transcript in session.transcripts for cue in transcript.cues]
    if session.answers:
        spans = [span for answer in session.answers for span in answer.ranges]
        cues = [
            cue for cue in cues if any(s.start_ms <= cue.span.start_ms and cue.span.end_ms <= s.end_ms for s in spans)
        ]
    count = Counter(word for cue in cues for word in words_of(cue.text))
    wordiest = sorted(cues, key=lambda cue: -len(set(words_of(cue.text))))[: 4 * PROBES : 4]
    probes = []
    for cue in wordiest:
        words = [word for word in dict.fromkeys(words_of(cue.text)) if len(word) > 3]
        rare = sorted(words, key=lambda word: (count[word], -len(word)))[:5]
        if len(rare) >= 3:
            probes.append(" ".join(word for word in words if word in rare))
    return probes


def is_found(public: Path, session: ArchivedSession, query: str) -> bool:
    """Whether the first page of results leads to this session or one of its answers."""
    hits = find_answers(public, session.language, query)
    return bool({hit["id"] for hit in hits} & {session.id, *(answer.id for answer in session.answers)})


@contextmanager
def running_hub(hub: Path) -> Iterator[None]:
    """A hub that the imports go through."""
    command = [sys.executable, "-m", "streamhub", "serve", "-w", str(hub)]
    with (hub / "run" / "serve.log").open("w") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        socket = hub / "run" / "control.sock"
        while not socket.exists():
            if child.poll() is not None:
                raise SystemExit((hub / "run" / "serve.log").read_text())
            time.sleep(0.1)
        yield
    finally:
        child.terminate()
        child.wait(timeout=60)


def print_table(results: Sequence[Result]) -> None:
    for one in results:
        name = f"{one.item.show}/{one.item.title}"
        title = "title" if one.by_title else "-"
        found = f"{one.found}/{one.asked} {title}"
        print(f"{name[:44]:<44} {one.seconds:7.1f} s {one.answers:4d} answers  {found:<10} {one.problem or 'ok'}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?", default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--only", default="", help="a regular expression that show/title has to contain")
    parser.add_argument("--alone", action="store_true", help="without a running hub")
    parser.add_argument("--keep", type=Path, help="make the workspace here and leave it")
    given = parser.parse_args()
    if not given.data.is_dir():
        print(f"import_data: no folder {given.data}, skipped")
        return 0
    os.environ.update(SETTINGS)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        hub = given.keep or scratch / "hub"
        subprocess.run([sys.executable, "-m", "streamhub", "init", str(hub)], check=True)
        (scratch / "texts").mkdir()
        items = [*list_recordings(given.data), *list_transcripts(given.data, scratch / "texts")]
        items = [item for item in items if re.search(given.only, f"{item.show}/{item.title}")]
        if not given.alone:
            stack.enter_context(running_hub(hub))
        results = []
        for item in items:
            results.append(import_item(item, hub))
            print_table(results[-1:])
            sys.stdout.flush()
    failed = [one for one in results if one.problem]
    spoken = [one for one in results if one.item.spoken]
    print(
        f"{len(results) - len(failed)} of {len(results)} imported, published and found in "
        f"{sum(one.seconds for one in results):.0f} s; {sum(one.answers for one in results)} answers; "
        f"{sum(one.found for one in spoken)} of {sum(one.asked for one in spoken)} searches by what is said"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
