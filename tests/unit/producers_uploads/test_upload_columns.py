"""What an upload's page shows of its columns, and the command that does the same."""

import pytest

from issuance.campaign_settings import GivenSettings
from operations.errors import UsageError
from operations.uploads.state import Order, Seen, SeenColumn
from producers.source import UnusableFile
from producers.uploads.columns import check_columns, column_problems, see_columns


def seen(*names):
    columns = {"mobile": "mobile", "phone": "mobile", "reward": "rewardId", "outcome.x": "-"}
    return Seen(tuple(SeenColumn(name, columns.get(name, ""), ()) for name in names))


def test_what_may_be_a_customer_is_masked_and_known_fields_are_shown(tmp_path):
    path = tmp_path / "rows"
    path.write_text(
        "phone,Reward,city,notes,outcome.line\n"
        "919800000001,1001,Bangalore-North,call 919800000002,919800000003\n"
    )
    columns = see_columns(path, "").columns
    assert [(each.name, each.guess) for each in columns] == [
        *(("phone", "mobile"), ("Reward", "rewardId"), ("city", "")),
        *(("notes", "notes"), ("outcome.line", "-")),
    ]
    assert [each.samples for each in columns] == [
        *(("********001",), ("1001",), ("********rth",), ("call [number]",), ("********003",))
    ]


@pytest.mark.parametrize(
    ("names", "mapping", "problems"),
    [
        (("mobile", "reward"), {}, {}),
        (("mobile", "outcome.x", "y"), {"y": "-"}, {}),
        (("mobile", "city"), {}, {"city": "not known"}),
        (("mobile", "number"), {}, {"number": "mobile or quantity"}),
        (("mobile", "count"), {}, {"count": "quantity"}),
        (("mobile", ""), {}, {"": "no name"}),
        (("mobile", "phone"), {}, {"phone": "'mobile' is read as mobile too"}),
        (("mobile", "phone"), {"mobile": "-"}, {}),
    ],
)
def test_each_column_has_its_own_problem(names, mapping, problems):
    found = column_problems(seen(*names), mapping)
    assert found.keys() == problems.keys()
    assert all(problems[name] in found[name] for name in found)


def test_the_order_must_name_customer_and_reward():
    check_columns(seen("mobile", "reward"), Order())
    check_columns(seen("mobile"), Order(reward_id=1001))
    with pytest.raises(UsageError, match="what each column is"):
        check_columns(seen("mobile", "city"), Order())
    with pytest.raises(UnusableFile, match="no column names the reward"):
        check_columns(seen("mobile"), Order())
    with pytest.raises(ValueError, match="quantity is 0"):
        check_columns(seen("mobile", "reward"), Order(quantity=0))


def test_the_command_says_every_option():
    order = Order(
        campaign="big sale",
        account="india",
        country="IN",
        reward_id=1001,
        quantity=2,
        sheet="Q1",
        mapping={"my city": "-"},
        strict=True,
        defer_limits=True,
        settings=GivenSettings(rate=60, stop_loss="off"),
    )
    assert order.command("a b.xlsx", rewards=True) == (
        "issuance blast 'a b.xlsx' --campaign 'big sale' --draft --account india --country IN "
        "--sheet Q1 --reward-id 1001 --quantity 2 --map 'my city=-' --strict --defer-limits "
        "--rate 60 --stop-loss off --rewards FILE"
    )
    assert Order().command("", rewards=False) == "issuance blast FILE --campaign NAME --draft"
