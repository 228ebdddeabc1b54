"""The options in URLs of Redis and RabbitMQ: both clients get them, unknown ones are refused."""

import ssl

import pytest
from kombu.connection import Connection
from redis.connection import SSLConnection

from broker.celery_app import create_app
from config.endpoints import Servers
from config.server_url import ServerUrl
from config.settings import Settings, SettingsError
from config.settings_reader import read_settings
from limiter.redis_connection import connect_sync

AWAY = "127.0.0.1:1/2"


def _celery(url: str) -> Connection:
    settings = Settings(_env_file=None, broker_url=url, redis_url="redis://127.0.0.1:1")
    return create_app(settings, Servers.of(settings)).connection_for_write()


@pytest.mark.parametrize(
    ("query", "name", "value"),
    [
        ("socket_timeout=2.5", "socket_timeout", 2.5),
        ("health_check_interval=30", "health_check_interval", 30),
        ("socket_connect_timeout=1", "socket_connect_timeout", 1.0),
        ("max_connections=7", "max_connections", 7),
        ("client_name=blast", "client_name", "blast"),
    ],
)
def test_both_clients_of_redis_use_an_option(query, name, value):
    url = f"redis://{AWAY}?{query}"
    with connect_sync(url) as redis:
        known = redis.connection_pool.connection_kwargs
        known = known | {"max_connections": redis.connection_pool.max_connections}
        assert known[name] == value
    channel = _celery(url).transport.Channel
    assert name in channel.from_transport_options
    assert _celery(url).transport_options[name] == value


@pytest.mark.parametrize("given", ["CERT_REQUIRED", "required", "Required"])
def test_both_clients_verify_the_certificate_in_either_form_of_the_option(given):
    url = f"rediss://{AWAY}?ssl_cert_reqs={given}&ssl_ca_certs=/etc/ssl/ca.pem"
    wanted = {
        "ssl_cert_reqs": "required",
        "ssl_check_hostname": True,
        "ssl_ca_certs": "/etc/ssl/ca.pem",
    }
    assert _celery(url).ssl == wanted
    with connect_sync(url) as redis:
        pool = redis.connection_pool
        assert pool.connection_class is SSLConnection
        assert wanted.items() <= pool.connection_kwargs.items()


def test_a_tls_address_without_options_is_verified_by_both_clients():
    wanted = {"ssl_cert_reqs": "required", "ssl_check_hostname": True}
    assert _celery(f"rediss://{AWAY}").ssl == wanted
    with connect_sync(f"rediss://{AWAY}") as redis:
        assert wanted.items() <= redis.connection_pool.connection_kwargs.items()


def test_rabbitmqs_certificate_is_verified_with_its_name_unless_the_url_says_otherwise():
    assert _celery("amqps://a:b@rabbit.test:1//").ssl == {
        "cert_reqs": ssl.CERT_REQUIRED,
        "server_hostname": "rabbit.test",
    }
    files = "ssl_ca_certs=/ca.pem&ssl_certfile=/us.pem&ssl_keyfile=/key.pem"
    assert _celery(f"amqps://rabbit.test//?ssl_check_hostname=no&{files}").ssl == {
        "cert_reqs": ssl.CERT_REQUIRED,
        "ca_certs": "/ca.pem",
        "certfile": "/us.pem",
        "keyfile": "/key.pem",
    }
    unverified = _celery("amqps://rabbit.test//?ssl_cert_reqs=none&heartbeat=12")
    assert unverified.ssl == {"cert_reqs": ssl.CERT_NONE}
    assert _celery("amqp://rabbit.test//").ssl is False


def test_a_database_may_be_given_as_an_option_to_both_clients():
    url = "redis://:secret@127.0.0.1:1?db=3"
    assert _celery(url).virtual_host == "3"
    with connect_sync(url) as redis:
        assert redis.connection_pool.connection_kwargs["db"] == 3


def test_logs_and_flower_see_an_address_with_its_scheme():
    assert _celery(f"redis://{AWAY}?socket_timeout=5").as_uri() == f"redis://:**@{AWAY}"
    assert _celery(f"rediss://{AWAY}").as_uri().startswith("rediss://")


def test_rabbitmq_has_options_of_its_own():
    connection = _celery("amqp://a:b@127.0.0.1:1//?heartbeat=12&connect_timeout=3")
    assert connection.connect_timeout == 3
    assert connection.virtual_host == "/"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://h/0?retry_on_timeout=1", "has the unknown option retry_on_timeout"),
        ("redis://h/0?socket_timeout=soon", "wrong value of the option socket_timeout"),
        ("redis://h/0?socket_timeout=0", "give seconds above 0"),
        ("redis://h/0?socket_timeout=1&socket_timeout=2", "socket_timeout twice"),
        ("redis://h/0?ssl_cert_reqs=required", "write rediss://"),
        ("amqp://h//?ssl_cert_reqs=required", "write amqps:// instead of amqp://"),
        ("amqps://h//?ssl_ca_path=/etc/ssl", "has the unknown option ssl_ca_path"),
        ("rediss://h/0?ssl_cert_reqs=maybe", "give required, optional or none"),
        ("rediss://h/0?ssl_ca_certs=", "wrong value of the option ssl_ca_certs"),
        ("redis://:p#ss@h:secret/0", "cannot be read as a URL"),
        ("redis://:p#secret@h/0", "cannot be read as a URL"),
        ("redis://:p/secret@h/0", "cannot be read as a URL"),
        ("amqp://h//?socket_timeout=5", "has the unknown option socket_timeout"),
    ],
)
def test_what_a_client_does_not_know_is_refused_at_the_start_with_the_settings_name(
    url, said, monkeypatch
):
    monkeypatch.setenv("ISSUANCE_BROKER_URL", url)
    monkeypatch.setenv("ISSUANCE_REDIS_URL", "redis://127.0.0.1:1")
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert str(caught.value).startswith("ISSUANCE_BROKER_URL: ")
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


def test_other_urls_have_no_options():
    assert ServerUrl.parse("").options == {}
    assert ServerUrl.parse("memory://?x=1").url == "memory://?x=1"
