"""The audit log: operators' actions on campaigns, dead letters and lines, with their reasons."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from ledger.store.clock import instant, now_ms
from ledger.store.database import Ledger
from ledger.store.schema import actions

LINE = "line:"
"""The prefix of a line's target."""


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator, with the way in, and the reason given for an action."""

    name: str
    """The subject: the system's user on the console."""
    note: str = ""
    uid: int | None = None
    """The system's number of the user; None if the subject is not one."""
    host: str = ""
    way: str = "console"
    """The way in: console, web, http, python or system."""
    claimed: str = ""
    """The name in `ISSUANCE_OPERATOR`: recorded next to the real one, and never believed."""


@dataclass(frozen=True, slots=True)
class Action:
    """One entry of the audit log."""

    at: datetime
    operator: str
    verb: str
    target: str
    note: str


def record_action(connection: Connection, operator: Operator, *, verb: str, target: str) -> None:
    """Record an action in the transaction that carries it out."""
    values = {"operator": operator.name, "verb": verb, "target": target, "note": operator.note}
    connection.execute(insert(actions).values(at=now_ms(), **values))


def line_target(request_id: str) -> str:
    """Return the target of actions on a line."""
    return f"{LINE}{request_id}"


def record_actions(
    connection: Connection, operator: Operator, *, verb: str, targets: Sequence[str]
) -> None:
    """Record one action on many targets in the transaction that carries it out."""
    if targets:
        same = {"operator": operator.name, "verb": verb, "note": operator.note}
        rows = [same | {"target": target} for target in targets]
        connection.execute(insert(actions).values(at=now_ms()), rows)


def actions_on(ledger: Ledger, target: str) -> list[Action]:
    """Return the actions on a target, oldest first.

    Targets are `campaign:NAME`, `letter:ID`, `line:REQUEST_ID` and `ledger`.
    """
    with ledger.read() as connection:
        return actions_in(connection, target)


def actions_in(connection: Connection, target: str) -> list[Action]:
    """Return the same as `actions_on`, within a transaction."""
    query = select(actions).where(actions.c.target == target).order_by(actions.c.id)
    return [
        Action(at, row.operator, row.verb, row.target, row.note)
        for row in connection.execute(query)
        if (at := instant(row.at)) is not None
    ]
