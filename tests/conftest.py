"""Fixtures for all tests, which depend neither on their shell nor on each other's logging."""

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings
from structlog._config import BoundLoggerLazyProxy
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# A shell's background jobs ignore SIGINT, and commands that a test stops with Ctrl-C inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The tests start hundreds of processes. Without compiled modules each of them compiles the whole
# program first.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# No test may write into the user's own state folder.
os.environ["XDG_STATE_HOME"] = f"{tempfile.gettempdir()}/no-state-{os.getpid()}"

# Property tests must not fail because the machine is busy.
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave tests on whole systems to `make test-rest`, except those marked `smoke`."""
    for item in items:
        if item.path.relative_to(item.config.rootpath).parts[1] in {"e2e", "chaos"}:
            item.add_marker(pytest.mark.processes)
            if item.get_closest_marker("smoke") is None:
                item.add_marker(pytest.mark.rest)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Give tests that share servers to one process, so that each server starts only once."""
    return _Scheduler(config, log)


class _Scheduler(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        folder = file.split("/")[1]
        if folder == "unit":
            return nodeid
        return "chaos" if folder == "chaos" else file


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Undo the logging configuration of a command that ran within the test."""
    yield
    structlog.reset_defaults()
    for log in _lazy_loggers(len(sys.modules)):
        vars(log).pop("bind", None)  # a logger keeps the configuration of its first use here


@cache
def _lazy_loggers(_modules: int) -> list[Any]:
    """The loggers of all modules; looked for again only when a module was imported."""
    logs = (vars(module).get("log") for module in list(sys.modules.values()))
    return [log for log in logs if isinstance(log, BoundLoggerLazyProxy)]
