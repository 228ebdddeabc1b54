"""The description of a line: every field that a caller can give (rewards-api §3).

It defines the columns of CSV and JSONL files, the arguments of `producers.enqueue` and the options
of `issuance issue`. To add a field, add it to a class (`Reward` or `CallFields`), and its type to
`LineFields`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, TypedDict

from producers.fields import identifiers
from producers.fields.call import NO_CALL_FIELDS, CallFields, OrgDetails, Tender
from producers.fields.field import OF_CALL, Field, describe
from producers.fields.reward import Reward

__all__ = [
    "ALL",
    "ALTERNATIVES",
    "CALL",
    "IDENTIFIERS",
    "NO_CALL_FIELDS",
    "REWARD",
    "CallFields",
    "Identifiers",
    "LineFields",
    "OrgDetails",
    "Reward",
    "Tender",
]


@dataclass(frozen=True, slots=True)
class Identifiers:
    """The customer's identifiers; exactly one is given."""

    mobile: Annotated[
        str | None,
        Field(
            name="mobile",
            rule=identifiers.mobile,
            help="The customer's mobile, 7 to 15 digits with country code.",
            limits="7 to 15 digits with country code",
            source="§3",
            places=OF_CALL,
        ),
    ] = None
    email: Annotated[
        str | None,
        Field(
            name="email",
            rule=identifiers.email,
            help="The customer's e-mail address.",
            limits="an address of at most 254 characters; sent as `email` or `emailId`",
            source="§3, §3.4",
            places=OF_CALL,
        ),
    ] = None
    external_id: Annotated[
        str | None,
        Field(
            name="externalId",
            rule=identifiers.external_id,
            help="The customer's external id.",
            limits="1 to 255 characters",
            source="§3",
            places=OF_CALL,
        ),
    ] = None


class LineFields(TypedDict, total=False):
    """The same fields as keyword arguments of a call, for type checkers."""

    mobile: str | None
    email: str | None
    external_id: str | None
    reward_id: int | None
    reward_external_id: str | None
    quantity: int
    payment_config_id: int | None
    redemption_value: float | None
    points: float | None
    org_id: int | None
    custom_fields: Mapping[str, str] | None
    fulfillment_status: str | None
    reward_params: Mapping[str, str] | None
    event_log_id: str | None
    notes: str | None
    params: Mapping[str, str] | None
    group_primary_user_id: str | None
    group_id: str | None
    group_external_id: str | None
    program_id: int | None
    event_date_time: str | None
    transaction_number: str | None
    owner_type: str | None
    owner_id: str | None
    tender_total: int | None
    tenders: tuple[Tender, ...]
    org_details: tuple[OrgDetails, ...]
    data_scope: str | None


IDENTIFIERS = describe(Identifiers)
REWARD = describe(Reward)
CALL = describe(CallFields)
ALL = (*IDENTIFIERS, *REWARD, *CALL)
ALTERNATIVES = (
    frozenset({"reward_id", "reward_external_id"}),
    frozenset({"redemption_value", "points"}),
    frozenset({"group_primary_user_id", "group_id", "group_external_id"}),
)
"""Fields of which a line has at most one: a row's own one replaces another one's default."""
