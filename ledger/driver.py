"""The database driver's own way of running a statement for many rows."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection


def execute_rows(connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Run a statement once for each row; its parameters are written `?`.

    SQLAlchemy would make a dict of each row and check every value, which costs more than the statement itself.
    """
    if rows:
        own = statement.replace("?", "%s") if connection.dialect.name == "postgresql" else statement
        connection.exec_driver_sql(own, list(rows))
