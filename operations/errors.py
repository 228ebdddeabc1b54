"""Errors of the operators' own making."""


class UsageError(Exception):
    """The options do not go together, or one of them is wrong. The message says what to give instead."""
