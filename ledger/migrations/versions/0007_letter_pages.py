"""Indexes of dead letters by id, so that a list's first page needs no sort of all open ones."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_dead_letters_page", "dead_letters", ["state", "id"])
    op.create_index("ix_dead_letters_campaign_page", "dead_letters", ["state", "campaign_id", "id"])
