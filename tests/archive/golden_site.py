"""The golden site: a small archive of plain files, and the site that has to come out of it.

    python tests/archive/golden_site.py      # builds `golden/public` anew; look at the diff before you commit it

In it are a German and an English session, media of our own with a clip and a video on a platform, answers spoken and in
writing, a draft, a withdrawn one and a superseded one, a session to come, and an event of it and the German one. Left
out of the committed tree are files that come from elsewhere as they are (styles, scripts, media) and the pieces of the
search's indexes, whose names are digests; tests of their own hold those. Digests, which change with every line of the
theme, are put out of sight.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from records import FILLED, place_recording

from streamhub.archive.coming import load_coming
from streamhub.archive.event_folder import load_events
from streamhub.archive.folder import load_archive
from streamhub.archive.site import plan_from_sources
from streamhub.archive.sources import Sources, hold
from streamhub.archive.theme import load_theme
from streamhub.archive.writer import MANIFEST, write_site
from streamhub.config import SiteSettings

GOLDEN = Path(__file__).parent / "golden"
ARCHIVE, PUBLIC = GOLDEN / "transcripts", GOLDEN / "public"
SETTINGS = SiteSettings(
    title="Antworten",
    url="https://antworten.example.org",
    licence="CC BY 4.0",
    licence_url="https://creativecommons.org/licenses/by/4.0/",
)
HUB = "https://hub.example.org"
_ELSEWHERE = ("static/", "media/", "search/", "speech/", "embed/index.html", MANIFEST)
_CLIP = re.compile(r"a/[^/]+/(?:clip|poster|share)\.\w+")
_DIGEST = re.compile(r"(?<=\?v=)[0-9a-f]{10}|(?<=\"digest\":\")[0-9a-f]{32}")


def build_golden() -> dict[str, str]:
    """The files of the site that are compared, by path."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        archive = load_archive(ARCHIVE)
        netz = next(session for session in archive if session.id.endswith("netz"))
        media = place_recording(folder / "media", netz, title=SETTINGS.title)
        plan = plan_from_sources(
            Sources(sessions=tuple(map(hold, archive)), events=load_events(ARCHIVE)),
            SETTINGS,
            load_theme(),
            media_root=media,
            hub_url=HUB,
            legal=replace(FILLED, accessibility_gaps="Karten."),
            coming=load_coming(ARCHIVE),
        )
        write_site(plan, folder / "public")
        return read_tree(folder / "public")


def read_tree(root: Path) -> dict[str, str]:
    """The compared files of a folder, by path."""
    files = {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*")) if path.is_file()}
    kept = {path: file for path, file in files.items() if not _is_elsewhere(path)}
    return {path: _DIGEST.sub("…", file.read_bytes().decode()) for path, file in kept.items()}


def _is_elsewhere(path: str) -> bool:
    return (path.startswith(_ELSEWHERE) and not path.endswith(("index.html", ".xml"))) or bool(_CLIP.fullmatch(path))


def renew() -> int:
    """Write the tree anew; how many files it has."""
    files = build_golden()
    shutil.rmtree(PUBLIC, ignore_errors=True)
    for path, text in files.items():
        place = PUBLIC / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode())
    return len(files)


if __name__ == "__main__":
    print(f"{renew()} files in {PUBLIC}; look at git diff")
