"""The database driver's own way of dealing with many rows in one statement.

SQLAlchemy would make a dict of each row and check every value, which costs more than the statement
itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from psycopg import Error
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError


def execute_rows(connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Run a statement once for each row; its parameters are written `?`."""
    if rows:
        own = statement.replace("?", "%s") if connection.dialect.name == "postgresql" else statement
        connection.exec_driver_sql(own, list(rows))


def update_rows(
    connection: Connection,
    table: str,
    values: Mapping[str, str],
    keys: Mapping[str, str],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    """Update the rows with these keys, no key twice; on PostgreSQL in one statement, which fires triggers once.

    Args:
        connection: the transaction.
        table: its name.
        values: the columns to be written, with PostgreSQL's type of each.
        keys: the columns that name a row, likewise.
        rows: the values of the former and then of the latter.
    """
    if not rows:
        return
    if connection.dialect.name != "postgresql":
        settings = ", ".join(f"{column} = ?" for column in values)
        places = " AND ".join(f"{column} = ?" for column in keys)
        execute_rows(connection, f"UPDATE {table} SET {settings} WHERE {places}", rows)  # noqa: S608  # our names
        return
    settings = ", ".join(f"{column} = given.{column}" for column in values)
    places = " AND ".join(f"{table}.{column} = given.{column}" for column in keys)
    lists = ", ".join(f"%s::{kind}[]" for kind in (*values.values(), *keys.values()))
    statement = (
        f"UPDATE {table} SET {settings} "  # noqa: S608  # our names
        f"FROM unnest({lists}) AS given({', '.join((*values, *keys))}) WHERE {places}"
    )
    connection.exec_driver_sql(statement, tuple(map(list, zip(*rows, strict=True))))


def insert_rows(
    connection: Connection, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows; on PostgreSQL by COPY, which costs the server a fraction of as many INSERTs.

    Raises:
        DBAPIError: as from any other statement: IntegrityError where a row is there already.
    """
    names = ", ".join(columns)
    if connection.dialect.name != "postgresql":
        places = ", ".join("?" * len(columns))
        execute_rows(connection, f"INSERT INTO {table} ({names}) VALUES ({places})", rows)  # noqa: S608  # our names
        return
    statement = f"COPY {table} ({names}) FROM STDIN"
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except Error as error:
        # Told like the error of any other statement; without the rows, which are customers'.
        raise DBAPIError.instance(
            statement, None, error, Error, hide_parameters=True, dialect=connection.dialect
        ) from error


def rows_among(connection: Connection, query: str, values: Sequence[Any]) -> Iterable[Any]:
    """Run a query whose last word is a column: the rows where that is one of these values."""
    if connection.dialect.name == "postgresql":
        return connection.exec_driver_sql(f"{query} = ANY(%s)", (list(values),))
    return connection.exec_driver_sql(f"{query} IN ({', '.join('?' * len(values))})", tuple(values))
