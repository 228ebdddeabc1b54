"""The handler of dead letters' notices: raises the alarm, as a log event and on a webhook."""

import httpx
import structlog

log = structlog.get_logger("issuance.dead_letters")

_WEBHOOK_SECONDS = 5.0


def raise_alarm(notice: dict[str, object], webhook_url: str) -> None:
    """Tell people of a dead letter. The letter itself is in the ledger; a failed alarm loses nothing."""
    log.warning("dead letter", **notice)
    if not webhook_url:
        return
    try:
        httpx.post(webhook_url, json=notice, timeout=_WEBHOOK_SECONDS).raise_for_status()
    except httpx.HTTPError as error:
        log.error("webhook failed", error=f"{type(error).__name__}: {error}", **notice)  # noqa: TRY400
