"""Sources: a session that has not changed is not read again, and that changes nothing but the time it takes."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from records import make_session

from streamhub.answers.answer import AnswerState
from streamhub.archive.archived import ArchivedSession
from streamhub.archive.folder import save_session
from streamhub.archive.plan import Content, SitePlan
from streamhub.archive.site import plan_from_sources, plan_site
from streamhub.archive.sources import Source, Sources, find_sources, hold
from streamhub.archive.theme import Theme, load_theme
from streamhub.archive.writer import write_site
from streamhub.config import SiteSettings
from streamhub.errors import BadArchive

LONG_AGO_S = 100


@pytest.fixture(scope="module")
def theme() -> Theme:
    """The shipped theme."""
    return load_theme()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Two sessions on the disk, written a while ago."""
    root = tmp_path / "transcripts"
    save_session(root, make_session())
    save_session(root, other_session())
    grow_old(root)
    return root


def other_session() -> ArchivedSession:
    """A second session with a question of its own."""
    session = make_session()
    answer = replace(session.answers[0], id="q9", slug="andere", question="Warum rauscht die Leitung?")
    return replace(session, id="2027-04-06-netz", answers=(answer,))


def grow_old(root: Path) -> None:
    """Let all files be older than the grain of any disk's clock, as far as a test can."""
    for path in root.rglob("*"):
        os.utime(path, (time.time() - LONG_AGO_S,) * 2)


def trusted(sources: tuple[Source, ...], stamps: Callable[[Source], str]) -> tuple[Source, ...]:
    """Sources with stamps as they will be once their files are old enough: a test cannot turn that clock back."""
    return tuple(replace(source, stamp=stamps(source)) for source in sources)


def fail() -> ArchivedSession:
    """Stands for reading a session that should not be read."""
    raise AssertionError("read again")


def plan_all(sources: tuple[Source, ...], theme: Theme, readings: Path | None) -> SitePlan:
    """The plan of the site of these sessions."""
    return plan_from_sources(Sources(sessions=sources, readings=readings), SiteSettings(), theme, media_root=None)


def render(sources: tuple[Source, ...], theme: Theme, readings: Path | None) -> dict[str, Content]:
    """All files of the site."""
    return plan_all(sources, theme, readings).render()


def test_a_session_that_is_as_it_was_is_not_read_again(archive: Path, tmp_path: Path, theme: Theme) -> None:
    """A second build of the same archive reads no session and writes no file."""
    sources = trusted(find_sources(archive), lambda source: f"first {source.id}")
    public, kept = tmp_path / "public", tmp_path / "kept"
    write_site(plan_all(sources, theme, kept), public)
    blind = tuple(replace(source, load=fail) for source in sources)
    plan = plan_all(blind, theme, kept)
    assert plan.answers == 5
    report = write_site(plan, public)
    assert (report.written, report.removed) == (0, 0)


def test_only_the_session_that_changed_is_read(archive: Path, tmp_path: Path, theme: Theme) -> None:
    """A withdrawal in one session comes through without the other one being read, search index included."""
    kept = tmp_path / "kept"
    before = find_sources(archive)
    write_site(
        plan_all(trusted(before, lambda source: f"first {source.id}"), theme, kept),
        tmp_path / "public",
    )
    session = other_session()
    answers = (replace(session.answers[0], state=AnswerState.WITHDRAWN),)
    save_session(archive, replace(session, answers=answers), loaded=session)
    read: list[str] = []

    def note(source: Source) -> Source:
        def load() -> ArchivedSession:
            read.append(source.id)
            return source.load()

        return replace(source, load=load, stamp="second" if source.id == session.id else f"first {source.id}")

    after = tuple(map(note, find_sources(archive)))
    plan = plan_all(after, theme, kept)
    assert read == [session.id]
    write_site(plan, tmp_path / "public")
    left = [path for path in (tmp_path / "public").rglob("*") if path.is_file() and b"rauscht" in path.read_bytes()]
    assert left == []
    assert not [path for path in kept.rglob("*") if path.is_file() and b"rauscht" in path.read_bytes()]


def test_the_site_is_the_same_with_and_without_what_was_kept(archive: Path, tmp_path: Path, theme: Theme) -> None:
    """Kept, thrown away, damaged, or in another order: byte for byte the same site.

    Sessions that were never on a disk may have other digests in the export's index, and nothing else.
    """
    sources = trusted(find_sources(archive), lambda source: f"first {source.id}")
    kept = tmp_path / "kept"
    first = render(sources, theme, kept)
    assert render(sources, theme, kept) == first
    assert render(sources[::-1], theme, None) == first
    held = plan_site((other_session(), make_session()), SiteSettings(), theme, media_root=None).render()
    assert {path for path, content in held.items() if first.get(path) != content} <= {"export/v1/index.json"}
    assert held.keys() == first.keys()
    for path in kept.rglob("*"):
        if path.is_file():
            path.write_bytes(b"\x00damaged")
    assert render(sources, theme, kept) == first
    for kind in ("words", "public"):
        for path in kept.rglob(f"*.{kind}"):
            path.write_bytes(b"\x00damaged")
        assert render(sources, theme, kept) == first


def test_few_gists_in_memory_make_the_same_site(
    archive: Path, tmp_path: Path, theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where an archive has more sessions than are held, they are looked at again, on the disk or as held."""
    sources = trusted(find_sources(archive), lambda source: f"first {source.id}")
    first = render(sources, theme, None)
    monkeypatch.setattr("streamhub.archive.sources.OPEN_READINGS", 1)
    kept = tmp_path / "kept"
    assert render(sources, theme, kept) == first
    assert render(tuple(replace(source, load=fail) for source in sources), theme, kept) == first
    half = (replace(sources[0], stamp=""), *sources[1:])
    assert render(half, theme, kept) == first


def test_what_was_kept_of_an_earlier_state_is_not_used(archive: Path, tmp_path: Path, theme: Theme) -> None:
    """A crash may keep one file of a session and lose another: each says for itself of which state it is."""
    before, after = (trusted(find_sources(archive), lambda source, n=n: f"{n} {source.id}") for n in (1, 2))
    kept, old = tmp_path / "kept", tmp_path / "old"
    render(before, theme, kept)
    shutil.copytree(kept, old)
    session = other_session()
    answers = (replace(session.answers[0], question="Warum knackt die Leitung?"),)
    save_session(archive, replace(session, answers=answers), loaded=session)
    fresh = render(after, theme, kept)
    for kind in ("words", "public"):
        shutil.copytree(
            old,
            kept,
            dirs_exist_ok=True,
            ignore=lambda _, names, kind=kind: [name for name in names if "." in name and not name.endswith(kind)],
        )
    assert render(after, theme, kept) == fresh


def test_nothing_is_kept_of_a_session_that_is_gone(archive: Path, tmp_path: Path, theme: Theme) -> None:
    """Whoever removes a session from the archive finds no trace of it in what builds keep."""
    sources = trusted(find_sources(archive), lambda source: f"first {source.id}")
    kept = tmp_path / "kept"
    render(sources, theme, kept)
    render(sources[:1], theme, kept)
    names = {path.name for path in kept.rglob("*") if path.is_file() and path.suffix != ".code"}
    assert names == {
        *(f"{sources[0].id}.{kind}" for kind in ("gist", "words", "public")),
        "index.memory",
        "likes.memory",
    }


def test_nothing_old_is_kept_of_a_session_that_was_written_just_now(
    archive: Path, tmp_path: Path, theme: Theme
) -> None:
    """What was withdrawn a moment ago is not kept until somebody builds once more."""
    sources = trusted(find_sources(archive), lambda source: f"first {source.id}")
    kept = tmp_path / "kept"
    render(sources, theme, kept)
    render(tuple(replace(source, stamp="") for source in sources), theme, kept)
    left = {path.name for path in kept.rglob("*") if path.is_file() and path.suffix != ".code"}
    assert left == {"index.memory", "likes.memory"}


def test_a_session_that_was_written_just_now_is_not_trusted(tmp_path: Path) -> None:
    """Two edits within one tick of the disk's clock would have the same time: until it is over, the session is read."""
    root = tmp_path / "transcripts"
    save_session(root, make_session())
    assert [source.stamp for source in find_sources(root)] == [""]


def test_an_id_that_is_in_two_sessions_is_named(theme: Theme) -> None:
    """Two sessions with one answer's id stop the build, also where only drafts have it."""
    session = make_session()
    twin = replace(session, id="2027-05-04-netz")
    with pytest.raises(BadArchive, match=r"answer .* is in .* too"):
        plan_site((session, twin), SiteSettings(), theme, media_root=None)
    assert hold(session).stamp == ""
