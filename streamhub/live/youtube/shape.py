"""The shape of YouTube's answers, by the description of the API that comes with the library. Pure.

Owns the check that an object is an object, a list a list and a word a word, so that whoever reads an answer meets what
is documented or nothing at all. What is ``null`` is as good as left out; what is not documented stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Schemas = Mapping[str, Mapping[str, Any]]


class Misshapen(ValueError):
    """An answer that is not as documented; says where, and nothing of what stood there."""


def shape_answer(answer: Mapping[str, Any], schema: str, schemas: Schemas) -> dict[str, Any]:
    """The answer without what is null, numbers and words as documented.

    Args:
        answer: as it came.
        schema: name of its schema.
        schemas: of the API's description.

    Raises:
        Misshapen: something in it is of another kind.
    """
    return _shape_object(answer, schemas[schema].get("properties", {}), schema, schemas)


def _shape_object(value: object, known: Mapping[str, Any], place: str, schemas: Schemas) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise Misshapen(f"{place}: no object")
    return {
        name: _shape(item, known[name], f"{place}.{name}", schemas) if name in known else item
        for name, item in value.items()
        if item is not None
    }


def _shape(value: object, rule: Mapping[str, Any], place: str, schemas: Schemas) -> Any:
    if "$ref" in rule:
        return _shape_object(value, schemas[rule["$ref"]].get("properties", {}), place, schemas)
    kind = rule.get("type")
    if kind == "array":
        if not isinstance(value, list):
            raise Misshapen(f"{place}: no list")
        return [_shape(item, rule.get("items", {}), place, schemas) for item in value]
    if kind == "object":
        return _shape_object(value, rule.get("properties", {}), place, schemas)
    return _SCALARS[str(kind)](value, place) if kind in _SCALARS else value


def _word(value: object, place: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):  # numbers of 64 bits are words there
        return str(value)
    raise Misshapen(f"{place}: no text")


def _whole(value: object, place: str) -> int:
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            return int(value)
        except (ValueError, OverflowError):  # a word, or a number without end
            pass
    raise Misshapen(f"{place}: no number")


def _number(value: object, place: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise Misshapen(f"{place}: no number")


def _truth(value: object, place: str) -> bool:
    if isinstance(value, bool):
        return value
    raise Misshapen(f"{place}: neither true nor false")


_SCALARS: Mapping[str, Callable[[object, str], Any]] = {
    "string": _word,
    "integer": _whole,
    "number": _number,
    "boolean": _truth,
}
