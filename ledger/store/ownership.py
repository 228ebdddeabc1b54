"""Whether a database's tables are the ledger's or another program's."""

import re

from sqlalchemy import Connection, inspect, text

from ledger.store.errors import LedgerError

_VERSIONS = "alembic_version"
# In the schema since its first version; other programs have tables of these names, but not all.
_TABLES = frozenset({"campaigns", "jobs", "lines", "attempts", "dead_letters"})
_REVISION = re.compile(r"\d{4}")
_REMEDY = (
    "give the ledger a database or a schema of its own in ISSUANCE_LEDGER_URL "
    "(PostgreSQL: ?options=-csearch_path%3DNAME)"
)
_SHOWN = 40


def find_revision(connection: Connection) -> str | None:
    """Read the version of the ledger's schema; None when the database has no ledger yet.

    Raises:
        LedgerError: it holds tables of another program.
    """
    tables = set(inspect(connection).get_table_names())
    found: str | None = None
    if _VERSIONS in tables:
        found = connection.scalar(text(f"SELECT version_num FROM {_VERSIONS}"))  # noqa: S608  # a constant
    if found is None:
        if taken := sorted(_TABLES & tables):
            raise LedgerError(
                f"The database has a table {taken[0]} that is not the ledger's: {_REMEDY}"
            )
        return None
    if not (_REVISION.fullmatch(found) and tables >= _TABLES):
        raise LedgerError(
            f"The database belongs to another program: its {_VERSIONS} says {found[:_SHOWN]!r}, "
            f"which is no version of the ledger: {_REMEDY}"
        )
    return found
