"""Identifiers and vouchers are never shown in clear text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuance.customer import Customer
from issuance.masking import mask, mask_customer, scrub


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("", "****"),
        ("C1", "****"),
        ("1234567", "*******"),
        ("12345678", "****5678"),
        ("919800000001", "********0001"),
        ("x" * 100 + "last", "********last"),
    ],
)
def test_a_mask_shows_only_the_last_four_characters_of_a_long_value(value, masked):
    assert mask(value) == masked


@given(st.text(st.characters(exclude_characters="*", codec="utf-8")))
def test_a_mask_never_shows_more_than_half_or_more_than_four_characters(value):
    shown = mask(value).lstrip("*")
    assert len(shown) <= min(4, len(value) / 2)
    assert value.endswith(shown)


@pytest.mark.parametrize(
    ("customer", "masked"),
    [
        (Customer("mobile", "919800000001"), "mobile:********0001"),
        (Customer("externalId", "AB-1"), "externalId:****"),
        (Customer("email", "ann.lee@example.com"), "email:a***@example.com"),
        (Customer("email", '"a@b"@example.com'), 'email:"***@example.com'),
        (Customer("email", "ann.lee.example"), "email:********mple"),
    ],
)
def test_a_masked_customer_keeps_only_what_distinguishes_customers(customer, masked):
    assert mask_customer(customer) == masked


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("no customer ann.lee+x@example.com.", "no customer [email]"),
        ('{"email":"ann@example.com"}', '{"email":"[email]"}'),
        ("mailto:<ann@example.com>", "mailto:<[email]>"),
        ("mobile 919800000001 unknown", "mobile [number] unknown"),
        ("mobile=+919800000001", "mobile=[number]"),
        ("m919800000001x", "m[number]x"),
        ("call +91 98000-00001 now", "call [number] now"),
        ("call (022) 2800 0001.", "call [number]."),
        ("Allowed limit is 12345 For Level CUSTOMER", "Allowed limit is 12345 For Level CUSTOMER"),
        ("code 8004, 828 and 1620", "code 8004, 828 and 1620"),
        (
            "requestId 2939a4bd-e382-4e15-9876-6e4202ec5670",
            "requestId 2939a4bd-e382-4e15-9876-6e4202ec5670",
        ),
    ],
)
def test_scrubbing_hides_only_addresses_and_long_numbers(text, scrubbed):
    assert scrub(text) == scrubbed


@given(st.text(), st.from_regex(r"[0-9]{6,15}", fullmatch=True), st.text())
def test_no_mobile_survives_scrubbing_at_any_position(before, mobile, after):
    assert mobile not in scrub(before + mobile + after)


@pytest.mark.parametrize(
    "text", ["a" * 500_000, "a" * 500_000 + "@", "1-" * 250_000 + "x", "1 .1-" * 100_000 + "x"]
)
def test_scrubbing_a_huge_message_is_fast(text):
    assert len(scrub(text)) <= len(text)
