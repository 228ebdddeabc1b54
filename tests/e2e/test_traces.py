"""Traces of a whole system: `issuance issue`, the release, the workers and the API."""

import signal

import pytest

from tests.collector import Collector
from tests.e2e.conftest import StartSystem
from tests.e2e.system import plain_rows

_ONLY_AT_THE_END = {"OTEL_BSP_SCHEDULE_DELAY": "600000", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "5000"}


@pytest.mark.smoke
def test_every_reward_of_a_system_has_its_whole_trace(start_system: StartSystem):
    with Collector() as collector:
        environment = collector.environment | _ONLY_AT_THE_END
        with start_system(**environment) as system:
            done = system.command(
                "issue", "--mobile", "919800000001", "--reward-id", "1001", "--wait"
            )
            assert done.returncode == 0, done.stderr
            request_id = done.stdout.split()[0]
            system.blast("traced", plain_rows(60, area=61))
            system.wait_settled("traced")
            ids = [request_id, *(line.request_id for line in system.lines("traced"))]
            system.stop(signal.SIGTERM)  # only now do the workers' children export
        for each in ids:
            spans = {span.name: span for span in collector.of(each)}
            assert sorted(spans) == ["accept", "call", "chunk", "record", "wait"]
            assert len({span.trace_id for span in spans.values()}) == 1
            accept, chunk = spans["accept"].span_id, spans["chunk"].span_id
            parents = {name: span.parent_id for name, span in spans.items()}
            assert parents == {
                "accept": "",
                "wait": accept,
                "chunk": accept,
                "call": chunk,
                "record": chunk,
            }
        assert len(collector.spans) == 5 * len(ids)
