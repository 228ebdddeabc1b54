"""What dead children carried goes back to the ledger, with the next release."""

from contextlib import suppress

import structlog

from ledger.dispatch.lost_claims import end_leases
from limiter.unavailable import LimitsUnavailable
from worker.services import Parts

log = structlog.get_logger("issuance.release")


def end_lost_claims(parts: Parts) -> None:
    """Free the jobs and the customers of chunks whose child was seen to die; `reap` does the rest.

    Raises:
        DBAPIError: the ledger is away; the next round tries again.
    """
    lost = parts.carried.lost()
    if not lost:
        return
    for chunk_id, customers in end_leases(parts.ledger, lost).items():
        log.warning("open calls lost", chunk_id=chunk_id, jobs=len(customers))
        fingerprints = [customer.fingerprint for customer in customers]
        with suppress(LimitsUnavailable):  # the locks lapse by themselves
            parts.start(parts.shared.locks.release(chunk_id, fingerprints)).result()
    parts.carried.forget(lost)
