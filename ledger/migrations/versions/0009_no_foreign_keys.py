"""No foreign keys: checking them took PostgreSQL a third of each row's insertion.

SQLite never enforced them here, and cannot drop their declarations without copying the tables.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_KEYS = {
    "intakes": ("campaign_id",),
    "jobs": ("campaign_id", "intake_id"),
    "lines": ("job_number",),
    "attempts": ("job_number",),
    "dead_letters": ("job_number", "campaign_id"),
}


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, columns in _KEYS.items():
        for column in columns:
            op.drop_constraint(f"fk_{table}_{column}", table, type_="foreignkey")
