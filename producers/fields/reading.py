"""The result of a rule for a value that was written in another spelling."""

from typing import Any, NamedTuple


class ReadAs(NamedTuple):
    """A value whose text was not its ordinary spelling; the operator sees how many there were."""

    value: Any
    kind: str
    """What was done to the text, without the text: these are counted by kind."""


def bare(parsed: object) -> Any:
    """Return the value that a rule returned, without how it was read."""
    return parsed.value if isinstance(parsed, ReadAs) else parsed
