"""The golden site: whatever changes a page or a feed shows as a diff that somebody has looked at."""

from __future__ import annotations

import difflib
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from golden_site import ARCHIVE, PUBLIC, build_golden, read_tree

from streamhub.archive.event_folder import load_events, save_event
from streamhub.archive.folder import load_archive, save_session

RENEW = "if this is meant: make golden, look at the diff, commit it"


def test_the_site_is_the_golden_one() -> None:
    """File by file what is committed; the message shows the first lines that differ and how to renew them."""
    built, golden = build_golden(), read_tree(PUBLIC)
    assert sorted(built) == sorted(golden), RENEW
    for path, text in built.items():
        diff = difflib.unified_diff(golden[path].splitlines(), text.splitlines(), path, "built", lineterm="", n=1)
        assert text == golden[path], "\n".join([RENEW, *list(diff)[:40]])


def test_the_golden_archive_is_as_we_write_it(tmp_path: Path) -> None:
    """Its files read back and are written again byte for byte, so that it stays an example of the format."""
    for session in load_archive(ARCHIVE):
        save_session(tmp_path, session)
    for event in load_events(ARCHIVE):
        save_event(tmp_path, event)
    files = [path for path in tmp_path.rglob("*") if path.is_file() and not path.name.startswith(".")]
    assert files
    for path in files:
        assert path.read_bytes() == (ARCHIVE / path.relative_to(tmp_path)).read_bytes(), path


def test_the_golden_site_says_nothing_of_what_is_hidden() -> None:
    """The draft and the withdrawn answer of its archive are in no file of it."""
    hidden = ("Zebraprojekt", "Nilpferd")
    assert all(word in "".join(one.read_text() for one in ARCHIVE.rglob("*.md")) for word in hidden)
    for path, text in read_tree(PUBLIC).items():
        assert not [word for word in hidden if word.casefold() in f"{path} {text}".casefold()], path


def test_every_listed_page_says_what_it_is() -> None:
    """What search engines may list has a description for them, and no two lists have the same one."""
    pages = [text for path, text in read_tree(PUBLIC).items() if path.endswith(".html")]
    listed = [text for text in pages if '<meta name="robots" content="noindex">' not in text and "<title>" in text]
    said = [re.findall(r'<meta name="description" content="([^"]+)">', text) for text in listed]
    assert len(listed) > 30
    assert {len(found) for found in said} == {1}
    assert len({found[0] for found in said}) > 0.9 * len(said)
