"""What a message's pattern takes out, and that it is stable."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from issuance.dead_letter_groups import PATTERN_MOST, group_digest, message_pattern


@pytest.mark.parametrize(
    ("message", "pattern"),
    [
        ("Reward is not found", "Reward is not found"),
        ("Reward 9999 is not found", "Reward [number] is not found"),
        ("no customer 919800000001", "no customer [number]"),
        ("no customer +91 98000-00001", "no customer [number]"),
        ("mail to ravi.k+x@mail.example.in failed", "mail to [email] failed"),
        ("mobile=919800000001 is blocked", "mobile=[number] is blocked"),
        ("voucher GOLD-12345678 is used up", "voucher [id] is used up"),
        ("request 2342e666-3f0a-4c1c-9c55-0f6a3a1c7b03 exists", "request [id] exists"),
        ("request 2342e6663f0a4c1c9c550f6a3a1c7b03 exists", "request [id] exists"),
        ("ends 2026-11-28T18:30:00Z", "ends [date]"),
        ("ends 2026-11-28 18:30:00.123+05:30", "ends [date]"),
        ("ends 28/11/2026 at 18:30", "ends [date] at [date]"),
        ("segment 'gold members' has no \"Ravi Kumar\"", "segment [text] has no [text]"),
        ("the customer's card isn't valid", "the customer's card isn't valid"),
        ("customer: Ravi is blocked", "customer: [text] is blocked"),
        ("points 1,200.50 of -300", "points [number] of [number]"),
        ("rewards 1, 2, 3 and 4 failed", "rewards [number] failed"),
        ("rewards 1, 2 failed", "rewards [number] failed"),
        ("hidden ****1652 here", "hidden [id] here"),
        ("  many\n blanks\t here ", "many blanks here"),
        ("HTTP 503 without a body", "HTTP [number] without a body"),
    ],
)
def test_a_pattern_has_no_ids_numbers_names_or_dates(message, pattern):
    assert message_pattern(message) == pattern


def test_a_pattern_hides_what_the_job_holds():
    assert message_pattern("no member ravi-kumar", ["Ravi-Kumar"]) == "no member [id]"


def test_a_long_message_is_cut():
    assert len(message_pattern("word " * 500)) <= PATTERN_MOST


_WORDS = st.sampled_from(
    ["reward", "is", "919800000001", "GOLD-1", "'", '"', "@", "a@b.c", "2026-11-28", "12:30", "[",
     "]", "[number]", "[id]", ",", ";", "and", "name:", "Ravi", "****12", "\u201c", "\u2028", "é5"]
)  # fmt: skip
_MESSAGES = st.one_of(
    st.text(max_size=400),
    st.lists(_WORDS, max_size=80).map(" ".join),
    st.lists(_WORDS, max_size=80).map("".join),
)


@given(_MESSAGES)
@example("x" * 195 + " 'ab")
def test_a_pattern_is_its_own_pattern(message):
    pattern = message_pattern(message)
    assert message_pattern(pattern) == pattern
    assert len(pattern) <= PATTERN_MOST


@given(_MESSAGES)
def test_a_pattern_holds_no_digit(message):
    assert not any(letter.isdecimal() for letter in message_pattern(message))


_CUSTOMERS = st.from_regex(r"9198\d{8}", fullmatch=True)
_VOUCHERS = st.from_regex(r"[A-Z]{4}-\d{8}", fullmatch=True)


@given(first=st.tuples(_CUSTOMERS, _VOUCHERS), second=st.tuples(_CUSTOMERS, _VOUCHERS))
def test_customers_and_vouchers_do_not_separate_groups(first, second):
    one, other = (
        message_pattern(
            f"voucher {voucher} of {customer} failed on 2026-11-28", [customer, voucher]
        )
        for customer, voucher in (first, second)
    )
    assert one == other


def test_reason_code_and_pattern_separate_groups():
    digests = {
        group_digest(reason, code, pattern)
        for reason in ("failed", "limit")
        for code in (None, 8003, 8004)
        for pattern in ("a", "b")
    }
    assert len(digests) == 12
    assert len(digests.pop()) == 16
