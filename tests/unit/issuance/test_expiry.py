"""Expiry: the API's text as it came, and the instant that it means."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from issuance.details.expiry import expires_at, given_expiry, is_time

KOLKATA = ZoneInfo("Asia/Kolkata")


@pytest.mark.parametrize(
    ("fields", "given", "at"),
    [
        (
            {"codeExpiry": "2027-01-01 00:00:00"},
            "2027-01-01 00:00:00",
            datetime(2026, 12, 31, 18, 30, tzinfo=UTC),
        ),
        (
            {"codeExpiry": "2027-01-01 00:00:00", "codeExpiryDateTime": "2027-01-01T00:00:00Z"},
            "2027-01-01 00:00:00",
            datetime(2027, 1, 1, tzinfo=UTC),
        ),
        # A day ends with its last second in the account's zone.
        (
            {"valid_till": "2027-11-01"},
            "2027-11-01",
            datetime(2027, 11, 1, 18, 29, 59, tzinfo=UTC),
        ),
        ({"codeExpiry": "soon"}, "soon", None),
        ({"codeExpiry": "0001-01-01 00:00:00"}, "0001-01-01 00:00:00", None),
        ({"codeExpiry": ""}, None, None),
        ({"codeExpiry": 20270101}, None, None),
        ({}, None, None),
    ],
    ids=["local", "instant", "day", "words", "out of range", "empty", "number", "none"],
)
def test_expiry_is_kept_as_given_and_read_in_the_accounts_zone(fields, given, at):
    assert given_expiry(fields) == given
    assert expires_at(fields, KOLKATA) == at


@pytest.mark.parametrize(
    ("text", "expected"), [("2027-01-01", True), ("2027-01-01 10:00:00", True), ("OV4GJYQV", False)]
)
def test_a_time_can_be_nothing_else(text, expected):
    assert is_time(text) is expected
