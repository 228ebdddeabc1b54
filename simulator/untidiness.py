"""Untidy replies: the same facts in the other spellings of the documents' samples (§3.2, §4.3)."""

from random import Random
from typing import Any

# Some samples omit these fields, or they repeat another: a reply without them means the same.
DISPENSABLE = frozenset(
    {
        "success",
        "requestId",
        "eventLogId",
        "eventDateTime",
        "issueDateTime",
        "codeExpiry",
        "pagingDto",
        "paymentConfig",
        "redemptionDetails",
        "restrictions",
        "pointsReferenceId",
        "pointsRedemptionRefId",
        "warnings",
        "ownerId",
    }
)
LISTS = frozenset(
    {
        "rewards",
        "intouch",
        "promotions",
        "vendor",
        "pointsReferenceIds",
        "pointsRedemptionRefIds",
        "vouchers",
        "groups",
    }
)
EXTRAS: tuple[Any, ...] = (None, 1, "text", [1, None, "x"], {"nested": {"deeper": [True]}}, [], {})


def untidy(value: Any, rate: float, rng: Random) -> Any:
    """Rewrite about `rate` (0 to 1) of a JSON value's places without changing any fact."""
    match value:
        case dict():
            return _untidy_object(value, rate, rng)
        case list() | tuple():
            return [untidy(item, rate, rng) for item in value]
        case _ if rng.random() < rate:
            return _written_otherwise(value)
        case _:
            return value


def _untidy_object(value: dict[str, Any], rate: float, rng: Random) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, item in value.items():
        changed = rng.random() < rate
        if changed and (name in DISPENSABLE or item is None):
            if name in LISTS:
                result[name] = []
            continue
        if changed and item in ([], ()):
            result[name] = None
            continue
        result[name] = untidy(item, rate, rng)
    if rng.random() < rate:
        result[f"addedField{rng.randrange(100)}"] = rng.choice(EXTRAS)
    return result


def _written_otherwise(value: Any) -> Any:
    """A number or flag as text; a number in text as a number."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case str() if value.isdecimal() and value.isascii() and str(int(value)) == value:
            return int(value)
        case _:
            return value
