"""An edge answers instead of the API: the account is suspended, and the jobs wait."""

import pytest

from tests.e2e.hostile_rig import Rig
from tests.e2e.processes import await_that
from tests.e2e.system import plain_rows
from tests.hostile.behaviour import Fault
from tests.hostile.faults import FORBIDDEN, NO_SUCH_PATH, REDIRECTED

pytestmark = pytest.mark.timeout(420)

_ROWS = 1_200
_MANY_ROWS = 4_000


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (FORBIDDEN, "HTTP 403 text/html"),
        (NO_SUCH_PATH, "HTTP 404"),
        (REDIRECTED, "redirected to elsewhere.invalid: correct ISSUANCE_API_URL"),
    ],
    ids=["403", "404", "301"],
)
def test_an_edge_that_refuses_everything_costs_no_job_anything(rig: Rig, fault: Fault, reason: str):
    rig.stub.behave(outage=fault)
    campaign = rig.blast("refused", plain_rows(_MANY_ROWS, area=80))
    await_that("the account is suspended", lambda: reason in rig.show_limits())
    calls = rig.stub.calls()
    rig.note("calls until the suspension was seen", calls)
    assert rig.read(campaign).states == {"waiting": _MANY_ROWS}
    # Refusals suspend an account that answered a moment ago once they have lasted as long as an
    # answer takes. At an unlimited rate some hundred calls are made meanwhile.
    assert calls <= _MANY_ROWS // 2
    rig.stub.behave(outage=None)
    run = rig.settle(campaign, 120)
    rig.note("run", run)
    run.check()


def test_a_customer_whom_the_edge_refuses_is_settled_while_the_others_are_issued(rig: Rig):
    refused, others = plain_rows(1, area=81), plain_rows(300, area=82)
    rig.set_rate(50)
    customer = str(refused[0]["mobile"])
    rig.stub.behave(customers={customer: FORBIDDEN})
    campaign = rig.blast("one-refused", [*refused, *others])
    rig.settle(campaign, 90, without=[customer]).check()
    # Later calls of the account are answered, so the edge must dislike this job.
    later = rig.blast("later", plain_rows(4_000, area=83))
    run = rig.settle(campaign, 150)
    rig.note("run", run)
    assert run.states == {"issued": 300, "failed": 1}
    rig.settle(later, 120).check()


def test_a_reward_whose_path_is_wrong_does_not_stop_other_campaigns(rig: Rig):
    rig.set_rate(40)
    rig.stub.behave(rewards={"2001": NO_SUCH_PATH})
    wrong = rig.blast("wrong", plain_rows(_ROWS, area=84, reward=2001))
    await_that("the account is suspended", lambda: "HTTP 404" in rig.show_limits())
    right = rig.run("right", plain_rows(200, area=85), 120)
    rig.note("right", right)
    right.check()
    assert rig.read(wrong).states["failed"] <= 10
    rig.stub.behave(rewards={})
    rig.settle(wrong, 60)


def test_headers_of_an_edge_put_nothing_in_doubt(rig: Rig):
    rig.stub.behave(header_bytes=64 * 1024, headers=300)
    run = rig.run("headers", plain_rows(200, area=86), 60)
    rig.note("run", run)
    run.check()
    assert len(run.calls) == 200
