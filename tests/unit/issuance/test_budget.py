"""Budgets: what fits, what is used, and which levels are reported."""

import pytest

from issuance.budget import (
    Amount,
    Budget,
    expected_cost,
    level_reached,
    points_used,
    quantity_text,
    unpriced,
)


@pytest.mark.parametrize(
    ("budget", "total", "fits"),
    [
        (Budget(), Amount(10**12, 10**12), True),
        (Budget(units=10), Amount(10, 10**12), True),
        (Budget(units=10), Amount(11, 0), False),
        (Budget(points=5_000), Amount(10**12, 5_000), True),
        (Budget(points=5_000), Amount(0, 5_001), False),
        (Budget(units=10, points=5_000), Amount(10, 5_001), False),
        (Budget(units=0), Amount(), True),
    ],
)
def test_a_total_fits_if_it_is_within_every_bound(budget, total, fits):
    assert budget.allows(total) is fits


@pytest.mark.parametrize(
    ("budget", "used", "percent"),
    [
        (Budget(), Amount(5, 5), 0),
        (Budget(units=200), Amount(101, 0), 50),
        (Budget(units=200), Amount(199, 0), 99),
        (Budget(units=200, points=1_000), Amount(20, 800), 80),
        (Budget(units=0), Amount(), 100),
    ],
)
def test_the_percentage_is_of_the_bound_that_is_used_most_and_never_rounded_up(
    budget, used, percent
):
    assert budget.percent(used) == percent


@pytest.mark.parametrize(
    ("percent", "notified", "level"),
    [(49, 0, None), (50, 0, 50), (79, 50, None), (80, 50, 80), (100, 0, 100), (130, 100, None)],
)
def test_each_level_is_reported_once_and_the_highest_of_several(percent, notified, level):
    assert level_reached(percent, notified) == level


def test_units_cost_the_points_that_are_expected_of_their_reward():
    prices = {"1001": 10_000, "ext:SUMMER": 2_500, "1003": None}
    assert expected_cost(prices, {"1001": 2, "ext:SUMMER": 1}) == (3, 22_500)
    assert expected_cost({}, {"1001": 2}) == (2, 0)
    assert unpriced(prices, ["1003", "1001", "1004"]) == ["1003", "1004"]


def test_points_that_no_answer_showed_are_counted_as_expected():
    prices = {"1001": 10_000, "1002": 1_000, "1003": None}
    issued = [
        ("1001", Amount(3, 20_000)),  # one of three answers showed none
        ("1001", Amount(1, 10_000)),
        ("1002", Amount(2, 2_500)),  # more than expected
        ("1003", Amount(1, 700)),
    ]
    assert points_used(prices, issued) == 40_000 + 2_500 + 700


@pytest.mark.parametrize(
    ("name", "number", "text"),
    [
        ("units", 1, "1 unit"),
        ("units", 1_000, "1,000 units"),
        ("points", 1_000, "1 point"),
        ("points", 12_500, "12.5 points"),
        ("points", 1_200_000, "1,200 points"),
    ],
)
def test_a_quantity_is_written_with_its_noun(name, number, text):
    assert quantity_text(name, number) == text
