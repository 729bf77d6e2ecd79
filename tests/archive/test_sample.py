"""The sample archive in the repository: it reads, builds and is worth looking at."""

from __future__ import annotations

from pathlib import Path

from streamhub.archive.folder import load_archive
from streamhub.archive.format import canonical, parse_session, render_session
from streamhub.archive.site import plan_site
from streamhub.archive.theme import load_theme
from streamhub.archive.writer import write_site
from streamhub.config import SiteSettings

SAMPLE = Path(__file__).resolve().parents[2] / "transcripts"


def test_the_sample_archive_becomes_a_site(tmp_path: Path) -> None:
    """Both languages have answers, every one of them has its page, and a second build writes nothing."""
    archive = load_archive(SAMPLE)
    assert {session.language for session in archive} == {"de", "en"}
    plan = plan_site(archive, SiteSettings(), load_theme(), media_root=None)
    assert write_site(plan, tmp_path).written > 50
    pages = {path.parent.name for path in tmp_path.glob("a/*/index.html")}
    assert pages == {f"{answer.id}-{answer.slug}" for session in archive for answer in session.answers}
    assert write_site(plan, tmp_path).written == 0


def test_the_sample_reads_back_as_it_would_be_written() -> None:
    """The sample's sessions survive being written anew."""
    for session in load_archive(SAMPLE):
        assert parse_session(render_session(session)) == canonical(session)
