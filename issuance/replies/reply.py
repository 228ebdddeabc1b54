"""The reply to one attempt, as a value: an HTTP answer, or why there is none."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP answer."""

    status: int
    body: bytes
    retry_after: float | None = None
    """Seconds, from `Retry-After`; None when absent or unreadable."""
    tracking_id: str | None = None
    """`X-Cap-Requestid`: the API's id of the call, not our requestId (rewards-api §2)."""
    media_type: str | None = field(default=None, compare=False)
    """Of a body that is not a JSON object, as declared: `text/html`; None when not declared."""
    redirected_to: str | None = field(default=None, compare=False)
    """The host that a redirect (3xx) names; it was not followed."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """No complete HTTP answer."""

    kind: Literal["timeout", "connect", "reset", "oversize", "protocol", "token"]
    detail: str
    sent: bool
    """False only when the request certainly never reached the API (no connection, no token)."""


Reply = Answer | NoAnswer
