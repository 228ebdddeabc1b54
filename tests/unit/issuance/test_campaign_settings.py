"""A campaign's settings: read, checked, compared and described."""

from dataclasses import replace

import pytest

from issuance.campaign_settings import (
    NAMES,
    CampaignSettings,
    GivenSettings,
    SettingError,
    loosened,
)
from issuance.errors import ExplainedError

PLAIN = CampaignSettings()
FULL = CampaignSettings(
    start_at=1_796_000_000_000,
    window="mon-sat 09:00-21:00",
    timezone="Asia/Kolkata",
    rate_per_minute=60,
    canary=20,
    stop_loss="default",
    budget_units=100,
    budget_points=12_500,
    weight=3,
)


BUDGETS = ({"budget_units": 0}, {"budget_points": "1"}, {"rate": 1})


def apply(settings=PLAIN, **given):
    return GivenSettings(**given).applied_to(settings, "UTC")


def test_nothing_given_changes_nothing():
    assert GivenSettings().is_empty
    assert not GivenSettings(weight=1).is_empty
    assert apply(FULL) == FULL
    assert [GivenSettings(**given).has_budget for given in BUDGETS] == [True, True, False]


def test_all_settings_are_read_and_stored_in_one_spelling():
    found = apply(
        start_at="2026-11-30 09:00",
        window="Monday-Sat 9:00 - 21:00",
        timezone="Asia/Kolkata",
        rate=60,
        canary=20,
        stop_loss="default",
        budget_units=100,
        budget_points="12.5",
        weight=3,
    )
    assert found == replace(FULL, start_at=1_796_009_400_000)


def test_settings_are_taken_away():
    found = apply(
        FULL,
        start_at="none",
        window="none",
        rate=0,
        canary=0,
        stop_loss="off",
        budget_units=0,
        budget_points="0",
    )
    assert found == replace(PLAIN, timezone="Asia/Kolkata", weight=3)
    assert apply(FULL, budget_points="none").budget_points is None


def test_without_a_zone_the_campaigns_counts_and_then_the_accounts():
    assert apply(FULL, start_at="2026-11-30 09:00").start_at == 1_796_009_400_000
    found = GivenSettings(window="09:00-21:00").applied_to(PLAIN, "Europe/Berlin")
    assert (found.window, found.timezone) == ("mon-sun 09:00-21:00", "Europe/Berlin")
    assert apply(timezone="Asia/Kolkata") == replace(PLAIN, timezone="Asia/Kolkata")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"rate": -1}, "rate -1: give a whole number from 1 to 1,000,000, or 0 for none"),
        ({"canary": 100_001}, "canary 100001: give"),
        ({"budget_units": -5}, "budget-units -5: give"),
        ({"budget_points": "much"}, "budget-points 'much': give points"),
        ({"stop_loss": "on"}, "stop-loss 'on': give default or off"),
        ({"weight": 0}, "weight 0: give a whole number from 1 to 100"),
    ],
)
def test_a_wrong_value_is_named_with_its_remedy(given, message):
    with pytest.raises(SettingError, match=message):
        apply(**given)


@pytest.mark.parametrize(
    "given", [{"window": "always"}, {"timezone": "Mars/Base"}, {"start_at": "soon"}]
)
def test_a_text_that_cannot_be_read_is_refused(given):
    with pytest.raises(ExplainedError):
        apply(**given)


def test_changes_are_described_before_and_after():
    changed = replace(PLAIN, rate_per_minute=60, budget_points=12_500)
    assert PLAIN.changes(changed) == (
        "rate none, budget-points none",
        "rate 60/min, budget-points 12.5",
    )
    assert PLAIN.changes(PLAIN) == ("", "")


def test_every_setting_is_described_and_part_of_the_json():
    assert len(FULL.described()) == len(NAMES) == len(FULL.as_json())
    assert FULL.described()["start-at"] == "2026-11-30 00:53:20Z"
    assert "none" not in FULL.described().values()


@pytest.mark.parametrize(
    ("after", "options"),
    [
        (FULL, []),
        (replace(FULL, stop_loss="off"), ["stop-loss"]),
        (replace(FULL, budget_units=101), ["budget-units"]),
        (replace(FULL, budget_units=99), []),
        (replace(FULL, budget_points=None), ["budget-points"]),
        (replace(FULL, rate_per_minute=None, weight=100), []),
    ],
)
def test_what_holds_less_back_is_named(after, options):
    assert loosened(FULL, after) == options


def test_a_first_budget_holds_more_back():
    assert loosened(PLAIN, FULL) == []
