"""`issuance issue`: prints only the requestId, and with --wait the outcome on standard error."""

import json
import threading

import pytest

from issuance.job import Lane
from issuance.states import State
from ledger.campaigns import pause_campaign
from ledger.queries.outcomes import find_line
from tests.contract.ledger.build import OPERATOR, Desk, answer, judge, refuse, say

ARGUMENTS = ("issue", "--mobile", "919800000001", "--reward-id", 1001, "--campaign", "spring")


@pytest.fixture
def answering(desk):
    """Let a worker answer the next background job; the reply is made from the job."""
    threads, is_over = [], threading.Event()

    def answer_with(make_reply) -> None:
        def work() -> None:
            while not desk.counts():
                if is_over.wait(0.05):
                    return
            held = desk.take(Lane.BACKGROUND)
            desk.record(held, *(judge(job, make_reply(job)) for job in held.jobs))

        threads.append(threading.Thread(target=work))
        threads[-1].start()

    yield answer_with
    is_over.set()  # the command may have failed without a job
    for thread in threads:
        thread.join()


def test_only_the_request_id_is_printed(run, ledger):
    result = run(*ARGUMENTS)
    assert result.exit_code == 0
    line = find_line(ledger, result.stdout.removesuffix("\n"))
    assert line is not None
    assert (line.state, line.reward_id, line.customer.value) == (
        State.WAITING,
        1001,
        "919800000001",
    )


def test_every_option_reaches_the_line_or_its_body(run, desk: Desk):
    run(
        *(
            "issue",
            "--external-id",
            "CRM-7",
            "--reward-id",
            1004,
            "--quantity",
            2,
            "--campaign",
            "spring",
        ),
        *("--payment-config-id", 55, "--redemption-value", 12.5, "--notes", "thank you"),
    )
    (job,) = desk.take(Lane.BACKGROUND).jobs
    for part in (
        b'"externalId":"CRM-7"',
        b'"quantity":2',
        b'"id":55',
        b'"redemptionValue":12.5',
        b'"thank you"',
    ):
        assert part in job.body


def test_points_custom_fields_and_the_correlation_id_can_be_given_too(run, desk: Desk):
    fields = (
        "--custom-field",
        "tier=gold",
        "--custom-field",
        "shop=A=1",
        "--event-log-id",
        "log-9",
    )
    assert run(*ARGUMENTS, "--payment-config-id", 91, "--points", 500, *fields).exit_code == 0
    (job,) = desk.take(Lane.BACKGROUND).jobs
    body = json.loads(job.body)
    assert body["eventLogId"] == "log-9"
    assert body["rewards"][0]["paymentConfig"] == {"id": 91, "points": 500}
    assert body["rewards"][0]["customFields"] == {"tier": "gold", "shop": "A=1"}


def test_a_custom_field_without_a_name_is_refused(run):
    result = run(*ARGUMENTS, "--custom-field", "gold")
    assert result.exit_code == 2
    assert "NAME=VALUE" in result.stderr


def test_the_same_key_gives_the_same_request_id(run):
    first, second = run(*ARGUMENTS, "--key", "order-17"), run(*ARGUMENTS, "--key", "order-17")
    assert first.stdout == second.stdout
    assert second.exit_code == 0


def test_without_a_key_every_call_issues(run):
    assert run(*ARGUMENTS).stdout != run(*ARGUMENTS).stdout


def test_a_key_reused_with_another_payload_is_refused(run):
    run(*ARGUMENTS, "--key", "order-17")
    result = run(*ARGUMENTS, "--key", "order-17", "--quantity", 2)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "use a new key" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["--reward-id", "1001"], "give exactly one of mobile, email, external id"),
        (
            ["--reward-id", "1001", "--mobile", "919800000001", "--email", "a@example.test"],
            "give exactly one",
        ),
        (["--reward-id", "1001", "--mobile", "12"], "write 7 to 15 digits"),
        (["--reward-id", "0", "--mobile", "919800000001"], "write a whole number from 1"),
        (
            ["--reward-id", "1001", "--mobile", "919800000001", "--org-id", "0"],
            "write a whole number from 1",
        ),
        (["--reward-id", "1001", "--mobile", "919800000001", "--redemption-value", "0"], "above 0"),
        (["--reward-id", "1001", "--mobile", "919800000001", "--key", ""], "give 1 to 255"),
    ],
)
def test_a_wrong_value_is_refused_with_a_remedy(run, arguments, remedy):
    result = run("issue", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert remedy in result.stderr


def test_waiting_for_an_issued_reward_ends_with_0_and_masked_vouchers(run, answering):
    answering(lambda job: answer(*(say(line, vouchers=["GOLD-12345678"]) for line in job.lines)))
    result = run(*ARGUMENTS, "--wait")
    assert result.exit_code == 0
    assert result.stdout.count("\n") == 1
    assert result.stderr.splitlines()[-1] == "issued · code 200 · says 200 · vouchers ********678"


def test_waiting_for_a_refused_reward_ends_with_1_and_says_why(run, answering):
    answering(lambda _: refuse(1014, "no customer 919800000001"))
    result = run(*ARGUMENTS, "--wait")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == "failed · code 1014 · no customer ****"


def test_waiting_ends_at_once_for_a_reward_of_a_paused_campaign(run, desk):
    pause_campaign(desk.ledger, "spring", OPERATOR)
    result = run(*ARGUMENTS, "--wait")
    assert result.exit_code == 1
    assert "Not waiting: campaign spring is paused" in result.stderr
    assert result.stderr.splitlines()[-1] == "waiting"
