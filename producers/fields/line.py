"""The description of a line: every field that a caller can give (rewards-api §3).

It defines the columns of CSV and JSONL files, the arguments of `producers.enqueue` and the options
of `issuance issue`. To add a field, add it to a class here, and its type to `LineFields`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Required, TypedDict

from producers.fields import identifiers, rules
from producers.fields.field import Field, describe

_identity = rules.positive_integer(rules.LARGEST_ID)
_units = rules.positive_integer(rules.LARGEST_QUANTITY)


@dataclass(frozen=True, slots=True)
class Identifiers:
    """The customer's identifiers; exactly one is given."""

    mobile: Annotated[
        str | None,
        Field(
            "mobile", identifiers.mobile, "The customer's mobile, 7 to 15 digits with country code."
        ),
    ] = None
    email: Annotated[
        str | None, Field("email", identifiers.email, "The customer's e-mail address.")
    ] = None
    external_id: Annotated[
        str | None, Field("externalId", identifiers.external_id, "The customer's external id.")
    ] = None


@dataclass(frozen=True, slots=True)
class Reward:
    """One reward to issue."""

    reward_id: Annotated[int, Field("rewardId", _identity, "The reward, 1 to 2^63-1.")]
    quantity: Annotated[int, Field("quantity", _units, "Units, 1 to 1,000,000.")] = 1
    payment_config_id: Annotated[
        int | None,
        Field(
            "paymentConfigId",
            _identity,
            "The payment config; needed where the reward has several.",
            path="paymentConfig.id",
        ),
    ] = None
    redemption_value: Annotated[
        float | None,
        Field(
            "redemptionValue",
            rules.amount,
            "The value of one unit, above 0, for a reward paid by conversion ratio.",
            path="paymentConfig.redemptionValue",
        ),
    ] = None
    org_id: Annotated[
        int | None, Field("orgId", _identity, "The reward's organisation (connected endpoint).")
    ] = None
    custom_fields: Annotated[
        Mapping[str, str],
        Field("customFields", rules.text, "A custom field's value.", path="customFields"),
    ] = field(default_factory=dict)
    points: Annotated[
        float | None,
        Field(
            "points",
            rules.amount,
            "The points to pay for one unit, above 0, instead of its redemption value.",
            path="paymentConfig.points",
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class CallFields:
    """The fields that apply to all rewards of a call."""

    event_log_id: Annotated[
        str | None,
        Field("eventLogId", rules.text, "The caller's correlation id.", path="eventLogId"),
    ] = None
    notes: Annotated[
        str | None,
        Field("notes", rules.text, "Free text, at most 4,000 characters.", "notes", per_org=True),
    ] = None


NO_CALL_FIELDS = CallFields()


class LineFields(TypedDict, total=False):
    """The same fields as keyword arguments of a call, for type checkers."""

    mobile: str | None
    email: str | None
    external_id: str | None
    reward_id: Required[int]
    quantity: int
    payment_config_id: int | None
    redemption_value: float | None
    points: float | None
    org_id: int | None
    custom_fields: Mapping[str, str] | None
    event_log_id: str | None
    notes: str | None


IDENTIFIERS = describe(Identifiers)
REWARD = describe(Reward)
CALL = describe(CallFields)
ALL = (*IDENTIFIERS, *REWARD, *CALL)
