"""`issuance blast`: the accepted rows, the output and the exit status."""

import signal
import threading
import time

import pytest

from issuance.states import State
from ledger.campaigns import find_campaign, pause_campaign
from ledger.dispatch.cancellation import cancel_campaign
from ledger.queries.balance import balance
from tests.contract.ledger.build import OPERATOR, issue, judge

GOOD = ["919800000001,1001", "919800000002,1001", "919800000003,1001"]
BAD = ["12,1001", "13,1001", "14,1001", "15,1001"]
MANY = 20_000


def test_a_good_file_is_accepted_whole(run, write_file, desk):
    result = run("blast", write_file(*GOOD), "--campaign", "spring")
    assert (result.exit_code, result.stdout) == (
        0,
        "spring: 3 accepted, 0 already known, 0 refused of 3 rows\n",
    )
    assert desk.counts() == {State.WAITING: 3}


def test_a_second_run_of_a_file_adds_nothing(run, write_file, desk):
    path = write_file(*GOOD)
    run("blast", path, "--campaign", "spring")
    again = run("blast", path, "--campaign", "spring")
    assert (again.exit_code, again.stdout) == (
        0,
        "spring: 0 accepted, 3 already known, 0 refused of 3 rows\n",
    )
    assert desk.counts() == {State.WAITING: 3}


def test_refused_rows_do_not_stop_the_others_and_give_status_3(run, write_file, desk):
    result = run("blast", write_file(*GOOD, *BAD), "--campaign", "spring")
    assert result.exit_code == 3
    expected = (
        "spring: 3 accepted, 0 already known, 4 refused of 7 rows (errors in spring.errors.csv)\n"
    )
    assert result.stdout == expected
    assert desk.counts() == {State.WAITING: 3}


def test_the_errors_file_is_named_and_its_first_three_rows_are_shown(run, write_file, tmp_path):
    result = run("blast", write_file(*BAD), "--campaign", "spring")
    assert (tmp_path / "spring.errors.csv").read_text().count("\n") == 5
    output = result.stderr.splitlines()
    assert output[-6].startswith("4 rows refused, see spring.errors.csv")
    assert [line.split(":")[0].strip() for line in output[-5:-2]] == [
        "line 2, mobile",
        "line 3, mobile",
        "line 4, mobile",
    ]
    assert output[-2].strip() == "and 1 more"
    assert output[-1] == "No row was accepted: campaign spring was not made."


def test_the_errors_file_can_be_named(run, write_file, tmp_path):
    run("blast", write_file(*BAD), "--campaign", "spring", "--errors", "refused.csv")
    assert (tmp_path / "refused.csv").exists()
    assert not (tmp_path / "spring.errors.csv").exists()


def test_values_for_all_rows_and_a_mapping_complete_a_foreign_file(run, write_file, desk):
    path = write_file("919800000001,gold", header="phone,tier")
    result = run(
        *("blast", path, "--campaign", "spring", "--reward-id", 1001, "--quantity", 2),
        *("--map", "phone=mobile", "--map", "tier=-"),
    )
    assert result.exit_code == 0
    _, job = desk.take_one()
    assert (job.customer.value, job.lines[0].reward_id, job.lines[0].quantity) == (
        "919800000001",
        1001,
        2,
    )


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        (["--map", "phone"], "write --map THEIRS=OURS"),
        (["--map", "tier=mobile"], "as the header spells it"),
        (["--reward-id", "0"], "give 1 to"),
        (["--quantity", "1000001"], "give 1 to 1000000"),
        (["--errors", "spring.csv"], "name another file"),
        (["--errors", "nowhere/errors.csv"], "name another file"),
    ],
)
def test_unusable_options_accept_nothing_and_name_the_remedy(
    run, write_file, ledger, options, remedy
):
    result = run("blast", write_file(*GOOD), "--campaign", "spring", *options)
    assert result.exit_code == 2
    assert remedy in result.stderr
    assert "Traceback" not in result.stderr


def test_a_missing_file_is_unusable(run):
    result = run("blast", "nowhere.csv", "--campaign", "spring")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: nowhere.csv cannot be opened")


def test_an_errors_file_that_cannot_be_written_is_named_with_a_remedy(run, write_file, tmp_path):
    (tmp_path / "taken").mkdir()
    result = run("blast", write_file(*BAD), "--campaign", "spring", "--errors", "taken")
    assert result.exit_code == 2
    assert "name another with --errors" in result.stderr


def test_a_cancelled_campaign_accepts_nothing(run, write_file, desk):
    cancel_campaign(desk.ledger, "spring", OPERATOR)
    result = run("blast", write_file(*GOOD), "--campaign", "spring")
    assert result.exit_code == 2
    assert "choose another name" in result.stderr


def test_a_dry_run_checks_everything_and_accepts_nothing(run, write_file, desk):
    result = run("blast", write_file(*GOOD, *BAD), "--campaign", "spring", "--dry-run")
    assert result.exit_code == 3
    expected = (
        "spring: dry run, nothing accepted; 3 good, 4 refused of 7 rows "
        "(errors in spring.errors.csv)\n"
    )
    assert result.stdout == expected
    assert desk.counts() == {}


def test_a_failed_wake_up_is_reported_once(run, write_file):
    rows = [f"9198{number:08},1001" for number in range(2_500)]
    result = run("blast", write_file(*rows), "--campaign", "spring")
    assert result.stderr.count("No broker is configured or running") == 1
    assert result.exit_code == 0


def test_a_paused_campaign_accepts_and_says_that_it_is_paused(run, write_file, desk):
    pause_campaign(desk.ledger, "spring", OPERATOR)
    result = run("blast", write_file(*GOOD), "--campaign", "spring")
    assert result.exit_code == 0
    assert "spring is paused" in result.stderr


def test_defer_limits_applies_to_new_campaigns_only(run, write_file, desk):
    late = run("blast", write_file(*GOOD), "--campaign", "spring", "--defer-limits")
    early = run("blast", write_file(*GOOD), "--campaign", "summer", "--defer-limits")
    assert "without --defer-limits" in late.stderr
    assert "without --defer-limits" not in early.stderr


def test_a_weight_is_set_for_an_existing_campaign_and_reported(run, write_file, desk):
    path = write_file("919800000001,1001")
    result = run("blast", path, "--campaign", "spring", "--weight", 3)
    assert "spring's weight is 3 from now on; it was 1." in result.stderr
    assert find_campaign(desk.ledger, "spring").weight == 3
    assert "weight" not in run("blast", path, "--campaign", "spring").stderr
    assert find_campaign(desk.ledger, "spring").weight == 3


def test_waiting_ends_with_the_last_line_and_prints_the_balance(run, write_file, desk):
    def work() -> None:
        while not desk.counts():
            time.sleep(0.05)
        held = desk.take()
        desk.record(held, *(judge(job, issue(job)) for job in held.jobs))

    worker = threading.Thread(target=work)
    worker.start()
    result = run("blast", write_file(*GOOD), "--campaign", "spring", "--wait")
    worker.join()
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1:] == [
        "spring: running, 3 lines accepted, balanced",
        "  issued 3",
        "  3 units issued",
    ]


def test_waiting_ends_at_once_for_a_paused_campaign(run, write_file, desk):
    pause_campaign(desk.ledger, "spring", OPERATOR)
    result = run("blast", write_file(*GOOD), "--campaign", "spring", "--wait")
    assert "Not waiting: campaign spring is paused" in result.stderr
    assert "  waiting 3" in result.stdout


def test_ctrl_c_while_reading_says_what_was_accepted_and_another_run_adds_the_rest(
    run, start, write_file, desk
):
    path = write_file(*(f"9198{number:08},1001" for number in range(MANY)))
    process = start("blast", path, "--campaign", "spring")
    while balance(desk.ledger, "spring").campaign.accepted_lines == 0:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    accepted = balance(desk.ledger, "spring").campaign.accepted_lines
    assert process.returncode == 130
    assert stdout.startswith(f"spring: {accepted:,} accepted")
    assert "run it again" in stdout
    assert "Traceback" not in stderr
    assert 0 < accepted < MANY
    again = run("blast", path, "--campaign", "spring")
    assert again.stdout.startswith(
        f"spring: {MANY - accepted:,} accepted, {accepted:,} already known"
    )


def test_ctrl_c_while_waiting_ends_only_the_waiting(start, write_file, desk):
    process = start("blast", write_file(*GOOD), "--campaign", "spring", "--wait")
    assert process.stderr is not None
    while not process.stderr.readline().startswith("Waiting"):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    assert stdout.startswith("spring: 3 accepted")
    assert process.returncode == 130
    assert "the work continues" in stderr
    assert desk.counts() == {State.WAITING: 3}


def test_a_file_without_rows_is_refused_and_creates_no_campaign(run, write_file):
    result = run("blast", write_file(), "--campaign", "spring")
    assert (result.exit_code, "the file has no rows" in result.stderr) == (2, True)
    assert run("status", "spring").exit_code == 2


def test_the_errors_file_of_a_garbage_file_is_not_larger_than_it(run, write_file, tmp_path):
    file = write_file(*["x"] * 700_000)
    result = run(
        "blast", file, "--campaign", "spring", "--errors", tmp_path / "errors.csv", "--dry-run"
    )
    assert result.exit_code == 3
    assert "700,000 rows refused" in result.stderr
    assert "for the first" in result.stderr
    assert (tmp_path / "errors.csv").stat().st_size <= file.stat().st_size
