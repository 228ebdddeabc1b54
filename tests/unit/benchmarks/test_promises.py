"""The arithmetic of the promises: windows, shares, time to settle, and what counts as kept."""

import pytest

from benchmarks.promises.arrivals import (
    most_in_a_window,
    percentile,
    relative_error,
    settled_after,
    shares_in_windows,
    used_share,
    window_bound,
)
from benchmarks.promises.table import PROMISES, Promise, p99, section
from benchmarks.results import Results


def _evenly(per_minute, *, since=0.0, seconds=10.0):
    step = 60 / per_minute
    return [since + (place + 0.5) * step for place in range(int(seconds / step))]


def test_the_fullest_window_is_found_wherever_it_starts():
    assert most_in_a_window([0.0, 0.9, 1.0, 1.1, 1.89, 3.0], 1.0) == 4
    assert most_in_a_window([], 1.0) == 0


def test_a_window_may_hold_its_share_of_the_rate_plus_one_second():
    assert window_bound(6_000, 10.0) == 1_100
    assert window_bound(30, 10.0) == 6  # the least burst is one call


def test_the_used_share_is_relative_to_the_rate():
    assert used_share(_evenly(600), 600, 0.0, 10.0) == pytest.approx(1.0)
    assert used_share(_evenly(300), 600, 2.0, 8.0) == pytest.approx(0.5)


@pytest.mark.parametrize("lasting", [0.0, 0.4, 2.0])
def test_a_change_has_settled_when_no_window_has_the_old_rate(lasting):
    times = [*_evenly(6_000, seconds=lasting), *_evenly(600, since=lasting, seconds=8.0)]
    assert settled_after(times, since=0.0, until=6.0, per_minute=600) == pytest.approx(
        lasting, abs=0.15
    )


def test_a_change_that_never_takes_effect_lasts_until_the_end():
    assert settled_after(_evenly(6_000), since=0.0, until=5.0, per_minute=600) == 5.0


def test_shares_are_computed_per_window():
    times = _evenly(600, seconds=20.0)
    first, second = times[:100] + times[100::2], times[101::2]
    shares = shares_in_windows(first, second, since=0.0, until=20.0, seconds=10.0, step=10.0)
    assert shares == [1.0, pytest.approx(0.5)]


def test_a_share_too_small_counts_as_much_as_one_too_large():
    assert relative_error(0.5, 0.5) == 0
    assert relative_error(0.55, 0.5) == pytest.approx(0.1)
    assert relative_error(0.7, 0.75) == pytest.approx(0.2)


def test_a_percentile_is_a_measured_value():
    values = [float(value) for value in range(1, 101)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile([], 0.5)) == (
        50.0,
        99.0,
        0.0,
    )
    assert percentile([7.0], 0.99) == 7.0


def test_a_promise_is_judged_by_its_worst_sample_by_default():
    samples = [1.0] * 199 + [9.0]
    assert not Promise("a", "", "", 2.0).is_kept(samples)
    assert Promise("a", "", "", 2.0, p99).is_kept(samples)
    assert not Promise("a", "", "", 0.97, least=True).is_kept([0.99, 0.96])


def test_the_page_has_a_row_per_measured_promise_and_marks_the_missed_ones(tmp_path):
    results = Results(tmp_path / "results.jsonl", "a plan")
    results.add("promise/pause", figures={"pause/end": [0.1, 1.2], "resume/missing": [0]})
    page = section(results)
    assert (
        "| last call after `campaign pause` ended | ≤ 1 s | 0.10 s |  | 1.20 s | 2 | **not met** |"
        in page
    )
    assert page.count("| met |") == 1


def test_promises_have_distinct_lines():
    assert len({(promise.figure, promise.goal) for promise in PROMISES}) == len(PROMISES)
