"""Weights: campaigns with due jobs share by weight; the others get what one cannot use."""

from collections import Counter

import pytest

from issuance.job import Lane
from ledger.audit_log import actions_on
from ledger.campaigns import CampaignError, find_campaign, pause_campaign, weigh_campaign
from ledger.dispatch.cancellation import cancel_campaign
from tests.contract.ledger.build import OPERATOR, make_jobs

_SIZES = {"chunk_size": 50, "shared": 10}


def fill(desk, name, weight, count=200):
    """Make a campaign of this weight with this many due jobs."""
    named = desk.another(name).weigh(weight)
    named.accept(*make_jobs(count, campaign=name))
    return named


def turns(chunks):
    return [(chunk.campaign, len(chunk.job_numbers)) for chunk in chunks]


def parts(chunks):
    return Counter(
        {
            name: sum(size for named, size in turns(chunks) if named == name)
            for name, _ in turns(chunks)
        }
    )


def test_campaigns_share_the_window_equally_and_their_chunks_alternate(desk):
    fill(desk, "diwali", 1)
    fill(desk, "holi", 1)
    assert turns(desk.release(window=40, **_SIZES)) == [("diwali", 10), ("holi", 10)] * 2


def test_a_weight_of_three_gets_three_times_as_much_in_larger_chunks(desk):
    fill(desk, "diwali", 3)
    fill(desk, "holi", 1)
    assert turns(desk.release(window=40, **_SIZES)) == [("diwali", 15), ("holi", 5)] * 2


def test_with_chunks_of_the_largest_size_the_heavier_campaign_gets_more_of_them(desk):
    fill(desk, "diwali", 3)
    fill(desk, "holi", 1)
    released = turns(desk.release(window=80, chunk_size=10))
    assert Counter(released) == {("diwali", 10): 6, ("holi", 10): 2}
    assert [name for name, _ in released].index("holi") < 4


def test_a_single_campaign_gets_the_whole_window_in_whole_chunks(desk):
    fill(desk, "diwali", 1)
    assert turns(desk.release(window=120, **_SIZES)) == [
        ("diwali", 50),
        ("diwali", 50),
        ("diwali", 20),
    ]


def test_the_others_get_what_a_small_campaign_leaves(desk):
    fill(desk, "diwali", 1)
    fill(desk, "holi", 100, count=3)
    assert parts(desk.release(window=40, chunk_size=50, shared=1)) == {"diwali": 37, "holi": 3}


def test_a_later_campaign_gets_its_share_from_then_on_and_does_not_catch_up(desk):
    fill(desk, "diwali", 1)
    first = desk.release(window=100, **_SIZES)
    fill(desk, "holi", 1)
    assert desk.release(window=100, **_SIZES) == []
    desk.claim(first[0])
    assert parts(desk.release(window=100, **_SIZES)) == {"diwali": 30, "holi": 20}
    desk.claim(first[1])
    assert parts(desk.release(window=100, **_SIZES)) == {"diwali": 20, "holi": 30}


def test_shares_match_weights_over_many_rounds_with_little_free_at_once(desk):
    for name, weight in (("diwali", 5), ("holi", 2), ("onam", 1)):
        fill(desk, name, weight)
    served, chunks = Counter(), []
    for _ in range(40):
        chunks += desk.release(window=4, chunk_size=1, shared=1)
        chunk = chunks.pop(0)
        desk.claim(chunk)
        served[chunk.campaign] += len(chunk.job_numbers)
    assert served == {"diwali": 25, "holi": 10, "onam": 5}


def test_a_window_of_one_job_serves_every_campaign_in_time(desk):
    fill(desk, "diwali", 3)
    fill(desk, "holi", 1)
    served = []
    for _ in range(8):
        (chunk,) = desk.release(window=1)
        desk.claim(chunk)
        served.append(chunk.campaign)
    assert Counter(served) == {"diwali": 6, "holi": 2}


def test_a_chunk_that_does_not_fit_waits_for_room_instead_of_being_cut(desk):
    fill(desk, "diwali", 1)
    fill(desk, "holi", 1)
    chunks = desk.release(window=45, **_SIZES)
    assert turns(chunks) == [("diwali", 10), ("holi", 10)] * 2
    assert desk.release(window=45, **_SIZES) == []
    desk.claim(chunks[0])
    assert turns(desk.release(window=45, **_SIZES)) == [("diwali", 10)]


def test_a_paused_campaign_or_one_without_due_jobs_takes_nothing(desk):
    delayed = fill(desk, "holi", 100, count=5)
    delayed.give_back(delayed.take(), delay_seconds=600)
    fill(desk, "onam", 100, count=5)
    pause_campaign(desk.ledger, "onam", OPERATOR)
    fill(desk, "diwali", 1)
    assert turns(desk.release(window=40, **_SIZES)) == [("diwali", 40)]


def test_a_campaign_with_only_queued_jobs_keeps_the_others_chunks_short(desk):
    fill(desk, "diwali", 1, count=10)
    desk.release(window=100, **_SIZES)
    fill(desk, "holi", 1)
    assert {size for _, size in turns(desk.release(window=100, **_SIZES))} == {10}


def test_lanes_share_separately(desk):
    fill(desk, "diwali", 1)
    desk.another("asked").accept(*make_jobs(20, first=500, campaign="asked", lane=Lane.BACKGROUND))
    assert parts(desk.release(window=40, **_SIZES)) == {"diwali": 40}
    assert parts(desk.release(window=40, lane=Lane.BACKGROUND, **_SIZES)) == {"asked": 20}


def test_concurrent_releases_share_one_window_by_weight(desk, at_once):
    fill(desk, "diwali", 3)
    fill(desk, "holi", 1)
    together = at_once(*[lambda: desk.release(window=80, **_SIZES)] * 3)
    numbers = [number for chunks in together for chunk in chunks for number in chunk.job_numbers]
    assert len(numbers) == len(set(numbers)) == 80
    assert sum((parts(chunks) for chunks in together), Counter()) == {"diwali": 60, "holi": 20}


def test_a_new_campaign_has_weight_one(desk):
    assert find_campaign(desk.ledger, "diwali").weight == 1


def test_a_changed_weight_is_recorded_with_its_operator(desk):
    desk.weigh(3).weigh(3)
    (action,) = actions_on(desk.ledger, "campaign:diwali")
    assert (action.subject, action.verb, action.reason) == (OPERATOR.name, "weight", OPERATOR.note)
    assert (action.before, action.after) == ("1", "3")
    assert find_campaign(desk.ledger, "diwali").weight == 3


@pytest.mark.parametrize("weight", [0, -1, 101])
def test_a_weight_out_of_its_range_is_refused(desk, weight):
    with pytest.raises(CampaignError, match="from 1 to 100"):
        weigh_campaign(desk.ledger, "diwali", weight, OPERATOR)


def test_the_weight_of_a_cancelled_campaign_cannot_be_set(desk):
    cancel_campaign(desk.ledger, "diwali", OPERATOR)
    with pytest.raises(CampaignError, match="is cancelled"):
        desk.weigh(3)
