"""The base of errors that explain themselves."""


class ExplainedError(Exception):
    """An error whose message says what is wrong and what to do; it needs no traceback."""


class UnreachableError(ExplainedError):
    """A server is away, or answers that it cannot work now. Nothing is wrong with the request.

    Attributes:
        may_return: whether the same request may work later; False if a setting must be corrected.
    """

    may_return = True
