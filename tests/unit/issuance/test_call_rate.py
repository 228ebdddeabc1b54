"""A campaign's own rate: exact over any time, in bursts of about a second."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuance.call_rate import arrival_after, conforming, most_queued

rates = st.integers(1, 60_000)
gaps = st.lists(st.integers(0, 5_000), min_size=1, max_size=50)


def run(per_minute, times, wanted=10**9):
    """Release as many as may be at each time; returns the times of all releases."""
    arrival, released = None, []
    for now in times:
        count = min(wanted, conforming(per_minute, arrival, now))
        if count:
            arrival = arrival_after(per_minute, arrival, now, count)
        released += [now] * count
    return released


@given(rates, gaps)
def test_no_stretch_of_time_has_more_than_its_share_and_one_burst(per_minute, waits):
    now, times = 1_000_000, []
    for wait in waits:
        now += wait
        times.append(now)
    released = run(per_minute, times)
    for place, start in enumerate(times):
        for end in times[place:]:
            inside = sum(start <= each <= end for each in released)
            assert inside <= (end - start + 1_250) * per_minute / 60_000 + 1


@pytest.mark.parametrize("per_minute", [1, 7, 59, 60, 61, 90, 100, 600, 6_000])
def test_rounds_of_a_second_use_the_whole_rate(per_minute):
    minutes = 20
    released = run(per_minute, range(1_000, 1_000 + minutes * 60_000, 1_000))
    burst = conforming(per_minute, None, 0)
    assert per_minute * minutes <= len(released) + 1
    assert len(released) <= per_minute * minutes + burst


@pytest.mark.parametrize(
    ("per_minute", "burst"), [(1, 1), (47, 1), (48, 2), (60, 2), (600, 13), (6_000, 126)]
)
def test_a_burst_is_a_second_of_work_and_at_least_one_job(per_minute, burst):
    assert conforming(per_minute, None, 5_000) == burst
    assert conforming(per_minute, 1, 5_000) == burst


@pytest.mark.parametrize(("per_minute", "most"), [(1, 1), (9, 1), (10, 2), (60, 7), (6_000, 626)])
def test_as_many_jobs_may_be_queued_as_are_called_while_others_are(per_minute, most):
    assert most_queued(per_minute) == most


def test_nothing_is_released_before_the_next_job_is_due():
    arrival = arrival_after(6, None, 100_000, 1)
    assert arrival == 110_000
    assert conforming(6, arrival, 108_749) == 0
    assert conforming(6, arrival, 108_750) == 1
    assert conforming(6, arrival + 60_000, 100_000) == 0


def test_a_pause_earns_no_more_than_one_burst():
    arrival = arrival_after(60, None, 0, 2)
    assert conforming(60, arrival, 3_600_000) == conforming(60, None, 3_600_000)
