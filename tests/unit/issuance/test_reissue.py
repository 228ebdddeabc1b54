"""A reissue requests only the refused lines, under new requestIds, with the same body."""

import json

import pytest

from issuance.customer import Customer
from issuance.endpoint import Variant
from issuance.job import Line, freeze_body
from issuance.redrive.reissue import next_generation_id, reissue_body

MOBILE = Customer("mobile", "919800000001")
A = Line("r-a", 1001, quantity=2, org_id=7)
B = Line("r-b", 1002, quantity=3, org_id=8, fields={"paymentConfig": {"id": 55}})


def freeze(variant, *lines):
    return freeze_body(
        variant,
        MOBILE,
        lines,
        brand="DEMO",
        email_key="email",
        fields={"eventLogId": "e"},
        org_fields={"notes": "n"},
    )


@pytest.mark.parametrize("variant", [Variant.BULK, Variant.CONNECTED])
@pytest.mark.parametrize(
    ("renamed", "again"),
    [
        (
            {"r-b": "r-b2"},
            (Line("r-b2", 1002, quantity=3, org_id=8, fields={"paymentConfig": {"id": 55}}),),
        ),
        ({"r-a": "r-a2"}, (Line("r-a2", 1001, quantity=2, org_id=7),)),
        (
            {"r-b": "r-b2", "r-a": "r-a2"},
            (
                Line("r-a2", 1001, quantity=2, org_id=7),
                Line("r-b2", 1002, quantity=3, org_id=8, fields={"paymentConfig": {"id": 55}}),
            ),
        ),
    ],
)
def test_a_reissued_body_equals_one_frozen_from_the_refused_lines(variant, renamed, again):
    assert reissue_body(variant, freeze(variant, A, B), (A, B), renamed) == (
        freeze(variant, *again),
        again,
    )


def test_a_reissued_single_body_has_its_new_request_id_at_the_top():
    body, lines = reissue_body(
        Variant.SINGLE,
        freeze(Variant.SINGLE, Line("r-a", 1001)),
        (Line("r-a", 1001),),
        {"r-a": "r-a2"},
    )
    assert lines == (Line("r-a2", 1001),)
    assert json.loads(body) == json.loads(freeze(Variant.SINGLE, Line("r-a2", 1001)))


@pytest.mark.parametrize("renamed", [{}, {"r-x": "r-y"}])
def test_a_reissue_without_a_refused_line_is_refused(renamed):
    with pytest.raises(ValueError, match="at least one line that failed"):
        reissue_body(Variant.BULK, freeze(Variant.BULK, A), (A,), renamed)


def test_the_next_generations_request_id_never_changes():
    ids = ["r-a"]
    for _ in range(20):
        ids.append(next_generation_id(ids[-1]))
    assert len(set(ids)) == len(ids)
    assert ids[1] == "3a18b137-3f8e-51b6-99b7-a309798ca76c"
