"""A frozen body as the row of a file that asks for the same."""

import pytest

from issuance.customer import Customer
from issuance.endpoint import Variant
from issuance.job import Line, freeze_body
from issuance.redrive.file_row import file_row

ANN = Customer("email", "ann@example.com")
LINES = (Line("r-1", 7, 2, 50, {"params": {"size": "L"}}), Line("r-2", 0, 1, 51, {}, 3, "EXT"))


def _row(variant, kept, **more):
    lines = LINES[:1] if variant is Variant.SINGLE else LINES
    if variant is Variant.SINGLE:
        lines = (Line("r-1", 7, 1, None, {"paymentConfig": {"id": 3}}),)
    body = freeze_body(variant, ANN, lines, brand="DEMO", email_key="emailId", **more)
    scope = "OTHER:50,51" if variant is Variant.CONNECTED else None
    return file_row(variant, body, ANN, scope, kept)


@pytest.mark.parametrize(
    ("variant", "kept", "row"),
    [
        (
            Variant.SINGLE,
            {"r-1": 7},
            {"email": ANN.value, "rewardId": 7, "paymentConfig": {"id": 3}, "programId": 1},
        ),
        (
            Variant.BULK,
            {"r-1": 7},
            {
                "email": ANN.value,
                "programId": 1,
                "rewards": [{"rewardId": 7, "quantity": 2, "params": {"size": "L"}}],
            },
        ),
        (
            Variant.BULK,
            {"r-2": 0},
            {
                "email": ANN.value,
                "programId": 1,
                "rewards": [{"rewardExternalId": "EXT", "quantity": 1}],
            },
        ),
        (
            Variant.CONNECTED,
            {"r-1": 7, "r-2": 0},
            {
                "email": ANN.value,
                "programId": 1,
                "rewards": [
                    {"rewardId": 7, "quantity": 2, "params": {"size": "L"}, "orgId": 50},
                    {"rewardExternalId": "EXT", "quantity": 1, "orgId": 51},
                ],
                "dataScope": "OTHER",
            },
        ),
    ],
)
def test_the_row_has_what_the_caller_gave_and_nothing_of_ours(variant, kept, row):
    assert _row(variant, kept, fields={"programId": 1}, transaction_number="till-1") == row


def test_details_of_organisations_stay():
    row = _row(Variant.CONNECTED, {"r-1": 7}, orgs={50: {"notes": "Enjoy"}})
    assert row["orgLevelDetails"] == [{"orgId": 50, "notes": "Enjoy"}]
