"""Alerts of dead letters: a log event and a webhook call."""

import httpx
import structlog

log = structlog.get_logger("issuance.dead_letters")

_WEBHOOK_SECONDS = 5.0


def raise_alarm(notice: dict[str, object], webhook_url: str) -> None:
    """Alert people to a dead letter. The ledger has the letter, so a failed alert loses nothing."""
    log.warning("dead_letter_alert", **notice)
    if not webhook_url:
        return
    try:
        # The body is not read: it may be huge, or never end.
        with httpx.stream("POST", webhook_url, json=notice, timeout=_WEBHOOK_SECONDS) as response:
            response.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        log.error("webhook_failed", error=_explain(error), **notice)  # noqa: TRY400 - a traceback adds nothing


def _explain(error: Exception) -> str:
    """Describe the error without the URL, which is often the webhook's only secret."""
    if isinstance(error, httpx.HTTPStatusError):
        return f"HTTP {error.response.status_code}"
    return type(error).__name__
