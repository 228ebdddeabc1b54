"""A server vanishes without a word: its connections stay open, and nothing answers any more."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from issuance.states import State
from ledger.queries.heartbeats import Heartbeat, silent_seconds
from tests.e2e.conftest import StartSystem
from tests.e2e.processes import await_that
from tests.e2e.system import System, plain_rows
from tests.postgres import postgres_database, postgres_server
from tests.rabbitmq import NotInstalledError, rabbitmq_url
from tests.silent_proxy import SilentProxy
from tests.valkey import valkey_server

pytestmark = pytest.mark.timeout(420)

_SILENT_SECONDS = 20
_RESUMED_WITHIN = 60
_ROWS = 900


def _through(stack: ExitStack, url: str) -> tuple[SilentProxy, str]:
    """Return a proxy in front of a server, and the server's URL through it."""
    direct = make_url(url)
    host = direct.host or str(direct.query.get("host", ""))
    proxy = stack.enter_context(SilentProxy(host, direct.port or 5432))
    through = direct.set(host="127.0.0.1", port=proxy.port, query={})
    return proxy, through.render_as_string(hide_password=False)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture(params=["postgresql", "redis", "rabbitmq"])
def fragile(
    request: pytest.FixtureRequest, stack: ExitStack, tmp_path: Path, start_system: StartSystem
) -> tuple[SilentProxy, System]:
    """Start a system one of whose servers is behind a proxy."""
    settings = {"ISSUANCE_API_RATE_PER_MINUTE": "1200", "SIMULATOR_LATENCY_SECONDS": "0.05"}
    limits = f"redis://127.0.0.1:{stack.enter_context(valkey_server(tmp_path)).port}/0"
    match request.param:
        case "postgresql":
            server = stack.enter_context(postgres_server())
            url = stack.enter_context(postgres_database(server))
            proxy, settings["ISSUANCE_LEDGER_URL"] = _through(stack, url)
        case "redis":
            proxy, settings["ISSUANCE_BROKER_URL"] = _through(stack, limits)
        case _:
            try:
                url = stack.enter_context(rabbitmq_url())
            except NotInstalledError as error:
                pytest.skip(str(error))
            proxy, settings["ISSUANCE_BROKER_URL"] = _through(stack, url)
            settings["ISSUANCE_REDIS_URL"] = limits
    system = stack.enter_context(start_system(**settings))
    if request.param == "postgresql":
        assert system.command("status").returncode == 0
    return proxy, system


def test_everything_resumes_within_a_minute_after_a_server_that_was_silent(
    fragile: tuple[SilentProxy, System],
):
    proxy, system = fragile
    system.accept("silence", plain_rows(_ROWS, area=97))
    await_that("the blast is under way", lambda: system.calls() > 100)
    proxy.silence()
    time.sleep(_SILENT_SECONDS)  # the silence itself
    proxy.speak()
    calls = system.calls()
    await_that("calls continue", lambda: system.calls() > calls + 50, _RESUMED_WITHIN)
    await_that("beat ticks", lambda: _tick_seconds(system) < 5, _RESUMED_WITHIN)
    assert system.wait_settled("silence", 240).counts[State.ISSUED] == _ROWS


def _tick_seconds(system: System) -> float:
    """Return the age of beat's last tick."""
    return silent_seconds(system.ledger)[Heartbeat.BEAT]
