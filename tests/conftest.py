"""For all tests: they depend neither on how they were started nor on each other's logging."""

import signal
import sys
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings
from structlog._config import BoundLoggerLazyProxy

# A shell's background jobs ignore SIGINT, and so would all commands that a test starts and ends
# with Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)


# Property tests are judged by what they find, never by how fast a busy machine is.
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Undo what a command that ran within the test has configured: loggers keep it from their first use on."""
    yield
    structlog.reset_defaults()
    for module in list(sys.modules.values()):
        if isinstance(log := vars(module).get("log"), BoundLoggerLazyProxy):
            vars(log).pop("bind", None)
