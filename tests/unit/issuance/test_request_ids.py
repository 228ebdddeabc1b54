"""requestIds are pinned, stable and distinct for all names."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuance.customer import Customer
from issuance.request_id import campaign_request_id, fresh_request_id, keyed_request_id

MOBILE = Customer("mobile", "919800000001")

# These never change: another id would issue a campaign's rewards again after an upgrade.
PINNED = [
    (("spring-2026", MOBILE, 1001), {}, "2939a4bd-e382-5e15-9aca-6e4202ec5670"),
    (("spring-2026", MOBILE, 1001), {"occurrence": 2}, "072d44af-89c2-5c32-b1a2-12ec844d8ca4"),
    (("spring-2026", MOBILE, 1001), {"generation": 2}, "4212dc4f-91ec-57ee-a0a6-8940938aaad4"),
    (
        ("spring-2026", Customer("email", "Ann@Example.com"), 1001),
        {},
        "f4dfdb74-6e7a-5e0f-82f0-4209fd23a6bf",
    ),
    (
        ("spring-2026", Customer("externalId", "Ann-1"), 1001),
        {},
        "35dfae9c-4119-560e-8137-945c36e34e54",
    ),
    (
        ("spring-2026", Customer("email", "jos\u00e9@b\u00fccher.example"), 1001),
        {},
        "dd6a8698-3212-5926-a866-5c31b1935bda",
    ),
    (
        ("a\x1fb\x1e", Customer("externalId", "Ann-1"), 1001),
        {},
        "9db4a1ac-3222-53b3-a465-ce90f45fe21b",
    ),
]
PINNED_KEYS = [
    ({}, "c2681617-e895-5a0d-bab6-90555c7521a4"),
    ({"position": 1}, "29a8c76c-ecca-55be-af66-4e1106800400"),
    ({"generation": 2}, "a595b103-b1b3-5ce6-a76a-5225382e86c3"),
]

# Mostly characters that could give two tuples the same name.
pieces = st.sampled_from(["a", "1", "0", "\x1e", "\x1f", "externalId:", "\x1fexternalId:"])
names = st.lists(pieces, max_size=3).map("".join) | st.text(max_size=4)
customers = st.builds(Customer, st.sampled_from(["mobile", "externalId"]), names)
numbers = st.integers(1, 12)
lines = st.tuples(names, customers, numbers, numbers, numbers)
keyed_lines = st.tuples(names, numbers, numbers)


def derive(line):
    campaign, customer, reward_id, occurrence, generation = line
    return campaign_request_id(
        campaign, customer, reward_id, occurrence=occurrence, generation=generation
    )


@pytest.mark.parametrize(("line", "extra", "expected"), PINNED)
def test_a_campaigns_request_id_never_changes_between_releases(line, extra, expected):
    assert campaign_request_id(*line, **extra) == expected


@pytest.mark.parametrize(("extra", "expected"), PINNED_KEYS)
def test_a_keyed_request_id_never_changes_between_releases(extra, expected):
    assert keyed_request_id("order-17", **extra) == expected


@given(lines, lines)
def test_two_lines_have_one_request_id_only_if_they_are_the_same_line(one, other):
    assert (derive(one) == derive(other)) is (one == other)


def test_a_separator_in_a_campaigns_name_never_makes_two_lines_equal():
    one = campaign_request_id("a\x1fexternalId:b", Customer("externalId", "c"), 1)
    other = campaign_request_id("a", Customer("externalId", "b\x1fexternalId:c"), 1)
    assert one != other


@given(keyed_lines, keyed_lines)
def test_two_keyed_lines_have_one_request_id_only_if_they_are_the_same_line(one, other):
    def derive_keyed(line):
        return keyed_request_id(line[0], position=line[1], generation=line[2])

    assert (derive_keyed(one) == derive_keyed(other)) is (one == other)


@given(st.from_regex(r"[A-Za-z.]{1,9}@[A-Za-z]{1,9}\.org", fullmatch=True))
def test_the_case_of_an_email_address_does_not_matter(address):
    ids = {
        campaign_request_id("c", Customer("email", text), 1)
        for text in (address, address.upper(), address.lower())
    }
    assert len(ids) == 1


def test_an_external_id_keeps_its_case():
    assert campaign_request_id("c", Customer("externalId", "ab"), 1) != campaign_request_id(
        "c", Customer("externalId", "AB"), 1
    )


def test_a_key_and_a_campaign_of_the_same_name_give_different_ids():
    assert keyed_request_id("spring") != campaign_request_id("spring", MOBILE, 1)


@given(names, numbers)
def test_a_derived_request_id_is_the_uuid_5_of_its_escaped_parts(key, position):
    escaped = key.replace("\x1e", "\x1e0").replace("\x1f", "\x1e1")
    expected = uuid.uuid5(
        uuid.UUID("6f2f0b1e-5a3d-5c0e-9d5e-0f6a3a1c7b02"), f"{escaped}\x1f{position}\x1f1"
    )
    assert keyed_request_id(key, position=position) == str(expected)


def test_fresh_request_ids_are_random_and_distinct():
    ids = {fresh_request_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert {uuid.UUID(each).version for each in ids} == {4}
