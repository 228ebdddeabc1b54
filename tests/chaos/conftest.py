"""A system on each pair of ledger and broker, for all hazards; `Scale` sets the size of the run."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.chaos.chaos_system import running_chaos
from tests.chaos.hazard import Chaos, Hazard
from tests.chaos.record import Record
from tests.chaos.scale import Scale
from tests.e2e.system import scrubbed_environment
from tests.rabbitmq import NotInstalledError

BeginHazard = Callable[[int, str], AbstractContextManager[Hazard]]

_RECORDS = "ISSUANCE_TEST_CHAOS_RECORDS"
"""The file that the result of each hazard is appended to."""

scale = Scale.read()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if scale.long and "tests/chaos/" in item.path.as_posix():
            item.add_marker(pytest.mark.timeout(3_600))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Show the last log lines of the system of a failed test."""
    report = yield
    chaos = getattr(item, "funcargs", {}).get("chaos")
    if report.failed and chaos is not None:
        report.sections.append(("logs of the system", chaos.system.log_tails()))
    return report


@pytest.fixture(scope="session", params=scale.pairs)
def chaos(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Chaos]:
    """The system of a pair, used by all its hazards one after the other, without a restart."""
    home = tmp_path_factory.mktemp("chaos")
    with ExitStack() as stack:
        try:
            running = stack.enter_context(running_chaos(home, scale, request.param))
        except NotInstalledError as error:
            pytest.skip(str(error))
        yield running


@pytest.fixture
def hazard(chaos: Chaos) -> BeginHazard:
    """Begin a hazard by number and title; at its end ledger and API are compared."""

    @contextmanager
    def begin(number: int, title: str) -> Iterator[Hazard]:
        chaos.system.simulator.post("/_reset").raise_for_status()
        begun = Hazard(
            chaos,
            Record(number, title, chaos.pair),
            settle_seconds=60 + scale.jobs * scale.rounds / 50,
        )
        begun.record.failed = True
        try:
            yield begun
            begun.close()
            begun.record.failed = False
        finally:
            if path := os.environ.get(_RECORDS):
                begun.record.append_to(Path(path))

    return begin


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_ours() -> Iterator[None]:
    """Keep the user's settings out of code that runs in this process."""
    with pytest.MonkeyPatch.context() as patch:
        for name in set(os.environ) - set(scrubbed_environment()):
            if not name.startswith("ISSUANCE_TEST_"):
                patch.delenv(name)
        yield
