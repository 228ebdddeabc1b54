"""The bounds of one chunk's issuing."""

from dataclasses import dataclass

from issuance.retry import RetryPolicy


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far one chunk may go.

    Attributes:
        policy: the retry policy.
        start_within_seconds: no call starts later than this after the claim, so that none outlives
            it.
        lease_seconds: how long the claim holds.
        call_seconds: the longest that one call, or one look into the transactions, may take.
    """

    policy: RetryPolicy
    start_within_seconds: float
    lease_seconds: float
    call_seconds: float = 30.0
