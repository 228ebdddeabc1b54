"""One step of a mass action on dead letters: a transaction that holds the lock of the action."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select, update

from issuance.redrive.bulk import ActionKind, ActionState, ItemState
from ledger.store.dialects.dialect import dialect_of
from ledger.store.schema import bulk_actions as actions
from ledger.store.schema import bulk_items as items
from ledger.store.schema import bulk_results as results


@dataclass(slots=True)
class Step:
    """One transaction for one action."""

    connection: Connection
    action_id: int
    kind: ActionKind
    state: ActionState

    def of_items(self, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
        """Return the condition for items of this action."""
        return and_(items.c.action_id == self.action_id, *conditions)

    def count(self, *states: ItemState) -> int:
        """Count the action's items in these states."""
        query = select(func.count()).where(self.of_items(items.c.state.in_(states)))
        return self.connection.scalar(query) or 0

    def change(self, **values: Any) -> None:
        """Change the action's row."""
        self.connection.execute(
            update(actions).where(actions.c.id == self.action_id).values(**values)
        )


@dataclass(slots=True)
class Counts:
    """Letters of one group that a step has sent, or found settled."""

    sent: int = 0
    issued: int = 0
    failed: int = 0


def add_results(connection: Connection, action_id: int, counts: Mapping[int, Counts]) -> None:
    """Add to the counts of an action's groups."""
    dialect = dialect_of(connection)
    for group_id, added in sorted(counts.items()):
        numbers = {"sent": added.sent, "issued": added.issued, "failed": added.failed}
        values = {"action_id": action_id, "group_id": group_id, "is_held": False} | numbers
        changes = {name: results.c[name] + number for name, number in numbers.items()}
        keys = ["action_id", "group_id"]
        connection.execute(dialect.upsert(results, values, keys=keys, changes=changes))
