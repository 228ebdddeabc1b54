"""The fields of one reward (rewards-api §3)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from producers.fields import rules
from producers.fields.call_values import reference
from producers.fields.field import (
    OF_LISTED_REWARD,
    OF_REWARD,
    REWARD_ID,
    REWARDS_ORG,
    UNITS,
    Field,
)

ID_LIMITS = "1 to 2^63-1"
TEXT_LIMITS = "1 to 4,000 characters"
REFERENCE_LIMITS = "1 to 255 characters"
AMOUNT_LIMITS = "above 0, at most 15 digits"

identity = rules.positive_integer(rules.LARGEST_ID)
_units = rules.positive_integer(rules.LARGEST_QUANTITY)


# Not frozen: a file makes one for each row, and frozen ones take three times as long to make.
@dataclass(slots=True)
class Reward:
    """One reward to issue; it has either an id or an external id."""

    reward_id: Annotated[
        int | None,
        Field(
            name="rewardId",
            rule=identity,
            help="The reward, 1 to 2^63-1.",
            limits=f"{ID_LIMITS}; this or rewardExternalId",
            source="§3.1, §3.2",
            places=REWARD_ID,
        ),
    ] = None
    quantity: Annotated[
        int,
        Field(
            name="quantity",
            rule=_units,
            help="Units, 1 to 1,000,000.",
            limits="1 to 1,000,000; 1 on single, which issues one unit",
            source="§3.1, §3.2, §7",
            places=UNITS,
        ),
    ] = 1
    payment_config_id: Annotated[
        int | None,
        Field(
            name="paymentConfigId",
            rule=identity,
            help="The payment config; needed where the reward has several.",
            limits=ID_LIMITS,
            source="§3.2",
            path="paymentConfig.id",
            places=OF_REWARD,
            also=("paymentConfig.id",),
        ),
    ] = None
    redemption_value: Annotated[
        float | None,
        Field(
            name="redemptionValue",
            rule=rules.amount,
            help="The value of one unit, above 0, for a reward paid by conversion ratio.",
            limits=f"{AMOUNT_LIMITS}; decimals are warned of; not with points",
            source="§3.1, §7",
            path="paymentConfig.redemptionValue",
            places=OF_REWARD,
            also=("paymentConfig.redemptionValue",),
        ),
    ] = None
    org_id: Annotated[
        int | None,
        Field(
            name="orgId",
            rule=identity,
            help="The reward's organisation (connected endpoint).",
            limits=f"{ID_LIMITS}; by default the account's organisation",
            source="§3.3",
            places=REWARDS_ORG,
        ),
    ] = None
    custom_fields: Annotated[
        Mapping[str, str],
        Field(
            name="customFields",
            rule=rules.text,
            help="A custom field's value.",
            limits=TEXT_LIMITS,
            source="§3.1, §3.2",
            path="customFields",
            places=OF_REWARD,
        ),
    ] = field(default_factory=dict)
    points: Annotated[
        float | None,
        Field(
            name="points",
            rule=rules.amount,
            help="The points to pay for one unit, above 0, instead of its redemption value.",
            limits=f"{AMOUNT_LIMITS}; not with redemptionValue",
            source="§3.1, §7",
            path="paymentConfig.points",
            places=OF_REWARD,
            also=("paymentConfig.points",),
        ),
    ] = None
    reward_external_id: Annotated[
        str | None,
        Field(
            name="rewardExternalId",
            rule=reference,
            help="The reward's external id, instead of its id (bulk and connected).",
            limits=f"{REFERENCE_LIMITS}; this or rewardId",
            source="§3.2",
            places=OF_LISTED_REWARD,
        ),
    ] = None
    fulfillment_status: Annotated[
        str | None,
        Field(
            name="fulfillmentDetails.status",
            rule=reference,
            help="The reward's fulfilment status, as it is created in the brand.",
            limits=REFERENCE_LIMITS,
            source="§3.1, §3.2",
            path="fulfillmentDetails.status",
            places=OF_REWARD,
            also=("fulfillmentStatus",),
        ),
    ] = None
    reward_params: Annotated[
        Mapping[str, str],
        Field(
            name="rewardParams",
            rule=rules.text,
            help="A parameter of the reward (bulk and connected).",
            limits=TEXT_LIMITS,
            source="§3.2",
            path="params",
            places=OF_LISTED_REWARD,
        ),
    ] = field(default_factory=dict)

    @property
    def reference(self) -> int | str:
        """The id, or the external id of a reward without one; "" if it has neither."""
        return self.reward_id or self.reward_external_id or ""
