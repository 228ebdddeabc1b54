"""The rows of a campaign's file: those that can be issued, and those that cannot."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from producers.fields.line import NO_CALL_FIELDS, CallFields, Reward

IdentifierKind = Literal["mobile", "email", "externalId"]


@dataclass(frozen=True, slots=True)
class Identifier:
    """One customer's identifier, spelled as in rewards-api §3.

    Attributes:
        kind: The kind of identifier.
        value: The identifier without surrounding blanks; a mobile is 7 to 15 digits without "+". It
            is personal data, so the repr leaves it out.
    """

    kind: IdentifierKind
    value: str = field(repr=False)


class Doubt(NamedTuple):
    """A reason to doubt a row, in the words of a lint finding."""

    kind: str
    field: str
    problem: str
    remedy: str


@dataclass(slots=True)  # a frozen one takes three times as long to make, and a file has millions
class Row:
    """A good row: one reward for one customer, or several that are issued in one call.

    Attributes:
        line: 1-based physical line of the file at which the record starts.
        identifier: The customer.
        reward: The requested reward; a missing rewardId or quantity is the one given for all rows.
        call: The fields that apply to the whole call.
        read_as: How values in another spelling were read, by kind.
        doubts: Why the row may not be what its author meant; the lint warns of each.
        more: Further rewards of the same call.
    """

    line: int
    identifier: Identifier
    reward: Reward
    call: CallFields = NO_CALL_FIELDS
    read_as: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    more: tuple[Reward, ...] = ()


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be issued, with the first problem found; it affects no other row.

    Attributes:
        line: 1-based physical line of the file at which the record starts.
        field: The column at fault, or "" if the whole row is at fault.
        problem: What is wrong; values are shortened, and at most the last 4 characters of an
            identifier are shown.
        remedy: What to do about it.
    """

    line: int
    field: str
    problem: str
    remedy: str
