"""The last retries and look-ups of a campaign."""

import pytest

from issuance.forecast.history import repeats_of
from issuance.forecast.tail import last_due, lasts, tail_seconds
from issuance.forecast.work import Campaign, Later, Repeats

DAY = 86_400.0
RARE = Repeats(first=0.01, again=0.01)


def tail(campaign, chance=0.5, ends=60.0, per_second=10.0):
    return tail_seconds(campaign, ends=ends, per_second=per_second, chance=chance, horizon=DAY)


def test_a_campaign_whose_calls_are_never_repeated_has_no_tail():
    assert tail(Campaign(1, jobs=600, repeats=Repeats(first=0.0))) < 1


def test_a_job_that_waits_ends_the_campaign_when_it_is_due():
    waiting = Campaign(1, jobs=600, later=(Later(600.0, 1),), repeats=Repeats())
    assert tail(waiting) == pytest.approx(540, abs=1)


def test_look_ups_that_find_nothing_are_repeated():
    repeats = Repeats(look_up_seconds=(100.0, 1_000.0))
    waiting = Campaign(1, jobs=0, later=(Later(90.0, 1, looks_up=True),), repeats=repeats)
    assert tail(waiting, chance=0.5) == pytest.approx(30, abs=2)
    assert tail(waiting, chance=0.9) == pytest.approx(1_030, abs=2)


def test_jobs_that_end_in_look_ups_wait_for_them():
    doubtful = Campaign(1, jobs=600, repeats=Repeats(look_ups=0.02, look_up_seconds=(300.0,)))
    assert 200 < tail(doubtful) <= 301


def test_a_later_time_is_more_certain():
    some = Campaign(1, jobs=600, repeats=Repeats(first=0.2, again=0.3))
    early, likely, late = (tail(some, chance) for chance in (0.1, 0.5, 0.9))
    assert 0 < early < likely < late


def test_more_failing_calls_make_a_longer_tail():
    few = Campaign(1, jobs=600, repeats=RARE)
    many = Campaign(1, jobs=600, repeats=Repeats(first=0.3, again=0.5))
    assert tail(few) < tail(many)


def test_the_answer_is_bounded():
    waiting = Campaign(1, jobs=0, later=(Later(10 * DAY, 1),))
    assert tail(waiting) == DAY


def test_waits_double_up_to_the_longest():
    short = Repeats(first=1.0, again=1.0, first_seconds=10.0, longest_seconds=20.0, calls_most=5)
    assert lasts(short, 60.0) == pytest.approx(0.69, abs=0.05)  # 10 + 20 + 20 + 20 on the mean
    assert lasts(short, 140.0) < 0.01


def test_the_last_job_that_is_due_later_is_known():
    assert last_due(Campaign(1, jobs=0, later=(Later(5.0, 3), Later(700.0, 1)))) == 700.0
    assert last_due(Campaign(1, jobs=10)) == 0.0


def test_repeats_are_counted_by_the_call_within_its_job():
    calls = [1] * 1_000 + [2] * 100 + [3] * 50
    repeated = [(1, 2.0)] * 100 + [(2, 9.0)] * 50
    found = repeats_of(
        calls, repeated, longest_seconds=300, calls_most=8, looked_up=23, look_up_seconds=[60]
    )
    assert found.first == pytest.approx(0.1, rel=0.01)
    assert found.again == pytest.approx(50 / 150, rel=0.05)
    assert found.first_seconds == 2.0
    assert found.look_ups == pytest.approx(0.02, rel=0.01)
    assert found.look_up_seconds == (60,)


def test_repeats_without_calls_are_rare():
    found = repeats_of([], [], longest_seconds=300, calls_most=8)
    assert 0 < found.first < 0.01
    assert 1 < found.calls_per_job < 1.01
