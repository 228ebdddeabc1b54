"""`issuance campaign set, plan, submit, approve, reject`, and drafts of `issuance blast`."""

import json

import pytest

from issuance.approval_policy import ApprovalPolicy
from issuance.states import CampaignState
from ledger.audit_log import Operator, actions_on
from ledger.campaign_changes import submit_campaign
from ledger.campaigns import CampaignError, find_campaign

ANN = Operator("ann", "please")
ROWS = [f"9198000000{number:02},{1001 + number % 2}" for number in range(1, 5)]
PRICES = '[{"rewardId": 1001, "points": 10}, {"rewardId": 1002, "points": 2.5}]'


@pytest.fixture
def draft(run, write_file):
    result = run("blast", write_file(*ROWS), "--campaign", "spring", "--draft")
    assert result.exit_code == 0
    return result


@pytest.fixture
def prices(tmp_path):
    path = tmp_path / "rewards.json"
    path.write_text(PRICES)
    return path


def plan(run, *options):
    result = run("campaign", "plan", "spring", "--json", *options)
    assert result.exit_code == 0
    return json.loads(result.stdout)


def state(ledger, name="spring"):
    return find_campaign(ledger, name).state


def test_a_draft_holds_its_rows_and_says_what_is_next(run, ledger, draft, write_file):
    assert state(ledger) is CampaignState.DRAFT
    assert draft.stderr.splitlines()[-1] == (
        "Next: an issuer submits it: issuance campaign submit spring"
    )
    more = write_file("919800000099,1001", name="more.csv")
    assert run("blast", more, "--campaign", "spring", "--draft").exit_code == 0
    found = plan(run)
    assert (found["state"], found["lines"], found["units"]) == ("draft", 5, 5)


def test_the_settings_of_a_draft_are_stored(run, ledger, write_file):
    result = run(
        *("blast", write_file(*ROWS), "--campaign", "spring", "--draft"),
        *("--start-at", "2030-01-01 09:00", "--window", "mon-sat 09:00-21:00"),
        *("--timezone", "Asia/Kolkata", "--rate", "60", "--canary", "2", "--weight", "3"),
        *("--budget-units", "100", "--budget-points", "99.5", "--stop-loss", "off"),
    )
    assert result.exit_code == 0, result.stderr
    assert plan(run)["settings"] == {
        "start-at": "2030-01-01 03:30:00Z",
        "window": "mon-sat 09:00-21:00",
        "timezone": "Asia/Kolkata",
        "rate": "60/min",
        "canary": "2",
        "stop-loss": "off",
        "budget-units": "100",
        "budget-points": "99.5",
        "weight": "3",
    }


def test_a_blast_has_a_stop_loss_and_starts_at_once_without_a_policy(run, ledger, write_file):
    assert run("blast", write_file(*ROWS), "--campaign", "spring").exit_code == 0
    assert state(ledger) is CampaignState.RUNNING
    assert plan(run)["settings"]["stop-loss"] == "default"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--rate", "60"),
            "Only a draft has other settings than --weight and --stop-loss: give --draft",
        ),
        (("--draft", "--wait"), "a draft issues nothing until it is submitted"),
        (("--draft", "--window", "always"), "window"),
        (("--draft", "--stop-loss", "on"), "stop-loss 'on': give default or off"),
        (("--draft", "--start-at", "soon"), "start-at 'soon'"),
    ],
)
def test_wrong_options_are_refused_before_there_is_a_campaign(
    run, ledger, write_file, options, message
):
    result = run("blast", write_file(*ROWS), "--campaign", "spring", *options)
    assert result.exit_code == 2
    assert message in result.stderr
    with pytest.raises(CampaignError):
        find_campaign(ledger, "spring")


def test_a_running_campaign_is_no_draft_again(run, write_file):
    run("blast", write_file(*ROWS), "--campaign", "spring")
    result = run("blast", write_file(*ROWS), "--campaign", "spring", "--draft")
    assert (result.exit_code, "is running: it cannot be a draft again" in result.stderr) == (
        2,
        True,
    )


def test_the_plan_shows_what_would_be_issued(run, draft, prices, on_terminal):
    assert run("campaign", "set", "spring", "--rewards", prices).exit_code == 0
    found = plan(run)
    assert found["rewards"] == [
        {"rewardId": "1001", "rewardExternalId": None, "lines": 2, "units": 2, "points": 20},
        {"rewardId": "1002", "rewardExternalId": None, "lines": 2, "units": 2, "points": 5},
    ]
    assert (found["expectedPoints"], found["refused"], found["overlaps"]) == (25, 0, [])
    assert found["next"] == "an issuer submits it: issuance campaign submit spring"
    shown = run("campaign", "plan", "spring").stdout
    assert shown.startswith("spring: draft, 4 lines, 4 units, 25 points expected\n")
    assert f"digest   {found['digest']}" in shown
    assert "mobile:********001" in shown
    assert "919800000001" not in shown
    assert found["digest"] in on_terminal("campaign", "plan", "spring")


def test_the_prices_of_a_plan_are_not_stored(run, draft, prices):
    before = plan(run)
    found = plan(run, "--rewards", prices)
    assert (before["expectedPoints"], found["expectedPoints"]) == (None, 25)
    assert "stores them" in found["warnings"][0]
    assert plan(run) == before


def test_the_prices_of_a_blast_are_stored(run, write_file, prices):
    run("blast", write_file(*ROWS), "--campaign", "spring", "--draft", "--rewards", prices)
    assert plan(run)["expectedPoints"] == 25


def test_the_plan_warns_of_what_is_to_be_looked_at(run, ledger, write_file):
    run("blast", write_file(*ROWS), "--campaign", "winter")
    run("blast", write_file(*ROWS, "x,1001"), "--campaign", "spring", "--draft", "--rate", "5")
    run("campaign", "set", "spring", "--budget-units", "3", "--canary", "9", "--stop-loss", "off")
    found = plan(run)
    assert found["refused"] == 1
    assert found["overlaps"] == [{"campaign": "winter", "customers": 4}]
    text = "\n".join(found["warnings"])
    for part in (
        "1 refused row in ",
        "4 customers of it got, or will get, the same reward in winter",
        "budget-units 3 is less than the 4 units asked for",
        "canary 9 is the whole campaign",
        "stop-loss is off",
    ):
        assert part in text


def test_set_says_what_changed_and_that_the_approval_is_void(run, ledger, draft):
    result = run("campaign", "set", "spring", "--rate", "60", "--note", "slowly")
    assert result.stdout == "spring: rate 60/min (was rate none)\n"
    assert run("campaign", "set", "spring", "--rate", "60").stdout == "spring: nothing changed\n"
    assert run("campaign", "set", "spring").exit_code == 2
    submit_campaign(ledger, "spring", ANN, ApprovalPolicy(units=1))
    result = run("campaign", "set", "spring", "--rate", "0")
    assert "is a draft again" in result.stderr
    assert state(ledger) is CampaignState.DRAFT


def test_without_a_policy_a_draft_is_scheduled(run, ledger, draft):
    result = run("campaign", "submit", "spring", "--note", "go")
    assert result.stdout == "spring: scheduled, no approval is needed\n"
    assert result.stderr.splitlines()[-1] == "Next: nothing: it starts soon"
    assert actions_on(ledger, "campaign:spring")[-1].reason == "go"


def test_the_same_person_cannot_submit_and_approve(run, ledger, draft, monkeypatch):
    monkeypatch.setenv("ISSUANCE_APPROVAL_UNITS", "3")
    result = run("campaign", "submit", "spring")
    assert result.stdout == ("spring: submitted; 4 units are more than ISSUANCE_APPROVAL_UNITS=3\n")
    monkeypatch.setenv("ISSUANCE_OPERATOR", "another name")
    digest = plan(run)["digest"]
    result = run("campaign", "approve", "spring", "--digest", digest)
    assert (result.exit_code, "another person must approve it" in result.stderr) == (2, True)
    assert state(ledger) is CampaignState.AWAITING_APPROVAL


def test_another_person_approves(run, ledger, draft):
    submit_campaign(ledger, "spring", ANN, ApprovalPolicy(units=1))
    found = plan(run)
    assert found["approval"]["submittedBy"] == "ann"
    assert found["next"] == "an approver other than ann decides: issuance campaign plan spring"
    shown = run("campaign", "plan", "spring").stdout
    assert f"issuance campaign approve spring --digest {found['digest']}\n" in shown
    assert f"  next: {found['next']}" in run("status").stdout
    assert json.loads(run("status", "spring", "--json").stdout)["next"] == found["next"]
    result = run("campaign", "approve", "spring", "--digest", found["digest"], "--note", "fine")
    assert (result.exit_code, result.stdout) == (0, "spring: approved\n")
    assert state(ledger) is CampaignState.SCHEDULED
    entry = actions_on(ledger, "campaign:spring")[-1]
    assert (entry.verb, entry.reason) == ("approve", "fine")
    assert entry.after == f"scheduled, digest {found['digest']}"


def test_a_rejected_draft_says_why_until_it_is_submitted_again(run, ledger, draft):
    submit_campaign(ledger, "spring", ANN, ApprovalPolicy(units=1))
    result = run("campaign", "reject", "spring", "--note", "reward 1002 is wrong")
    assert result.stdout == "spring: rejected, and a draft again\n"
    assert "reward 1002 is wrong. Mend it, then" in plan(run)["next"]


def test_under_a_policy_a_blast_above_the_ceiling_is_submitted(
    run, ledger, write_file, monkeypatch
):
    monkeypatch.setenv("ISSUANCE_APPROVAL_UNITS", "3")
    result = run("blast", write_file(*ROWS), "--campaign", "spring", "--wait")
    assert result.exit_code == 0
    assert "spring is submitted, and not started: 4 units are more" in result.stderr
    assert state(ledger) is CampaignState.AWAITING_APPROVAL
    run("blast", write_file(*ROWS[:3]), "--campaign", "summer")
    assert state(ledger, "summer") is CampaignState.SCHEDULED


def test_under_a_policy_rows_for_a_running_campaign_stay_below_the_ceiling(
    run, desk, write_file, monkeypatch
):
    monkeypatch.setenv("ISSUANCE_APPROVAL_UNITS", "3")
    result = run("blast", write_file(*ROWS), "--campaign", "spring")
    assert result.exit_code == 2
    assert "accept it as a draft of another name" in result.stderr
    assert desk.counts() == {}


@pytest.mark.parametrize("key", [(), ("--key", "order-1")])
def test_a_single_request_above_the_ceiling_is_refused_with_the_remedy(
    run, ledger, monkeypatch, key
):
    monkeypatch.setenv("ISSUANCE_APPROVAL_UNITS", "3")
    asked = ("issue", "--mobile", "919800000001", "--reward-id", "1001")
    result = run(*asked, "--quantity", "4", *key)
    assert result.exit_code == 2
    assert "needs the approval of a second person" in result.stderr
    with pytest.raises(CampaignError):
        find_campaign(ledger, "background")
    assert run(*asked, "--quantity", "3", *key).exit_code == 0


def test_a_request_whose_points_are_not_known_is_refused_until_they_are(
    run, ledger, draft, prices, monkeypatch
):
    monkeypatch.setenv("ISSUANCE_APPROVAL_POINTS", "10")
    asked = ("issue", "--mobile", "919800000001", "--reward-id", "1001")
    assert "needs the approval" in run(*asked).stderr
    run("campaign", "set", "spring", "--rewards", prices)
    assert run(*asked).exit_code == 0
    assert run(*asked, "--quantity", "2").exit_code == 2


def test_a_known_request_stays_known_below_a_new_ceiling(run, monkeypatch):
    asked = ("issue", "--mobile", "919800000001", "--reward-id", "1001", "--quantity", "4")
    first = run(*asked, "--key", "order-1").stdout
    monkeypatch.setenv("ISSUANCE_APPROVAL_UNITS", "3")
    again = run(*asked, "--key", "order-1")
    assert (again.exit_code, again.stdout) == (0, first)


def test_a_refused_blast_leaves_no_empty_campaign(run, ledger, write_file):
    result = run("blast", write_file("x,1001"), "--campaign", "spring")
    assert result.exit_code == 3
    assert "No row was accepted: campaign spring was not made." in result.stderr
    with pytest.raises(CampaignError):
        find_campaign(ledger, "spring")
    assert [entry.verb for entry in actions_on(ledger, "campaign:spring")][-1] == "remove"


def test_a_campaign_that_was_there_stays(run, desk, write_file):
    assert run("blast", write_file("x,1001"), "--campaign", "spring").exit_code == 3
    assert state(desk.ledger) is CampaignState.RUNNING


def test_a_key_that_was_used_before_makes_no_campaign(run, ledger):
    asked = ("issue", "--mobile", "919800000001", "--key", "order-1", "--reward-id")
    assert run(*asked, "1001").exit_code == 0
    result = run(*asked, "1002", "--campaign", "other")
    assert (result.exit_code, "it was used before" in result.stderr) == (2, True)
    with pytest.raises(CampaignError):
        find_campaign(ledger, "other")


def test_what_waits_for_approval_and_what_was_decided_is_listed(run, ledger, draft):
    assert run("campaign", "approvals").stdout == "None.\n"
    submit_campaign(ledger, "spring", ANN, ApprovalPolicy(units=0))
    lines = run("campaign", "approvals").stdout.splitlines()
    assert lines[0] == "spring: 4 lines, 4 units"
    assert lines[1].endswith(" by ann: please")
    assert lines[2] == "  waits: issuance campaign plan spring"
    assert run("campaign", "approvals", "mine").stdout == "None.\n"
    run("campaign", "reject", "spring", "--note", "reward 1001 ended")
    assert run("campaign", "approvals").stdout == "None.\n"
    (found,) = json.loads(run("campaign", "approvals", "decided", "--json").stdout)["approvals"]
    assert (found["decision"], found["note"], found["submittedBy"]) == (
        "rejected",
        "reward 1001 ended",
        "ann",
    )
    assert "reward 1001 ended" in run("campaign", "approvals", "decided").stdout
