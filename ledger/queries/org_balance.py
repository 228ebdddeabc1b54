"""The balance of each organisation for which a campaign issues."""

from collections import Counter
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection, select

from issuance.states import State
from ledger.campaigns import Campaign
from ledger.queries.counters import (
    Tallies,
    Tally,
    counted_lines,
    pruned_counts,
    recounted_lines,
)
from ledger.store.database import Ledger
from ledger.store.schema import NO_ORG, campaign_orgs


@dataclass(frozen=True, slots=True)
class OrgBalance:
    """The lines of one campaign for one organisation."""

    org_id: int | None
    """None: the lines that name no organisation."""
    accepted: int
    """Counted by acceptance, independently of `counts`."""
    counts: dict[State, int]
    """By the lines' own state: lines that are not settled are `waiting`. Includes pruned lines."""
    units: int
    points: int
    """Redeemed, in thousandths."""
    pruned: int

    @property
    def balanced(self) -> bool:
        """Whether every accepted line is in exactly one state."""
        return self.accepted == sum(self.counts.values())


class _Read(Protocol):
    def __call__(self, connection: Connection, campaign_id: int) -> Tallies: ...


def org_balances(
    ledger: Ledger, campaign: Campaign, *, recounted: bool = False
) -> list[OrgBalance]:
    """Balance each organisation of a campaign, by id; lines without an organisation come last.

    Args:
        ledger: the record.
        campaign: the campaign.
        recounted: count each line instead of trusting the counters.
    """
    read: _Read = recounted_lines if recounted else counted_lines
    query = select(campaign_orgs.c.org_id, campaign_orgs.c.accepted_lines).where(
        campaign_orgs.c.campaign_id == campaign.id
    )
    with ledger.read() as connection:
        accepted: dict[int, int] = dict(map(tuple, connection.execute(query)))
        present = read(connection, campaign.id)
        pruned = pruned_counts(connection, campaign.id)
    org_ids = {*accepted, *(org_id for org_id, _ in (*present, *pruned))}
    found = [
        _of_org(org_id, accepted.get(org_id, 0), present, pruned)
        for org_id in sorted(org_ids, key=lambda org_id: (org_id == NO_ORG, org_id))
    ]
    return [balance for balance in found if balance.accepted or any(balance.counts.values())]


def _of_org(org_id: int, accepted: int, present: Tallies, pruned: Tallies) -> OrgBalance:
    counts: Counter[State] = Counter()
    both, gone = Tally(), Tally()
    for tallies in (present, pruned):
        for (of_org, state), tally in tallies.items():
            if of_org == org_id:
                counts[state] += tally.lines
                both += tally if state is not State.REVOKED else Tally()
                gone += tally if tallies is pruned else Tally()
    return OrgBalance(
        org_id=None if org_id == NO_ORG else org_id,
        accepted=accepted,
        counts={state: count for state, count in counts.items() if count},
        units=both.units,
        points=both.points,
        pruned=gone.lines,
    )
