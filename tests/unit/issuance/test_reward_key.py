"""The key of a reward: one text for a rewardId or an external id."""

from issuance.reward_key import describe_reward, reward_key


def test_a_reward_has_the_key_of_its_id():
    assert reward_key(1001) == "1001"


def test_an_external_id_is_never_taken_for_a_reward_id():
    assert reward_key(0, "1001") == "ext:1001"


def test_people_read_which_kind_of_id_it_is():
    assert describe_reward("1001") == "reward 1001"
    assert describe_reward("ext:SUMMER") == 'reward "SUMMER" (external id)'
    assert describe_reward("") == "rewards pruned by an older version"
