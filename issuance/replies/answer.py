"""The issue endpoints' answers as lenient models; unknown fields are ignored (rewards-api §4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, core_schema, from_json

from issuance.details.details import (
    Details,
    Unit,
    UnitKind,
    codes_of,
    is_filled,
    make_details,
    read_units,
)
from issuance.job import Line

_T = TypeVar("_T")
_KEPT = (
    ("payment_config", "paymentConfig"),
    ("redemption_details", "redemptionDetails"),
    ("fulfillment_details", "fulfillmentDetails"),
    ("custom_fields", "customFields"),
    ("restrictions", "restrictions"),
    ("event_date_time", "eventDateTime"),
)
_COUPON, _VENDOR, _PROMOTION = UnitKind.COUPON, UnitKind.VENDOR, UnitKind.PROMOTION
_LARGEST = 2**63 - 1  # the largest integer a database holds; anything larger is not a count


@dataclass(frozen=True, slots=True)
class _OrElse:
    """Reads a value of the wrong type as `value`, so that one odd field never hides the others.

    pydantic-core does this without calling Python, which is three times as fast as validators.
    """

    value: Any

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.with_default_schema(
            handler(source), default=self.value, on_error="default"
        )


# In the samples a number is written as 2, "2", 2.0 or "2.0", and an id as a number or as text.
Whole = Annotated[Annotated[int, Field(ge=-_LARGEST, le=_LARGEST)] | None, _OrElse(None)]
Count = Annotated[
    Annotated[float, Field(ge=-_LARGEST, lt=_LARGEST, allow_inf_nan=False)] | None, _OrElse(None)
]
Text = Annotated[str | None, _OrElse(None)]
Texts = Annotated[list[Text] | str | None, _OrElse(None)]


class _Liberal(BaseModel):
    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)


class PartnerError(_Liberal):
    """The error of the points or vendor partner."""

    codes: Texts = None
    messages: Texts = None


class Status(_Liberal):
    """The `status` block; `code` is None if it is missing or unreadable."""

    success: Annotated[bool | None, _OrElse(None)] = None
    code: Whole = None
    message: Text = None
    partner_error: Annotated[PartnerError, _OrElse(PartnerError())] = Field(
        default=PartnerError(), alias="partnerError"
    )

    @property
    def partner_codes(self) -> tuple[str, ...]:
        """The partner's codes as text."""
        return _distinct(_listed(self.partner_error.codes)) if self.partner_error.codes else ()


class Reward(_Liberal):
    """What an answer says about one line; the single endpoint's whole answer has this shape."""

    status: Annotated[Status, _OrElse(Status())] = Status()
    request_id: Text = Field(default=None, alias="requestId")
    reward_id: Whole = Field(default=None, alias="rewardId")
    transaction_id: Text = Field(default=None, alias="transactionId")
    requested_quantity: Count = Field(default=None, alias="requestedQuantity")
    quantity: Count = None
    points_reference_id: Text = Field(default=None, alias="pointsReferenceId")
    points_reference_ids: Texts = Field(default=None, alias="pointsReferenceIds")
    # The single endpoint sends one object or null of each kind, the bulk endpoints a list.
    intouch: Any = None
    promotions: Any = None
    promotion: Any = None
    vendor: Any = None
    # Kept as they came; see `details`.
    org_id: Whole = Field(default=None, alias="orgId")
    org_id_in_capitals: Whole = Field(default=None, alias="orgID")
    payment_config: Any = Field(default=None, alias="paymentConfig")
    redemption_details: Any = Field(default=None, alias="redemptionDetails")
    fulfillment_details: Any = Field(default=None, alias="fulfillmentDetails")
    custom_fields: Any = Field(default=None, alias="customFields")
    restrictions: Any = None
    event_date_time: Any = Field(default=None, alias="eventDateTime")

    def units(self) -> list[Unit]:
        """Read every unit of coupons, vendors and promotions, as it came (rewards-api §4.3)."""
        units = read_units(_COUPON, self.intouch) if self.intouch else []
        if self.vendor:
            units += read_units(_VENDOR, self.vendor)
        if self.promotions:
            units += read_units(_PROMOTION, self.promotions)
        if self.promotion:
            units += read_units(_PROMOTION, self.promotion)
        return units

    @property
    def vouchers(self) -> tuple[str, ...]:
        """Every voucher of coupons, vendors and promotions."""
        return vouchers_of(self.units())

    def details(self, line: Line, units: Sequence[Unit]) -> Details | None:
        """Return what it shows of a line next to its verdict; None if nothing.

        The organisation and the reward are kept only where they differ from the line's.

        Args:
            line: the line.
            units: what `units` returned.
        """
        fields: dict[str, Any] = {}
        shown = self.__dict__
        for attribute, name in _KEPT:
            value = shown[attribute]
            if value or is_filled(value):
                fields[name] = value
        org_id = self.org_id if self.org_id is not None else self.org_id_in_capitals
        if org_id != line.org_id and org_id is not None:
            fields["orgId"] = org_id
        if self.reward_id != line.reward_id and self.reward_id is not None:
            fields["rewardId"] = self.reward_id
        return make_details(fields, units)

    @property
    def points_references(self) -> tuple[str, ...]:
        """The points references of both fields."""
        return _distinct([self.points_reference_id, *_listed(self.points_reference_ids)])

    @property
    def shows_anything(self) -> bool:
        """Whether it shows anything that must be kept, whatever its code."""
        return bool(
            self.quantity
            or self.transaction_id
            or self.points_reference_id
            or self.points_reference_ids
            or self.vouchers
        )


class IssueAnswer(Reward):
    """A whole answer."""

    rewards: Annotated[
        list[Annotated[Reward | None, _OrElse(None)]] | Reward | None, _OrElse([])
    ] = None

    @property
    def elements(self) -> tuple[Reward, ...] | None:
        """The elements of `rewards`; None when it is null or missing (request-level failures)."""
        if self.rewards is None:
            return None
        return tuple([element for element in _listed(self.rewards) if element is not None])


def read_issue_answer(body: bytes) -> IssueAnswer | None:
    """Read an answer's body; None if it is not JSON, or has neither a code nor anything to keep."""
    try:
        # PostgreSQL cannot store NUL in text, so it is read as a space.
        answer = IssueAnswer.model_validate_json(body.replace(b"\\u0000", b"\\u0020"))
    except ValidationError:
        return None
    if answer.status.code is not None or answer.shows_anything:
        return answer
    speaks = any(
        part.status.code is not None or part.shows_anything for part in answer.elements or ()
    )
    return answer if speaks else None


def was_an_answer(body: bytes) -> bool:
    """Return whether an unreadable body may come from the API and not from its gateway."""
    text = body.strip()
    if text and not text.startswith((b"{", b"[")):
        return False  # the gateway's own page
    try:
        found = from_json(text)
    except ValueError:
        return True
    return not isinstance(found, dict) or not _OWN_FIELDS.isdisjoint(found)


_OWN_FIELDS = frozenset({"status", "rewards", "transactionId", "requestId"})


def vouchers_of(units: Sequence[Unit]) -> tuple[str, ...]:
    """Return every voucher of an issue answer's units, each once."""
    return _distinct(codes_of(units)) if units else ()


def _listed(value: Sequence[_T | None] | _T | None) -> Sequence[_T | None]:
    return value if isinstance(value, list) else (value,)  # type: ignore[return-value]  # no _T is a list


def _distinct(values: Sequence[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([value for value in values if value])) if values else ()
