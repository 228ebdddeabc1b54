"""Rows that are nested as the API's body is, several rewards in one row, and a file's defaults."""

import json

import pytest

from producers.fields.line import CallFields, OrgDetails, Reward, Tender
from producers.source import BadRow, ReadOptions, UnusableFile, read_rows


@pytest.fixture
def read(tmp_path):
    """Read one record of a JSONL file, or the text of a CSV file."""

    def read_one(record, **options):
        is_csv = isinstance(record, str)
        path = tmp_path / ("a.csv" if is_csv else "a.jsonl")
        path.write_text(record if is_csv else json.dumps(record))
        [row] = read_rows(path, ReadOptions(**options))
        return row

    return read_one


M = {"mobile": "919800000001"}


def test_the_body_of_the_bulk_endpoint_is_a_row(read):
    row = read(
        {
            **M,
            "transactionNumber": "till-1",
            "programId": "626",
            "params": {"k": "v"},
            "rewards": [
                {
                    "rewardId": 1001,
                    "quantity": 2,
                    "paymentConfig": {"id": 55, "points": 5},
                    "customFields": {"a.b": "c"},
                    "fulfillmentDetails": {"status": "SHIPPED"},
                    "params": {"size": "L"},
                }
            ],
        }
    )
    assert row.reward == Reward(
        *(1001, 2, 55),
        points=5,
        custom_fields={"a.b": "c"},
        fulfillment_status="SHIPPED",
        reward_params={"size": "L"},
    )
    assert row.call == CallFields(params={"k": "v"}, program_id=626, transaction_number="till-1")
    assert row.more == ()


def test_several_rewards_become_one_row(read):
    rewards = [{"rewardId": 1001}, {"rewardExternalId": "SKU-9", "quantity": 2}]
    row = read({**M, "notes": "n", "rewards": rewards})
    assert (row.reward, row.more) == (
        Reward(1001),
        (Reward(quantity=2, reward_external_id="SKU-9"),),
    )


def test_each_of_several_rewards_gets_the_defaults(read):
    row = read({**M, "rewards": [{"rewardId": 1}, {"rewardId": 2}]}, defaults={"quantity": "3"})
    assert [row.reward.quantity, row.more[0].quantity] == [3, 3]


@pytest.mark.parametrize(
    ("record", "field", "problem"),
    [
        ({"rewards": [{"rewardId": 1}, {"rewardId": 2}], "quantity": 2}, "quantity", "several"),
        ({"rewards": []}, "rewards", "no objects"),
        ({"rewards": [1]}, "rewards", "no objects"),
        ({"rewards": [{"rewardId": 1, "notes": "n"}]}, "notes", "unknown key"),
        ({"rewards": [{"rewardId": 1}, {"quantity": 1}]}, "rewardId", "no rewardId"),
        ({"rewards": [{"rewardId": 1}, {"rewardId": "x"}]}, "rewardId", "whole number"),
        ({"rewardId": 1, "rewards": [{"rewardId": 1}]}, "rewardId", "given twice"),
        ({"rewardId": 1, "tender": "cash"}, "tender", "not an object"),
        ({"rewardId": 1, "tender": {"tenders": [5]}}, "tender.tenders", "not an object"),
        ({"rewardId": 1, "tender": {"total": 5}}, "tender.total", "unknown key"),
        ({"rewardId": 1, "params": "x"}, "params", "not an object"),
        (
            {"rewardId": 1, "paymentConfig": {"id": 5}, "paymentConfigId": 5},
            "paymentConfigId",
            "tw",
        ),
        ({"rewardId": 1, "requestId": "r"}, "requestId", "unknown key"),
    ],
)
def test_what_has_no_place_is_refused_by_its_name(read, record, field, problem):
    bad = read({**M, **record})
    assert isinstance(bad, BadRow)
    assert (bad.field, problem in bad.problem) == (field, True), bad
    assert bad.remedy


def test_a_request_id_of_a_row_is_refused_with_the_reason(read):
    assert "the product makes the requestId" in read({**M, "rewardId": 1, "requestId": "r"}).remedy


def test_tenders_are_numbered_columns_or_one_without_a_number(read):
    head = "mobile,rewardId,tender.totalAmount,"
    row = read(f"{head}tender.methodOfPayment,tender.amount\n919800000001,1001,5,CARD,5\n")
    assert row.call == CallFields(tender_total=5, tenders=(Tender("CARD", amount=5),))
    numbered = "tender.tenders.0.amount,tender.tenders.2.amount,tender.tenders.1.amount"
    row = read(f"{head}{numbered}\n919800000001,1001,5,3,2,\n")
    assert row.call.tenders == (Tender(amount=3), Tender(amount=2))


def test_organisations_are_nested_or_numbered(read):
    entries = [{"orgId": 7, "notes": "a", "params": {"k": "v"}}, {"orgId": 8, "userGroup2Id": 124}]
    row = read({**M, "rewardId": 1, "orgId": 7, "orgLevelDetails": entries})
    assert row.call.org_details == (OrgDetails(7, "a", {"k": "v"}), OrgDetails(8, group_id="124"))
    columns = "orgLevelDetails.0.orgId,orgLevelDetails.0.params.k,orgLevelDetails.1.user_group2_id"
    row = read(f"mobile,rewardId,{columns}\n919800000001,1,7,v,124\n")
    assert row.call.org_details == (OrgDetails(7, params={"k": "v"}), OrgDetails(group_id="124"))


def test_an_empty_object_gives_nothing(read):
    row = read(
        {**M, "rewardId": 1, "tender": {}, "params": {}, "orgLevelDetails": [], "rewards": None}
    )
    assert row.call == CallFields()


def test_a_rows_own_value_wins_over_the_default(read):
    defaults = {
        "notes": "default",
        "params.till": "17",
        "params.shop": "1",
        "rewardId": "1001",
        "userGroup2Id": "124",
        "redemptionValue": "10",
        "customFields.tier": "gold",
    }
    row = read({**M}, defaults=defaults)
    assert row.reward == Reward(1001, redemption_value=10, custom_fields={"tier": "gold"})
    assert row.call == CallFields(
        notes="default", params={"till": "17", "shop": "1"}, group_id="124"
    )
    own = {"notes": "own", "params": {"till": "18"}, "userGroup2ExternalId": "family"}
    row = read({**M, **own, "rewardExternalId": "SKU-9", "points": 5}, defaults=defaults)
    assert row.reward == Reward(
        points=5, reward_external_id="SKU-9", custom_fields={"tier": "gold"}
    )
    assert row.call == CallFields(
        notes="own", params={"shop": "1", "till": "18"}, group_external_id="family"
    )
    assert read({**M}, defaults=defaults).call.params == {"till": "17", "shop": "1"}


@pytest.mark.parametrize(
    ("defaults", "message"),
    [
        ({"colour": "red"}, "no column"),
        ({"quantity": "x"}, "whole number"),
        ({"notes": ""}, "empty"),
        ({"mobile": "919800000001"}, "each row needs its own"),
        ({"transactionNumber": "t"}, "each row needs its own"),
    ],
)
def test_a_wrong_default_is_an_error_before_the_file_is_read(defaults, message):
    with pytest.raises(ValueError, match=message):
        ReadOptions(defaults=defaults)


def test_a_default_reward_stands_for_a_missing_column(read, tmp_path):
    assert read("mobile\n919800000001\n", defaults={"rewardExternalId": "S"}).reward == Reward(
        reward_external_id="S"
    )
    with pytest.raises(UnusableFile, match="names the reward"):
        read("mobile\n919800000001\n", defaults={"notes": "S"})
