"""Errors of the operators' own making."""

from issuance.errors import ExplainedError


class UsageError(ExplainedError):
    """The options do not go together, or one of them is wrong. The message says what to give instead."""
