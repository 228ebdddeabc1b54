"""Host, user and password as settings of their own: every character works, and none is shown."""

from urllib.parse import unquote, urlsplit

import pytest
import trustme
from kombu.utils.url import parse_url
from redis import Redis

from broker.celery_app import create_app
from config.endpoints import Servers
from config.settings import Settings, SettingsError
from config.settings_reader import read_settings
from ledger.store.database import ledger_url
from ledger.store.errors import LedgerError
from limiter.redis_connection import connect_sync

AWKWARD = "p@/#%:?&= \\'\"ü%41"


@pytest.fixture
def read(monkeypatch):
    def with_settings(**given):
        for name, value in given.items():
            monkeypatch.setenv(f"ISSUANCE_{name}", value)
        return read_settings()

    return with_settings


def test_any_password_of_the_ledger_arrives(read):
    settings = read(
        LEDGER_URL="postgresql://postgres:5432/issuance",
        LEDGER_USER="is@suance",
        LEDGER_PASSWORD=AWKWARD,
    )
    url = ledger_url(settings.ledger_url)
    assert (url.username, url.password) == ("is@suance", AWKWARD)
    assert (url.host, url.port, url.database) == ("postgres", 5432, "issuance")


def test_any_password_of_redis_and_rabbitmq_arrives(read):
    settings = read(
        BROKER_URL="amqp://rabbit:5672//issuance",
        BROKER_USER="blast",
        BROKER_PASSWORD=AWKWARD,
        REDIS_URL="rediss://redis:6380/3",
        REDIS_PASSWORD=AWKWARD,
    )
    broker = parse_url(settings.broker_url)
    assert (broker["userid"], broker["password"], broker["hostname"]) == (
        "blast",
        AWKWARD,
        "rabbit",
    )
    app = create_app(settings, Servers.of(settings))
    assert app.connection_for_write().password == AWKWARD
    with Redis.from_url(settings.redis_url) as redis:
        assert redis.connection_pool.connection_kwargs["password"] == AWKWARD
        assert redis.connection_pool.connection_kwargs["db"] == 3


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({"LEDGER_HOST": "db"}, "postgresql://db/issuance"),
        (
            {"LEDGER_URL": "postgresql://old:word@one/x?sslmode=require", "LEDGER_HOST": "two:1"},
            "postgresql://old:word@two:1/x?sslmode=require",
        ),
        (
            {"LEDGER_URL": "postgresql://old:word@one/x", "LEDGER_USER": "new"},
            "postgresql://new:word@one/x",
        ),
        (
            {"LEDGER_URL": "postgresql://old:word@one/x", "LEDGER_PASSWORD": "new"},
            "postgresql://old:new@one/x",
        ),
        ({"LEDGER_URL": "postgresql://one/x", "LEDGER_USER": ""}, "postgresql://one/x"),
        ({"LEDGER_URL": "postgresql:///x", "LEDGER_HOST": "a,b:2"}, "postgresql://a,b:2/x"),
    ],
)
def test_a_part_replaces_that_of_the_url(read, given, url):
    assert read(**given).ledger_url == url


def test_a_host_alone_is_a_redis(read):
    settings = read(BROKER_HOST="broker:6390", REDIS_HOST="limits")
    assert settings.broker_url == "redis://broker:6390/0"
    assert settings.redis_url == "redis://limits/0"


@pytest.fixture(scope="module")
def pem(tmp_path_factory):
    """A file with an authority, a certificate and its key, at a path that must be escaped."""
    file = tmp_path_factory.mktemp("tls") / "us & them.pem"
    file.write_bytes(trustme.CA().issue_cert("us.test").private_key_and_cert_chain_pem.bytes())
    return str(file)


def test_files_of_tls_arrive_at_every_client_of_a_url(read, pem):
    settings = read(
        BROKER_URL="amqps://rabbit//",
        BROKER_TLS_CA=pem,
        BROKER_TLS_CERT=pem,
        REDIS_URL="rediss://redis/3?ssl_ca_certs=/replaced&socket_timeout=2",
        REDIS_TLS_CA=pem,
        LEDGER_URL="postgresql://one,two/x?application_name=a%20b",
        LEDGER_TLS_CA=pem,
        LEDGER_TLS_CERT=pem,
        LEDGER_TLS_KEY=pem,
    )
    tls = create_app(settings, Servers.of(settings)).connection_for_write().ssl
    assert (tls["ca_certs"], tls["certfile"], tls["keyfile"]) == (pem, pem, pem)
    with connect_sync(settings.redis_url) as redis:
        known = redis.connection_pool.connection_kwargs
        assert (known["ssl_ca_certs"], known["socket_timeout"], known["db"]) == (pem, 2.0, 3)
    query = ledger_url(settings.ledger_url).query
    assert (query["sslrootcert"], query["sslcert"], query["sslkey"]) == (pem, pem, pem)
    assert (query["host"], query["application_name"]) == ("one,two", "a b")
    again = read(LEDGER_URL=settings.ledger_url, BROKER_URL=settings.broker_url)
    assert (again.ledger_url, again.broker_url) == (settings.ledger_url, settings.broker_url)


def test_limits_in_the_broker_are_reached_with_the_brokers_files(read, pem):
    settings = read(BROKER_HOST="redis", BROKER_TLS_CA=pem)
    servers = Servers.of(settings)
    assert servers.redis_url == servers.broker_url
    assert servers.broker_url.startswith("rediss://redis/0?ssl_ca_certs=")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"BROKER_URL": "redis://h", "BROKER_TLS_CA": "x"},
            "write rediss:// in ISSUANCE_BROKER_URL",
        ),
        (
            {"BROKER_URL": "amqp://h", "REDIS_URL": "redis://h", "BROKER_TLS_CERT": "x"},
            "write amqps:// in ISSUANCE_BROKER_URL, or remove ISSUANCE_BROKER_TLS_CERT",
        ),
        ({"REDIS_TLS_CA": "x"}, "ISSUANCE_REDIS_TLS_CA has no server"),
        ({"LEDGER_URL": "sqlite:///x", "LEDGER_TLS_CA": "x"}, "remove ISSUANCE_LEDGER_TLS_CA"),
        (
            {"LEDGER_URL": "postgresql://h/x?sslmode=disable", "LEDGER_TLS_CA": "x"},
            "remove sslmode=disable from ISSUANCE_LEDGER_URL",
        ),
        (
            {"REDIS_URL": "rediss://h/0?db=1&db=2", "REDIS_TLS_CA": "x"},
            "ISSUANCE_REDIS_URL has an option twice",
        ),
    ],
)
def test_files_of_tls_without_tls_are_refused(read, given, said):
    with pytest.raises(SettingsError) as refused:
        read(**given)
    assert said in str(refused.value)


def test_settings_made_by_code_take_the_parts_too():
    settings = Settings(_env_file=None, ledger_host="db", ledger_password="a@b")  # type: ignore[arg-type]
    assert unquote(urlsplit(settings.ledger_url).password or "") == "a@b"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"LEDGER_PASSWORD": "hush"}, "ISSUANCE_LEDGER_PASSWORD has no server"),
        ({"BROKER_USER": "hush"}, "ISSUANCE_BROKER_USER has no server"),
        (
            {"LEDGER_URL": "sqlite:///x.db", "LEDGER_PASSWORD": "hush"},
            "is a file: remove ISSUANCE_LEDGER_PASSWORD",
        ),
        ({"LEDGER_HOST": "db/hush"}, "ISSUANCE_LEDGER_HOST must be host or host:port"),
        ({"LEDGER_URL": "postgresql://u:hu@sh@h/db"}, "or give it in ISSUANCE_LEDGER_PASSWORD"),
        ({"LEDGER_URL": "postgresql://u:hu/sh@h/db"}, "%40 %2F %3F %23 %3A %25"),
        ({"LEDGER_URL": "postgresql://u:hu#sh@h/db"}, "ISSUANCE_LEDGER_URL: cannot be read"),
        ({"LEDGER_URL": "postgresql://u:hu?sh@h/db"}, "ISSUANCE_LEDGER_URL: cannot be read"),
        ({"LEDGER_URL": "postgresql://u:hu%sh@h/db"}, "ISSUANCE_LEDGER_URL: cannot be read"),
        (
            {"LEDGER_URL": "postgresql://u:hu/sh@h/db", "LEDGER_USER": "u"},
            "ISSUANCE_LEDGER_URL cannot be read",
        ),
    ],
)
def test_a_wrong_part_is_refused_without_showing_it(read, given, said):
    with pytest.raises(SettingsError) as refused:
        read(**given)
    assert said in str(refused.value)
    assert not any(part in str(refused.value) for part in ("hush", "sh@", "hu@", "hu/", "hu#"))


def test_a_ledgers_url_that_cannot_be_read_shows_nothing_of_the_password():
    with pytest.raises(LedgerError) as refused:
        ledger_url("postgresql://issuance:hu/sh@postgres/issuance")
    assert "hu" not in str(refused.value).replace("ISSUANCE", "").replace("issuance", "")


@pytest.mark.parametrize(
    ("url", "host", "port", "session"),
    [
        ("postgresql://u@one,two:5433/x", "one,two", "5432,5433", "read-write"),
        ("postgresql://[::1]:1,two/x", "::1,two", "1,5432", "read-write"),
        (
            "postgresql+psycopg://one,two/x?sslmode=require&target_session_attrs=any",
            "one,two",
            "5432,5432",
            "any",
        ),
    ],
)
def test_a_ledger_may_have_several_hosts(url, host, port, session):
    query = ledger_url(url).query
    assert (query["host"], query["port"]) == (host, port)
    assert query["target_session_attrs"] == session


@pytest.mark.parametrize("url", ["postgresql://one,/x", "postgresql://one,two:x/x"])
def test_a_host_that_cannot_be_read_is_refused(url):
    with pytest.raises(LedgerError, match="not a database URL"):
        ledger_url(url)


def test_the_container_files_keep_the_password_out_of_the_url(pytestconfig):
    text = (pytestconfig.rootpath / "docker-compose.yml").read_text(encoding="utf-8")
    assert "ISSUANCE_LEDGER_PASSWORD_FILE: /run/secrets/ledger_password" in text
    assert "@postgres" not in text
