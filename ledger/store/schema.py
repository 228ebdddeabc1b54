"""The ledger's tables. Migrations create them; a test compares both."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Sequence,
    String,
    Table,
    Text,
    case,
    func,
    literal_column,
    text,
)

from issuance.states import OPEN, State
from ledger.store.dialects.dialect import NAMES

REVISION = "0014"
"""The newest migration: what the program needs."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows only in a column of exactly this type.
Id = BigInteger().with_variant(Integer, "sqlite")
Ms = BigInteger


def _literal(state: State) -> ColumnElement[str]:
    return literal_column(f"'{state.value}'", String)


def _where(condition: str) -> dict[str, Any]:
    """The options of a partial index."""
    return {f"{name}_where": text(condition) for name in NAMES}


campaigns = Table(
    "campaigns",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("state", String(16), nullable=False),  # running, paused, cancelled, finished
    Column("defers_limits", Boolean, nullable=False),
    # counted by acceptance; the balance is checked against it
    Column("accepted_lines", BigInteger, nullable=False),
    Column("created_at", Ms, nullable=False),
    # its share of the rate relative to other campaigns
    Column("weight", Integer, nullable=False, server_default="1"),
    # the API account of all its calls; it never changes
    Column("account", Text, nullable=False, server_default="default"),
    # how its requestIds are derived: 1 without a key, 2 with the deployment's secret
    Column("id_scheme", Integer, nullable=False, server_default="1"),
)

intakes = Table(
    "intakes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("campaign_id", Id, nullable=False),
    Column("source", Text, nullable=False),
    Column("accepted", BigInteger, nullable=False),
    Column("known", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("started_at", Ms, nullable=False),
    Column("finished_at", Ms),  # null: not read to the end yet, or the producer died
)

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
        **_where("transaction_number IS NOT NULL"),
    ),
    Index(
        "ix_jobs_customer_digest",
        "customer_digest",
        **_where("customer_digest IS NOT NULL"),
    ),
    Index(
        "ix_jobs_waiting",
        "lane",
        "campaign_id",
        "due_at",
        "number",
        **_where("state = 'waiting'"),
    ),
    Index(
        "ix_jobs_leased",
        "lease_until",
        **_where("state IN ('queued', 'running')"),
    ),
    Index(
        "ix_jobs_open",
        "campaign_id",
        "state",
        "open_lines",
        **_where("state IN ('waiting', 'queued', 'running')"),
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
        **_where("state <> 'waiting'"),
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
    Index("ix_dead_letters_list", "state", "campaign_id", "reason", "id"),
    # For lists without a reason, which the index above would sort for each page.
    Index("ix_dead_letters_page", "state", "id"),
    Index("ix_dead_letters_campaign_page", "state", "campaign_id", "id"),
    Index(
        "ix_dead_letters_unpublished",
        "id",
        **_where("published_at IS NULL"),
    ),
)

audit_log = Table(
    "audit_log",
    metadata,
    # consecutive from 1, given by the writer
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("at", Ms, nullable=False),
    Column("subject", Text, nullable=False),
    Column("uid", BigInteger),  # null: no user of a system
    Column("host", Text, nullable=False),
    Column("way", String(16), nullable=False),  # console, web, http, python, system, migrated
    Column("claimed", Text, nullable=False),
    Column("verb", String(32), nullable=False),
    Column("target", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("reason", Text, nullable=False),
    # keyed; of this row's content and the mac of the row before it
    Column("mac", LargeBinary(32), nullable=False),
    Index("ix_audit_log_target", "target"),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # 1: there is one row
    Column("entries", BigInteger, nullable=False),
    Column("mac", LargeBinary(32), nullable=False),  # of the last entry
    Column("seal", LargeBinary(32), nullable=False),  # keyed; of both
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("at", Ms, nullable=False),
)

tombstones = Table(
    "tombstones",
    metadata,
    # the UUID's bytes: there may be many millions
    Column("request_id", LargeBinary(16), primary_key=True),
    Column("campaign_id", Id, nullable=False),
    Column("state", String(16), nullable=False),
    # digest of the body that the line would have in a job of its own
    Column("line_digest", LargeBinary(16), nullable=False),
    # digest of the job's body; null: the job had one line
    Column("body_digest", LargeBinary(16)),
    sqlite_with_rowid=False,
)

campaign_orgs = Table(
    "campaign_orgs",
    metadata,
    Column("campaign_id", Id, nullable=False),
    Column("org_id", BigInteger, nullable=False),  # 0: lines without an organisation
    # counted by acceptance; the organisation's balance is checked against it
    Column("accepted_lines", BigInteger, nullable=False),
    PrimaryKeyConstraint("campaign_id", "org_id"),
    sqlite_with_rowid=False,
)

pruned_lines = Table(
    "pruned_lines",
    metadata,
    Column("campaign_id", Id, nullable=False),
    Column("org_id", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    # keep the campaign's balance and sums complete
    Column("line_count", BigInteger, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("points", BigInteger, nullable=False),
    PrimaryKeyConstraint("campaign_id", "org_id", "state"),
    sqlite_with_rowid=False,
)

tallies = Table(
    "tallies",
    metadata,
    Column("campaign_id", Id, nullable=False),
    Column("org_id", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),  # the line's own: until it is settled, waiting
    # kept by triggers on the lines; pruned lines are not counted
    Column("line_count", BigInteger, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("points", BigInteger, nullable=False),
    PrimaryKeyConstraint("campaign_id", "org_id", "state"),
    sqlite_with_rowid=False,
)

tally_deltas = Table(
    "tally_deltas",
    metadata,
    Column("id", Id, primary_key=True),
    Column("campaign_id", Id, nullable=False),
    Column("org_id", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    # the change by one statement; there are rows on PostgreSQL only
    Column("delta", BigInteger, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("points", BigInteger, nullable=False),
)

restores = Table(
    "restores",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", Ms, nullable=False),
    Column("backup_at", Ms, nullable=False),
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("value", LargeBinary),  # null: a file has it
    Column("fingerprint", String(32)),
    Column("created_at", Ms, nullable=False),
)

# A partial index serves only a query that has the index's condition as literals, not as bound
# values.
IS_WAITING = jobs.c.state == _literal(State.WAITING)
IS_LEASED = jobs.c.state.in_([_literal(State.QUEUED), _literal(State.RUNNING)])
IS_OPEN = jobs.c.state.in_([_literal(state) for state in OPEN])
NO_ORG = 0
"""Counts the lines that name no organisation."""
# As the triggers of migration 0012 count them.
LINE_ORG = func.coalesce(lines.c.org_id, NO_ORG)
COUNTED_UNITS = case((lines.c.quantity.between(0, 1_000_000_000), lines.c.quantity), else_=0)
COUNTED_POINTS = func.coalesce(lines.c.points, 0)
KEYED_DIGEST_BYTES = 15
"""The length of a tombstone's digests; those of versions before 0013 have 16 bytes and no key."""
IS_SETTLED_LINE = lines.c.state != _literal(State.WAITING)

RIGHTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(metadata.tables, ("SELECT", "INSERT", "UPDATE", "DELETE")),
    "audit_log": ("SELECT", "INSERT"),
    "audit_head": ("SELECT", "INSERT", "UPDATE"),
}
"""By table, the rights of a role that works with the ledger: its audit log only grows."""
