"""Look-ups that no reply asked for: of jobs that must not be sent again, though they may have been issued."""

from typing import Any

from issuance.states import State
from ledger.store.clock import now_ms

LOOK_UP_NOW: dict[str, Any] = {
    "look_up": State.IN_DOUBT,
    "empty_looks": 0,
    "budget_attempts": 0,
    "budget_started_at": None,
    "due_at": now_ms(),
}
"""What a job's row gets so that a worker reads what the API has of it, at once and with a budget of its own."""
