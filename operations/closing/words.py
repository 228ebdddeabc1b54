"""What a comparison with the API showed, in words."""

from collections.abc import Mapping
from typing import Any, Final

from operations.formats import counted

LEFT_OUT: Final[Mapping[str, str]] = {
    "neverSent": "never sent",
    "pruned": "pruned",
    "erased": "of erased customers",
}
"""Why lines were not compared, by the statement's key."""
KINDS: Final[Mapping[str, str]] = {
    "missing": "issued by the ledger, and the API shows no unit",
    "other_units": "the API shows another number of units",
    "revoked_elsewhere": "revoked at the API, and not through the ledger",
    "unknown_transaction": "the API shows a transaction that the ledger does not know",
}
"""What a difference is, by its kind."""


def verdict(found: Mapping[str, Any]) -> str:
    """Say what a comparison showed."""
    differing, lines = found["differing"], found["lines"]
    if found["mode"] == "all" or found["compared"] >= lines:
        return "No line differs." if not differing else f"{counted(differing, 'line')} differ."
    sure = f"at {found['confidencePercent']} % confidence"
    if differing:
        return (
            f"{counted(differing, 'line')} of the sample differ: {sure} at most "
            f"{found['mostDiffering']:,} of all lines do."
        )
    return f"No line of the sample differs: {sure} fewer than 0.1 % of all lines do."
