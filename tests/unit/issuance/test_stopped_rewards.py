"""The stored list of stopped rewards, and the canary's verdict."""

from issuance.stop_loss.canary import Trial, failed_rewards
from issuance.stop_loss.rewards import read_list, read_stopped, write_list


def test_a_list_is_stored_sorted_and_an_empty_one_as_nothing():
    assert read_list(write_list(["9999", "1001", "9999"])) == ("1001", "9999")
    assert write_list([]) is None
    assert read_list(None) == ()
    assert read_stopped(write_list(["9999"])) == ("9999",)


def test_a_reward_fails_the_canary_above_a_tenth_of_faults():
    trials = {"1001": Trial(10, 1), "9999": Trial(10, 2), "1002": Trial(0, 0)}
    assert failed_rewards(trials) == ["9999"]
