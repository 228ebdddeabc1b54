"""OpenTelemetry is an extra: without it, and while traces are off, nothing of it is imported."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.otel import is_installed, span_queue_size
from config.settings import Settings
from operations.tracing.opening import open_tracing

_ROOT = Path(__file__).parents[3]
_HIDE = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden())
"""
"""As on a machine where the extra is not installed."""
_ISSUE = """
import sys
from config.endpoints import Servers
from config.settings_reader import read_settings
from operations.services import Services
from producers import Producer
from worker.chunk.job_spans import add_spans
from worker.services import WorkerServices

settings = read_settings()
with Producer(settings, Servers.of(settings)) as producer:
    caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    print(producer.enqueue(mobile="919800000001", reward_id=1, traceparent=caller).is_new)
services = Services(settings, Servers.of(settings))
worker = WorkerServices(services, worker="test")
print(worker.recorder._record.tracing)
worker.finish()
ours = ("opentelemetry.sdk.trace", "opentelemetry.exporter", "google.")
print([name for name in sys.modules if name.startswith((*ours, "operations.tracing.spans"))])
"""
"""redis-py imports OpenTelemetry's metrics where they are installed; traces it does not."""


def _run(code: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ISSUANCE_")}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=clean | {"ISSUANCE_HOME": str(home), "ISSUANCE_LOG_LEVEL": "ERROR"} | environment,
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.parametrize("hidden", ["", _HIDE], ids=["installed", "not installed"])
def test_while_traces_are_off_nothing_of_it_is_imported(tmp_path, hidden):
    done = _run(hidden + _ISSUE, tmp_path / "home", ISSUANCE_BROKER_URL="redis://127.0.0.1:1/0")
    assert done.stdout.splitlines()[-3:] == ["True", "None", "[]"], done.stderr


def test_a_setting_that_needs_the_extra_is_refused_without_it(tmp_path):
    done = _run(_HIDE + _ISSUE, tmp_path / "home", ISSUANCE_TRACING="otlp")
    assert done.returncode != 0
    assert "ISSUANCE_TRACING: otlp needs OpenTelemetry" in done.stderr
    assert "pip install 'reward-issuance[otel]'" in done.stderr


def test_the_extra_is_found_and_traces_are_off_by_default():
    assert is_installed()
    assert Settings(_env_file=None).tracing == "off"
    assert open_tracing("off") is None


def test_the_queue_is_long_enough_for_a_group_unless_the_variable_says_otherwise(monkeypatch):
    monkeypatch.delenv("OTEL_BSP_MAX_QUEUE_SIZE", raising=False)
    assert span_queue_size() >= 10 * 250 * 4
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "100")
    assert span_queue_size() is None  # the SDK reads it


def test_a_wrong_variable_stops_no_work(monkeypatch):
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "0")
    assert open_tracing("otlp") is None
