"""Endpoints: from the settings, or else from the discovery file of `issuance up`."""

import json
import os

import pytest

from config.endpoints import RunningSystem, Servers, Site
from config.settings import Settings

UP = RunningSystem(os.getpid(), "redis://127.0.0.1:7000/0", "http://127.0.0.1:7001", "", 0)


def _servers(tmp_path, **settings):
    return Servers.of(Settings(_env_file=None, home=tmp_path, **settings))


def test_without_settings_and_without_a_running_system_only_the_ledger_is_known(tmp_path):
    assert _servers(tmp_path) == Servers(f"sqlite:///{tmp_path / 'ledger.db'}", "", "", "", 100)


def test_a_running_system_on_this_home_is_found(tmp_path):
    UP.announce(tmp_path)
    servers = _servers(tmp_path)
    assert (servers.broker_url, servers.redis_url, servers.api_url) == (
        UP.broker_url,
        UP.broker_url,
        UP.api_url,
    )


def test_settings_override_the_running_system(tmp_path):
    UP.announce(tmp_path)
    servers = _servers(
        tmp_path,
        broker_url="redis://b",
        redis_url="redis://r",
        api_url="http://a",
        ledger_url="sqlite:///l",
    )
    assert servers == Servers(
        "sqlite:///l", "redis://b", "redis://r", "http://a", UP.rate_per_minute
    )


def test_a_rate_in_the_settings_overrides_that_of_the_running_system(tmp_path):
    UP.announce(tmp_path)
    assert _servers(tmp_path).rate_per_minute == 0
    assert _servers(tmp_path, api_rate_per_minute=100).rate_per_minute == 100


def test_limits_use_the_brokers_redis_or_the_one_that_was_set(tmp_path):
    assert _servers(tmp_path, broker_url="rediss://b").redis_url == "rediss://b"
    assert _servers(tmp_path, broker_url="amqp://b", redis_url="redis://r").redis_url == "redis://r"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "no json",
        json.dumps({"pid": "x", "broker_url": "", "api_url": "", "flower_url": ""}),
    ],
)
def test_a_damaged_discovery_file_is_no_running_system(tmp_path, text):
    (tmp_path / "running.json").write_text(text)
    assert RunningSystem.find(tmp_path) is None


def test_a_discovery_file_of_a_dead_process_is_no_running_system(tmp_path):
    gone = os.fork()
    if gone == 0:
        os._exit(0)
    os.waitpid(gone, 0)
    RunningSystem(gone, "", "", "", 0).announce(tmp_path)
    assert RunningSystem.find(tmp_path) is None


def test_a_discovery_file_can_be_removed_twice(tmp_path):
    UP.announce(tmp_path)
    RunningSystem.retract(tmp_path)
    RunningSystem.retract(tmp_path)
    assert RunningSystem.find(tmp_path) is None


def test_the_old_name_of_the_servers_still_works():
    assert Site is Servers
