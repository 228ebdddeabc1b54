"""Budgets hold to the unit while workers die, messages are doubled and the broker is emptied."""

from itertools import count

import pytest

from issuance.budget import Budget
from issuance.states import CampaignState
from ledger.audit_log import Operator
from ledger.budgets.changes import lock_budgets, set_budget
from ledger.campaigns import ensure_campaign, find_campaign
from ledger.stop_loss.resuming import resume
from tests.chaos.conftest import BeginHazard
from tests.chaos.hazard import Chaos, Hazard
from tests.e2e.processes import await_that
from tests.e2e.system import plain_rows

_STOP_SECONDS = 120
_FIRST_AREA = 8_000
_areas = count(_FIRST_AREA)


@pytest.mark.smoke
def test_no_unit_above_the_budget_is_issued_whatever_dies(chaos: Chaos, hazard: BeginHazard):
    with hazard(20, "budget: worker killed, connections cut, broker emptied, answers lost") as run:
        for _ in run.rounds:
            name, units = _blast(chaos, run, budget=chaos.scale.jobs // 2)
            chaos.system.plan_faults({"rates": {"reset_after_commit": 0.05, "reset_before": 0.05}})
            _strike(chaos, run, name, units // 6)
            await_that("the budget stops it", lambda name=name: _is_stopped(chaos, name), 120)
            assert _issued(chaos, name) == units
            _give(chaos, name, units=2 * chaos.scale.jobs)
            resume(chaos.system.ledger, name, Operator("asha", "more was granted"))
            chaos.wake_up.request()
            run.wait_settled()
            chaos.system.simulator.delete("/_faults").raise_for_status()
            assert _issued(chaos, name) == chaos.scale.jobs


def _blast(chaos: Chaos, run: Hazard, *, budget: int) -> tuple[str, int]:
    """Begin a campaign whose budget is smaller than its file."""
    name = f"budget-{next(_areas)}"
    ensure_campaign(chaos.system.ledger, name)
    _give(chaos, name, units=budget)
    chaos.system.accept(name, plain_rows(chaos.scale.jobs, area=next(_areas)))
    run.campaigns.append(name)
    run.record.jobs += chaos.scale.jobs
    return name, budget


def _strike(chaos: Chaos, run: Hazard, name: str, step: int) -> None:
    """Kill the worker, cut the broker's connections and empty it, each a little later."""

    def kill() -> None:
        worker = chaos.processes.kill_tree("worker")
        chaos.processes.find_again(worker, "worker")

    for place, fault in enumerate((kill, chaos.broker.cut_connections, chaos.broker.flush), 1):
        wanted = place * step
        await_that("some units are issued", lambda most=wanted: _issued(chaos, name) >= most, 60)
        fault()
        run.strike()


def _issued(chaos: Chaos, name: str) -> int:
    """The units that the API itself has issued for the campaign."""
    ours = {line.request_id for line in chaos.system.lines(name)}
    return sum(entry["issued"] for key, entry in chaos.system.truth().items() if key in ours)


def _is_stopped(chaos: Chaos, name: str) -> bool:
    return find_campaign(chaos.system.ledger, name).state is CampaignState.STOPPED


def _give(chaos: Chaos, name: str, *, units: int) -> None:
    with chaos.system.ledger.write() as connection:
        lock_budgets(connection)
        campaign = find_campaign(chaos.system.ledger, name)
        set_budget(connection, campaign.id, Budget(units=units))
