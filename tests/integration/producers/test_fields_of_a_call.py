"""Files whose rows give fields of the call: numbers, several rewards, scopes and refusals."""

import csv
import json

import pytest
from sqlalchemy import select

from config.endpoints import Servers
from issuance.endpoint import Variant
from ledger.store.schema import jobs, lines
from producers import Producer, RequestRefusedError, Reward
from producers.preparing import BlastOptions

ANNA, BEN = "919800000001", "919800000002"
CONNECTED = {"api_variant": Variant.CONNECTED, "api_data_scope_org": "7"}


@pytest.fixture
def write_rows(tmp_path):
    def write(*rows, name="spring.jsonl"):
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write


def counts(report):
    return (report.rows, report.accepted, report.known, report.refused, report.jobs)


def refused(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return [(row["line"], row["field"]) for row in csv.DictReader(stream)]


def bodies(ledger):
    with ledger.read() as connection:
        return [json.loads(body) for body in connection.scalars(select(jobs.c.body))]


def test_a_repeated_transaction_number_refuses_only_its_row(send, tmp_path, write_file):
    rows = [f"{ANNA},1001,t-1", f"{BEN},1001,t-1", f"{BEN},1002,", f"{BEN},1003,"]
    path = write_file(*rows, header="mobile,rewardId,transactionNumber")
    assert counts(send(path)) == (4, 3, 0, 1, 3)
    assert refused(tmp_path / "errors.csv") == [("3", "transactionNumber")]
    assert counts(send(path)) == (4, 0, 3, 1, 0)


def test_a_request_with_a_taken_number_is_refused_by_its_argument(settings):
    with Producer(settings, Servers.of(settings)) as producer:
        producer.enqueue(mobile=ANNA, reward_id=1001, transaction_number="t-1", key="a")
        again = producer.enqueue(mobile=ANNA, reward_id=1001, transaction_number="t-1", key="a")
        assert not again.is_new
        with pytest.raises(RequestRefusedError, match="another job") as error:
            producer.enqueue(mobile=ANNA, reward_id=1001, transaction_number="t-1", key="b")
        assert error.value.field == "transaction_number"


def test_several_rewards_of_a_row_are_one_call_and_known_again(send, ledger, write_rows):
    rewards = [{"rewardId": 1001}, {"rewardExternalId": "SKU-9", "quantity": 2}]
    path = write_rows({"mobile": ANNA, "rewards": rewards}, {"mobile": BEN, "rewardId": 1001})
    assert counts(send(path)) == (3, 3, 0, 0, 2)
    assert counts(send(path)) == (3, 0, 3, 0, 0)
    assert [len(body["rewards"]) for body in bodies(ledger)] == [2, 1]
    with ledger.read() as connection:
        named = connection.execute(select(lines.c.reward_id, lines.c.reward_external_id)).all()
    assert [tuple(row) for row in named] == [(1001, None), (0, "SKU-9"), (1001, None)]


@pytest.mark.parametrize(
    ("rewards", "field", "different"),
    [
        ([{"rewardId": 1}, {"rewardId": 1}], "rewards", {}),
        ([{"rewardId": 1}, {"rewardId": 2, "points": 5, "redemptionValue": 5}], "points", {}),
        ([{"rewardId": number} for number in range(1, 12)], "", {}),
        ([{"rewardId": 1}, {"rewardId": 2}], "", {"api_variant": Variant.SINGLE}),
        ([{"rewardId": 1}, {"rewardId": 2, "orgId": 7}], "orgId", {}),
    ],
)
def test_a_row_with_several_rewards_is_refused_as_a_whole(  # noqa: PLR0917
    send, tmp_path, write_rows, rewards, field, different
):
    path = write_rows({"mobile": ANNA, "rewards": rewards}, {"mobile": BEN, "rewardId": 1})
    report = send(path, **different)
    count = len(rewards)
    assert counts(report) == (count + 1, 1, 0, count, 1)
    assert refused(tmp_path / "errors.csv") == [("1", field)] * count


def test_a_field_without_a_place_is_refused_with_the_endpoint_that_takes_it(
    send, tmp_path, write_file
):
    path = write_file(
        *(f"{ANNA},1001,5,", f"{BEN},1001,,7", f"{BEN},1002,,"),
        header="mobile,rewardId,tender.totalAmount,orgId",
    )
    assert counts(send(path)) == (3, 1, 0, 2, 1)
    assert refused(tmp_path / "errors.csv") == [("2", "tender.totalAmount"), ("3", "orgId")]
    text = (tmp_path / "errors.csv").read_text()
    assert "ISSUANCE_API_VARIANT=single" in text
    assert "ISSUANCE_API_VARIANT=connected" in text


def scopes(ledger):
    with ledger.read() as connection:
        return list(connection.scalars(select(jobs.c.scope).order_by(jobs.c.number)))


def test_each_call_has_the_scope_of_its_row_and_of_its_own_organisations(send, ledger, write_file):
    rows = [f"{ANNA},1001,8,OTHER", f"{ANNA},1002,9,OTHER", f"{ANNA},1003,7,SELF", f"{ANNA},1004,,"]
    path = write_file(*rows, header="mobile,rewardId,orgId,dataScope")
    options = BlastOptions(group_by_customer=True)
    assert send(path, options=options, **CONNECTED).accepted == 4
    assert scopes(ledger) == ["OTHER:8,9", "SELF", "SELF"]
    assert [len(body["rewards"]) for body in bodies(ledger)] == [2, 1, 1]


def test_the_organisations_of_one_call_have_details_of_their_own(send, ledger, write_rows):
    entries = [{"orgId": 8, "notes": "of 8"}, {"orgId": 9, "params": {"k": "v"}}]
    row = {
        "mobile": ANNA,
        "notes": "of all",
        "orgLevelDetails": entries,
        "rewards": [{"rewardId": number, "orgId": 7 + number} for number in (1, 2, 3)],
    }
    assert send(write_rows(row), **CONNECTED).accepted == 3
    [body] = bodies(ledger)
    assert body["orgLevelDetails"] == [
        {"orgId": 8, "notes": "of 8"},
        {"orgId": 9, "notes": "of all", "params": {"k": "v"}},
        {"orgId": 10, "notes": "of all"},
    ]


def test_details_of_one_organisation_name_it_for_the_reward(send, ledger, tmp_path, write_rows):
    path = write_rows(
        {"mobile": ANNA, "rewardId": 1, "orgLevelDetails": [{"orgId": 9, "notes": "n"}]},
        {"mobile": ANNA, "rewardId": 2, "orgId": 8, "orgLevelDetails": [{"orgId": 9}]},
    )
    assert counts(send(path, **CONNECTED)) == (2, 1, 0, 1, 1)
    [body] = bodies(ledger)
    assert body["rewards"][0]["orgId"] == 9
    assert refused(tmp_path / "errors.csv") == [("2", "orgLevelDetails")]


def test_further_rewards_of_a_request_may_have_fields_of_their_own(settings, ledger):
    more = [Reward(reward_external_id="SKU-9", fulfillment_status="SHIPPED")]
    with Producer(settings, Servers.of(settings)) as producer:
        producer.enqueue(mobile=ANNA, reward_id=1001, more=more)
    [body] = bodies(ledger)
    assert body["rewards"][1]["fulfillmentDetails"] == {"status": "SHIPPED"}


@pytest.mark.parametrize(
    ("variant", "setting", "key"),
    [
        (Variant.SINGLE, "", "user_group2_id"),
        (Variant.SINGLE, "camel", "userGroup2Id"),
        (Variant.BULK, "", "userGroup2Id"),
        (Variant.BULK, "snake", "user_group2_id"),
    ],
)
def test_the_setting_spells_the_keys_of_group_ids(send, ledger, write_rows, variant, setting, key):  # noqa: PLR0917
    path = write_rows({"mobile": ANNA, "rewardId": 1, "user_group2_id": "124"})
    send(path, api_variant=variant, api_group_keys=setting)
    assert bodies(ledger)[0][key] == "124"
