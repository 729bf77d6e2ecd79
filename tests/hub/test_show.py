"""A live show through a real hub: RTMP in, questions on air, pages out."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from streamhub.archive.folder import load_archive
from streamhub.commands import play_on_hub
from streamhub.demo.run import Stage
from streamhub.demo.script import Roundtable
from streamhub.workspace import open_workspace

LENGTH_MS = 24_000  # the first question and its answer


@pytest.fixture
def short_table(german_table: Roundtable) -> Roundtable:
    """The beginning of the demo's round table."""
    first = german_table.aired[0]
    rest = [replace(q, on_air_ms=None) for q in german_table.questions if q.id != first.id]
    return replace(
        german_table,
        duration_ms=LENGTH_MS,
        segments=tuple(s for s in german_table.segments if s.end_ms <= LENGTH_MS),
        questions=(replace(first, votes=3), *(replace(q, votes=0) for q in rest[:1])),
        searches=tuple(s for s in german_table.searches if s.question == first.id),
    )


async def test_a_live_show_becomes_a_page_that_spoken_words_find(
    workspace: Path, tmp_path: Path, short_table: Roundtable
) -> None:
    """What an encoder pushes and a host puts on air is found, by words nobody typed, at the second it was said."""
    told: list[str] = []
    stage = Stage(scratch=tmp_path / "pictures", model="rehearsal", now=lambda: datetime.now(UTC), say=told.append)
    report = await play_on_hub(open_workspace(workspace), stage, [short_table])
    assert short_table.searches
    assert [hit["query"] for hit in report["hits"]] == [search.query for search in short_table.searches]
    assert not any(hit["typed"] for hit in report["hits"])
    (session,) = load_archive(workspace / "transcripts")
    (answer,) = session.answers
    assert answer.votes == 3
    truth = short_table.aired[0]
    assert truth.on_air_ms is not None
    assert truth.answer_end_ms is not None
    assert abs(answer.ranges[0].start_ms - truth.on_air_ms) < 4_000
    assert abs(answer.ranges[0].end_ms - truth.answer_end_ms) < 4_000
    (recording,) = session.recordings
    assert abs(recording.duration_ms - LENGTH_MS) < 3_000
    assert os.path.exists(workspace / "public" / "media" / recording.url)
    assert any("on air" in line for line in told)
