"""Reward transactions as the reads show them; missing or odd values read as None or empty (§8)."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import from_json

_LARGEST = 2**63 - 1  # the largest integer a database holds


def loose_whole(value: Any) -> int | None:
    """Read a number, or a string that holds one, as an integer; None if not, or beyond 64 bits."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    for read in (int, float):
        try:
            number = int(read(value))
        except (ValueError, OverflowError):
            continue
        return number if abs(number) <= _LARGEST else None
    return None


def loose_text(value: Any) -> str | None:
    """Read an id, written as a number or as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        # PostgreSQL cannot store NUL in text.
        return str(value).replace("\x00", "")
    except ValueError:
        # A number with thousands of digits is not an id.
        return None


def loose_map(value: Any) -> dict[str, Any]:
    """Read an object; anything else reads as an empty one."""
    return value if isinstance(value, dict) else {}


def loose_maps(value: Any) -> list[dict[str, Any]]:
    """Read a list of objects, or one object as a list of one; anything else is left out."""
    return [item for item in _loose_list(value) if isinstance(item, dict)]


def _loose_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _loose_texts(value: Any) -> list[str]:
    return [text for item in _loose_list(value) if (text := loose_text(item))]


def _loose_flag(value: Any) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def _vendor_rewards(value: Any) -> list[dict[str, Any]]:
    """Unpack `{"rewards": [{"json": "<JSON in a string>"}]}`; unreadable JSON gives `{}`."""
    return [_unpack(item.get("json")) for item in loose_maps(loose_map(value).get("rewards"))]


def _unpack(packed: Any) -> dict[str, Any]:
    if not isinstance(packed, str):
        return loose_map(packed)
    try:
        return loose_map(from_json(packed))
    except ValueError:
        return {}


Whole = Annotated[int | None, BeforeValidator(loose_whole)]
Text = Annotated[str | None, BeforeValidator(loose_text)]
Texts = Annotated[list[str], BeforeValidator(_loose_texts)]
Flag = Annotated[bool | None, BeforeValidator(_loose_flag)]
Maps = Annotated[list[dict[str, Any]], BeforeValidator(loose_maps)]


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

    @property
    def vouchers(self) -> tuple[str, ...]:
        """Every voucher once: codes of coupons and promotions, then vendors' `voucher`."""
        codes = (
            item.get(key)
            for item in (*self.coupons, *self.promotions)
            for key in ("code", "promotionCode")
        )
        vendors = (item.get("voucher") for item in self.vendor_rewards)
        return _distinct((*codes, *vendors))

    @property
    def points_references(self) -> tuple[str, ...]:
        """The points references of all three fields."""
        return _distinct(
            (self.points.reference_id, *self.points.reference_ids, *self.reference_ids)
        )


def _distinct(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for value in values if (text := loose_text(value))))
