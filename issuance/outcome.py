"""An outcome: the reply classified, for the job and for each of its lines."""

from dataclasses import dataclass
from enum import StrEnum

from issuance.states import State


class Kind(StrEnum):
    """What an attempt came to."""

    ISSUED = "issued"
    PARTIAL = "partial"
    FAILED = "failed"
    TRANSIENT = "transient"
    """Not processed; resending the same bytes is expected to work."""
    IN_DOUBT = "in_doubt"
    """It may have been processed; resending the same bytes is safe and may show it."""
    DEFERRED = "deferred"
    """Refused for a reason that is not the job's: too many calls (429), credentials (401)."""


class Refusal(StrEnum):
    """An answer about the caller instead of the job."""

    THROTTLED = "throttled"
    """429: too many calls. It never uses up an attempt (design rule 11)."""
    UNAUTHORISED = "unauthorised"
    """401: the credentials were not accepted."""


class Reason(StrEnum):
    """Why an operator must look at a settled job; decides which redrive is allowed."""

    PARTIAL = "partial"
    FAILED = "failed"
    LIMIT = "limit"
    CONFIG = "config"
    UNKNOWN_CODE = "unknown_code"
    IN_DOUBT = "in_doubt"
    EXHAUSTED = "exhausted"
    """Refused for a passing reason until the retry budget was used up; never processed."""
    UNPROCESSED = "unprocessed"
    """Refused by the gateway before the API looked at it (HTTP 403, 404, 405, 413, 415 without a body)."""


MORE_UNITS = "more_units_than_requested"
"""The anomaly of a line of which more units are counted than it asked for (rewards-api §4.3 (c))."""


@dataclass(frozen=True, slots=True)
class LineOutcome:
    """What a reply says of one line. Everything it shows is kept, whatever the verdict."""

    request_id: str
    kind: Kind
    code: int | None
    message: str
    reason: Reason | None = None
    requested_quantity: int | None = None
    quantity: int | None = None
    """Units issued as the API counts them; None when it did not say."""
    transaction_ids: tuple[str, ...] = ()
    vouchers: tuple[str, ...] = ()
    points_references: tuple[str, ...] = ()
    anomalies: tuple[str, ...] = ()
    """Documented contradictions seen in the reply, for operators (rewards-api §4.3)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reply says of the job as a whole, the fold of its lines."""

    kind: Kind
    code: int | None
    message: str
    lines: tuple[LineOutcome, ...]
    reason: Reason | None = None
    """Why a dead letter would be opened if the job were settled with this."""
    retry_is_conclusive: bool = True
    """False when resending cannot clear the doubt, only the API's reads can."""
    retry_after: float | None = None
    """Seconds the API asked to wait."""
    needs_reconciliation: bool = False
    """True when the API's reads may know more: an earlier attempt's reply was lost, and this one says issued without
    showing a voucher (§5 item 2) or partial (§5 item 3); or it counts more units than were asked for (§4.3 (c))."""
    readable: bool = True
    """False when nothing could be read that the API says of the call: no answer, or one without its body."""
    refusal: Refusal | None = None
    """Set when the answer is about the caller (429, 401), not about this job."""


_STATES = {
    Kind.ISSUED: State.ISSUED,
    Kind.PARTIAL: State.PARTIAL,
    Kind.FAILED: State.FAILED,
    # Settled after the last attempt: a transient refusal was never processed, so nothing was
    # issued.
    Kind.TRANSIENT: State.FAILED,
    Kind.IN_DOUBT: State.IN_DOUBT,
    Kind.DEFERRED: State.FAILED,
}


def settled_state(kind: Kind) -> State:
    """The state of a line or job that is settled with this kind."""
    return _STATES[kind]
