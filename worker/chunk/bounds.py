"""Time limits of one chunk."""

from dataclasses import dataclass
from datetime import UTC, tzinfo

from issuance.retry import RetryPolicy


@dataclass(frozen=True, slots=True)
class Bounds:
    """Time limits of one chunk.

    Attributes:
        policy: the retry policy.
        start_within_seconds: no call starts later than this after the claim, so that none outlives
            the lease.
        lease_seconds: the duration of the claim.
        call_seconds: the timeout of one call, or of the reads for one job.
        zone: the brand's; used-up limits begin again at its midnight.
    """

    policy: RetryPolicy
    start_within_seconds: float
    lease_seconds: float
    call_seconds: float = 30.0
    zone: tzinfo = UTC
