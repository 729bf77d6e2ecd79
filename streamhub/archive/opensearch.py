"""OpenSearch: how browsers learn to search the archive from their own search field. Pure."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from streamhub.archive.structured import absolute
from streamhub.archive.xml import add, serialise

OPENSEARCH = "http://a9.com/-/spec/opensearch/1.1/"
SHORT_NAME_LENGTH = 16
LONG_NAME_LENGTH = 48


def render_opensearch(title: str, language: str, description: str, *, base: str, search: str) -> bytes:
    """The description document (OpenSearch 1.1, draft 6), for a site with a public address.

    Args:
        title: of the site.
        language: of the search page.
        description: what can be searched.
        base: public address of the site.
        search: path of the search page, a folder.
    """
    root = ET.Element(_name("OpenSearchDescription"))
    add(root, _name("ShortName"), title[:SHORT_NAME_LENGTH].strip() or "Search")
    add(root, _name("LongName"), title[:LONG_NAME_LENGTH].strip())
    add(root, _name("Description"), description)
    template = f"{absolute(base, search)}?q={{searchTerms}}"
    add(root, _name("Url"), attributes={"type": "text/html", "method": "get", "template": template})
    icon = {"type": "image/svg+xml", "width": "32", "height": "32"}
    add(root, _name("Image"), absolute(base, "static/icon.svg"), icon)
    add(root, _name("Language"), language)
    add(root, _name("InputEncoding"), "UTF-8")
    add(root, _name("OutputEncoding"), "UTF-8")
    return serialise(root, {"": OPENSEARCH})


def _name(name: str) -> str:
    return f"{{{OPENSEARCH}}}{name}"
