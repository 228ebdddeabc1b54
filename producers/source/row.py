"""What reading a campaign's file yields: rows that can be issued and rows that cannot."""

from dataclasses import dataclass, field
from typing import Literal

from producers.fields.line import NO_CALL_FIELDS, CallFields, Reward

IdentifierKind = Literal["mobile", "email", "externalId"]


@dataclass(frozen=True, slots=True)
class Identifier:
    """Names one customer, in the spelling of rewards-api §3.

    Attributes:
        kind: Which of the customer's identifiers it is.
        value: The identifier without surrounding blanks; a mobile is 7 to 15 digits without "+". It
            is personal data and therefore no part of the repr.
    """

    kind: IdentifierKind
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Row:
    """A good row: one reward for one customer.

    Attributes:
        line: 1-based physical line of the file at which the record starts.
        identifier: The customer.
        reward: What is asked for; where the row has no rewardId or quantity of its own, the one
            given for all rows.
        call: What the row's call says once.
    """

    line: int
    identifier: Identifier
    reward: Reward
    call: CallFields = NO_CALL_FIELDS


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be issued; it carries the first problem found and costs no other row anything.

    Attributes:
        line: 1-based physical line of the file at which the record starts.
        field: The column at fault, or "" when it is the whole row.
        problem: What is wrong; values are shortened, and of an identifier at most its last 4
            characters are shown.
        remedy: What to do about it.
    """

    line: int
    field: str
    problem: str
    remedy: str
