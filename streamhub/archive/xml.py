"""XML for machines: elements with texts from people, written the same way every time. Pure.

Owns what of a text XML can hold and how a tree is put into bytes; refuses to know what a document says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

_NO_XML = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


def xml_text(text: str) -> str:
    """The text without characters that XML cannot hold."""
    return text if text.isprintable() else _NO_XML.sub("", text)


def add(parent: ET.Element, name: str, text: str = "", attributes: Mapping[str, str] | None = None) -> ET.Element:
    """Add an element with a text and attributes, both cleaned.

    Args:
        parent: where to.
        name: with its namespace in braces, where it has one.
        text: what it says; empty for nothing.
        attributes: its attributes.
    """
    element = ET.SubElement(parent, name, {key: xml_text(value) for key, value in (attributes or {}).items()})
    element.text = xml_text(text) or None
    return element


def format_utc(instant: datetime) -> str:
    """An instant as RFC 3339 in UTC, whole seconds."""
    # Not strftime: it writes years before 1000 with fewer than four digits.
    return instant.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def serialise(root: ET.Element, namespaces: Mapping[str, str]) -> bytes:
    """The document in UTF-8, indented.

    Args:
        root: its tree.
        namespaces: prefix to namespace; the empty prefix for the one that needs none.
    """
    for prefix, namespace in namespaces.items():
        ET.register_namespace(prefix, namespace)
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + text + b"\n"
