"""A campaign's life, mass actions, search and closing; counters by reward.

The counters of 0012 are made again with the reward in their key. What was pruned before has no
reward: it is counted under the empty key.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from ledger.migrations.letter_groups import fill_groups
from ledger.migrations.reward_counters import COUNT_ALL, TRIGGERS
from ledger.migrations.search_fill import fill_search_keys
from ledger.migrations.tables_0015 import add_columns, campaign_columns, create_tables

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_REQUESTED_UNITS = """
UPDATE campaigns SET requested_units = requested.units
FROM (SELECT campaign_id, sum(requested_quantity) AS units FROM lines GROUP BY campaign_id)
    AS requested
WHERE requested.campaign_id = campaigns.id
"""


def upgrade() -> None:
    connection = op.get_bind()
    with op.batch_alter_table("campaigns") as batch:
        batch.alter_column(
            "state", type_=sa.String(32), existing_type=sa.String(16), existing_nullable=False
        )
        for column in campaign_columns():
            batch.add_column(column)
    op.execute(_REQUESTED_UNITS)
    add_columns()
    create_tables()
    # The audit log has what was revoked before. Pruned lines have no entries that could be counted.
    op.execute(_REVOKED)
    fill_groups(connection)
    # After the groups: an index is built faster than it is kept.
    by_group = ["state", "group_id", "campaign_id"]
    op.create_index("ix_dead_letters_group", "dead_letters", [*by_group, "opened_at"])
    reissued: Any = {f"{connection.dialect.name}_where": sa.text("reissued_as IS NOT NULL")}
    op.create_index("ix_dead_letters_reissued", "dead_letters", by_group, **reissued)
    _count_by_reward(connection.dialect.name)
    fill_search_keys(connection)


_REVOKED = """
UPDATE lines SET state = 'revoked' WHERE state = 'issued' AND request_id IN (
  SELECT substr(target, 6) FROM audit_log
  WHERE verb = 'revoked' AND substr(target, 1, 5) = 'line:')
"""


def _count_by_reward(dialect: str) -> None:
    for statement in _DROPPED_TRIGGERS[dialect]:
        op.execute(statement)
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    pruned = list(
        op.get_bind().execute(
            sa.text(
                "SELECT campaign_id, org_id, state, line_count, units, points FROM pruned_lines"
            )
        )
    )
    for table in ("tally_deltas", "tallies", "pruned_lines"):
        op.drop_table(table)
    for name in ("tallies", "pruned_lines"):
        op.create_table(
            name,
            *_keys(big),
            sa.Column("line_count", sa.BigInteger(), nullable=False),
            *_sums(),
            sa.PrimaryKeyConstraint(
                "campaign_id", "org_id", "reward", "state", name=op.f(f"pk_{name}")
            ),
            sqlite_with_rowid=False,
        )
    op.create_table(
        "tally_deltas",
        sa.Column("id", big, nullable=False),
        *_keys(big),
        sa.Column("delta", sa.BigInteger(), nullable=False),
        *_sums(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tally_deltas")),
    )
    if pruned:
        names = ("campaign_id", "org_id", "state", "line_count", "units", "points")
        op.get_bind().execute(
            sa.text(
                "INSERT INTO pruned_lines "
                "(campaign_id, org_id, reward, state, line_count, units, points) VALUES "
                "(:campaign_id, :org_id, '', :state, :line_count, :units, :points)"
            ),
            [dict(zip(names, row, strict=True)) for row in pruned],
        )
    # Triggers first: creating them locks out other writers until the count is done.
    for statement in TRIGGERS[dialect]:
        op.execute(statement)
    op.execute(COUNT_ALL)


def _keys(big: Any) -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("campaign_id", big, nullable=False),
        sa.Column("org_id", sa.BigInteger(), nullable=False),
        sa.Column("reward", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
    )


def _sums() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
    )


_DROPPED_TRIGGERS: dict[str, tuple[str, ...]] = {
    "sqlite": tuple(
        f"DROP TRIGGER lines_tallied_{change}" for change in ("insert", "update", "delete")
    ),
    "postgresql": (),
}
