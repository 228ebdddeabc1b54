"""Reads a response as an answer: what an outcome needs, and what an operator must know."""

import re
from datetime import UTC, datetime

import httpx

from issuance.replies.reply import Answer
from rewards_api.body import rescue_body
from rewards_api.retry_after import read_retry_after

_TRACKING_ID_LENGTH = 128
_REDIRECTS = range(300, 400)
# Statuses that say by themselves that the call was not processed, however their body ends.
_SAID_BY_STATUS = range(300, 500)
_MEDIA_TYPE = re.compile(r"[a-z0-9.+-]{1,40}/[a-z0-9.+-]{1,60}")
_HOST = re.compile(r"[A-Za-z0-9._\-\[\]:]{1,120}")


def read_answer(response: httpx.Response, body: bytes) -> Answer:
    """Read the answer; its headers are read only where the body is not the API's."""
    headers = response.headers
    retry_after = headers.get("retry-after")
    tracking_id = headers.get("x-cap-requestid")
    is_plain = body[:1] == b"{"
    return Answer(
        status=response.status_code,
        body=body,
        retry_after=read_retry_after(retry_after, datetime.now(UTC), headers.get("date"))
        if retry_after
        else None,
        tracking_id=tracking_id[:_TRACKING_ID_LENGTH] if tracking_id else None,
        media_type=None if is_plain else _media_type(headers.get("content-type")),
        redirected_to=_redirect(response) if response.status_code in _REDIRECTS else None,
    )


def rescue(response: httpx.Response | None, arrived: bytearray) -> Answer | None:
    """Return the answer of a call that failed after its head arrived, if it can be known.

    Args:
        response: None when no head arrived.
        arrived: of its body.
    """
    if response is None:
        return None
    body = rescue_body(response, arrived)
    if body is None and response.status_code not in _SAID_BY_STATUS:
        return None
    return read_answer(response, body or b"")


def _media_type(content_type: str | None) -> str | None:
    found = _MEDIA_TYPE.match((content_type or "").strip().lower())
    return found and found[0]


def _redirect(response: httpx.Response) -> str | None:
    """Return the host of `Location`; one without a host leads to the host that answered."""
    location = response.headers.get("location")
    if not location:
        return None
    try:
        host = response.request.url.join(location).netloc.decode("ascii")
    except (httpx.InvalidURL, ValueError):
        return None
    return host if _HOST.fullmatch(host) else None
