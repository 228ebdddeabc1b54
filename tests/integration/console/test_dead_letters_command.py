"""`issuance dead-letters`: list, explain, redrive, discard; and nothing in bulk without being asked."""

import json
import os
import pty
import subprocess
import sys

import pytest

from issuance.states import State
from ledger.actions import actions_on
from ledger.campaigns import cancel_campaign
from tests.contract.ledger.build import OPERATOR, TIMEOUT, Desk, answer, issue, judge, make_job, refuse, say

FAILED, IN_DOUBT, PARTIAL = 1, 2, 3


@pytest.fixture
def letters(desk: Desk) -> Desk:
    """Three open letters: 1 was refused, 2 is in doubt, 3 came out in part."""
    desk.settle(make_job(1, campaign="spring"), refuse(1014, "no customer 919800000001"))
    desk.settle(make_job(2, campaign="spring"), TIMEOUT)
    held, job = desk.take_one(make_job(3, campaign="spring", quantity=2))
    reply = answer(*(say(line, 8010, units=1, vouchers=["GOLD-12345678"]) for line in job.lines))
    desk.record(held, judge(job, reply))
    return desk


def listed(run, *options: object) -> list[int]:
    told = run("dead-letters", "list", "--format", "jsonl", *options).stdout
    return [json.loads(line)["id"] for line in told.splitlines()]


def test_people_see_one_letter_a_row_without_customers(run, letters):
    head, *rows = run("dead-letters", "list").stdout.splitlines()
    assert head.split() == ["id", "state", "reason", "code", "tries", "age", "campaign", "message"]
    assert [row.split()[:3] for row in rows] == [
        ["1", "open", "failed"],
        ["2", "open", "in_doubt"],
        ["3", "open", "partial"],
    ]
    assert rows[0].endswith("spring    no customer [number]")


def test_programs_see_every_field_masked(run, letters):
    first = json.loads(run("dead-letters", "list", "--format", "jsonl", "--limit", 1).stdout)
    expected = {"id": 1, "state": "open", "reason": "failed", "code": 1014, "campaign": "spring", "attempts": 1}
    expected |= {"message": "no customer [number]", "customer": "mobile:********0001", "openings": 1}
    assert {key: first[key] for key in expected} == expected
    assert first["jobId"] == make_job(1, campaign="spring").id


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (["--reason", "in_doubt"], [IN_DOUBT]),
        (["--code", "1014"], [FAILED]),
        (["--campaign", "spring", "--reason", "partial"], [PARTIAL]),
        (["--state", "discarded"], []),
        (["--state", "all"], [FAILED, IN_DOUBT, PARTIAL]),
        (["--limit", "2"], [FAILED, IN_DOUBT]),
    ],
)
def test_filters_narrow_the_list(run, letters, options, ids):
    assert listed(run, *options) == ids


def test_a_table_that_is_cut_says_so(run, letters):
    result = run("dead-letters", "list", "--limit", 2)
    assert len(result.stdout.splitlines()) == 3
    assert "Only the first 2 are listed" in result.stderr


def test_an_unknown_campaign_is_no_empty_list(run, letters):
    result = run("dead-letters", "list", "--campaign", "sprnig")
    assert result.exit_code == 2
    assert "There is no campaign 'sprnig'" in result.stderr


def test_a_story_tells_what_happened_and_the_exact_command_that_is_allowed(run, letters):
    told = run("dead-letters", "show", FAILED).stdout
    assert told.startswith("Dead letter 1: open, failed, code 1014\n")
    assert "mobile:********0001" in told
    assert "HTTP 200, code 1014  → settle failed" in told
    assert 'reissue: issuance dead-letters redrive 1 --reissue --note "WHY"' in told
    assert "resend is not allowed for a dead letter with reason failed" in told


def test_a_story_masks_customer_vouchers_and_replies(run, letters):
    told = run("dead-letters", "show", PARTIAL).stdout
    assert "vouchers: ********5678" in told
    assert '"couponCode":"********5678"' in told
    assert "GOLD" not in told
    assert "919800000003" not in told
    assert "resend: issuance dead-letters redrive 3\n" in told


def test_a_story_reveals_customer_vouchers_body_and_reply_on_demand(run, letters):
    told = run("dead-letters", "show", PARTIAL, "--reveal").stdout
    for private in ("mobile:919800000003", '"couponCode": "GOLD-12345678"', '"mobile":"919800000003"'):
        assert private in told


def test_a_story_tells_who_did_what_and_why(run, letters):
    run("dead-letters", "redrive", IN_DOUBT, "--note", "API was away")
    run("dead-letters", "discard", FAILED, "--note", "left the programme")
    redriven, discarded = (run("dead-letters", "show", letter).stdout for letter in (IN_DOUBT, FAILED))
    assert "resend by " in redriven
    assert ": API was away" in redriven
    assert "nothing: it is redriven" in redriven
    assert ": left the programme" in discarded


def test_an_unknown_letter_is_unusable(run, letters):
    assert run("dead-letters", "show", 99).exit_code == 2


def test_a_letter_is_resent_by_its_id_without_being_asked(run, letters):
    result = run("dead-letters", "redrive", IN_DOUBT)
    assert (result.exit_code, result.stdout) == (0, "1 dead letter resent, 0 refused\n")
    assert letters.counts() == {State.WAITING: 1, State.FAILED: 1, State.PARTIAL: 1}
    assert listed(run) == [FAILED, PARTIAL]


def test_a_resend_of_a_definite_refusal_is_refused_with_the_explanation(run, letters):
    result = run("dead-letters", "redrive", FAILED)
    assert (result.exit_code, result.stdout) == (2, "0 dead letters resent, 1 refused\n")
    assert result.stderr.startswith("Refused: 1: resend is not allowed for a dead letter with reason failed")
    assert listed(run) == [FAILED, IN_DOUBT, PARTIAL]


def test_a_reissue_gives_a_new_request_id_and_records_who_and_why(run, letters):
    result = run("dead-letters", "redrive", FAILED, "--reissue", "--note", "customer enrolled now")
    (told, summary) = result.stdout.splitlines()
    assert (result.exit_code, summary) == (0, "1 dead letter reissued, 0 refused")
    assert told.startswith("1 → ")
    assert told.removeprefix("1 → ") != make_job(1, campaign="spring").id
    (action,) = actions_on(letters.ledger, "letter:1")
    assert (action.verb, action.note) == ("reissue", "customer enrolled now")
    assert action.operator


def test_a_reissue_without_a_note_is_unusable(run, letters):
    result = run("dead-letters", "redrive", FAILED, "--reissue")
    assert result.exit_code == 2
    assert "--note" in result.stderr
    assert listed(run) == [FAILED, IN_DOUBT, PARTIAL]


@pytest.mark.parametrize("verb", ["redrive", "discard"])
@pytest.mark.parametrize("options", [[], ["1", "--campaign", "spring"]])
def test_letters_are_named_by_ids_or_by_filters(run, letters, verb, options):
    result = run("dead-letters", verb, *options, "--yes")
    assert result.exit_code == 2
    assert "ids, or filters" in result.stderr


@pytest.mark.parametrize("verb", ["redrive", "discard"])
@pytest.mark.parametrize("options", [["--campaign", "spring"], ["1", "2"], ["--reason", "partial"]])
def test_nothing_in_bulk_happens_where_nobody_can_be_asked(run, letters, verb, options):
    result = run("dead-letters", verb, *options)
    assert result.exit_code == 2
    assert "give --yes" in result.stderr
    assert listed(run) == [FAILED, IN_DOUBT, PARTIAL]


def test_filters_with_yes_redrive_what_is_allowed_and_explain_the_rest(run, letters):
    result = run("dead-letters", "redrive", "--campaign", "spring", "--yes")
    assert (result.exit_code, result.stdout) == (3, "2 dead letters resent, 1 refused\n")
    assert result.stderr.count("Refused: 1:") == 1
    assert listed(run) == [FAILED]


def test_filters_that_nothing_fits_are_unusable(run, letters):
    result = run("dead-letters", "redrive", "--reason", "config", "--yes")
    assert result.exit_code == 2
    assert "No open dead letter fits" in result.stderr


def test_a_velocity_spreads_the_due_times(run, letters):
    run("dead-letters", "redrive", IN_DOUBT, PARTIAL, "--per-second", 0.01, "--yes")
    first, second = (letters.row(make_job(number, campaign="spring").id).due_at for number in (2, 3))
    assert second - first >= 99_000


def test_a_cancelled_campaigns_letters_stay_where_they_are(run, letters):
    cancel_campaign(letters.ledger, "spring", OPERATOR)
    result = run("dead-letters", "redrive", IN_DOUBT)
    assert result.exit_code == 2
    assert "was cancelled" in result.stderr


def test_discarded_letters_keep_their_lines_state(run, letters):
    result = run("dead-letters", "discard", "--campaign", "spring", "--yes", "--note", "season over")
    assert (result.exit_code, result.stdout) == (0, "3 dead letters discarded, 0 refused\n")
    assert letters.counts() == {State.FAILED: 1, State.IN_DOUBT: 1, State.PARTIAL: 1}
    assert listed(run, "--state", "discarded") == [FAILED, IN_DOUBT, PARTIAL]


def test_a_letter_that_is_not_there_or_not_open_cannot_be_discarded(run, letters):
    run("dead-letters", "discard", FAILED)
    missing, again = run("dead-letters", "discard", 99), run("dead-letters", "discard", FAILED)
    assert (missing.exit_code, again.exit_code) == (2, 2)
    assert "there is no such dead letter" in missing.stderr
    assert "it is discarded" in again.stderr


def test_a_resent_letter_closes_when_its_line_comes_out_right(run, letters):
    run("dead-letters", "redrive", IN_DOUBT)
    held = letters.take()
    letters.record(held, *(judge(job, issue(job)) for job in held.jobs))
    assert listed(run, "--state", "closed") == [IN_DOUBT]


@pytest.mark.parametrize(("reply", "status", "left"), [(b"n\n", 1, [1, 2, 3]), (b"y\n", 0, [])])
def test_on_a_terminal_the_count_is_said_and_the_answer_counts(run, letters, reply, status, left):
    terminal, seat = pty.openpty()
    command = [sys.executable, "-m", "console", "dead-letters", "discard", "--campaign", "spring"]
    process = subprocess.Popen(command, stdin=seat, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    os.write(terminal, reply)
    _, stderr = process.communicate(timeout=30)
    os.close(terminal)
    os.close(seat)
    assert "Discard 3 dead letters? [y/N]" in stderr
    assert process.returncode == status
    assert listed(run) == left
