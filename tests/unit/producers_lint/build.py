"""Rows and rewards for the lint's tests."""

from decimal import Decimal
from typing import Any

from producers.fields.line import CallFields, Reward
from producers.lint import RewardTerms
from producers.lint.rewards_file import PaymentTerms
from producers.source import Identifier, Row

MILES, DEAR_MILES, COUPON, CHOICE = 1009, 1016, 1002, 1005


def by_ratio(ratio: str, config_id: int = 91) -> PaymentTerms:
    return PaymentTerms(id=config_id, mode="CONV_RATIO", ratio=Decimal(ratio))


REWARDS = {
    terms.reward_id: terms
    for terms in (
        RewardTerms(rewardId=MILES, paymentConfigs=(by_ratio("0.35"),)),
        RewardTerms(rewardId=DEAR_MILES, paymentConfigs=(by_ratio("0.44"),)),
        RewardTerms(rewardId=COUPON, points=Decimal(10)),
        RewardTerms(
            rewardId=CHOICE,
            paymentConfigs=(
                PaymentTerms(id=51, mode="POINTS", points=Decimal(50)),
                PaymentTerms(id=52, mode="POINTS_CASH", points=Decimal(20)),
                PaymentTerms(id=53, mode="CASH"),
                PaymentTerms(id=54, mode="FREE"),
            ),
        ),
    )
}


def row(
    reward_id: int = COUPON,
    *,
    line: int = 2,
    mobile: str = "919800000001",
    notes: str | None = None,
    event_log_id: str | None = None,
    **fields: Any,
) -> Row:
    reward = Reward(reward_id, **fields)
    return Row(line, Identifier("mobile", mobile), reward, CallFields(event_log_id, notes))
