"""Samples of the limits: each change is in the ledger, for every account that shares them."""

from ledger.limit_samples import Limits, read_limits
from worker.dispatcher import run_release
from worker.limit_samples import LimitSamples


def recorded(ledger, account):
    with ledger.read() as connection:
        return [limits for _, limits in read_limits(connection, account, 0, 10**15)]


def test_a_change_of_the_rate_is_recorded_once_for_each_account(services, book):
    at = [0.0]
    samples = LimitSamples(book.ledger, lambda: at[0])
    limiter = services.limiter
    for rate, seconds in ((600, 0), (600, 10), (1_200, 20), (1_800, 21), (0, 40)):
        limiter.set_rate(rate)
        at[0] = seconds
        samples.take([(limiter, ("default", "shop"))])
    wanted = [Limits(600, None), Limits(1_200, None), Limits(None, None)]
    assert recorded(book.ledger, "default") == wanted
    assert recorded(book.ledger, "shop") == wanted


def test_another_process_adds_no_row_for_the_same_limits(services, book):
    limiter = services.limiter
    for _ in range(2):
        LimitSamples(book.ledger, lambda: 0.0).take([(limiter, ("default",))])
    assert len(recorded(book.ledger, "default")) == 1


def test_a_release_records_the_limits_of_its_accounts(services, book):
    run_release(services)
    assert recorded(book.ledger, "default") == [Limits(None, None)]
