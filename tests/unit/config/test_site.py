"""Where the parts are: settings first, then what `issuance up` has announced, else nowhere."""

import json
import os

import pytest

from config.endpoints import RunningSystem, Site
from config.settings import Settings

UP = RunningSystem(os.getpid(), "redis://127.0.0.1:7000/0", "http://127.0.0.1:7001", "", 0)


def _site(tmp_path, **settings):
    return Site.of(Settings(_env_file=None, home=tmp_path, **settings))


def test_without_settings_and_without_a_running_system_only_the_ledger_is_known(tmp_path):
    assert _site(tmp_path) == Site(f"sqlite:///{tmp_path / 'ledger.db'}", "", "", "", 100)


def test_a_running_system_on_this_home_is_found(tmp_path):
    UP.announce(tmp_path)
    site = _site(tmp_path)
    assert (site.broker_url, site.redis_url, site.api_url) == (
        UP.broker_url,
        UP.broker_url,
        UP.api_url,
    )


def test_settings_are_stronger_than_the_running_system(tmp_path):
    UP.announce(tmp_path)
    site = _site(
        tmp_path,
        broker_url="redis://b",
        redis_url="redis://r",
        api_url="http://a",
        ledger_url="sqlite:///l",
    )
    assert site == Site("sqlite:///l", "redis://b", "redis://r", "http://a", UP.rate_per_minute)


def test_the_rate_of_the_running_system_gives_way_to_one_that_was_set(tmp_path):
    UP.announce(tmp_path)
    assert _site(tmp_path).rate_per_minute == 0
    assert _site(tmp_path, api_rate_per_minute=100).rate_per_minute == 100


def test_limits_live_in_the_broker_when_that_is_redis_and_nowhere_when_it_is_not(tmp_path):
    assert _site(tmp_path, broker_url="rediss://b").redis_url == "rediss://b"
    assert _site(tmp_path, broker_url="amqp://b", redis_url="redis://r").redis_url == "redis://r"


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
def test_a_damaged_announcement_is_no_running_system(tmp_path, text):
    (tmp_path / "running.json").write_text(text)
    assert RunningSystem.find(tmp_path) is None


def test_an_announcement_of_a_process_that_is_gone_is_no_running_system(tmp_path):
    gone = os.fork()
    if gone == 0:
        os._exit(0)
    os.waitpid(gone, 0)
    RunningSystem(gone, "", "", "", 0).announce(tmp_path)
    assert RunningSystem.find(tmp_path) is None


def test_a_retracted_announcement_is_gone_and_retracting_twice_is_fine(tmp_path):
    UP.announce(tmp_path)
    RunningSystem.retract(tmp_path)
    RunningSystem.retract(tmp_path)
    assert RunningSystem.find(tmp_path) is None
