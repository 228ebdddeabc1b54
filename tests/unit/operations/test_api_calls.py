"""What commands report of failed calls to the limits that they share with the workers."""

import pytest

from issuance.replies.reply import Answer, NoAnswer
from limiter.feedback_buffer import CallResult, Verdict
from limiter.reservation import Grant, Reservation, Scope
from operations.api_calls import failed_call
from operations.revocation_pace import EndedEarly, RevocationPace
from rewards_api.reads import Unreadable

_GRANT = Grant(Scope(1, is_read=True))
GRANTED = Reservation(_GRANT, (0.0,), 0.0)
HELD = Reservation(_GRANT, (), 0.01, held="suspended")


@pytest.mark.parametrize(
    ("reply", "verdict", "retry_after"),
    [
        (Answer(429, b"", retry_after=20.0), Verdict.THROTTLED, 20.0),
        (Answer(401, b""), Verdict.UNAUTHORISED, 0.0),
        (Answer(503, b"", retry_after=5.0), Verdict.FAILED, 5.0),
        (NoAnswer("timeout", "", sent=True), Verdict.FAILED, 0.0),
    ],
)
def test_a_failed_call_settles_nothing_and_keeps_the_time_that_the_api_asks_for(
    reply, verdict, retry_after
):
    result = failed_call(reply, "it failed")
    assert (result.verdict, result.settled) == (verdict, False)
    assert (result.retry_after_seconds, result.reason) == (retry_after, "it failed")


class _Limits:
    """Limits that grant one call and then hold back, and keep what is reported."""

    def __init__(self) -> None:
        self.grants = [GRANTED, HELD, HELD]
        self.results: list[CallResult] = []

    async def reserve(self, count: int, **_: object) -> Reservation:
        assert count == 1
        return self.grants.pop(0)

    async def report(self, slot: Reservation, result: CallResult) -> None:
        assert slot is GRANTED
        self.results.append(result)


async def test_a_revocation_reports_the_time_that_the_api_asks_for_and_says_why_it_waits():
    limits = _Limits()
    pace = RevocationPace(0, 1, limits, lambda: len(limits.grants) < 1)
    slot = await pace.wait()
    assert pace.held == ""
    await pace.report(slot, Unreadable(Answer(429, b"", retry_after=20.0)))
    (result,) = limits.results
    assert (result.verdict, result.retry_after_seconds) == (Verdict.THROTTLED, 20.0)
    with pytest.raises(EndedEarly):
        await pace.wait()
    assert pace.held == "suspended"
