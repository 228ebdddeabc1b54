"""Every field of a line can be given in every way in; one description defines them all."""

import inspect
from typing import get_args, get_type_hints

import pytest

from console.commands.issue import issue
from issuance.endpoint import Variant
from producers.fields.body import body_writer
from producers.fields.line import (
    ALL,
    CALL,
    REWARD,
    CallFields,
    Identifiers,
    LineFields,
    OrgDetails,
    Reward,
    Tender,
)
from producers.fields.refusal import Refusal
from producers.source.columns import Columns, is_map

SINGLE, BULK, CONNECTED = Variant.SINGLE, Variant.BULK, Variant.CONNECTED
each_field = pytest.mark.parametrize("described", ALL, ids=lambda described: described.key)
FROZEN_BY_THE_JOB = {
    *("reward_id", "reward_external_id", "quantity", "org_id"),
    *("transaction_number", "org_details", "data_scope"),
}
"""Fields that `freeze_body` places, or that are in the path or a header."""


@each_field
def test_a_file_has_a_column_for_the_field(described):
    name = described.field.name
    if described.is_map:
        assert is_map(name)
        assert Columns({}).find(f"{name}.x") is not None
    elif described.is_list:
        for part in described.parts:
            key = f"{name}.1.{part.field.name}" + (".x" if part.is_map else "")
            assert Columns({}).find(key).name == key
    else:
        assert Columns({}).find(name).name == name


@each_field
def test_other_names_of_a_column_are_known_too(described):
    if described.is_list:
        part = described.parts[1].field.name
        for name in described.field.also:
            assert Columns({}).find(f"{name}.0.{part}").key[0] == described.key
    else:
        for name in described.field.also:
            assert Columns({}).find(name).name == described.field.name


@each_field
def test_the_command_has_an_option_for_the_field(described):
    assert described.key in inspect.signature(issue).parameters


@each_field
def test_the_field_has_a_help_text_that_ends_as_a_sentence(described):
    for each in (described, *described.parts):
        assert each.field.help.endswith(".")
        assert len(each.field.help) <= 100
        assert each.field.limits
        assert each.field.source.startswith("§")
        assert each.field.places


def test_the_python_call_takes_the_same_fields_with_the_same_types():
    types = {}
    for owner in (Identifiers, Reward, CallFields):
        types |= get_type_hints(owner)
    call = get_type_hints(LineFields)
    # None for a map is the same as an empty one.
    maps = {each.key for each in ALL if each.is_map}
    assert call == {key: kind | None if key in maps else kind for key, kind in types.items()}


@pytest.mark.parametrize(
    "described",
    [each for each in (*REWARD, *CALL) if each.key not in FROZEN_BY_THE_JOB],
    ids=lambda described: described.key,
)
def test_every_field_except_the_jobs_own_has_a_path_in_the_body(described):
    assert described.field.path


def test_fields_are_written_to_the_apis_places_in_the_body():
    reward = Reward(1001, 2, 55, 12.5, None, {"tier": "gold"}, fulfillment_status="SHIPPED")
    assert body_writer(BULK).reward(reward) == {
        "paymentConfig": {"id": 55, "redemptionValue": 12.5},
        "fulfillmentDetails": {"status": "SHIPPED"},
        "customFields": {"tier": "gold"},
    }
    call = CallFields(event_log_id="log-9", notes="thank you", params={"k": "v"}, program_id=626)
    assert body_writer(BULK).shared(call) == {"eventLogId": "log-9", "programId": 626}
    assert body_writer(BULK).org(call) == {"notes": "thank you", "params": {"k": "v"}}


def test_tenders_and_owners_are_nested_as_the_api_has_them():
    call = CallFields(
        owner_type="CAMPAIGNS",
        owner_id="abc7",
        tender_total=100,
        tenders=(Tender("CARD", "visa-1", 7, 60), Tender("CASH", amount=40)),
    )
    assert body_writer(SINGLE).shared(call) == {
        "rewardOwnershipRO": {"ownerType": "CAMPAIGNS", "ownerId": "abc7"},
        "tender": {
            "totalAmount": 100,
            "tenders": [
                {
                    "methodOfPayment": "CARD",
                    "methodOfPaymentId": "visa-1",
                    "tenderId": 7,
                    "amount": 60,
                },
                {"methodOfPayment": "CASH", "amount": 40},
            ],
        },
    }


def test_the_details_of_an_organisation_hold_its_id():
    details = OrgDetails(7, "hello", {"k": "v"}, group_id="g1")
    assert body_writer(CONNECTED).org_details(details) == {
        "orgId": 7,
        "notes": "hello",
        "userGroup2Id": "g1",
        "params": {"k": "v"},
    }


@pytest.mark.parametrize(
    ("key", "camel", "snake"),
    [
        ("group_id", "userGroup2Id", "user_group2_id"),
        ("group_external_id", "userGroup2ExternalId", "user_group2_external_id"),
        ("group_primary_user_id", "userGroup2PrimaryUserId", "user_group2_primary_user_id"),
    ],
)
def test_the_keys_of_group_ids_have_two_spellings(key, camel, snake):
    call = CallFields(**{key: "g1"})
    assert body_writer(SINGLE).org(call) == {camel: "g1"}
    assert body_writer(SINGLE, snake=True).org(call) == {snake: "g1"}


SAMPLES = {str: "x", int: 5, float: 5.0}


@pytest.mark.parametrize("variant", Variant)
@pytest.mark.parametrize("described", [*REWARD, *CALL], ids=lambda described: described.key)
def test_an_endpoint_refuses_exactly_the_fields_that_it_has_no_place_for(described, variant):
    if described.is_map:
        value = {"k": "v"}
    elif described.is_list:
        value = (get_args(described.type)[0](),)
    else:
        value = SAMPLES[described.type]
    writer = body_writer(variant)
    owner, write = (
        (Reward, writer.reward)
        if described in REWARD
        else (CallFields, writer.org if described.field.per_org else writer.shared)
    )
    given = owner(**{described.key: value})
    if variant in described.field.places:
        write(given)
    else:
        with pytest.raises(Refusal) as refused:
            write(given)
        assert refused.value.field == described.field.name
        assert all(str(taker) in refused.value.remedy for taker in described.field.places)


def test_a_reward_without_further_fields_adds_nothing_to_the_body():
    assert body_writer(CONNECTED).reward(Reward(1001, 3, org_id=7)) == {}


def test_maps_follow_the_other_fields_in_the_body():
    reward = Reward(1001, points=500, custom_fields={"tier": "gold"}, fulfillment_status="SHIPPED")
    assert list(body_writer(BULK).reward(reward)) == [
        "paymentConfig",
        "fulfillmentDetails",
        "customFields",
    ]
