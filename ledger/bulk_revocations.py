"""The record of a bulk revocation: its plan, who started it and why, and its results.

The lines' own states and entries say which of them are revoked, so that a new run continues where
one was broken off. This record keeps two runs from doing the same at the same time.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from ledger.audit_log import Operator, campaign_target, record_action
from ledger.campaigns import find_in
from ledger.revocation_plans import RevocationPlan
from ledger.revocations import RevocationError
from ledger.store.clock import milliseconds, now_ms
from ledger.store.database import Ledger
from ledger.store.schema import bulk_actions

KIND = "revoke"
_ALIVE_SECONDS = 20.0
"""A run that has recorded nothing for longer is broken off."""


@dataclass(slots=True)
class Results:
    """The results of a run, in lines."""

    revoked: int = 0
    not_revoked: int = 0
    in_doubt: int = 0
    refused: int = 0
    """They could not be revoked any more when their turn came."""


def start_bulk(
    ledger: Ledger,
    plan: RevocationPlan,
    operator: Operator,
    *,
    filters: Mapping[str, Any],
    per_second: float | None,
) -> int:
    """Record the start of a run, and return its id.

    Raises:
        RevocationError: another run of the campaign is under way.
    """
    counts = {"lines": plan.total.lines, "units": plan.total.units, "points": plan.total.points}
    with ledger.write() as connection:
        campaign = find_in(connection, plan.campaign.name, for_update=True)
        _end_broken(connection, campaign.id)
        now = connection.scalar(select(now_ms()))
        values = {
            "kind": KIND,
            "state": "running",
            "campaign_id": campaign.id,
            "filters": json.dumps(filters),
            "digest": plan.digest,
            "counts": json.dumps(counts),
            "created_at": now,
            "created_by": operator.name,
            "started_at": now,
            "started_by": operator.name,
            "operator": json.dumps(asdict(operator)),
            "note": operator.note,
            "per_second": per_second,
            "changed_at": now,
        }
        added = insert(bulk_actions).values(values).returning(bulk_actions.c.id)
        action_id = connection.execute(added).scalar_one()
        record_action(
            connection,
            operator,
            verb="bulk revoke",
            target=campaign_target(campaign.name),
            after=f"{plan.total.lines} lines, {plan.total.units} units, plan {plan.digest[:12]}",
        )
    return int(action_id)


def _end_broken(connection: Connection, campaign_id: int) -> None:
    running = (
        bulk_actions.c.kind == KIND,
        bulk_actions.c.campaign_id == campaign_id,
        bulk_actions.c.state == "running",
    )
    alive = bulk_actions.c.changed_at > now_ms() - milliseconds(_ALIVE_SECONDS)
    started_by = connection.scalar(select(bulk_actions.c.started_by).where(*running, alive))
    if started_by is not None:
        raise RevocationError(
            f"{started_by} is revoking rewards of this campaign now, or was broken off less than "
            f"{_ALIVE_SECONDS:.0f} s ago: wait for the end, then run this again for what is left"
        )
    connection.execute(
        update(bulk_actions).where(*running).values(state="aborted", finished_at=now_ms())
    )


def note_bulk(ledger: Ledger, action_id: int) -> None:
    """Record that a run is alive."""
    with ledger.write() as connection:
        connection.execute(
            update(bulk_actions).where(bulk_actions.c.id == action_id).values(changed_at=now_ms())
        )


def end_bulk(
    ledger: Ledger,
    action_id: int,
    plan: RevocationPlan,
    operator: Operator,
    results: Results,
    *,
    complete: bool,
) -> None:
    """Record the end of a run; `complete`: every line of the plan had its turn."""
    counts = {"lines": plan.total.lines, "units": plan.total.units, "points": plan.total.points}
    with ledger.write() as connection:
        now = connection.scalar(select(now_ms()))
        connection.execute(
            update(bulk_actions)
            .where(bulk_actions.c.id == action_id)
            .values(
                state="finished" if complete else "aborted",
                counts=json.dumps(counts | asdict(results)),
                changed_at=now,
                finished_at=now,
            )
        )
        record_action(
            connection,
            operator,
            verb="bulk revoked",
            target=campaign_target(plan.campaign.name),
            after=f"{results.revoked} revoked, {results.not_revoked} not revoked, "
            f"{results.in_doubt} in doubt, {results.refused} refused",
        )
