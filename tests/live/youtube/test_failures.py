"""What refusals and silences mean: the table is complete, and reading an answer never fails."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub.errors import Fault, PlatformError
from streamhub.live.problem import ProblemCode
from streamhub.live.youtube.failures import (
    MOST_PAUSE_S,
    READ_TRIES,
    RULES,
    Answer,
    Silence,
    decide_bug,
    decide_refusal,
    decide_silence,
    parse_reason,
    plan_pause_s,
)

NOW = datetime(2027, 3, 2, 19, 0, tzinfo=UTC)
TOMORROW = datetime(2027, 3, 3, 8, 0, tzinfo=UTC)
F, P = Fault, ProblemCode

EXPECTED = {
    # any call
    ("videos.list", 401, "authError"): (F.AUTH, P.SIGNED_OUT),
    ("videos.list", 403, "quotaExceeded"): (F.QUOTA, P.QUOTA_USED_UP),
    ("videos.list", 403, "rateLimitExceeded"): (F.RATE, P.RATE_LIMITED),
    ("videos.list", 403, "userRateLimitExceeded"): (F.RATE, P.RATE_LIMITED),
    ("videos.list", 403, "accessNotConfigured"): (F.NOT_ALLOWED, P.API_OFF),
    ("captions.insert", 403, "insufficientPermissions"): (F.AUTH, P.SCOPE_MISSING),
    ("videos.list", 503, "backendError"): (F.UNREACHABLE, P.UNREACHABLE),
    ("videos.list", 429, ""): (F.RATE, P.RATE_LIMITED),
    ("videos.list", 500, ""): (F.UNREACHABLE, P.UNREACHABLE),
    # insert
    ("liveBroadcasts.insert", 403, "liveStreamingNotEnabled"): (F.NOT_ALLOWED, P.LIVE_NOT_ENABLED),
    ("liveBroadcasts.insert", 403, "livePermissionBlocked"): (F.NOT_ALLOWED, P.LIVE_NOT_ENABLED),
    ("liveBroadcasts.insert", 403, "insufficientLivePermissions"): (F.NOT_ALLOWED, P.LIVE_NOT_ENABLED),
    ("liveBroadcasts.insert", 403, "userBroadcastsExceedLimit"): (F.LIMIT, P.TOO_MANY_BROADCASTS),
    ("liveBroadcasts.insert", 400, "titleRequired"): (F.BAD_INPUT, P.BAD_TEXT),
    ("liveBroadcasts.insert", 400, "invalidTitle"): (F.BAD_INPUT, P.BAD_TEXT),
    ("liveBroadcasts.insert", 400, "invalidDescription"): (F.BAD_INPUT, P.BAD_TEXT),
    ("liveBroadcasts.insert", 400, "scheduledStartTimeRequired"): (F.BAD_INPUT, P.BAD_TEXT),
    ("liveBroadcasts.insert", 400, "invalidScheduledStartTime"): (F.BAD_INPUT, P.START_PAST),
    ("liveBroadcasts.insert", 400, "invalidScheduledEndTime"): (F.BAD_INPUT, P.BAD_TEXT),
    ("liveBroadcasts.insert", 400, "privacyStatusRequired"): (F.BAD_INPUT, P.BAD_TEXT),
    ("liveBroadcasts.insert", 400, "invalidAutoStart"): (F.BAD_INPUT, P.BROKEN),
    ("liveBroadcasts.insert", 400, "invalidAutoStop"): (F.BAD_INPUT, P.BROKEN),
    ("liveBroadcasts.insert", 400, "invalidLatencyPreferenceOptions"): (F.BAD_INPUT, P.BROKEN),
    ("liveBroadcasts.insert", 400, "invalidEmbedSetting"): (F.BAD_INPUT, P.NOT_ALLOWED),
    # bind
    ("liveBroadcasts.bind", 403, "liveBroadcastBindingNotAllowed"): (F.BAD_STATE, P.WRONG_STATE),
    ("liveBroadcasts.bind", 404, "liveBroadcastNotFound"): (F.NOT_FOUND, P.BROADCAST_GONE),
    ("liveBroadcasts.bind", 404, "liveStreamNotFound"): (F.NOT_FOUND, P.BROKEN),
    ("liveBroadcasts.bind", 400, "idRequired"): (F.BAD_INPUT, P.BROKEN),
    ("liveBroadcasts.bind", 403, "userRequestsExceedRateLimit"): (F.RATE, P.RATE_LIMITED),
    ("liveBroadcasts.bind", 500, "internalError"): (F.UNKNOWN_OUTCOME, P.OUTCOME_UNKNOWN),
    # transition
    ("liveBroadcasts.transition", 403, "errorStreamInactive"): (F.NO_SIGNAL, P.NO_PICTURE),
    ("liveBroadcasts.transition", 403, "invalidTransition"): (F.BAD_STATE, P.WRONG_STATE),
    ("liveBroadcasts.transition", 403, "redundantTransition"): (F.BAD_STATE, P.WRONG_STATE),
    ("liveBroadcasts.transition", 403, "concurrentBroadcastsExceedLimit"): (F.LIMIT, P.TOO_MANY_LIVE),
    ("liveBroadcasts.transition", 403, "sharedIngestionBroadcastsExceedLimit"): (F.LIMIT, P.TOO_MANY_LIVE),
    ("liveBroadcasts.transition", 403, "errorExecutingTransition"): (F.UNKNOWN_OUTCOME, P.OUTCOME_UNKNOWN),
    ("liveBroadcasts.transition", 502, ""): (F.UNKNOWN_OUTCOME, P.OUTCOME_UNKNOWN),
    # chat
    ("liveChatMessages.list", 403, "liveChatDisabled"): (F.BAD_STATE, P.CHAT_CLOSED),
    ("liveChatMessages.list", 403, "liveChatEnded"): (F.BAD_STATE, P.CHAT_CLOSED),
    ("liveChatMessages.list", 404, "liveChatNotFound"): (F.NOT_FOUND, P.CHAT_CLOSED),
    # playlist, captions, thumbnail
    ("playlistItems.insert", 409, "videoAlreadyInPlaylist"): (F.BAD_STATE, P.WRONG_STATE),
    ("playlistItems.insert", 404, "videoNotFound"): (F.NOT_FOUND, P.VIDEO_NOT_READY),
    ("playlistItems.insert", 400, "manualSortRequired"): (F.BAD_INPUT, P.BROKEN),
    ("captions.download", 403, "forbidden"): (F.NOT_ALLOWED, P.CAPTIONS_REFUSED),
    ("captions.download", 400, "couldNotConvert"): (F.BAD_INPUT, P.CAPTIONS_REFUSED),
    ("captions.download", 404, "captionNotFound"): (F.NOT_FOUND, P.CAPTIONS_REFUSED),
    ("thumbnails.set", 403, "forbidden"): (F.NOT_ALLOWED, P.THUMBNAIL_REFUSED),
    ("liveBroadcasts.insert", 403, "forbidden"): (F.NOT_ALLOWED, P.NOT_ALLOWED),
}
"""Every reason that is documented for our calls, with what the design says about it."""


def refuse(call, status, reason, *, retry_after=""):
    writing = not call.endswith((".list", ".download"))
    answer = Answer(status=status, reason=reason, retry_after=retry_after)
    return decide_refusal(answer, call=call, writing=writing, now=NOW, quota_back_at=TOMORROW)


@pytest.mark.parametrize(("answer", "meaning"), EXPECTED.items(), ids=[" ".join(map(str, key)) for key in EXPECTED])
def test_every_documented_reason_has_its_meaning(answer, meaning):
    """Each documented reason leads to its fault and to a sentence that is filled to the last gap."""
    error = refuse(*answer)
    assert (error.fault, error.code) == meaning
    assert "?" not in str(error)
    assert error.details["platform"] == "YouTube"
    assert error.reason == (answer[2] or str(answer[1]))


def test_the_table_is_complete():
    """No documented reason is left to its HTTP status, and neither is any that the loopback counterpart knows."""
    documented = {reason for _, _, reason in EXPECTED if reason and reason != "forbidden"}
    assert documented <= RULES.keys()
    folder = Path(__file__).resolve().parents[2] / "fakes" / "youtube"
    sources = "".join(path.read_text("utf-8") for path in folder.glob("*.py"))
    ambiguous = set(re.findall(r"Refusal\((?:401|403|404|409|429), \"(\w+)\"|not_found\(\"(\w+)\"", sources))
    named = {name for pair in ambiguous for name in pair if name} - {"forbidden"}
    assert len(named) > 15
    assert named <= RULES.keys()


@pytest.mark.parametrize("reason", sorted(RULES))
@pytest.mark.parametrize("writing", [False, True])
def test_every_rule_makes_a_whole_sentence(reason, writing):
    """Whatever reason comes, in a read or a write, the host gets a sentence without gaps, and a code we know."""
    answer = Answer(status=403, reason=reason)
    error = decide_refusal(answer, call="videos.update", writing=writing, now=NOW, quota_back_at=TOMORROW)
    assert ProblemCode(error.code)
    assert "?" not in str(error)
    assert error.hint


def test_quota_comes_back_at_the_next_day_and_rate_after_a_moment():
    """A used-up quota waits for the day to change, a hurried caller for seconds."""
    assert refuse("videos.list", 403, "quotaExceeded").retry_at == TOMORROW
    assert refuse("videos.list", 403, "rateLimitExceeded").retry_at == NOW + timedelta(seconds=2)
    assert refuse("liveBroadcasts.insert", 403, "liveStreamingNotEnabled").retry_at is None
    assert refuse("playlistItems.insert", 404, "videoNotFound").retry_at == NOW + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("17", 17),
        (" 3 ", 3),
        ("Tue, 02 Mar 2027 19:05:00 GMT", 300),
        ("Tue, 02 Mar 2027 18:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
    ],
)
@pytest.mark.parametrize(("status", "reason"), [(429, ""), (403, "quotaExceeded"), (503, "")])
def test_retry_after_wins(header, seconds, status, reason):
    """The platform's own word on when to come back stands over our rules, in seconds or as a date."""
    assert refuse("videos.list", status, reason, retry_after=header).retry_at == NOW + timedelta(seconds=seconds)


def test_forbidden_names_no_reason_of_the_platform_that_could_be_markup():
    """A reason that is no word does not reach a host's page."""
    body = json.dumps({"error": {"errors": [{"reason": "x" * 500}]}}).encode()
    assert parse_reason(body) == ""


def test_reasons_are_read_from_both_shapes():
    """The old list of errors and the new status both give the word; a page gives none."""
    old = {"error": {"code": 403, "message": "m", "errors": [{"reason": "quotaExceeded", "domain": "d"}]}}
    assert parse_reason(json.dumps(old).encode()) == "quotaExceeded"
    assert parse_reason(b'{"error": {"status": "UNAVAILABLE"}}') == "UNAVAILABLE"
    assert parse_reason(b"<!DOCTYPE html><title>502</title>") == ""
    assert parse_reason(b'{"error": "invalid_grant"}') == ""
    assert parse_reason(b'{"error": {"status": "\\u001b[2J\\nplatform.fine"}}') == ""


@pytest.mark.parametrize("silence", [Silence.LOST, Silence.TIMED_OUT, Silence.GARBLED])
def test_a_write_without_an_answer_is_unknown(silence):
    """Silence after a write means that nobody knows; after a read it only means that nobody answered."""
    assert decide_silence(silence, writing=True, now=NOW).fault is Fault.UNKNOWN_OUTCOME
    assert decide_silence(silence, writing=False, now=NOW).fault is Fault.UNREACHABLE


@pytest.mark.parametrize("silence", [Silence.NOT_CONNECTED, Silence.CLOSED])
def test_what_was_never_sent_is_certain(silence):
    """A connection that could not be made has done nothing."""
    assert decide_silence(silence, writing=True, now=NOW).fault is Fault.UNREACHABLE


def test_a_bug_of_ours_is_broken():
    """A request that the library refuses is told as what it is."""
    error = decide_bug("liveBroadcasts.list: Missing required parameter part")
    assert error.fault is Fault.BROKEN
    assert "part" in str(error)


@given(
    st.binary(max_size=200) | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(repr).map(str.encode)
)
def test_any_body_is_read_without_failing(body):
    """No answer, however broken, breaks the reading."""
    assert isinstance(parse_reason(body), str)


@given(
    st.integers(300, 599),
    st.sampled_from([*RULES, "forbidden", "", "somethingNew"]),
    st.sampled_from(["videos.list", "thumbnails.set", "liveBroadcasts.insert", "odd"]),
    st.booleans(),
    st.text(max_size=40) | st.integers().map(str),
)
def test_any_refusal_is_understood(status, reason, call, writing, retry_after):
    """Each status with each reason becomes a platform error that never asks to come back in the past."""
    answer = Answer(status=status, reason=reason, retry_after=retry_after)
    error = decide_refusal(answer, call=call, writing=writing, now=NOW, quota_back_at=TOMORROW)
    assert isinstance(error, PlatformError)
    assert error.retry_at is None or NOW <= error.retry_at <= NOW + timedelta(days=400_000)
    if error.fault is Fault.UNKNOWN_OUTCOME:
        assert writing


@given(st.integers(1, 10), st.floats(0, 1, exclude_max=True), st.integers(0, 300))
def test_pauses_stay_in_bounds(tries, chance, asked_s):
    """A read pauses 2 to 60 s when it was too fast, as long as it was told, and gives up after three tries."""
    error = refuse("videos.list", 429, "", retry_after=str(asked_s))
    pause_s = plan_pause_s(error, tries, now=NOW, random=lambda: chance)
    if tries >= READ_TRIES or asked_s > MOST_PAUSE_S:
        assert pause_s is None
    else:
        assert max(2.0, asked_s) <= pause_s <= MOST_PAUSE_S


@pytest.mark.parametrize("silence", [Silence.NOT_CONNECTED, Silence.TIMED_OUT, Silence.CLOSED])
def test_a_read_is_not_repeated_when_that_makes_no_sense(silence):
    """Without a network, or after twenty seconds of waiting, the caller hears at once."""
    error = decide_silence(silence, writing=False, now=NOW)
    assert plan_pause_s(error, 1, now=NOW, random=lambda: 0.5) is None


@pytest.mark.parametrize("reason", ["quotaExceeded", "invalidTransition", "authError", "userBroadcastsExceedLimit"])
def test_final_refusals_are_not_repeated(reason):
    """What another try cannot change is not tried again."""
    assert plan_pause_s(refuse("videos.list", 403, reason), 1, now=NOW, random=lambda: 0.5) is None
