"""Ends the leases of workers that are known to be dead."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import bindparam, select, update

from issuance.customer import Customer
from issuance.states import State
from ledger.store.clock import now_ms
from ledger.store.database import Ledger
from ledger.store.schema import IS_LEASED, campaigns, jobs


@dataclass(slots=True)
class LostChunk:
    """A chunk whose worker is dead."""

    id: str
    account: str
    """The API account of its jobs."""
    customers: list[Customer] = field(default_factory=list)
    """The customers that the worker has left locked."""


def end_leases(ledger: Ledger, chunk_ids: Sequence[str]) -> list[LostChunk]:
    """End the leases of these chunks' running jobs; the next `reap` gives them back.

    Args:
        ledger: the record.
        chunk_ids: chunks whose worker is known to be dead.

    Returns:
        The chunks that had running jobs.
    """
    with ledger.write() as connection:
        found = connection.execute(_END, {"chunk_ids": chunk_ids}).all()
        wanted = {campaign_id for _, campaign_id, _ in found}
        query = select(campaigns.c.id, campaigns.c.account).where(campaigns.c.id.in_(wanted))
        accounts = {row.id: row.account for row in connection.execute(query)}
    lost: dict[str, LostChunk] = {}
    for chunk_id, campaign_id, customer in found:
        chunk = lost.setdefault(chunk_id, LostChunk(chunk_id, accounts[campaign_id]))
        chunk.customers.append(Customer.parse(customer))
    return list(lost.values())


_END = (
    update(jobs)
    .where(
        IS_LEASED,
        jobs.c.state == State.RUNNING,
        jobs.c.chunk_id.in_(bindparam("chunk_ids", expanding=True)),
    )
    .values(lease_until=now_ms() - 1)
    .returning(jobs.c.chunk_id, jobs.c.campaign_id, jobs.c.customer)
)
