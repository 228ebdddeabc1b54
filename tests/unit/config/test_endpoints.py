"""Endpoints: from the settings, or else from the discovery file of `issuance up`."""

import fcntl
import json
import os
import signal
import threading
from dataclasses import replace

import pytest

from config.endpoints import RunningSystem, Servers, Site
from config.home_lock import HomeLock
from config.settings import Settings

UP = RunningSystem(os.getpid(), "redis://127.0.0.1:7000/0", "http://127.0.0.1:7001", "", 0)


def _servers(tmp_path, **settings):
    return Servers.of(Settings(_env_file=None, home=tmp_path, **settings))


@pytest.fixture
def locked(tmp_path):
    """A HOME on which a system runs."""
    lock = HomeLock.acquire(tmp_path)
    yield lock
    lock.release()


def test_without_settings_and_without_a_running_system_only_the_ledger_is_known(tmp_path):
    assert _servers(tmp_path) == Servers(f"sqlite:///{tmp_path / 'ledger.db'}", "", "", "", 100)


@pytest.mark.usefixtures("locked")
def test_a_running_system_on_this_home_is_found(tmp_path):
    UP.announce(tmp_path)
    servers = _servers(tmp_path)
    assert (servers.broker_url, servers.redis_url, servers.api_url) == (
        UP.broker_url,
        UP.broker_url,
        UP.api_url,
    )


@pytest.mark.usefixtures("locked")
def test_settings_override_the_running_system(tmp_path):
    UP.announce(tmp_path)
    servers = _servers(
        tmp_path,
        broker_url="redis://b",
        redis_url="redis://r",
        api_url="https://a",
        ledger_url="sqlite:///l",
    )
    assert servers == Servers(
        "sqlite:///l", "redis://b", "redis://r", "https://a", UP.rate_per_minute
    )


@pytest.mark.usefixtures("locked")
def test_a_rate_in_the_settings_overrides_that_of_the_running_system(tmp_path):
    UP.announce(tmp_path)
    assert _servers(tmp_path).rate_per_minute == 0
    assert _servers(tmp_path, api_rate_per_minute=100).rate_per_minute == 100


def test_limits_use_the_brokers_redis_or_the_one_that_was_set(tmp_path):
    assert _servers(tmp_path, broker_url="rediss://b").redis_url == "rediss://b"
    assert _servers(tmp_path, broker_url="amqp://b", redis_url="redis://r").redis_url == "redis://r"


@pytest.mark.usefixtures("locked")
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


def test_a_discovery_file_is_of_no_running_system_whatever_process_has_its_id_now(tmp_path):
    for process_id in (1, os.getpid()):  # in a container the system itself was process 1
        RunningSystem(process_id, "", "", "", 0).announce(tmp_path)
        assert RunningSystem.find(tmp_path) is None


def test_a_home_has_one_lock_and_a_killed_process_leaves_it_free(tmp_path):
    reader, writer = os.pipe()
    holder = os.fork()
    if holder == 0:
        lock = HomeLock.acquire(tmp_path)
        os.write(writer, b"!")
        signal.pause()
        os._exit(int(lock is None))
    os.read(reader, 1)
    UP.announce(tmp_path)
    assert HomeLock.is_held(tmp_path)
    assert HomeLock.acquire(tmp_path) is None
    assert RunningSystem.find(tmp_path) == UP
    os.kill(holder, signal.SIGKILL)
    os.waitpid(holder, 0)
    os.close(reader)
    os.close(writer)
    assert RunningSystem.find(tmp_path) is None
    lock = HomeLock.acquire(tmp_path)
    assert lock is not None
    lock.release()


def test_asking_for_the_lock_does_not_stop_a_system_from_starting(tmp_path):
    HomeLock.acquire(tmp_path).release()
    with (tmp_path / "up.lock").open("rb") as asking:
        fcntl.flock(asking, fcntl.LOCK_SH)
        ended = threading.Timer(0.2, fcntl.flock, (asking, fcntl.LOCK_UN))
        ended.start()
        lock = HomeLock.acquire(tmp_path)
        ended.join()
    assert lock is not None
    lock.release()


@pytest.mark.usefixtures("locked")
@pytest.mark.parametrize(
    ("broker_url", "shown"),
    [
        ("redis://:s3cr%40t@127.0.0.1:7000/0", "redis://127.0.0.1:7000/0"),
        ("rediss://asha:s3cr%40t@r:7000/0?socket_timeout=5", "rediss://r:7000/0?socket_timeout=5"),
        ("amqp://asha:s3cr%40t@[::1]:5672/v%2Fh", "amqp://[::1]:5672/v%2Fh"),
        ("amqps://asha@rabbit", "amqps://rabbit"),
        ("redis://r", "redis://r"),
    ],
)
def test_the_discovery_file_holds_no_credentials_and_commands_have_them_still(
    tmp_path, broker_url, shown
):
    up = replace(UP, broker_url=broker_url, api_url="http://asha:s3cr%40t@api:80")
    up.announce(tmp_path)
    text = (tmp_path / "running.json").read_text()
    assert (json.loads(text)["broker_url"], json.loads(text)["api_url"]) == (shown, "http://api:80")
    assert [secret for secret in ("s3cr", "asha") if secret in text] == []
    assert RunningSystem.find(tmp_path) == up
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("running.*")}
    assert modes == {"running.json": 0o600, "running.secret": 0o600}


@pytest.mark.usefixtures("locked")
@pytest.mark.parametrize("text", [None, "", "[]", "{}"])
def test_a_discovery_file_without_its_secrets_is_no_running_system(tmp_path, text):
    UP.announce(tmp_path)
    (tmp_path / "running.secret").unlink()
    if text is not None:
        (tmp_path / "running.secret").write_text(text)
    assert RunningSystem.find(tmp_path) is None


@pytest.mark.usefixtures("locked")
def test_a_discovery_file_can_be_removed_twice(tmp_path):
    UP.announce(tmp_path)
    RunningSystem.retract(tmp_path)
    RunningSystem.retract(tmp_path)
    assert list(tmp_path.glob("running.*")) == []
    assert RunningSystem.find(tmp_path) is None


def test_the_old_name_of_the_servers_still_works():
    assert Site is Servers
