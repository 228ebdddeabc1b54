"""A customer is one identifier, written one way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuance.customer import Customer

customers = st.builds(
    Customer, st.sampled_from(["mobile", "email", "externalId"]), st.text(min_size=1)
)


@given(customers)
def test_what_is_written_is_read_back(customer):
    assert Customer.parse(str(customer)) == customer


@pytest.mark.parametrize("text", ["", "mobile", "mobile:", "fax:1", ":1", "Mobile:1"])
def test_what_is_no_customer_is_refused_with_the_remedy(text):
    with pytest.raises(ValueError, match="kind:value, with kind mobile, email or externalId"):
        Customer.parse(text)


def test_the_fingerprint_is_one_for_spellings_of_one_address_and_shows_no_identifier():
    one, other = Customer("email", "Ann@Example.com"), Customer("email", "ann@example.com")
    assert one.fingerprint == other.fingerprint
    assert one.fingerprint != Customer("externalId", "ann@example.com").fingerprint
    assert len(one.fingerprint) == 24
    assert "ann" not in one.fingerprint
