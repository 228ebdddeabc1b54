"""Expected points agree with the documents' examples and with the simulator."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuance.endpoint import Variant
from producers.lint.expectation import Expectation
from producers.lint.pricing import expected_points, redemption_value
from simulator.pricing import Plan, plan_line
from simulator.reward import PaymentConfig, Reward
from tests.unit.producers_lint.build import (
    CHOICE,
    COUPON,
    DEAR_MILES,
    MILES,
    REWARDS,
    by_ratio,
    row,
)

AMOUNTS = st.none() | st.integers(1, 10_000) | st.integers(1, 10**6).map(lambda cents: cents / 100)


@pytest.mark.parametrize(
    ("reward", "values", "variant", "points"),
    [
        (DEAR_MILES, {"redemption_value": 1000}, Variant.SINGLE, 2273),
        (DEAR_MILES, {"redemption_value": 1000}, Variant.BULK, 2273),
        (DEAR_MILES, {}, Variant.SINGLE, 2),
        (DEAR_MILES, {"quantity": 3}, Variant.BULK, 7),
        (MILES, {"quantity": 40}, Variant.BULK, 114),
        (MILES, {"redemption_value": 100}, Variant.SINGLE, 286),
        (MILES, {"redemption_value": 100, "quantity": 3}, Variant.BULK, 857),
        (MILES, {"redemption_value": 100, "quantity": 3}, Variant.CONNECTED, 857),
        (MILES, {"points": 500}, Variant.BULK, 500),
        (COUPON, {"quantity": 3}, Variant.BULK, 30),
        (CHOICE, {"payment_config_id": 51, "quantity": 2}, Variant.BULK, 100),
        (CHOICE, {"payment_config_id": 52}, Variant.BULK, 20),
        (CHOICE, {"payment_config_id": 53, "quantity": 2}, Variant.BULK, 0),
        (CHOICE, {"payment_config_id": 54}, Variant.BULK, 0),
    ],
)
def test_the_points_of_a_row_equal_the_documents_example(reward, values, variant, points):
    assert expected_points(row(reward, **values).reward, REWARDS[reward], variant) == points


@pytest.mark.parametrize(
    ("reward", "values", "value"),
    [
        (MILES, {"points": 500}, 175),
        (MILES, {"quantity": 40}, 40),
        (MILES, {"redemption_value": 100, "quantity": 3}, 100),
        (COUPON, {"quantity": 3}, None),
    ],
)
def test_the_value_of_a_unit_equals_the_documents_example(reward, values, value):
    assert redemption_value(row(reward, **values).reward, REWARDS[reward]) == value


@given(
    ratio=st.integers(1, 500).map(lambda cents: cents / 100),
    quantity=st.integers(1, 1_000),
    value=AMOUNTS,
)
def test_the_simulator_charges_the_expected_points_for_any_request(ratio, quantity, value):
    reward = Reward(
        7,
        "Miles",
        payment_configs=(PaymentConfig(91, "CONV_RATIO", ratio=by_ratio(str(ratio)).ratio),),
    )
    asked = row(MILES, quantity=quantity, redemption_value=value)
    payment = {} if value is None else {"paymentConfig": {"redemptionValue": value}}
    plan = plan_line(reward, {"quantity": quantity} | payment, single=False, cap=0)
    terms = REWARDS[MILES].model_copy(update={"payment_configs": (by_ratio(str(ratio)),)})
    assert isinstance(plan, Plan)
    assert expected_points(asked.reward, terms, Variant.BULK) == plan.points_for(plan.units)


def test_rows_are_counted_by_price_and_summed_up():
    expectation = Expectation()
    for values in ({}, {"redemption_value": 100}, {}, {"redemption_value": 100}):
        expectation.add(row(MILES, **values).reward, REWARDS[MILES], Variant.BULK)
    assert [(price.points, price.rows) for price in expectation.prices.values()] == [
        (3, 2),
        (286, 2),
    ]
    assert (expectation.rows, expectation.points, expectation.other_rows) == (4, 578, 0)


def test_of_many_different_prices_only_the_sum_is_kept():
    expectation = Expectation()
    for value in range(1, 1_001):
        expectation.add(row(MILES, points=value).reward, REWARDS[MILES], Variant.BULK)
    assert len(expectation.prices) == 50
    assert (expectation.other_rows, expectation.points) == (950, 500_500)
    assert expectation.other_points == 500_500 - sum(range(1, 51))
