"""Occurrences: the number of each row among those of the same customer and reward."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from issuance.customer import Customer
from producers.occurrences import Occurrences

CUSTOMERS = st.sampled_from(["919800000001", "919800000002", "919800000003"])


@given(st.lists(st.tuples(CUSTOMERS, st.sampled_from([1001, 1002]))))
def test_rows_of_one_customer_and_reward_are_numbered_in_order_and_name_the_first(rows):
    seen: Counter[tuple[str, int]] = Counter()
    with Occurrences() as occurrences:
        for line, (mobile, reward_id) in enumerate(rows, start=2):
            occurrence = occurrences.count(Customer("mobile", mobile), reward_id, line)
            seen[mobile, reward_id] += 1
            assert occurrence.number == seen[mobile, reward_id]
            assert occurrence.first_line == rows.index((mobile, reward_id)) + 2


def test_the_case_of_an_email_does_not_make_another_customer():
    with Occurrences() as occurrences:
        occurrences.count(Customer("email", "A@example.test"), 1001, 2)
        assert occurrences.count(Customer("email", "a@example.test"), 1001, 3) == (2, 2)


def test_the_same_value_of_another_kind_is_another_customer():
    with Occurrences() as occurrences:
        occurrences.count(Customer("mobile", "919800000001"), 1001, 2)
        assert occurrences.count(Customer("externalId", "919800000001"), 1001, 3) == (1, 3)


def test_the_hashes_on_disk_differ_from_file_to_file():
    # Without a key, a person who reads the temporary file could try all mobiles.
    found = set()
    for _ in range(2):
        with Occurrences() as occurrences:
            occurrences.count(Customer("mobile", "919800000001"), 1001, 2)
            found.add(occurrences._database.execute("SELECT hash FROM seen").fetchone())
    assert len(found) == 2
