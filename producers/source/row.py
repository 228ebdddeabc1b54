"""What reading a campaign's file yields: rows that can be issued and rows that cannot."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

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
        reward_id: 1 to 2^63-1; the row's own, else the one given for all rows.
        quantity: 1 to 1,000,000; the row's own, else the one given for all rows, else 1.
        payment_config_id: 1 to 2^63-1, where the reward has several payment configs.
        redemption_value: Above 0, at most 15 significant digits; whole values are ints (`100.00` is
            100), so that one amount has one spelling in the body.
        points: What is to be paid, in the place of redemption_value; as that one.
        org_id: 1 to 2^63-1, where the row is for a connected org.
        event_log_id: 1 to 4,000 characters, as given.
        notes: 1 to 4,000 characters, as given.
        custom_fields: Name to value, 1 to 4,000 characters each; empty when the row has none.
    """

    line: int
    identifier: Identifier
    reward_id: int
    quantity: int
    payment_config_id: int | None
    redemption_value: int | float | None
    org_id: int | None
    event_log_id: str | None
    notes: str | None
    custom_fields: Mapping[str, str]
    points: int | float | None = None


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
