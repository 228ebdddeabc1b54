"""Ends the leases of workers that are known to be dead."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import bindparam, update

from issuance.customer import Customer
from issuance.states import State
from ledger.store.clock import now_ms
from ledger.store.database import Ledger
from ledger.store.schema import IS_LEASED, jobs

Customers = dict[str, list[Customer]]


def end_leases(ledger: Ledger, chunk_ids: Sequence[str]) -> Customers:
    """End the leases of these chunks' running jobs; the next `reap` gives them back.

    Args:
        ledger: the record.
        chunk_ids: chunks whose worker is known to be dead.

    Returns:
        By chunk, the customers that the worker has left locked.
    """
    with ledger.write() as connection:
        found = connection.execute(_END, {"chunk_ids": chunk_ids}).all()
    customers: defaultdict[str, list[Customer]] = defaultdict(list)
    for chunk_id, customer in found:
        customers[chunk_id].append(Customer.parse(customer))
    return dict(customers)


_END = (
    update(jobs)
    .where(
        IS_LEASED,
        jobs.c.state == State.RUNNING,
        jobs.c.chunk_id.in_(bindparam("chunk_ids", expanding=True)),
    )
    .values(lease_until=now_ms() - 1)
    .returning(jobs.c.chunk_id, jobs.c.customer)
)
