"""Fixtures for all tests, which depend neither on their shell nor on each other's logging."""

import signal
import sys
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings
from structlog._config import BoundLoggerLazyProxy

# A shell's background jobs ignore SIGINT, and commands that a test stops with Ctrl-C inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


# Property tests must not fail because the machine is busy.
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Undo the logging set-up of a command in the test: loggers cache it at their first use."""
    yield
    structlog.reset_defaults()
    for module in list(sys.modules.values()):
        if isinstance(log := vars(module).get("log"), BoundLoggerLazyProxy):
            vars(log).pop("bind", None)
