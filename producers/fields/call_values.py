"""The rules of the fields that few rows have: owners, scopes, times, references and cash."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from issuance.display import show
from producers.fields.reading import ReadAs
from producers.fields.refusal import Refusal
from producers.fields.rules import positive_integer, text

LARGEST_AMOUNT = 10**15 - 1
LONGEST_REFERENCE = 255

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_MOMENT = "%Y-%m-%dT%H:%M:%SZ"
_MOMENT_SHAPE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)

OWNER_TYPES: Mapping[str, str] = {
    "LOYALTY": "LOYALTY",
    "LOYALTYPROGRAM": "LOYALTY",
    "MILESTONES": "MILESTONES",
    "CAMPAIGNS": "CAMPAIGNS",
    "JOURNEYS": "JOURNEYS",
    "GOODWILL": "GOODWILL",
}
"""The owner types by their name without blanks and underscores (rewards-api §3.1)."""
SCOPES = ("SELF", "OTHER")

_whole_amount = positive_integer(LARGEST_AMOUNT)


def reference(given: str) -> str | None:
    """Parse 1 to 255 characters without control characters; surrounding blanks are dropped."""
    value = given.strip()
    if len(value) > LONGEST_REFERENCE:
        raise Refusal(
            f"it has {len(value)} characters", f"write at most {LONGEST_REFERENCE} characters"
        )
    if _CONTROL.search(value):
        raise Refusal(
            "it holds a control character",
            "remove tabs, line breaks and other invisible characters from it",
        )
    return text(value) or None


def owner_type(given: str) -> str | None:
    """Parse one of the documented owner types, in any case, to the API's spelling."""
    plain = re.sub(r"[\s_-]+", "", given).upper()
    if not plain:
        return None
    known = OWNER_TYPES.get(plain)
    if known is None:
        names = ", ".join(dict.fromkeys(OWNER_TYPES.values()))
        raise Refusal(f"{show(given)} is no owner type", f"write one of {names}")
    return known


def data_scope(given: str) -> str | None:
    """Parse SELF or OTHER in any case; the API has ALL for reads only."""
    value = given.strip().upper()
    if not value or value in SCOPES:
        return value or None
    raise Refusal(
        f"{show(given)} is no data scope for issuing",
        "write SELF for the account's own organisation, or OTHER for the reward's",
    )


def event_date_time(given: str) -> str | None:
    """Parse a time in UTC, to the second; `check_call` checks how far ahead it is."""
    value = given.strip()
    if not value:
        return None
    if _MOMENT_SHAPE.fullmatch(value):
        try:
            moment(value)
        except ValueError:
            pass
        else:
            return value
    raise Refusal(
        f"{show(given)} is no time in UTC",
        "write YYYY-MM-DDTHH:MM:SSZ, for example 2026-01-02T03:04:05Z",
    )


def moment(value: str) -> datetime:
    """Return the time that `event_date_time` has accepted.

    Raises:
        ValueError: there is no such day or time.
    """
    return datetime.strptime(value, _MOMENT).replace(tzinfo=UTC)


def whole_amount(given: str) -> int | ReadAs | None:
    """Parse a whole amount from 0; the API's amounts are integers, and it cuts decimals."""
    return 0 if given.strip() == "0" else _whole_amount(given)
