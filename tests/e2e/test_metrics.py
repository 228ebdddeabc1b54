"""Scrapes of a running system: they equal `status`, while a blast runs and after it."""

from collections.abc import Iterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from issuance.states import State
from tests.e2e.conftest import StartSystem
from tests.e2e.processes import await_that
from tests.e2e.system import System, plain_rows
from tests.postgres import postgres_database, postgres_server

_SETTINGS = {"ISSUANCE_API_MAX_CONCURRENT": "5", "SIMULATOR_LATENCY_SECONDS": "0.3"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def system(request: pytest.FixtureRequest, start_system: StartSystem) -> Iterator[System]:
    if request.param == "sqlite":
        with start_system(**_SETTINGS) as started:
            yield started
        return
    with (
        postgres_server() as server,
        postgres_database(server) as url,
        start_system(ISSUANCE_LEDGER_URL=url, **_SETTINGS) as started,
    ):
        yield started


def _scrape(system: System) -> dict[tuple[str, tuple[str, ...]], float]:
    """Return each sample by name and label values in the order of the labels' names."""
    url = system.running.health_url.replace("healthz", "metrics")
    answer = httpx.get(url, timeout=20)
    assert answer.status_code == 200, answer.text
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def _lines(samples: dict[tuple[str, tuple[str, ...]], float], *campaigns: str) -> dict[str, float]:
    """Add up the campaigns' lines by state."""
    return {
        state.value: sum(
            samples.get(("issuance_lines", (campaign, state.value)), 0) for campaign in campaigns
        )
        for state in State
    }


def test_scrapes_during_a_blast_equal_the_status_and_no_counter_falls(system: System):
    await_that("the history is read", lambda: _is_complete(system), 30)
    before = _scrape(system)
    system.accept("spring", plain_rows(300, area=51))
    seen, compared = before, 0
    while seen["issuance_units_issued_total", ()] < before["issuance_units_issued_total", ()] + 300:
        issued = system.balance("spring").counts[State.ISSUED]
        samples = _scrape(system)
        # It was read before this scrape and after the last one.
        earlier, later = (_lines(each, "spring", "(closed)")["issued"] for each in (seen, samples))
        assert earlier <= issued <= later
        assert samples["issuance_lines_accepted_total", ()] == sum(
            value for (name, _), value in samples.items() if name == "issuance_lines"
        )
        made = sum(
            value for (name, _), value in samples.items() if name == "issuance_attempts_total"
        )
        assert samples["issuance_call_duration_seconds_count", ()] == made
        for key, value in seen.items():
            if key[0].endswith(("_total", "_bucket", "_count", "_sum")):
                assert samples[key] >= value, key
        compared += later < 300
        seen = samples
    assert compared > 1, "the blast was over too soon to be compared"
    system.wait_settled("spring", 40)
    status, samples = system.status("spring"), _scrape(system)
    lines = _lines(samples, "spring", "(closed)")
    assert lines == {state.value: status[state.value] for state in State}
    assert samples["issuance_processes", ("worker", "running")] == 1
    assert samples["issuance_reachable", ("broker",)] == 1
    assert samples["issuance_heartbeat_age_seconds", ("release",)] < 30
    (worker,) = [each for each in status["processes"] if each["process"] == "worker"]
    assert worker["settings"]["api_max_concurrent"] == 5


def _is_complete(system: System) -> bool:
    return _scrape(system)["issuance_attempts_complete", ()] == 1
