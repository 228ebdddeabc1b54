"""The embedded broker: only who knows its password uses it, and no command line shows that."""

import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from redis import Redis
from redis.exceptions import RedisError

from console.local.embedded import broker_command
from tests.integration.worker.system import wait_for
from tests.valkey import free_port, valkey_server

PASSWORD = "a0b1c2d3"
LARGEST = 16 * 1024 * 1024


@contextmanager
def _broker(home: Path, password: str = PASSWORD):
    """Run the embedded broker; yields its process and its port."""
    port = free_port()
    command = broker_command(home, port, password)
    with (home / "broker.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        with Redis(port=port, password=password, decode_responses=True) as client:
            wait_for(lambda: _answers(client))
            yield psutil.Process(process.pid), client
    finally:
        process.terminate()
        process.wait(15)


def _answers(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except (RedisError, OSError):
        return False


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (b"SET issuance:broker-mark 1", b"-NOAUTH"),
        (b"PUBLISH /0.celery.pidbox x", b"-NOAUTH"),
        (b"AUTH another", b"-WRONGPASS"),
    ],
)
def test_a_client_without_the_password_is_refused(tmp_path, command, answer):
    with _broker(tmp_path) as (_, client):
        port = client.connection_pool.connection_kwargs["port"]
        with socket.create_connection(("127.0.0.1", port), timeout=5) as stranger:
            stranger.sendall(command + b"\r\n")
            assert stranger.recv(200).startswith(answer)


def test_the_password_is_in_a_file_for_the_owner_and_in_no_command_line(tmp_path):
    # The server changes its title when it has started, so the command itself counts.
    assert PASSWORD not in " ".join(broker_command(tmp_path, 1, PASSWORD))
    with _broker(tmp_path) as (process, _):
        assert PASSWORD not in " ".join(process.cmdline())
        assert PASSWORD not in str(process.environ())
    settings = tmp_path / "broker" / "valkey.conf"
    assert PASSWORD in settings.read_text(encoding="utf-8")
    assert settings.stat().st_mode & 0o777 == 0o600
    assert PASSWORD not in (tmp_path / "broker.log").read_text(encoding="utf-8")


def test_the_data_of_a_broker_without_a_password_is_taken_over(tmp_path):
    with valkey_server(tmp_path / "broker") as server, Redis(port=server.port) as before:
        before.config_set("appendonly", "yes")
        before.rpush("issuance:issuance.blast", "a message")
        wait_for(lambda: not before.info("persistence")["aof_rewrite_in_progress"])
    with _broker(tmp_path) as (_, client):
        assert client.lrange("issuance:issuance.blast", 0, -1) == ["a message"]


def test_each_start_may_have_another_password(tmp_path):
    with _broker(tmp_path) as (_, client):
        client.set("kept", "1")
    with _broker(tmp_path, "another") as (_, client):
        assert client.get("kept") == "1"


@pytest.mark.parametrize("name", ["with blanks", 'with "quotes"', "with \\ and 'é'"])
def test_any_folder_can_hold_its_data(tmp_path, name):
    home = tmp_path / name
    home.mkdir()
    with _broker(home) as (_, client):
        assert client.config_get("dir")["dir"] == str((home / "broker").resolve())


def test_a_value_that_is_larger_than_any_of_ours_is_refused(tmp_path):
    with (
        _broker(tmp_path) as (_, client),
        pytest.raises(RedisError),
    ):
        client.set("issuance:issuance.blast", b"0" * (LARGEST + 1))
