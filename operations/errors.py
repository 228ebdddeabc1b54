"""Errors in what an operator asked for."""

from issuance.errors import ExplainedError


class UsageError(ExplainedError):
    """An option is wrong, or two contradict each other. The message says what to give instead."""
