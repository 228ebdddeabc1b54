"""Reading what the server granted."""

from limiter.reservation import Reservation


def read(granted: int, ahead: int, *, interval: int = 100_000, closings: int = 0, failures: int = 0):
    return Reservation.read([granted, ahead, interval, 250_000, closings, failures, 3, 1_800_000_000_000_000, 0])


def test_slots_behind_the_present_start_at_once_and_the_others_in_turn():
    assert read(4, -250_000).delays_seconds == (0.0, 0.0, 0.05, 0.15)


def test_nothing_granted_still_tells_when_to_come_again():
    reservation = read(0, 0)
    assert reservation.delays_seconds == ()
    assert reservation.next_free_seconds == 0.25


def test_an_open_account_without_failures_is_not_failing():
    assert not read(1, 0).failing


def test_a_closing_or_a_failure_anywhere_makes_the_account_failing():
    assert read(1, 0, closings=1).failing
    assert read(1, 0, failures=1).failing
