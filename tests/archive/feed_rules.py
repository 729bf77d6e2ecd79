"""What JSON Feed 1.1 and JSON Chapters 1.2.0 demand, as JSON schemas, written from their specifications."""

from __future__ import annotations

from typing import Any

_URI = {"type": "string", "format": "uri", "pattern": "^https?://"}
_AUTHOR = {
    "type": "object",
    "properties": {"name": {"type": "string", "minLength": 1}, "url": _URI, "avatar": _URI},
    "minProperties": 1,
    "additionalProperties": False,
}
_ATTACHMENT = {
    "type": "object",
    "properties": {
        "url": _URI,
        "mime_type": {"type": "string", "pattern": "^[a-z]+/[a-z0-9.+-]+$"},
        "title": {"type": "string"},
        "size_in_bytes": {"type": "number"},
        "duration_in_seconds": {"type": "number"},
    },
    "required": ["url", "mime_type"],
    "additionalProperties": False,
}
_ITEM = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "minLength": 1},
        "url": _URI,
        "external_url": _URI,
        "title": {"type": "string"},
        "content_text": {"type": "string"},
        "content_html": {"type": "string"},
        "summary": {"type": "string"},
        "image": _URI,
        "date_published": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$"},
        "authors": {"type": "array", "items": _AUTHOR},
        "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        "language": {"type": "string"},
        "attachments": {"type": "array", "items": _ATTACHMENT},
    },
    "required": ["id"],
    "anyOf": [{"required": ["content_text"]}, {"required": ["content_html"]}],
    "additionalProperties": False,
}
JSON_FEED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "version": {"const": "https://jsonfeed.org/version/1.1"},
        "title": {"type": "string"},
        "home_page_url": _URI,
        "feed_url": _URI,
        "description": {"type": "string"},
        "language": {"type": "string"},
        "items": {"type": "array", "items": _ITEM},
    },
    "required": ["version", "title", "items"],
    "additionalProperties": False,
}
JSON_CHAPTERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "version": {"const": "1.2.0"},
        "chapters": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "startTime": {"type": "number", "minimum": 0},
                    "endTime": {"type": "number", "minimum": 0},
                    "title": {"type": "string"},
                    "url": _URI,
                    "img": _URI,
                    "toc": {"type": "boolean"},
                },
                "required": ["startTime"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["version", "chapters"],
}
