"""The benchmark's parts: a stub that the product accepts as the API, results, and the report."""

import json
from pathlib import Path

import httpx
import pytest

from benchmarks.contenders import BARE
from benchmarks.cpu_profile import LOOP, share_out
from benchmarks.goals import goals
from benchmarks.load import REWARD_ID, Task, bodies
from benchmarks.report import ratios, render
from benchmarks.results import Results
from benchmarks.servers import Stub, stub_api
from config.settings import Settings
from issuance.endpoint import Variant
from issuance.job import Line
from issuance.outcome import Kind
from issuance.replies.classification import classify
from rewards_api.account import ApiAccount
from rewards_api.client import RewardsClient

_OURS = "this system, SQLite"
_PEER = "Celery, threads, httpx"
_STARTED = "AsynPool._create_worker_process (b.py);Worker.__call__ (pool.py)"


@pytest.fixture(scope="module")
def stub(tmp_path_factory):
    with stub_api(tmp_path_factory.mktemp("stub")) as stub:
        yield stub


@pytest.mark.parametrize("variant", [Variant.SINGLE, Variant.BULK])
async def test_the_product_reads_the_stubs_answer_as_an_issued_reward(stub: Stub, variant):
    [body] = bodies(variant, 1)
    request_id = json.loads(body)["transactionNumber"]
    async with RewardsClient(
        ApiAccount.from_settings(Settings(_env_file=None, api_url=stub.url))
    ) as client:
        reply = await client.issue(variant, body.encode(), REWARD_ID)
    outcome = classify((Line(request_id, REWARD_ID),), variant, reply, resent=False)
    assert outcome.kind is Kind.ISSUED


def test_the_stub_counts_calls_and_request_ids_separately(stub: Stub):
    stub.reset(1)
    [body] = bodies(Variant.BULK, 1)
    path = Task(stub.url, "", 1, Variant.BULK).path
    for _ in range(2):
        httpx.post(stub.url + path, content=body)
    assert (stub.stats()["answered"], stub.stats()["request_ids"]) == (2, 1)


def test_an_interrupted_run_is_resumed(tmp_path: Path):
    path = tmp_path / "results.jsonl"
    Results(path, "a plan").add("race/1", per_second=10.0)
    again = Results(path, "a plan")
    assert again.has("race/1")
    assert not again.has("race/2")


def test_results_of_another_plan_are_renamed(tmp_path: Path):
    path = tmp_path / "results.jsonl"
    Results(path, "a plan").add("race/1", per_second=10.0)
    assert Results(path, "another plan").rows == []
    assert len(list(tmp_path.glob("results.*.jsonl"))) == 1


def test_speeds_are_compared_within_their_round(tmp_path: Path):
    results = _two_rounds(tmp_path)
    assert ratios(results, 50, "bulk") == {
        BARE.name: [1.0, 1.0],
        _OURS: [0.9, 0.9],
        _PEER: [0.2, 0.2],
    }


def test_the_report_shows_the_median_ratio(tmp_path: Path):
    page = render(
        _two_rounds(tmp_path), command="c", machine="m", versions="v", date="d", commit="x"
    )
    assert f"| {_OURS} | SQLite | 1,350 (900 to 1,800) | **0.90** (0.90 to 0.90) |" in page


def test_each_goal_says_whether_this_run_met_it(tmp_path: Path):
    results = _two_rounds(tmp_path)
    results.add("cores/1/1", repeat=1, per_second=500.0)
    results.add("cores/2/1", repeat=1, per_second=850.0)
    found = {goal.what: (goal.measured, goal.is_met) for goal in goals(results)}
    assert found == {
        "this system, SQLite, compared with the bare script": ("0.90 (0.90 to 0.90)", True),
        "this system, SQLite, compared with the best peer (Celery, threads, httpx)": (
            "4.50 (4.50 to 4.50)",
            True,
        ),
        "this system, SQLite, compared with the best stock Celery (Celery, threads, httpx)": (
            "4.50 (4.50 to 4.50)",
            True,
        ),
        "this system, PostgreSQL, two cores compared with one": ("1.70 (1.70 to 1.70)", False),
    }


def test_a_sample_counts_for_the_innermost_known_part():
    shares = share_out(
        [
            "run (worker/chunk/issuer.py);call (rewards_api/client.py);write (asyncio/tcp.py) 3",
            "run (worker/chunk/issuer.py);classify (issuance/replies/classification.py) 1",
            "select (selectors.py) 1",
        ]
    )
    assert shares == {"HTTP": 0.6, "classify and decide": 0.2, LOOP: 0.2}


@pytest.mark.parametrize(
    "waits", ["EpollSelector.select (selectors.py)", "_take_signals (worker/child_signals.py)"]
)
def test_a_thread_that_waits_does_not_count(waits):
    shares = share_out([f"run (threading.py);{waits} 9", "claim (ledger/dispatch/claims.py) 1"])
    assert shares == {"ledger: claim and record": 1.0}


def test_the_start_of_a_worker_does_not_count():
    shares = share_out(
        [
            "start (celery/a.py);AsynPool._create_worker_process (celery/b.py) 7",
            f"{_STARTED};WorkerServices.prepare (worker/services.py) 5",
            f"{_STARTED};claim (ledger/dispatch/claims.py) 2",
        ]
    )
    assert shares == {"ledger: claim and record": 1.0}


def _two_rounds(folder: Path) -> Results:
    """Two rounds, the second on a machine that is twice as fast."""
    results = Results(folder / "results.jsonl", "a plan")
    for repeat, pace in ((1, 1_000.0), (2, 2_000.0)):
        for name, share in ((BARE.name, 1.0), (_OURS, 0.9), (_PEER, 0.2)):
            about = {"latency_ms": 50, "variant": "bulk", "contender": name, "repeat": repeat}
            key = f"race/50/bulk/{name}/{repeat}"
            results.add(key, **about, per_second=pace * share, cpu_us=400.0, rss_mb=90.0)
    return results
