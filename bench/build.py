"""Cost of building the site of an archive of many answers, beside the least that writing its bytes can cost.

    python -m bench.build [--answers 1000] [--json]

Makes a seeded archive of its own from text templates, then measures in processes of their own: a full build, a build
after nothing changed, after one answer changed, after a session was added, after an answer was withdrawn, and writing
the same bytes to the same paths and nothing else; then the pages of answers alone, and writing these (`bench.hugo` has
Hugo beside them). Prints seconds, CPU seconds, peak memory and ratios; `bench/build.md` has results.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.build_pages import make_answer_pages
from streamhub.answers.answer import Answer, AnswerState
from streamhub.archive.archived import ArchivedSession
from streamhub.archive.format import render_session
from streamhub.archive.site import plan_from_sources
from streamhub.archive.sources import Sources, find_sources
from streamhub.archive.theme import load_theme
from streamhub.archive.writer import write_site
from streamhub.config import SiteSettings
from streamhub.schedule.show import Participant, Role
from streamhub.text import slugify
from streamhub.timecode import Span
from streamhub.transcript.transcript import Cue, Transcript

ANSWERS_PER_SESSION = 20
CUES_PER_ANSWER = 14
GRAIN_S = 2.5
"""Younger files are read again by every build."""

PARTS = {
    "de": {
        "thing": [
            "Router",
            "Leitung",
            "Rechnung",
            "Heizung",
            "Pumpe",
            "Vertrag",
            "Anschluss",
            "Zähler",
            "Thermostat",
            "Drucker",
            "Akku",
            "Karte",
        ],
        "case": [
            "blinkt",
            "rauscht",
            "fehlt",
            "bricht_ab",
            "friert_ein",
            "steht_still",
            "dauert_lange",
            "piept",
            "stimmt_nicht",
            "tropft",
        ],
        "place": [
            "im_Keller",
            "im_Büro",
            "nach_dem_Umzug",
            "seit_gestern",
            "am_Wochenende",
            "im_Winter",
            "auf_dem_Dach",
            "nachts",
        ],
        "act": [
            "prüfen",
            "tauschen",
            "zurücksetzen",
            "melden",
            "messen",
            "entlüften",
            "kündigen",
            "verlegen",
            "sperren",
            "ablesen",
        ],
        "ask": [
            "Warum {case} {thing} {place}?",
            "Wie kann ich {thing} {place} {act}?",
            "Wer bezahlt, wenn {thing} {place} {case}?",
        ],
        "say": [
            "Am besten {act} Sie zuerst {thing} {place}.",
            "Wenn {thing} {case}, hilft ein Blick auf {thing2}.",
            "Das dauert {n} Tage, und {thing2} bleibt {place} in Betrieb.",
        ],
        "names": ["Anna Weber", "Peter Brandt", "Julia Krüger", "Mehmet Aydın"],
    },
    "en": {
        "thing": [
            "router",
            "line",
            "invoice",
            "heating",
            "pump",
            "contract",
            "socket",
            "meter",
            "thermostat",
            "printer",
            "battery",
            "card",
        ],
        "case": [
            "blinks",
            "hisses",
            "is_missing",
            "drops_out",
            "freezes",
            "stands_still",
            "takes_long",
            "beeps",
            "is_wrong",
            "drips",
        ],
        "place": [
            "in_the_cellar",
            "at_work",
            "after_moving",
            "since_yesterday",
            "on_weekends",
            "in_winter",
            "on_the_roof",
            "at_night",
        ],
        "act": ["check", "replace", "reset", "report", "measure", "bleed", "cancel", "move", "block", "read"],
        "ask": [
            "Why does the {thing} say it {case} {place}?",
            "How do I {act} the {thing} {place}?",
            "Who pays when the {thing} {case} {place}?",
        ],
        "say": [
            "First {act} the {thing} {place}.",
            "When the {thing} {case}, look at the {thing2}.",
            "It takes {n} days, and the {thing2} keeps running {place}.",
        ],
        "names": ["Priya Nair", "Martin Cole", "Susan Blake", "Tom Ellis"],
    },
}


def make_archive(answers: int, seed: int = 7) -> list[ArchivedSession]:
    """Sessions of twenty answers each, alternately German and English."""
    draw = random.Random(seed)
    return [
        make_session(number, min(ANSWERS_PER_SESSION, answers - number * ANSWERS_PER_SESSION), draw)
        for number in range((answers + ANSWERS_PER_SESSION - 1) // ANSWERS_PER_SESSION)
    ]


def make_session(number: int, size: int, draw: random.Random) -> ArchivedSession:
    """One session."""
    language = "de" if number % 2 == 0 else "en"
    words: Any = PARTS[language]

    def phrase(kind: str) -> str:
        return draw.choice(words[kind]).format(
            n=draw.randint(2, 60),
            **{k: draw.choice(words[k[:5]]).replace("_", " ") for k in ("thing", "thing2", "place")},
            case=draw.choice(words["case"]).replace("_", " "),
            act=draw.choice(words["act"]),
        )

    starts_at = datetime(2020, 1, 7, 19, 0, tzinfo=UTC) + timedelta(days=7 * number)
    session_id = f"{starts_at:%Y-%m-%d}-runde-{number}"
    cues: list[Cue] = []
    answers: list[Answer] = []
    for one in range(size):
        speaker = draw.choice(words["names"])
        first = len(cues)
        for _ in range(CUES_PER_ANSWER):
            start_ms = cues[-1].span.end_ms + 200 if cues else 0
            text = f"{phrase('say')} {phrase('say')}"
            cues.append(
                Cue(id=f"c{len(cues) + 1}", span=Span(start_ms, start_ms + 70 * len(text)), text=text, speaker=speaker)
            )
        question = phrase("ask")
        answers.append(
            Answer(
                id=f"q{number:04d}x{one:02d}",
                slug=slugify(question),
                session_id=session_id,
                question=question,
                answerers=(speaker,),
                ranges=(Span(cues[first].span.start_ms, cues[-1].span.end_ms),),
                language=language,
                topics=tuple(draw.sample(words["thing"], 2)),
                state=AnswerState.PUBLISHED,
                votes=draw.randint(0, 90),
            )
        )
    return ArchivedSession(
        id=session_id,
        show_id=f"show-{language}",
        show_title=f"Show {language}",
        title=f"Runde {number}" if language == "de" else f"Round {number}",
        starts_at=starts_at,
        language=language,
        participants=tuple(Participant(name=name, role=Role.EXPERT) for name in words["names"]),
        transcripts=(Transcript(language=language, cues=tuple(cues), made_with="bench"),),
        answers=tuple(answers),
    )


def write_archive(root: Path, sessions: list[ArchivedSession]) -> None:
    """Write the archive's files without looking for edits."""
    for session in sessions:
        for name, text in render_session(session).items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, "utf-8")


def build(root: Path, public: Path) -> dict[str, Any]:
    """Build the site of the archive as the hub does, with the time of reading and of making."""
    started = time.perf_counter()
    sources = Sources(sessions=find_sources(root), readings=public.with_name("readings"))
    plan = plan_from_sources(sources, SiteSettings(url="https://archive.example"), load_theme(), media_root=None)
    read = time.perf_counter()
    report = write_site(plan, public)
    return {
        "read_s": read - started,
        "make_s": time.perf_counter() - read,
        "written": report.written,
        "unchanged": report.unchanged,
        "size_bytes": report.size_bytes,
    }


def write_again(public: Path, target: Path) -> dict[str, Any]:
    """The lower limit: the same bytes to the same paths."""
    files = {path.relative_to(public): path.read_bytes() for path in public.rglob("*") if path.is_file()}
    started, cpu = time.perf_counter(), time.process_time()
    for path, content in files.items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_bytes(content)
    return {"write_s": time.perf_counter() - started, "cpu_s": time.process_time() - cpu, "written": len(files)}


def measured(function: Callable[..., dict[str, Any]], *args: Any) -> dict[str, Any]:
    """Run in a process of its own; adds wall and CPU seconds and peak memory."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (function, args))


def _measure(function: Callable[..., dict[str, Any]], args: tuple[Any, ...]) -> dict[str, Any]:
    started, cpu = time.perf_counter(), time.process_time()
    result = function(*args)
    result["wall_s"] = time.perf_counter() - started
    result.setdefault("cpu_s", time.process_time() - cpu)
    result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return result


def measure_builds(folder: Path, sessions: list[ArchivedSession]) -> dict[str, dict[str, Any]]:
    """A full build, and builds after changes."""
    root, public = folder / "transcripts", folder / "public"
    write_archive(root, sessions)
    time.sleep(GRAIN_S)
    rows = {"full build": measured(build, root, public), "nothing changed": measured(build, root, public)}
    page = next(root.rglob("answers/*.md"))
    page.write_text(page.read_text("utf-8").replace("votes: ", "votes: 1"), "utf-8")
    rows["one answer changed"] = measured(build, root, public)
    write_archive(root, [make_session(len(sessions), ANSWERS_PER_SESSION, random.Random(1))])
    rows["one session more"] = measured(build, root, public)
    page.write_text(page.read_text("utf-8").replace("state: published", "state: withdrawn"), "utf-8")
    rows["one answer withdrawn"] = measured(build, root, public)
    rows["write the same bytes"] = measured(write_again, public, folder / "again")
    return rows


def measure_pages(folder: Path) -> dict[str, dict[str, Any]]:
    """The pages of answers alone."""
    rows = {"pages of answers alone": measured(make_answer_pages, folder / "transcripts", folder / "pages")}
    rows["write these bytes"] = measured(write_again, folder / "pages", folder / "pages again")
    return rows


def print_rows(rows: dict[str, dict[str, Any]], limit: str) -> None:
    """A table; ratios are of CPU seconds, over those of one row."""
    print(f"{'':28}{'wall s':>8}{'CPU s':>8}{'read s':>8}{'make s':>8}{'peak MB':>9}{'files':>8}{'MB':>7}{'ratio':>7}")
    for name, row in rows.items():
        seconds = "".join(f"{row.get(key, 0):8.2f}" for key in ("wall_s", "cpu_s", "read_s", "make_s"))
        ratio = row["cpu_s"] / rows[limit]["cpu_s"]
        size = row.get("size_bytes", 0) / 1e6
        print(f"{name:28}{seconds}{row['peak_mb']:9.0f}{row['written']:8d}{size:7.1f}{ratio:7.1f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--answers", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="streamhub-bench-"))
    try:
        builds = measure_builds(folder, make_archive(options.answers))
        pages = measure_pages(folder)
    finally:
        shutil.rmtree(folder)
    if options.json:
        print(json.dumps({"builds": builds, "pages": pages}, indent=1))
        return
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{options.answers} answers, {os.cpu_count()} cores, load {load}, Python {sys.version.split()[0]}")
    print_rows(builds, "write the same bytes")
    print_rows(pages, "write these bytes")


if __name__ == "__main__":
    main()
