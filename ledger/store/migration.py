"""Migrations, run by Alembic on a connection of the ledger."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from ledger.store.errors import SchemaMismatchError

_MIGRATIONS = Path(__file__).parent.parent / "migrations"


def upgrade(connection: Connection, secret: bytes | None = None) -> None:
    """Upgrade the schema to the newest version.

    Args:
        connection: the transaction.
        secret: the secret of a ledger that has none yet; None: the migration makes one.

    Raises:
        SchemaMismatchError: a newer program has migrated this ledger, or left tables in it.
    """
    try:
        command.upgrade(configuration(connection, secret), "head")
    except CommandError as error:
        raise SchemaMismatchError(
            f"The ledger's schema is newer than this program ({error}): "
            "use the program version that made it"
        ) from error
    except DatabaseError as error:
        if "already exists" not in str(error.orig):
            raise
        # PostgreSQL's "clean" restore removes only the tables that the dump knows.
        raise SchemaMismatchError(
            "The database has tables of a newer version next to an older ledger, as `pg_restore "
            "--clean` leaves them: restore the dump into an empty database, then run this again"
        ) from error


def configuration(connection: Connection, secret: bytes | None = None) -> Config:
    """Return Alembic's configuration for the project's migrations on this connection."""
    config = Config()
    # a configuration file's syntax, in which % begins a reference
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["secret"] = secret
    return config
