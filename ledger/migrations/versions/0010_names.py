"""Columns named by the field's words: a job's fallback and empty reads, an event's publication."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_COLUMNS = (
    ("jobs", "look_up", "fallback"),
    ("jobs", "empty_looks", "empty_reads"),
    ("dead_letters", "noticed_at", "published_at"),
)


def upgrade() -> None:
    for table, old, new in _COLUMNS:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
    # SQLite renames no index; this one holds only the few events that are not published.
    op.drop_index("ix_dead_letters_unnoticed", "dead_letters")
    where: dict[str, Any] = {f"{op.get_bind().dialect.name}_where": sa.text("published_at IS NULL")}
    op.create_index("ix_dead_letters_unpublished", "dead_letters", ["id"], **where)
