"""Alerts of dead letters: a log event and a webhook call."""

import httpx
import structlog

from config.tls import USUAL_TLS, TlsFiles
from ledger.dead_letters.outbox import find_event
from ledger.store.database import Ledger
from rewards_api.tls import make_context

log = structlog.get_logger("issuance.dead_letters")

_WEBHOOK_SECONDS = 5.0


def alert(ledger: Ledger, letter_id: object, webhook_url: str, tls: TlsFiles = USUAL_TLS) -> None:
    """Alert people to a dead letter of the ledger, which a message names.

    Only the id is taken from the message: a client of the broker must not choose what an alert
    says. A message that names no dead letter is logged and dropped.

    Args:
        ledger: the record.
        letter_id: as the message gives it; any value.
        webhook_url: gets a POST; "": none.
        tls: whom to trust as the webhook, and our certificate if it asks for one.
    """
    is_id = isinstance(letter_id, int) and not isinstance(letter_id, bool)
    event = find_event(ledger, letter_id) if is_id else None  # type: ignore[arg-type]  # checked
    if event is None:
        log.warning("dead_letter_unknown")
        return
    raise_alarm(
        {
            "letter_id": event.letter_id,
            "request_id": event.job_id,
            "campaign": event.campaign,
            "reason": event.reason,
            "code": event.code,
        },
        webhook_url,
        tls,
    )


def raise_alarm(notice: dict[str, object], webhook_url: str, tls: TlsFiles = USUAL_TLS) -> None:
    """Alert people to a dead letter. The ledger has the letter, so a failed alert loses nothing."""
    log.warning("dead_letter_alert", **notice)
    if not webhook_url:
        return
    try:
        # The body is not read: it may be huge, or never end.
        with httpx.stream(
            "POST",
            webhook_url,
            json=notice,
            timeout=_WEBHOOK_SECONDS,
            verify=make_context(tls),
        ) as response:
            response.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        log.error("webhook_failed", error=_explain(error), **notice)  # noqa: TRY400 - a traceback adds nothing


def _explain(error: Exception) -> str:
    """Describe the error without the URL, which is often the webhook's only secret."""
    if isinstance(error, httpx.HTTPStatusError):
        return f"HTTP {error.response.status_code}"
    return type(error).__name__
