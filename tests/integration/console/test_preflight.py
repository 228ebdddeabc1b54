"""A dead broker or ledger ends a process at its start with an error that names the setting."""

import socket
import threading
import time

import pytest

from config.endpoints import Servers
from config.settings import Settings, SettingsError
from console.local.preflight import require_broker
from tests.valkey import valkey_server

_ENOUGH_SECONDS = 10.0


def _require(wait_seconds: float = 0.1, **urls: str) -> None:
    settings = Settings(_env_file=None, **urls)
    require_broker(settings, Servers.of(settings), wait_seconds=wait_seconds)


@pytest.mark.parametrize(
    ("urls", "setting"),
    [
        ({"broker_url": "redis://:hunter2@127.0.0.1:1/0"}, "ISSUANCE_BROKER_URL"),
        (
            {"broker_url": "amqp://u:hunter2@127.0.0.1:1//", "redis_url": "redis://127.0.0.1:1"},
            "ISSUANCE_BROKER_URL",
        ),
    ],
)
def test_a_dead_broker_is_named_within_seconds_without_its_password(urls, setting):
    began = time.monotonic()
    with pytest.raises(SettingsError) as caught:
        _require(**urls)
    assert time.monotonic() - began < _ENOUGH_SECONDS
    assert str(caught.value).startswith(f"{setting}: the server at 127.0.0.1:1 cannot be used (")
    assert "correct the URL" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_server_that_accepts_connections_but_never_answers_is_named_within_seconds():
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        with pytest.raises(SettingsError, match="ISSUANCE_BROKER_URL"):
            _require(broker_url=url)
    assert time.monotonic() - began < _ENOUGH_SECONDS


def test_a_broker_that_restarts_within_seconds_is_no_error(tmp_path):
    with valkey_server(tmp_path) as server:
        url = f"redis://127.0.0.1:{server.port}/0"
        server.stop()
        back = threading.Timer(0.5, server.start)
        back.start()
        _require(10.0, broker_url=url)
        back.join()


def test_an_unreachable_redis_of_the_limits_is_named_although_the_broker_answers(tmp_path):
    with (
        valkey_server(tmp_path) as server,
        pytest.raises(SettingsError, match=r"^ISSUANCE_REDIS_URL: "),
    ):
        _require(broker_url=f"redis://127.0.0.1:{server.port}/0", redis_url="redis://127.0.0.1:1/0")
