"""Reconciliation without a reply: for jobs that may have been issued and must not be resent."""

from typing import Any

from issuance.states import State
from ledger.store.clock import now_ms

RECONCILE_NOW: dict[str, Any] = {
    "fallback": State.IN_DOUBT,
    "empty_reads": 0,
    "budget_attempts": 0,
    "budget_started_at": None,
    "due_at": now_ms(),
}
"""A job's values that make it due for reconciliation now, with a new budget."""
