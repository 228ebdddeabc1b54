"""Batches of a file in order: each is committed before it is reported, and none is left out."""

import pytest

from issuance.states import State
from ledger.intake.acceptance import open_intake
from producers.accepting import accept_in_turn
from producers.preparing import Prepared
from producers.source.unusable import UnusableFile
from tests.contract.ledger.build import make_jobs


def _batch(first):
    return Prepared(rows=2, jobs=make_jobs(2, first=first))


@pytest.fixture
def in_turn(desk):
    """Return the function that accepts batches."""
    intake_id = open_intake(desk.ledger, desk.campaign, "a.csv")
    return lambda batches: accept_in_turn(desk.ledger, desk.campaign, batches, intake_id)


def test_each_batch_is_committed_before_it_is_yielded_and_before_the_next_begins(desk, in_turn):
    seen = [desk.counts()[State.WAITING] for _ in in_turn([_batch(1), _batch(3), _batch(5)])]
    assert seen == [2, 4, 6]


def test_jobs_accepted_before_a_file_became_unusable_are_yielded_first(desk, in_turn):
    def batches():
        yield _batch(1)
        yield _batch(3)
        raise UnusableFile("it was changed", "send it again")

    counts = []
    with pytest.raises(UnusableFile, match="it was changed"):
        _note(in_turn(batches()), counts)
    assert counts == [2, 2]
    assert desk.counts() == {State.WAITING: 4}


def _note(accepted, counts):
    for each in accepted:
        counts.append(len(each.acceptance.accepted))  # must survive the error
