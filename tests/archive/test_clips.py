"""Clips on the site: only those of published answers, and only while they are of what the answer is now."""

from __future__ import annotations

import functools
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from records import make_session

from streamhub.answers.answer import AnswerState
from streamhub.archive.archived import ArchivedSession
from streamhub.archive.clips import clips_folder, plan_key
from streamhub.archive.site import plan_site
from streamhub.archive.theme import load_theme
from streamhub.config import SiteSettings
from streamhub.errors import BadArchive
from streamhub.recording.clip import Clip, note_name

SETTINGS = SiteSettings(title="Antworten", url="https://antworten.example.org")
HEAVY, LIGHT = {"clip.mp4", "clip.m4a"}, {"clip.vtt", "poster.jpg", "share.jpg"}

theme = functools.cache(load_theme)


@pytest.fixture
def media(tmp_path: Path) -> Path:
    """A media folder in which the first answer of the small session has a clip."""
    session = make_session()
    folder = clips_folder(tmp_path / "media", session.id)
    folder.mkdir(parents=True)
    names = {"video": "q.mp4", "audio": "q.m4a", "captions": "q.vtt", "poster": "q.jpg", "share": "q-share.jpg"}
    for name in names.values():
        (folder / name).write_bytes(b"x")
    answer = session.answers[0]
    clip = Clip(answer_id=answer.id, key=plan_key(session, answer, title=SETTINGS.title), duration_ms=1000, **names)
    (folder / note_name(answer.id)).write_text(json.dumps(clip.to_json()))
    return tmp_path / "media"


def build(session: ArchivedSession, media: Path, settings: SiteSettings = SETTINGS) -> tuple[set[str], str]:
    """The files of the first answer's clip, and its page."""
    files = plan_site([session], settings, theme(), media_root=media).render()
    mine = {path.rpartition("/")[2]: content for path, content in files.items() if path.startswith("a/q1-")}
    page = mine.get("index.html", b"")
    assert isinstance(page, bytes)
    return set(mine) & (HEAVY | LIGHT), page.decode("utf-8")


def changed(**changes: object) -> ArchivedSession:
    session = make_session()
    return replace(session, answers=(replace(session.answers[0], **changes), *session.answers[1:]))  # type: ignore[arg-type]


def test_a_clip_is_offered_while_it_is_right(media: Path) -> None:
    """Its files are linked and its picture named; no word of the answer may differ from what it was made of."""
    files, page = build(make_session(), media)
    assert files == HEAVY | LIGHT
    assert '<meta property="og:image" content="https://antworten.example.org/a/q1-router-blinkt-rot/share.jpg">' in page
    assert '<meta name="twitter:image"' in page
    assert 'download="q1-router-blinkt-rot.mp4"' in page
    for other in (changed(question="Warum?"), changed(answerers=("Ute Groß",)), changed(ranges=())):
        files, page = build(other, media)
        assert files == set()
        assert "og:image" not in page


@pytest.mark.parametrize("state", [AnswerState.DRAFT, AnswerState.WITHDRAWN, AnswerState.SUPERSEDED])
def test_only_published_answers_have_clips(media: Path, state: AnswerState) -> None:
    """A clip of anything else stays where it is made."""
    assert build(changed(state=state), media)[0] == set()


def test_films_go_the_way_of_recordings(media: Path) -> None:
    """Where recordings are kept out of the site so are films; where they are served elsewhere films are too."""
    files, page = build(make_session(), media, replace(SETTINGS, media="none"))
    assert files == LIGHT
    assert "clip.mp4" not in page
    files, page = build(make_session(), media, replace(SETTINGS, media_url="https://media.example.org/x"))
    assert files == LIGHT
    assert f'href="https://media.example.org/x/{make_session().id}/clips/q.mp4"' in page


def test_notes_that_are_not_ours_count_as_none(media: Path) -> None:
    """A note that is broken, or names files elsewhere, makes no clip; a link out of the folder fails the build."""
    folder = clips_folder(media, make_session().id)
    note = folder / note_name("q1")
    good = json.loads(note.read_text())
    for bad in ("{", "[]", json.dumps(good | {"video": "../../secret"}), json.dumps(good | {"method": "magic"})):
        note.write_text(bad)
        assert build(make_session(), media)[0] == set()
    note.write_text(json.dumps(good))
    (folder / "q.vtt").unlink()
    assert build(make_session(), media)[0] == set()
    (folder / "q.vtt").symlink_to(note)
    with pytest.raises(BadArchive, match="symbolic link"):
        build(make_session(), media)
