"""A health report: checks each part once, in bounded time, and names causes only."""

import threading

import pytest

from issuance.job import Lane
from ledger.queries.stalls import Stall
from limiter.state import Availability
from operations.errors import UsageError
from operations.health.account_checks import is_explained, stall_seconds
from operations.health.campaign_checks import is_slow
from operations.health.runner import HEALTHY, NEEDS, Component, Finding, read_components, run_checks
from operations.health.suspension_checks import suspended_part
from tests.unit.limit_states import limit_state

UNHEALTHY = Finding("it is gone", "bring it back")


def _checkup(wanted=Component, **findings):
    """Checks in which every part is healthy but these."""
    seen = []

    def examination(part):
        def look():
            seen.append(part)
            return findings.get(part.name, HEALTHY)

        return look

    report = run_checks({part: examination(part) for part in Component}, wanted, check_seconds=5)
    assert len(seen) == len(set(seen))
    return report, set(seen)


def test_a_healthy_report_names_every_part_once():
    report, seen = _checkup()
    assert report.healthy
    assert seen == set(Component)
    assert report.lines() == []
    assert set(report.as_json()["parts"].values()) == {"ok"}


def test_a_problem_is_one_line_with_cause_and_remedy():
    report, _ = _checkup(PROGRESS=UNHEALTHY)
    assert not report.healthy
    assert report.lines() == ["progress: it is gone; bring it back"]
    assert report.as_json()["problems"] == [
        {"part": "progress", "cause": "it is gone", "remedy": "bring it back"}
    ]


def test_a_part_that_needs_a_failed_part_is_unknown_and_not_checked():
    report, seen = _checkup(BROKER=UNHEALTHY)
    of_limits = {part for part, needs in NEEDS.items() if Component.BROKER not in needs}
    assert seen == {Component.LEDGER, Component.BROKER, Component.LIMITS, *of_limits}
    assert report.unknown == dict.fromkeys(set(Component) - seen, Component.BROKER)
    assert report.as_json()["parts"]["worker"] == "unknown"


def test_beat_is_unknown_when_the_release_makes_no_rounds():
    report, _ = _checkup(RELEASE=UNHEALTHY)
    assert report.unknown == {Component.BEAT: Component.RELEASE}


@pytest.mark.parametrize(
    ("reason", "part"),
    [
        ("HTTP 401", Component.ACCOUNT),
        ("HTTP 429", Component.ACCOUNT),
        ("HTTP 403, code 1014", Component.ACCOUNT),
        ("token: refused (HTTP 400)", Component.ACCOUNT),
        ("HTTP 408", Component.API),
        ("HTTP 302 text/html", Component.API),
        ("HTTP 503 without a readable body", Component.API),
        ("ConnectTimeout", Component.API),
        ("no answer", Component.API),
        ("", Component.API),
    ],
)
def test_a_suspension_concerns_the_account_or_the_api_by_its_reason(reason, part):
    assert suspended_part(reason) is part


@pytest.mark.parametrize(
    ("weight", "weights", "per_minute", "expected"),
    [(1, 2, 0, False), (1, 2, 6_000, False), (1, 100, 100, False), (1, 101, 100, True)],
)
def test_a_campaign_with_a_small_share_of_the_rate_is_slow_and_not_stuck(
    weight, weights, per_minute, expected
):
    assert is_slow(weight, weights, per_minute, 180.0) is expected


@pytest.mark.parametrize("part", NEEDS)
def test_an_unselected_part_is_checked_only_when_a_selected_one_needs_it(part):
    _, seen = _checkup([part])
    assert seen == {part} | NEEDS[part]


def test_a_note_is_reported_and_the_system_stays_healthy():
    report, _ = _checkup(LIMITS=Finding(notes=("the account is closed",)))
    assert report.healthy
    assert report.lines() == ["note: the account is closed"]


def test_a_part_that_hangs_is_a_problem_and_delays_no_other_check():
    hang = threading.Event()

    def look():
        hang.wait(30)
        return HEALTHY

    report = run_checks(
        dict.fromkeys(Component, lambda: HEALTHY) | {Component.LEDGER: look},
        [Component.BROKER, Component.LEDGER],
        check_seconds=0.05,
    )
    hang.set()
    assert report.findings[Component.BROKER] == HEALTHY
    assert "did not answer within 0.05 s" in report.findings[Component.LEDGER].cause


def test_a_check_that_raises_reports_the_kind_of_error_without_its_data():
    def look():
        raise RuntimeError("919800000001")

    (line,) = run_checks({Component.LEDGER: look}, [Component.LEDGER], check_seconds=5).lines()
    assert "RuntimeError" in line
    assert "9198" not in line


def test_parts_are_read_by_name_and_all_is_the_default():
    assert read_components("") == list(Component)
    assert read_components("ledger, background-worker") == [
        Component.LEDGER,
        Component.BACKGROUND_WORKER,
    ]
    with pytest.raises(UsageError, match=r"legder: no such part; give some of ledger, broker"):
        read_components("legder,broker")


@pytest.mark.parametrize(("rate", "expected"), [(0, 180), (100, 180), (1, 180), (0.5, 360)])
def test_at_a_low_rate_a_stall_takes_several_calls(rate, expected):
    assert stall_seconds(180, limit_state(rate)) == expected


@pytest.mark.parametrize(
    ("limits", "elsewhere", "expected"),
    [
        (limit_state(0), 0, False),
        (limit_state(0), 10_000, False),
        (limit_state(100), 0, False),
        (limit_state(100), 150, False),
        (limit_state(100), 280, True),
        (limit_state(6_000, adaptive_limit=100), 280, True),
        (limit_state(0, availability=Availability.SUSPENDED), 0, True),
        (limit_state(0, availability=Availability.PROBING), 0, True),
    ],
    ids=[
        "no call",
        "no rate",
        "none",
        "half of the rate",
        "the whole rate",
        "the adaptive limit",
        "suspended",
        "probed",
    ],
)
def test_a_lane_without_calls_is_no_stall_when_suspended_or_the_other_lane_uses_the_rate(
    limits, elsewhere, expected
):
    assert is_explained(Stall(Lane.BLAST, 500.0, elsewhere), limits, 180.0) is expected
