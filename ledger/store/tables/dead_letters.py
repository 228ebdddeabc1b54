"""Dead letters."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    text,
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
    Column("group_id", Id),  # null: its customer was erased
    Index("ix_dead_letters_group", "state", "group_id", "campaign_id", "opened_at"),
    # those that were opened again after their reissue: no redrive may send them
    Index(
        "ix_dead_letters_reissued",
        "state",
        "group_id",
        "campaign_id",
        **where("reissued_as IS NOT NULL"),
    ),
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
    Column("judged_at", Ms),  # when its trial ended; the start, if there was none
    Column("next_page", Integer, nullable=False, server_default="0"),
    # rounds send its items, or wait for their results
    Column("is_live", Boolean, nullable=False, server_default=text("false")),
    Index("ix_bulk_actions_state", "state"),
    Index("ix_bulk_actions_live", "id", **where("is_live")),
    # the number of a plan that was removed is never given again
    sqlite_autoincrement=True,
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
    Column("job_number", Id),  # the job whose settlement is the result
    Column("calls", Integer),  # that job's attempts when it was sent
    Column("earlier", Text),  # JSON: job and lines as they were, for undoing
    PrimaryKeyConstraint("action_id", "position"),
    Index("ix_bulk_items_state", "action_id", "state", "position"),
    Index("ix_bulk_items_target", "target"),
    sqlite_with_rowid=False,
)

bulk_pages = Table(
    "bulk_pages",
    metadata,
    Column("action_id", Id, nullable=False),
    Column("page", Integer, nullable=False),
    # what a plan froze: ids in order, 8 bytes each, little-endian
    Column("targets", LargeBinary, nullable=False),
    PrimaryKeyConstraint("action_id", "page"),
)

bulk_groups = Table(
    "bulk_groups",
    metadata,
    Column("action_id", Id, nullable=False),
    Column("group_id", Id, nullable=False),  # 0: letters of erased customers
    Column("campaign_id", Id, nullable=False),
    Column("letter_state", String(16), nullable=False),
    Column("reissued", Boolean, nullable=False),  # opened again after their reissue
    Column("letters", BigInteger, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("why", Text, nullable=False),
    PrimaryKeyConstraint("action_id", "group_id", "campaign_id", "letter_state", "reissued"),
    sqlite_with_rowid=False,
)

bulk_results = Table(
    "bulk_results",
    metadata,
    Column("action_id", Id, nullable=False),
    Column("group_id", Id, nullable=False),
    Column("sent", BigInteger, nullable=False),
    Column("issued", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),  # settled, but not issued in full
    Column("is_held", Boolean, nullable=False),  # its trial was not good enough
    PrimaryKeyConstraint("action_id", "group_id"),
    sqlite_with_rowid=False,
)
