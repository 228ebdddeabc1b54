"""Shows a stored reply without vouchers and identifiers: only harmless fields are unmasked."""

from typing import Any

from pydantic_core import from_json, to_json

from issuance.display import printable
from issuance.masking import mask, scrub
from operations.details_view import shown_value

_HARMLESS = frozenset(
    {
        *("success", "code", "codes", "requestId", "transactionId", "rewardId", "orgId", "orgID"),
        *(
            "requestedQuantity",
            "quantity",
            "eventDateTime",
            "rewardType",
            "redemptionType",
            "paymentMode",
        ),
    }
)
_FREE_TEXT = frozenset({"message", "messages"})
_UNITS = frozenset(
    {
        *("intouch", "promotion", "promotions", "vendor", "vouchers", "vendorRewards"),
        *("customFields", "transactionCustomFields", "fulfillmentDetails", "paymentConfig"),
        *("redemptionDetails", "restrictions"),
    }
)
"""Free-form objects: in them `code` and any other name may be a voucher's or a person's."""


def show_reply(reply: bytes, *, reveal: bool) -> str:
    """Return a reply as one line, masked and without empty fields; of non-JSON only the size."""
    if reveal:
        return printable(reply.decode(errors="replace"))
    try:
        content = from_json(reply)
    except ValueError:
        return f"{len(reply):,} bytes, not JSON; --reveal shows them"
    return printable(to_json(_masked(content, "")).decode())


def _masked(value: Any, name: str) -> Any:
    match value:
        case dict():
            return {
                key: shown_value(inner, key, reveal=False) if key in _UNITS else _masked(inner, key)
                for key, inner in value.items()
                if inner not in (None, [], {})
            }
        case list():
            return [_masked(inner, name) for inner in value]
        case None | bool():
            return value
        case str() if name in _FREE_TEXT:
            return scrub(value)
        case _:
            return value if name in _HARMLESS else mask(str(value))
