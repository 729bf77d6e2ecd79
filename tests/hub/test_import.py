"""`streamhub import`: any recording, or captions alone, becomes a page that a search finds."""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import av
import pytest

from streamhub.commands import find_answers
from streamhub.demo.script import Roundtable
from streamhub.importing import read_questions
from streamhub.timecode import format_clock
from tests.hub.conftest import Run

VTT = """WEBVTT

1
00:00:01.000 --> 00:00:06.000
<v Anna>Welcome, everybody, to the heating show.

2
00:00:07.000 --> 00:00:11.000
<v Anna>Our first question: why does my radiator gurgle?

3
00:00:12.000 --> 00:00:20.000
<v Peter>There is air in it, so bleed the valve at the top.

4
00:00:21.000 --> 00:00:26.000
<v Anna>Next question: how loud may a heat pump be?

5
00:00:27.000 --> 00:00:34.000
<v Peter>At night thirty-five decibels in a purely residential quarter.
"""


def write_questions(table: Roundtable, folder: Path) -> tuple[Path, Path]:
    """The round table's questions and marks as a German spreadsheet writes them."""
    questions, marks = folder / "fragen.csv", folder / "marken.csv"
    rows = [f"{q.id};{q.text};{q.asker};{q.votes};{q.topic}" for q in table.aired]
    questions.write_text("\n".join(["id;question;asker;votes;topics", *rows]), "cp1252")
    times = [f"{q.id};{format_clock(q.on_air_ms or 0)}" for q in table.aired]
    marks.write_text("\n".join(["question;start", *times]))
    return questions, marks


def test_a_recording_becomes_answers_that_are_found_by_spoken_words(
    run: Run, workspace: Path, tmp_path: Path, german_table: Roundtable
) -> None:
    """Sound, questions and marks go in; words that nobody typed find the right answer."""
    questions, marks = write_questions(german_table, tmp_path)
    given = ("--show", "Service-Runde", "--title", "Rechnungen", "--questions", questions, "--marks", marks)
    done = run("import", german_table.audio_file, *given, "--publish", "--json", "-w", workspace)
    assert done.code == 0, done.err
    assert done.json["state"] == "published"
    for search in german_table.searches:
        hits = find_answers(workspace / "public", "de", search.query)
        assert hits[0]["id"] == search.question, search.query
    again = run("import", german_table.audio_file, *given, "--publish", "--json", "-w", workspace)
    assert again.code == 0, again.err
    assert again.json == done.json, "the same import again changes nothing"


def test_captions_alone_become_a_session(run: Run, workspace: Path, tmp_path: Path) -> None:
    """Without any recording, the text of the captions with its speakers is published and found."""
    (tmp_path / "talk.vtt").write_text(VTT)
    (tmp_path / "q.csv").write_text("question\nWhy does my radiator gurgle?\nHow loud may a heat pump be?\n")
    given = ("--show", "heating", "--language", "en", "--questions", tmp_path / "q.csv", "--publish")
    done = run("import", tmp_path / "talk.vtt", *given, "--json", "-w", workspace)
    assert done.code == 0, done.err
    (hit,) = [hit for hit in find_answers(workspace / "public", "en", "decibels") if "/a/" in f"/{hit['url']}"]
    assert hit["start_ms"] == 27_000
    page = (workspace / "public" / hit["url"].split("?")[0] / "index.html").read_text()
    assert "How loud may a heat pump be?" in page
    assert "Peter" in page


def test_a_session_without_questions_is_published_only_on_demand(run: Run, workspace: Path, tmp_path: Path) -> None:
    """An import waits for review; with --publish its transcript is public and found."""
    (tmp_path / "talk.vtt").write_text(VTT)
    waiting = run("import", tmp_path / "talk.vtt", "--show", "a", "--language", "en", "--json", "-w", workspace)
    assert waiting.code == 0, waiting.err
    assert waiting.json["state"] == "in_review"
    everything = "".join(path.read_text() for path in (workspace / "public").rglob("*.html"))
    assert "decibels" not in everything
    given = ("--show", "b", "--title", "Second", "--language", "en", "--publish", "--json")
    published = run("import", tmp_path / "talk.vtt", *given, "-w", workspace)
    assert published.code == 0, published.err
    assert published.json["state"] == "published"
    assert find_answers(workspace / "public", "en", "decibels")


def test_a_film_without_sound_needs_its_text(run: Run, workspace: Path, tmp_path: Path) -> None:
    """A silent film alone is refused with what to do; with captions it becomes a session like any other."""
    film = tmp_path / "film.mp4"
    with av.open(str(film), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for _ in range(60):
            container.mux(stream.encode(av.VideoFrame(160, 96, "yuv420p")))
        container.mux(stream.encode())
    (tmp_path / "talk.vtt").write_text("WEBVTT\n\n00:01.000 --> 00:04.000\n<v Anna>Bleed the valve at the top.\n")
    alone = run("import", film, "--show", "a", "-w", workspace)
    assert alone.code == 3
    assert "--captions" in alone.err
    given = ("--show", "a", "--captions", tmp_path / "talk.vtt", "--language", "en", "--publish", "--json")
    done = run("import", film, *given, "-w", workspace)
    assert done.code == 0, done.err
    assert find_answers(workspace / "public", "en", "valve")
    assert list((workspace / "public" / "media").rglob("recording.mp4"))


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("empty.mp4", b"", "0 bytes"),
        ("noise.mp4", bytes(range(256)) * 40, "noise.mp4"),
        ("letter.pdf", b"%PDF-1.4 hello", "letter.pdf"),
        ("backwards.vtt", b"WEBVTT\n\n00:00:09.000 --> 00:00:05.000\nhm\n", "backwards.vtt"),
        ("broken.vtt", b"WEBVTT\n\n00:00:xx --> 00:00:05.000\nhm\n", "broken.vtt"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(
    run: Run, workspace: Path, tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    """A file that cannot be used costs one clear message, exit code 3, and leaves nothing behind."""
    (tmp_path / name).write_bytes(content)
    done = run("import", tmp_path / name, "--show", "a", "-w", workspace)
    assert done.code == 3, done.err
    assert told in done.err
    assert "Traceback" not in done.err
    assert run("status", "--json", "-w", workspace).json["sessions"] == []
    assert not any((workspace / "media").iterdir())


def test_bad_lines_of_a_csv_are_told_all_at_once(run: Run, workspace: Path, tmp_path: Path) -> None:
    """Every bad line of the questions is named with its number, and nothing is imported."""
    (tmp_path / "talk.vtt").write_text(VTT)
    (tmp_path / "q.csv").write_text("id,question,votes\n../x,Why?,1\nok,,2\nfine,Why so?,many\n")
    done = run("import", tmp_path / "talk.vtt", "--show", "a", "--questions", tmp_path / "q.csv", "-w", workspace)
    assert done.code == 3
    for part in ("3 bad line(s)", "line 2", "line 3", "line 4"):
        assert part in done.err


def test_an_id_that_another_session_uses_is_refused(run: Run, workspace: Path, tmp_path: Path) -> None:
    """Two lists that both count from 1 do not mix: the second is refused with the fix, and nothing of it is kept."""
    (tmp_path / "talk.vtt").write_text(VTT)
    (tmp_path / "q.csv").write_text("id,question\n1,Why does my radiator gurgle?\n")
    given = ("import", tmp_path / "talk.vtt", "--show", "a", "--questions", tmp_path / "q.csv", "-w", workspace)
    assert run(*given, "--title", "first").code == 0
    done = run(*given, "--title", "second")
    assert done.code == 5, done.err
    assert "question 1:" in done.err
    assert "leave the column out" in done.err
    assert len(run("status", "--json", "-w", workspace).json["sessions"]) == 1


def test_questions_keep_the_order_of_their_file(tmp_path: Path) -> None:
    """The order of the list is the order in which the questions were asked, whatever their ids are."""
    (tmp_path / "q.csv").write_text("id,question\nz,First?\na,Second?\nm,Third?\n")
    questions = read_questions(
        tmp_path / "q.csv", session_id="s", language="en", asked_at=datetime(2027, 3, 2, tzinfo=UTC), new_id=str
    )
    assert [q.id for q in sorted(questions, key=lambda q: q.asked_at)] == ["z", "a", "m"]


def test_a_missing_model_is_told_with_the_fix_and_the_import_goes_on_later(
    run: Run, workspace: Path, tmp_path: Path, german_table: Roundtable
) -> None:
    """Without its model the import is held within seconds; once there is one, the same command finishes it."""
    given = ("import", german_table.audio_file, "--show", "a", "--title", "t", "-w", workspace)
    before = time.monotonic()
    held = run(*given, env={"STREAMHUB_TRANSCRIPT_MODEL": "no-such-model"})
    assert held.code != 0
    assert time.monotonic() - before < 60
    assert "no-such-model" in held.err
    assert "what to do" in held.err
    done = run(*given)
    assert done.code == 0, done.err


@pytest.mark.timeout(400)  # four imports of a whole round table
def test_a_killed_import_goes_on_where_it_stopped(
    run: Run, workspace: Path, tmp_path: Path, german_table: Roundtable
) -> None:
    """After kill -9 at three moments the same command ends with one session and every answer once."""
    questions, marks = write_questions(german_table, tmp_path)
    given = [
        "import",
        german_table.audio_file,
        "--show",
        "s",
        "--title",
        "t",
        "--questions",
        questions,
        "--marks",
        marks,
    ]
    command = [sys.executable, "-m", "streamhub", *map(str, given), "--publish", "--json", "-w", str(workspace)]
    # By what is there and not by the clock: a step in which the process dies three times is held, as it must be.
    for sign in ("media/**/*.part", "media/**/*.mp4", "transcripts/**/session.md"):
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ))
        while child.poll() is None and not list(workspace.glob(sign)):
            time.sleep(0.02)
        child.kill()
        child.wait()
    done = run(*given, "--publish", "--json", "-w", workspace)
    assert done.code == 0, done.err
    assert done.json["state"] == "published"
    status = run("status", "--json", "-w", workspace).json
    assert len(status["sessions"]) == 1
    answers = list((workspace / "transcripts").rglob("answers/*.md"))
    assert len(answers) == len(german_table.aired)
    published = [json.loads(path.read_text()) for path in (workspace / "public" / "answers").glob("*.json")]
    assert {q.id for q in german_table.aired} <= {one["id"] for one in published}
