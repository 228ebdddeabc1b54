"""Campaigns: their balance for programs."""

from typing import Any

from issuance.states import State
from ledger.queries.balance import Balance
from operations.formats import iso


def balance_json(balance: Balance) -> dict[str, Any]:
    """The balance for programs: counts of lines, one key a state."""
    return {
        "campaign": balance.campaign.name,
        "state": balance.campaign.state,
        "weight": balance.campaign.weight,
        "accepted": balance.campaign.accepted_lines,
        **{state.value: balance.counts.get(state, 0) for state in State},
        "pruned": balance.pruned,
        "balanced": balance.balanced,
        "openDeadLetters": balance.open_letters,
        "oldestDueAt": iso(balance.oldest_due),
    }
