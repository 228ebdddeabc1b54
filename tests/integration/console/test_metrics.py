"""`/metrics` of the real health process: its formats, its failures, and who may read it."""

import http.client
import json
import shutil
import socket
import subprocess
from http import HTTPStatus
from ipaddress import ip_network

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text
from sqlalchemy import text

from broker.nodes import Nodes
from console.local.metrics_page import MetricsPage
from issuance.replies.codes import CODES
from issuance.states import State
from ledger.campaigns import pause_campaign
from limiter.redis_connection import connect_sync
from operations.metrics.names import DESCRIPTIONS
from operations.metrics.scraper import Scraper
from operations.services import Services
from tests.contract.ledger.build import OPERATOR, issue, judge, make_job, make_jobs, refuse
from tests.e2e.processes import await_that
from tests.valkey import valkey_server

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with valkey_server(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def configured(monkeypatch, server):
    """Settings with a running broker and an API, and a free port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("ISSUANCE_HEALTH_PORT", str(port))
    monkeypatch.setenv("ISSUANCE_BROKER_URL", f"{server.connection_url}/0")
    monkeypatch.setenv("ISSUANCE_API_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("ISSUANCE_API_RATE_PER_MINUTE", "120")
    return port


@pytest.fixture
def ask(start, configured):
    """Start the health process; returns a function that requests a path."""
    start("run", "health")

    def request(path="/metrics", accept="", method="GET"):
        connection = http.client.HTTPConnection("127.0.0.1", configured, timeout=20)
        try:
            connection.request(method, path, headers={"Accept": accept} if accept else {})
            with connection.getresponse() as answer:
                return answer.status, answer.read().decode(), answer.headers["Content-Type"]
        finally:
            connection.close()

    def answers():
        try:
            return request("/livez")[0] == 200
        except OSError:
            return False

    await_that("the health process answers", answers, 30)
    return request


def complete(ask):
    """Scrape until the history of attempts has been read."""

    def scrape():
        status, body, _ = ask()
        assert status == 200, body
        return body if "issuance_attempts_complete 1.0" in body else None

    return await_that("the attempts are counted", scrape, 30)


def settle_some(desk):
    held, job = desk.take_one(make_job(1, campaign="spring"))
    desk.record(held, judge(job, issue(job)))
    desk.settle(make_job(2, campaign="spring"), refuse())
    desk.accept(*make_jobs(3, first=10, campaign="spring"))


def test_a_scrape_equals_the_status_and_has_exactly_the_documented_metrics(
    ask, run, desk, configured, server
):
    settle_some(desk)
    Nodes(lambda: connect_sync(f"{server.connection_url}/0")).note("worker@here")
    families = {family.name: family for family in read_text(complete(ask))}
    status = json.loads(run("status", "spring", "--json").stdout)
    shown = {
        sample.labels["state"]: sample.value
        for sample in families["issuance_lines"].samples
        if sample.labels["campaign"] == "spring"
    }
    assert shown == {state: status[state] for state in shown}
    assert len(shown) == len(State)
    (rate,) = families["issuance_account_rate_calls_per_second"].samples
    assert rate.value == 2
    processes = {
        (sample.labels["process"], sample.labels["state"]): sample.value
        for sample in families["issuance_processes"].samples
    }
    assert processes["worker", "running"] == 1
    assert {sample.labels["server"] for sample in families["issuance_reachable"].samples} == {
        "ledger",
        "redis",
        "broker",
    }
    documented = {each.name.removesuffix("_total"): each for each in DESCRIPTIONS}
    # These have no samples yet: no process ran, and nothing is stopped.
    assert set(families) == set(documented)
    for name, family in families.items():
        assert (family.type, family.documentation) == (
            documented[name].kind,
            documented[name].help,
        )
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(documented[name].labels)


def test_the_formats_are_prometheus_text_and_openmetrics(ask, desk):
    settle_some(desk)
    complete(ask)
    status, body, content_type = ask(accept=OPENMETRICS)
    assert (status, content_type.split(";")[0]) == (200, "application/openmetrics-text")
    assert body.endswith("# EOF\n")
    assert {family.name for family in read_openmetrics(body)} >= {"issuance_attempts"}
    for accept in ("", "text/html", "text/plain; version=no;x", "application/openmetrics-text;"):
        status, body, content_type = ask(accept=accept)
        assert status == 200
        assert list(read_text(body))


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_finds_nothing_to_improve(ask, desk):
    settle_some(desk)
    body = complete(ask)
    found = subprocess.run(
        ["promtool", "check", "metrics"], input=body, capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stdout + found.stderr) == (0, "")


def test_a_ledger_that_cannot_be_read_fails_the_scrape_and_shows_no_number(ask, home, desk):
    complete(ask)
    (home / "ledger.db").rename(home / "away.db")
    status, body, _ = ask()
    assert status == 503
    assert body.startswith("the ledger cannot be read: There is no ledger at")
    assert "issuance_" not in body.replace("issuance migrate", "")
    status, body, _ = ask("/metrics?only=reachability")
    assert status == 200
    assert 'issuance_reachable{server="ledger"} 0.0' in body
    assert 'issuance_reachable{server="redis"} 1.0' in body
    (home / "away.db").rename(home / "ledger.db")
    assert ask()[0] == 200


def test_a_schema_of_another_version_fails_the_scrape(ask, ledger):
    with ledger.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    status, body, _ = ask()
    assert (status, "schema is 0001" in body) == (503, True)


def test_a_redis_that_is_away_fails_the_scrape_and_is_the_one_unreachable_server(
    monkeypatch, desk, tmp_path_factory
):
    monkeypatch.setenv("ISSUANCE_API_URL", "http://127.0.0.1:1")
    with valkey_server(tmp_path_factory.mktemp("short-lived")) as short_lived:
        monkeypatch.setenv("ISSUANCE_BROKER_URL", f"{short_lived.connection_url}/0")
        scraper = Scraper(Services.read())
        page = MetricsPage(scraper, ())
        assert page.answer("127.0.0.1", "", "").status == HTTPStatus.OK
    answer = page.answer("127.0.0.1", "", "")
    assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert answer.body.startswith(b"the limits in Redis cannot be read: ")
    body = page.answer("127.0.0.1", "only=reachability", "").body.decode()
    assert 'issuance_reachable{server="ledger"} 1.0' in body
    assert 'issuance_reachable{server="redis"} 0.0' in body
    assert 'issuance_reachable{server="broker"} 0.0' in body
    scraper.close()


def test_a_killed_process_is_missing_and_not_running(desk, configured, server):
    redis = connect_sync(f"{server.connection_url}/0")
    redis.set("issuance:node:worker-2@here", "1", ex=3_000)
    scraper = Scraper(Services.read())
    found = {
        (sample.labels["process"], sample.labels["state"]): sample.value
        for family in scraper.scrape()
        if family.name == "issuance_processes"
        for sample in family.samples
    }
    redis.delete("issuance:node:worker-2@here")
    assert found["worker", "missing"] == 1
    scraper.close()


def test_there_are_at_most_300_series_for_100_campaigns(desk, configured, server):
    """A hundred open campaigns, every code of the API, and every heartbeat and dead letter."""
    for number in range(100):
        name = f"campaign {number}"
        desk.another(name).accept(make_job(number, campaign=name))
    attempts = [
        (1, place, 1_000, 40, kind, "settle issued", row.code, row.code, "w")
        for place, (row, kind) in enumerate(
            (row, kind) for row in CODES for kind in ("issued", "failed", "in_doubt")
        )
    ]
    columns = ("job_number", "number", "started_at", "took_ms", "kind", "decision")
    with desk.ledger.write() as connection:
        desk.ledger.dialect.insert_rows(
            connection, "attempts", (*columns, "http_status", "code", "worker"), attempts
        )
        connection.execute(text("INSERT INTO heartbeats VALUES ('release', 1), ('beat', 1)"))
        for number, reason in enumerate(
            ("partial", "failed", "limit", "config", "unknown_code", "in_doubt", "exhausted"), 1
        ):
            connection.execute(
                text(
                    "INSERT INTO dead_letters (job_number, campaign_id, state, reason, message, "
                    "openings, opened_at, changed_at) VALUES (:n, 1, 'open', :r, '', 1, 1, 1)"
                ),
                {"n": number, "r": reason},
            )
    for number in range(50, 100):
        pause_campaign(desk.ledger, f"campaign {number}", OPERATOR)
    scraper = Scraper(Services.read())
    scraper.start()
    assert scraper.await_attempts(30)
    samples = [sample for family in scraper.scrape() for sample in family.samples]
    scraper.close()
    assert sum(1 for each in samples if each.name == "issuance_attempts_total") > 40
    assert 250 < len(samples) <= 300


def test_other_machines_may_not_read_the_metrics_unless_their_network_is_allowed():
    closed = MetricsPage(None, ())
    allowed = MetricsPage(None, [ip_network("10.0.0.0/8"), ip_network("fd00::/8")])
    for own in ("127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"):
        assert closed.may_read(own)
    for other in ("10.1.2.3", "fd00::1", "::ffff:10.1.2.3", "fd00::1%eth0"):
        assert not closed.may_read(other)
        assert allowed.may_read(other)
    for other in ("11.1.2.3", "::ffff:11.1.2.3", "not an address"):
        assert not allowed.may_read(other)
    answer = closed.answer("10.1.2.3", "", "")
    assert answer.status == HTTPStatus.FORBIDDEN
    assert b"ISSUANCE_METRICS_NETWORKS" in answer.body
    assert closed.answer("10.1.2.3", "only=reachability", "").status == HTTPStatus.FORBIDDEN


def test_another_machines_request_is_refused_by_the_process_too(monkeypatch, start, configured):
    """By this machine's own address on the network, if it has one."""
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    probe.connect(("192.0.2.1", 9))
    own = probe.getsockname()[0]
    probe.close()
    if own.startswith("127."):
        pytest.skip("this machine has no address but loopback")
    monkeypatch.setenv("ISSUANCE_HEALTH_HOST", own)
    start("run", "health")

    def ask():
        connection = http.client.HTTPConnection(own, configured, timeout=5)
        try:
            connection.request("GET", "/metrics")
            return connection.getresponse().status
        except OSError:
            return None
        finally:
            connection.close()

    assert await_that("the health process answers", ask, 30) == 403


def test_an_unknown_part_gets_the_valid_one(ask):
    assert ask("/metrics?only=ledger")[0] == 400


def test_head_has_no_body(ask):
    status, body, _ = ask(method="HEAD")
    assert (status, body) == (200, "")


def test_a_network_that_is_none_is_refused_at_the_start(run, monkeypatch):
    monkeypatch.setenv("ISSUANCE_METRICS_NETWORKS", "10.0.0.1/8")
    result = run("status")
    assert result.exit_code == 2
    assert "ISSUANCE_METRICS_NETWORKS: must be networks" in result.stderr
