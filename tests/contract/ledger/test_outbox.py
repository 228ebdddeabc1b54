"""The outbox: each opening of a dead letter is published, until its notice is delivered."""

import pytest
from sqlalchemy import select, update

from issuance.redrive.rules import Verb
from ledger.dead_letters.outbox import (
    LetterRange,
    find_events,
    mark_published,
    return_letters,
    return_ranges,
    summarise,
    unpublished,
)
from ledger.store.schema import dead_letters
from tests.contract.ledger.build import TIMEOUT, judge, make_job, make_jobs, refuse

ALL = 2**40


def _fail(desk, count, code=1014, first=1, **options):
    """Open the dead letters of this many jobs; return them."""
    desk.accept(*make_jobs(count, first=first, **options))
    held = desk.take()
    desk.record(held, *(judge(job, refuse(code)) for job in held.jobs))
    return unpublished(desk.ledger)


def _range(letters, **changes):
    first, last = letters[0], letters[-1]
    named = LetterRange(
        first.campaign_id, first.reason, first.letter_id, last.letter_id, since=first.read_at
    )
    return named._replace(**changes)


def test_a_dead_letter_is_published_once_for_each_opening(desk):
    claimed = desk.settle(make_job(), TIMEOUT)
    first = unpublished(desk.ledger)
    (event,) = find_events(desk.ledger, [first[0].letter_id])
    assert (event.job_id, event.campaign, event.reason, event.code, event.opening) == (
        claimed.id,
        "diwali",
        "in_doubt",
        None,
        1,
    )
    mark_published(desk.ledger, first)
    assert unpublished(desk.ledger) == []
    desk.redrive(Verb.RESEND)
    held, again = desk.take_one()
    desk.record(held, judge(again, refuse()))
    (letter,) = unpublished(desk.ledger)
    assert (letter.letter_id, letter.reason, letter.opening) == (event.letter_id, "failed", 2)


def test_a_dead_letter_opened_again_during_publishing_stays_unpublished(desk):
    desk.settle(make_job(), TIMEOUT)
    first = unpublished(desk.ledger)
    desk.redrive(Verb.RESEND)
    held, again = desk.take_one()
    desk.record(held, judge(again, refuse()))
    mark_published(desk.ledger, first)
    second = unpublished(desk.ledger)
    assert [letter.opening for letter in second] == [2]
    mark_published(desk.ledger, second)
    assert unpublished(desk.ledger) == []


def test_dead_letters_are_read_oldest_first_up_to_the_limit(desk):
    letters = _fail(desk, 3)
    assert [letter.letter_id for letter in letters] == sorted(
        letter.letter_id for letter in letters
    )
    assert unpublished(desk.ledger, limit=2)[1].letter_id == letters[1].letter_id


def test_thousands_of_dead_letters_are_marked_in_several_transactions(desk):
    _fail(desk, 600)
    mark_published(desk.ledger, _fail(desk, 401, first=601))
    assert unpublished(desk.ledger) == []


def test_a_returned_letter_is_published_again(desk):
    letters = _fail(desk, 2)
    mark_published(desk.ledger, letters)
    (event,) = find_events(desk.ledger, [letters[0].letter_id])
    return_letters(desk.ledger, [event])
    again = unpublished(desk.ledger)
    assert [letter.letter_id for letter in again] == [event.letter_id]
    mark_published(desk.ledger, again)
    assert unpublished(desk.ledger) == []


def test_a_letter_returned_before_its_publishing_is_recorded_stays_unpublished(desk):
    letters = _fail(desk, 2)
    return_letters(desk.ledger, find_events(desk.ledger, [letters[0].letter_id]))
    mark_published(desk.ledger, letters)  # the handler was faster
    assert [letter.letter_id for letter in unpublished(desk.ledger)] == [letters[0].letter_id]


def test_a_range_returned_before_its_publishing_is_recorded_stays_unpublished(desk):
    letters = _fail(desk, 3)
    return_ranges(desk.ledger, [_range(letters)])
    mark_published(desk.ledger, letters)
    assert len(unpublished(desk.ledger)) == 3


def test_a_letter_of_an_earlier_opening_is_not_returned(desk):
    desk.settle(make_job(), TIMEOUT)
    first = find_events(desk.ledger, [unpublished(desk.ledger)[0].letter_id])
    desk.redrive(Verb.RESEND)
    held, again = desk.take_one()
    desk.record(held, judge(again, refuse()))
    mark_published(desk.ledger, unpublished(desk.ledger))
    return_letters(desk.ledger, first)
    assert unpublished(desk.ledger) == []


def test_a_summary_counts_the_letters_of_its_campaign_reason_and_range(desk):
    other = desk.another("holi")
    other.settle(make_job(50, campaign="holi"), refuse())
    _fail(desk, 3)
    _fail(desk, 2, code=8003, first=10)
    desk.settle(make_job(20), TIMEOUT)  # another reason
    letters = [
        letter
        for letter in unpublished(desk.ledger)
        if (letter.campaign_id, letter.reason) == (desk.campaign.id, "failed")
    ]
    found = summarise(desk.ledger, _range(letters))
    assert (found.campaign, found.reason, found.count) == ("diwali", "failed", 5)
    assert (found.first_id, found.last_id) == (letters[0].letter_id, letters[-1].letter_id)
    assert found.codes == ((1014, 3), (8003, 2))
    assert summarise(desk.ledger, _range(letters[1:4])).count == 3


def test_a_summary_leaves_out_letters_that_had_a_notice_of_their_own(desk):
    letters = _fail(desk, 5)
    mark_published(desk.ledger, letters[1:2])
    with desk.ledger.write() as connection:
        connection.execute(
            update(dead_letters)
            .where(dead_letters.c.published_at.is_not(None))
            .values(published_at=letters[0].read_at - 1)
        )
    named = _range(letters)
    assert summarise(desk.ledger, named).count == 4
    mark_published(desk.ledger, [letters[0], *letters[2:]])
    assert summarise(desk.ledger, named).count == 4
    return_ranges(desk.ledger, [named])
    assert len(unpublished(desk.ledger)) == 4


def test_a_summary_shows_the_ten_most_frequent_codes(desk):
    for code in range(12):
        _fail(desk, 12 - code, code=8100 + code, first=1 + 12 * code)
    groups = {(letter.campaign_id, letter.reason) for letter in unpublished(desk.ledger)}
    (_, reason) = groups.pop()
    named = LetterRange(desk.campaign.id, reason, first_id=0, last_id=ALL, since=0)
    found = summarise(desk.ledger, named)
    assert found.count == sum(range(1, 13))
    assert found.codes == tuple((8100 + code, 12 - code) for code in range(10))


@pytest.mark.parametrize(
    "changes",
    [
        {"campaign_id": 7_000},
        {"reason": "partial"},
        {"first_id": ALL},
        {"last_id": 0},
        {"since": ALL * 8},
        {"campaign_id": -1},
        {"first_id": 2**70},
        {"last_id": 2**63},
        {"since": -5},
    ],
    ids=str,
)
def test_a_summary_that_names_no_letter_says_and_changes_nothing(desk, changes):
    letters = _fail(desk, 2)
    mark_published(desk.ledger, letters)
    named = _range(letters, **changes)
    assert summarise(desk.ledger, named) is None
    return_ranges(desk.ledger, [named])
    assert unpublished(desk.ledger) == []


def test_only_the_events_of_known_letters_are_found(desk):
    (letter,) = _fail(desk, 1)
    ids = [0, -1, letter.letter_id, 7_000, 2**63, 2**70]
    assert [event.letter_id for event in find_events(desk.ledger, ids)] == [letter.letter_id]
    assert find_events(desk.ledger, [0, 2**63]) == []


def test_returning_a_letter_changes_only_the_outbox(desk):
    letters = _fail(desk, 1)
    query = select(dead_letters.c.opened_at, dead_letters.c.changed_at, dead_letters.c.openings)
    with desk.ledger.read() as connection:
        before = connection.execute(query).one()
    return_letters(desk.ledger, find_events(desk.ledger, [letters[0].letter_id]))
    with desk.ledger.read() as connection:
        after = connection.execute(query).one()
    assert after.openings == before.openings
    assert after.changed_at == before.changed_at
    assert 0 <= after.opened_at - before.opened_at <= 1  # its version
