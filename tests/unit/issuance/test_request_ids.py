"""requestIds are pinned, stable and distinct for all names."""

import uuid
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuance.customer import Customer
from issuance.request_id import CampaignIds, fresh_request_id, keyed_request_id

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
KEY = bytes(range(32))
PINNED_KEYED = [
    (PINNED[0], "9106f7c6-8187-8207-a3d1-c1b193d29550"),
    (PINNED[1], "15684ead-d422-8ccd-8c13-d41d099314f5"),
    (PINNED[2], "796a3aaf-6f0f-803f-ba25-097f2f24ffcd"),
    (PINNED[3], "ef7e9370-2672-8289-91eb-b8d8887626eb"),
    (PINNED[6], "06174601-17a6-837b-8041-93c36c3243f1"),
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


def derive(line, key=None):
    campaign, customer, reward_id, occurrence, generation = line
    return CampaignIds(campaign, key).derive(
        customer, reward_id, occurrence=occurrence, generation=generation
    )


@pytest.mark.parametrize(("line", "extra", "expected"), PINNED)
def test_a_campaigns_request_id_never_changes_between_releases(line, extra, expected):
    campaign, *rest = line
    assert CampaignIds(campaign).derive(*rest, **extra) == expected


@pytest.mark.parametrize(("unkeyed", "expected"), PINNED_KEYED)
def test_a_keyed_campaigns_request_id_never_changes_between_releases(unkeyed, expected):
    (campaign, *rest), extra, _ = unkeyed
    assert CampaignIds(campaign, KEY).derive(*rest, **extra) == expected


@given(lines, st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_without_the_key_no_other_derivation_gives_the_request_id(line, key, other):
    keyed = derive(line, key)
    assert keyed != derive(line)
    assert (keyed == derive(line, other)) is (key == other)


@given(lines, lines)
def test_two_lines_of_keyed_campaigns_have_one_request_id_only_if_they_are_the_same(one, other):
    assert (derive(one, KEY) == derive(other, KEY)) is (one == other)


@given(lines)
def test_a_keyed_request_id_is_a_uuid_of_version_8(line):
    text = derive(line, KEY)
    parsed = uuid.UUID(text)
    assert str(parsed) == text
    assert (parsed.version, parsed.variant) == (8, uuid.RFC_4122)


def test_the_digits_of_keyed_request_ids_show_nothing_of_neighbouring_customers():
    ids = CampaignIds("spring", KEY)
    made = [ids.derive(Customer("mobile", f"9198{n:08}"), 1001) for n in range(2_000)]
    assert len(set(made)) == 2_000
    differing = [
        (uuid.UUID(one).int ^ uuid.UUID(other).int).bit_count() for one, other in pairwise(made)
    ]
    assert 55 < sum(differing) / len(differing) < 67  # half of the 122 bits that may differ


@pytest.mark.parametrize(("extra", "expected"), PINNED_KEYS)
def test_a_keyed_request_id_never_changes_between_releases(extra, expected):
    assert keyed_request_id("order-17", **extra) == expected


@given(lines, lines)
def test_two_lines_have_one_request_id_only_if_they_are_the_same_line(one, other):
    assert (derive(one) == derive(other)) is (one == other)


def test_a_separator_in_a_campaigns_name_never_makes_two_lines_equal():
    one = CampaignIds("a\x1fexternalId:b").derive(Customer("externalId", "c"), 1)
    other = CampaignIds("a").derive(Customer("externalId", "b\x1fexternalId:c"), 1)
    assert one != other


@given(keyed_lines, keyed_lines)
def test_two_keyed_lines_have_one_request_id_only_if_they_are_the_same_line(one, other):
    def derive_keyed(line):
        return keyed_request_id(line[0], position=line[1], generation=line[2])

    assert (derive_keyed(one) == derive_keyed(other)) is (one == other)


@given(st.from_regex(r"[A-Za-z.]{1,9}@[A-Za-z]{1,9}\.org", fullmatch=True))
def test_the_case_of_an_email_address_does_not_matter(address):
    ids = {
        CampaignIds("c").derive(Customer("email", text), 1)
        for text in (address, address.upper(), address.lower())
    }
    assert len(ids) == 1


def test_an_external_id_keeps_its_case():
    ids = CampaignIds("c")
    assert ids.derive(Customer("externalId", "ab"), 1) != ids.derive(
        Customer("externalId", "AB"), 1
    )


def test_a_key_and_a_campaign_of_the_same_name_give_different_ids():
    assert keyed_request_id("spring") != CampaignIds("spring").derive(MOBILE, 1)


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
