"""Every field of a line can be given in every way in; one description defines them all."""

import inspect
from typing import get_type_hints

import pytest

from console.commands.issue import issue
from producers.fields.body import call_body, org_body, reward_body
from producers.fields.line import (
    ALL,
    CALL,
    REWARD,
    CallFields,
    Identifiers,
    LineFields,
    Reward,
)
from producers.source.columns import Columns, find_map

each_field = pytest.mark.parametrize("described", ALL, ids=lambda described: described.key)


@each_field
def test_a_file_has_a_column_for_the_field(described):
    name = described.field.name
    if described.is_map:
        assert find_map(name) is described
        assert Columns({}).find(f"{name}.x") is not None
    else:
        assert Columns({}).find(name).name == name


@each_field
def test_the_command_has_an_option_for_the_field(described):
    assert described.key in inspect.signature(issue).parameters


@each_field
def test_the_field_has_a_help_text_that_ends_as_a_sentence(described):
    assert described.field.help.endswith(".")
    assert len(described.field.help) <= 100


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
    [each for each in (*REWARD, *CALL) if each.key not in {"reward_id", "quantity", "org_id"}],
    ids=lambda described: described.key,
)
def test_every_field_except_the_lines_own_has_a_path_in_the_body(described):
    assert described.field.path


def test_fields_are_written_to_the_apis_places_in_the_body():
    reward = Reward(1001, 2, 55, 12.5, 7, {"tier": "gold"})
    assert reward_body(reward) == {
        "paymentConfig": {"id": 55, "redemptionValue": 12.5},
        "customFields": {"tier": "gold"},
    }
    call = CallFields(event_log_id="log-9", notes="thank you")
    assert call_body(call) == {"eventLogId": "log-9"}
    assert org_body(call) == {"notes": "thank you"}


def test_a_reward_without_further_fields_adds_nothing_to_the_body():
    assert reward_body(Reward(1001, 3, org_id=7)) == {}


def test_maps_follow_the_other_fields_in_the_body():
    reward = Reward(1001, points=500, custom_fields={"tier": "gold"})
    assert list(reward_body(reward)) == ["paymentConfig", "customFields"]
