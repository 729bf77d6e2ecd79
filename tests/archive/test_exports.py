"""What of a session can be taken along: it says what the page says, in notations that other programs read."""

from __future__ import annotations

import csv
import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import webvtt
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

sys.path.insert(0, str(Path(__file__).parent))
from records import HOSTILE, make_session, texts, transcripts

from streamhub.archive.archived import ArchivedSession
from streamhub.archive.exports import escape_markdown, render_srt
from streamhub.archive.site import plan_site
from streamhub.archive.theme import load_theme
from streamhub.config import SiteSettings
from streamhub.transcript.transcript import Transcript

BASE = "https://hilfe.example.org/"
FOLDER = "s/2027-03-02-netz/export"


def build(session: ArchivedSession, url: str = BASE) -> dict[str, str]:
    plan = plan_site((session,), SiteSettings(url=url), load_theme(), media_root=None)
    made = plan.render().items()
    return {path: content.decode() for path, content in made if path.startswith("s/") and isinstance(content, bytes)}


@given(texts | st.text(st.characters(codec="utf-8", categories=["P", "S", "Nd", "Zs"]), max_size=20))
def test_escaped_markdown_is_nothing_but_text(text: str) -> None:
    """Whatever somebody typed is the same words for a Markdown reader that lets HTML through, and no markup."""
    escaped = escape_markdown(text)
    frame = {"paragraph", "heading", "blockquote"}
    for opening in ("x ", "> ", "## "):
        tokens = MarkdownIt("commonmark", {"html": True}).parse(opening + escaped)
        assert {token.type.rpartition("_")[0] or "inline" for token in tokens} <= {*frame, "inline"}
        inner = [child for token in tokens for child in token.children or []]
        assert {child.type for child in inner} <= {"text", "text_special"}
        read = "".join(child.content for child in inner).split()
        assert read[opening == "x " :] == text.replace("\0", "\ufffd").split()


@given(transcripts("de"))
def test_subtitles_are_read_by_other_programs(transcript: Transcript) -> None:
    """As many cues at the same times come out of SubRip as went in."""
    read = webvtt.from_buffer(io.BytesIO(render_srt(transcript)), format="srt") if transcript.cues else []
    times = [(cue.start_in_seconds, cue.end_in_seconds) for cue in read]
    assert times == [(cue.span.start_ms // 1000, cue.span.end_ms // 1000) for cue in transcript.cues]


def test_every_export_says_what_the_page_says() -> None:
    """Question, answer, address and numbers of each answer stand in recap, post, table and data."""
    session = make_session()
    files = build(session)
    published = [one for one in session.answers if one.state == "published"]
    assert published
    data = json.loads(files[f"{FOLDER}/session.json"])
    table = list(csv.DictReader(io.StringIO(files[f"{FOLDER}/answers.csv"].removeprefix("\ufeff")), delimiter=";"))
    assert [one["id"] for one in data["answers"]] == [line["id"] for line in table] == [one.id for one in published]
    for answer, found, line in zip(published, data["answers"], table, strict=True):
        assert found["question"] == line["question"] == answer.question
        assert found["votes"] == int(line["votes"]) == answer.votes
        assert found["address"].startswith(f"{BASE}a/{answer.id}-")
        for name in ("recap.md", "post.md", "post.html"):
            assert answer.question in files[f"{FOLDER}/{name}"]
            assert found["address"] in files[f"{FOLDER}/{name}"]
    for cue in data["transcript"]:
        assert cue["text"] in files[f"{FOLDER}/transcript.de.txt"]
    assert "<h1>" in files[f"{FOLDER}/post.html"]
    assert "noindex" in files[f"{FOLDER}/post.html"]


def test_the_page_offers_all_of_it() -> None:
    """Each file is linked from the session's page under its kind, and without a public address links stay relative."""
    files = build(make_session(), url="")
    page = files["s/2027-03-02-netz/index.html"]
    made = {path.rpartition("/")[2] for path in files if path.startswith(FOLDER)}
    assert made == {
        *("recap.md", "post.md", "post.html", "answers.csv", "transcript.de.txt", "captions.de.srt", "session.json")
    }
    for name in made:
        assert f'href="export/{name}"' in page
    assert "(../../../a/q1-" in files[f"{FOLDER}/post.md"]


def test_a_session_without_answers_offers_its_words() -> None:
    """An imported recording has subtitles, text and data, and no blog post about nothing."""
    files = build(replace(make_session(), answers=(), public=True))
    made = {path.rpartition("/")[2] for path in files if path.startswith(FOLDER)}
    assert made == {"transcript.de.txt", "captions.de.srt", "session.json"}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_runs_nowhere(text: str) -> None:
    """A question, a name and a caption with code in them are words in the blog post and in the table."""
    session = make_session()
    answers = tuple(replace(one, question=f"{text} ?", asker=text) for one in session.answers)
    files = build(replace(session, answers=answers))
    for name in ("recap.md", "post.md"):
        body = files[f"{FOLDER}/{name}"].rpartition("---\n")[2]
        tokens = MarkdownIt("commonmark", {"html": True}).parse(body)
        inner = [child for token in tokens for child in token.children or []]
        assert "html_block" not in {token.type for token in tokens}
        assert not {child.type for child in inner} & {"html_inline", "image"}
        assert all(child.attrGet("href").startswith(BASE) for child in inner if child.type == "link_open")  # type: ignore[union-attr]
    assert "<script>alert" not in files[f"{FOLDER}/post.html"]
    for line in csv.reader(io.StringIO(files[f"{FOLDER}/answers.csv"].removeprefix("\ufeff")), delimiter=";"):
        assert not any(cell.lstrip().startswith(("=", "+", "@")) for cell in line)
