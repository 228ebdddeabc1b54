"""The deployment's secret: made by the migration, kept in the ledger and so in each backup."""

from sqlalchemy import Connection, select

from ledger.store.errors import LedgerError
from ledger.store.schema import secrets

_NAME = "deployment"
_SECRET = select(secrets.c.value).where(secrets.c.name == _NAME)


def read_secret(connection: Connection) -> bytes:
    """Return the deployment's secret, 32 bytes; `issuance.derived_keys` makes keys of it.

    Raises:
        LedgerError: the ledger has none.
    """
    value = connection.scalar(_SECRET)
    if value is None:
        raise LedgerError(
            "The ledger has lost its secret: restore the table secrets from a backup, because "
            "other requestIds would be derived without it"
        )
    return bytes(value)
