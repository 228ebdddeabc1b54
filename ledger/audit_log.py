"""Operators' actions: who did what to which campaign, dead letter or line, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select

from ledger.store.clock import instant, now_ms
from ledger.store.database import Ledger
from ledger.store.schema import actions

LINE = "line:"
"""How the target of an action on a line begins."""


@dataclass(frozen=True, slots=True)
class Operator:
    """Who acts, and the reason given."""

    name: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """One entry of the record of actions."""

    at: datetime
    operator: str
    verb: str
    target: str
    note: str


def note_action(connection: Connection, operator: Operator, *, verb: str, target: str) -> None:
    """Write an action down in the transaction that carries it out."""
    values = {"operator": operator.name, "verb": verb, "target": target, "note": operator.note}
    connection.execute(insert(actions).values(at=now_ms(), **values))


def line_target(request_id: str) -> str:
    """How actions name a line."""
    return f"{LINE}{request_id}"


def note_actions(
    connection: Connection, operator: Operator, *, verb: str, targets: Sequence[str]
) -> None:
    """Write one action on many targets down in the transaction that carries it out."""
    if targets:
        done = {"operator": operator.name, "verb": verb, "note": operator.note, "at": now_ms()}
        statement = insert(actions).values(**done, target=bindparam("the_target"))
        connection.execute(statement, [{"the_target": target} for target in targets])


def actions_on(ledger: Ledger, target: str) -> list[Action]:
    """The actions on a target (`campaign:NAME`, `letter:ID` or `line:REQUEST_ID`), oldest first."""
    with ledger.read() as connection:
        return actions_in(connection, target)


def actions_in(connection: Connection, target: str) -> list[Action]:
    """As `actions_on`, within a transaction."""
    query = select(actions).where(actions.c.target == target).order_by(actions.c.id)
    return [
        Action(at, row.operator, row.verb, row.target, row.note)
        for row in connection.execute(query)
        if (at := instant(row.at)) is not None
    ]
