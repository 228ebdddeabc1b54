"""The ledger's errors."""


class LedgerError(Exception):
    """The ledger cannot be used. The message says what to do."""


class SchemaMismatchError(LedgerError):
    """The ledger's schema is not the one this program was built for."""
