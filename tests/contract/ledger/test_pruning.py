"""Pruning removes old settled jobs, but no open dead letter, count or requestId."""

from hashlib import blake2b
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from issuance.endpoint import Variant
from issuance.redrive.narrow import narrow
from issuance.redrive.rules import Verb
from issuance.states import State
from ledger.audit_log import actions_on
from ledger.intake.acceptance import accept, open_intake
from ledger.queries.balance import balance
from ledger.queries.outcomes import find_line
from ledger.retention import pruning
from ledger.retention.pruning import compact, prune, record_pruning
from ledger.retention.tombstones import pruned_state
from ledger.store.schema import attempts, dead_letters, jobs, lines, tombstones
from tests.contract.ledger.build import (
    OPERATOR,
    TIMEOUT,
    answer,
    issue,
    judge,
    make_job,
    make_jobs,
    refuse,
    say,
)

_MONTH = 30 * 86_400


@pytest.fixture
def old(desk):
    """Make everything in the ledger two months older."""

    def age():
        with desk.ledger.write() as connection:
            back = 2 * _MONTH * 1000
            connection.execute(
                update(jobs).values(
                    accepted_at=jobs.c.accepted_at - back, settled_at=jobs.c.settled_at - back
                )
            )

    return age


@pytest.fixture(autouse=True)
def small_pages(monkeypatch):
    monkeypatch.setattr(pruning, "_PAGE_OF", pruning._PAGE_OF.limit(7))


def _issue_all(desk, *batch):
    desk.accept(*batch)
    held = desk.take()
    desk.record(held, *(judge(job, issue(job)) for job in held.jobs))


def _prune(desk, **options):
    """Prune what is a month old; add a job first, because the newest one is always kept."""
    desk.accept(make_job(9999))
    pages = list(prune(desk.ledger, older_than_seconds=_MONTH, **options))
    return (
        sum(page.jobs for page in pages),
        sum(page.lines for page in pages),
        sum(page.kept for page in pages),
    )


def _rows(desk):
    with desk.ledger.read() as connection:
        return [
            connection.scalar(select(func.count()).select_from(table))
            for table in (jobs, lines, attempts)
        ]


def test_old_settled_jobs_are_removed_with_their_rows_and_young_ones_stay(desk, old):
    _issue_all(desk, *make_jobs(20))
    old()
    _issue_all(desk, *make_jobs(3, first=50))
    assert _prune(desk) == (20, 20, 0)
    assert _rows(desk) == [4, 4, 3]


def test_a_job_that_was_accepted_long_ago_and_settled_yesterday_stays(desk, old):
    desk.accept(make_job(1))
    old()
    held = desk.take()
    desk.record(held, *(judge(job, issue(job)) for job in held.jobs))
    assert _prune(desk) == (0, 0, 0)


def test_unsettled_jobs_stay_at_any_age(desk, old):
    desk.accept(*make_jobs(3))
    old()
    assert _prune(desk) == (0, 0, 0)


def test_the_balance_adds_up_and_says_how_many_were_pruned(desk, old):
    _issue_all(desk, *make_jobs(9))
    desk.settle(make_job(20), refuse())
    desk.discard()
    desk.settle(make_job(21), TIMEOUT)
    desk.discard()
    desk.settle(make_job(22), refuse())
    desk.discard()
    old()
    before = desk.counts()
    _prune(desk)
    found = balance(desk.ledger, "diwali")
    assert desk.counts() == before | {State.WAITING: 1}
    assert (found.balanced, found.pruned) == (True, 11)  # the newest letter stays, and its job


def test_a_dead_letter_that_is_open_keeps_its_job_and_is_counted(desk, old):
    failed = desk.settle(make_job(1), refuse())
    desk.settle(make_job(2), TIMEOUT)
    old()
    assert _prune(desk) == (0, 0, 2)
    assert len(desk.letters(state="open")) == 2
    assert desk.redrive(Verb.REISSUE, ids=(desk.letters()[0].id,)).reissued
    assert desk.state(failed) is State.FAILED


def test_a_reissued_dead_letter_is_removed_and_its_successor_can_be_redriven(desk, old):
    desk.settle(make_job(1), refuse())
    desk.redrive(Verb.REISSUE)
    held = desk.take()
    desk.record(held, *(judge(job, refuse()) for job in held.jobs))
    old()
    assert _prune(desk) == (1, 1, 1)
    (letter,) = desk.letters()
    assert (letter.state, len(desk.redrive(Verb.REISSUE).done)) == ("open", 1)


def test_a_job_whose_dead_letter_is_being_resent_stays(desk, old):
    desk.settle(make_job(1), TIMEOUT)
    desk.redrive(Verb.RESEND)
    old()
    assert _prune(desk) == (0, 0, 0)


@pytest.mark.parametrize("variant", list(Variant))
def test_a_repeated_pruned_request_is_known_and_adds_nothing(desk, old, variant):
    batch = make_jobs(5, variant=variant)
    _issue_all(desk, *batch)
    old()
    _prune(desk)
    again = desk.accept(*batch, intake_id=open_intake(desk.ledger, desk.campaign, "again.csv"))
    assert (len(again.accepted), len(again.known), again.conflicts) == (0, 5, [])
    assert [pruned_state(desk.ledger, job.id) for job in batch] == [State.ISSUED] * 5
    assert find_line(desk.ledger, batch[0].id) is None


def test_a_pruned_request_with_another_payload_or_campaign_is_refused_as_before(desk, old):
    _issue_all(desk, make_job(1), make_job(2, key="order-17"))
    old()
    _prune(desk)
    (changed,) = desk.accept(make_job(1, quantity=3)).conflicts
    (elsewhere,) = desk.another("holi").accept(make_job(2, key="order-17")).conflicts
    assert (changed.kind, elsewhere.kind) == ("changed", "changed")


def test_each_line_of_a_pruned_job_is_known_and_new_lines_are_accepted(desk, old):
    whole = make_job(1, rewards=(1001, 1002, 1003))
    _issue_all(desk, whole)
    old()
    _prune(desk)
    intake_id = open_intake(desk.ledger, desk.campaign, "again.csv")

    def again(*rewards):
        found = accept(
            desk.ledger,
            desk.campaign,
            [make_job(1, rewards=rewards)],
            intake_id=intake_id,
            line_by_line=True,
        )
        known = [line.reward_id for job in found.known for line in job.lines]
        new = [line.reward_id for job in found.accepted for line in job.lines]
        return known, new, [conflict.kind for conflict in found.conflicts]

    assert again(1001, 1002, 1003) == ([1001, 1002, 1003], [], [])
    assert again(1002) == ([1002], [], [])
    assert again(1001, 1004) == ([1001], [1004], [])


@pytest.mark.parametrize("rewards", [(1001,), (1001, 1002, 1003)])
def test_a_pruned_keyed_request_with_fewer_or_more_rewards_is_refused_as_before(desk, old, rewards):
    _issue_all(desk, make_job(1, key="order-17", rewards=(1001, 1002)))
    old()
    _prune(desk)
    assert len(desk.accept(make_job(1, key="order-17", rewards=(1001, 1002))).known) == 1
    assert [
        conflict.kind
        for conflict in desk.accept(make_job(1, key="order-17", rewards=rewards)).conflicts
    ] == ["changed"]


def test_numbers_of_pruned_jobs_and_dead_letters_are_never_reused(desk, old):
    claimed = desk.settle(make_job(1), refuse())
    desk.discard()
    letter = desk.letter()
    old()
    assert next(prune(desk.ledger, older_than_seconds=_MONTH)).jobs == 0
    desk.settle(make_job(2), refuse())
    assert _prune(desk)[0] == 1
    assert desk.row(make_job(9999).id).number > claimed.number
    assert desk.letter().id > letter.id


def test_every_job_is_archived_whole_before_its_removal_and_stays_if_that_fails(desk, old):
    _issue_all(desk, *make_jobs(10, rewards=(1001, 1002)))
    old()
    kept = []

    def keep(gone):
        assert find_line(desk.ledger, gone[0].job["id"]) is not None
        if kept:
            raise OSError("disk full")
        kept.extend(gone)

    with pytest.raises(OSError, match="disk full"):
        _prune(desk, archive=keep)
    assert [pruned.job["id"] for pruned in kept] == [job.id for job in make_jobs(7)]
    assert {(pruned.campaign, len(pruned.lines), len(pruned.attempts)) for pruned in kept} == {
        ("diwali", 2, 1)
    }
    assert _rows(desk)[0] == 4
    assert balance(desk.ledger, "diwali").pruned == 14


def test_a_dry_run_counts_the_same_and_removes_nothing(desk, old):
    _issue_all(desk, *make_jobs(10))
    desk.settle(make_job(30), refuse())
    old()
    assert _prune(desk, dry_run=True) == (10, 10, 1)
    assert _prune(desk) == (10, 10, 1)
    assert _prune(desk, dry_run=True) == (0, 0, 1)


def test_a_result_for_a_job_that_was_pruned_meanwhile_is_dropped_and_the_rest_recorded(desk, old):
    desk.accept(*make_jobs(2))
    slept = desk.take()
    desk.record(slept, judge(slept.jobs[0], issue(slept.jobs[0])))
    old()
    assert _prune(desk)[0] == 1
    late = [judge(job, issue(job)) for job in slept.jobs]
    assert desk.record(slept, *late) is False
    assert desk.state(slept.jobs[1]) is State.ISSUED
    assert balance(desk.ledger, "diwali").balanced


def test_concurrent_prunings_and_a_producer_remove_once_and_accept_nothing_twice(
    desk, old, at_once
):
    batch = make_jobs(60)
    _issue_all(desk, *batch)
    old()
    desk.accept(make_job(9999))

    def go():
        return sum(page.jobs for page in prune(desk.ledger, older_than_seconds=_MONTH))

    def again():
        intake_id = open_intake(desk.ledger, desk.campaign, "again.csv")
        return [len(desk.accept(*batch, intake_id=intake_id).accepted) for _ in range(5)]

    first, second, *accepted = at_once(go, go, again, again)
    # A job that the other run has locked is left to the next run.
    assert (
        first + second + sum(page.jobs for page in prune(desk.ledger, older_than_seconds=_MONTH))
        == 60
    )
    assert accepted == [[0] * 5] * 2
    assert desk.counts() == {State.ISSUED: 60, State.WAITING: 1}


def test_a_pruned_partial_line_is_still_counted_as_partial(desk, old):
    desk.accept(make_job(1, quantity=2))
    held = desk.take()
    job = held.jobs[0]
    desk.record(held, judge(job, answer(say(job.lines[0], 8010, units=1))))
    desk.discard()
    desk.settle(make_job(2), refuse())  # a newer letter
    old()
    assert _prune(desk) == (1, 1, 1)
    assert desk.counts()[State.PARTIAL] == 1


def test_a_compacted_ledger_is_complete_and_works(desk, old):
    _issue_all(desk, *make_jobs(30))
    old()
    _prune(desk)
    compact(desk.ledger)
    assert desk.counts() == {State.ISSUED: 30, State.WAITING: 1}
    _issue_all(desk, make_job(31))


def test_pruning_is_recorded_with_its_operator(desk, old):
    _issue_all(desk, *make_jobs(20))
    old()
    assert len(list(prune(desk.ledger, older_than_seconds=_MONTH, operator=OPERATOR))) > 1
    record_pruning(desk.ledger, OPERATOR, "19 jobs")
    *_, begun, ended = actions_on(desk.ledger, "ledger")
    assert (begun.subject, begun.verb, begun.reason) == ("asha", "prune", "ticket 42")
    assert (ended.subject, ended.verb, ended.after) == ("asha", "pruned", "19 jobs")


def test_a_pruning_that_removes_nothing_is_not_recorded(desk):
    before = actions_on(desk.ledger, "ledger")
    assert list(prune(desk.ledger, older_than_seconds=0, operator=OPERATOR)) == []
    assert actions_on(desk.ledger, "ledger") == before


def test_dead_letters_and_jobs_stay_together(desk, old):
    for number in range(1, 6):
        desk.settle(make_job(number), refuse())
    desk.discard(ids=tuple(letter.id for letter in desk.letters()[:3]))
    old()
    assert _prune(desk) == (3, 3, 2)
    with desk.ledger.read() as connection:
        orphans = select(func.count()).where(
            dead_letters.c.job_number.not_in(select(jobs.c.number))
        )
        assert connection.scalar(orphans) == 0


def _digests(desk):
    with desk.ledger.read() as connection:
        rows = connection.execute(select(tombstones.c.line_digest, tombstones.c.body_digest))
        return [bytes(digest) for row in rows for digest in row if digest is not None]


def test_a_tombstones_digests_cannot_be_made_without_the_key(desk, old):
    batch = [make_job(1), make_job(2, rewards=(1001, 1002))]
    _issue_all(desk, *batch)
    old()
    _prune(desk)
    digests = _digests(desk)
    assert {len(digest) for digest in digests} == {15}
    assert len(digests) == 1 + 2 * 2
    for job in batch:
        bodies = [job.body, *(narrow(job, {line.request_id}).body for line in job.lines)]
        guessed = [blake2b(body, digest_size=size).digest() for body in bodies for size in (15, 16)]
        assert not set(guessed) & set(digests)


@pytest.mark.parametrize("rewards", [(1001,), (1001, 1002)])
def test_the_tombstones_of_earlier_versions_are_still_recognised(desk, old, rewards):
    job = make_job(1, rewards=rewards)
    _issue_all(desk, job)
    old()
    _prune(desk)
    whole = blake2b(job.body, digest_size=16).digest()
    with desk.ledger.write() as connection:
        for line in job.lines:
            alone = narrow(job, {line.request_id}).body
            connection.execute(
                update(tombstones)
                .where(tombstones.c.request_id == UUID(line.request_id).bytes)
                .values(
                    line_digest=blake2b(alone, digest_size=16).digest(),
                    body_digest=whole if len(rewards) > 1 else None,
                )
            )
    assert desk.accept(job).known == [job]
    for line in job.lines:
        part = narrow(job, {line.request_id})
        again = accept(desk.ledger, desk.campaign, [part], line_by_line=True)
        assert (again.known, again.accepted) == ([part], [])
    changed = make_job(1, rewards=rewards, notes="another")
    assert [found.kind for found in desk.accept(changed).conflicts] == ["changed"]
