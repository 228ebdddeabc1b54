"""Whose fault a refusal is: the campaign's, the customer's or the account's."""

from dataclasses import dataclass
from enum import StrEnum

from issuance.outcome import Kind, LineOutcome, Outcome


class Fault(StrEnum):
    """Whose fault it is that an answer did not issue a line."""

    CAMPAIGN = "campaign"
    """The reward or its set-up: other customers get the same answer until it is corrected."""
    CUSTOMER = "customer"
    """This customer: another one may get the reward."""
    ACCOUNT = "account"
    """The credentials, the access or the rate: it says nothing of campaign and customer."""
    NONE = "none"
    """The line was issued, or its answer says nothing yet."""


@dataclass(frozen=True, slots=True)
class FaultRow:
    """One row of the table; with `text` it applies only if the message has one of the parts."""

    code: int
    fault: Fault
    why: str
    source: str
    text: tuple[str, ...] = ()
    """Parts of the message in lower case; one match is enough."""
    in_doubt: bool = False
    """Whether it applies also to a line that may have been issued."""


_CAMPAIGN, _CUSTOMER, _ACCOUNT, _NONE = Fault

FAULTS: tuple[FaultRow, ...] = (
    FaultRow(200, _CAMPAIGN, "success, but the reward gave no unit", "§4.3"),
    FaultRow(400, _CAMPAIGN, "a field that every body of the campaign has is not valid", "§6.1"),
    FaultRow(401, _ACCOUNT, "the credentials are not accepted", "§6.2"),
    FaultRow(403, _ACCOUNT, "the credentials have no access", "§6.2"),
    FaultRow(404, _CAMPAIGN, "no such resource: the reward is part of the path", "§6.2"),
    FaultRow(405, _ACCOUNT, "the address does not take this method", "§6.2"),
    FaultRow(415, _ACCOUNT, "the address does not take this media type", "§6.2"),
    FaultRow(1014, _CUSTOMER, "no such customer", "§6.1"),
    FaultRow(1026, _CAMPAIGN, "the brand has no points vendor", "§6.1"),
    FaultRow(1060, _CAMPAIGN, "every call of the campaign has too many rewards", "§6.2"),
    FaultRow(3004, _CAMPAIGN, "no such brand", "§6.1"),
    FaultRow(6004, _CAMPAIGN, "the reward is not found or disabled", "§6.1"),
    FaultRow(6080, _CAMPAIGN, "no reward has this external id", "§6.1"),
    FaultRow(6082, _CAMPAIGN, "the external id is another reward's", "§6.1"),
    FaultRow(
        8003,
        _CAMPAIGN,
        "the reward's vendor returns no voucher",
        "§6.1",
        text=("voucher is not present",),
        in_doubt=True,
    ),
    FaultRow(8003, _CAMPAIGN, "the reward is unknown, disabled, not started or expired", "§6.1"),
    FaultRow(
        8004, _CAMPAIGN, "the reward's coupon series is not valid", "§6.1", text=("coupon series",)
    ),
    FaultRow(8004, _CUSTOMER, "the customer's points, group or identifier", "§6.1"),
    FaultRow(8005, _CAMPAIGN, "rewards are switched off for the brand", "§6.1"),
    FaultRow(8015, _CUSTOMER, "no customer has this identifier", "§8"),
    FaultRow(
        12005,
        _CUSTOMER,
        "the customer's own limit is used up",
        "§6.1",
        text=("level customer", "level user"),
    ),
    FaultRow(12005, _CAMPAIGN, "the reward's limit is used up", "§6.1", text=("for level ",)),
    FaultRow(12005, _CUSTOMER, "a limit without a level: not held against the campaign", "§6.1"),
    FaultRow(12016, _CAMPAIGN, "the payment configuration is another reward's", "§6.1"),
    FaultRow(12034, _CUSTOMER, "the customer is not in the reward's segment", "§6.1"),
    FaultRow(12035, _CAMPAIGN, "several payment configurations, and none was chosen", "§6.1"),
    FaultRow(12050, _CUSTOMER, "the customer has no card of the series", "§6.1"),
    FaultRow(15006, _CUSTOMER, "the customer's primary identifier is missing", "§6.1"),
)

_ROWS: dict[int, tuple[FaultRow, ...]] = {}
for _row in FAULTS:
    _ROWS[_row.code] = (*_ROWS.get(_row.code, ()), _row)

UNDOCUMENTED = FaultRow(0, Fault.CAMPAIGN, "the code is in no document", "§6.1, last row")
"""The row of every other code."""
_NO_FAULT = FaultRow(0, Fault.NONE, "no refusal", "§4.3")
_BY_THE_EDGE = FaultRow(0, Fault.ACCOUNT, "the edge answered instead of the API", "§4.1")
_PAGE = "HTTP "
"""The message of an answer without the API's body begins so, see `classification`."""
_DOUBTED = 8004
"""In doubt only with a text such as "issue failed": the services behind the reward fail."""
_BEHIND = FaultRow(_DOUBTED, Fault.CAMPAIGN, "a service behind the reward fails", "§6.1")


def find_fault(outcome: Outcome, line: LineOutcome) -> FaultRow:
    """Return the row of the table that says whose fault an outcome of a line is.

    Args:
        outcome: of the call.
        line: what the call's reply says about the line.
    """
    if outcome.by_edge or outcome.refusal is not None:
        return _BY_THE_EDGE
    if not outcome.readable:
        return _NO_FAULT
    return find_recorded_fault(line.kind, line.code, line.message)


def find_recorded_fault(kind: Kind, code: int | None, message: str) -> FaultRow:
    """Return the row for what the record keeps of an answer."""
    if code is None or kind not in (Kind.FAILED, Kind.IN_DOUBT):
        return _NO_FAULT
    if message.startswith(_PAGE):
        return _BY_THE_EDGE if kind is Kind.FAILED else _NO_FAULT
    if kind is Kind.FAILED:
        return _row_of(code, message)
    if code == _DOUBTED:
        return _BEHIND
    row = _row_of(code, message)
    return row if row.in_doubt else _NO_FAULT


def is_campaign_fault(outcome: Outcome, line: LineOutcome) -> bool:
    """Return whether the stop-loss holds this outcome of a line against its reward."""
    return find_fault(outcome, line).fault is Fault.CAMPAIGN


def _row_of(code: int, message: str) -> FaultRow:
    for row in _ROWS.get(code, ()):
        if not row.text or any(part in message.lower() for part in row.text):
            return row
    return UNDOCUMENTED
