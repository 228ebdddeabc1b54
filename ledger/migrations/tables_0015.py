"""The tables and columns of migration 0015, as that version made them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def campaign_columns() -> tuple[sa.Column[Any], ...]:
    """Make the new columns of campaigns."""
    return (
        sa.Column("start_at", sa.BigInteger(), nullable=True),
        sa.Column("window", sa.Text(), nullable=True),
        sa.Column("timezone", sa.Text(), nullable=True),
        sa.Column("rate_per_minute", sa.Integer(), nullable=True),
        sa.Column("canary", sa.Integer(), nullable=True),
        sa.Column("canary_state", sa.String(length=16), nullable=True),
        sa.Column("stop_loss", sa.String(length=16), server_default="off", nullable=False),
        sa.Column("budget_units", sa.BigInteger(), nullable=True),
        sa.Column("budget_points", sa.BigInteger(), nullable=True),
        sa.Column("budget_notified", sa.Integer(), server_default="0", nullable=False),
        sa.Column("stopped_rewards", sa.Text(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("requested_units", sa.BigInteger(), server_default="0", nullable=False),
    )


def add_columns() -> None:
    """Add the new columns of files and dead letters."""
    op.add_column(
        "intakes", sa.Column("warned", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.add_column("dead_letters", sa.Column("group_id", _BIG, nullable=True))


def create_tables() -> None:
    """Create the new tables with their indexes."""
    op.create_table(
        "campaign_rates",
        sa.Column("campaign_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("arrival_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_campaign_rates")),
    )
    op.create_table(
        "campaign_rewards",
        sa.Column("campaign_id", _BIG, nullable=False),
        sa.Column("reward", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("statistic", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("answers", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("faults", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "reward", name=op.f("pk_campaign_rewards")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "campaign_stops",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("campaign_id", _BIG, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(length=16), nullable=False),
        sa.Column("reward", sa.Text(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("resolved_at", sa.BigInteger(), nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_stops")),
    )
    op.create_index(
        "ix_campaign_stops_campaign_id", "campaign_stops", ["campaign_id"], unique=False
    )
    op.create_table(
        "approvals",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("campaign_id", _BIG, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("submitted_at", sa.BigInteger(), nullable=False),
        sa.Column("submitted_by", sa.Text(), nullable=False),
        sa.Column("submit_note", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decision", sa.String(length=16), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
    )
    op.create_index("ix_approvals_campaign_id", "approvals", ["campaign_id"], unique=False)
    op.create_table(
        "canary_jobs",
        sa.Column("campaign_id", _BIG, nullable=False),
        sa.Column("job_number", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "job_number", name=op.f("pk_canary_jobs")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "reservations",
        sa.Column("campaign_id", _BIG, nullable=False),
        sa.Column("job_number", _BIG, nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "job_number", name=op.f("pk_reservations")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "campaign_notices",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("campaign_id", _BIG, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=True),
        sa.Column("returns", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_notices")),
    )
    op.create_index(
        "ix_campaign_notices_unpublished",
        "campaign_notices",
        ["id"],
        unique=False,
        sqlite_where=sa.text("published_at IS NULL"),
        postgresql_where=sa.text("published_at IS NULL"),
    )
    op.create_table(
        "dead_letter_groups",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("code", sa.BigInteger(), nullable=True),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letter_groups")),
        sa.UniqueConstraint("digest", name=op.f("uq_dead_letter_groups_digest")),
    )
    op.create_table(
        "bulk_actions",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("campaign_id", _BIG, nullable=True),
        sa.Column("filters", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("started_by", sa.Text(), nullable=True),
        sa.Column("operator", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("per_second", sa.Float(), nullable=True),
        sa.Column("trial", sa.Integer(), nullable=True),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("judged_at", sa.BigInteger(), nullable=True),
        sa.Column("next_page", sa.Integer(), server_default="0", nullable=False),
        sa.Column("is_live", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_actions")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_bulk_actions_live",
        "bulk_actions",
        ["id"],
        unique=False,
        sqlite_where=sa.text("is_live"),
        postgresql_where=sa.text("is_live"),
    )
    op.create_index("ix_bulk_actions_state", "bulk_actions", ["state"], unique=False)
    op.create_table(
        "bulk_items",
        sa.Column("action_id", _BIG, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("target", sa.BigInteger(), nullable=False),
        sa.Column("expected", sa.BigInteger(), nullable=False),
        sa.Column("group_id", _BIG, nullable=True),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("successor", sa.String(length=36), nullable=True),
        sa.Column("job_number", _BIG, nullable=True),
        sa.Column("calls", sa.Integer(), nullable=True),
        sa.Column("earlier", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("action_id", "position", name=op.f("pk_bulk_items")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_bulk_items_state", "bulk_items", ["action_id", "state", "position"], unique=False
    )
    op.create_index("ix_bulk_items_target", "bulk_items", ["target"], unique=False)
    op.create_table(
        "bulk_pages",
        sa.Column("action_id", _BIG, nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("targets", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("action_id", "page", name=op.f("pk_bulk_pages")),
    )
    op.create_table(
        "bulk_groups",
        sa.Column("action_id", _BIG, nullable=False),
        sa.Column("group_id", _BIG, nullable=False),
        sa.Column("campaign_id", _BIG, nullable=False),
        sa.Column("letter_state", sa.String(length=16), nullable=False),
        sa.Column("reissued", sa.Boolean(), nullable=False),
        sa.Column("letters", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "action_id",
            "group_id",
            "campaign_id",
            "letter_state",
            "reissued",
            name=op.f("pk_bulk_groups"),
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "bulk_results",
        sa.Column("action_id", _BIG, nullable=False),
        sa.Column("group_id", _BIG, nullable=False),
        sa.Column("sent", sa.BigInteger(), nullable=False),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("is_held", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("action_id", "group_id", name=op.f("pk_bulk_results")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "search_keys",
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.BigInteger(), nullable=False),
        sa.Column("job_number", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("block", "digest", "job_number", name=op.f("pk_search_keys")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "replacements",
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("replaced_by", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_replacements")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_replacements_replaced_by", "replacements", ["replaced_by"], unique=False)
    op.create_table(
        "verifications",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("campaign_id", _BIG, nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("seed", sa.Text(), nullable=False),
        sa.Column("basis", sa.String(length=64), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("next_position", sa.BigInteger(), nullable=False),
        sa.Column("population", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("checked", sa.BigInteger(), nullable=False),
        sa.Column("differing", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verifications")),
    )
    op.create_index("ix_verifications_campaign_id", "verifications", ["campaign_id"], unique=False)
    op.create_table(
        "findings",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("verification_id", _BIG, nullable=False),
        sa.Column("campaign_id", _BIG, nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("ledger_units", sa.BigInteger(), nullable=False),
        sa.Column("api_units", sa.BigInteger(), nullable=False),
        sa.Column("transaction_ids", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("resolved_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_findings")),
    )
    op.create_index("ix_findings_campaign_id", "findings", ["campaign_id"], unique=False)
    op.create_table(
        "closings",
        sa.Column("campaign_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_by", sa.Text(), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("basis", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_closings")),
    )
