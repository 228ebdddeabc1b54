"""The rules about the units and rewards that one call of the endpoint can issue."""

from issuance.endpoint import Variant
from producers.fields.refusal import Refusal


def check_units(variant: Variant, quantity: int) -> None:
    """Check that the endpoint issues this many units for one line (rewards-api §3.1).

    Raises:
        Refusal: the endpoint issues fewer.
    """
    most = variant.endpoint.max_units
    if most is not None and quantity > most:
        units = "one unit" if most == 1 else f"{most} units"
        raise Refusal(
            f"the {variant} endpoint issues {units} whatever the quantity ({quantity})",
            "set ISSUANCE_API_VARIANT=bulk, or give the amount as redemptionValue",
            "quantity",
        )


def check_line_count(variant: Variant, count: int, most: int) -> None:
    """Check that one call of the endpoint takes this many rewards.

    The API's own limit is not documented (rewards-api §3.2); `most` is ISSUANCE_JOB_MAX_LINES.

    Raises:
        Refusal: there are too many.
    """
    own = variant.endpoint.max_lines
    if own is not None and count > own:
        rewards = "one reward" if own == 1 else f"{own} rewards"
        raise Refusal(
            f"the {variant} endpoint takes {rewards} a call", "set ISSUANCE_API_VARIANT=bulk"
        )
    if count > most:
        raise Refusal(
            f"{count} rewards in one call are more than {most}",
            "use several calls, or raise ISSUANCE_JOB_MAX_LINES if the API takes more",
        )
