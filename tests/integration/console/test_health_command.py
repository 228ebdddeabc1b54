"""`issuance health` and the probe server, with a real ledger and broker but no processes."""

import http.client
import json
import re
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text, update

from broker.restarts import Restart
from console.local.health_server import ProbeServer, Reports
from ledger.queries.heartbeats import Heartbeat, touch
from ledger.store.clock import now_ms
from ledger.store.schema import campaigns, jobs
from limiter.redis_connection import connect_sync
from limiter.webhook_breaker import WebhookBreaker
from operations.health.runner import HEALTHY, Component, Finding, Report
from operations.services import Services
from tests.contract.ledger.build import make_job
from tests.valkey import valkey_server


@pytest.fixture(scope="module")
def broker_url(tmp_path_factory):
    with valkey_server(tmp_path_factory.mktemp("valkey")) as server:
        yield f"{server.connection_url}/0"


@pytest.fixture
def configured(monkeypatch, broker_url):
    """Settings with a running broker and an API."""
    monkeypatch.setenv("ISSUANCE_BROKER_URL", broker_url)
    monkeypatch.setenv("ISSUANCE_API_URL", "http://127.0.0.1:1")


def _parts(run, *options):
    result = run("health", "--json", *options)
    output = json.loads(result.stdout)
    assert result.exit_code == (0 if output["healthy"] else 1)
    return output


def test_a_system_that_was_never_started_is_not_healthy_and_each_line_names_a_remedy(run):
    result = run("health")
    assert result.exit_code == 1
    first, *problems = result.stdout.splitlines()
    assert first == "not healthy"
    assert (
        "broker: none is configured and no embedded one runs; set ISSUANCE_BROKER_URL, "
        "or run `issuance up`" in problems
    )
    assert "progress: unknown because of broker" in problems


def test_selected_healthy_parts_make_a_healthy_report(run, configured):
    result = run("health", "--only", "ledger,broker,limits")
    assert (result.exit_code, result.stdout) == (0, "healthy: ledger, broker, limits\n")


def test_a_broker_that_does_not_answer_is_the_one_problem(run, configured, monkeypatch):
    monkeypatch.setenv("ISSUANCE_BROKER_URL", "redis://127.0.0.1:1/0")
    output = _parts(run, "--only", "broker,worker")
    assert [problem["part"] for problem in output["problems"]] == ["broker"]
    assert output["parts"] == {"broker": "problem", "worker": "unknown"}


def test_a_missing_ledger_is_reported_and_not_created(run, home, configured):
    (home / "ledger.db").unlink()
    output = _parts(run, "--only", "ledger")
    assert "There is no ledger at" in output["problems"][0]["cause"]
    assert not (home / "ledger.db").exists()


def test_a_schema_of_another_version_is_named_with_what_to_do(run, ledger, configured):
    with ledger.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    (problem,) = _parts(run, "--only", "ledger")["problems"]
    assert "schema is 0001" in problem["cause"]
    assert "issuance migrate" in problem["remedy"]


def test_without_processes_each_of_them_is_named(run, configured):
    output = _parts(run)
    found = {problem["part"]: problem["remedy"] for problem in output["problems"]}
    assert set(found) == {"release", "worker", "background-worker", "dead-letters"}
    assert found["worker"].startswith("start `issuance run worker`")
    assert output["parts"]["beat"] == "unknown"


def test_a_silent_beat_and_a_silent_release_are_different_problems(run, ledger, configured):
    touch(ledger, Heartbeat.RELEASE)
    (problem,) = _parts(run, "--only", "beat")["problems"]
    assert (problem["part"], problem["cause"]) == ("beat", "there was never a tick of beat")
    touch(ledger, Heartbeat.BEAT)
    assert _parts(run, "--only", "beat")["healthy"]


def test_due_work_without_calls_is_a_stall_without_personal_data(run, desk, configured):
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


@pytest.mark.parametrize(
    ("window", "note"),
    [
        ("mon-sun 00:00-24:00", None),
        ("{closed}", "spring waits for its window, which opens {opens} in UTC, with 1 open line"),
        (
            "from nine to five",
            "spring waits with 1 open line: its window 'from nine to five' cannot be read",
        ),
    ],
)
def test_a_campaign_that_waits_for_its_window_is_noted_and_healthy(
    run, desk, configured, window, note
):
    opens = datetime.now(UTC) + timedelta(hours=2)
    closed = f"{opens:%H:%M}-{opens + timedelta(hours=1):%H:%M}"
    desk.accept(make_job(1, campaign="spring"))
    with desk.ledger.write() as connection:
        connection.execute(update(jobs).values(due_at=now_ms() - 400_000))
        window = window.format(closed=closed)
        connection.execute(update(campaigns).values(window=window, timezone="UTC"))
    output = _parts(run, "--only", "campaigns")
    expected = note and note.format(opens=f"{opens:%a %H:%M}".lower())
    assert output["notes"] == ([expected] if expected else [])
    assert output["healthy"]


def test_an_unknown_part_is_unusable(run):
    result = run("health", "--only", "legder")
    assert result.exit_code == 2
    assert "no such part" in result.stderr


@contextmanager
def _probed(check):
    """Serve probes of this report; returns a function that requests a path."""
    with ProbeServer(("127.0.0.1", 0), Reports(check)) as server:
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
            part: Finding("it is gone", "bring it back") if part is Component.BROKER else HEALTHY
            for part in parts
        }
    )


def test_a_probe_gets_200_when_healthy_and_503_with_the_problems_otherwise():
    with _probed(_check) as ask:
        assert ask("/livez") == (200, {"alive": True})
        status, output = ask("/healthz?only=ledger")
        assert (status, output["healthy"]) == (200, True)
        status, output = ask("/healthz")
        assert (status, output["problems"]) == (
            503,
            [{"part": "broker", "cause": "it is gone", "remedy": "bring it back"}],
        )


def test_a_probe_of_an_unknown_path_or_part_gets_the_valid_ones():
    with _probed(_check) as ask:
        assert ask("/metrics")[0] == 404
        status, output = ask("/healthz?only=legder")
        assert (status, "no such part" in output["error"]) == (400, True)


def test_probes_of_the_same_parts_share_a_report_for_two_seconds():
    now, made = [100.0], []

    def check(parts):
        made.append(parts)
        return _check(parts)

    reports = Reports(check, clock=lambda: now[0])
    for parts in ([Component.LEDGER], [Component.LEDGER], [Component.BROKER]):
        reports.report(parts)
    assert len(made) == 2
    now[0] += 2.1
    reports.report([Component.LEDGER])
    assert len(made) == 3


def test_a_suspended_webhook_is_a_note_and_no_problem(run, configured, monkeypatch, broker_url):
    url = "https://hooks.test/secret"
    monkeypatch.setenv("ISSUANCE_DEAD_LETTER_WEBHOOK_URL", url)
    with connect_sync(broker_url) as redis:
        breaker = WebhookBreaker(redis, url)
        for _ in range(3):
            breaker.note_failure("HTTP 503")
        output = _parts(run, "--only", "dead-letters")
        breaker.note_success()
    (note,) = output["notes"]
    assert note.startswith("the webhook of dead letters is suspended for another ")
    assert "3 calls in a row failed, the first at 20" in note
    assert note.endswith("(HTTP 503)")
    assert "secret" not in note
    assert [problem["cause"] for problem in output["problems"]] == ["no such process answers"]
    assert _parts(run, "--only", "dead-letters")["notes"] == []


def test_a_restart_of_the_last_hour_is_a_note_and_no_problem(run, configured):
    now = datetime.now(UTC).timestamp()
    restarts = Services.read().restarts
    restarts.keep(Restart("broker", "h", now - 7_200, "killed by SIGKILL", now - 7_200))
    assert "restarted" not in run("health", "--only", "broker").stdout
    for age in (1_800, 60):
        restarts.keep(Restart("broker", "h", now - age, "ended with status 1", now - age))
    result = run("health", "--only", "broker")
    assert result.exit_code == 0
    assert re.search(
        r"note: broker on h restarted at \S+Z: ended with status 1 "
        r"\(2 restarts in the last hour\)",
        result.stdout,
    )
