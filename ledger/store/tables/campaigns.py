"""Campaigns, their files and their organisations."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from ledger.store.tables.base import Id, Ms, metadata, where

campaigns = Table(
    "campaigns",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("state", String(32), nullable=False),
    Column("defers_limits", Boolean, nullable=False),
    # counted by acceptance; the balance is checked against it
    Column("accepted_lines", BigInteger, nullable=False),
    # counted by acceptance: the units that all accepted lines ask for
    Column("requested_units", BigInteger, nullable=False, server_default="0"),
    Column("created_at", Ms, nullable=False),
    # its share of the rate relative to other campaigns
    Column("weight", Integer, nullable=False, server_default="1"),
    # the API account of all its calls; it never changes
    Column("account", Text, nullable=False, server_default="default"),
    # how its requestIds are derived: 1 without a key, 2 with the deployment's secret
    Column("id_scheme", Integer, nullable=False, server_default="1"),
    Column("start_at", Ms),  # not before; null: as soon as it may
    # when calls may start, as issuance.windows writes it, in an IANA zone; null: always
    Column("window", Text),
    Column("timezone", Text),
    Column("rate_per_minute", Integer),  # null: the account's alone
    Column("canary", Integer),  # lines that are tried first; null: none
    Column("canary_state", String(16)),  # pending, running, passed, failed; null: no canary
    Column("stop_loss", String(16), nullable=False, server_default="off"),  # default, off
    Column("budget_units", BigInteger),
    Column("budget_points", BigInteger),  # in thousandths
    Column("budget_notified", Integer, nullable=False, server_default="0"),  # percent
    # a JSON list of the rewards whose jobs are held; null: none
    Column("stopped_rewards", Text),
    Column("started_at", Ms),  # its first release
    Column("finished_at", Ms),  # the last time that nothing was left
    Column("closed_at", Ms),
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
    # rows that were accepted with a warning
    Column("warned", BigInteger, nullable=False, server_default="0"),
    Column("started_at", Ms, nullable=False),
    Column("finished_at", Ms),  # null: not read to the end yet, or the producer died
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

campaign_rewards = Table(
    "campaign_rewards",
    metadata,
    Column("campaign_id", Id, nullable=False),
    Column("reward", Text, nullable=False),  # see issuance.reward_key
    Column("points", BigInteger),  # expected for a unit, in thousandths; null: not known
    Column("state", String(16), nullable=False),  # running, stopped, removed
    # of the stop-loss: its statistic in thousandths, and the answers that it has seen
    Column("statistic", BigInteger, nullable=False, server_default="0"),
    Column("answers", BigInteger, nullable=False, server_default="0"),
    Column("faults", BigInteger, nullable=False, server_default="0"),
    Column("changed_at", Ms, nullable=False),
    PrimaryKeyConstraint("campaign_id", "reward"),
    sqlite_with_rowid=False,
)

campaign_stops = Table(
    "campaign_stops",
    metadata,
    Column("id", Id, primary_key=True),
    Column("campaign_id", Id, nullable=False),
    Column("at", Ms, nullable=False),
    Column("cause", String(16), nullable=False),  # stop_loss, canary, budget
    Column("reward", Text),  # null: the whole campaign
    Column("evidence", Text, nullable=False),  # JSON, without personal data
    Column("resolved_at", Ms),
    Column("resolved_by", Text),
    Column("resolution", Text),
    Index("ix_campaign_stops_campaign_id", "campaign_id"),
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", Id, primary_key=True),
    Column("campaign_id", Id, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("submitted_at", Ms, nullable=False),
    Column("submitted_by", Text, nullable=False),
    Column("submit_note", Text, nullable=False),
    Column("decided_at", Ms),
    Column("decided_by", Text),
    Column("decision", String(16)),  # approved, rejected, void; null: it waits
    Column("note", Text, nullable=False, server_default=""),
    Index("ix_approvals_campaign_id", "campaign_id"),
)

campaign_rates = Table(
    "campaign_rates",
    metadata,
    # Apart from campaigns: acceptance locks those, and a release must not wait for it.
    Column("campaign_id", Id, primary_key=True, autoincrement=False),
    # GCRA's theoretical arrival time: when the next job may be released at the campaign's rate
    Column("arrival_at", Ms, nullable=False),
)

canary_jobs = Table(
    "canary_jobs",
    metadata,
    Column("campaign_id", Id, nullable=False),
    Column("job_number", Id, nullable=False),
    PrimaryKeyConstraint("campaign_id", "job_number"),
    sqlite_with_rowid=False,
)

reservations = Table(
    "reservations",
    metadata,
    Column("campaign_id", Id, nullable=False),
    Column("job_number", Id, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("points", BigInteger, nullable=False),  # in thousandths
    PrimaryKeyConstraint("campaign_id", "job_number"),
    sqlite_with_rowid=False,
)

campaign_notices = Table(
    "campaign_notices",
    metadata,
    Column("id", Id, primary_key=True),
    Column("campaign_id", Id, nullable=False),
    Column("at", Ms, nullable=False),
    Column("percent", Integer, nullable=False),  # of the budget, that is issued
    Column("figures", Text, nullable=False),  # JSON: the budget, and what is used of it
    Column("published_at", Ms),  # when its message was published; null: the next release does it
    # how often the webhook did not accept it
    Column("returns", Integer, nullable=False, server_default="0"),
    Index(
        "ix_campaign_notices_unpublished",
        "id",
        **where("published_at IS NULL"),
    ),
)
