"""`issuance dead-letters`: list, show, redrive and discard, and the question before bulk ones."""

import json
import os
import pty
import shlex
import subprocess
import sys

import pytest

from issuance.outcome import Reason
from issuance.replies.reply import Answer
from issuance.states import State
from ledger.audit_log import actions_on
from tests.contract.ledger.build import (
    NOT_SENT,
    TIMEOUT,
    Desk,
    answer,
    issue,
    judge,
    make_job,
    refuse,
    say,
)

FAILED, IN_DOUBT, PARTIAL = 1, 2, 3


@pytest.fixture
def letters(desk: Desk) -> Desk:
    """Three open letters: 1 was refused, 2 is in doubt, 3 was issued in part."""
    desk.settle(make_job(1, campaign="spring"), refuse(1014, "no customer 919800000001"))
    desk.settle(make_job(2, campaign="spring"), TIMEOUT)
    held, job = desk.take_one(make_job(3, campaign="spring", quantity=2))
    reply = answer(*(say(line, 8010, units=1, vouchers=["GOLD-12345678"]) for line in job.lines))
    desk.record(held, judge(job, reply))
    return desk


def listed(run, *options: object) -> list[int]:
    output = run("dead-letters", "list", "--format", "jsonl", *options).stdout
    return [json.loads(line)["id"] for line in output.splitlines()]


def test_the_table_has_one_letter_per_row_without_customers(run, letters):
    head, *rows = run("dead-letters", "list").stdout.splitlines()
    assert head.split() == [
        "id",
        "state",
        "reason",
        "code",
        "reward",
        "units",
        "customer",
        "tries",
        "age",
        "campaign",
        "·",
        "message",
    ]
    assert [row.split()[:3] for row in rows] == [
        ["1", "open", "failed"],
        ["2", "open", "in_doubt"],
        ["3", "open", "partial"],
    ]
    assert rows[0].endswith("  spring · no customer ****")


def test_jsonl_has_every_field_masked(run, letters):
    first = json.loads(run("dead-letters", "list", "--format", "jsonl", "--limit", 1).stdout)
    expected = {
        "id": 1,
        "state": "open",
        "reason": "failed",
        "code": 1014,
        "campaign": "spring",
        "attempts": 1,
    }
    expected |= {
        "message": "no customer ****",
        "customer": "mobile:********001",
        "openings": 1,
    }
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
    assert "Only the first 2 of 3 are listed" in result.stderr


def test_an_unknown_campaign_is_refused(run, letters):
    result = run("dead-letters", "list", "--campaign", "sprnig")
    assert result.exit_code == 2
    assert "There is no campaign 'sprnig'" in result.stderr


def test_show_prints_the_history_and_the_allowed_commands(run, letters):
    output = run("dead-letters", "show", FAILED).stdout
    assert output.startswith("Dead letter 1: open, failed, code 1014\n")
    assert "mobile:********001" in output
    assert "HTTP 200, code 1014  → settle failed" in output
    assert "reissue: issuance dead-letters redrive 1 --reissue\n" in output
    assert "resend is not allowed for a dead letter with reason failed" in output


def test_show_masks_customer_vouchers_and_replies(run, letters):
    output = run("dead-letters", "show", PARTIAL).stdout
    assert "vouchers: ********678" in output
    assert '"couponCode":"********678"' in output
    assert "GOLD" not in output
    assert "919800000003" not in output
    assert "resend: issuance dead-letters redrive 3\n" in output


@pytest.fixture
def hostile(desk: Desk) -> Desk:
    """A letter whose answer repeats what the job holds, and commands the terminal."""
    held, job = desk.take_one(make_job(3, campaign="spring", quantity=2))
    shown = say(job.lines[0], 8010, units=1, vouchers=["\x1b[2Jsummer-treat\x9b31m"])
    shown |= {
        "promotionDetails": [{"code": "spring-gift"}],
        "fulfillmentDetails": {"status": "\x7f"},
    }
    shown["status"]["message"] = (
        f"\x1b]0;title\x07summer-treat and \x1b[2JSUMMER-treat\x9b31m of {job.customer.value}\u202e"
    )
    desk.record(held, judge(job, answer(shown)))
    return desk


@pytest.mark.parametrize(
    "command",
    [
        ("dead-letters", "show", 1),
        ("dead-letters", "show", 1, "--reveal"),
        ("dead-letters", "list"),
        ("dead-letters", "list", "--format", "jsonl"),
        ("outcomes", "spring"),
        ("outcomes", "spring", "--format", "csv", "--reveal"),
        ("outcomes", "spring", "--format", "jsonl", "--reveal"),
        ("show", make_job(3, campaign="spring").id),
        ("show", make_job(3, campaign="spring").id, "--reveal"),
        ("show", make_job(3, campaign="spring").id, "--json", "--reveal"),
    ],
)
def test_no_answer_of_the_api_moves_the_cursor(run, hostile, command):
    result = run(*command)
    assert result.exit_code == 0
    assert all(line.isprintable() for line in result.stdout.split("\n"))


@pytest.mark.parametrize(
    "command",
    [
        ("dead-letters", "show", 1),
        ("dead-letters", "list"),
        ("dead-letters", "list", "--format", "jsonl"),
        ("outcomes", "spring"),
        ("outcomes", "spring", "--format", "csv"),
        ("outcomes", "spring", "--format", "jsonl"),
        ("show", make_job(3, campaign="spring").id),
        ("show", make_job(3, campaign="spring").id, "--json"),
    ],
)
def test_what_a_job_holds_is_shown_nowhere(run, hostile, command):
    output = run(*command).stdout.lower()
    for private in ("spring-gift", "2jsummer-treat", "919800000003"):
        assert private not in output


def test_an_operators_note_is_shown_without_the_customer(run, letters):
    run("dead-letters", "discard", FAILED, "--yes", "--note", "919800000001 called")
    assert ": [number] called" in run("dead-letters", "show", FAILED).stdout


def test_show_reveals_customer_vouchers_body_and_reply_on_demand(run, letters):
    output = run("dead-letters", "show", PARTIAL, "--reveal").stdout
    for private in (
        "mobile:919800000003",
        '"couponCode": "GOLD-12345678"',
        '"mobile":"919800000003"',
    ):
        assert private in output


def test_show_prints_who_did_what_and_why(run, letters):
    run("dead-letters", "redrive", IN_DOUBT, "--note", "API was away")
    run("dead-letters", "discard", FAILED, "--note", "left the programme")
    redriven, discarded = (
        run("dead-letters", "show", letter).stdout for letter in (IN_DOUBT, FAILED)
    )
    assert "resend by " in redriven
    assert ": API was away" in redriven
    assert "nothing: it is redriven" in redriven
    assert ": left the programme" in discarded


def test_an_unknown_letter_is_unusable(run, letters):
    assert run("dead-letters", "show", 99).exit_code == 2


def test_one_letter_is_resent_without_a_question(run, letters):
    result = run("dead-letters", "redrive", IN_DOUBT)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "1 dead letter queued again, 0 refused (redrive 1)",
        "follow it: issuance redrives show 1",
    ]
    assert letters.counts() == {State.WAITING: 1, State.FAILED: 1, State.PARTIAL: 1}
    assert listed(run) == [FAILED, PARTIAL]


def test_a_resend_of_a_definite_refusal_is_refused_with_the_explanation(run, letters):
    result = run("dead-letters", "redrive", FAILED)
    assert (result.exit_code, result.stdout) == (2, "0 dead letters queued again, 1 refused\n")
    assert result.stderr.startswith("Refused: 1 letter of group 1 (failed 1014, no customer [id])")
    assert "resend is not allowed for a dead letter with reason failed" in result.stderr
    assert listed(run) == [FAILED, IN_DOUBT, PARTIAL]


def test_a_reissue_gives_a_new_request_id_and_records_who_and_why(run, letters):
    result = run("dead-letters", "redrive", FAILED, "--reissue", "--note", "customer enrolled now")
    output, summary, _ = result.stdout.splitlines()
    assert (result.exit_code, summary) == (
        0,
        "1 dead letter queued again with new requestIds, 0 refused (redrive 1)",
    )
    assert output.startswith("1 → ")
    assert output.removeprefix("1 → ") != make_job(1, campaign="spring").id
    (action,) = actions_on(letters.ledger, "letter:1")
    assert (action.verb, action.reason) == ("reissue", "customer enrolled now")
    assert action.subject


def test_an_action_without_a_note_is_recorded_as_done_from_the_console(run, letters):
    run("dead-letters", "redrive", FAILED, "--reissue")
    run("dead-letters", "redrive", IN_DOUBT)
    run("dead-letters", "discard", PARTIAL, "--note", " ")
    notes = [
        action.reason
        for letter in (1, 2, 3)
        for action in actions_on(letters.ledger, f"letter:{letter}")
    ]
    assert notes == [
        "queued again with new requestIds from the console",
        "queued again from the console",
        "discarded from the console",
    ]


@pytest.mark.parametrize("verb", ["redrive", "discard"])
@pytest.mark.parametrize("options", [[], ["1", "--campaign", "spring"]])
def test_letters_are_chosen_by_ids_or_by_filters(run, letters, verb, options):
    result = run("dead-letters", verb, *options, "--yes")
    assert result.exit_code == 2
    assert "ids, or filters" in result.stderr


@pytest.mark.parametrize("options", [["--campaign", "spring"], [FAILED, IN_DOUBT, PARTIAL]])
@pytest.mark.parametrize("yes", [[], ["--yes"]])
def test_without_a_terminal_many_letters_are_redriven_without_a_question(
    run, letters, options, yes
):
    result = run("dead-letters", "redrive", *options, *yes)
    assert result.exit_code == 3
    assert result.stdout.startswith("2 dead letters queued again, 1 refused (redrive 1)\n")
    assert result.stderr.count("Refused: 1 letter of group 1 ") == 1
    assert listed(run) == [FAILED]


def test_without_a_terminal_filters_reissue_all_matching_letters(run, letters):
    result = run(
        "dead-letters", "redrive", "--campaign", "spring", "--reason", "failed", "--reissue"
    )
    assert (result.exit_code, result.stdout.splitlines()[-2]) == (
        0,
        "1 dead letter queued again with new requestIds, 0 refused (redrive 1)",
    )
    assert listed(run) == [IN_DOUBT, PARTIAL]


def test_without_a_terminal_many_letters_are_discarded_without_a_question(run, letters):
    assert run("dead-letters", "discard", "--reason", "partial").exit_code == 0
    assert run("dead-letters", "discard", FAILED, IN_DOUBT).exit_code == 0
    assert listed(run) == []


def test_filters_that_match_nothing_are_refused(run, letters):
    result = run("dead-letters", "redrive", "--reason", "config", "--yes")
    assert result.exit_code == 2
    assert "No open dead letter fits" in result.stderr


def test_a_pace_sends_the_first_letters_and_says_how_the_others_follow(run, letters):
    result = run("dead-letters", "redrive", IN_DOUBT, PARTIAL, "--per-second", 0.01, "--yes")
    assert result.stdout.splitlines()[:2] == [
        "1 dead letter queued again, 0 refused (redrive 1)",
        "1 more follow at 0.01/s.",
    ]
    assert listed(run) == [FAILED, PARTIAL]


def test_discarded_letters_keep_their_lines_state(run, letters):
    result = run(
        "dead-letters", "discard", "--campaign", "spring", "--yes", "--note", "season over"
    )
    assert (result.exit_code, result.stdout) == (
        0,
        "3 dead letters discarded, 0 refused (redrive 1)\nundo it: issuance redrives undo 1\n",
    )
    assert letters.counts() == {State.FAILED: 1, State.IN_DOUBT: 1, State.PARTIAL: 1}
    assert listed(run, "--state", "discarded") == [FAILED, IN_DOUBT, PARTIAL]


def test_a_letter_that_is_not_open_cannot_be_discarded(run, letters):
    run("dead-letters", "discard", FAILED)
    again = run("dead-letters", "discard", FAILED)
    assert (again.exit_code, again.stdout) == (2, "0 dead letters discarded, 1 refused\n")
    assert "Refused: 1 letter of group 1 " in again.stderr
    assert "it is discarded, only an open letter can be discarded" in again.stderr


@pytest.mark.parametrize("verb", ["redrive", "discard"])
def test_unknown_ids_are_named_and_the_exit_status_says_whether_anything_was_done(
    run, letters, verb
):
    missing, mixed = run("dead-letters", verb, 98, 99), run("dead-letters", verb, IN_DOUBT, 99)
    assert (missing.exit_code, mixed.exit_code) == (2, 3)
    assert "Refused: 98, 99: there is no such dead letter" in missing.stderr
    assert "Refused: 99: there is no such dead letter" in mixed.stderr
    assert ", 1 refused (redrive " in mixed.stdout


def test_a_resent_letter_closes_when_its_line_is_issued(run, letters):
    run("dead-letters", "redrive", IN_DOUBT)
    held = letters.take()
    letters.record(held, *(judge(job, issue(job)) for job in held.jobs))
    assert listed(run, "--state", "closed") == [IN_DOUBT]


_NOT_RUNNING = ("paused", "finished", "cancelled")
EVERY_REASON = [
    TIMEOUT,
    NOT_SENT,
    Answer(403, b""),
    *(refuse(code) for code in (1014, 8010, 12005, 3004, 98765)),
]


@pytest.mark.parametrize(
    "campaign_state",
    ["running", *(pytest.param(it, marks=pytest.mark.rest) for it in _NOT_RUNNING)],
)
def test_every_command_that_show_prints_works_as_typed(run, desk, campaign_state):
    for number, reply in enumerate(EVERY_REASON * 3, 1):
        desk.settle(make_job(number, campaign="spring"), reply)
    if campaign_state == "finished":
        desk.release()
    elif campaign_state != "running":
        run("campaign", "pause" if campaign_state == "paused" else "cancel", "spring")
    seen = set()
    for letter in desk.letters():
        output = [
            line.strip().partition(": issuance ")
            for line in run("dead-letters", "show", letter.id).stdout.split("\n")
        ]
        commands = {verb: shlex.split(command) for verb, mark, command in output if mark}
        undone = [
            (letter.reason, verb) for verb in ("resend", "reissue", "discard") if verb in commands
        ]
        verb = next((verb for reason, verb in undone if (reason, verb) not in seen), "discard")
        seen.add((letter.reason, verb))
        result = run(*commands[verb])
        assert (result.exit_code, result.stderr.count("Refused")) == (0, 0), (letter.reason, verb)
    allowed = {reason: {verb for found, verb in seen if found is reason} for reason, _ in seen}
    assert set(allowed) == set(Reason)
    assert all("discard" in verbs for verbs in allowed.values())
    sendable = {reason for reason, verbs in allowed.items() if verbs != {"discard"}}
    assert sendable == ({Reason.IN_DOUBT} if campaign_state == "cancelled" else set(Reason))


@pytest.mark.parametrize(("reply", "status", "left"), [(b"n\n", 1, [1, 2, 3]), (b"y\n", 0, [])])
def test_on_a_terminal_the_question_names_the_count_and_the_answer_decides(
    run, letters, reply, status, left
):
    terminal, seat = pty.openpty()
    command = [sys.executable, "-m", "console", "dead-letters", "discard", "--campaign", "spring"]
    process = subprocess.Popen(
        command, stdin=seat, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    os.write(terminal, reply)
    _, stderr = process.communicate(timeout=30)
    os.close(terminal)
    os.close(seat)
    assert "Discard 3 dead letters? [y/N]" in stderr
    assert process.returncode == status
    assert listed(run) == left
