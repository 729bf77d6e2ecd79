"""The writer: only what changed is written, only what is ours is touched, and a failing page leaves the site alone."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from records import make_session

from streamhub.answers.answer import AnswerState
from streamhub.archive.claims import Claims, Crowd
from streamhub.archive.manifest import MANIFEST, UNKNOWN, Entry, Row, encode_line
from streamhub.archive.plan import Content, MediaLink, Part, SitePlan, digest_of
from streamhub.archive.site import plan_site
from streamhub.archive.theme import Theme, load_theme
from streamhub.archive.writer import STAGING, write_site
from streamhub.config import SiteSettings
from streamhub.errors import BadInput, Conflict


def part(files: Mapping[str, Content], name: str = "") -> Part:
    """A part that makes these files."""
    inputs = [(path, str(content)) for path, content in files.items()]
    return Part(name=name or f"part {min(files)}", digest=digest_of(inputs), make=lambda present: files)


def plan(*parts: Part) -> SitePlan:
    """A plan of these parts."""
    return SitePlan(parts=parts)


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Content and time of every file."""
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def theme() -> Theme:
    """The shipped theme."""
    return load_theme()


def test_a_build_without_changes_writes_nothing(tmp_path: Path, theme: Theme) -> None:
    """The second build makes no page and leaves every file as it was, the manifest too."""
    first = write_site(plan_site((make_session(),), SiteSettings(), theme, media_root=None), tmp_path)
    before = snapshot(tmp_path)

    def forbid(present: object) -> Mapping[str, Content]:
        raise AssertionError("made again")

    again = plan_site((make_session(),), SiteSettings(), theme, media_root=None)
    lazy = replace(again, parts=tuple(replace(one, make=forbid) for one in again.parts))
    second = write_site(lazy, tmp_path)
    assert (second.written, second.removed, second.size_bytes) == (0, 0, 0)
    assert second.unchanged == first.written
    assert snapshot(tmp_path) == before


def test_only_what_changed_is_written(tmp_path: Path, theme: Theme) -> None:
    """Another number of votes touches the pages that show it and not the rest."""
    session = make_session()
    write_site(plan_site((session,), SiteSettings(), theme, media_root=None), tmp_path)
    before = snapshot(tmp_path)
    answers = (replace(session.answers[0], votes=13), *session.answers[1:])
    write_site(plan_site((replace(session, answers=answers),), SiteSettings(), theme, media_root=None), tmp_path)
    after = snapshot(tmp_path)
    changed = {path for path in after if after[path] != before.get(path)} - {MANIFEST}
    page = "s/2027-03-02-netz"
    exports = {f"{page}/export/session.json", f"{page}/export/answers.csv"}
    data = {path for path in changed if path.rpartition("/")[2] in {"answer.json", "answers.json", "index.json"}}
    assert changed - data == {"a/q1-router-blinkt-rot/index.html", f"{page}/index.html", *exports}


def test_a_withdrawn_answer_is_gone_after_the_next_build(tmp_path: Path, theme: Theme) -> None:
    """Its page, fragment, downloads and empty folders disappear, and no byte of the folder knows it any more."""
    session = make_session()
    write_site(plan_site((session,), SiteSettings(), theme, media_root=None), tmp_path)
    answers = (replace(session.answers[0], state=AnswerState.WITHDRAWN), *session.answers[1:])
    report = write_site(
        plan_site((replace(session, answers=answers),), SiteSettings(), theme, media_root=None), tmp_path
    )
    assert report.removed >= 4
    assert not (tmp_path / "a/q1-router-blinkt-rot").exists()
    assert not (tmp_path / "answers").exists()
    assert not [path for path, (content, _) in snapshot(tmp_path).items() if b"blinkt" in content or "blinkt" in path]


def test_files_of_others_stay(tmp_path: Path) -> None:
    """What is in the folder and is not ours is neither removed nor overwritten."""
    write_site(plan(part({"a.html": b"a"}), part({"b.html": b"b"})), tmp_path)
    (tmp_path / "mine.html").write_text("mine")
    write_site(plan(part({"b.html": b"b"})), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [MANIFEST, "b.html", "mine.html"]
    with pytest.raises(Conflict, match=r"mine\.html: is there already and was not written by streamhub"):
        write_site(plan(part({"mine.html": b"ours"})), tmp_path)
    assert (tmp_path / "mine.html").read_text() == "mine"


def test_a_file_that_somebody_changed_is_made_again(tmp_path: Path) -> None:
    """The site says what the archive says, also after somebody edited a generated file."""
    site = plan(part({"a.html": b"right"}))
    write_site(site, tmp_path)
    (tmp_path / "a.html").write_text("wrong")
    assert write_site(site, tmp_path).written == 1
    assert (tmp_path / "a.html").read_text() == "right"
    (tmp_path / "a.html").unlink()
    assert write_site(site, tmp_path).written == 1


def test_two_claims_on_a_path_name_both(tmp_path: Path) -> None:
    """Two parts that want one file stop the build, also when letters differ in case only; nothing is written."""
    for one, two in (("a/x.html", "a/x.html"), ("a/x.html", "A/X.html"), ("caf\u00e9", "cafe\u0301"), ("a", "a/b")):
        site = plan(part({one: b"1"}, "page one"), part({two: b"2"}, "page two"))
        with pytest.raises(Conflict, match=r"page (one|two)") as caught:
            write_site(site, tmp_path / "public")
        assert "page one" in str(caught.value)
        assert "page two" in str(caught.value)
        assert not (tmp_path / "public").exists()


@pytest.mark.parametrize(
    "path",
    ["../x", "/etc/x", "a/../../x", "a//b", "", "a/", "c:/x", "a\\b", "a\x00", "x" * 300, "a/.", "con./x ", "a?b"],
)
def test_paths_that_lead_out_are_refused(tmp_path: Path, path: str) -> None:
    """No part can write outside of the folder or under a name that some disk cannot hold."""
    with pytest.raises(BadInput, match="path"):
        write_site(plan(part({path: b"x"}, "evil")), tmp_path / "public")
    assert list(tmp_path.iterdir()) == []


def test_links_in_the_folder_are_not_followed(tmp_path: Path) -> None:
    """A symbolic link in the place of a folder or file of ours is refused."""
    outside = tmp_path / "outside"
    outside.mkdir()
    public = tmp_path / "public"
    public.mkdir()
    (public / "a").symlink_to(outside)
    with pytest.raises(Conflict, match="is a link"):
        write_site(plan(part({"a/x.html": b"x"})), public)
    (public / "a").unlink()
    (public / "a").mkdir()
    (public / "a/x.html").symlink_to(outside / "x.html")
    with pytest.raises(Conflict, match="is a link"):
        write_site(plan(part({"a/x.html": b"x"})), public)
    assert list(outside.iterdir()) == []


def test_a_page_that_fails_is_named_and_leaves_the_site_as_it_was(tmp_path: Path, theme: Theme) -> None:
    """A template with an unknown name stops the build by page, and no file changes."""
    write_site(plan_site((make_session(),), SiteSettings(), theme, media_root=None), tmp_path)
    before = snapshot(tmp_path)
    broken = Theme(
        synonyms="",
        templates={**theme.templates, "label.html": "{{ view.no_such_thing }}"},
        static=theme.static,
        catalogues=theme.catalogues,
        code=theme.code,
        digest="broken",
    )
    with pytest.raises(BadInput, match=r"topics/router/index\.html: template label\.html:1 fails.*no_such_thing"):
        write_site(plan_site((make_session(title="Neu"),), SiteSettings(), broken, media_root=None), tmp_path)
    assert snapshot(tmp_path) == before


def test_a_part_that_fails_otherwise_is_named() -> None:
    """Whatever goes wrong inside a part, its name is in the message."""

    def fail(present: object) -> Mapping[str, Content]:
        raise ZeroDivisionError("oh")

    with pytest.raises(BadInput, match=r"page seven: cannot be made \(ZeroDivisionError: oh\)"):
        Part(name="page seven", digest="x", make=fail).render()


def test_recordings_are_linked_and_not_doubled(tmp_path: Path) -> None:
    """A recording shares its bytes with the media folder; a replaced recording is linked anew."""
    source = tmp_path / "film.mp4"
    source.write_bytes(b"film")
    public = tmp_path / "public"
    assert write_site(plan(part({"media/film.mp4": MediaLink(source)})), public).size_bytes == 0
    assert (public / "media/film.mp4").stat().st_ino == source.stat().st_ino
    other = tmp_path / "other.mp4"
    other.write_bytes(b"other film")
    os.replace(other, source)
    changed = Part(name="film", digest="2", make=lambda present: {"media/film.mp4": MediaLink(source)})
    assert write_site(plan(changed), public).written == 1
    assert (public / "media/film.mp4").read_bytes() == b"other film"
    assert write_site(plan(changed), public).written == 0


def test_a_build_that_was_interrupted_is_finished_by_the_next(tmp_path: Path) -> None:
    """Files written before a crash are known as ours; the next build completes the site."""
    old = plan(part({"a.html": b"a"}), part({"b.html": b"b"}))
    write_site(old, tmp_path)
    with (tmp_path / MANIFEST).open("ab") as manifest:
        manifest.write(encode_line(Row("", "", (Entry("c.html", UNKNOWN, UNKNOWN),))))
    (tmp_path / "c.html").write_bytes(b"half-way")
    new = plan(part({"a.html": b"a"}), part({"c.html": b"c"}))
    report = write_site(new, tmp_path)
    assert (report.written, report.unchanged, report.removed) == (1, 1, 1)
    assert (tmp_path / "c.html").read_bytes() == b"c"


def test_what_a_killed_build_left_half_written_does_not_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that was being written when the process died, and is withdrawn before the next build, leaves nothing."""
    write_site(plan(part({"s/index.html": b"session"}, "page")), tmp_path)

    replace_file = os.replace

    def die(source: str | Path, target: str | Path) -> None:
        if Path(target).name != MANIFEST:
            raise KeyboardInterrupt  # stands for the end of the process, which tidies nothing
        replace_file(source, target)

    for files in ({"a/1/index.html": b"withdrawn soon"}, {"s/index.html": b"session with what is withdrawn soon"}):
        with monkeypatch.context() as patched:
            patched.setattr(os, "replace", die)
            patched.setattr(shutil, "rmtree", lambda *_, **__: None)
            with pytest.raises(KeyboardInterrupt):
                write_site(plan(part({"s/index.html": b"session", **files}, "page")), tmp_path)
        left = [path.read_bytes() for path in (tmp_path / STAGING).iterdir()]
        assert any(b"withdrawn soon" in content for content in left)
    write_site(plan(part({"s/index.html": b"session"}, "page")), tmp_path)
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")} == {MANIFEST, "s", "s/index.html"}


def test_a_lost_manifest_is_no_disaster(tmp_path: Path) -> None:
    """Without the manifest, files that are as they should be are adopted."""
    site = plan(part({"a.html": b"a"}))
    write_site(site, tmp_path)
    (tmp_path / MANIFEST).unlink()
    assert write_site(site, tmp_path).written == 0
    assert (tmp_path / MANIFEST).exists()


def test_a_damaged_manifest_is_named(tmp_path: Path) -> None:
    """A manifest that cannot be read or names files outside stops the build instead of removing something."""
    write_site(plan(part({"a.html": b"a"})), tmp_path)
    outside = '{"version":2}\n["part x","",[["../x",1,1]]]\n'
    for text in (
        "{",
        "[]",
        '{"version":2}\n["cut',
        '{"version": 1, "files": {"../x": ["", 1, 1]}, "parts": {}}',
        outside,
    ):
        (tmp_path / MANIFEST).write_text(text)
        with pytest.raises(BadInput, match=r"is damaged|outside"):
            write_site(plan(part({"a.html": b"a"})), tmp_path)


def test_a_manifest_of_another_version_tells_what_is_ours(tmp_path: Path) -> None:
    """What an older release built is taken over: the same files stay, others are replaced or removed."""
    for name in ("a.html", "b.html", "c.html"):
        (tmp_path / name).write_bytes(b"old")
    files = {name: ["", 3, 1] for name in ("a.html", "b.html", "c.html")}
    (tmp_path / MANIFEST).write_text(json.dumps({"version": 1, "files": files, "parts": {}}))
    report = write_site(plan(part({"a.html": b"old", "b.html": b"new"})), tmp_path)
    assert (report.written, report.unchanged, report.removed) == (1, 1, 1)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name != MANIFEST} == {
        "a.html": b"old",
        "b.html": b"new",
    }
    assert write_site(plan(part({"a.html": b"old", "b.html": b"new"})), tmp_path).written == 0


def test_a_file_that_moves_from_one_part_to_another_stays(tmp_path: Path) -> None:
    """Parts may be cut otherwise: a path that another part claims now is neither removed nor refused."""
    write_site(plan(part({"a.html": b"a", "b.html": b"b"}, "one")), tmp_path)
    report = write_site(plan(part({"a.html": b"a"}, "one"), part({"b.html": b"new"}, "two")), tmp_path)
    assert (report.written, report.removed) == (1, 0)
    assert (tmp_path / "b.html").read_bytes() == b"new"
    assert write_site(plan(part({"b.html": b"new"}, "two")), tmp_path).removed == 1
    assert {path.name for path in tmp_path.iterdir()} == {MANIFEST, "b.html"}


def test_a_large_site_is_seen_through_by_numbers() -> None:
    """What claims are asked about is little: only paths that may be the same, whatever else a site has."""
    crowd = Crowd()
    parts = [(f"part {n}", [f"a/{n}/index.html", f"A{n}.html"]) for n in range(1000)]
    for _, paths in parts:
        crowd.add(paths)
    crowd.require_distinct(parts)
    crowd.add(["a/7"])
    with pytest.raises(Conflict, match=r"part 7.*one more claims a/7 as a file|a/7: claimed by part 7 and by one more"):
        crowd.require_distinct([*parts, ("one more", ["a/7"])])
    assert crowd.find_absent(["a/8/INDEX.html", "a/8/other.html"]) == ["a/8/other.html"]


def test_no_part_file_is_left(tmp_path: Path, theme: Theme) -> None:
    """Files appear whole; nothing half-written stays behind, nor what a build put aside."""
    write_site(plan_site((make_session(),), SiteSettings(), theme, media_root=None), tmp_path)
    assert not list(tmp_path.rglob("*.part"))
    assert not (tmp_path / STAGING).exists()


def test_claims_know_folders_of_files() -> None:
    """A file in the way of a folder is found whichever comes first."""
    claims = Claims()
    claims.add("one", ["a/b/c.html"])
    with pytest.raises(Conflict, match="one"):
        claims.add("two", ["a/b"])
