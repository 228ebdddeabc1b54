"""Whether a PostgreSQL database can hold a ledger: its encoding, and the rights of our user."""

from sqlalchemy import Connection, text

from ledger.store.dialects.dialect import Rights
from ledger.store.errors import LedgerError

_DATABASE = text("""
SELECT current_setting('server_encoding') AS encoding, current_schema() AS schema,
       current_user AS name, current_database() AS database,
       coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create
""")
_WITHOUT_RIGHTS = text("""
SELECT relname FROM pg_class
JOIN unnest(CAST(:tables AS text[]), CAST(:wanted AS text[])) AS needed(name, wanted)
  ON needed.name = relname
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
  AND NOT has_table_privilege(oid, needed.wanted)
ORDER BY relname
""")
_ENCODING = "UTF8"
_SEQUENCES = text("""
SELECT relname FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'S' ORDER BY relname
""")
_VERSION = text("SELECT current_setting('server_version_num')::int")
_WRITING = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")
_MAINTAIN_SINCE = 170_000
"""The first version with the right to ANALYZE and VACUUM a table of another user."""


def check_database(connection: Connection, *, changes: bool) -> None:
    """Make sure that every text fits, and with `changes` that tables can be made.

    Raises:
        LedgerError: it cannot; the message says what to do.
    """
    found = connection.execute(_DATABASE).one()
    if found.encoding != _ENCODING:
        raise LedgerError(
            f"The database {found.database} has the encoding {found.encoding}, which cannot hold "
            f"every text: make one with CREATE DATABASE … ENCODING '{_ENCODING}' TEMPLATE template0"
        )
    if found.schema is None:
        raise LedgerError(
            f"The user {found.name} may use no schema of its search_path: "
            f"GRANT USAGE, CREATE ON SCHEMA public TO {found.name}, or set search_path"
        )
    if changes and not found.may_create:
        raise LedgerError(
            f"The user {found.name} may create no tables in the schema {found.schema}: "
            f"GRANT CREATE ON SCHEMA {found.schema} TO {found.name}, or migrate as its owner"
        )


def check_rights(connection: Connection, rights: Rights) -> None:
    """Make sure that our user may read every table of the ledger, and write it as `rights` says.

    Raises:
        LedgerError: it may not.
    """
    needed = [(table, right) for table, given in rights.items() for right in given]
    tables, wanted = map(list, zip(*needed, strict=True))
    missing = connection.scalars(_WITHOUT_RIGHTS, {"tables": tables, "wanted": wanted}).all()
    if missing:
        name = connection.scalar(text("SELECT current_user"))
        raise LedgerError(
            f"The user {name} may not read and write the ledger's table {missing[0]}: run "
            f"`issuance migrate --grant-to {name}` as the owner of the tables, or use that owner"
        )


def grant_rights(connection: Connection, role: str, rights: Rights) -> None:
    """Let a role use the ledger, but not change its schema.

    Args:
        connection: one of the owner of the tables.
        role: a role that exists.
        rights: its rights by table; any other right to write the table is taken from it.

    Raises:
        LedgerError: there is no such role.
    """
    if (
        connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role})
        is None
    ):
        raise LedgerError(
            f"There is no role {role!r} in PostgreSQL: CREATE ROLE … LOGIN PASSWORD '…', then run "
            "this again"
        )
    quote = connection.dialect.identifier_preparer.quote_identifier
    schema, to = quote(str(connection.scalar(text("SELECT current_schema()")))), quote(role)
    maintain = connection.execute(_VERSION).scalar_one() >= _MAINTAIN_SINCE
    by_rights: dict[tuple[str, ...], list[str]] = {}
    for table, given in rights.items():
        by_rights.setdefault(tuple(given), []).append(f"{schema}.{quote(table)}")
    on_tables = []
    for given, names in by_rights.items():
        # A GRANT on all tables, made by hand, may have given more.
        if gone := [each for each in _WRITING if each not in given]:
            on_tables.append(f"REVOKE {', '.join(gone)} ON {', '.join(names)} FROM {to}")
        wanted = ", ".join((*given, "MAINTAIN") if maintain else given)
        on_tables.append(f"GRANT {wanted} ON {', '.join(names)} TO {to}")
    sequences = ", ".join(f"{schema}.{quote(each)}" for each in connection.scalars(_SEQUENCES))
    for statement in (
        f"GRANT USAGE ON SCHEMA {schema} TO {to}",
        *on_tables,
        f"GRANT SELECT ON {schema}.alembic_version TO {to}",
        f"GRANT USAGE ON SEQUENCE {sequences} TO {to}",
    ):
        connection.exec_driver_sql(statement)
