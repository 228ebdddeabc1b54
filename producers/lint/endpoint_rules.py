"""The rules about the configured endpoint: how many units and rewards one call of it can issue."""

from issuance.job import Variant
from producers.source.refusal import Refusal


def check_units(variant: Variant, quantity: int) -> None:
    """The single endpoint issues one unit whatever is asked (rewards-api §3.1).

    Raises:
        Refusal: more than one is asked of it.
    """
    if variant is Variant.SINGLE and quantity > 1:
        raise Refusal(
            f"the single endpoint issues one unit whatever the quantity ({quantity})",
            "set ISSUANCE_API_VARIANT=bulk, or give the amount as redemptionValue",
            "quantity",
        )


def check_line_count(variant: Variant, count: int, most: int) -> None:
    """One call takes so many rewards and no more; the API's own cap is not documented (rewards-api §3.2).

    Raises:
        Refusal: there are more.
    """
    if variant is Variant.SINGLE and count > 1:
        raise Refusal(
            "the single endpoint takes one reward a call", "set ISSUANCE_API_VARIANT=bulk"
        )
    if count > most:
        raise Refusal(
            f"{count} rewards in one call are more than {most}",
            "ask in several calls, or raise ISSUANCE_JOB_MAX_LINES if the API takes more",
        )
