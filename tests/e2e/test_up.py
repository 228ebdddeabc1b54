"""`issuance up` and `issuance run` as programs: start, refusal to start, and stop."""

import json
import signal
import socket
import time
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from redis import Redis

from issuance.states import State
from tests.e2e.conftest import StartSystem
from tests.e2e.processes import await_that
from tests.e2e.system import System, plain_rows

_GRACE_SECONDS = 15.0


def test_ctrl_c_during_a_blast_stops_in_order_and_the_next_start_continues(
    start_system: StartSystem,
):
    system = start_system(ISSUANCE_API_MAX_CONCURRENT="5", SIMULATOR_LATENCY_SECONDS="0.3")
    with system:
        system.accept("interrupted", plain_rows(120, area=90))
        await_that("the blast is under way", lambda: system.calls() > 10)
        began = time.monotonic()
        system.stop(signal.SIGINT)
        assert time.monotonic() - began < _GRACE_SECONDS
        counts = system.balance("interrupted").counts
        assert (counts[State.RUNNING], counts[State.WAITING] + counts[State.QUEUED] > 0) == (
            0,
            True,
        )
        attempts = {line.request_id: line.attempts for line in system.lines("interrupted")}
    with System(system.home, system.environment, "--simulator", "--no-flower", "--no-web") as again:
        assert again.wait_settled("interrupted", 30).counts[State.ISSUED] == 120
        # Nothing was in doubt at the end, so no job that was sent is resent.
        sent_before = {request_id for request_id, made in attempts.items() if made}
        assert {
            line.attempts for line in again.lines("interrupted") if line.request_id in sent_before
        } == {1}


def test_a_running_system_is_healthy_for_the_command_and_for_a_probe(shared: System):
    # On a busy machine a process may answer late; the check is repeated.
    health = await_that("the system is healthy", lambda: _healthy(shared), 30)
    assert set(health["parts"].values()) == {"ok"}
    answer = httpx.get(shared.running.health_url, timeout=20)
    assert (answer.status_code, answer.json()["healthy"]) == (200, True)
    assert httpx.get(shared.running.health_url.replace("healthz", "livez"), timeout=5).json() == {
        "alive": True
    }


def _healthy(system: System) -> dict[str, Any] | None:
    found: dict[str, Any] = json.loads(system.command("health", "--json").stdout)
    return found if found["healthy"] else None


def test_only_who_knows_the_password_reaches_the_embedded_broker(shared: System):
    url = shared.running.broker_url  # as a command in another terminal finds it
    password = urlsplit(url).password
    assert password
    assert len(password) == 48
    with Redis.from_url(url) as known:
        assert known.ping()
    with socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=5) as stranger:
        stranger.sendall(b"PING\r\n")
        assert stranger.recv(200).startswith(b"-NOAUTH")
    assert password not in (shared.home / "running.json").read_text(encoding="utf-8")
    logs = (path.read_text(encoding="utf-8") for path in (shared.home / "logs").iterdir())
    assert not any(password in text for text in logs)
    commands = [" ".join(process.cmdline()) for _, process in shared.processes.all_named()]
    assert any("valkey-server" in command for command in commands)
    assert not any(password in command for command in commands)
    assert shared.command("limits", "show").returncode == 0


def test_a_second_system_on_the_same_home_is_refused_and_the_first_stays(shared: System):
    second = shared.command("up", "--simulator")
    assert second.returncode == 2
    assert "stop it, or set ISSUANCE_HOME" in second.stderr
    assert (shared.home / "running.json").exists()


@pytest.mark.parametrize(
    ("options", "environment", "words"),
    [
        ([], {}, ("ISSUANCE_API_URL", "--simulator")),
        (["--simulator"], {"ISSUANCE_LEASE_SECONDS": "3"}, ("ISSUANCE_LEASE_SECONDS", "raise")),
    ],
)
def test_a_wrong_setting_ends_the_start_with_its_name_and_the_remedy(
    start_system: StartSystem,
    options: list[str],
    environment: dict[str, str],
    words: tuple[str, ...],
):
    ended = start_system().command("up", *options, **environment)
    assert ended.returncode == 2
    assert [word for word in words if word not in ended.stderr] == []
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("name", "revision", "remedy"),
    [
        ("worker", None, "run `issuance migrate`"),
        ("release", "0001", "run `issuance migrate`"),
        ("worker", "9999", "older than the ledger"),
    ],
    ids=["missing", "older", "newer"],
)
def test_a_process_refuses_to_start_on_a_ledger_of_another_schema_and_names_the_remedy(
    start_system: StartSystem, name: str, revision: str | None, remedy: str
):
    elsewhere = start_system(
        ISSUANCE_BROKER_URL="redis://127.0.0.1:1/0", ISSUANCE_API_URL="http://127.0.0.1:1"
    )
    if revision:
        elsewhere.ledger.migrate()
        with elsewhere.ledger.write() as connection:
            connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")
        elsewhere.ledger.close()
    ended = elsewhere.command("run", name)
    assert ended.returncode == 2
    assert remedy in ended.stderr
    assert "Traceback" not in ended.stderr


def test_up_refuses_a_ledger_of_a_newer_program_and_leaves_nothing_running(
    start_system: StartSystem,
):
    system = start_system()
    with system.ledger as ledger:
        ledger.migrate()
        with ledger.write() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    ended = system.command("up", "--simulator", "--no-flower", "--no-web")
    assert ended.returncode == 2
    assert "newer than this program" in ended.stderr
    assert system.processes.leftovers() == []
