"""An outcome: a classified reply, for the job and for each of its lines."""

from dataclasses import dataclass
from enum import StrEnum

from issuance.details.details import Details
from issuance.states import State


class Kind(StrEnum):
    """The result of an attempt."""

    ISSUED = "issued"
    PARTIAL = "partial"
    FAILED = "failed"
    TRANSIENT = "transient"
    """Not processed; resending the same bytes is expected to work."""
    IN_DOUBT = "in_doubt"
    """It may have been processed; resending the same bytes is safe and may show whether it was."""
    DEFERRED = "deferred"
    """Refused because of the caller, not the job: too many calls (429), credentials (401)."""


class Refusal(StrEnum):
    """An answer about the caller instead of the job."""

    THROTTLED = "throttled"
    """429: too many calls. It never uses up an attempt (design rule 11)."""
    UNAUTHORISED = "unauthorised"
    """401: the credentials were not accepted."""


class Reason(StrEnum):
    """Why a settled job needs an operator; it decides which redrives are allowed."""

    PARTIAL = "partial"
    FAILED = "failed"
    LIMIT = "limit"
    CONFIG = "config"
    UNKNOWN_CODE = "unknown_code"
    IN_DOUBT = "in_doubt"
    EXHAUSTED = "exhausted"
    """Refused for temporary reasons until the retry budget was used up; never processed."""
    UNPROCESSED = "unprocessed"
    """Refused by the edge before the API saw it (403, 404, a redirect, without the API's body)."""


MORE_UNITS = "more_units_than_requested"
"""Anomaly: the API counts more units than the line requested (rewards-api §4.3 (c))."""

DETAILS_CUT = "details_cut"
"""Anomaly: the details were too large to be kept whole."""


@dataclass(frozen=True, slots=True)
class LineOutcome:
    """What a reply says about one line; everything it shows is kept, whatever the verdict."""

    request_id: str
    kind: Kind
    code: int | None
    message: str
    reason: Reason | None = None
    requested_quantity: int | None = None
    quantity: int | None = None
    """Units issued, as the API counts them; None if it gives no count."""
    transaction_ids: tuple[str, ...] = ()
    vouchers: tuple[str, ...] = ()
    points_references: tuple[str, ...] = ()
    anomalies: tuple[str, ...] = ()
    """Known contradictions in the reply, for operators (rewards-api §4.3)."""
    details: Details | None = None
    """Points, expiry, payment and all else that it shows; None if nothing."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reply says about the whole job, folded from its lines."""

    kind: Kind
    code: int | None
    message: str
    lines: tuple[LineOutcome, ...]
    reason: Reason | None = None
    """The dead letter's reason if the job is settled with this outcome."""
    retry_is_conclusive: bool = True
    """False when only the API's reads can clear the doubt, not a resend."""
    retry_after: float | None = None
    """Seconds the API asked to wait."""
    needs_reconciliation: bool = False
    """Whether the API's reads may show more than this reply.

    Either an earlier attempt's reply was lost and this one says issued without a voucher (§5 item
    2) or partial (§5 item 3), or it counts more units than were requested (§4.3 (c)).
    """
    readable: bool = True
    """False when there is no answer, or one without a body from the API."""
    refusal: Refusal | None = None
    """Set when the answer is about the caller (429, 401), not about this job."""
    by_edge: bool = False
    """Whether a gateway, firewall or redirect answered instead of the API, or there is no token.

    Other calls show whether that concerns this job or every call of the account.
    """


_STATES = {
    Kind.ISSUED: State.ISSUED,
    Kind.PARTIAL: State.PARTIAL,
    Kind.FAILED: State.FAILED,
    # Settled after the last attempt. A transient refusal was never processed: nothing was issued.
    Kind.TRANSIENT: State.FAILED,
    Kind.IN_DOUBT: State.IN_DOUBT,
    Kind.DEFERRED: State.FAILED,
}


def settled_state(kind: Kind) -> State:
    """The state of a line or job that is settled with this kind."""
    return _STATES[kind]
