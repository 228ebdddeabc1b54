"""Reading the reply to a reservation."""

import pytest

from limiter.reservation import Grant, Reservation
from tests.contract.limiter.build import ISSUING


def read(granted: int, ahead: int, *, interval: int = 100_000, held: str = "") -> Reservation:
    reply = {
        "granted": granted,
        "ahead": ahead,
        "interval": interval,
        "next_free": 250_000,
        "held": held,
        "mark": 1_800_000_000_000_000,
        "epoch": 3,
        "suspension": 2,
        "campaign_suspension": 1,
    }
    return Reservation.read(ISSUING, reply)


def test_past_slots_start_at_once_and_the_others_in_order():
    assert read(4, -250_000).delays_seconds == (0.0, 0.0, 0.05, 0.15)


def test_a_reservation_without_slots_says_when_to_ask_again():
    reservation = read(0, 0)
    assert reservation.delays_seconds == ()
    assert reservation.next_free_seconds == 0.25


def test_a_grant_keeps_the_state_of_the_limits():
    assert read(1, 0).grant == Grant(ISSUING, epoch=3, suspension=2, campaign_suspension=1)


@pytest.mark.parametrize(
    ("held", "is_probe"),
    [
        ("", False),
        ("probing", True),
        ("suspended", False),
        ("campaign_suspended", False),
        ("campaign_probing", False),
    ],
)
def test_only_the_call_granted_during_a_suspension_is_its_probe(held, is_probe):
    assert read(1, 0, held=held).is_probe is is_probe
