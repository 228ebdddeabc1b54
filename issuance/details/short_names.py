"""Short names for stored details: the API's long names are most of their size in the ledger.

Names that are not in the table pass unchanged. One that looks like a short name, or begins with
`~`, gets a `~` in front, so every text has exactly one meaning. Rows that were stored with long
names are read as they are: short names are only looked for below a short name.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

SHORT_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "each": "e",
        "units": "u",
        "$kind": "k",
        "pointsRedeemed": "n",
        "pointsRedeemedInDecimal": "d",
        "codeExpiry": "x",
        "codeExpiryDateTime": "z",
        "valid_till": "v",
        "offer_name": "a",
        "coupon_series_id": "s",
        "promotionId": "i",
        "paymentConfig": "p",
        "paymentMode": "m",
        "points": "b",
        "conversionRatio": "q",
        "redemptionDetails": "r",
        "redemptionType": "y",
        "redemptionValue": "h",
        "totalRedemptionValue": "j",
        "fulfillmentDetails": "f",
        "status": "st",
        "customFields": "c",
        "transactionCustomFields": "t",
        "restrictions": "l",
        "ownerType": "ot",
        "ownerId": "oi",
        "groupRedemption": "g",
        "eventDateTime": "ed",
        "issueDateTime": "is",
        "orgId": "o",
        "rewardId": "w",
    }
)
"""Long name → short name. Rows hold the short names: entries may be added, never changed."""

_SHORT_NAMES = dict(SHORT_NAMES)
_LONG_NAMES = {short: name for name, short in SHORT_NAMES.items()}
_ESCAPE = "~"
_NESTED = frozenset({"each", "units", "paymentConfig", "redemptionDetails", "fulfillmentDetails"})
"""Names below which there are names of the table; customers choose those of custom fields."""

_Fields = dict[str, Any]


def shorten(fields: Mapping[str, Any]) -> _Fields:
    """Replace the long names of one line's details."""
    return {
        _SHORT_NAMES.get(name) or _escaped(name): (
            _each(value, shorten) if name in _NESTED else value
        )
        for name, value in fields.items()
    }


def lengthen(stored: Mapping[str, Any]) -> _Fields:
    """Return details as they were before `shorten`; those with long names stay as they are."""
    found: _Fields = {}
    for name, value in stored.items():
        long = _LONG_NAMES.get(name)
        if long is None:
            found[name.removeprefix(_ESCAPE)] = value
        else:
            found[long] = _each(value, lengthen) if long in _NESTED else value
    return found


def _escaped(name: str) -> str:
    return _ESCAPE + name if name in _LONG_NAMES or name.startswith(_ESCAPE) else name


def _each(value: Any, rename: Callable[[Mapping[str, Any]], _Fields]) -> Any:
    if isinstance(value, dict):
        return rename(value)
    if isinstance(value, list):
        return [rename(item) if isinstance(item, dict) else item for item in value]
    return value
