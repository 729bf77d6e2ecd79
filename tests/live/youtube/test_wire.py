"""Texts and resources between the hub and YouTube: hostile titles, the marker, whole parts."""

import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub.live.platform import Phase, Signal
from streamhub.live.youtube import lifecycle, wire
from streamhub.live.youtube.lifecycle import Goal, Move, decide_move
from streamhub.live.youtube.texts import (
    MOST_DESCRIPTION_BYTES,
    MOST_TITLE_UNITS,
    clean_title,
    compose_description,
    find_markers,
    split_clusters,
    strip_marker,
)
from streamhub.live.youtube.wire import Applied, Plan, parse_broadcast, parse_ingest, parse_stream, pick_keeper

START = datetime(2027, 3, 2, 19, 0, tzinfo=UTC)
FAMILY = "👨‍👩‍👧‍👦"
FLAG = "🇩🇪"
WAVE = "👋🏽"
HOSTILE = [
    "<script>alert(1)</script>",
    "a < b > c",
    "Netz " * 60,
    "x" * 300,
    FAMILY * 40,
    "x" * 95 + FAMILY + FLAG,
    "\u202eredrO",
    "\u200f\u200f\u2066",
    "\x00\x07\x1b[31m",
    "   \t\n  ",
    "Zalgo" + "\u0301" * 300,
    "zwei\nZeilen\u2028drei",
    "🤷" * 100,
    "e\u0301" * 150,
    "\ud800 alone",
    "[sh:abcdef] Netz",
    "\ufeffNetz\u00ad",
    "A\u2028\u0300",
]
TEXTS = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(max_size=400),
    st.lists(st.sampled_from([FAMILY, FLAG, WAVE, "<", ">", "\u202e", "\u200f", "a", " ", "ß", "\u0301"])).map("".join),
)


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def is_hidden(character: str) -> bool:
    code = ord(character)
    return (
        unicodedata.category(character) in {"Cc", "Cs", "Co"}
        or code in {0x200E, 0x200F, 0x061C, 0x2028, 0x2029, 0xFEFF, 0x200B}
        or 0x202A <= code <= 0x202E
        or 0x2060 <= code <= 0x206F
    )


@given(TEXTS, st.integers(min_value=1, max_value=12))
def test_every_title_is_one_that_youtube_takes(title: str, part: int) -> None:
    """Whatever a host types becomes 1 to 100 characters on one line, without angle brackets or hidden marks."""
    cleaned = clean_title(title, fallback="2027-03-02-netz", part=part)
    assert 1 <= units(cleaned) <= MOST_TITLE_UNITS
    assert not set(cleaned) & set("<>\n\r")
    assert not any(is_hidden(character) for character in cleaned)
    assert cleaned == cleaned.strip()
    assert cleaned.endswith(f" ({part})") == (part > 1) or part == 1
    assert clean_title(cleaned, fallback="x") == cleaned or part > 1
    cleaned.encode()


@pytest.mark.parametrize("title", HOSTILE)
def test_no_visible_character_is_cut_in_half(title: str) -> None:
    """What is left of a long title is a beginning of its visible characters, whole ones: emoji, flags, skin tones."""
    cleaned = clean_title(title, fallback="session").removesuffix("…")
    whole = split_clusters(clean_title(title, fallback="session", most_units=10_000))
    if cleaned != "session":
        assert split_clusters(cleaned) == whole[: len(split_clusters(cleaned))]


def test_titles_that_are_well_stay_as_they_are() -> None:
    """Emoji, umlauts, right-to-left letters and typography are nobody's business."""
    for title in ("Netz im Wandel – „Fragen“ 🎤", f"Familie {FAMILY} {FLAG} {WAVE}", "שלום עולם", "x" * 100, "1️⃣ Frage"):
        assert clean_title(title, fallback="x") == title
    assert clean_title("a < b", fallback="x") == "a ‹ b"
    assert clean_title("\u200f", fallback="2027-03-02-netz") == "2027-03-02-netz"
    assert clean_title("Netz", fallback="x", part=2) == "Netz (2)"


@given(TEXTS)
def test_the_marker_is_the_last_line_of_every_description(text: str) -> None:
    """However long or hostile a description is, our marker is its last line, once, and the whole stays in bounds."""
    composed = compose_description(text * 20, "0123456789")
    assert composed.split("\n")[-1] == "[sh:0123456789]"
    assert find_markers(composed) == ("0123456789",)
    assert len(composed) <= len(composed.encode()) <= MOST_DESCRIPTION_BYTES
    assert not set(composed) & set("<>\r")
    assert not any(is_hidden(character) for character in composed if character != "\n")


@pytest.mark.parametrize("about", ["[sh:b]", "[s\u200bh:b]", "[sh:[sh:a]b]", "[sh:[sh:[sh:a]a]b]", "[sh:\ufeffb]"])
def test_a_text_brings_no_marker_of_its_own(about):
    """However a marker is hidden in a text, the only one in the description is ours."""
    assert find_markers(compose_description(f"Hallo {about}\n{about}", "abc")) == ("abc",)


@given(TEXTS)
def test_a_marker_taken_out_in_studio_changes_nothing(text: str) -> None:
    """The digest of a description is the same with the marker, without it, and with other blanks around it."""
    composed = compose_description(text, "abc")
    bare = strip_marker(composed)
    assert wire.digest(composed) == wire.digest(bare) == wire.digest(f"\n{bare}  \r\n")
    assert wire.digest(composed) != wire.digest(f"{composed.replace('[sh:abc]', '')} and more")


def plan(**changes: Any) -> Plan:
    values: dict[str, Any] = {
        "title": "Netz",
        "description": "Fragen\n\n[sh:abc]",
        "starts_at": START,
        "ends_at": START + timedelta(hours=1),
        "privacy": "unlisted",
        "made_for_kids": False,
    }
    return Plan(**{**values, **changes})


def resource() -> dict[str, Any]:
    """A broadcast as YouTube shows it, with fields of its own."""
    body = wire.broadcast_body(plan())
    return {
        "id": "abc",
        "snippet": {**body["snippet"], "categoryId": "27", "publishedAt": "2027-01-01T00:00:00Z", "liveChatId": "c"},
        "status": {**body["status"], "lifeCycleStatus": "ready"},
        "contentDetails": {
            **body["contentDetails"],
            "boundStreamId": "s",
            "latencyPreference": "low",
            "monitorStream": {"enableMonitorStream": False, "broadcastStreamDelayMs": 7, "embedHtml": "<iframe>"},
        },
    }


def test_we_start_and_end_ourselves() -> None:
    """A broadcast is inserted without automatic start and end, recorded from its start, with nothing left out."""
    body = wire.broadcast_body(plan())
    details = body["contentDetails"]
    assert (details["enableAutoStart"], details["enableAutoStop"]) == (False, False)
    assert (details["recordFromStart"], details["enableDvr"]) == (True, True)
    assert details["monitorStream"]["enableMonitorStream"] is False
    assert body["status"]["selfDeclaredMadeForKids"] is False
    assert body["snippet"]["scheduledStartTime"] == "2027-03-02T19:00:00Z"


def test_updates_write_whole_parts_with_our_fields_in_them() -> None:
    """YouTube deletes what a part leaves out, so a part goes back as it came, but for the fields that changed."""
    seen = parse_broadcast(resource())
    parts, body = wire.update_body(seen, plan(title="Neu"), frozenset({"title"}))
    assert parts == "snippet"
    assert body["snippet"] == {
        "title": "Neu",
        "description": "Fragen\n\n[sh:abc]",
        "scheduledStartTime": "2027-03-02T19:00:00Z",
        "scheduledEndTime": "2027-03-02T20:00:00Z",
        "categoryId": "27",
    }
    parts, body = wire.update_body(seen, plan(privacy="public"), frozenset({"privacy", "end"}))
    assert parts == "snippet,status"
    assert body["status"] == {"privacyStatus": "public", "selfDeclaredMadeForKids": False}


def test_the_monitor_is_switched_on_with_all_that_youtube_insists_on() -> None:
    """ContentDetails goes back whole, without what is read-only, and only the monitor changes."""
    details = wire.monitor_body(parse_broadcast(resource()))["contentDetails"]
    assert details["monitorStream"] == {"enableMonitorStream": True, "broadcastStreamDelayMs": 7}
    assert "boundStreamId" not in details
    assert details["latencyPreference"] == "low"
    needed = {"enableContentEncryption", "enableDvr", "enableEmbed", "recordFromStart", "startWithSlate"}
    assert needed <= details.keys()


def test_the_epoch_is_no_start() -> None:
    """Studio's “Go live now” leaves the start at 1970: read as unscheduled."""
    raw = resource()
    raw["snippet"]["scheduledStartTime"] = "1970-01-01T00:00:00Z"
    assert parse_broadcast(raw).starts_at is None
    assert parse_broadcast({"id": "bare"}).fields["start"] == ""
    assert parse_broadcast({"id": "odd", "snippet": {"actualStartTime": "yesterday"}}).actual_start is None


def test_what_arrives_is_said_in_our_words() -> None:
    """Only “active” is receiving; good and ok are good, and issues are sentences, without hints that nobody needs."""
    issue = {
        "type": "gopSizeLong",
        "severity": "warning",
        "reason": "r",
        "description": "Send a keyframe\x07 every 2 s.",
    }
    info = {"type": "audioBitrateLow", "severity": "info", "description": "fine"}

    def signal(word: str, health: str) -> Signal:
        status = {"streamStatus": word, "healthStatus": {"status": health, "configurationIssues": [issue, info]}}
        return parse_stream({"id": "s", "status": status}).signal

    assert signal("active", "good") == Signal(receiving=True, quality="good", issues=("Send a keyframe every 2 s.",))
    assert signal("active", "ok").quality == "good"
    assert signal("active", "bad").quality == "bad"
    assert signal("active", "noData").quality == "none"
    assert signal("ready", "good") == Signal(receiving=False, quality="none")
    assert parse_stream({"id": "s"}).signal == Signal(receiving=False, quality="none")


def test_the_encrypted_door_is_preferred() -> None:
    """RTMPS before RTMP, the backup beside it, and nothing when there is no key."""
    info = {
        "streamName": "secret-key",
        "ingestionAddress": "rtmp://a",
        "rtmpsIngestionAddress": "rtmps://a",
        "backupIngestionAddress": "rtmp://b",
        "rtmpsBackupIngestionAddress": "rtmps://b",
    }
    ingest = parse_ingest({"cdn": {"ingestionInfo": info}})
    assert ingest is not None
    assert (ingest.url, ingest.key, ingest.alternatives[0].url) == ("rtmps://a", "secret-key", "rtmps://b")
    assert "secret-key" not in repr(ingest)
    plain = {name: value for name, value in info.items() if not name.startswith("rtmps")}
    fallback = parse_ingest({"cdn": {"ingestionInfo": plain}})
    assert fallback is not None
    assert fallback.url == "rtmp://a"
    assert parse_ingest({"cdn": {}}) is None


def test_the_keeper_of_several_is_the_oldest_in_use() -> None:
    """A bound or live one is kept before an older idle one; of several such, the oldest."""

    def one(ref: str, day: int, *, state: str = "created", stream: str = "") -> wire.Seen:
        raw = {
            "id": ref,
            "snippet": {"publishedAt": f"2027-01-{day:02}T00:00:00Z"},
            "status": {"lifeCycleStatus": state},
        }
        return parse_broadcast({**raw, "contentDetails": {"boundStreamId": stream}})

    idle, bound, live = one("a", 1), one("b", 2, state="ready", stream="s"), one("c", 3, state="live", stream="s")
    assert pick_keeper([live, idle, bound], lifecycle.PLANNED) == bound
    assert pick_keeper([live, idle], lifecycle.PLANNED) == live
    assert wire.pick_extra([live, idle, bound], bound, lifecycle.PLANNED) == [idle]


def test_what_was_applied_is_kept_in_the_row() -> None:
    """It comes back from the row as it went in, and an empty row is nothing yet."""
    applied = Applied(wanted=plan().fields, there=plan(title="x").fields, written_at=START)
    assert Applied.decode(applied.encode()) == applied
    assert Applied.decode("") == Applied()
    assert applied.is_fresh(START + timedelta(seconds=59))
    assert not applied.is_fresh(START + timedelta(seconds=61))
    assert not applied.is_fresh(START - timedelta(hours=1))


@pytest.mark.parametrize("goal", list(Goal))
@pytest.mark.parametrize("monitor", [True, False])
def test_from_every_state_there_is_a_move(goal: Goal, monitor: bool) -> None:
    """Every state leads somewhere for every goal, unknown ones to waiting, and no move is both."""
    for state in (*lifecycle.PLANNED, *lifecycle.ON_AIR, "complete", "revoked", "somethingNew", ""):
        assert decide_move(state, goal, monitor=monitor) in Move
    assert decide_move("complete", Goal.COMPLETE, monitor=monitor) is Move.DONE
    assert decide_move("complete", Goal.LIVE, monitor=monitor) is Move.OVER
    assert decide_move("live", Goal.TESTING, monitor=monitor) is Move.DONE
    assert decide_move("ready", Goal.LIVE, monitor=monitor) is (Move.TEST if monitor else Move.GO_LIVE)
    assert decide_move("somethingNew", goal, monitor=monitor) is Move.WAIT


def test_states_are_phases() -> None:
    """Each state has its phase, and a planned one with a picture is waiting."""
    assert lifecycle.phase_of("ready", receiving=False) is Phase.SCHEDULED
    assert lifecycle.phase_of("ready", receiving=True) is Phase.WAITING
    assert lifecycle.phase_of("liveStarting", receiving=True) is Phase.LIVE
    assert lifecycle.phase_of("testStarting", receiving=True) is Phase.TESTING
    assert lifecycle.phase_of("complete", receiving=False) is Phase.ENDED
    assert lifecycle.phase_of("revoked", receiving=False) is Phase.LOST
