"""The digest by which a customer's jobs are found."""

from hashlib import blake2b

from issuance.customer import Customer
from issuance.customer_digest import customer_digest

_KEY, _OTHER_KEY = bytes(range(32)), bytes(32)


def _digest(text, key=_KEY):
    return customer_digest(Customer.parse(text), key)


def test_a_customer_has_the_same_digest_in_every_spelling():
    assert _digest("email:Asha@Example.COM") == _digest("email:asha@example.com")
    assert _digest("email:a@xn--mnchen-3ya.example") == _digest("email:a@münchen.example")


def test_customers_kinds_and_keys_give_different_digests():
    texts = ("mobile:919800000001", "mobile:919800000002", "externalId:919800000001")
    found = [_digest(text) for text in texts] + [_digest(texts[0], _OTHER_KEY)]
    assert len(set(found)) == 4


def test_a_digest_fits_into_a_signed_column_of_64_bits_and_uses_both_signs():
    found = [_digest(f"mobile:91980000{number:04}") for number in range(200)]
    assert all(-(2**63) <= digest < 2**63 for digest in found)
    assert min(found) < 0 < max(found)
    assert len(set(found)) == 200


def test_the_digest_is_no_part_of_the_keyed_digest_without_a_purpose():
    plain = blake2b(b"mobile:919800000001", digest_size=8, key=_KEY).digest()
    assert _digest("mobile:919800000001") != int.from_bytes(plain, "big", signed=True)


def test_a_digest_never_changes_because_ledgers_keep_it():
    assert _digest("mobile:919800000001") == 6_098_511_666_116_048_794
