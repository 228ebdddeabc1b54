"""Reward transactions as the reads show them; missing or odd values read as None or empty (§8)."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import from_json

from issuance.details.details import Details, Unit, UnitKind, filled, make_details, read_units
from issuance.details.points import thousandths
from issuance.job import Line
from issuance.loose import loose_list, loose_map, loose_maps, loose_text, loose_whole


def _loose_texts(value: Any) -> list[str]:
    return [text for item in loose_list(value) if (text := loose_text(item))]


def _loose_flag(value: Any) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def _vendor_rewards(value: Any) -> list[dict[str, Any]]:
    """Unpack `{"rewards": [{"json": "<JSON in a string>"}]}`; other content stays as it is."""
    return [_unpack(item) for item in loose_maps(loose_map(value).get("rewards"))]


def _unpack(item: dict[str, Any]) -> dict[str, Any]:
    packed = item.get("json")
    if not isinstance(packed, str):
        return loose_map(packed) if "json" in item else item
    try:
        return loose_map(from_json(packed))
    except ValueError:
        return item  # unreadable, and kept as it is


Whole = Annotated[int | None, BeforeValidator(loose_whole)]
Text = Annotated[str | None, BeforeValidator(loose_text)]
Texts = Annotated[list[str], BeforeValidator(_loose_texts)]
Flag = Annotated[bool | None, BeforeValidator(_loose_flag)]
Maps = Annotated[list[dict[str, Any]], BeforeValidator(loose_maps)]

_CODES = ("code", "promotionCode")
CANCELLED = "CANCELLED"
"""The state of a revoked transaction."""


class _Liberal(BaseModel):
    model_config = ConfigDict(frozen=True)


class ReadStatus(_Liberal):
    """A `status` block; `code` is None if it is missing or unreadable."""

    success: Flag = None
    code: Whole = None
    message: Text = None


class PointsRedemption(_Liberal):
    """The points that the reward cost."""

    redeemed_points: Text = Field(default=None, alias="redeemedPoints")
    reference_id: Text = Field(default=None, alias="pointsRedemptionRefId")
    reference_ids: Texts = Field(default=[], alias="pointsRedemptionRefIds")


class RewardDetails(_Liberal):
    """Which reward it is."""

    reward_id: Whole = Field(default=None, alias="rewardId")


class Issual(_Liberal):
    """A reward transaction in a list, which shows its status but no units or vouchers."""

    reward_transaction_id: Text = Field(default=None, alias="rewardTransactionId")
    reward_issue_ref_id: Text = Field(default=None, alias="rewardIssueRefId")
    """The request's `transactionNumber`, which links the transaction to our job."""
    reward_transaction_date: Whole = Field(default=None, alias="rewardTransactionDate")
    """Milliseconds since 1970, UTC."""
    status: Annotated[ReadStatus, BeforeValidator(loose_map)] = ReadStatus()
    """The status of the issue, not of the read."""
    reward_details: Annotated[RewardDetails, BeforeValidator(loose_map)] = Field(
        default=RewardDetails(), alias="rewardDetails"
    )
    reference_ids: Texts = Field(default=[], alias="pointsRedemptionRefIds")
    """Shown only by a list that is filtered by them."""
    state: Text = None
    """CANCELLED after a revocation, if the API shows that at all: the documents do not say."""

    @property
    def is_cancelled(self) -> bool:
        """Whether it says that it was revoked."""
        return self.state == CANCELLED

    @property
    def reward_id(self) -> int | None:
        """The reward."""
        return self.reward_details.reward_id

    @property
    def vouchers(self) -> tuple[str, ...]:
        """Every voucher shown; a list shows none."""
        return ()

    @property
    def points_references(self) -> tuple[str, ...]:
        """Every points reference shown."""
        return _distinct(self.reference_ids)


class TransactionDetail(Issual):
    """A reward transaction with all its details."""

    customer_id: Text = Field(default=None, alias="customerId")
    org_id: Whole = Field(default=None, alias="orgId")
    quantity: Whole = None
    requested_quantity: Whole = Field(default=None, alias="requestedQuantity")
    """None in older answers."""
    points: Annotated[PointsRedemption, BeforeValidator(loose_map)] = Field(
        default=PointsRedemption(), alias="pointsRedemption"
    )
    coupons: Maps = Field(default=[], alias="vouchers")
    promotions: Maps = []
    vendor_rewards: Annotated[list[dict[str, Any]], BeforeValidator(_vendor_rewards)] = Field(
        default=[], alias="vendorRewards"
    )

    # Kept as they come; see `details`.
    redemption_details: Any = Field(default=None, alias="redemptionDetails")
    payment_config: Any = Field(default=None, alias="paymentConfig")
    fulfillment_details: Any = Field(default=None, alias="fulfillmentDetails")
    custom_fields: Any = Field(default=None, alias="customFields")
    transaction_custom_fields: Any = Field(default=None, alias="transactionCustomFields")
    owner_type: Text = Field(default=None, alias="ownerType")
    owner_id: Text = Field(default=None, alias="ownerId")
    group_redemption: Flag = Field(default=None, alias="groupRedemption")
    event_date_time: Text = Field(default=None, alias="eventDateTime")
    issue_date_time: Text = Field(default=None, alias="issueDateTime")

    @property
    def units(self) -> list[Unit]:
        """Every unit of coupons, promotions and vendors, as it came."""
        return [
            *read_units(UnitKind.COUPON, self.coupons, codes=_CODES),
            *read_units(UnitKind.PROMOTION, self.promotions, codes=_CODES),
            *read_units(UnitKind.VENDOR, self.vendor_rewards, codes=("voucher",)),
        ]

    @property
    def vouchers(self) -> tuple[str, ...]:
        """Every voucher once: codes of coupons and promotions, then vendors' `voucher`."""
        named = (item.get(key) for item in (*self.coupons, *self.promotions) for key in _CODES)
        vendors = (item.get("voucher") for item in self.vendor_rewards)
        return _distinct((*named, *vendors))

    @property
    def charge(self) -> int | None:
        """The points that this transaction redeemed, in thousandths; None if it does not say."""
        return thousandths(self.points.redeemed_points)

    def details(self, line: Line) -> Details | None:
        """What it shows of a line next to its verdict; None if nothing.

        The organisation and the reward are kept only where they differ from the line's.
        """
        fields = {
            "orgId": None if self.org_id == line.org_id else self.org_id,
            "rewardId": None if self.reward_id == line.reward_id else self.reward_id,
            "paymentConfig": self.payment_config,
            "redemptionDetails": _unless_empty(self.redemption_details),
            "fulfillmentDetails": self.fulfillment_details,
            "customFields": self.custom_fields,
            "transactionCustomFields": self.transaction_custom_fields,
            "ownerType": self.owner_type,
            "ownerId": self.owner_id,
            "groupRedemption": self.group_redemption,
            "eventDateTime": self.event_date_time,
            "issueDateTime": self.issue_date_time,
        }
        return make_details(filled(fields), self.units)

    @property
    def points_references(self) -> tuple[str, ...]:
        """The points references of all three fields."""
        return _distinct(
            (self.points.reference_id, *self.points.reference_ids, *self.reference_ids)
        )


def _unless_empty(value: Any) -> Any:
    """Leave out an object's empty values, which a read shows for what does not apply."""
    if not isinstance(value, dict):
        return value
    return {name: inner for name, inner in value.items() if inner is not None}


def _distinct(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for value in values if (text := loose_text(value))))
