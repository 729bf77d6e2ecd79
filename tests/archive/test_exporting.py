"""The export of everything: an index with a file per session, all of it as its published schema says."""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from records import HOSTILE, make_distinct, make_session, sessions
from test_embeds import LICENSED
from test_site import PUBLIC, build, english, hostile_session, shipped_theme

from streamhub.archive.archived import ArchivedSession


@cache
def checker(schema: bytes) -> jsonschema.Draft202012Validator:
    """An independent reader of the schema that the site published."""
    read = json.loads(schema)
    jsonschema.Draft202012Validator.check_schema(read)
    return jsonschema.Draft202012Validator(read, format_checker=jsonschema.FormatChecker())


def check(files: dict[str, bytes]) -> dict[str, Any]:
    """Validate every file that the schema speaks of; how many there are of each kind."""
    valid = checker(files["export/v1/schema.json"])
    found: dict[str, int] = {}
    for path, content in files.items():
        if path.endswith(("answer.json", "session.json", "answers.json")) or path == "export/v1/index.json":
            data = json.loads(content)
            errors = [f"{path} {error.json_path}: {error.message[:200]}" for error in valid.iter_errors(data)]
            assert not errors, errors
            found[data["format"]] = found.get(data["format"], 0) + 1
    return found


def test_every_file_is_as_the_schema_says() -> None:
    """Index, sessions, answers, superseded ones and lists are valid, with a licence and without."""
    for site in (PUBLIC, LICENSED):
        found = check(build(make_session(), english(), theme=shipped_theme(), settings=site))
        assert found == {
            "streamhub export 1": 1,
            "streamhub session 1": 2,
            "streamhub answer 1": 3,
            "streamhub answers 1": 6,
        }


def test_the_schema_refuses_what_is_wrong() -> None:
    """A missing field, a wrong type and an unknown format are found."""
    files = build(make_session(), theme=shipped_theme())
    valid = checker(files["export/v1/schema.json"])
    good = json.loads(files["a/q1-router-blinkt-rot/answer.json"])
    assert valid.is_valid(good)
    for wrong in ({"question": None}, {"date": "yesterday"}, {"format": "streamhub answer 2"}, {"votes": -1}):
        assert not valid.is_valid(good | wrong), wrong
    del good["session"]
    assert not valid.is_valid(good)


def test_the_index_leads_to_everything() -> None:
    """Each session's file is where the index says, and together they have every published answer and word."""
    files = build(make_session(), english(), theme=shipped_theme())
    index = json.loads(files["export/v1/index.json"])
    assert [one["id"] for one in index["sessions"]] == ["2027-04-02-lines", "2027-03-02-netz"]
    read = [json.loads(files[one["file"].removeprefix(f"{PUBLIC.url}/")]) for one in index["sessions"]]
    assert [answer["id"] for session in read for answer in session["answers"]] == ["e1", "q1"]
    assert read[1]["answers"][0]["written"] == "Halten Sie den Knopf **zehn Sekunden** gedrückt."
    assert read[0]["transcript"][1]["text"] == "The line has lost its sync."


def test_a_digest_changes_with_its_session_alone() -> None:
    """Another word in one session changes its digest and no other; the same archive gives the same index."""

    def digests(*archive: ArchivedSession) -> dict[str, str]:
        index = json.loads(build(*archive, theme=shipped_theme())["export/v1/index.json"])
        return {one["id"]: one["digest"] for one in index["sessions"]}

    before = digests(make_session(), english())
    assert before == digests(make_session(), english())
    after = digests(make_session(), english(title="Other lines"))
    assert {id_ for id_ in before if before[id_] != after[id_]} == {"2027-04-02-lines"}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_data(text: str) -> None:
    """Whatever strangers type, the files are valid and say the same as harmless ones where it does not stand."""
    assert check(build(hostile_session(text), theme=shipped_theme()))["streamhub session 1"] == 1


@settings(max_examples=8, deadline=None)
@given(st.lists(sessions(), max_size=2, unique_by=lambda session: session.id))
def test_any_archive_is_as_the_schema_says(archive: list[ArchivedSession]) -> None:
    """Whatever the archive says."""
    distinct = make_distinct(archive)
    check(build(*distinct, theme=shipped_theme()))
