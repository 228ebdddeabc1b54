"""The issue endpoints' answers as models: liberal in what they read, unknown fields kept (rewards-api §4)."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError


def _loose_int(value: Any) -> int | None:
    """Read a number however it is written; samples mix 2, "2", 2.0 and "2.0"."""
    if isinstance(value, bool) or value is None:
        return None
    for read in (int, float):
        try:
            return int(read(value))
        except (TypeError, ValueError, OverflowError):
            continue
    return None


def _loose_text(value: Any) -> str | None:
    return None if value is None or isinstance(value, dict | list) else str(value)


def _loose_maps(value: Any) -> list[dict[str, Any]]:
    """Read null, one object or a list of objects as a list of objects (E1 sends objects, E2 lists)."""
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]


def _loose_map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _loose_texts(value: Any) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [text for item in items if (text := _loose_text(item))]


LooseInt = Annotated[int | None, BeforeValidator(_loose_int)]
LooseText = Annotated[str | None, BeforeValidator(_loose_text)]
LooseTexts = Annotated[list[str], BeforeValidator(_loose_texts)]
LooseMaps = Annotated[list[dict[str, Any]], BeforeValidator(_loose_maps)]


class _Liberal(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True)


class PartnerError(_Liberal):
    """What the points or vendor partner said."""

    codes: LooseTexts = []
    messages: LooseTexts = []


class Status(_Liberal):
    """The `status` block; `code` is None when there is none that can be read."""

    code: LooseInt = None
    message: LooseText = None
    partner_error: Annotated[PartnerError, BeforeValidator(_loose_map)] = Field(
        default=PartnerError(), alias="partnerError"
    )


class Reward(_Liberal):
    """What an answer says about one line; for the single endpoint the answer itself has this shape."""

    status: Annotated[Status, BeforeValidator(_loose_map)] = Status()
    request_id: LooseText = Field(default=None, alias="requestId")
    reward_id: LooseInt = Field(default=None, alias="rewardId")
    transaction_id: LooseText = Field(default=None, alias="transactionId")
    requested_quantity: LooseInt = Field(default=None, alias="requestedQuantity")
    quantity: LooseInt = None
    points_reference_id: LooseText = Field(default=None, alias="pointsReferenceId")
    points_reference_ids: LooseTexts = Field(default=[], alias="pointsReferenceIds")
    intouch: LooseMaps = []
    promotions: LooseMaps = []
    promotion: LooseMaps = []
    vendor: LooseMaps = []

    @property
    def vouchers(self) -> tuple[str, ...]:
        """Every voucher shown: coupon codes and the vendor's `voucher` (rewards-api §4.3)."""
        coupons = (item.get("couponCode") for item in self.intouch)
        vendors = (item.get("voucher") for item in self.vendor)
        return _distinct((*coupons, *vendors))

    @property
    def points_references(self) -> tuple[str, ...]:
        """Both spellings of the points references together."""
        return _distinct((self.points_reference_id, *self.points_reference_ids))


class IssueAnswer(Reward):
    """A whole answer. `rewards` is None when the list is null or missing (request-level failures)."""

    rewards: Annotated[list[Reward] | None, BeforeValidator(lambda v: _loose_maps(v) if v else None)] = None


def read_issue_answer(body: bytes) -> IssueAnswer | None:
    """Read an answer's body; None when it is not JSON or carries no `status.code` to decide on."""
    try:
        answer = IssueAnswer.model_validate_json(body)
    except (ValidationError, RecursionError):
        return None
    return answer if answer.status.code is not None else None


def _distinct(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(value) for value in values if value not in (None, "")))
