"""What campaigns have used of their budgets, for people and for programs."""

from collections.abc import Collection, Mapping
from typing import Any

from issuance.budget import number_text, quantity_text
from ledger.budgets.usage import Usage, amount_json, budget_json, read_usages
from ledger.store.database import Ledger


def read_budgets(ledger: Ledger, names: Collection[str]) -> Mapping[str, Usage]:
    """Read the budgets of these campaigns, by name; those without one are left out."""
    with ledger.read() as connection:
        return read_usages(connection, names)


def budget_text(usage: Usage) -> str:
    """`120 of 5,000 units, 40 more reserved`, for each bound."""
    parts = []
    for name, most in usage.budget.bounds:
        used, reserved = getattr(usage.issued, name), getattr(usage.reserved, name)
        held = f", {number_text(name, reserved)} more reserved" if reserved else ""
        parts.append(f"{number_text(name, used)} of {quantity_text(name, most)}{held}")
    return f"budget: {'; '.join(parts)} ({usage.percent} % used)"


def budget_usage_json(usage: Usage | None) -> dict[str, Any] | None:
    """Return a budget and what is used of it for programs; None: there is no budget."""
    if usage is None:
        return None
    return {
        **budget_json(usage.budget),
        "issued": amount_json(usage.issued),
        "reserved": amount_json(usage.reserved),
        "percent": usage.percent,
    }
