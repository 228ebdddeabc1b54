"""`blast --replaces`: a corrected file takes the place of what its customers had before."""

import json

import pytest
from sqlalchemy import select

from issuance.retry import RetryPolicy
from issuance.states import State
from ledger.campaigns import find_campaign
from ledger.queries.balance import balance
from ledger.queries.outcomes import outcomes
from ledger.store.schema import replacements
from tests.contract.ledger.build import BUSY_CODE, TIMEOUT, Desk, issue, judge, refuse


def _mobile(number):
    return f"91980000{number:04}"


def _rows(*rewards):
    return [f"{_mobile(number)},{reward}" for number, reward in enumerate(rewards, start=1)]


@pytest.fixture
def blasted(run, ledger, write_file):
    """A campaign of four customers: 1001 for the first, a wrong reward for the others."""
    file = write_file(*_rows(1001, 9999, 9999, 9999), name="wrong.csv")
    assert run("blast", file, "--campaign", "summer").exit_code == 0
    return Desk(ledger, find_campaign(ledger, "summer"))


def _settle(desk, **replies):
    """Claim all jobs, and answer those of the named customers; the rest goes back."""
    held = desk.take()
    by_customer = {int(job.customer.value[-4:]): job for job in held.jobs}
    for name, reply in replies.items():
        job = by_customer.pop(int(name[1:]))
        answered = issue(job) if reply is None else reply
        policy = RetryPolicy() if reply is BUSY else RetryPolicy(max_attempts=1)
        desk.record(held, judge(job, answered, policy=policy))
    return held


BUSY = refuse(BUSY_CODE)


def _correct(run, write_file, *options, rewards=(1001, 1001, 1001, 1001)):
    file = write_file(*_rows(*rewards), name="right.csv")
    result = run("blast", file, "--replaces", "summer", *options)
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def _counts(ledger, campaign="summer"):
    found = balance(ledger, campaign)
    assert found.balanced
    return {state.value: count for state, count in found.counts.items() if count}


def test_refused_lines_are_replaced_and_their_letters_closed(run, blasted, write_file):
    _settle(blasted, c1=None, c2=refuse(8003), c3=refuse(8003), c4=refuse(8003))
    said = _correct(run, write_file)
    assert said == [
        "summer: 3 accepted, 1 already known, 0 refused of 4 rows",
        "summer: 3 replaced",
    ]
    assert _counts(blasted.ledger) == {"issued": 1, "replaced": 3, "waiting": 3}
    assert [letter.state for letter in blasted.letters()] == ["closed"] * 3
    refused = run("dead-letters", "redrive", 1, "--reissue", "--yes")
    assert refused.exit_code == 2
    by_customer = {
        (line.customer.value[-1], line.reward_id): line.request_id
        for line in outcomes(blasted.ledger, blasted.campaign)
    }
    with blasted.ledger.read() as connection:
        rows = connection.execute(select(replacements)).all()
    found = {row.request_id: row.replaced_by for row in rows}
    assert found == {by_customer[each, 9999]: by_customer[each, 1001] for each in "234"}


def test_unsent_lines_are_withdrawn_and_never_called(run, blasted, write_file):
    (chunk,) = blasted.release()  # on the way to a worker
    assert _correct(run, write_file)[1] == "summer: 3 replaced (3 of them not sent yet)"
    held = blasted.claim(chunk)
    assert [job.lines[0].reward_id for job in held.jobs] == [1001]
    assert _counts(blasted.ledger) == {"running": 1, "waiting": 3, "replaced": 3}


def test_what_may_be_issued_is_not_touched_and_named(run, blasted, write_file):
    held = blasted.take()
    jobs = {int(job.customer.value[-4:]): job for job in held.jobs}
    once = RetryPolicy(max_attempts=1)
    blasted.record(held, judge(jobs[2], TIMEOUT, policy=once), judge(jobs[3], refuse(8003)))
    assert _correct(run, write_file)[1] == (
        "summer: 1 replaced; not touched, because they may be issued: 1 being sent, 1 in doubt"
    )
    assert _counts(blasted.ledger) == {
        "running": 2, "in_doubt": 1, "replaced": 1, "waiting": 3,
    }  # fmt: skip


def test_a_line_that_waits_for_another_try_gives_way_unless_it_may_have_arrived(
    run, blasted, write_file
):
    held = blasted.take()
    jobs = {int(job.customer.value[-4:]): job for job in held.jobs}
    blasted.record(held, judge(jobs[2], BUSY), judge(jobs[3], TIMEOUT))
    said = _correct(run, write_file)[1]
    assert said.startswith("summer: 1 replaced (1 of them not sent yet); not touched")
    assert "2 being sent" in said


def test_a_second_run_changes_nothing_and_an_interrupted_one_is_completed(
    run, blasted, write_file, monkeypatch
):
    _settle(blasted, c1=None, c2=refuse(8003), c3=refuse(8003), c4=refuse(8003))
    with monkeypatch.context() as patched:
        patched.setattr("ledger.intake.correction.Correction.apply", lambda _: None)
        run("blast", write_file(*_rows(1001, 1001, 1001, 1001)), "--campaign", "summer")
    assert _counts(blasted.ledger)["failed"] == 3
    assert _correct(run, write_file)[1] == "summer: 3 replaced"
    assert _correct(run, write_file)[1] == "summer: 0 replaced"


def test_a_refused_row_that_the_file_still_has_stays_refused(run, blasted, write_file):
    _settle(blasted, c1=None, c2=refuse(8003), c3=refuse(8003), c4=refuse(8003))
    said = _correct(run, write_file, rewards=(1001, 1001, 9999))
    assert said[1] == "summer: 1 replaced"
    assert _counts(blasted.ledger)["failed"] == 2  # customer 3's row stays, 4 is not in the file


def test_the_corrected_rows_may_go_into_another_campaign(run, blasted, write_file):
    _settle(blasted, c1=None, c2=refuse(8003), c3=refuse(8003), c4=refuse(8003))
    said = _correct(run, write_file, "--campaign", "summer-2", rewards=(9998, 9999, 1001))
    assert said[1] == "summer: 2 replaced"
    assert _counts(blasted.ledger) == {"issued": 1, "failed": 1, "replaced": 2}
    assert _counts(blasted.ledger, "summer-2") == {"waiting": 3}


def test_a_late_answer_for_a_replaced_line_is_not_lost(run, blasted, write_file):
    held = blasted.take()
    jobs = {int(job.customer.value[-4:]): job for job in held.jobs}
    blasted.record(held, judge(jobs[2], refuse(8003)))
    _correct(run, write_file)
    assert _counts(blasted.ledger)["replaced"] == 1
    blasted.record(held, judge(jobs[2], issue(jobs[2])))
    found = {line.request_id: line for line in outcomes(blasted.ledger, blasted.campaign)}
    assert found[jobs[2].id].state is State.ISSUED
    assert found[jobs[2].id].vouchers


def test_it_is_recorded_and_shown_in_the_story(run, blasted, write_file):
    _settle(blasted, c1=None, c2=refuse(8003), c3=refuse(8003), c4=refuse(8003))
    _correct(run, write_file)
    shown = run("history", "--campaign", "summer").stdout
    assert "replaced lines of summer by file right.csv: lines: 3, jobs not sent yet: 0" in shown
    old = next(
        line.request_id
        for line in outcomes(blasted.ledger, blasted.campaign)
        if line.state is State.REPLACED
    )
    found = json.loads(run("show", old, "--json").stdout)
    assert f"{found['replacedBy']} took its place" in found["present"]
    assert json.loads(run("show", found["replacedBy"], "--json").stdout)["replaces"] == [old]


def test_a_campaign_must_be_named_and_the_replaced_one_must_exist(run, write_file):
    file = write_file(*_rows(1001))
    assert "give --campaign NAME" in run("blast", file).stderr
    result = run("blast", file, "--replaces", "absent", "--campaign", "new")
    assert result.exit_code == 2
    assert "no campaign 'absent'" in result.stderr
