"""A PostgreSQL that vanishes without a word is noticed, and its successor is used at once."""

import os
import socket
import time

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from ledger.campaigns import ensure_campaign
from ledger.store.database import Ledger
from tests.postgres import postgres_database
from tests.silent_proxy import SilentProxy

_PATIENCE = 0.5


@pytest.fixture
def proxied(postgres_url):
    """Yield a proxy in front of an empty database, and the URL through it."""
    with postgres_database(postgres_url) as database:
        direct = make_url(database)
        host = direct.host or direct.query.get("host", "")
        with SilentProxy(str(host), direct.port or 5432) as proxy:
            through = direct.set(host="127.0.0.1", port=proxy.port, query={})
            yield proxy, through.render_as_string(hide_password=False)


def options_of(url):
    with Ledger(url) as ledger, ledger.read() as connection:
        driver = connection.connection.driver_connection
        with socket.socket(fileno=os.dup(driver.fileno())) as link:
            return {
                "keepalive": link.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                "idle": link.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
                "interval": link.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
                "count": link.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
                "user_timeout": link.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
            }


def test_a_connection_gives_up_a_peer_that_is_silent_for_half_a_minute(proxied):
    _, url = proxied
    assert options_of(url) == {
        "keepalive": 1,
        "idle": 10,
        "interval": 5,
        "count": 4,
        "user_timeout": 30_000,
    }


def test_the_urls_query_overrides_the_keepalives(proxied):
    _, url = proxied
    given = options_of(f"{url}?keepalives_idle=7&tcp_user_timeout=9000")
    assert (given["idle"], given["interval"], given["user_timeout"]) == (7, 5, 9_000)
    assert options_of(f"{url}?keepalives=0")["keepalive"] == 0


@pytest.mark.parametrize(("durable", "idle"), [(True, "0"), (False, "1min")])
def test_the_server_notices_a_client_that_vanished(postgres_ledger, durable, idle):
    url = postgres_ledger.engine.url.render_as_string(hide_password=False)
    with Ledger(url, durable=durable) as ledger, ledger.read() as connection:
        shown = {
            name: connection.scalar(text(f"SHOW {name}"))
            for name in ("client_connection_check_interval", "idle_in_transaction_session_timeout")
        }
    assert shown == {
        "client_connection_check_interval": "10s",
        "idle_in_transaction_session_timeout": idle,
    }


def test_what_the_url_sets_on_the_server_is_left_alone(postgres_ledger):
    url = postgres_ledger.engine.url.update_query_dict(
        {"options": "-c client_connection_check_interval=3000"}
    )
    with (
        Ledger(url.render_as_string(hide_password=False)) as ledger,
        ledger.read() as connection,
    ):
        assert connection.scalar(text("SHOW client_connection_check_interval")) == "3s"


def test_a_server_that_falls_silent_ends_a_statement_and_the_next_one_works(proxied):
    proxy, url = proxied
    with Ledger(url, durable=False, reply_seconds=_PATIENCE) as ledger:
        ledger.migrate()
        campaign = ensure_campaign(ledger, "diwali")
        proxy.silence()
        began = time.monotonic()
        # The ping before the statement finds the silence, and a new connection is silent, too.
        with pytest.raises(DBAPIError, match="timeout expired"):
            ensure_campaign(ledger, "diwali")
        assert proxy.swallowed.is_set()
        proxy.speak()
        assert ensure_campaign(ledger, "diwali").id == campaign.id
        assert time.monotonic() - began < 10


def test_a_transaction_that_falls_silent_in_its_middle_is_given_up(proxied):
    proxy, url = proxied
    with Ledger(url, durable=False, reply_seconds=_PATIENCE) as ledger:
        ledger.migrate()

        def fall_silent():
            with ledger.write() as connection:
                connection.execute(text("SELECT 1"))
                proxy.silence()
                connection.execute(text("SELECT 2"))

        with pytest.raises(DBAPIError) as failed:
            fall_silent()
        assert failed.value.connection_invalidated
        proxy.speak()
        with ledger.read() as connection:
            assert connection.scalar(text("SELECT 3")) == 3


def test_a_silent_server_does_not_hold_up_a_new_connection(proxied):
    proxy, url = proxied
    proxy.silence()
    with Ledger(f"{url}?connect_timeout=2") as ledger, pytest.raises(DBAPIError), ledger.read():
        pass


def test_a_migration_may_take_as_long_as_it_needs(proxied):
    _, url = proxied
    with (
        Ledger(url, reply_seconds=0.2) as ledger,
        ledger.write() as connection,
        ledger.dialect.wait_without_limit(connection),
    ):
        assert connection.scalar(text("SELECT 1 FROM pg_sleep(0.6)")) == 1


def test_of_several_hosts_the_one_that_answers_is_used(proxied):
    proxy, url = proxied
    several = url.replace(f"127.0.0.1:{proxy.port}", f"127.0.0.1:1,127.0.0.1:{proxy.port}")
    with Ledger(several) as ledger:
        ledger.migrate()
        ledger.check_schema()
