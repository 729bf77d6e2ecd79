"""The demo's searches: what a miss means with the rehearsal recogniser, and with another one."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from streamhub.demo.run import Act, Door, Stage, _search, _Show
from streamhub.demo.script import load_roundtable
from streamhub.errors import ToolFailed


def show(told: list[str], *, every_word: bool, known: set[str]) -> tuple[_Show, list[Act]]:
    table = load_roundtable("de")
    act = Act(table, ids={question.id: question.id for question in table.questions})
    answers = {search.query: search.question for search in table.searches if search.query in known}

    def find(language: str, query: str) -> list[dict[str, object]]:
        return [{"id": answers[query], "url": f"a/{query}/", "start_ms": 1000}] if query in answers else []

    stage = Stage(scratch=Path(), model="", now=lambda: datetime.now(UTC), say=told.append, every_word=every_word)
    return _Show(stage, Door(url="", token="", ffmpeg=Path(), find=find)), [act]


def test_with_the_rehearsal_recogniser_every_word_must_be_found() -> None:
    """One miss ends the demo, with the words that were searched for."""
    with pytest.raises(ToolFailed, match="dreißig Euro"):
        _search(*show([], every_word=True, known={"Kundenportal", "zehn Tage", "Einstellungen", "Menü"}))


def test_another_recogniser_may_write_numbers_in_digits() -> None:
    """A miss is told and not counted, and the demo goes on."""
    told: list[str] = []
    found = _search(*show(told, every_word=False, known={"Kundenportal", "App"}))
    assert [hit["query"] for hit in found] == ["Kundenportal", "App"]
    assert any("dreißig Euro" in line and "otherwise" in line for line in told)


def test_finding_nothing_at_all_is_an_error_for_every_recogniser() -> None:
    """A demo whose searches are all in vain has failed, whatever it heard with."""
    with pytest.raises(ToolFailed, match="none"):
        _search(*show([], every_word=False, known=set()))
