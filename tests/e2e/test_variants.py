"""The issue endpoints, OAuth, and a call with several rewards from another service."""

import json
import subprocess
import sys

import pytest

from issuance.states import State
from ledger.queries.outcomes import lines_of_job
from tests.e2e.system import System, plain_rows

_OTHER_SERVICE = """
import json
from producers import Reward, enqueue

more = [Reward(1003), Reward(1004, quantity=2)]
asked = enqueue(mobile="919800629999", reward_id=1001, more=more, key="order-17", campaign="orders")
print(json.dumps([asked.request_ids, asked.is_new]))
"""


@pytest.mark.parametrize(
    ("variant", "area", "path"),
    [("single", 60, "/v1/user/reward/1001/issue"), ("connected", 61, "/v1.1/user/rewards/issue")],
)
def test_a_blast_by_another_endpoint_is_issued_through_it(
    shared: System, variant: str, area: int, path: str
):
    # A fault without effect, consumed only by a call to this path.
    shared.plan_faults({"next": [{"fault": {"kind": "latency", "seconds": 0}, "path": path}]})
    rows = [
        row | {"orgId": 4001 if variant == "connected" else ""} for row in plain_rows(30, area=area)
    ]
    shared.blast(variant, rows, ISSUANCE_API_VARIANT=variant)
    assert shared.wait_settled(variant).counts[State.ISSUED] == 30
    assert shared.simulator.get("/_faults").json()["next"] == []


def test_revoked_tokens_are_renewed_and_everything_is_issued(shared: System):
    fetched = shared.summary()["tokenCalls"]
    shared.simulator.delete("/_tokens").raise_for_status()
    shared.accept("renewed", plain_rows(60, area=63))
    assert shared.wait_settled("renewed").counts[State.ISSUED] == 60
    assert shared.summary()["tokenCalls"] > fetched


def _run_other_service(system: System) -> tuple[list[str], bool]:
    done = subprocess.run(
        [sys.executable, "-c", _OTHER_SERVICE],
        cwd=system.home,
        env=system.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    request_ids, is_new = json.loads(done.stdout.splitlines()[-1])
    return request_ids, is_new


def test_another_services_call_with_several_rewards_is_one_job_and_issued_once(shared: System):
    request_ids, is_new = _run_other_service(shared)
    assert (len(request_ids), is_new) == (3, True)
    shared.wait_settled("orders")
    assert _run_other_service(shared) == (request_ids, False)
    lines = lines_of_job(shared.ledger, request_ids[0])
    assert [(line.request_id, line.state, line.quantity) for line in lines] == [
        (request_id, State.ISSUED, units)
        for request_id, units in zip(request_ids, (1, 1, 2), strict=True)
    ]
    assert [shared.truth()[request_id]["calls"] for request_id in request_ids] == [1, 1, 1]
