"""One customer in several spellings has one requestId, and ordinary spellings keep theirs."""

import pytest

from issuance.customer import Customer
from issuance.request_id import CampaignIds
from producers.fields import identifiers
from producers.fields.reading import bare

RULES = {
    "mobile": identifiers.mobile,
    "email": identifiers.email,
    "externalId": identifiers.external_id,
}

# These never change: another id would issue a campaign's rewards again after an upgrade.
PINNED = {
    ("mobile", "919800000001"): "2939a4bd-e382-5e15-9aca-6e4202ec5670",
    ("mobile", "+919800000001"): "2939a4bd-e382-5e15-9aca-6e4202ec5670",
    ("mobile", " 919800000001 "): "2939a4bd-e382-5e15-9aca-6e4202ec5670",
    ("email", "Ann@Example.com"): "f4dfdb74-6e7a-5e0f-82f0-4209fd23a6bf",
    ("email", "ann@example.com"): "f4dfdb74-6e7a-5e0f-82f0-4209fd23a6bf",
    ("externalId", "Ann-1"): "35dfae9c-4119-560e-8137-945c36e34e54",
}
OTHER_SPELLINGS = [
    ("mobile", "+91 98000-00001", ("mobile", "919800000001")),
    ("email", "mailto:ann@example.com", ("email", "ann@example.com")),
    ("email", "Ann Lee <Ann@EXAMPLE.com>", ("email", "ann@example.com")),
    ("externalId", "Ann\u200b-1", ("externalId", "Ann-1")),
]


def request_id(kind, text):
    customer = Customer(kind, bare(RULES[kind](text)))
    return CampaignIds("spring-2026").derive(customer, 1001)


@pytest.mark.parametrize(("kind", "text"), PINNED)
def test_an_ordinary_spelling_keeps_its_request_id(kind, text):
    assert request_id(kind, text) == PINNED[kind, text]


@pytest.mark.parametrize(("kind", "text", "ordinary"), OTHER_SPELLINGS)
def test_another_spelling_has_the_same_request_id(kind, text, ordinary):
    assert request_id(kind, text) == PINNED[ordinary]


def test_the_case_of_an_external_id_makes_another_customer():
    assert request_id("externalId", "ann-1") != request_id("externalId", "Ann-1")
