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
    for chunk_id, customers in end_leases(services.ledger, lost).items():
        log.warning("open_calls_lost", chunk_id=chunk_id, jobs=len(customers))
        fingerprints = [customer.fingerprint for customer in customers]
        with suppress(LimitsUnavailable):  # the locks expire
            services.start(services.limits.locks.release(chunk_id, fingerprints)).result()
    services.carried.forget(lost)
