"""Retries of the ledger: an outage is retried, a refusal is not, and no row is logged."""

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from structlog.testing import capture_logs

from worker.ledger_retry import first_line, is_refusal, retry_until

UNAVAILABLE = OperationalError("UPDATE jobs", {}, OSError("connection refused"))
REFUSED = IntegrityError(
    "INSERT", {}, Exception('null value in "x"\nDETAIL: Failing row contains (rita@shop.example).')
)


def _work(*errors):
    left = list(errors)

    def work():
        if left:
            raise left.pop(0)
        return "done"

    return work


def test_work_is_retried_until_the_ledger_is_available():
    waits = []
    assert (
        retry_until(
            _work(UNAVAILABLE, InterfaceError("x", {}, OSError()), UNAVAILABLE),
            for_seconds=60,
            sleep=waits.append,
        )
        == "done"
    )
    assert len(waits) == 3


def test_each_failed_try_is_logged():
    with capture_logs() as logged:
        retry_until(_work(UNAVAILABLE, UNAVAILABLE), for_seconds=60, sleep=lambda _: None)
    assert [(event["event"], event["error"]) for event in logged] == [
        ("ledger_unavailable", "connection refused")
    ] * 2


def test_an_outage_beyond_the_deadline_is_raised():
    with pytest.raises(OperationalError):
        retry_until(_work(UNAVAILABLE, UNAVAILABLE), for_seconds=-1, sleep=lambda _: None)


def test_a_caller_may_give_up_at_once():
    waits = []
    with pytest.raises(OperationalError):
        retry_until(_work(UNAVAILABLE), for_seconds=60, give_up=lambda: True, sleep=waits.append)
    assert waits == []


def test_a_refusal_is_raised_at_once():
    waits = []
    with pytest.raises(IntegrityError):
        retry_until(_work(REFUSED), for_seconds=60, sleep=waits.append)
    assert waits == []


def test_a_lost_connection_is_never_a_refusal():
    assert not is_refusal(DBAPIError("x", {}, Exception(), connection_invalidated=True))
    assert not is_refusal(IntegrityError("x", {}, Exception(), connection_invalidated=True))
    assert is_refusal(REFUSED)


def test_the_first_line_of_a_refusal_omits_the_row():
    assert first_line(REFUSED) == 'null value in "x"'


def test_an_error_without_a_text_is_described_by_its_type():
    assert first_line(OperationalError("x", {}, OSError())) == "OperationalError"
