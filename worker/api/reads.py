"""What a read shows of one issued reward: liberal models, and the three results of looking (rewards-api §8)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from issuance.reply import Answer, Reply

_NOT_FOUND = 6004
_LARGEST = 2**63 - 1  # what a database's integer holds


def _loose_whole(value: Any) -> int | None:
    """Read a number however it is written: 2, "2", 2.0 or "2.0"."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    for read in (int, float):
        try:
            number = int(read(value))
        except (ValueError, OverflowError):
            continue
        return number if abs(number) <= _LARGEST else None
    return None


def _loose_text(value: Any) -> str | None:
    """Read an id however it is written, as a number or as text."""
    # PostgreSQL cannot store NUL in a text.
    return str(value).replace("\x00", "") if isinstance(value, int | float | str) else None


def _loose_map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _loose_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _loose_maps(value: Any) -> list[dict[str, Any]]:
    return [item for item in _loose_list(value) if isinstance(item, dict)]


def _loose_texts(value: Any) -> list[str]:
    return [text for item in _loose_list(value) if (text := _loose_text(item))]


def _vendor_rewards(value: Any) -> list[dict[str, Any]]:
    """Unpack `{"rewards": [{"json": "<JSON in a string>"}]}`; what cannot be unpacked is left out."""
    return [_unpack(item.get("json")) for item in _loose_maps(_loose_map(value).get("rewards"))]


def _unpack(packed: Any) -> dict[str, Any]:
    if not isinstance(packed, str):
        return _loose_map(packed)
    try:
        return _loose_map(from_json(packed))
    except ValueError:
        return {}


Whole = Annotated[int | None, BeforeValidator(_loose_whole)]
Text = Annotated[str | None, BeforeValidator(_loose_text)]
Texts = Annotated[list[str], BeforeValidator(_loose_texts)]
Maps = Annotated[list[dict[str, Any]], BeforeValidator(_loose_maps)]


class _Liberal(BaseModel):
    model_config = ConfigDict(frozen=True)


class ReadStatus(_Liberal):
    """A `status` block; `code` is None when there is none that can be read."""

    code: Whole = None
    message: Text = None


class PointsRedemption(_Liberal):
    """The points that the reward has cost."""

    redeemed_points: Text = Field(default=None, alias="redeemedPoints")
    reference_id: Text = Field(default=None, alias="pointsRedemptionRefId")
    reference_ids: Texts = Field(default=[], alias="pointsRedemptionRefIds")


class TransactionDetail(_Liberal):
    """One reward transaction as the API has it now; whatever is missing or odd reads as None or empty."""

    reward_transaction_id: Text = Field(default=None, alias="rewardTransactionId")
    reward_issue_ref_id: Text = Field(default=None, alias="rewardIssueRefId")
    """The request's `transactionNumber`: what joins a transaction to our job."""
    reward_transaction_date: Whole = Field(default=None, alias="rewardTransactionDate")
    """Milliseconds since 1970, UTC."""
    customer_id: Text = Field(default=None, alias="customerId")
    org_id: Whole = Field(default=None, alias="orgId")
    status: Annotated[ReadStatus, BeforeValidator(_loose_map)] = ReadStatus()
    """Of the issuing, not of the read."""
    quantity: Whole = None
    requested_quantity: Whole = Field(default=None, alias="requestedQuantity")
    """None in older answers."""
    points: Annotated[PointsRedemption, BeforeValidator(_loose_map)] = Field(
        default=PointsRedemption(), alias="pointsRedemption"
    )
    coupons: Maps = Field(default=[], alias="vouchers")
    vendor_rewards: Annotated[list[dict[str, Any]], BeforeValidator(_vendor_rewards)] = Field(
        default=[], alias="vendorRewards"
    )

    @property
    def vouchers(self) -> tuple[str, ...]:
        """Every voucher shown: coupons' codes and the vendor's `voucher`, each once, in order."""
        coupons = (item.get("code") for item in self.coupons)
        vendors = (item.get("voucher") for item in self.vendor_rewards)
        return _distinct((*coupons, *vendors))

    @property
    def points_references(self) -> tuple[str, ...]:
        """Both spellings of the points references together."""
        return _distinct((self.points.reference_id, *self.points.reference_ids))


class _DetailAnswer(_Liberal):
    # A list in this answer, an object everywhere else: both are read.
    status: Maps = []
    data: Annotated[dict[str, Any], BeforeValidator(_loose_map)] = {}


@dataclass(frozen=True, slots=True)
class Found:
    """The API knows the transaction."""

    detail: TransactionDetail


@dataclass(frozen=True, slots=True)
class NotFound:
    """The API says that there is no such transaction (code 6004), or not yet: reads may lag."""

    code: int
    message: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """No answer, or one that says neither; looking again later may help."""

    reply: Reply


DetailReply = Found | NotFound | Unreadable


def read_detail(reply: Reply) -> DetailReply:
    """Read the reply to a read of one transaction; never raises, whatever types the answer has."""
    if not isinstance(reply, Answer):
        return Unreadable(reply)
    try:
        answer = _DetailAnswer.model_validate_json(reply.body)
        status = ReadStatus.model_validate(answer.status[0] if answer.status else {})
        if status.code == _NOT_FOUND:
            return NotFound(_NOT_FOUND, status.message or "")
        if not answer.data:
            return Unreadable(reply)
        return Found(TransactionDetail.model_validate(answer.data))
    except (ValidationError, RecursionError):
        return Unreadable(reply)


def _distinct(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for value in values if (text := _loose_text(value))))
