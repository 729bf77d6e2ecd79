"""Word times as a file: ``words.<lang>.json`` beside a transcript, a cue per line, ready for git. Pure.

A word is a list: text, start, end, probability, and where a name was put right also what the recogniser had written.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from streamhub.errors import BadArchive, BadInput
from streamhub.timecode import Span
from streamhub.transcript.transcript import Transcript, Word


def render_words(transcript: Transcript) -> str:
    """Word times as JSON, a cue per line: ``[text, start ms, end ms, probability]`` per word."""
    lines = [f"{_json(cue.id)}: {_json(list(map(list_word, cue.words)))}" for cue in transcript.cues if cue.words]
    return '{"unit": "ms", "cues": {\n' + ",\n".join(lines) + "\n}}\n"


def list_word(word: Word) -> list[Any]:
    """A word as the list that stands for it in JSON."""
    listed = [word.text, word.span.start_ms, word.span.end_ms, word.probability]
    return [*listed, word.heard] if word.heard else listed


def parse_words(text: str, file: str) -> dict[str, tuple[Word, ...]]:
    """Read such a file: cue id to words.

    Raises:
        BadArchive: not JSON, or not of this shape.
    """
    try:
        content = json.loads(text)
        if content["unit"] != "ms":
            raise BadArchive(file, 1, f"unit {content['unit']!r} is not known", hint="write times in ms")
        return {
            str(cue_id): tuple(
                Word(
                    _expect(str, word),
                    Span(_expect(int, start), _expect(int, end)),
                    float(probability),
                    *(_expect(str, heard) for heard in heards),
                )
                for word, start, end, probability, *heards in words
            )
            for cue_id, words in content["cues"].items()
        }
    except json.JSONDecodeError as error:
        raise BadArchive(file, error.lineno, f"is not JSON: {error.msg}") from error
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, BadInput) as error:
        raise BadArchive(file, 0, f"is no list of words: {error}") from error


def _expect(kind: Callable[..., Any], value: Any) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{value!r} is out of place")
    return value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
