"""Points as whole thousandths: the API gives them with up to three decimals (rewards-api §4.3)."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

_THOUSAND = 1000
_LARGEST = 10**9
"""Points of one unit beyond a billion are an error, and would make sums overflow."""
_LONGEST = 40


def thousandths(value: Any) -> int | None:
    """Read points from a number or a text; None if they are negative, too large or unreadable."""
    text = value if isinstance(value, str) else str(value) if _is_number(value) else ""
    if len(text) > _LONGEST:
        return None
    if text.isascii() and text.isdigit():
        found = int(text) * _THOUSAND
    else:
        try:
            exact = Decimal(text.strip()) * _THOUSAND
            found = int(exact.to_integral_value(ROUND_HALF_UP))
        except (InvalidOperation, ValueError, OverflowError):
            return None
    return found if 0 <= found <= _LARGEST * _THOUSAND else None


def _is_number(value: Any) -> bool:
    if isinstance(value, int):
        return not isinstance(value, bool) and abs(value) <= _LARGEST
    return isinstance(value, float)


def as_points(amount: int) -> str:
    """Write thousandths as points: `12.375`, `10`."""
    whole, rest = divmod(amount, _THOUSAND)
    return f"{whole}.{rest:03}".rstrip("0") if rest else str(whole)


def points_number(amount: int) -> int | float:
    """Return thousandths as a number of points, whole if possible."""
    whole, rest = divmod(amount, _THOUSAND)
    return amount / _THOUSAND if rest else whole
