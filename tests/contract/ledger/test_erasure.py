"""Erasing a customer overwrites what names the customer, and nothing that counts depend on."""

import pytest
from sqlalchemy import create_engine, event, select, text

from issuance.customer import ERASED
from issuance.endpoint import Variant
from issuance.redrive.rules import Verb
from issuance.states import State
from ledger.audit_log import actions_on
from ledger.dead_letters.browse import show_dead_letter
from ledger.intake.acceptance import accept, open_intake
from ledger.queries.balance import balance
from ledger.queries.bodies import frozen_bodies
from ledger.queries.customers import customer_lines
from ledger.queries.outcomes import find_line, outcomes
from ledger.retention import erasure
from ledger.retention.erasure import Erased, NotErasableError, erase, plan_erasure
from ledger.retention.pruning import prune
from ledger.revocations import RevocationError, plan_revocation
from ledger.store.dialects import sqlite
from ledger.store.schema import attempts, dead_letters, jobs, lines
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
from tests.e2e.postgres_tools import run_tool

_VOUCHER = "WINTER-77-GIFT"


def _erase(desk, number=1):
    done = list(erase(desk.ledger, make_job(number).customer, OPERATOR))
    return (sum(each.jobs for each in done), sum(each.lines for each in done))


def _issue(desk, job):
    """Settle a job by an answer that has a voucher."""
    held, claimed = desk.take_one(job)
    reply = answer(*(say(line, vouchers=[_VOUCHER]) for line in claimed.lines))
    desk.record(held, judge(claimed, reply))
    return claimed


def _everything(ledger):
    """Return all that the ledger's tables hold, as one text."""
    with ledger.read() as connection:
        return repr(
            [
                [tuple(row) for row in connection.execute(select(table))]
                for table in (jobs, lines, attempts, dead_letters)
            ]
        )


def test_nothing_that_names_the_customer_is_left_and_counts_stay(desk):
    _issue(desk, make_job(1, notes="for 919800000001"))
    desk.settle(make_job(1, occurrence=2), refuse(message="919800000001 is no customer"))
    desk.settle(make_job(1, occurrence=3), TIMEOUT)
    _issue(desk, make_job(2))
    before = desk.counts()
    assert _erase(desk) == (3, 3)
    assert "919800000001" not in _everything(desk.ledger)
    assert _everything(desk.ledger).count(_VOUCHER) == 1  # the other customer's
    assert desk.counts() == before
    assert customer_lines(desk.ledger, make_job(1).customer, limit=10).total == 0
    assert desk.row(make_job(1).id).customer_digest is None
    assert find_line(desk.ledger, make_job(2).id).customer == make_job(2).customer


def test_the_audit_log_has_the_act_without_the_identifier(desk):
    _issue(desk, make_job(1, rewards=(7, 8)))
    _erase(desk)
    (action,) = actions_on(desk.ledger, "customer")
    assert (action.subject, action.verb) == ("asha", "erase")
    assert (action.reason, action.after) == ("ticket 42", "jobs: 1, lines: 2")


@pytest.mark.parametrize("state", ["waiting", "queued", "running"])
def test_a_customer_with_an_unsettled_line_is_refused_and_the_line_is_named(desk, state):
    _issue(desk, make_job(1))
    desk.another("holi").accept(make_job(1, campaign="holi"))
    if state != "waiting":
        (chunk,) = desk.release()
    if state == "running":
        desk.claim(chunk)
    before = _everything(desk.ledger)
    for attempt in (lambda: plan_erasure(desk.ledger, make_job(1).customer), lambda: _erase(desk)):
        with pytest.raises(NotErasableError, match=make_job(1, campaign="holi").id):
            attempt()
    assert _everything(desk.ledger) == before


def test_a_customer_with_very_many_jobs_is_erased_in_several_transactions(desk, monkeypatch):
    monkeypatch.setattr(erasure, "_JOBS_AT_ONCE", 3)
    desk.accept(*(make_job(1, occurrence=each, source_line=each) for each in range(1, 9)))
    held = desk.take()
    desk.record(held, *(judge(job, issue(job)) for job in held.jobs))
    assert plan_erasure(desk.ledger, make_job(1).customer) == Erased(8, 8, 0)
    done = list(erase(desk.ledger, make_job(1).customer, OPERATOR))
    assert [each.jobs for each in done] == [3, 3, 2]
    assert len(actions_on(desk.ledger, "customer")) == 3


def test_an_erasure_stops_at_a_line_that_became_open_meanwhile_and_can_be_run_again(
    desk, monkeypatch
):
    monkeypatch.setattr(erasure, "_JOBS_AT_ONCE", 1)
    _issue(desk, make_job(1))
    desk.settle(make_job(1, occurrence=2), TIMEOUT)
    running = erase(desk.ledger, make_job(1).customer, OPERATOR)
    next(running)
    desk.redrive(Verb.RESEND)
    with pytest.raises(NotErasableError, match=make_job(1, occurrence=2).id):
        next(running)
    held = desk.take()
    desk.record(held, *(judge(job, issue(job)) for job in held.jobs))
    assert _erase(desk) == (1, 1)


@pytest.mark.parametrize("variant", list(Variant))
def test_a_file_that_is_read_again_adds_nothing(desk, variant):
    rewards = (7,) if variant.endpoint.max_lines == 1 else (7, 8)
    _issue(desk, make_job(1, rewards=rewards, variant=variant))
    _erase(desk)
    intake = open_intake(desk.ledger, desk.campaign, "again.csv")
    found = accept(
        desk.ledger,
        desk.campaign,
        [make_job(1, rewards=rewards, variant=variant)],
        intake_id=intake,
        line_by_line=True,
    )
    assert (found.accepted, found.conflicts) == ([], [])
    assert sum(len(job.lines) for job in found.known) == len(rewards)


@pytest.mark.parametrize("pruned", [False, True])
def test_of_a_row_with_a_new_reward_only_that_is_accepted(desk, pruned):
    _issue(desk, make_job(1, rewards=(7, 8)))
    _erase(desk)
    if pruned:
        _prune_all(desk)
    intake = open_intake(desk.ledger, desk.campaign, "again.csv")
    found = accept(
        desk.ledger,
        desk.campaign,
        [make_job(1, rewards=(7, 9))],
        intake_id=intake,
        line_by_line=True,
    )
    assert [line.reward_id for job in found.accepted for line in job.lines] == [9]
    assert [line.reward_id for job in found.known for line in job.lines] == [7]


def test_a_changed_quantity_is_refused_and_a_changed_field_is_not_seen_any_more(desk):
    _issue(desk, make_job(1))
    _erase(desk)
    (changed,) = desk.accept(make_job(1, quantity=3)).conflicts
    assert changed.kind == "changed"
    again = desk.accept(make_job(1, notes="other words"))
    assert (len(again.known), again.accepted) == (1, [])


def test_a_keyed_request_is_known_with_its_rewards_and_refused_with_others(desk):
    _issue(desk, make_job(1, key="order-17", rewards=(7, 8)))
    _erase(desk)
    assert len(desk.accept(make_job(1, key="order-17", rewards=(7, 8))).known) == 1
    for rewards in ((7,), (7, 8, 9), (7, 9)):
        (conflict,) = desk.accept(make_job(1, key="order-17", rewards=rewards)).conflicts
        assert conflict.kind == "changed"
    (elsewhere,) = (
        desk.another("holi").accept(make_job(1, key="order-17", rewards=(7, 8))).conflicts
    )
    assert elsewhere.kind == "changed"


def _prune_all(desk):
    """Prune every settled job; the newest job and dead letter always stay."""
    desk.settle(make_job(90), refuse())
    desk.accept(make_job(91))
    with desk.ledger.write() as connection:
        connection.execute(
            text(
                "UPDATE jobs SET accepted_at = 1, settled_at = CASE WHEN open_lines = 0 THEN 1 END"
            )
        )
    return sum(page.jobs for page in prune(desk.ledger, older_than_seconds=60))


@pytest.mark.parametrize("rewards", [(1001,), (7, 8)])
def test_an_erased_job_can_be_pruned_and_its_requests_stay_known(desk, rewards):
    _issue(desk, make_job(1, key="order-17", rewards=rewards))
    _erase(desk)
    assert _prune_all(desk) == 1
    assert len(desk.accept(make_job(1, key="order-17", rewards=rewards)).known) == 1
    assert balance(desk.ledger, "diwali").balanced


def test_a_dead_letter_of_an_erased_customer_can_only_be_discarded(desk):
    desk.settle(make_job(1), TIMEOUT)
    desk.settle(make_job(1, occurrence=2), refuse())
    assert plan_erasure(desk.ledger, make_job(1).customer).open_letters == 2
    _erase(desk)
    for verb in Verb:
        refused = desk.redrive(verb)
        assert (refused.done, set(refused.refused.values())) == (
            [],
            {"its customer was erased, so there is no body to send. Discard it"},
        )
    letters = desk.letters()
    assert [(letter.message, letter.customer) for letter in letters] == [("", ERASED)] * 2
    assert show_dead_letter(desk.ledger, letters[0].id).body == b""
    assert len(desk.discard().done) == 2


def test_an_erased_line_is_not_revoked_and_says_how_to_do_it_at_the_api(desk):
    claimed = _issue(desk, make_job(1))
    (transaction,) = desk.line(claimed).transaction_ids
    _erase(desk)
    with pytest.raises(RevocationError, match=f"customer was erased.* transaction {transaction}"):
        plan_revocation(desk.ledger, claimed.id)


def test_every_reader_of_lines_copes_with_an_erased_customer(desk):
    claimed = _issue(desk, make_job(1))
    _issue(desk, make_job(2))
    _erase(desk)
    erased, other = outcomes(desk.ledger, desk.campaign)
    assert (erased.customer, erased.vouchers, erased.message) == (ERASED, (), None)
    assert (erased.state, erased.quantity, erased.code) == (State.ISSUED, 1, 200)
    assert [request_id for request_id, _ in frozen_bodies(desk.ledger, desk.campaign)] == [
        other.request_id
    ]
    assert desk.line(claimed).known == ("*",)


def test_a_late_answer_brings_nothing_back(desk):
    desk.accept(make_job(1), make_job(2))
    slept = desk.take()
    desk.lapse()
    first, second = slept.jobs
    desk.record(slept, judge(first, refuse()))
    _erase(desk)
    assert not desk.record(slept, judge(first, issue(first)), judge(second, issue(second)))
    assert desk.line(first).vouchers == ()
    assert desk.state(second) is State.ISSUED


def test_a_transaction_number_of_the_caller_goes_too(desk):
    _issue(desk, make_job(1))
    with desk.ledger.write() as connection:
        connection.execute(text("UPDATE jobs SET transaction_number = 'bill-919800000001'"))
    _erase(desk)
    assert desk.row(make_job(1).id).transaction_number is None


def test_a_redrive_at_the_same_moment_and_an_erasure_leave_one_of_both(desk, at_once):
    for number in range(1, 9):
        desk.settle(make_job(number), TIMEOUT)

    def try_to_erase():
        done = 0
        for number in range(1, 9):
            try:
                done += _erase(desk, number)[0]
            except NotErasableError:
                continue
        return done

    erased, redriven = at_once(try_to_erase, lambda: len(desk.redrive(Verb.RESEND).done))
    assert erased + redriven == 8
    with desk.ledger.read() as connection:
        empty = select(jobs.c.id).where(jobs.c.body == b"", jobs.c.open_lines > 0)
        assert connection.scalars(empty).all() == []


def _age_rows(desk):
    """Move the rows around as a life of claims and retries does."""
    desk.settle(make_job(1), TIMEOUT)
    for _ in range(3):
        desk.redrive(Verb.RESEND)
        held = desk.take()
        desk.record(held, *(judge(job, TIMEOUT) for job in held.jobs))
        desk.lapse()
    desk.redrive(Verb.RESEND)
    held = desk.take()
    for job in held.jobs:
        reply = answer(*(say(line, vouchers=[_VOUCHER]) for line in job.lines))
        desk.record(held, judge(job, reply))


def test_no_file_of_sqlite_has_any_of_it_afterwards(desk):
    if desk.ledger.dialect.name != "sqlite":
        pytest.skip("a server's files are its own")
    desk.accept(*make_jobs(300, first=100))
    held = desk.take()
    desk.record(held, *(judge(job, issue(job)) for job in held.jobs))
    _age_rows(desk)
    file = desk.ledger.dialect.file(desk.ledger.engine.url)
    wanted = (b"919800000001", _VOUCHER.encode())

    def found():
        files = [file.with_name(f"{file.name}{suffix}") for suffix in ("", "-wal")]
        contents = [each.read_bytes() for each in files if each.exists()]
        return [any(value in content for content in contents) for value in wanted]

    assert found() == [True, True]
    _erase(desk)
    assert desk.ledger.dialect.empty_log(desk.ledger.engine)
    assert found() == [False, False]


def _dump(ledger, file):
    """Return a dump of the whole database as text."""
    url = ledger.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    run_tool("pg_dump", f"--file={file}", url)
    return file.read_text(encoding="utf-8")


def test_no_dump_of_postgresql_has_any_of_it_afterwards(desk, tmp_path):
    if desk.ledger.dialect.name != "postgresql":
        pytest.skip("SQLite has no dump")
    _age_rows(desk)
    wanted = ("919800000001", _VOUCHER)
    before = _dump(desk.ledger, tmp_path / "before.sql")
    assert _VOUCHER in before
    assert f"mobile:{wanted[0]}" in before
    _erase(desk)
    after = _dump(desk.ledger, tmp_path / "after.sql")
    # A dump writes bytes as hexadecimal digits: bodies and replies.
    assert not any(each in after for value in wanted for each in (value, value.encode().hex()))
    assert not desk.ledger.dialect.empty_log(desk.ledger.engine)


def test_the_log_is_not_emptied_while_a_process_reads(desk, monkeypatch):
    if desk.ledger.dialect.name != "sqlite":
        pytest.skip("a server's log is its own")
    monkeypatch.setattr(sqlite, "_TRUNCATE_MS", 10)
    with desk.ledger.read() as reader:
        reader.execute(select(jobs.c.id)).all()
        desk.accept(make_job(1))
        assert not desk.ledger.dialect.empty_log(desk.ledger.engine)
    assert desk.ledger.dialect.empty_log(desk.ledger.engine)
    desk.accept(make_job(2))


def test_sqlite_overwrites_what_it_frees_whatever_its_build_does():
    engine = create_engine("sqlite://")

    @event.listens_for(engine, "connect")
    def as_other_builds(connection, _record):
        connection.execute("PRAGMA secure_delete=OFF")

    sqlite._set_up(engine, durable=False)
    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA secure_delete")) == 1
    engine.dispose()
