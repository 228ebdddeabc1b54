"""The ledger's errors."""

from issuance.errors import ExplainedError, UnreachableError


class LedgerError(ExplainedError):
    """The ledger refuses an operation or cannot be used. The message says what to do."""


class SchemaMismatchError(LedgerError):
    """The ledger's schema is not the one this program was built for."""


class LedgerAwayError(LedgerError, UnreachableError):
    """The ledger's server does not answer, or cannot work now."""
