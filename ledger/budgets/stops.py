"""Stops campaigns whose budget is used up; the evidence says what was issued, and what was next."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, insert, select

from issuance.budget import expected_cost, number_text, quantity_text
from issuance.campaign_life import Act
from issuance.reward_key import describe_reward
from issuance.states import CampaignState
from ledger.audit_log import SYSTEM
from ledger.budgets.changes import BudgetError, read_budget
from ledger.budgets.notices import write_notice
from ledger.budgets.usage import Need, Usage, amount_json, budget_json, read_usage
from ledger.campaigns import Campaign, change_state_in, find_in
from ledger.store.clock import now_ms
from ledger.store.schema import campaign_stops, campaigns

CAUSE = "budget"
"""Of such a stop in `campaign_stops`."""
_FULL = 100


@dataclass(frozen=True, slots=True)
class UsedUp:
    """A campaign whose next job does not fit into its budget, and that waits for no other job."""

    campaign_id: int
    usage: Usage
    need: Need
    """Of the next job."""


def stop_used_up(connection: Connection, used_up: Sequence[UsedUp]) -> None:
    """Stop these campaigns, as the last step of the transaction.

    One that another transaction is changing is left to the next release.
    """
    for each in used_up:
        query = select(campaigns.c.name).where(
            campaigns.c.id == each.campaign_id, campaigns.c.state == CampaignState.RUNNING
        )
        name = connection.scalar(query.with_for_update(skip_locked=True, key_share=True))
        if name is not None:
            _stop(connection, name, each)


def _stop(connection: Connection, name: str, used_up: UsedUp) -> None:
    campaign = find_in(connection, name)
    why = explain(used_up)
    stop = insert(campaign_stops).values(
        campaign_id=campaign.id,
        at=now_ms(),
        cause=CAUSE,
        evidence=json.dumps(evidence(used_up) | {"why": why}),
    )
    connection.execute(stop)
    write_notice(connection, campaign.id, used_up.usage, _FULL)
    change_state_in(connection, campaign, replace(SYSTEM, note=why), Act.STOP)


def require_room(connection: Connection, campaign: Campaign) -> None:
    """Make sure that a campaign that a budget stopped can continue.

    Raises:
        BudgetError: the job at which it stopped still does not fit.
    """
    query = (
        select(campaign_stops.c.evidence)
        .where(
            campaign_stops.c.campaign_id == campaign.id,
            campaign_stops.c.cause == CAUSE,
            campaign_stops.c.resolved_at.is_(None),
        )
        .order_by(campaign_stops.c.id.desc())
        .limit(1)
    )
    stopped = connection.scalar(query)
    if stopped is None:
        return
    usage = read_usage(connection, campaign.id, read_budget(connection, campaign.id))
    used_up = UsedUp(campaign.id, usage, json.loads(stopped)["nextUnits"])
    if usage.fits(usage.total, used_up.need):
        return
    name = shlex.quote(campaign.name)
    remedy = "--rewards FILE" if usage.unpriced(used_up.need) else f"--budget-{_short(used_up)} N"
    raise BudgetError(
        f"{explain(used_up)}. Raise it with `issuance campaign set {name} {remedy}`, then resume, "
        "or cancel the campaign"
    )


def _short(used_up: UsedUp) -> str:
    """Return which of the two budgets is used up."""
    total = used_up.usage.total.plus(expected_cost(used_up.usage.prices, used_up.need))
    bounds = used_up.usage.budget.bounds
    return next(name for name, most in bounds if getattr(total, name) > most)


def evidence(used_up: UsedUp) -> dict[str, Any]:
    """Return what the stop keeps: the budget, what is used of it, and what the next job needs."""
    usage = used_up.usage
    cost = expected_cost(usage.prices, used_up.need)
    shown: dict[str, Any] = {"budget": budget_json(usage.budget)}
    shown |= {"issued": amount_json(usage.issued), "reserved": amount_json(usage.reserved)}
    shown |= {"next": amount_json(cost), "nextUnits": dict(used_up.need)}
    return shown | {"unpriced": usage.unpriced(used_up.need)}


def explain(used_up: UsedUp) -> str:
    """Say in one sentence why the campaign stopped."""
    usage = used_up.usage
    if unknown := usage.unpriced(used_up.need):
        rewards = " and ".join(map(describe_reward, unknown))
        return f"the points of {rewards} are not known, so the budget of points cannot be kept"
    cost = expected_cost(usage.prices, used_up.need)
    parts = [
        f"{number_text(name, getattr(usage.total, name))} of {quantity_text(name, most)}, "
        f"and the next job needs {quantity_text(name, getattr(cost, name))}"
        for name, most in usage.budget.bounds
        if getattr(usage.total, name) + getattr(cost, name) > most
    ]
    return f"budget used up: {'; '.join(parts)}"
