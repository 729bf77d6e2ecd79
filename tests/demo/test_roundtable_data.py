"""The demo's prepared round tables are consistent, hearable by the rehearsal model, and short enough for the demo."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import av
import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "streamhub"
DEMO = PACKAGE / "demo"
GRAMMAR = json.loads((PACKAGE / "transcript" / "rehearsal" / "grammar.json").read_text("utf-8"))


@pytest.fixture(scope="module", params=["de", "en"])
def table(request: pytest.FixtureRequest) -> dict[str, Any]:
    return json.loads((DEMO / f"roundtable_{request.param}.json").read_text("utf-8"))


def fold(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def patterns_of(language: str) -> list[re.Pattern[str]]:
    grammar = GRAMMAR[language]
    slots = {name: "(?:" + "|".join(map(re.escape, words)) + ")" for name, words in grammar["slots"].items()}
    return [
        re.compile("".join(slots[part[1:-1]] if part.startswith("{") else re.escape(part) for part in parts))
        for parts in (re.split(r"(\{\w+\})", sentence) for sentence in grammar["sentences"])
    ]


def spoken_between(table: dict[str, Any], start_ms: int, end_ms: int) -> str:
    inside = [s["text"] for s in table["segments"] if s["start_ms"] >= start_ms and s["end_ms"] <= end_ms]
    return f" {fold(' '.join(inside))} "


def answered(table: dict[str, Any]) -> list[dict[str, Any]]:
    return [question for question in table["questions"] if question["answered"]]


def test_audio_lasts_as_stated_and_is_small(table: dict[str, Any]) -> None:
    """The audio decodes to the stated length, between 60 and 75 seconds, from at most 700 kB."""
    path = DEMO / table["audio"]
    with av.open(str(path)) as container:
        frames = [(frame.samples, frame.sample_rate) for frame in container.decode(audio=0)]
    length_ms = sum(samples * 1000 / rate for samples, rate in frames)
    assert abs(length_ms - table["duration_ms"]) <= 30
    assert 60_000 <= table["duration_ms"] <= 75_000
    assert path.stat().st_size <= 700_000


def test_sentences_follow_one_another(table: dict[str, Any]) -> None:
    """Sentences lie inside the audio, follow one another after a pause, and hold their words in order."""
    previous_ms = 0
    for segment in table["segments"]:
        pause_ms = segment["start_ms"] - previous_ms
        assert 300 <= pause_ms <= 950, segment["text"]
        assert fold(" ".join(word["text"] for word in segment["words"])) == fold(segment["text"])
        edges = [edge for word in segment["words"] for edge in (word["start_ms"], word["end_ms"])]
        assert edges == sorted(edges)
        assert segment["start_ms"] <= edges[0] < edges[-1] <= segment["end_ms"]
        previous_ms = segment["end_ms"]
    assert previous_ms < table["duration_ms"]


def test_every_sentence_is_in_the_grammar(table: dict[str, Any]) -> None:
    """The rehearsal model can know every sentence: its grammar makes it."""
    patterns = patterns_of(table["language"])
    strange = [s["text"] for s in table["segments"] if not any(p.fullmatch(s["text"]) for p in patterns)]
    assert strange == []


def test_speakers_are_a_host_and_two_experts_who_speak(table: dict[str, Any]) -> None:
    """One host and two experts are on the panel, each with a line for the name plate, and all of them speak."""
    assert sorted(speaker["role"] for speaker in table["speakers"]) == ["expert", "expert", "host"]
    assert all(speaker["about"] for speaker in table["speakers"])
    assert {s["speaker"] for s in table["segments"]} == {speaker["name"] for speaker in table["speakers"]}


def test_answers_lie_in_order_within_the_show(table: dict[str, Any]) -> None:
    """Each answered question is put on air, read aloud and answered by experts, before the next one is."""
    roles = {speaker["name"]: speaker["role"] for speaker in table["speakers"]}
    before_ms = 0
    for question in answered(table):
        assert before_ms <= question["announced_ms"] <= question["on_air_ms"]
        assert 0 <= question["question_start_ms"] - question["on_air_ms"] <= 2_000
        assert question["question_end_ms"] < question["answer_start_ms"] < question["answer_end_ms"]
        assert {roles[name] for name in question["answerers"]} == {"expert"}
        before_ms = question["answer_end_ms"]
    assert before_ms < table["duration_ms"]


def test_host_names_asker_and_city(table: dict[str, Any]) -> None:
    """The host says who asks and from where before reading the question."""
    for question in answered(table):
        announced = spoken_between(table, question["announced_ms"], question["question_start_ms"])
        assert f" {fold(question['asker'])} " in announced
        assert f" {fold(question['city'])} " in announced


def test_typed_questions_differ_from_spoken_ones(table: dict[str, Any]) -> None:
    """What a customer typed is worded otherwise than what the host reads aloud, ids are unique, and one stays open."""
    for question in answered(table):
        assert fold(question["text"]) != fold(question["spoken_text"])
        assert set(fold(question["text"]).split()) - set(fold(question["spoken_text"]).split())
    ids = [question["id"] for question in table["questions"]]
    assert len(ids) == len(set(ids))
    assert sum(not question["answered"] for question in table["questions"]) == 1
    assert 4 <= len(answered(table)) <= 5


def test_searches_are_spoken_in_their_answer_alone(table: dict[str, Any]) -> None:
    """A search's words are spoken in its answer, in no other answer, and typed in no question, topic or product."""
    questions = {question["id"]: question for question in table["questions"]}
    typed = " ".join(f"{q['text']} {q['topic']} {q['product']}" for q in questions.values())
    assert table["searches"]
    for search in table["searches"]:
        phrase = f" {fold(search['query'])} "
        heard_in = [
            q["id"]
            for q in answered(table)
            if phrase in spoken_between(table, q["answer_start_ms"], q["answer_end_ms"])
        ]
        assert heard_in == [search["question"]]
        assert phrase not in f" {fold(typed)} "
