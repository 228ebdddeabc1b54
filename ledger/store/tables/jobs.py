"""Jobs, their lines and their attempts."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Sequence,
    String,
    Table,
    Text,
)

from ledger.store.tables.base import Id, Ms, metadata, where

job_numbers = Sequence("job_numbers", metadata=metadata)

jobs = Table(
    "jobs",
    metadata,
    Column("number", Id, primary_key=True, autoincrement=False),
    # the first line's requestId; unique there, so not indexed here
    Column("id", String(36), nullable=False),
    Column("campaign_id", Id, nullable=False),
    Column("intake_id", Id),
    Column("source_line", BigInteger, nullable=False),
    Column("lane", String(16), nullable=False),
    Column("customer", Text, nullable=False),
    Column("variant", String(16), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("occurrence", Integer, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("reissue_of", String(36)),
    Column("state", String(16), nullable=False),
    Column("open_lines", Integer, nullable=False),  # lines not settled yet
    Column("due_at", Ms, nullable=False),
    # queued: when its message counts as lost; running: when the claim ends
    Column("lease_until", Ms),
    Column("chunk_id", String(36)),  # queued or running: its chunk
    # claims since the last outcome, except those given back
    Column("claims", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),  # of all budgets
    Column("budget_attempts", Integer, nullable=False),  # counted attempts of the current budget
    Column("budget_started_at", Ms),  # first attempt of the current budget
    Column("first_claimed_at", Ms),  # no attempt was sent earlier
    # an attempt got no answer, and nothing has settled whether it arrived
    Column("may_have_reached", Boolean, nullable=False),
    Column("limit_deferrals", Integer, nullable=False),
    Column("redrives", Integer, nullable=False),
    # null: to be sent; otherwise to be reconciled, and settled as this if nothing is found
    Column("fallback", String(16)),
    Column("empty_reads", Integer, nullable=False, server_default="0"),  # reads that found nothing
    Column("accepted_at", Ms, nullable=False),
    Column("settled_at", Ms),
    # SELF, or OTHER:ID,ID; null: the account's own
    Column("scope", Text),
    # given by the row; null: the id is the transactionNumber
    Column("transaction_number", Text),
    # keyed; finds a customer's jobs over all campaigns
    Column("customer_digest", BigInteger),
    # the W3C trace context of the acceptance, or of its caller; null: not traced
    Column("traceparent", Text),
    Index(
        "ix_jobs_transaction_number",
        "transaction_number",
        unique=True,
        **where("transaction_number IS NOT NULL"),
    ),
    Index(
        "ix_jobs_customer_digest",
        "customer_digest",
        **where("customer_digest IS NOT NULL"),
    ),
    Index(
        "ix_jobs_waiting",
        "lane",
        "campaign_id",
        "due_at",
        "number",
        **where("state = 'waiting'"),
    ),
    Index(
        "ix_jobs_leased",
        "lease_until",
        **where("state IN ('queued', 'running')"),
    ),
    Index(
        "ix_jobs_open",
        "campaign_id",
        "state",
        "open_lines",
        **where("state IN ('waiting', 'queued', 'running')"),
    ),
)

lines = Table(
    "lines",
    metadata,
    Column("job_number", Id, nullable=False),
    Column("position", Integer, nullable=False),
    Column("request_id", String(36), nullable=False, unique=True),
    Column("campaign_id", Id, nullable=False),
    Column("reward_id", BigInteger, nullable=False),
    # waiting until it is settled; the job has the exact state
    Column("state", String(16), nullable=False),
    Column("requested_quantity", BigInteger, nullable=False),
    Column("quantity", BigInteger),
    Column("code", BigInteger),
    Column("message", Text),
    Column("transaction_ids", Text),  # JSON lists: everything that any reply has shown
    Column("vouchers", Text),
    Column("points_references", Text),
    Column("anomalies", Text),
    Column("details", Text),  # JSON, see issuance.details.stored
    Column("points", BigInteger),  # redeemed, in thousandths
    Column("settled_at", Ms),
    Column("org_id", BigInteger),
    # given instead of the rewardId, which is then 0
    Column("reward_external_id", Text),
    PrimaryKeyConstraint("job_number", "position"),
    Index(
        "ix_lines_settled",
        "campaign_id",
        "state",
        **where("state <> 'waiting'"),
    ),
    sqlite_with_rowid=False,
)

attempts = Table(
    "attempts",
    metadata,
    Column("job_number", Id, nullable=False),
    Column("number", Integer, nullable=False),
    Column("started_at", Ms, nullable=False),
    Column("took_ms", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("decision", Text, nullable=False),
    Column("http_status", Integer),
    Column("code", BigInteger),
    Column("message", Text),
    Column("tracking_id", Text),
    Column("worker", Text, nullable=False),
    Column("reply", LargeBinary),  # NULL for a plain success
    PrimaryKeyConstraint("job_number", "number"),
    Index("ix_attempts_started_at", "started_at"),
    sqlite_with_rowid=False,
)
