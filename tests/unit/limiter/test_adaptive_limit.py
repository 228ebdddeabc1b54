"""The adaptive limit against models of APIs, in virtual time."""

from functools import partial

import pytest

from benchmarks.limiter import apis
from benchmarks.limiter.apis import Reply
from limiter.feedback_buffer import Verdict
from tests.unit.limiter.virtual import PER_SECOND, RATE, accepted, limits, refused_share, run

LOST = Reply(0.05, Verdict.FAILED, settles=False)
TOO_MANY = Reply(0.02, Verdict.THROTTLED, settles=False, retry_after=1.0)


@pytest.mark.parametrize(
    ("reply", "share"),
    [(LOST, 0.05), (LOST, 0.2), (LOST, 0.35), (TOO_MANY, 0.03), (TOO_MANY, 0.1)],
    ids=["5 % lost", "20 % lost", "35 % lost", "3 % throttled", "10 % throttled"],
)
def test_stray_failures_do_not_lower_the_limit_permanently(reply, share):
    record, _ = run(partial(apis.Stray, share=share, reply=reply), 60)
    assert record.suspensions == 0
    assert max(limits(record, 40, 60)) == RATE
    assert accepted(record, 10, 60) >= 0.85 * (1 - share) * PER_SECOND


def test_the_state_shows_the_share_of_failures_that_fewer_calls_did_not_prevent():
    _, state = run(partial(apis.Stray, share=0.35, reply=LOST), 20)
    assert state.unrelated_share == pytest.approx(0.35, abs=0.15)


def test_an_api_without_failures_gets_the_whole_rate_and_no_limit():
    record, state = run(apis.Api, 10)
    assert accepted(record, 1, 10) >= 0.97 * PER_SECOND
    assert set(limits(record, 0, 10)) == {RATE}
    assert (state.adaptive_limit_per_minute, state.unrelated_share) == (0, 0)


@pytest.mark.parametrize("rate", [4 * RATE, 0], ids=["a rate of four times as much", "no rate"])
def test_a_hard_limit_is_found_and_kept(rate):
    record, state = run(partial(apis.HardLimit, rate=lambda _: PER_SECOND), 40, rate=rate)
    assert accepted(record, 15, 40) >= 0.95 * PER_SECOND
    assert refused_share(record, 15, 40) <= 0.04
    assert 0 < state.adaptive_limit_per_minute <= 1.5 * RATE
    assert state.unrelated_share == 0


def test_a_limit_that_falls_and_rises_is_followed():
    record, _ = run(
        partial(apis.HardLimit, rate=lambda at: PER_SECOND / 4 if 20 <= at < 40 else PER_SECOND),
        70,
        rate=4 * RATE,
    )
    assert accepted(record, 26, 40) >= 0.85 * PER_SECOND / 4
    assert refused_share(record, 26, 40) <= 0.15  # without a limit: 0.75
    assert accepted(record, 62, 70) >= 0.85 * PER_SECOND


def test_stray_failures_do_not_hide_a_hard_limit():
    class LimitedAndLossy(apis.HardLimit):
        def call(self, job, now):
            reply = super().call(job, now)
            return LOST if self.rng.random() < 0.1 else reply

    record, _ = run(lambda rng: LimitedAndLossy(rng, lambda _: PER_SECOND), 45, rate=4 * RATE)
    assert accepted(record, 25, 45) >= 0.8 * 0.9 * PER_SECOND
    assert refused_share(record, 25, 45) <= 0.4  # without a limit: 0.78


def test_latency_that_depends_on_the_rate_is_kept_low():
    record, state = run(partial(apis.Capacity, per_second=PER_SECOND), 40, rate=4 * RATE)
    latencies = sorted(took for at, took in record.latencies if at >= 10)
    assert latencies[int(0.95 * len(latencies))] <= 3 * 0.05
    assert accepted(record, 10, 40) >= 0.9 * PER_SECOND
    assert state.adaptive_limit_reason == "latency"


def test_latency_that_does_not_depend_on_the_rate_costs_no_calls():
    record, state = run(partial(apis.SlowFrom, at=10, latency=1.0), 50)
    assert accepted(record, 35, 50) >= 0.9 * PER_SECOND
    assert state.allowed_per_minute >= 0.9 * RATE


def test_one_campaigns_failures_cost_another_campaign_nothing():
    record, state = run(
        lambda rng: apis.ByCampaign(rng, {1: apis.FailsAlways(rng, 1.0), 2: apis.Api(rng)}),
        40,
        sizes={1: 1_000_000, 2: 1_000_000},
    )
    settled = sum(campaign == 2 and at >= 10 for at, campaign in record.settled)
    assert settled / 30 >= 0.9 * PER_SECOND / 2
    assert list(state.campaigns) == [1]
    assert state.account.is_available


def test_readable_answers_that_need_reads_cost_no_calls_even_when_the_reads_fail():
    record, state = run(partial(apis.Reconciled, share=0.1, reads_fail=True), 20)
    assert accepted(record, 2, 20) >= 0.95 * PER_SECOND
    assert state.account.is_available
    assert not state.reads.is_available
