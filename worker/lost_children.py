"""Gives the chunks that dead children carried back to the ledger, with the next release."""

from contextlib import suppress

import structlog

from ledger.dispatch.lost_claims import end_leases
from limiter.unavailable import LimitsUnavailable
from worker.services import WorkerServices

log = structlog.get_logger("issuance.release")


def end_lost_claims(services: WorkerServices) -> None:
    """End the leases and locks of chunks whose child has died; `reap` does the rest.

    Raises:
        DBAPIError: the ledger is unavailable; the next round tries again.
    """
    lost = services.carried.lost()
    if not lost:
        return
    known = services.accounts.known()
    for chunk in end_leases(services.ledger, lost):
        log.warning("open_calls_lost", chunk_id=chunk.id, jobs=len(chunk.customers))
        account = known.get(chunk.account)
        if account is None:
            continue  # the locks expire
        locks = services.limits_of(account).locks
        fingerprints = [services.fingerprints.of(customer) for customer in chunk.customers]
        with suppress(LimitsUnavailable):  # the locks expire
            services.start(locks.release(chunk.id, fingerprints)).result()
    services.carried.forget(lost)
