"""Fingerprints name customers for those who have the key."""

from hashlib import blake2b

from hypothesis import given
from hypothesis import strategies as st

from issuance.customer import Customer
from issuance.customer_digest import customer_digest
from issuance.fingerprints import Fingerprints

KEY = bytes(range(32))
keys = st.binary(min_size=32, max_size=32)
mobiles = st.integers(1, 10**12).map(lambda number: Customer("mobile", str(number)))


def test_a_fingerprint_never_changes_between_releases():
    # Otherwise a worker of each version could call for one customer at the same time.
    assert Fingerprints(KEY).of(Customer("mobile", "919800000001")) == "e0306242f7c7539c8fec4783"


def test_spellings_of_one_address_share_a_fingerprint_that_reveals_no_identifier():
    fingerprints = Fingerprints(KEY)
    one = fingerprints.of(Customer("email", "Ann@Example.com"))
    assert one == fingerprints.of(Customer("email", "ann@example.com"))
    assert one != fingerprints.of(Customer("externalId", "ann@example.com"))
    assert len(one) == 24
    assert "ann" not in one


@given(mobiles, mobiles)
def test_two_customers_have_two_fingerprints(one, other):
    fingerprints = Fingerprints(KEY)
    assert (fingerprints.of(one) == fingerprints.of(other)) is (one == other)


@given(mobiles, keys, keys)
def test_without_the_key_no_digest_is_the_fingerprint(customer, key, other):
    made = Fingerprints(key).of(customer)
    assert (Fingerprints(other).of(customer) == made) is (key == other)
    assert made != blake2b(customer.canonical.encode(), digest_size=12).hexdigest()


@given(mobiles)
def test_a_fingerprint_does_not_begin_with_the_customers_digest_of_the_same_key(customer):
    digest = customer_digest(customer, KEY).to_bytes(8, "big", signed=True).hex()
    assert digest not in Fingerprints(KEY).of(customer)
