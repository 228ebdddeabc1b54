"""Counters: how many lines of each campaign are in each state, maintained by triggers.

SQLite has one writer, so its triggers update the counters. On PostgreSQL workers would wait for
each other at a counter's row: each statement appends its changes, and the release adds them up
(`ledger.queries.counters`).
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "tallies",
        sa.Column("campaign_id", big, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("line_count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "state", name=op.f("pk_tallies")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tally_deltas",
        sa.Column("id", big, nullable=False),
        sa.Column("campaign_id", big, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("delta", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tally_deltas")),
    )
    # Triggers first: creating them locks out other writers until the count is done.
    for statement in _TRIGGERS[op.get_bind().dialect.name]:
        op.execute(statement)
    op.execute(
        "INSERT INTO tallies (campaign_id, state, line_count) "
        "SELECT campaign_id, state, count(*) FROM lines GROUP BY campaign_id, state"
    )


_COUNT_NEW = """
INSERT INTO tallies (campaign_id, state, line_count) VALUES (NEW.campaign_id, NEW.state, 1)
ON CONFLICT (campaign_id, state) DO UPDATE SET line_count = line_count + 1;
"""
# The row exists: the line was counted in it.
_COUNT_OLD = """
UPDATE tallies SET line_count = line_count - 1
WHERE campaign_id = OLD.campaign_id AND state = OLD.state;
"""
_FUNCTION = """
CREATE FUNCTION tally_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO tally_deltas (campaign_id, state, delta)
    SELECT campaign_id, state, count(*) FROM new_lines GROUP BY campaign_id, state;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO tally_deltas (campaign_id, state, delta)
    SELECT campaign_id, state, -count(*) FROM old_lines GROUP BY campaign_id, state;
  ELSE
    INSERT INTO tally_deltas (campaign_id, state, delta)
    SELECT campaign_id, state, sum(delta)
    FROM (SELECT campaign_id, state, 1 AS delta FROM new_lines
          UNION ALL SELECT campaign_id, state, -1 FROM old_lines) AS changed
    GROUP BY campaign_id, state HAVING sum(delta) <> 0;
  END IF;
  RETURN NULL;
END $$
"""
_SQLITE = (
    f"CREATE TRIGGER lines_tallied_insert AFTER INSERT ON lines BEGIN {_COUNT_NEW} END",
    f"""
CREATE TRIGGER lines_tallied_update AFTER UPDATE OF state ON lines WHEN OLD.state <> NEW.state
BEGIN {_COUNT_OLD} {_COUNT_NEW} END
""",
    f"CREATE TRIGGER lines_tallied_delete AFTER DELETE ON lines BEGIN {_COUNT_OLD} END",
)
# In PostgreSQL a trigger with transition tables cannot be limited to changes of one column.
_POSTGRESQL = (
    _FUNCTION,
    """
CREATE TRIGGER lines_tallied_insert AFTER INSERT ON lines
REFERENCING NEW TABLE AS new_lines FOR EACH STATEMENT EXECUTE FUNCTION tally_lines()
""",
    """
CREATE TRIGGER lines_tallied_update AFTER UPDATE ON lines
REFERENCING OLD TABLE AS old_lines NEW TABLE AS new_lines
FOR EACH STATEMENT EXECUTE FUNCTION tally_lines()
""",
    """
CREATE TRIGGER lines_tallied_delete AFTER DELETE ON lines
REFERENCING OLD TABLE AS old_lines FOR EACH STATEMENT EXECUTE FUNCTION tally_lines()
""",
)
_TRIGGERS = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}
