"""The rules about payment: config, redemption value and quantity (rewards-api §3.2, §7)."""

from collections.abc import Mapping

from issuance.endpoint import Variant
from producers.fields.line import CallFields, Reward
from producers.fields.refusal import Refusal
from producers.lint.finding import Finding
from producers.lint.rewards_file import RewardTerms

CASH_MODES = ("CASH", "POINTS_CASH")


def check_reference(reward: Reward, variant: Variant) -> None:
    """Check that a reward is named once, and by its id where that is part of the path (§3.1, §3.2).

    Raises:
        Refusal: it is not named, named twice, or named by an external id.
    """
    if (reward.reward_id is None) == (reward.reward_external_id is None):
        is_missing = reward.reward_id is None
        raise Refusal(
            "no rewardId" if is_missing else "rewardId and rewardExternalId are both given",
            "give rewardId or rewardExternalId" if is_missing else "keep one and empty the other",
            "rewardId" if is_missing else "rewardExternalId",
        )
    if variant.endpoint.reward_in_path and reward.reward_id is None:
        raise Refusal(
            f"the {variant} endpoint needs the rewardId, which is in its path",
            "give rewardId, or issue with ISSUANCE_API_VARIANT=bulk or connected",
            "rewardExternalId",
        )


def check_amounts(reward: Reward) -> None:
    """Check that a reward does not have both a redemption value and points.

    Raises:
        Refusal: it has both.
    """
    if reward.points is not None and reward.redemption_value is not None:
        raise Refusal(
            "redemptionValue and points are both given, and each follows from the other",
            "keep one of them",
            "points",
        )


def check_decimals(reward: Reward) -> Finding | None:
    """Warn of decimals in a redemption value, which the pages call an integer (§3.1, §7)."""
    value = reward.redemption_value
    if value is None or value == int(value):
        return None
    return Finding(
        "redemptionValue with decimals",
        "redemptionValue",
        f"the API documents redemptionValue as a whole number and may cut {value} to {int(value)}",
        "round it yourself, or issue one such reward and look at what was issued",
        refuses=False,
    )


def check_value_without_config(reward: Reward) -> Finding | None:
    """Warn of an amount without paymentConfigId: the API refuses it if there are several (§6.1)."""
    if reward.payment_config_id is not None or (field := _valued(reward)) is None:
        return None
    return Finding(
        "redemptionValue or points without paymentConfigId",
        "paymentConfigId",
        f"{field} is given without paymentConfigId, "
        "which a reward with several payment configs needs",
        "give paymentConfigId, or check the rows with --rewards",
        refuses=False,
    )


class Payment:
    """The rules that need the rewards' terms.

    Args:
        rewards: the terms by reward id and by external id.
    """

    def __init__(self, rewards: Mapping[int | str, RewardTerms]) -> None:
        self._rewards = rewards

    def check_reward(self, reward: Reward) -> Finding | None:
        """Refuse a reward that is not in the rewards file: its id is probably mistyped."""
        if reward.reference in self._rewards:
            return None
        return Finding(
            "reward not in the rewards file",
            "rewardExternalId" if reward.reward_id is None else "rewardId",
            f"reward {reward.reference} is not in the rewards file",
            "correct it, or add the reward to the file given with --rewards",
            refuses=True,
        )

    def check_config(self, reward: Reward) -> Finding | None:
        """Refuse a missing paymentConfigId if the reward has several, and another reward's id."""
        terms = self._rewards.get(reward.reference)
        if terms is None:
            return None
        ids = ", ".join(str(config.id) for config in terms.payment_configs)
        if reward.payment_config_id is None:
            if len(terms.payment_configs) <= 1:
                return None
            problem = f"reward {reward.reference} has several payment configs and none is chosen"
            return _refused_config("paymentConfigId missing", problem, f"give one of {ids}")
        if terms.choose(reward.payment_config_id) is not None:
            return None
        problem = f"{reward.payment_config_id} is no payment config of reward {reward.reference}"
        return _refused_config(
            "paymentConfigId of another reward",
            problem,
            f"give one of {ids}" if ids else "leave it empty",
        )

    def check_quantity(self, reward: Reward) -> Finding | None:
        """Warn if the API reads a quantity as the value of one unit (conversion ratio)."""
        if reward.quantity == 1 or _valued(reward) is not None or not self._is_by_ratio(reward):
            return None
        return Finding(
            "quantity of a CONV_RATIO reward read as redemption value",
            "quantity",
            f"reward {reward.reference} is paid by conversion ratio: quantity {reward.quantity} "
            f"alone is read as one unit of redemption value {reward.quantity}",
            "give redemptionValue; for several units give both",
            refuses=False,
        )

    def check_value(self, reward: Reward) -> Finding | None:
        """Warn of an amount that the API ignores, as it does without conversion ratio."""
        field = _valued(reward)
        terms = self._rewards.get(reward.reference)
        if field is None or terms is None or self._is_by_ratio(reward):
            return None
        if reward.payment_config_id is None and len(terms.payment_configs) > 1:
            return None  # `check_config` reports it
        return Finding(
            "redemptionValue or points of a reward without conversion ratio",
            field,
            f"reward {reward.reference} is not paid by conversion ratio here: "
            f"{field} does not change what is issued",
            "empty it, or give the paymentConfigId of a CONV_RATIO config",
            refuses=False,
        )

    def check_tender(self, reward: Reward, call: CallFields) -> Finding | None:
        """Warn of cash for a reward whose payment mode has none (§3.1, §3.2)."""
        terms = self._rewards.get(reward.reference)
        if terms is None or (call.tender_total is None and not call.tenders):
            return None
        config = terms.choose(reward.payment_config_id)
        if config is None and terms.payment_configs:
            return None  # `check_config` reports it
        mode = "POINTS" if config is None else config.mode
        if mode in CASH_MODES:
            return None
        return Finding(
            "tender for a reward without cash",
            "tender.totalAmount",
            f"reward {reward.reference} is paid by {mode} here, and not with cash",
            "empty the tender, or give the paymentConfigId of a CASH or POINTS_CASH config",
            refuses=False,
        )

    def _is_by_ratio(self, reward: Reward) -> bool:
        terms = self._rewards.get(reward.reference)
        config = terms.choose(reward.payment_config_id) if terms else None
        return config is not None and config.mode == "CONV_RATIO"


def _valued(reward: Reward) -> str | None:
    """Return the column that holds the row's amount."""
    if reward.points is not None:
        return "points"
    return None if reward.redemption_value is None else "redemptionValue"


def _refused_config(kind: str, problem: str, remedy: str) -> Finding:
    return Finding(kind, "paymentConfigId", problem, remedy, refuses=True)
