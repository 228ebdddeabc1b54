"""Refuses messages before they are unpacked: none of ours is compressed or large."""

from typing import Any

import structlog

log = structlog.get_logger("issuance.broker")

LARGEST_BODY = 1_048_576
"""Bytes, as sent. The largest message of ours, a chunk of 1,000 jobs, has 20 KB."""
_LONGEST_NAME = 60


def why_refused(headers: Any, body: Any) -> str | None:
    """Return why a message is not read; None if it is.

    A compressed body of a few kilobytes can expand to gigabytes.
    """
    if isinstance(headers, dict) and headers.get("compression"):
        return "its body is compressed"
    if body is not None and len(body) > LARGEST_BODY:
        return f"its body has more than {LARGEST_BODY:,} bytes"
    return None


def log_refused(why: str, queue: object) -> None:
    """Log a message that was removed without being read."""
    log.error("message_refused", why=why, queue=str(queue)[:_LONGEST_NAME])
