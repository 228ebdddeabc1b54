"""`issuance redrives`, and the groups and plans of `issuance dead-letters`."""

import json

import pytest

from tests.contract.ledger.build import TIMEOUT, make_job, refuse


@pytest.fixture
def letters(desk):
    """Two letters that were refused, and one in doubt."""
    for number in (1, 2):
        desk.settle(make_job(number, campaign="spring"), refuse(1014, f"no member 9{number}"))
    desk.settle(make_job(3, campaign="spring"), TIMEOUT)
    return desk


def test_groups_are_listed_with_the_largest_first(run, letters):
    output = run("dead-letters", "groups").stdout.splitlines()
    assert "spring · no member [number]" in output[1]
    assert output[-1] == "3 open dead letters in 2 groups"
    first, second = json.loads(run("dead-letters", "groups", "--json").stdout)["groups"]
    assert (first["letters"], first["reason"], first["lastRedrive"]) == (2, "failed", None)
    assert second["campaigns"] == ["spring"]


def test_a_plan_is_shown_carried_out_followed_and_undone(run, letters):
    shown = run("dead-letters", "plan", "--campaign", "spring", "--reissue").stdout
    assert "would be reissued: 2" in shown
    assert "not allowed: 1" in shown
    plan = json.loads(
        run("dead-letters", "plan", "--campaign", "spring", "--reissue", "--json").stdout
    )
    assert plan["counts"]["wouldBeReissued"] == 2
    begun = run("dead-letters", "redrive", "--plan", plan["plan"], "--trial", 1)
    assert begun.exit_code == 0, begun.stderr
    assert "This is the trial; 1 more follow" in begun.stdout
    again = run("dead-letters", "redrive", "--plan", plan["plan"])
    assert (again.exit_code, "was carried out already" in again.stderr) == (2, True)
    shown = run("redrives", "show", plan["plan"]).stdout
    assert shown.startswith(f"Redrive {plan['plan']}: reissue, trial\n")
    assert "now       to go 1 · under way 1" in shown
    found = json.loads(run("redrives", "show", plan["plan"], "--json").stdout)
    assert (found["letters"], found["items"]) == (2, {"pending": 1, "sent": 1})
    undone = run("redrives", "undo", plan["plan"]).stdout
    assert undone == "1 dead letter opened again, 1 not sent, 0 sent already and left alone\n"
    assert "1 of 1 redrive" in run("redrives", "list").stdout


def test_a_stale_plan_is_refused(run, letters):
    plan = json.loads(run("dead-letters", "plan", 3, "--json").stdout)["plan"]
    run("dead-letters", "discard", 3)
    stale = run("dead-letters", "redrive", "--plan", plan)
    assert (stale.exit_code, f"Plan {plan} is stale" in stale.stderr) == (2, True)


def test_states_that_are_given_twice_mean_both(run, letters):
    run("dead-letters", "discard", 3)
    options = ("--state", "open", "--state", "discarded", "--format", "jsonl")
    listed = run("dead-letters", "list", *options).stdout.splitlines()
    assert [json.loads(line)["id"] for line in listed] == [1, 2, 3]


def test_an_unknown_redrive_is_refused(run, letters):
    for command in ("show", "pause", "undo"):
        result = run("redrives", command, 77)
        assert (result.exit_code, "There is no redrive 77" in result.stderr) == (2, True)
