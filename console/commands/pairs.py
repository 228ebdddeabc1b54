"""Options that pair two texts with an equals sign."""

from collections.abc import Iterable

from issuance.display import printable
from operations.errors import UsageError


def read_mapping(pairs: Iterable[str]) -> dict[str, str]:
    """Read `THEIRS=OURS` into our column by theirs.

    Raises:
        UsageError: one is not written so.
    """
    mapping = {}
    for pair in pairs:
        # From the right: their column's name may contain a "=", ours never does.
        theirs, equals, ours = pair.rpartition("=")
        if not (theirs.strip() and equals and ours.strip()):
            raise UsageError(f"--map {printable(pair)} is not a mapping: write --map THEIRS=OURS")
        mapping[theirs] = ours
    return mapping


def read_defaults(pairs: Iterable[str]) -> dict[str, str]:
    """Read `COLUMN=VALUE` into the value by column.

    Raises:
        UsageError: one is not written so.
    """
    defaults = {}
    for pair in pairs:
        column, equals, value = pair.partition("=")
        if not (column.strip() and equals):
            raise UsageError(f"--set {printable(pair)} is no value: write --set COLUMN=VALUE")
        defaults[column.strip()] = value
    return defaults
