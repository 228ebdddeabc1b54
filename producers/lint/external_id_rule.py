"""The rule about external ids: a program that took them for numbers has changed them."""

from issuance.display import mask
from producers.lint.finding import Finding
from producers.source import Identifier


def check_external_id(identifier: Identifier) -> Finding | None:
    """Find an id such as `10427.0`: programs write it for the number 10427."""
    value = identifier.value
    if not value.endswith(".0") or identifier.kind != "externalId" or not value[:-2].isdigit():
        return None
    return Finding(
        "externalId ending in .0",
        "externalId",
        f"{mask(value)} looks like an id that a program took for a number",
        "export the column as text, so that neither decimals are added nor leading zeros lost",
        refuses=False,
    )
