"""The fields that apply to a whole call, and to each of its organisations (rewards-api §3)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from producers.fields import call_values, rules
from producers.fields.field import (
    CASH,
    NO_OWNER,
    OF_CALL,
    OF_ORG,
    ORGS,
    SCOPE,
    Field,
    Rule,
)
from producers.fields.reward import ID_LIMITS, REFERENCE_LIMITS, TEXT_LIMITS, identity

_CASH_LIMITS = "0 to 10^15-1, whole"
_ONE_GROUP_ID = f"{REFERENCE_LIMITS}; at most one group id"

_PRIMARY_USER_ID = Field(
    name="userGroup2PrimaryUserId",
    rule=call_values.reference,
    help="The user id of the group's primary member, whose group pays.",
    limits=_ONE_GROUP_ID,
    source="§3.4",
    path="userGroup2PrimaryUserId",
    snake_path="user_group2_primary_user_id",
    places=OF_ORG,
)
_GROUP_ID = Field(
    name="userGroup2Id",
    rule=call_values.reference,
    help="The id of the loyalty group that pays.",
    limits=_ONE_GROUP_ID,
    source="§3.4",
    path="userGroup2Id",
    snake_path="user_group2_id",
    places=OF_ORG,
)
_GROUP_EXTERNAL_ID = Field(
    name="userGroup2ExternalId",
    rule=call_values.reference,
    help="The external id of the loyalty group that pays.",
    limits=_ONE_GROUP_ID,
    source="§3.4",
    path="userGroup2ExternalId",
    snake_path="user_group2_external_id",
    places=OF_ORG,
)
_NOTES = Field(
    name="notes",
    rule=rules.text,
    help="Free text, at most 4,000 characters.",
    limits=TEXT_LIMITS,
    source="§3",
    path="notes",
    places=OF_ORG,
)
_PARAMS = Field(
    name="params",
    rule=rules.text,
    help="A parameter of the call.",
    limits=TEXT_LIMITS,
    source="§3.2, §3.3",
    path="params",
    places=OF_ORG,
)


def _tender_field(name: str, rule: Rule, help_text: str, limits: str) -> Field:
    return Field(
        name=name,
        rule=rule,
        help=help_text,
        limits=limits,
        source="§3.1",
        path=name,
        places=CASH,
    )


@dataclass(frozen=True, slots=True)
class Tender:
    """One means by which the customer pays cash."""

    method_of_payment: Annotated[
        str | None,
        _tender_field(
            "methodOfPayment",
            call_values.reference,
            "How the customer pays, for example CARD.",
            REFERENCE_LIMITS,
        ),
    ] = None
    method_of_payment_id: Annotated[
        str | None,
        _tender_field(
            "methodOfPaymentId",
            call_values.reference,
            "The id of the method of payment.",
            REFERENCE_LIMITS,
        ),
    ] = None
    tender_id: Annotated[
        int | None, _tender_field("tenderId", identity, "The tender's id.", ID_LIMITS)
    ] = None
    amount: Annotated[
        int | None,
        _tender_field("amount", call_values.whole_amount, "The amount paid by it.", _CASH_LIMITS),
    ] = None


@dataclass(frozen=True, slots=True)
class OrgDetails:
    """What the call says to one organisation; it replaces the same fields of the call."""

    org_id: Annotated[
        int | None,
        Field(
            name="orgId",
            rule=identity,
            help="The organisation; needed if there are several.",
            limits=f"{ID_LIMITS}; the organisation of one of the rewards",
            source="§3.3",
            path="orgId",
            places=ORGS,
        ),
    ] = None
    notes: Annotated[str | None, _NOTES] = None
    params: Annotated[Mapping[str, str], _PARAMS] = field(default_factory=dict)
    group_primary_user_id: Annotated[str | None, _PRIMARY_USER_ID] = None
    group_id: Annotated[str | None, _GROUP_ID] = None
    group_external_id: Annotated[str | None, _GROUP_EXTERNAL_ID] = None


@dataclass(frozen=True, slots=True)
class CallFields:
    """The fields that apply to all rewards of a call."""

    event_log_id: Annotated[
        str | None,
        Field(
            name="eventLogId",
            rule=rules.text,
            help="The caller's correlation id.",
            limits=TEXT_LIMITS,
            source="§3",
            path="eventLogId",
            places=OF_CALL,
        ),
    ] = None
    notes: Annotated[str | None, _NOTES] = None
    params: Annotated[Mapping[str, str], _PARAMS] = field(default_factory=dict)
    group_primary_user_id: Annotated[str | None, _PRIMARY_USER_ID] = None
    group_id: Annotated[str | None, _GROUP_ID] = None
    group_external_id: Annotated[str | None, _GROUP_EXTERNAL_ID] = None
    program_id: Annotated[
        int | None,
        Field(
            name="programId",
            rule=identity,
            help="The loyalty programme.",
            limits=ID_LIMITS,
            source="§3.1, §3.2",
            path="programId",
            places=OF_CALL,
        ),
    ] = None
    event_date_time: Annotated[
        str | None,
        Field(
            name="eventDateTime",
            rule=call_values.event_date_time,
            help="When the event happened: YYYY-MM-DDTHH:MM:SSZ, at most 24 h ahead.",
            limits="`YYYY-MM-DDTHH:MM:SSZ` in UTC, at most 24 h ahead",
            source="§3",
            path="eventDateTime",
            places=OF_CALL,
        ),
    ] = None
    transaction_number: Annotated[
        str | None,
        Field(
            name="transactionNumber",
            rule=call_values.reference,
            help="The call's number, unique in the ledger; by default the job's id.",
            limits=f"{REFERENCE_LIMITS}; unique in the ledger; by default the job's id",
            source="§3, §8",
            places=OF_CALL,
        ),
    ] = None
    owner_type: Annotated[
        str | None,
        Field(
            name="rewardOwnershipRO.ownerType",
            rule=call_values.owner_type,
            help="The reward's owner: LOYALTY, MILESTONES, CAMPAIGNS, JOURNEYS or GOODWILL.",
            limits="LOYALTY, MILESTONES, CAMPAIGNS, JOURNEYS or GOODWILL; with ownerId",
            source="§3.1, §9",
            path="rewardOwnershipRO.ownerType",
            places=OF_CALL,
            undocumented=NO_OWNER,
            also=("ownerType",),
        ),
    ] = None
    owner_id: Annotated[
        str | None,
        Field(
            name="rewardOwnershipRO.ownerId",
            rule=call_values.reference,
            help="The owner's id.",
            limits=f"{REFERENCE_LIMITS}; with ownerType",
            source="§3.1, §9",
            path="rewardOwnershipRO.ownerId",
            places=OF_CALL,
            undocumented=NO_OWNER,
            also=("ownerId",),
        ),
    ] = None
    tender_total: Annotated[
        int | None,
        Field(
            name="tender.totalAmount",
            rule=call_values.whole_amount,
            help="The cash that the customer has to pay (single endpoint).",
            limits=f"{_CASH_LIMITS}; the sum of the tenders' amounts",
            source="§3.1",
            path="tender.totalAmount",
            places=CASH,
            also=("totalAmount",),
        ),
    ] = None
    tenders: Annotated[
        tuple[Tender, ...],
        Field(
            name="tender.tenders",
            rule=rules.text,
            help="A means of payment (single endpoint).",
            limits="`tender.amount` for one, `tender.tenders.0.amount` and so on for several",
            source="§3.1",
            path="tender.tenders",
            places=CASH,
            also=("tender", "tenders"),
        ),
    ] = ()
    org_details: Annotated[
        tuple[OrgDetails, ...],
        Field(
            name="orgLevelDetails",
            rule=rules.text,
            help="What the call says to one organisation (connected endpoint).",
            limits="`orgLevelDetails.0.notes` and so on; completed from the rewards' organisations",
            source="§3.3",
            places=ORGS,
        ),
    ] = ()
    data_scope: Annotated[
        str | None,
        Field(
            name="dataScope",
            rule=call_values.data_scope,
            help="SELF or OTHER (connected endpoint); by default the account's.",
            limits="SELF or OTHER; by default the account's",
            source="§2",
            places=SCOPE,
            also=("DATA-SCOPE",),
        ),
    ] = None

    def __hash__(self) -> int:
        """Hash the fields that are texts; equal objects have equal hashes."""
        return hash((self.event_log_id, self.notes, self.transaction_number))


NO_CALL_FIELDS = CallFields()
