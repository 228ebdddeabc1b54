"""What a handler accepts of a message on the dead-letter queue, also of a foreign client."""

import pytest

from ledger.dead_letters.outbox import LetterRange
from worker.notices import MESSAGE_MOST, Notices

RANGE = LetterRange(1, "failed", 5, 9, since=1_700_000_000_000)


def test_a_message_is_read_as_it_was_written():
    for written in (
        Notices(letter_ids=(1, 2), ranges=(RANGE,)),
        Notices(letter_ids=(1,), budget_notices=(4, 5)),
    ):
        assert Notices.read(written.as_message()) == written


def test_an_earlier_version_reads_a_message_without_budgets():
    assert Notices(letter_ids=(1,)).as_message() == {"letter_ids": [1], "ranges": []}


def test_a_message_of_an_earlier_version_is_read():
    assert Notices.read({"letter_id": 7}) == Notices(letter_ids=(7,))


@pytest.mark.parametrize("letter_id", [None, True, "1", {"letter_id": 1}, 1.0, [1]])
def test_what_is_no_id_is_left_out(letter_id):
    assert Notices.read({"letter_id": letter_id, "letter_ids": [letter_id, 3]}) == Notices(
        letter_ids=(3,)
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"campaign_id": "1"},
        {"first_id": True},
        {"last_id": None},
        {"since": 1.5},
        {"reason": "<script>"},
        {"reason": ["failed"]},
        {"reason": None},
    ],
    ids=str,
)
def test_what_is_no_range_is_left_out(changes):
    message = {"ranges": [RANGE._asdict() | changes, RANGE._asdict(), "x", None]}
    assert Notices.read(message) == Notices(ranges=(RANGE,))


@pytest.mark.parametrize("value", ["text", 7, {"0": 1}, None])
def test_what_is_no_list_is_empty(value):
    assert Notices.read({"letter_ids": value, "ranges": value}) == Notices()


def test_an_incomplete_range_is_left_out_and_a_larger_one_is_cut():
    partly = {"campaign_id": 1, "reason": "failed"}
    assert Notices.read({"ranges": [partly, RANGE._asdict() | {"campaign": "mine"}]}) == Notices(
        ranges=(RANGE,)
    )


def test_a_message_is_bounded():
    many = [*range(10_000)]
    message = {"letter_ids": many, "ranges": [RANGE._asdict()] * 10_000, "budget_notices": many}
    read = Notices.read(message)
    assert (len(read.letter_ids), len(read.ranges)) == (MESSAGE_MOST, MESSAGE_MOST)
    assert len(read.budget_notices) == MESSAGE_MOST
