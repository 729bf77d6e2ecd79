"""The pages of answers alone: made by this program, and by Hugo from the same texts.

Hugo is given as little as can be asked of a generator: of each page the finished inside of its ``main`` element, its
title and its data, which it puts into the frame of a page. This program reads its archive, finds out what is like what,
and makes that inside too.
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

from streamhub.archive.folder import list_sessions, load_session
from streamhub.archive.gist import SessionGist, plan_gist
from streamhub.archive.gists import Gists, plan_slip
from streamhub.archive.library import plan_library
from streamhub.archive.pages import Frame, Printer, plan_csp
from streamhub.archive.public import PublicSession, show_session
from streamhub.archive.structured import absolute, describe_answer
from streamhub.archive.theme import load_theme
from streamhub.archive.viewing import view_answer

ADDRESS = "https://archive.example"
_PAGE = re.compile(
    r"(?P<top>.*<title>)(?P<title>[^<]*)(?P<head></title>.*<main id=\"content\">)(?P<main>.*)(?P<end></main>.*)"
    r"(?P<data><script type=\"application/ld\+json\">.*?</script>)(?P<rest>.*)",
    re.DOTALL,
)
_HUGO = f"""baseURL = "{ADDRESS}/"
title = "Answers"
disableKinds = ["taxonomy", "term", "RSS", "sitemap", "home", "section", "404"]
[security]
allowContent = ["^text/html$"]
"""


def make_answer_pages(root: Path, target: Path) -> dict[str, Any]:
    """Read an archive and write the page of each answer, and nothing else."""
    found: dict[str, PublicSession] = {}
    gists: dict[str, SessionGist] = {}
    for show, session_id in list_sessions(root):
        session = show_session(load_session(root, show, session_id))
        if session:
            gist = plan_gist(session, digest="", clip_keys={})
            found[gist.where], gists[gist.where] = session, gist
    library = plan_library(Gists(map(plan_slip, gists.values()), gists.__getitem__))
    frame = Frame(
        title="Answers",
        language="de",
        url=ADDRESS,
        hub_url="",
        csp=plan_csp([]),
        has_products=bool(library.products),
        has_people=True,
        has_topics=True,
    )
    printer, address = Printer(load_theme(), frame), partial(absolute, ADDRESS)
    written = size = 0
    for session in found.values():
        for answer in session.answers:
            view = view_answer(answer, session, library, None)
            page = printer.print_page("answer.html", view, data=describe_answer(view, address))
            (target / answer.url).mkdir(parents=True)
            (target / answer.url / "index.html").write_bytes(page)
            written, size = written + 1, size + len(page)
    return {"written": written, "size_bytes": size}


def prepare_hugo(pages: Path, site: Path) -> None:
    """Write a site for Hugo from finished pages of answers."""
    content, layouts = site / "content" / "a", site / "layouts" / "_default"
    content.mkdir(parents=True)
    layouts.mkdir(parents=True)
    (site / "hugo.toml").write_text(_HUGO)
    layout = ""
    for path in sorted(pages.glob("a/*/index.html")):
        found = _PAGE.fullmatch(path.read_text("utf-8"))
        assert found, path
        head = {"title": found["title"], "data": found["data"]}
        (content / f"{path.parent.name}.html").write_text(
            json.dumps(head, ensure_ascii=False) + "\n" + found["main"], "utf-8"
        )
        layout = layout or "{}{{{{ .Title }}}}{}{{{{ .Content }}}}{}{{{{ .Params.data | safeHTML }}}}{}".format(
            found["top"], found["head"], found["end"], found["rest"]
        )
    (layouts / "single.html").write_text(layout, "utf-8")


def run_hugo(hugo: str, site: Path) -> dict[str, Any]:
    """Let Hugo build such a site; CPU seconds and memory are the child's."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([hugo, "--source", str(site), "--destination", str(site / "out"), "--quiet"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    files = [path for path in (site / "out").rglob("*") if path.is_file()]
    return {
        "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "written": len(files),
        "size_bytes": sum(path.stat().st_size for path in files),
        "child_mb": after.ru_maxrss / 1024,
    }
