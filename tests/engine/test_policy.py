"""Decisions about failures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub import errors
from streamhub.engine.policy import (
    MAX_BACKOFF_S,
    Failure,
    Policy,
    Verdict,
    backoff_s,
    decide_after_failure,
    decide_before_attempt,
    describe,
    parse_failure,
    rebuild,
    require_json,
)

TRANSIENT = describe(errors.Unavailable("away"))
FINAL = describe(errors.BadInput("bad", hint="mend it"))


def test_transient_failures_are_tried_again_up_to_the_limit_and_then_held() -> None:
    """A transient failure is worth another attempt until the policy's number is reached."""
    verdicts = [decide_after_failure(TRANSIENT, Policy(attempts=3), n, limit=9) for n in (1, 2, 3)]
    assert verdicts == [Verdict.AGAIN, Verdict.AGAIN, Verdict.HOLD]


def test_other_failures_are_never_tried_again() -> None:
    """A failure that time does not mend is held or given up at once."""
    assert decide_after_failure(FINAL, Policy(attempts=3), 1, limit=9) is Verdict.HOLD
    assert decide_after_failure(FINAL, Policy(on_failure="give_up"), 1, limit=9) is Verdict.GIVE_UP


def test_a_policy_without_a_number_takes_it_from_the_settings() -> None:
    """The limit of the settings holds where the policy names none."""
    assert decide_after_failure(TRANSIENT, Policy(), 4, limit=5) is Verdict.AGAIN
    assert decide_after_failure(TRANSIENT, Policy(), 5, limit=5) is Verdict.HOLD


def test_an_attempt_too_many_is_a_failure_that_tells_of_the_crashes() -> None:
    """When every attempt ended with the process, the next one is not made."""
    assert decide_before_attempt(Policy(attempts=2), 2, "", limit=9) is None
    failure = decide_before_attempt(Policy(attempts=2), 3, "disk away", limit=9)
    assert failure is not None
    assert "2 time(s)" in failure.message
    assert "disk away" in failure.message
    assert not failure.transient


@pytest.mark.parametrize("fields", [{"attempts": 0}, {"backoff_s": -1.0}])
def test_a_policy_that_makes_no_sense_is_refused(fields: dict[str, float]) -> None:
    """No attempts, or a negative wait, is an error of the programmer."""
    with pytest.raises(errors.BadInput):
        Policy(**fields)  # type: ignore[arg-type]


@given(backoff=st.floats(0, 1000), attempts=st.integers(1, 10_000))
def test_the_wait_grows_and_stays_below_five_minutes(backoff: float, attempts: int) -> None:
    """Each wait is at least as long as the one before, and none passes the ceiling."""
    policy = Policy(backoff_s=backoff)
    assert 0 <= backoff_s(policy, attempts) <= backoff_s(policy, attempts + 1) <= MAX_BACKOFF_S


@given(
    st.builds(Failure, error=st.text(), message=st.text(), hint=st.text(), transient=st.booleans()),
)
def test_a_failure_survives_storage(failure: Failure) -> None:
    """What is stored of a failure is read back unchanged."""
    assert parse_failure(require_json(failure.to_json(), what="failure")) == failure


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.DiskFull("full", hint="free some"), errors.DiskFull),
        (errors.TooMany("many"), errors.TooMany.__bases__[0]),
        (errors.BadArchive("a.md", 3, "odd"), errors.BadInput),
        (ValueError("odd"), errors.StreamhubError),
    ],
)
def test_an_error_is_rebuilt_as_its_class_or_the_nearest_base(error: Exception, kind: type[Exception]) -> None:
    """A stored failure comes back as the error of our tree that it was."""
    again = rebuild(describe(error))
    assert type(again) is kind
    assert str(error) in str(again)


def test_only_errors_that_time_may_mend_are_transient() -> None:
    """Our transient errors and the operating system's are, everything else is not."""
    assert describe(OSError("gone")).transient
    assert describe(errors.ToolFailed("died")).transient
    assert not describe(errors.BadMedia("odd")).transient
    assert not describe(KeyError("x")).transient


@pytest.mark.parametrize("value", [object(), float("nan"), {"a": {1, 2}}, "x" * 70_000])
def test_results_that_are_no_small_json_are_refused(value: object) -> None:
    """A result must come back from storage as it went in, and stay small."""
    with pytest.raises(errors.BadInput):
        require_json(value, what="result")
