"""The ledger's tables, and conditions on them. Migrations create them; a test compares both."""

from sqlalchemy import ColumnElement, String, Text, case, cast, func, literal_column

from issuance.reward_key import EXTERNAL
from issuance.states import OPEN, State
from ledger.store.tables.audit import audit_head, audit_log
from ledger.store.tables.base import metadata
from ledger.store.tables.campaigns import (
    approvals,
    campaign_notices,
    campaign_orgs,
    campaign_rates,
    campaign_rewards,
    campaign_stops,
    campaigns,
    canary_jobs,
    intakes,
    reservations,
)
from ledger.store.tables.closing import closings, findings, verifications
from ledger.store.tables.counters import pruned_lines, tallies, tally_deltas
from ledger.store.tables.dead_letters import (
    bulk_actions,
    bulk_groups,
    bulk_items,
    bulk_pages,
    bulk_results,
    dead_letter_groups,
    dead_letters,
)
from ledger.store.tables.jobs import attempts, job_numbers, jobs, lines
from ledger.store.tables.people import login_links, users, web_sessions
from ledger.store.tables.search import replacements, search_keys
from ledger.store.tables.upkeep import (
    heartbeats,
    limit_samples,
    restores,
    secrets,
    tombstones,
)

__all__ = [
    "COUNTED_POINTS",
    "COUNTED_UNITS",
    "IS_LEASED",
    "IS_OPEN",
    "IS_SETTLED_LINE",
    "IS_WAITING",
    "KEYED_DIGEST_BYTES",
    "LINE_ORG",
    "LINE_REWARD",
    "NO_ORG",
    "REVISION",
    "RIGHTS",
    "approvals",
    "attempts",
    "audit_head",
    "audit_log",
    "bulk_actions",
    "bulk_groups",
    "bulk_items",
    "bulk_pages",
    "bulk_results",
    "campaign_notices",
    "campaign_orgs",
    "campaign_rates",
    "campaign_rewards",
    "campaign_stops",
    "campaigns",
    "canary_jobs",
    "closings",
    "dead_letter_groups",
    "dead_letters",
    "findings",
    "heartbeats",
    "intakes",
    "job_numbers",
    "jobs",
    "limit_samples",
    "lines",
    "login_links",
    "metadata",
    "pruned_lines",
    "replacements",
    "reservations",
    "restores",
    "search_keys",
    "secrets",
    "tallies",
    "tally_deltas",
    "tombstones",
    "users",
    "verifications",
    "web_sessions",
]

REVISION = "0017"
"""The newest migration: what the program needs."""


def _literal(state: State) -> ColumnElement[str]:
    return literal_column(f"'{state.value}'", String)


# A partial index serves only a query that has the index's condition as literals, not as bound
# values.
IS_WAITING = jobs.c.state == _literal(State.WAITING)
IS_LEASED = jobs.c.state.in_([_literal(State.QUEUED), _literal(State.RUNNING)])
IS_OPEN = jobs.c.state.in_([_literal(state) for state in OPEN])
NO_ORG = 0
"""Counts the lines that name no organisation."""
# As the triggers of migration 0015 count them.
LINE_ORG = func.coalesce(lines.c.org_id, NO_ORG)
LINE_REWARD = func.coalesce(
    literal_column(f"'{EXTERNAL}'", String).concat(lines.c.reward_external_id),
    cast(lines.c.reward_id, Text),
)
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
