"""A customer is one identifier in one spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuance.customer import ERASED, Customer

customers = st.builds(
    Customer, st.sampled_from(["mobile", "email", "externalId"]), st.text(min_size=1)
)


@given(customers)
def test_a_written_customer_is_read_back(customer):
    assert Customer.parse(str(customer)) == customer


@pytest.mark.parametrize("text", ["", "mobile", "mobile:", "fax:1", ":1", "Mobile:1"])
def test_an_invalid_customer_is_refused_with_a_remedy(text):
    with pytest.raises(ValueError, match="kind:value, with kind mobile, email or externalId"):
        Customer.parse(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann@b\u00fccher.example", "Ann@xn--bcher-kva.example"),
        ("ann@\u4f8b\u5b50.example", "ann@XN--FSQU00A.example"),
    ],
)
def test_both_forms_of_an_international_domain_are_one_customer(one, other):
    assert Customer("email", one).canonical == Customer("email", other).canonical


def test_a_domain_that_encodes_nothing_is_taken_as_it_is():
    assert Customer("email", "a@xn--\u00e9.example").canonical == "email:a@xn--\u00e9.example"


def test_an_erased_customer_is_read_back_as_one_and_equals_no_other():
    assert Customer.parse(str(ERASED)) == ERASED
    assert ERASED.is_erased
    assert not Customer("mobile", "919800000001").is_erased
    assert ERASED.canonical not in {f"{kind}:*" for kind in ("mobile", "email", "externalId")}
