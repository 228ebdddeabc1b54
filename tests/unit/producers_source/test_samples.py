"""The sample file of an endpoint gives every field that the endpoint takes, and only good rows."""

from dataclasses import fields
from pathlib import Path

import pytest

from issuance.endpoint import Variant
from producers.fields.line import ALL, CALL, IDENTIFIERS, REWARD, OrgDetails, Tender
from producers.source import ReadOptions, Row, read_rows

SAMPLES = Path(__file__).parents[3] / "samples"
FILES = {
    Variant.SINGLE: SAMPLES / "single.csv",
    Variant.BULK: SAMPLES / "bulk.csv",
    Variant.CONNECTED: SAMPLES / "connected.jsonl",
}


def given(objects, names):
    """Name the fields that one of the objects gives."""
    return {name for each in objects for name in names if getattr(each, name) not in (None, {}, ())}


@pytest.mark.parametrize("variant", Variant)
def test_a_sample_gives_every_field_that_its_endpoint_takes(variant):
    rows = list(read_rows(FILES[variant], ReadOptions()))
    assert [row for row in rows if not isinstance(row, Row)] == []
    calls = [row.call for row in rows]
    rewards = [reward for row in rows for reward in (row.reward, *row.more)]
    found = given(calls, [each.key for each in CALL])
    found |= given(rewards, [each.key for each in REWARD])
    kinds = {row.identifier.kind for row in rows}
    found |= {each.key for each in IDENTIFIERS if each.field.name in kinds}
    assert found == {each.key for each in ALL if variant in each.field.places}
    for key, item in (("tenders", Tender), ("org_details", OrgDetails)):
        items = [each for call in calls for each in getattr(call, key)]
        if items:
            assert given(items, [each.name for each in fields(item)]) == {
                each.name for each in fields(item)
            }
