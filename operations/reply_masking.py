"""Shows a stored reply without vouchers and identifiers: only harmless fields are unmasked."""

import re
from collections.abc import Sequence
from typing import Any

from pydantic_core import from_json, to_json

from issuance.display import printable
from issuance.masking import hide, mask, scrub
from operations.details_view import shown_value

_HARMLESS = frozenset(
    {
        *("success", "requestId", "transactionId", "rewardId", "orgId", "orgID"),
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
_CODES = frozenset({"code", "codes"})
_STATUSES = frozenset({"status", "partnerError", "error", "errors", "warnings"})
"""Objects whose `code` says how a call went. In all others it may be a voucher's."""
_STATUS_CODE = re.compile(r"-?\d{1,6}", re.ASCII)
_FREE_TEXT = frozenset({"message", "messages"})
_UNITS = frozenset(
    {
        *("intouch", "promotion", "promotions", "vendor", "vouchers", "vendorRewards"),
        *("customFields", "transactionCustomFields", "fulfillmentDetails", "paymentConfig"),
        *("redemptionDetails", "restrictions"),
    }
)
"""Free-form objects: in them any name may be a voucher's or a person's."""


def show_reply(reply: bytes, *, reveal: bool, known: Sequence[str] = ()) -> str:
    """Return a reply as one line, masked and without empty fields; of non-JSON only the size.

    Args:
        reply: the reply, or a request's body.
        reveal: show all of it as it is.
        known: what the reply's job holds: its customer's identifier and its vouchers.
    """
    if reveal:
        return printable(reply.decode(errors="replace"))
    try:
        content = from_json(reply)
    except ValueError:
        return f"{len(reply):,} bytes, not JSON; --reveal shows them"
    return printable(to_json(_masked(content, "", "", known), inf_nan_mode="null").decode())


def _masked(value: Any, name: str, inside: str, known: Sequence[str]) -> Any:
    """Mask a value with this name, inside an object with that name."""
    match value:
        case dict():
            return {
                scrub(key, known): shown_value(inner, key, reveal=False, known=known)
                if key in _UNITS
                else _masked(inner, key, name, known)
                for key, inner in value.items()
                if inner not in (None, [], {})
            }
        case list():
            return [_masked(inner, name, inside, known) for inner in value]
        case None | bool():
            return value
        case str() if name in _FREE_TEXT:
            return scrub(value, known)
        case _ if name in _HARMLESS or _is_status_code(str(value), name, inside):
            return hide(value, known) if isinstance(value, str) else value
        case _:
            return mask(str(value))


def _is_status_code(text: str, name: str, inside: str) -> bool:
    return name in _CODES and inside in _STATUSES and _STATUS_CODE.fullmatch(text) is not None
