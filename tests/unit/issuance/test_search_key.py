"""Digests of vouchers and transactions, and the blocks in which they are kept."""

import pytest

from issuance.search_key import SearchDigests, block_of

KEY = b"k" * 32


def test_a_digest_depends_on_the_key_and_on_what_it_is_of():
    digests = SearchDigests(KEY)
    assert digests.of_voucher("GOLD-1") == SearchDigests(KEY).of_voucher("gold-1")
    assert digests.of_voucher("GOLD-1") != SearchDigests(b"j" * 32).of_voucher("GOLD-1")
    assert digests.of_voucher("GOLD-1") != digests.of_transaction("GOLD-1")
    assert digests.of_voucher("GOLD-1") != digests.of_voucher("GOLD-2")


@pytest.mark.parametrize("text", ["a", "é\ud800", "9" * 18, "9" * 19, "", "٣"])
def test_a_digest_fits_into_64_bits_whatever_the_text(text):
    digests = SearchDigests(KEY)
    for digest in (digests.of_voucher(text), digests.of_transaction(text)):
        assert -(2**63) <= digest < 2**63


def test_a_transactions_number_is_its_own_digest():
    assert SearchDigests(KEY).of_transaction("300101") == 300101


def test_jobs_that_are_accepted_together_share_a_block():
    assert [block_of(number) for number in (0, 8_191, 8_192)] == [0, 0, 1]
