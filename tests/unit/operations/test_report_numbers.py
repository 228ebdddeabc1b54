"""The numbers of a report: spans, percentiles, backlog, outcome classes and rates."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from issuance.states import State
from ledger.audit_log import AuditEntry
from ledger.limit_samples import Limits
from ledger.queries.call_series import CampaignSeries, Grid
from ledger.queries.code_counts import CodeCount
from operations.report.grid import (
    MOST_POINTS,
    limit_values,
    make_grid,
    percentile,
    series_values,
)
from operations.report.outcome_classes import outcome_classes
from operations.report.rates import account_rates, campaign_rates

BEGIN = "2026-11-29T10:00:00.000Z"


def entry(minute, before, after, verb="set limit done"):
    at = datetime(2026, 11, 29, 10 if minute >= 0 else 9, minute % 60, tzinfo=UTC)
    more = ("root", 0, "vm", "console", "", verb, "account:default", before, after, "")
    return AuditEntry(1, at, *more)


@pytest.mark.parametrize(
    "length", [0, 1, 59, 238, 239, 3_600, 86_400, 86_400 * 300, 86_400 * 4_000]
)
def test_a_time_of_any_length_has_a_bounded_number_of_spans(length):
    grid, count = make_grid(1_700_000_000_123, 1_700_000_000_123 + length * 1000)
    assert 1 <= count <= MOST_POINTS
    assert grid.begin_ms <= 1_700_000_000_123
    assert grid.begin_ms + count * grid.span_ms > 1_700_000_000_123 + length * 1000


def test_a_percentile_is_the_value_that_this_share_does_not_exceed():
    counts = Counter({10: 90, 20: 5, 500: 5})
    assert [percentile(counts, share) for share in (50, 90, 91, 95, 96, 99)] == [
        *(10, 10, 20, 20, 500, 500)
    ]
    assert percentile(Counter(), 50) is None


def test_calls_outside_of_the_axis_are_counted_and_not_drawn():
    found = CampaignSeries(calls=Counter({(-1, "issued"): 2, (0, "issued"): 3, (9, "failed"): 4}))
    values = series_values(found, 2)
    assert (values["callsTotal"], values["callsOutside"]) == (9, 6)
    assert values["calls"]["issued"] == [3, 0]
    assert values["calls"]["failed"] == [0, 0]


def test_the_backlog_begins_with_what_was_accepted_before():
    found = CampaignSeries(
        accepted=Counter({-5: 10, 0: 1}), settled=Counter({-1: 2, 0: 3, 1: 4, 2: 2})
    )
    assert series_values(found, 3)["backlog"] == [6, 2, 0]


def test_lines_without_a_code_any_more_are_said_to_be_pruned():
    states = [
        {"state": "issued", "lines": 90, "units": 95},
        {"state": "failed", "lines": 10, "units": 0},
    ]
    counts = [CodeCount(State.FAILED, 1014, 7, 0)]
    issued, known, pruned = outcome_classes(states, counts)
    assert (issued["lines"], issued["cause"], issued["remedy"]) == (90, "", "")
    assert (known["code"], known["lines"], known["cause"]) == (1014, 7, "no such customer")
    assert (pruned["code"], pruned["lines"]) == (None, 3)
    assert "pruned" in pruned["cause"]


@pytest.mark.parametrize(
    ("state", "code", "words"),
    [
        (State.FAILED, 6004, "correct the row or the reward"),
        (State.FAILED, 12005, "when the limit allows it"),
        (State.FAILED, 3004, "correct the set-up"),
        (State.FAILED, 429, "was busy"),
        (State.FAILED, None, "was busy"),
        (State.FAILED, 77777, "ask the API's owner"),
        (State.FAILED, 10003, "transactions at the API"),
        (State.IN_DOUBT, None, "transactions at the API"),
        (State.PARTIAL, 8010, "the missing units"),
        (State.CANCELLED, None, "still wanted"),
        (State.REPLACED, 6004, "the line in its place"),
        (State.REVOKED, 200, "an operator decided it"),
    ],
)
def test_each_class_has_a_remedy_for_a_campaign_that_takes_nothing_any_more(state, code, words):
    states = [{"state": state.value, "lines": 1, "units": 0}]
    (found,) = outcome_classes(states, [CodeCount(state, code, 1, 0)])
    assert words in found["remedy"]
    assert found["cause"]
    assert "redrive" not in found["remedy"]


def test_the_accounts_rate_is_known_from_the_first_change_backwards():
    acts = [entry(5, "6,000 calls a minute", "2,400 calls a minute"), entry(9, "x", "unlimited")]
    assert account_rates(acts, BEGIN) == [
        {"at": BEGIN, "perMinute": 6_000},
        {"at": "2026-11-29T10:05:00.000Z", "perMinute": 2_400},
        {"at": "2026-11-29T10:09:00.000Z", "perMinute": None},
    ]


def test_a_rate_that_was_set_before_holds_from_the_beginning():
    acts = [entry(-5, "unlimited", "500 calls a minute"), entry(5, "", "the setting's")]
    assert account_rates(acts, BEGIN) == [
        {"at": BEGIN, "perMinute": 500},
        {"at": "2026-11-29T10:05:00.000Z", "perMinute": None},
    ]
    assert account_rates([], BEGIN) == []


def _statement(*acts, rate=None):
    settings = {} if rate is None else {"ratePerMinute": rate}
    return {"campaign": {"settings": settings}, "acts": list(acts)}


def _set(at, before, after):
    return {"verb": "set", "at": f"2026-11-29T{at}:00.000Z", "before": before, "after": after}


def test_the_campaigns_rate_follows_its_settings():
    assert campaign_rates(_statement(), BEGIN) == []
    assert campaign_rates(_statement(rate=60), BEGIN) == [{"at": BEGIN, "perMinute": 60}]
    acts = [
        _set("09:00", "rate none, canary none", "rate 60/min, canary 2"),
        _set("09:30", "window none", "window mon 09:00-10:00"),
        _set("10:30", "rate 60/min", "rate none"),
    ]
    assert campaign_rates(_statement(*acts), BEGIN) == [
        {"at": BEGIN, "perMinute": 60},
        {"at": "2026-11-29T10:30:00.000Z", "perMinute": None},
    ]


def test_the_adaptive_limit_of_a_span_is_its_lowest():
    grid = Grid(1_000, 1_000)
    changes = [
        (1_000, Limits(600, None)),
        (2_500, Limits(600, 300)),
        (2_700, Limits(600, 200)),
        (4_000, Limits(900, 400)),
        (5_500, Limits(900, None)),
    ]
    found = limit_values(changes, grid, 6, 6_900)
    assert found.adaptive == [None, 200, 200, 400, 400, None]
    assert found.rates == [(1_000, 600), (4_000, 900)]


def test_the_last_limit_holds_until_the_end():
    assert limit_values([(1_000, Limits(None, 5))], Grid(1_000, 1_000), 3, 3_000).adaptive == [
        *(5, 5, 5)
    ]
    assert limit_values([], Grid(0, 1), 2, 1).adaptive == [None, None]
    assert limit_values([(1_000, Limits(None, 5))], Grid(1_000, 1_000), 1, 1_000).adaptive == [5]
