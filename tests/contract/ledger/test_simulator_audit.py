"""The comparison of the ledger with the simulator's record finds each kind of difference."""

from dataclasses import replace
from hashlib import blake2b

import pytest

from console.local.simulator_audit import Comparison, Issued, compare
from issuance.endpoint import Variant
from tests.contract.ledger.build import Desk, issue, judge, make_job


def audited(desk: Desk, **changes: object) -> Comparison:
    """Compare two issued lines with a record that differs from the truth in one line."""
    truth = {}
    for number in (1, 2):
        job = make_job(number, variant=Variant.CONNECTED)
        held, claimed = desk.take_one(job)
        desk.record(held, judge(claimed, issue(claimed)))
        line = desk.line(job)
        digest = blake2b(job.body, digest_size=8).hexdigest()
        truth[line.request_id] = Issued(1, frozenset(line.vouchers), "shop", 50_000, digest)
    truth[line.request_id] = replace(truth[line.request_id], **changes)
    return compare(desk.ledger, "diwali", truth)


def test_equal_books_agree(desk):
    books = audited(desk)
    assert (books.agree, books.wrong, books.compared) == (True, [], 2)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"units": 2}, "double"),
        ({"vouchers": frozenset({"another"})}, "lost"),
        ({"units": 0, "vouchers": frozenset()}, "invented"),
        ({"account": "air"}, "misplaced"),
        ({"org_id": 50_001}, "misplaced"),
        ({"body_digest": "00"}, "altered"),
        ({"differing_calls": 1}, "altered"),
    ],
)
def test_each_difference_is_found_and_named(desk, changes, found):
    books = audited(desk, **changes)
    assert [name for name in getattr(books, found) if name in books.wrong] != []
    assert not books.agree
    assert "red" in books.verdict()


def test_a_record_without_digests_is_compared_by_units(desk):
    assert audited(desk, body_digest="").agree
