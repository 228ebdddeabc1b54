"""Dead letters."""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from ledger.store.tables.base import Id, Ms, metadata, where

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", Id, primary_key=True),
    Column("job_number", Id, nullable=False, unique=True),
    Column("campaign_id", Id, nullable=False),
    Column("state", String(16), nullable=False),  # open, redriven, closed, discarded
    Column("reason", String(16), nullable=False),
    Column("code", BigInteger),
    Column("message", Text, nullable=False),
    Column("openings", Integer, nullable=False),
    Column("reissued_as", String(36)),
    Column("opened_at", Ms, nullable=False),
    Column("changed_at", Ms, nullable=False),
    Column("published_at", Ms),  # when its event was published; null: the next release does it
    Column("group_id", Id),  # null: opened by a version before 0015
    Index("ix_dead_letters_group", "state", "group_id", "campaign_id"),
    Index("ix_dead_letters_list", "state", "campaign_id", "reason", "id"),
    # For lists without a reason, which the index above would sort for each page.
    Index("ix_dead_letters_page", "state", "id"),
    Index("ix_dead_letters_campaign_page", "state", "campaign_id", "id"),
    Index(
        "ix_dead_letters_unpublished",
        "id",
        **where("published_at IS NULL"),
    ),
)

dead_letter_groups = Table(
    "dead_letter_groups",
    metadata,
    Column("id", Id, primary_key=True),
    Column("digest", LargeBinary(16), nullable=False, unique=True),  # of the rest
    Column("reason", String(16), nullable=False),
    Column("code", BigInteger),
    Column("pattern", Text, nullable=False),  # the message without what differs between customers
)

bulk_actions = Table(
    "bulk_actions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(16), nullable=False),  # resend, reissue, discard, revoke
    # planned, trial, asking, running, paused, aborted, finished, undone
    Column("state", String(16), nullable=False),
    Column("campaign_id", Id),  # null: of several
    Column("filters", Text, nullable=False),  # JSON
    Column("digest", String(64), nullable=False),  # of the items
    Column("counts", Text, nullable=False),  # JSON
    Column("created_at", Ms, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("started_at", Ms),
    Column("started_by", Text),
    Column("operator", Text),  # JSON: the person that started it, for the audit log
    Column("note", Text, nullable=False, server_default=""),
    Column("per_second", Float),  # null: as fast as the rate allows
    Column("trial", Integer),  # items that are tried first
    Column("next_at", Ms),  # when the next item is due at this pace
    Column("changed_at", Ms, nullable=False),
    Column("finished_at", Ms),
    Index("ix_bulk_actions_state", "state"),
)

bulk_items = Table(
    "bulk_items",
    metadata,
    Column("action_id", Id, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("target", BigInteger, nullable=False),  # a dead letter's id, or a job's number
    Column("expected", BigInteger, nullable=False),  # the target's version when it was chosen
    Column("group_id", Id),
    Column("verdict", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("result", Text),
    Column("successor", String(36)),  # the new job of a reissue
    PrimaryKeyConstraint("action_id", "position"),
    Index("ix_bulk_items_state", "action_id", "state", "position"),
    Index("ix_bulk_items_target", "target"),
    sqlite_with_rowid=False,
)
