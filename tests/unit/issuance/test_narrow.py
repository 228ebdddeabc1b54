"""A narrowed job equals a job that was frozen from its remaining lines alone."""

import pytest

from issuance.customer import Customer
from issuance.endpoint import Variant
from issuance.job import Job, Lane, Line, freeze_body
from issuance.redrive.narrow import narrow, narrow_body

MOBILE = Customer("mobile", "919800000001")
A = Line("r-a", 1001, quantity=2, org_id=7, source_line=2)
B = Line(
    "r-b",
    1002,
    org_id=8,
    fields={"paymentConfig": {"id": 55, "redemptionValue": 12.5}, "customFields": {"shop": "é"}},
    source_line=5,
)
C = Line("r-c", 1003, org_id=8, source_line=9)


def freeze(variant, *lines):
    return freeze_body(
        variant,
        MOBILE,
        lines,
        brand="DEMO",
        email_key="email",
        fields={"eventLogId": "e"},
        org_fields={"notes": "n"},
    )


def make(variant, *lines):
    return Job(
        MOBILE,
        lines,
        variant,
        freeze(variant, *lines),
        Lane.BLAST,
        source_line=lines[0].source_line,
    )


@pytest.mark.parametrize("variant", [Variant.BULK, Variant.CONNECTED])
@pytest.mark.parametrize("kept", [(A,), (B,), (C,), (A, C), (B, C)])
def test_a_narrowed_job_equals_one_frozen_from_its_lines_alone(variant, kept):
    job = narrow(make(variant, A, B, C), {line.request_id for line in kept})
    assert job == make(variant, *kept)
    assert job.source_line == kept[0].source_line


def test_a_job_that_keeps_all_its_lines_is_the_same_job():
    job = make(Variant.BULK, A, B)
    assert narrow(job, {"r-a", "r-b", "r-x"}) is job


def test_a_job_without_a_line_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        narrow(make(Variant.BULK, A), {"r-x"})


def test_a_single_body_has_only_one_line_to_keep():
    body = freeze(Variant.SINGLE, Line("r-a", 1001))
    assert narrow_body(Variant.SINGLE, body, {"r-a"}) is body
