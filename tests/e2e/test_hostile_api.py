"""Single calls fail: the blast keeps its speed, and every row is issued once."""

from collections.abc import Mapping

import pytest

from tests.e2e.conftest import StartSystem
from tests.e2e.hostile_rig import Rig, Rigs
from tests.e2e.hostile_run import Run
from tests.e2e.processes import await_that
from tests.e2e.system import plain_rows
from tests.hostile.behaviour import Fault
from tests.hostile.faults import ALWAYS_RESET, ALWAYS_UNAUTHORIZED, MEASURED_SHARES, busy, hanging
from tests.hostile.stub import Stub

# They compare durations, which another load on the machine changes: one run of three must pass.
pytestmark = [pytest.mark.timeout(300), pytest.mark.flaky(reruns=2)]

_REPLAYS = ("original", "delta")
_MEASURED = plain_rows(600, area=60)
_UNADAPTED_SECONDS, _ADAPTED_SECONDS = 60.0, 90.0
_OTHERS = plain_rows(520, area=61)
_TWO = plain_rows(2, area=62)
_TWO_CUSTOMERS = [str(row["mobile"]) for row in _TWO]
_BUSY_CODES = {521: 521, 503: 503, 500: 500, 408: 408, 425: 425, 461: 461, 10004: 400}
"""Body code → HTTP status."""


@pytest.fixture(scope="module")
def unadapted(start_system: StartSystem, stub: Stub) -> Mapping[str, Run]:
    """Return the measured runs of a system with a fixed rate."""
    rigs = Rigs(start_system, stub, ISSUANCE_API_RATE_ADAPTS="false")
    runs = {}
    for replay in _REPLAYS:
        runs[replay] = _measure(rig := rigs.fresh(), replay, _UNADAPTED_SECONDS)
        rigs.take_back(rig)
    rigs.close()
    return runs


def _measure(rig: Rig, replay: str, within: float) -> Run:
    rig.stub.behave(shares=MEASURED_SHARES, replay=replay)
    return rig.run(f"measured-{replay}", _MEASURED, within)


@pytest.mark.parametrize("replay", _REPLAYS)
def test_stray_failures_do_not_slow_down_a_blast_whose_rate_adapts(
    unadapted: Mapping[str, Run], rig: Rig, replay: str
):
    run = _measure(rig, replay, _ADAPTED_SECONDS)
    rig.note("unadapted", unadapted[replay])
    rig.note("adapted", run)
    unadapted[replay].check()
    run.check()
    assert run.seconds <= 1.5 * unadapted[replay].seconds


def test_two_hung_calls_do_not_delay_the_others(rig: Rig):
    # Each worker gets one of them, and there is more work than their two chunks.
    rows = [_TWO[0], *_OTHERS[:160], _TWO[1], *_OTHERS[160:]]
    rig.set_rate(60)
    rig.stub.behave(customers=dict.fromkeys(_TWO_CUSTOMERS, hanging(30)))
    campaign = rig.blast("hung", rows)
    others = rig.settle(campaign, 50, without=_TWO_CUSTOMERS)
    rig.note("others", others)
    rig.settle(campaign, 50).check()
    assert others.seconds < 15


@pytest.mark.parametrize(
    ("fault", "count"),
    [(ALWAYS_UNAUTHORIZED, 2), (ALWAYS_RESET, 2), (ALWAYS_RESET, 25)],
    ids=["401", "reset", "many reset"],
)
def test_a_few_failing_customers_do_not_delay_the_others(rig: Rig, fault: Fault, count: int):
    rig.set_rate(100)
    alone = rig.run("alone", _OTHERS, 30)
    failing = plain_rows(count, area=64)
    customers = [str(row["mobile"]) for row in failing]
    rig.stub.behave(customers=dict.fromkeys(customers, fault))
    campaign = rig.blast("a-few-fail", [*failing, *_OTHERS])
    others = rig.settle(campaign, 30, without=customers)
    rig.note("alone", alone)
    rig.note("others", others)
    alone.check()
    others.check()
    assert others.seconds <= alone.seconds + 5


@pytest.mark.parametrize("code", _BUSY_CODES)
def test_busy_customers_do_not_suspend_the_account(rig: Rig, code: int):
    rows = plain_rows(25, area=63)
    rig.stub.behave(shares=[(1.0, busy(code, _BUSY_CODES[code]))])
    campaign = rig.blast("busy", rows)
    await_that("all were refused once", lambda: rig.stub.calls() >= len(rows))
    shown = rig.show_limits()
    run = rig.settle(campaign, 30)
    rig.note("run", run)
    rig.note("limits", shown)
    run.check()
    assert run.seconds <= 6
    assert not any(word in shown for word in ("closed", "suspended", "probing"))
