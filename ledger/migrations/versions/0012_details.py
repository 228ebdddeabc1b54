"""What replies show of lines, and sums of units and points by campaign, organisation and state.

The counters of 0008 are made again: they get sums, and an organisation in their key. A count of
units beyond a billion is not believed, and would make the sums overflow.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    for statement in _DROPPED_TRIGGERS[dialect]:
        op.execute(statement)
    op.add_column("lines", sa.Column("details", sa.Text()))
    op.add_column("lines", sa.Column("points", sa.BigInteger()))
    _create_counters()
    # Triggers first: creating them locks out other writers until the count is done.
    for statement in _TRIGGERS[dialect]:
        op.execute(statement)
    op.execute(
        "INSERT INTO tallies (campaign_id, org_id, state, line_count, units, points) "  # noqa: S608
        "SELECT campaign_id, coalesce(org_id, 0), state, count(*), "
        f"sum({_UNITS}), 0 FROM lines GROUP BY campaign_id, coalesce(org_id, 0), state"
    )
    # Acceptance has counted by campaign only: the rest is without an organisation.
    op.execute(
        "INSERT INTO campaign_orgs (campaign_id, org_id, accepted_lines) "
        "SELECT campaign_id, org_id, sum(line_count) FROM tallies WHERE org_id <> 0 "
        "GROUP BY campaign_id, org_id"
    )
    op.execute(
        "INSERT INTO campaign_orgs (campaign_id, org_id, accepted_lines) "
        "SELECT id, 0, accepted_lines - coalesce((SELECT sum(accepted_lines) FROM campaign_orgs "
        "WHERE campaign_id = campaigns.id), 0) FROM campaigns"
    )


def _create_counters() -> None:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    pruned = [
        {"campaign_id": campaign_id, "state": state, "line_count": count}
        for campaign_id, state, count in op.get_bind().execute(
            sa.text("SELECT campaign_id, state, line_count FROM pruned_lines")
        )
    ]
    for table in ("tally_deltas", "tallies", "pruned_lines"):
        op.drop_table(table)
    op.create_table(
        "campaign_orgs",
        sa.Column("campaign_id", big, nullable=False),
        sa.Column("org_id", sa.BigInteger(), nullable=False),
        sa.Column("accepted_lines", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "org_id", name=op.f("pk_campaign_orgs")),
        sqlite_with_rowid=False,
    )
    for table in ("tallies", "pruned_lines"):
        op.create_table(
            table,
            *_keys(big),
            sa.Column("line_count", sa.BigInteger(), nullable=False),
            *_sums(),
            sa.PrimaryKeyConstraint("campaign_id", "org_id", "state", name=op.f(f"pk_{table}")),
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
        op.get_bind().execute(
            sa.text(
                "INSERT INTO pruned_lines (campaign_id, org_id, state, line_count, units, points) "
                "VALUES (:campaign_id, 0, :state, :line_count, 0, 0)"
            ),
            pruned,
        )


def _keys(big: Any) -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("campaign_id", big, nullable=False),
        sa.Column("org_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
    )


def _sums() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
    )


_UNITS = "CASE WHEN quantity BETWEEN 0 AND 1000000000 THEN quantity ELSE 0 END"
_NEW_UNITS = "CASE WHEN NEW.quantity BETWEEN 0 AND 1000000000 THEN NEW.quantity ELSE 0 END"
_OLD_UNITS = "CASE WHEN OLD.quantity BETWEEN 0 AND 1000000000 THEN OLD.quantity ELSE 0 END"
_COUNT_NEW = f"""
INSERT INTO tallies (campaign_id, org_id, state, line_count, units, points)
VALUES (NEW.campaign_id, coalesce(NEW.org_id, 0), NEW.state, 1, {_NEW_UNITS},
        coalesce(NEW.points, 0))
ON CONFLICT (campaign_id, org_id, state) DO UPDATE SET
  line_count = line_count + 1, units = units + excluded.units, points = points + excluded.points;
"""  # noqa: S608  # our text
# The row exists: the line was counted in it.
_COUNT_OLD = f"""
UPDATE tallies SET line_count = line_count - 1, units = units - {_OLD_UNITS},
  points = points - coalesce(OLD.points, 0)
WHERE campaign_id = OLD.campaign_id AND org_id = coalesce(OLD.org_id, 0) AND state = OLD.state;
"""  # noqa: S608
_CHANGED = f"""
SELECT campaign_id, coalesce(org_id, 0) AS org_id, state, 1 AS sign,
       {_UNITS} AS units, coalesce(points, 0) AS points FROM new_lines
"""  # noqa: S608
_GONE = _CHANGED.replace("1 AS sign", "-1 AS sign").replace("new_lines", "old_lines")
_APPEND = """
    INSERT INTO tally_deltas (campaign_id, org_id, state, delta, units, points)
    SELECT campaign_id, org_id, state, sum(sign), sum(sign * units), sum(sign * points)
    FROM ({lines}) AS changed GROUP BY campaign_id, org_id, state
    HAVING sum(sign) <> 0 OR sum(sign * units) <> 0 OR sum(sign * points) <> 0;
"""
_FUNCTION = f"""
CREATE OR REPLACE FUNCTION tally_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN {_APPEND.format(lines=_CHANGED)}
  ELSIF TG_OP = 'DELETE' THEN {_APPEND.format(lines=_GONE)}
  ELSE {_APPEND.format(lines=f"{_CHANGED} UNION ALL {_GONE}")}
  END IF;
  RETURN NULL;
END $$
"""
_SQLITE = (
    f"CREATE TRIGGER lines_tallied_insert AFTER INSERT ON lines BEGIN {_COUNT_NEW} END",
    f"""
CREATE TRIGGER lines_tallied_update AFTER UPDATE OF state, quantity, points ON lines
WHEN OLD.state <> NEW.state OR OLD.quantity IS NOT NEW.quantity OR OLD.points IS NOT NEW.points
BEGIN {_COUNT_OLD} {_COUNT_NEW} END
""",
    f"CREATE TRIGGER lines_tallied_delete AFTER DELETE ON lines BEGIN {_COUNT_OLD} END",
)
# PostgreSQL's triggers of 0008 call the function by its name.
_TRIGGERS = {"sqlite": _SQLITE, "postgresql": (_FUNCTION,)}
_DROPPED_TRIGGERS: dict[str, tuple[str, ...]] = {
    "sqlite": tuple(
        f"DROP TRIGGER lines_tallied_{change}" for change in ("insert", "update", "delete")
    ),
    "postgresql": (),
}
