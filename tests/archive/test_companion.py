"""What stands beside a video: its clock, chapters, description and captions, by the platform's rules."""

from __future__ import annotations

import io
import sys
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import webvtt
from hypothesis import example, given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from reading import Page
from records import HOSTILE, make_session, sessions, transcripts

from streamhub.answers.answer import AnswerState
from streamhub.archive.archived import ArchivedRecording, ArchivedSession
from streamhub.archive.blurb import (
    CLOSE_LINE,
    OPEN_LINE,
    Blurb,
    plan_blurb,
    plan_description,
    plan_takeout,
)
from streamhub.archive.chapters import ChapterRule, check_chapters, clean_title, format_chapter, plan_chapters
from streamhub.archive.companion import (
    choose_recordings,
    find_cut,
    format_captions,
    plan_companion,
    plan_recording,
    plan_video_clock,
    settle_captions,
)
from streamhub.archive.folder import are_recordings_ours, load_session, save_recordings, save_session
from streamhub.archive.format import parse_session, render_session
from streamhub.archive.media import plan_jump
from streamhub.archive.site import plan_site
from streamhub.archive.theme import load_theme
from streamhub.config import SiteSettings
from streamhub.live.problem import ProblemCode
from streamhub.live.video import Chapter, Video, VideoState
from streamhub.live.youtube.texts import find_markers
from streamhub.recording.recording import ClockMap, ClockPiece
from streamhub.timecode import Span, add_ms
from streamhub.transcript.transcript import Cue, Transcript

ZERO = datetime(2027, 3, 2, 19, 0, tzinfo=UTC)
NAMES = {"platform": "Tube", "command": "tube"}
TITLES = (
    *HOSTILE,
    "<b>Was kostet's?</b>",
    "🙂👩‍👩‍👧‍👦 Emoji 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "w" * 300,
    "Wort " * 60,
    "\u202eecnatsid\u202c \u200fשלום\u200e",
    "um 20:15 Uhr oder 1:02:03",
    "7:30",
    "0:00",
    "a\nb\r\nc\u2028d\u0085e\x0bf",
    "",
    "   ",
    "\u200d",
)
titles = st.text(max_size=320) | st.sampled_from(TITLES)
points = st.lists(st.builds(Chapter, at_ms=st.integers(0, 5_000_000), title=titles), max_size=14)
VIDEO = Video(
    ref="v1",
    state=VideoState.READY,
    watch_url="https://tube.example/watch?v=v1",
    title="Netz",
    description="",
    duration_ms=42_000,
    started_at=ZERO,
    ended_at=add_ms(ZERO, 42_000),
)


def blurb_of(*chapters: tuple[int, str], link: str = "https://archive.example/s/1/", **more: int) -> Blurb:
    return Blurb(link=link, chapters=tuple(Chapter(at_ms=at * 1000, title=title) for at, title in chapters), **more)


THREE = blurb_of((0, "Beginn"), (12, "Eins"), (70, "Zwei"))


# --- the clock


@given(head_ms=st.integers(-(10**7), 10**7), duration_ms=st.integers(0, 10**8), at_ms=st.integers(0, 10**8))
def test_a_video_begins_when_its_broadcast_began(head_ms: int, duration_ms: int, at_ms: int) -> None:
    """Every session time that the video holds is found where wall clocks say, and nothing outside it is."""
    clock = plan_video_clock(ZERO, started_at=add_ms(ZERO, head_ms), ended_at=None, duration_ms=duration_ms)
    expected_ms = at_ms - head_ms
    inside = 0 <= expected_ms <= duration_ms and any(piece.session.start_ms <= at_ms for piece in clock.pieces)
    assert clock.media_ms(at_ms) == (expected_ms if inside else None)
    for piece in clock.pieces:
        assert piece.session.duration_ms == piece.media.duration_ms > 0
        assert piece.media.end_ms == duration_ms


def test_without_a_length_the_end_of_the_broadcast_counts() -> None:
    """A video whose length is not known yet ends where its broadcast did; without an end nothing is known."""
    ended = add_ms(ZERO, 60_000)
    clock = plan_video_clock(ZERO, started_at=add_ms(ZERO, -10_000), ended_at=ended, duration_ms=0)
    assert clock.pieces == (ClockPiece(Span(0, 60_000), Span(10_000, 70_000)),)
    assert plan_video_clock(ZERO, started_at=ZERO, ended_at=None, duration_ms=0).pieces == ()


def test_parts_of_a_long_session_have_their_own_clocks() -> None:
    """After a roll over an answer is found in the part that shows it, and nowhere else."""
    first = plan_video_clock(ZERO, started_at=ZERO, ended_at=None, duration_ms=3_600_000)
    second = plan_video_clock(ZERO, started_at=add_ms(ZERO, 3_601_000), ended_at=None, duration_ms=600_000)
    assert (first.media_ms(3_700_000), second.media_ms(3_700_000)) == (None, 99_000)
    assert (first.media_ms(130_000), second.media_ms(130_000)) == (130_000, None)


@pytest.mark.parametrize(
    ("missing_ms", "told"), [(0, None), (5_000, None), (5_001, "5"), (61_000, "61"), (-9_000, None)]
)
def test_a_video_that_was_cut_is_told(missing_ms: int, told: str | None) -> None:
    """A video over five seconds shorter than its broadcast is a problem that names the seconds."""
    problem = find_cut(replace(VIDEO, duration_ms=42_000 - missing_ms), NAMES)
    assert (problem.details["seconds"] if problem else None) == told
    assert find_cut(replace(VIDEO, duration_ms=0), NAMES) is None


# --- chapters


@given(points=points, duration_ms=st.sampled_from([0, 0, 5_000, 600_000, 5_000_000]))
def test_chapters_keep_the_rules(points: list[Chapter], duration_ms: int) -> None:
    """Whatever is asked and whenever, three chapters or more pass the check, and every line reads back."""
    chapters = plan_chapters(points, duration_ms=duration_ms, opening="Beginn")
    lines = [format_chapter(chapter) for chapter in chapters]
    text = "\n".join(lines)
    broken = {one.rule for one in check_chapters(text, duration_ms=max(duration_ms, 10_000) if duration_ms else 0)}
    few = {ChapterRule.FEW} if 0 < len(chapters) < 3 else set()
    assert broken - {ChapterRule.LENGTH} == few
    assert len(text.splitlines()) == len(chapters)
    assert all(len(chapter.title) <= 100 and chapter.title == chapter.title.strip() for chapter in chapters)


@given(titles)
@example("<" * 300)
@example("1:00:00:00:00")
@example("٣:٣٠ arabic digits")
def test_titles_are_plain_lines(title: str) -> None:
    """A cleaned title holds no bracket, no break, no hidden character and no time, fits, and is cleaned for good."""
    clean = clean_title(title)
    assert len(clean) <= 100
    assert not set(clean) & set("<>\n\r")
    assert not any(unicodedata.category(one) in {"Cc", "Zl", "Zp", "Cs"} for one in clean)
    assert not any(one in clean for one in "\u202e\u200f\u200e\u2066\u061c\ufeff\u00ad")
    assert clean_title(clean) == clean
    assert not clean or not check_chapters(f"0:00 {clean}\n0:10 {clean}\n0:20 {clean}")


def test_titles_are_cut_between_words() -> None:
    """A long title ends at a word with an ellipsis; emoji and umlauts stay, a time loses its colon."""
    assert clean_title("Wort " * 60) == ("Wort " * 20).strip() + "…"
    assert clean_title("Worte " * 60) == ("Worte " * 16).strip() + "…"
    assert clean_title("Größe 👩‍👧 um 20:15 <jetzt>") == "Größe 👩‍👧 um 20.15 ‹jetzt›"
    assert clean_title("x" * 300) == "x" * 99 + "…"


@pytest.mark.parametrize("said", ["[sh:abc123]", "[s\u200bh:abc123]", "[[sh:x]sh:abc123]"])
def test_what_a_viewer_typed_is_no_marker(said: str) -> None:
    """A question that quotes another broadcast's marker does not make this video pass for that broadcast."""
    points = [Chapter(at_ms=n * 60_000, title=f"Frage {n} {said}") for n in range(4)]
    lines = [format_chapter(chapter) for chapter in plan_chapters(points, duration_ms=600_000, opening="Beginn")]
    assert len(lines) == 4
    assert find_markers("\n".join(lines)) == ()


def test_short_chapters_are_joined() -> None:
    """The first is at 0:00, what lasts under ten seconds joins the one before, and so does the very end."""
    asked = [(4, "Eins"), (9, "Zwei"), (30, "Drei"), (35, "Vier"), (50, "Fünf"), (115, "Sechs")]
    found = plan_chapters([Chapter(at_ms=s * 1000, title=t) for s, t in asked], duration_ms=120_000, opening="Beginn")
    assert [format_chapter(one) for one in found] == ["0:00 Eins · Zwei", "0:30 Drei · Vier", "0:50 Fünf · Sechs"]
    late = plan_chapters([Chapter(at_ms=3_723_900, title="Spät")], duration_ms=0, opening="Start")
    assert [format_chapter(one) for one in late] == ["0:00 Start", "1:02:03 Spät"]


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("no times at all", []),
        ("0:00 a\n0:10 b\n0:20 c", []),
        ("00:00 a\n00:10 b\n01:20 c", []),
        ("0:00 a\n59:59 b\n1:00:09 c\n11:00:09 d", []),
        ("0:01 a\n0:20 b\n0:40 c", [(1, "FIRST")]),
        ("0:00 a\n0:10 b", [(0, "FEW")]),
        ("0:00 a\n0:09 b\n0:20 c", [(1, "SHORT")]),
        ("0:00 a\n0:30 b\n0:30 c", [(3, "ORDER")]),
        ("0:00 a\n0:30 b\n0:20 c", [(3, "ORDER")]),
        ("0:00 a\n0:75 b\n1:40 c", [(2, "TIME")]),
        ("0:00 a\n60:00 b\n1:10:00 c", [(2, "TIME")]),
        ("0:00 a\n0:5 b\n0:40 c", [(1, "SHORT"), (2, "TIME")]),
        ("0:00 a\n0:10b\n0:20 c", [(2, "TIME")]),
        ("0:00 a\n0:10 \n0:20 c", [(2, "TITLE")]),
        ("0:00 a\n0:10 um 9:30\n0:20 c", [(2, "SECOND_TIME")]),
        ("0:00 a\n0:10 <b>\n0:20 c", [(2, "CHARACTER")]),
        ("0:00 a\n0:10 \u202eb\n0:20 c", [(2, "CHARACTER")]),
        (f"0:00 a\n0:10 {'b' * 101}\n0:20 c", [(2, "LONG_TITLE")]),
        (f"0:00 a\n0:10 b\n0:20 c\n{'ü' * 2500}", [(0, "LENGTH")]),
        ("20:15 Uhr geht es los\n0:00 a\n0:10 b\n0:20 c", [(1, "FIRST"), (2, "ORDER")]),
    ],
)
def test_the_check_names_rule_and_line(text: str, rules: list[tuple[int, str]]) -> None:
    """Each rule is found broken where it is broken; the check knows nothing of how chapters are made."""
    assert [(one.line, one.rule.name) for one in check_chapters(text)] == rules


# --- the description

described = st.text(st.characters(exclude_categories=["Cs"]), max_size=200) | st.sampled_from(
    ["", "Text\n\n[sh:abc]", "[sh:abc]", "Text\n", "\r\nText\r\n\r\n[sh:x y]  \n", "a\n\n\n"]
)


@given(there=described, block=st.sampled_from(["", "one", "two"]))
def test_only_our_block_is_replaced(there: str, block: str) -> None:
    """A block can be put in, exchanged and taken out, and everything else is as it was, byte for byte."""
    lines = "\n".join([OPEN_LINE, block, CLOSE_LINE]) if block else ""
    put = plan_description(there, "\n".join([OPEN_LINE, "earlier", CLOSE_LINE])).after
    after = plan_description(put, lines).after
    assert plan_description(after, "").after == there
    assert plan_description(after, lines).changes is False
    assert lines in after
    assert after.count(OPEN_LINE) == bool(block)


def test_the_marker_stays_the_last_line() -> None:
    """The block stands before the marker of the broadcast, and the host is shown which lines come and go."""
    change = plan_description("Worum es geht\n\n[sh:k1]", f"{OPEN_LINE}\nx\n{CLOSE_LINE}")
    assert change.after == f"Worum es geht\n\n{OPEN_LINE}\nx\n{CLOSE_LINE}\n\n[sh:k1]"
    assert (change.added, change.removed) == ((OPEN_LINE, "x", CLOSE_LINE, ""), ())


def test_edits_outside_the_block_stay() -> None:
    """What somebody wrote before and after the block in the platform's own editor is not touched."""
    there = f"Neu oben\n{OPEN_LINE}\nalt\n{CLOSE_LINE}\nNeu unten\n[sh:k1]"
    assert plan_blurb(there, blurb_of(), NAMES).change.after == (
        f"Neu oben\n{OPEN_LINE}\nAlle Fragen und Antworten zum Nachlesen: https://archive.example/s/1/\n{CLOSE_LINE}\n"
        "Neu unten\n[sh:k1]"
    )


def test_a_block_without_its_end_is_ours_until_the_next_empty_line() -> None:
    """Somebody deleted our closing line: what we wrote still goes, what follows an empty line stays."""
    there = f"Text\n{OPEN_LINE}\n0:00 alt\n0:20 geheim\n\nMehr\n[sh:k]"
    after = plan_description(there, "").after
    assert "geheim" not in after
    assert "Mehr\n[sh:k]" in after


def test_fewer_than_three_chapters_are_none() -> None:
    """Under three chapters only the link is written, and the problem says how many there were."""
    plan = plan_blurb("", blurb_of((0, "Beginn"), (20, "Eins")), NAMES)
    assert "0:20" not in plan.change.after
    assert "https://archive.example/s/1/" in plan.change.after
    assert plan.problem is not None
    assert (plan.problem.code, plan.problem.details["reason"]) == (ProblemCode.CHAPTERS_INVALID, "2 < 3")
    assert not plan_blurb("Text", blurb_of(link=""), NAMES).change.changes


def test_a_persons_line_with_a_time_keeps_chapters_out() -> None:
    """A line of the person's that begins with a time would spoil them all, so they are left out and the line named."""
    plan = plan_blurb("20:15 Uhr live!", THREE, NAMES)
    assert "0:12" not in plan.change.after
    assert plan.problem is not None
    assert (plan.problem.code, plan.problem.details["line"]) == (ProblemCode.CHAPTERS_CLASH, "20:15 Uhr live!")


def test_titles_are_shortened_before_chapters_are_given_up() -> None:
    """A description that is nearly full gets shorter titles, a fuller one no chapters, a full one nothing of ours."""
    blurb = blurb_of(*((20 * number, f"{number} {'Wort ' * 19}".strip()) for number in range(30)))
    roomy, tight, full = (plan_blurb("x" * size, blurb, NAMES) for size in (2500, 4500, 4995))
    assert roomy.problem is None
    assert "…" in roomy.change.after
    assert len(roomy.change.after.encode()) <= 5000
    assert check_chapters(roomy.change.after) == []
    assert tight.problem is not None
    assert tight.problem.code is ProblemCode.DESCRIPTION_FULL
    assert "https://" in tight.change.after
    assert "0:20" not in tight.change.after
    assert full.change.changes is False


@given(there=described, points=points, duration_ms=st.sampled_from([0, 900_000, 5_000_000]))
def test_no_description_is_written_that_breaks_a_rule(there: str, points: list[Chapter], duration_ms: int) -> None:
    """With any text around it and any titles, what is written is short enough and its chapters are valid."""
    chapters = plan_chapters(points, duration_ms=duration_ms, opening="Beginn")
    plan = plan_blurb(there, Blurb(link="https://a.example/", chapters=chapters, duration_ms=duration_ms), NAMES)
    ours = plan.change.after
    assert len(ours.encode()) <= 5000
    assert plan_description(ours, "").after == plan_description(there, "").after
    if plan.problem is None:
        assert check_chapters(ours, duration_ms=duration_ms) == []


def test_a_withdrawal_adds_nothing() -> None:
    """Without a host's word lines only go: the withdrawn chapter, and all chapters when under three are left."""
    there = plan_blurb("Text\n\n[sh:k]", blurb_of((0, "Beginn"), (12, "Eins"), (30, "Zwei"), (70, "Drei")), NAMES)
    fewer = blurb_of((0, "Beginn"), (12, "Eins"), (70, "Drei"), (90, "Neu"))
    after = plan_takeout(there.change.after, fewer).after
    assert "Zwei" not in after
    assert "Neu" not in after
    assert "0:12 Eins\n1:10 Drei" in after
    last = plan_takeout(after, blurb_of((0, "Beginn"), (70, "Drei"))).after
    assert "1:10" not in last
    assert "https://archive.example/s/1/" in last
    assert plan_takeout(last, blurb_of(link="")).after == "Text\n\n[sh:k]"
    assert OPEN_LINE not in plan_takeout(last, blurb_of(link="")).after


# --- captions

cues = st.lists(
    st.builds(
        Cue,
        id=st.sampled_from(["c1", "-->", "", "x\ny"]),
        span=st.tuples(st.integers(0, 60_000), st.integers(0, 9_000)).map(lambda p: Span(p[0], p[0] + p[1])),
        text=st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(HOSTILE),
        speaker=st.sampled_from(["", "Anna", "<v x>", "a-->b", "\u202eevil"]),
    ),
    max_size=12,
)


@given(cues)
def test_captions_follow_each_other(cues: list[Cue]) -> None:
    """No cue is empty or overlaps the next, and every word that lasts is still said."""
    settled = settle_captions(cues)
    assert all(cue.text.strip() and cue.span.duration_ms > 0 for cue in settled)
    assert all(before.span.end_ms <= after.span.start_ms for before, after in pairwise(settled))
    said = " ".join(cue.text for cue in settled)
    for cue in cues:
        plain = settle_captions([cue])
        assert not plain or plain[0].text in said


@given(cues, st.integers(-30_000, 30_000))
def test_captions_read_back(cues: list[Cue], head_ms: int) -> None:
    """Another library reads what we write: the same number of captions, in order, with the same words."""
    clock = plan_video_clock(ZERO, started_at=add_ms(ZERO, head_ms), ended_at=None, duration_ms=50_000)
    text = format_captions(Transcript(language="de", cues=tuple(cues)), clock)
    if not text:
        return
    read = webvtt.from_buffer(io.StringIO(text))
    spans = [(caption.start_in_seconds, caption.end_in_seconds) for caption in read]
    assert spans
    assert spans == sorted(spans)
    assert all(caption.text.strip() for caption in read)
    assert text.count(" --> ") == len(spans)
    assert all(0 <= start <= end <= 51 for start, end in spans)


def test_what_is_said_at_once_is_shown_at_once() -> None:
    """Two who begin together share a caption that names them; who is interrupted is cut short."""
    cues = (
        Cue(id="c1", span=Span(0, 2000), text="Guten Abend.", speaker="Anna"),
        Cue(id="c2", span=Span(100, 1500), text="Hallo!", speaker="Ben"),
        Cue(id="c3", span=Span(1800, 3000), text="Los geht’s.", speaker="Anna"),
    )
    found = [(cue.span, cue.speaker, cue.text) for cue in settle_captions(cues)]
    assert found == [(Span(0, 1800), "", "Anna: Guten Abend. – Ben: Hallo!"), (Span(1800, 3000), "Anna", "Los geht’s.")]


# --- the whole


def recording_of(video: Video = VIDEO) -> ArchivedRecording:
    return plan_recording(video, platform="tube", label="Tube", session_started_at=ZERO)


def test_only_what_the_site_may_show_stands_beside_the_video() -> None:
    """Drafts and withdrawn answers are in no chapter and no caption; the published one is, on the video's clock."""
    video = replace(VIDEO, started_at=add_ms(ZERO, -3_000))
    found = plan_companion(make_session(), recording_of(video), site_url="https://archive.example/")
    assert found.blurb.link == "https://archive.example/s/2027-03-02-netz/"
    assert found.blurb.chapters == (Chapter(at_ms=0, title="Warum blinkt mein Router rot?"),)
    assert found.shown == ("q1",)
    captions = found.captions["de"]
    assert "Zebraprojekt" not in captions
    assert "Nilpferd" not in captions
    assert "00:00:08.000 --> 00:00:12.800\n<v Clara Roth>Maria fragt" in captions


def test_a_session_that_is_not_public_has_no_companion() -> None:
    """As long as nothing is published, nothing is written anywhere, not even captions."""
    drafts = tuple(replace(answer, state=AnswerState.DRAFT) for answer in make_session().answers)
    found = plan_companion(make_session(answers=drafts), recording_of(), site_url="https://archive.example")
    assert (found.blurb.link, found.blurb.chapters, found.captions, found.shown) == ("", (), {}, ())


@given(sessions(), st.integers(-100_000, 100_000))
def test_any_archive_has_a_companion(session: ArchivedSession, head_ms: int) -> None:
    """Whatever the archive says, the plan is made, and its chapters and captions hold to the rules."""
    video = replace(VIDEO, started_at=add_ms(ZERO, head_ms), duration_ms=10**7)
    found = plan_companion(session, recording_of(video), site_url="https://a.example")
    plan = plan_blurb("Text", found.blurb, NAMES)
    assert plan.problem is not None or not check_chapters(plan.change.after, duration_ms=10**7)
    assert all(text.startswith("WEBVTT") for text in found.captions.values())


def test_a_flash_at_the_beginning_of_the_video_is_no_caption() -> None:
    """Of a sentence that the video holds only the last 80 ms of, nothing is shown; a short word stays."""
    cues = (
        Cue(id="c1", span=Span(0, 10_080), text="Vor dem Video gesagt."),
        Cue(id="c2", span=Span(10_500, 10_700), text="Ja."),
    )
    clock = ClockMap((ClockPiece(Span(10_000, 60_000), Span(0, 50_000)),))
    text = format_captions(Transcript(language="de", cues=cues), clock)
    assert "Ja." in text
    assert "Vor dem Video" not in text


@given(transcripts("en"))
def test_captions_of_the_archive_keep_their_words(transcript: Transcript) -> None:
    """Every caption of a session without secrets is there, with the words it has in the archive."""
    text = format_captions(transcript, ClockMap.identity(10**8))
    assert text.count(" --> ") == sum(bool(settle_captions([cue])) for cue in transcript.cues)


# --- links from the site


def with_video(**changes: object) -> ArchivedSession:
    """The small session with a platform's video beside its file; the video began 90 s before the session."""
    started = ZERO - timedelta(seconds=90)
    video = replace(VIDEO, started_at=started, duration_ms=4_000_000, ended_at=None)
    session = make_session()
    extra = replace(recording_of(video), **changes)  # type: ignore[arg-type]
    return replace(session, recordings=choose_recordings(session.recordings, extra))


def pages(session: ArchivedSession, media: Path | None = None) -> tuple[str, str]:
    files = plan_site((session,), SiteSettings(), load_theme(), media_root=media).render()
    answer = next(name for name in files if name.startswith("a/q1-") and name.endswith("index.html"))
    return bytes(files[answer]).decode(), bytes(files["s/2027-03-02-netz/index.html"]).decode()  # type: ignore[arg-type]


def test_the_archive_links_to_the_second_of_the_video() -> None:
    """Answer and session link to the platform at their second, as a plain link; nothing of it is embedded."""
    answer, session = pages(with_video())
    assert (
        'href="https://tube.example/watch?v=v1&amp;t=95s" rel="noopener noreferrer">Auf Tube ansehen, ab 1:35' in answer
    )
    assert (
        'href="https://tube.example/watch?v=v1&amp;t=90s" rel="noopener noreferrer">Auf Tube ansehen, ab 1:30'
        in session
    )
    for text in (answer, session):
        page = Page(text)
        loaded = [one.attributes for one in page.elements if one.name in {"iframe", "script", "img", "video", "source"}]
        assert not any("tube.example" in str(attributes) for attributes in loaded)
        assert "tube.example" not in text.split("<body", 1)[0]
        assert "Die Aufzeichnung ist hier nicht verfügbar" not in text


def test_the_file_stays_the_player(tmp_path: Path) -> None:
    """Where the hub's own recording is there, it is played, and the link stands below it."""
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings/netz.mp4").write_bytes(b"\0" * 64)
    answer, _ = pages(with_video(), tmp_path)
    assert answer.index("data-player") < answer.index("Auf Tube ansehen")
    first = with_video()
    swapped = replace(first, recordings=first.recordings[::-1])
    assert pages(swapped, tmp_path)[0] == answer


@pytest.mark.parametrize(
    "url", ["http://tube.example/w", "javascript:alert(1)", "//tube.example/w", "https:///x", "https://[", "x"]
)
def test_only_https_videos_are_linked(url: str) -> None:
    """An address of a video that is not https is no link, and does not break the page."""
    assert plan_jump(url, 5_000) == ""


def test_a_jump_keeps_the_address() -> None:
    """The second is a query of its own; a second that was there gives way, and the first second needs none."""
    assert (
        plan_jump("https://t.example/watch?v=a%26b&t=5&list=x#f", 130_999)
        == "https://t.example/watch?v=a%26b&list=x&t=130s#f"
    )
    assert plan_jump("https://t.example/w", 999) == "https://t.example/w"


def test_the_machine_adds_a_recording_as_the_machine(tmp_path: Path) -> None:
    """What nobody touched stays the pipeline's to fill; once a person changed it, it is the person's for good."""
    session = make_session()
    save_session(tmp_path, session)
    loaded = load_session(tmp_path, session.show_id, session.id)
    save_recordings(tmp_path, loaded, with_video().recordings)
    again = load_session(tmp_path, session.show_id, session.id)
    assert again.recordings == with_video().recordings
    assert are_recordings_ours(tmp_path, again)
    longer = replace(session.recordings[0], duration_ms=99_000)
    save_session(tmp_path, replace(session, recordings=(longer,)))
    assert load_session(tmp_path, session.show_id, session.id).recordings == (longer,)
    path = tmp_path / session.show_id / session.id / "session.md"
    path.write_text(path.read_text("utf-8").replace("00:01:39.000", "00:01:38.000"), "utf-8")
    edited = load_session(tmp_path, session.show_id, session.id)
    save_recordings(tmp_path, edited, (*edited.recordings, with_video().recordings[1]))
    assert not are_recordings_ours(tmp_path, edited)
    save_session(tmp_path, session)
    kept = load_session(tmp_path, session.show_id, session.id).recordings
    assert [one.duration_ms for one in kept] == [98_000, 4_000_000]


def test_the_label_reads_back() -> None:
    """The platform's name stands in the session's file, and files without it read as before."""
    session = with_video()
    files = render_session(session)
    assert parse_session(files) == session
    head = files["service-runde/2027-03-02-netz/session.md"]
    assert head.count("label:") == 1
    assert "label: Tube" in head
