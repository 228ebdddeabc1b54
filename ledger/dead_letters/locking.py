"""Locking the dead letters that an operator redrives or discards."""

from typing import NamedTuple

from sqlalchemy import Connection, select

from issuance.redrive.rules import Case
from ledger.dead_letters.browse import CASE, case_of
from ledger.store.schema import campaigns, dead_letters, jobs


class LockedDeadLetter(NamedTuple):
    """A dead letter that this transaction has locked together with its job."""

    id: int
    job_number: int
    campaign_id: int
    changed_at: int
    """By the ledger's clock, in ms."""
    case: Case


_OWN = (
    dead_letters.c.id,
    dead_letters.c.job_number,
    dead_letters.c.campaign_id,
    dead_letters.c.changed_at,
)


def lock_dead_letters(connection: Connection, ids: list[int]) -> list[LockedDeadLetter]:
    """Lock these letters and their jobs until the end of the transaction, in order of id."""
    # Jobs first, as when outcomes are recorded: the opposite order could deadlock.
    of_letters = select(dead_letters.c.job_number).where(dead_letters.c.id.in_(ids))
    connection.execute(
        select(jobs.c.number)
        .where(jobs.c.number.in_(of_letters))
        .order_by(jobs.c.number)
        .with_for_update()
    )
    query = (
        select(*_OWN, *CASE)
        .join(campaigns, campaigns.c.id == dead_letters.c.campaign_id)
        .where(dead_letters.c.id.in_(ids))
        .order_by(dead_letters.c.id)
        .with_for_update(of=dead_letters)
    )
    return [
        LockedDeadLetter(letter_id, job_number, campaign_id, changed_at, case_of(case))
        for letter_id, job_number, campaign_id, changed_at, *case in connection.execute(query)
    ]
