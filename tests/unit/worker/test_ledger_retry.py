"""Patience with the ledger: its absence is waited for, its refusal is not, and neither shows a row."""

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from structlog.testing import capture_logs

from worker.ledger_retry import first_line, is_refusal, retry_until

AWAY = OperationalError("UPDATE jobs", {}, OSError("connection refused"))
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


def test_work_is_tried_until_the_ledger_is_back():
    waits = []
    assert (
        retry_until(
            _work(AWAY, InterfaceError("x", {}, OSError()), AWAY),
            for_seconds=60,
            sleep=waits.append,
        )
        == "done"
    )
    assert len(waits) == 3


def test_each_vain_try_is_told():
    with capture_logs() as logged:
        retry_until(_work(AWAY, AWAY), for_seconds=60, sleep=lambda _: None)
    assert [(event["event"], event["error"]) for event in logged] == [
        ("ledger_unavailable", "connection refused")
    ] * 2


def test_a_ledger_that_stays_away_is_raised_in_the_end():
    with pytest.raises(OperationalError):
        retry_until(_work(AWAY, AWAY), for_seconds=-1, sleep=lambda _: None)


def test_who_has_nothing_to_lose_may_give_up_at_once():
    waits = []
    with pytest.raises(OperationalError):
        retry_until(_work(AWAY), for_seconds=60, give_up=lambda: True, sleep=waits.append)
    assert waits == []


def test_a_refusal_is_raised_at_once():
    waits = []
    with pytest.raises(IntegrityError):
        retry_until(_work(REFUSED), for_seconds=60, sleep=waits.append)
    assert waits == []


def test_a_lost_connection_is_an_absence_whatever_the_driver_calls_it():
    assert not is_refusal(DBAPIError("x", {}, Exception(), connection_invalidated=True))
    assert not is_refusal(IntegrityError("x", {}, Exception(), connection_invalidated=True))
    assert is_refusal(REFUSED)


def test_what_is_told_of_a_refusal_leaves_out_the_row():
    assert first_line(REFUSED) == 'null value in "x"'


def test_an_error_without_a_text_is_told_by_its_kind():
    assert first_line(OperationalError("x", {}, OSError())) == "OperationalError"
