"""Rows become jobs: repeats, rows grouped by customer, and refused rows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json

from issuance.endpoint import Variant
from issuance.request_id import CampaignIds
from producers.freezing import Freezer
from producers.lint import Lint
from producers.occurrences import Occurrences
from producers.preparing import BlastOptions, Prepared, Preparer
from producers.source import BadRow, Row
from tests.unit.producers_lint.build import COUPON, MILES, REWARDS, row

ANNA, BEN = "919800000001", "919800000002"
MOST = 3
GROUPED = BlastOptions(group_by_customer=True)


def freezer(variant: Variant = Variant.BULK) -> Freezer:
    return Freezer(variant, "DEMO", "email", 500, max_lines=MOST)


def prepare(*rows: Row | BadRow, options: BlastOptions = GROUPED) -> Prepared:
    with Occurrences() as occurrences:
        return Preparer(
            CampaignIds("spring"),
            freezer(),
            options,
            occurrences if options.allow_repeats else None,
        ).prepare(rows)


def lines(prepared: Prepared) -> list[list[int]]:
    return [[line.source_line for line in job.lines] for job in prepared.jobs]


def test_rows_of_one_customer_become_one_job_at_the_position_of_the_first():
    prepared = prepare(
        row(1, line=2, mobile=ANNA),
        row(1, line=3, mobile=BEN),
        row(2, line=4, mobile=ANNA),
        row(2, line=5, mobile=BEN),
    )
    assert lines(prepared) == [[2, 4], [3, 5]]
    assert [job.source_line for job in prepared.jobs] == [2, 3]
    rewards = [
        [reward["rewardId"] for reward in from_json(job.body)["rewards"]] for job in prepared.jobs
    ]
    assert rewards == [[1, 2], [1, 2]]


def test_a_job_has_no_more_lines_than_the_cap():
    assert lines(prepare(*(row(reward, line=reward + 1) for reward in range(1, 8)))) == [
        [2, 3, 4],
        [5, 6, 7],
        [8],
    ]


def test_without_grouping_each_row_is_a_job():
    assert lines(prepare(row(1, line=2), row(2, line=3), options=BlastOptions())) == [[2], [3]]


@pytest.mark.parametrize("different", [{"notes": "n"}, {"event_log_id": "e"}])
def test_rows_with_different_call_fields_do_not_share_a_job(different):
    assert lines(prepare(row(1, line=2), row(2, line=3, **different), row(3, line=4))) == [
        [2, 4],
        [3],
    ]


def test_a_repeat_gets_a_job_of_its_own_and_the_other_rows_stay_grouped():
    prepared = prepare(row(1, line=2), row(1, line=3), row(2, line=4))
    assert lines(prepared) == [[2, 4], [3]]
    assert prepared.jobs[1].id == prepared.jobs[0].id


def test_an_allowed_repeat_is_another_reward_in_a_job_of_its_own():
    prepared = prepare(
        row(1, line=2),
        row(1, line=3),
        row(2, line=4),
        options=BlastOptions(group_by_customer=True, allow_repeats=True),
    )
    assert lines(prepared) == [[2, 4], [3]]
    assert [job.occurrence for job in prepared.jobs] == [1, 2]
    assert prepared.jobs[1].id != prepared.jobs[0].id


def test_correcting_a_refused_row_changes_no_other_rows_request_id():
    options = BlastOptions(Lint(rewards=REWARDS), allow_repeats=True)
    bad, good = row(COUPON, line=2, payment_config_id=9), row(COUPON, line=3)
    before = prepare(bad, good, options=options)
    after = prepare(row(COUPON, line=2), good, options=options)
    assert ([refused.line for refused in before.refused], len(after.refused)) == ([2], 0)
    assert before.jobs[0].id == after.jobs[1].id


def test_a_bad_row_does_not_affect_the_other_rows_of_its_customer():
    unreadable = BadRow(3, "mobile", "no mobile", "write one")
    prepared = prepare(
        row(1, line=2), unreadable, row(2, line=4, redemption_value=1, points=1), row(3, line=5)
    )
    assert lines(prepared) == [[2, 5]]
    assert [(bad.line, bad.field) for bad in prepared.refused] == [(3, "mobile"), (4, "points")]


def test_warnings_of_refused_rows_are_not_counted():
    preparer = Preparer(CampaignIds("spring"), freezer(Variant.SINGLE), BlastOptions())
    preparer.prepare([row(1, mobile="9800000001", quantity=2), row(1, mobile="9800000002")])
    assert preparer.warnings.rows == 1


def test_in_strict_mode_a_warning_is_a_refusal_with_its_field_and_remedy():
    prepared = prepare(row(mobile="9800000001"), options=BlastOptions(Lint(strict=True)))
    [bad] = prepared.refused
    assert (bad.field, prepared.jobs) == ("mobile", [])
    assert "--country-code" in bad.remedy


def test_points_are_sent_in_the_payment_config():
    [job] = prepare(row(MILES, points=500, payment_config_id=91)).jobs
    assert from_json(job.body)["rewards"][0]["paymentConfig"] == {"id": 91, "points": 500}


def test_the_single_endpoint_cannot_group():
    with pytest.raises(ValueError, match="ISSUANCE_API_VARIANT=bulk"):
        Preparer(CampaignIds("spring"), freezer(Variant.SINGLE), GROUPED)


ROWS = st.lists(
    st.tuples(st.sampled_from([ANNA, BEN]), st.integers(1, 4), st.sampled_from([None, "n"])),
    max_size=40,
)


@given(ROWS, st.booleans(), st.integers(0, 40))
def test_every_row_is_in_one_job_with_the_same_request_id_for_any_batch_boundaries(
    rows, group, cut
):
    options = BlastOptions(group_by_customer=group, allow_repeats=True)
    made = [
        row(reward, line=line, mobile=mobile, notes=notes)
        for line, (mobile, reward, notes) in enumerate(rows, 2)
    ]
    with Occurrences() as occurrences:
        preparer = Preparer(CampaignIds("spring"), freezer(), options, occurrences)
        in_two = preparer.prepare(made[:cut]).jobs + preparer.prepare(made[cut:]).jobs
    at_once = prepare(*made, options=BlastOptions(allow_repeats=True)).jobs
    ids = {line.source_line: line.request_id for job in at_once for line in job.lines}
    assert len(set(ids.values())) == len(rows)
    assert {line.source_line: line.request_id for job in in_two for line in job.lines} == ids
    assert sum(len(job.lines) for job in in_two) == len(rows)
    assert all(len(job.lines) <= MOST for job in in_two)
    assert all(len({line.reward_id for line in job.lines}) == len(job.lines) for job in in_two)
