"""`issuance health` and its probes, on a real ledger and a real broker without any process of the system."""

import http.client
import json
import threading
from contextlib import contextmanager

import pytest
from sqlalchemy import text, update

from console.local.health_server import Checkups, ProbeServer
from ledger.queries.heartbeats import Heartbeat, touch
from ledger.store.clock import now_ms
from ledger.store.schema import jobs
from operations.health.checkup import WELL, Finding, Part, Report
from tests.contract.ledger.build import make_job
from tests.valkey import valkey_server


@pytest.fixture(scope="module")
def broker_url(tmp_path_factory):
    with valkey_server(tmp_path_factory.mktemp("valkey")) as server:
        yield f"{server.connection_url}/0"


@pytest.fixture
def configured(monkeypatch, broker_url):
    """Settings of a broker that runs and an API."""
    monkeypatch.setenv("ISSUANCE_BROKER_URL", broker_url)
    monkeypatch.setenv("ISSUANCE_API_URL", "http://127.0.0.1:1")


def _parts(run, *options):
    result = run("health", "--json", *options)
    told = json.loads(result.stdout)
    assert result.exit_code == (0 if told["healthy"] else 1)
    return told


def test_a_system_that_was_never_started_is_not_healthy_and_each_line_names_a_remedy(run):
    result = run("health")
    assert result.exit_code == 1
    first, *problems = result.stdout.splitlines()
    assert first == "not healthy"
    assert (
        "broker: none is configured and no embedded one runs; set ISSUANCE_BROKER_URL, or run `issuance up`"
        in problems
    )
    assert "progress: unknown because of broker" in problems


def test_parts_that_are_well_are_enough_when_only_they_are_asked_for(run, configured):
    result = run("health", "--only", "ledger,broker,limits")
    assert (result.exit_code, result.stdout) == (0, "healthy: ledger, broker, limits\n")


def test_a_broker_that_does_not_answer_is_the_one_problem(run, configured, monkeypatch):
    monkeypatch.setenv("ISSUANCE_BROKER_URL", "redis://127.0.0.1:1/0")
    told = _parts(run, "--only", "broker,worker")
    assert [problem["part"] for problem in told["problems"]] == ["broker"]
    assert told["parts"] == {"broker": "problem", "worker": "unknown"}


def test_an_absent_ledger_is_said_and_not_made(run, home, configured):
    (home / "ledger.db").unlink()
    told = _parts(run, "--only", "ledger")
    assert "There is no ledger at" in told["problems"][0]["cause"]
    assert not (home / "ledger.db").exists()


def test_a_schema_of_another_version_is_named_with_what_to_do(run, ledger, configured):
    with ledger.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    (problem,) = _parts(run, "--only", "ledger")["problems"]
    assert "schema is 0001" in problem["cause"]
    assert "issuance migrate" in problem["remedy"]


def test_without_processes_each_of_them_is_named(run, configured):
    told = _parts(run)
    found = {problem["part"]: problem["remedy"] for problem in told["problems"]}
    assert set(found) == {"release", "worker", "background-worker", "dead-letters"}
    assert found["worker"].startswith("start `issuance run worker`")
    assert told["parts"]["beat"] == "unknown"


def test_a_release_without_ticks_of_beat_is_told_apart_from_none_at_all(run, ledger, configured):
    touch(ledger, Heartbeat.RELEASE)
    (problem,) = _parts(run, "--only", "beat")["problems"]
    assert (problem["part"], problem["cause"]) == ("beat", "there was never a tick of beat")
    touch(ledger, Heartbeat.BEAT)
    assert _parts(run, "--only", "beat")["healthy"]


def test_due_work_that_nobody_calls_is_a_stall_without_personal_data(run, desk, configured):
    desk.accept(make_job(1, campaign="spring"))
    assert _parts(run, "--only", "progress")["healthy"]
    with desk.ledger.write() as connection:
        connection.execute(update(jobs).values(due_at=now_ms() - 400_000))
    result = run("health", "--only", "progress")
    assert result.exit_code == 1
    assert (
        "progress: no call was made for 3 min: blast work has been due for 7 min; restart `worker`"
        in result.stdout
    )
    assert "9198" not in result.stdout


def test_an_unknown_part_is_unusable(run):
    result = run("health", "--only", "legder")
    assert result.exit_code == 2
    assert "no such part" in result.stderr


@contextmanager
def _probed(check):
    """Serve probes of this checkup; gives a function that asks for a path: status and content."""
    with ProbeServer(("127.0.0.1", 0), Checkups(check)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()

        def ask(path):
            connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
            connection.request("GET", path)
            with connection.getresponse() as answer:
                found = answer.status, json.loads(answer.read())
            connection.close()
            return found

        try:
            yield ask
        finally:
            server.shutdown()
            thread.join()


def _check(parts):
    return Report(
        {
            part: Finding("it is gone", "bring it back") if part is Part.BROKER else WELL
            for part in parts
        }
    )


def test_a_probe_gets_200_when_all_is_well_and_503_with_the_problems_when_not():
    with _probed(_check) as ask:
        assert ask("/livez") == (200, {"alive": True})
        status, told = ask("/healthz?only=ledger")
        assert (status, told["healthy"]) == (200, True)
        status, told = ask("/healthz")
        assert (status, told["problems"]) == (
            503,
            [{"part": "broker", "cause": "it is gone", "remedy": "bring it back"}],
        )


def test_a_probe_for_something_else_is_told_what_there_is():
    with _probed(_check) as ask:
        assert ask("/metrics")[0] == 404
        status, told = ask("/healthz?only=legder")
        assert (status, "no such part" in told["error"]) == (400, True)


def test_probes_share_a_checkup_for_two_seconds_each_choice_its_own():
    now, made = [100.0], []

    def check(parts):
        made.append(parts)
        return _check(parts)

    checkups = Checkups(check, clock=lambda: now[0])
    for parts in ([Part.LEDGER], [Part.LEDGER], [Part.BROKER]):
        checkups.report(parts)
    assert len(made) == 2
    now[0] += 2.1
    checkups.report([Part.LEDGER])
    assert len(made) == 3
