"""Connections to PostgreSQL that notice a server, or a client, that vanished without a word."""

from typing import Any

from psycopg import Connection as DriverConnection
from psycopg import OperationalError, errors
from psycopg.abc import PQGen
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL

from ledger.store.dialects.dialect import ENGINE_OPTIONS
from ledger.store.dialects.postgresql_tls import tls_options

CONNECT_SECONDS = 5
# libpq's: a peer that acknowledges nothing for 30 s is gone. Without them the kernel waits for a
# quarter of an hour with unsent data, and without them for any time.
_OPTIONS = {
    "connect_timeout": str(CONNECT_SECONDS),
    "keepalives": "1",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "4",
    "tcp_user_timeout": "30000",
    # whatever PGCLIENTENCODING says
    "client_encoding": "utf8",
}
# The server's side of the same: the transaction of a client that vanished holds its locks until the
# server notices, two hours by default. Set only where the default applies.
_SESSION = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "4",
    "tcp_user_timeout": "30000",
    "client_connection_check_interval": "10000",
}
_IDLE_TRANSACTION = {"idle_in_transaction_session_timeout": "60000"}
_SET = """
SELECT set_config(wanted.name, wanted.value, false)
FROM unnest(%s::text[], %s::text[]) AS wanted (name, value)
JOIN pg_settings USING (name) WHERE pg_settings.source = 'default'
"""


class BoundedConnection(DriverConnection[Any]):
    """A connection that gives up when the server does not answer a statement in time.

    Keep-alives cannot notice a server that hangs behind a proxy or a balancer that lives.
    """

    reply_seconds: float | None = None
    """The longest wait for an answer; None: no limit."""

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for an answer; called by the driver.

        Raises:
            OperationalError: there was none in time. The connection is closed.
        """
        if timeout is not None or self.reply_seconds is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.reply_seconds)
        except errors._WaitTimeout:  # noqa: SLF001  # the driver has no public name for it
            self.pgconn.finish()
            raise OperationalError(
                f"the server has not answered for {self.reply_seconds:g} s"
            ) from None


def make_engine(url: URL, *, reply_seconds: float | None, for_worker: bool) -> Engine:
    """Make an engine; libpq's options in the URL override ours.

    Args:
        url: the ledger's.
        reply_seconds: the longest wait for an answer; None: no limit.
        for_worker: its transactions are short: the server may end one whose client is silent.
    """
    options = {name: value for name, value in _OPTIONS.items() if name not in url.query}
    engine = create_engine(
        url.update_query_dict(options).set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,
        pool_size=3,
        **ENGINE_OPTIONS,
    )
    session = _SESSION | (_IDLE_TRANSACTION if for_worker else {})

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, arguments: Any, options: Any) -> BoundedConnection:
        connection = BoundedConnection.connect(*arguments, **options | tls_options(options))
        connection.reply_seconds = CONNECT_SECONDS
        connection.execute(_SET, (list(session), list(session.values())))
        connection.commit()
        connection.reply_seconds = reply_seconds
        return connection

    return engine
