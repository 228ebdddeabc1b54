"""The rewards file: its contents, and the errors of an invalid one."""

from decimal import Decimal

import pytest

from producers.lint import read_rewards_file
from producers.source import UnusableFile


@pytest.fixture
def read(tmp_path):
    def write_and_read(content: str):
        path = tmp_path / "rewards.json"
        path.write_text(content)
        return read_rewards_file(path)

    return write_and_read


def test_rewards_are_found_by_id_with_their_payment_configs(read):
    rewards = read(
        '[{"rewardId": 1002, "name": "Coffee", "points": 10}, {"rewardId": 1009, "vendor": true,'
        ' "paymentConfigs": [{"id": 91, "mode": "CONV_RATIO", "ratio": 0.35}]}]'
    )
    assert rewards[1002].points == Decimal(10)
    assert rewards[1009].choose(None) == rewards[1009].choose(91)
    assert rewards[1009].payment_configs[0].ratio == Decimal("0.35")
    assert rewards[1009].choose(90) is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "the file"),
        ("{}", "the file"),
        ('[{"points": 10}]', "0.rewardId: Field required"),
        ('[{"rewardId": 0}]', "0.rewardId"),
        ('[{"rewardId": 1, "point": 10}]', "0.point"),
        (
            '[{"rewardId": 1, "paymentConfigs": [{"id": 5, "mode": "CONV_RATIO"}]}]',
            "needs its ratio",
        ),
        (
            '[{"rewardId": 1, "paymentConfigs": [{"id": 5, "mode": "POINTS_CASH"}]}]',
            "needs its points",
        ),
        (
            '[{"rewardId": 1, "paymentConfigs": [{"id": 5, "mode": "CONV_RATIO", "ratio": 0}]}]',
            "ratio",
        ),
        ('[{"rewardId": 1}, {"rewardId": 1}]', "names reward 1 2 times; keep one"),
        ("[" + ", ".join('{"rewardId": 0}' for _ in range(5)) + "]", "and 2 more"),
    ],
)
def test_an_invalid_file_is_refused_with_the_place_of_the_error(read, content, says):
    with pytest.raises(UnusableFile) as refused:
        read(content)
    assert says in str(refused.value)


def test_a_missing_file_is_named_in_the_error(tmp_path):
    with pytest.raises(UnusableFile, match=r"nowhere\.json cannot be opened: No such file"):
        read_rewards_file(tmp_path / "nowhere.json")


def test_an_empty_list_has_no_rewards(read):
    assert read("[]") == {}
