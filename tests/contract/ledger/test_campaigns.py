"""Campaigns: created once, paused, resumed and cancelled; each action is recorded."""

from contextlib import suppress
from dataclasses import replace

import pytest
from sqlalchemy import update

from issuance.retry import Reconcile
from issuance.states import State
from ledger.audit_log import actions_on
from ledger.campaigns import (
    CampaignError,
    campaign_account,
    ensure_campaign,
    find_campaign,
    list_campaigns,
    pause_campaign,
    resume_campaign,
)
from ledger.dispatch.cancellation import cancel_campaign, settle_cancelled
from ledger.dispatch.reaper import reap
from ledger.dispatch.reconciliation import RECONCILE_NOW
from ledger.queries.campaign_accounts import halted_campaigns
from ledger.store.schema import campaigns, jobs
from tests.contract.ledger.build import (
    BUSY_CODE,
    OPERATOR,
    TIMEOUT,
    TOO_MANY,
    answer,
    issue,
    judge,
    make_job,
    make_jobs,
    say,
)


def test_a_campaign_is_found_again_with_its_first_options(ledger):
    made = ensure_campaign(ledger, "diwali", defers_limits=True)
    assert ensure_campaign(ledger, "diwali", defers_limits=False) == made
    assert find_campaign(ledger, "diwali").defers_limits is True
    assert [campaign.name for campaign in list_campaigns(ledger)] == ["diwali"]


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\x00b", "x" * 256])
def test_an_unreadable_name_is_refused(ledger, name):
    with pytest.raises(CampaignError, match="1 to 255 printable characters"):
        ensure_campaign(ledger, name)


@pytest.mark.parametrize(
    "spelling",
    ["spring ", " spring", "\tspring\N{NO-BREAK SPACE}", "spring"],
)
def test_blanks_around_a_name_do_not_make_another_campaign(ledger, spelling):
    made = ensure_campaign(ledger, spelling)
    assert made.name == "spring"
    assert ensure_campaign(ledger, "spring") == made
    assert find_campaign(ledger, spelling) == made
    assert len(list_campaigns(ledger)) == 1


def test_composed_and_decomposed_names_with_blanks_inside_are_one_campaign(ledger):
    made = ensure_campaign(ledger, "M\u00e4rz  sale")
    assert made.name == "M\u00e4rz sale"
    assert ensure_campaign(ledger, "Ma\u0308rz sale") == made
    assert ensure_campaign(ledger, "M\u00e4rz\N{EM SPACE}sale") == made


def test_the_case_of_a_name_counts(ledger):
    assert ensure_campaign(ledger, "Spring").id != ensure_campaign(ledger, "spring").id


def make_old(ledger, name):
    """Make a campaign as earlier versions did: with the name as it was typed."""
    made = ensure_campaign(ledger, f"placeholder {name}")
    with ledger.write() as connection:
        connection.execute(update(campaigns).where(campaigns.c.id == made.id).values(name=name))
    return made.id


def test_an_earlier_campaign_keeps_its_name_and_is_found_by_any_spelling(ledger):
    old = make_old(ledger, "spring ")
    for spelling in ("spring ", "spring", " spring"):
        assert ensure_campaign(ledger, spelling).id == old
        assert find_campaign(ledger, spelling).name == "spring "


def test_among_earlier_spellings_the_exact_one_is_meant(ledger):
    first, second = make_old(ledger, "spring "), make_old(ledger, " spring")
    assert find_campaign(ledger, "spring ").id == first
    assert find_campaign(ledger, " spring").id == second
    for use in (ensure_campaign, find_campaign):
        with pytest.raises(CampaignError, match="give one of 'spring ', ' spring' exactly"):
            use(ledger, "spring")


def test_an_action_is_recorded_under_the_campaigns_own_name(desk):
    pause_campaign(desk.ledger, " diwali ", OPERATOR)
    assert [each.verb for each in actions_on(desk.ledger, "campaign:diwali")] == ["pause"]


def test_a_name_of_255_emoji_is_accepted(desk):
    name = "🎉" * 255
    party = desk.another(name)
    party.settle(make_job(campaign=name), TIMEOUT)
    assert [letter.campaign for letter in desk.letters(campaign=name)] == [name]
    assert party.counts() == {State.IN_DOUBT: 1}


def test_an_unknown_campaign_is_explained(desk):
    with pytest.raises(
        CampaignError, match=r"no campaign 'holi': `issuance status` lists the campaigns"
    ):
        find_campaign(desk.ledger, "holi")


def test_paused_and_cancelled_campaigns_are_halted(desk):
    ids = {name: desk.another(name).campaign.id for name in ("paused", "cancelled", "resumed")}
    pause_campaign(desk.ledger, "paused", OPERATOR)
    pause_campaign(desk.ledger, "resumed", OPERATOR)
    resume_campaign(desk.ledger, "resumed", OPERATOR)
    cancel_campaign(desk.ledger, "cancelled", OPERATOR)
    assert halted_campaigns(desk.ledger) == {"default": {ids["paused"], ids["cancelled"]}}


def test_an_operators_actions_on_a_campaign_are_recorded(desk):
    pause_campaign(desk.ledger, "diwali", OPERATOR)
    resume_campaign(desk.ledger, "diwali", OPERATOR)
    cancel_campaign(desk.ledger, "diwali", OPERATOR)
    actions = actions_on(desk.ledger, "campaign:diwali")
    assert [(action.verb, action.subject, action.reason) for action in actions] == [
        ("pause", "asha", "ticket 42"),
        ("resume", "asha", "ticket 42"),
        ("cancel", "asha", "ticket 42"),
    ]
    assert actions[0].at <= actions[1].at <= actions[2].at


def test_a_cancel_notifies_before_its_jobs_are_settled(desk):
    desk.accept(*make_jobs(2))
    told = []
    cancel_campaign(
        desk.ledger,
        "diwali",
        OPERATOR,
        notify=lambda campaign: told.append((campaign.state, desk.counts())),
    )
    assert told == [("cancelled", {State.WAITING: 2})]
    assert desk.counts() == {State.CANCELLED: 2}


@pytest.mark.parametrize("change", [pause_campaign, resume_campaign])
def test_a_cancelled_campaign_is_not_paused_or_resumed(desk, change):
    cancel_campaign(desk.ledger, "diwali", OPERATOR)
    with pytest.raises(CampaignError, match="is cancelled"):
        change(desk.ledger, "diwali", OPERATOR)


@pytest.mark.parametrize("name", ["a", "b", "c", "d", "e"])
def test_a_cancel_concurrent_with_a_pause_is_final(desk, at_once, name):
    desk.another(name)

    def pause():
        with suppress(CampaignError):  # it came too late
            pause_campaign(desk.ledger, name, OPERATOR)

    at_once(pause, lambda: cancel_campaign(desk.ledger, name, OPERATOR))
    assert find_campaign(desk.ledger, name).state == "cancelled"


def test_cancelling_twice_changes_nothing_more(desk):
    desk.accept(make_job())
    cancel_campaign(desk.ledger, "diwali", OPERATOR)
    assert cancel_campaign(desk.ledger, "diwali", OPERATOR).state == "cancelled"
    assert desk.counts() == {State.CANCELLED: 1}


def test_unsent_jobs_are_cancelled_without_a_dead_letter(desk):
    desk.accept(*make_jobs(3), make_job(9, rewards=(1001, 1002)))
    desk.release(window=2)
    cancel_campaign(desk.ledger, "diwali", OPERATOR)
    assert desk.counts() == {State.CANCELLED: 5}
    assert desk.letters() == []


def test_calls_under_way_finish(desk):
    held, claimed = desk.take_one(make_job())
    cancel_campaign(desk.ledger, "diwali", OPERATOR)
    assert desk.counts() == {State.RUNNING: 1}
    desk.record(held, judge(claimed, issue(claimed)))
    assert desk.counts() == {State.ISSUED: 1}


def test_a_call_under_way_that_needs_a_retry_is_reconciled_instead(desk):
    held, claimed = desk.take_one(make_job())
    cancel_campaign(desk.ledger, "diwali", OPERATOR)
    desk.record(held, judge(claimed, TIMEOUT))
    assert settle_cancelled(desk.ledger) == 1
    _, again = desk.take_one()
    assert again.fallback is State.IN_DOUBT


def test_a_job_whose_worker_died_in_a_cancelled_campaign_is_reconciled(desk):
    desk.take_one(make_job())
    cancel_campaign(desk.ledger, "diwali", OPERATOR)
    desk.lapse()
    reap(desk.ledger)
    settle_cancelled(desk.ledger)
    held, again = desk.take_one()
    assert (held.is_cancelled, again.fallback) == (True, State.IN_DOUBT)


def test_a_job_in_doubt_is_reconciled_with_a_new_budget_when_its_campaign_is_cancelled(
    desk,
):
    job = make_job()
    held, claimed = desk.take_one(job)
    desk.record(held, judge(claimed, TIMEOUT))
    cancel_campaign(desk.ledger, "diwali", OPERATOR)
    assert (desk.counts(), desk.letters()) == ({State.WAITING: 1}, [])
    (chunk,) = desk.release()
    (again,) = desk.claim(chunk).jobs
    assert (again.fallback, again.empty_reads, again.budget_attempts, again.attempts) == (
        State.IN_DOUBT,
        0,
        0,
        1,
    )


def test_reconciliation_continues_in_a_cancelled_campaign_until_the_job_is_settled(desk):
    held, claimed = desk.take_one(make_job())
    desk.record(held, judge(claimed, TIMEOUT))
    cancel_campaign(desk.ledger, "diwali", OPERATOR)
    held, again = desk.take_one()
    desk.record(
        held,
        replace(
            judge(again, TIMEOUT), decision=Reconcile(30.0, State.IN_DOUBT, found_nothing=True)
        ),
    )
    assert settle_cancelled(desk.ledger) == 0
    held, again = desk.take_one()
    assert again.empty_reads == 1
    desk.record(held, judge(again, issue(again)))
    assert desk.counts() == {State.ISSUED: 1}


def test_in_a_cancelled_campaign_only_jobs_to_be_reconciled_are_released(desk):
    sent, unsent = make_job(1), make_job(2)
    held, claimed = desk.take_one(sent)
    desk.record(held, judge(claimed, TIMEOUT))
    desk.accept(unsent)
    (chunk,) = (desk.make_due(), desk.release())[1]
    # Without `settle_cancelled`, as if the release had died before it.
    with desk.ledger.write() as connection:
        connection.execute(update(jobs).where(jobs.c.id == sent.id).values(RECONCILE_NOW))
        connection.execute(update(campaigns).values(state="cancelled"))
    assert [job.id for job in desk.claim(chunk).jobs] == [sent.id]
    desk.make_due()
    assert desk.release() == []
    settle_cancelled(desk.ledger)
    assert desk.counts() == {State.RUNNING: 1, State.CANCELLED: 1}


def test_a_transient_refusal_fails_and_gets_a_dead_letter_when_its_campaign_is_cancelled(desk):
    held, claimed = desk.take_one(make_job())
    desk.record(held, judge(claimed, TOO_MANY))
    cancel_campaign(desk.ledger, "diwali", OPERATOR)
    assert desk.counts() == {State.FAILED: 1}
    assert (desk.letter().reason, desk.letter().message) == (
        "exhausted",
        "the campaign was cancelled before another attempt",
    )


def test_units_shown_before_a_cancel_still_count(desk):
    held, claimed = desk.take_one(make_job(rewards=(1001, 1002, 1003), quantity=2))
    one, two, three = claimed.lines
    reply = answer(say(one), say(two, 8010, units=1, vouchers=["A"]), say(three, BUSY_CODE))
    desk.record(held, judge(claimed, reply))
    cancel_campaign(desk.ledger, "diwali", OPERATOR)
    assert desk.counts() == {State.ISSUED: 1, State.PARTIAL: 1, State.FAILED: 1}
    assert desk.lines(claimed)[1].vouchers == ("A",)
    assert (desk.state(claimed), desk.letter().reason) == (State.PARTIAL, "partial")


def test_a_large_campaign_is_settled_in_several_rounds(desk):
    desk.accept(*make_jobs(5))
    held = desk.take()
    cancel_campaign(desk.ledger, "diwali", OPERATOR)
    desk.give_back(held)
    assert [settle_cancelled(desk.ledger, limit=2) for _ in range(4)] == [2, 2, 1, 0]
    assert desk.counts() == {State.CANCELLED: 5}


def test_other_campaigns_continue_when_one_is_cancelled(desk):
    desk.accept(make_job(1))
    other = desk.another("holi")
    other.accept(make_job(2, campaign="holi"))
    cancel_campaign(desk.ledger, "diwali", OPERATOR)
    assert other.counts() == {State.WAITING: 1}
    assert [chunk.campaign for chunk in desk.release()] == ["holi"]


def test_a_campaign_keeps_the_account_that_it_began_with(ledger):
    assert ensure_campaign(ledger, "spring").account == "default"
    assert ensure_campaign(ledger, "summer", account="north").account == "north"
    assert ensure_campaign(ledger, "summer").account == "north"
    assert campaign_account(ledger, "summer") == "north"
    assert campaign_account(ledger, "autumn") is None
    with pytest.raises(CampaignError, match="summer belongs to account north"):
        ensure_campaign(ledger, "summer", account="default")
    with pytest.raises(CampaignError, match="leave out --account north"):
        ensure_campaign(ledger, "spring", account="north")
