"""A dead broker or ledger ends a process at its start with an error that names the setting."""

import re
import socket
import threading
import time
from pathlib import Path

import pytest
from celery.contrib.testing.worker import start_worker

from broker.celery_app import create_app
from broker.publisher import publish
from config.endpoints import Servers
from config.settings import Settings, SettingsError
from console.local.preflight import ServerAwayError, require_broker
from tests.rabbitmq import NotInstalledError, installed_server
from tests.valkey import valkey_server

ROOT = Path(__file__).parents[3]
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
    with pytest.raises(ServerAwayError) as caught:
        _require(**urls)
    assert time.monotonic() - began < _ENOUGH_SECONDS
    assert str(caught.value).startswith(f"{setting}: the server at 127.0.0.1:1 cannot be used (")
    assert "correct the URL" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_server_that_accepts_connections_but_never_answers_is_named_within_seconds():
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        with pytest.raises(ServerAwayError, match="ISSUANCE_BROKER_URL"):
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
        pytest.raises(ServerAwayError, match=r"^ISSUANCE_REDIS_URL: "),
    ):
        _require(broker_url=f"redis://127.0.0.1:{server.port}/0", redis_url="redis://127.0.0.1:1/0")


def test_a_wrong_password_of_redis_is_a_wrong_setting_and_named_at_once(tmp_path):
    with valkey_server(tmp_path) as server:
        url = f"redis://asha:hunter2@127.0.0.1:{server.port}/0"
        with pytest.raises(SettingsError, match="refuses the login") as caught:
            _require(60.0, broker_url=url)
    assert "hunter2" not in str(caught.value)


@pytest.fixture(scope="module")
def rabbit():
    try:
        with installed_server() as server:
            yield server
    except NotInstalledError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("guest:guest", "guest:hunter2"), "refuses the login: correct user and password"),
        (("//", "/nowhere"), "has no virtual host 'nowhere'"),
    ],
)
def test_a_wrong_login_or_virtual_host_of_rabbitmq_is_one_clear_line(rabbit, change, said):
    scheme, _, rest = rabbit.url.partition("://")
    url = f"{scheme}://{rest.replace(*change)}"
    with pytest.raises(SettingsError) as caught:
        _require(60.0, broker_url=url, redis_url="redis://127.0.0.1:1")
    assert said in str(caught.value)
    assert str(caught.value).startswith("ISSUANCE_BROKER_URL: ")
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_permissions_of_the_runbook_suffice(rabbit):
    """With exactly these a worker starts, takes a chunk and answers."""
    text = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    (names,) = re.findall(r"^NAMES='(.+)'$", text, re.MULTILINE)
    rabbit.control("add_vhost", "blast")
    rabbit.control("add_user", "asha", "secret")
    rabbit.control("set_permissions", "-p", "blast", "asha", names, names, names)
    url = (
        rabbit.url.replace("guest:guest", "asha:secret").replace("//", "/").replace(":/", "://", 1)
    )
    settings = Settings(_env_file=None, broker_url=f"{url}blast", redis_url="redis://127.0.0.1:1")
    app = create_app(settings, Servers.of(settings))
    with start_worker(app, perform_ping_check=False, queues=["issuance.blast"], pool="solo"):
        publish(app, "issuance.nothing", queue="issuance.blast")
        assert app.control.ping(timeout=3.0)
