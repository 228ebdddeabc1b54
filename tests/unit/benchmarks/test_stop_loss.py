"""The stop-loss's promises, simulated with fixed seeds; `make stop-loss` simulates more."""

from benchmarks.stop_loss import delays, false_stops, false_stops_by_customers


def test_no_campaign_of_ten_thousand_is_stopped_falsely_at_the_normal_share_of_faults():
    assert false_stops(0.02, campaigns=10_000, answers=2_000) == 0


def test_fewer_than_one_in_a_thousand_campaigns_are_stopped_at_twice_that_share():
    assert false_stops(0.04, campaigns=10_000, answers=2_000) < 10


def test_a_thousand_ineligible_customers_never_stop_a_campaign_of_a_hundred_thousand():
    assert false_stops_by_customers(campaigns=100, answers=100_000) == 0


def test_a_dead_reward_is_stopped_within_25_answers():
    assert delays(1.0, campaigns=1_000)[-1] <= 25


def test_a_reward_that_dies_half_way_is_stopped_within_25_answers():
    assert delays(1.0, campaigns=300, alive=5_000)[-1] <= 25


def test_a_reward_that_fails_for_every_fifth_customer_is_stopped_too():
    found = delays(0.2, campaigns=300)
    assert len(found) == 300
    assert found[-1] < 1_000
