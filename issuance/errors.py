"""The base of errors that explain themselves."""


class ExplainedError(Exception):
    """An error whose message says what is wrong and what to do; it needs no traceback."""
