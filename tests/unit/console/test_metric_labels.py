"""Label values are bounded, unique and without personal data."""

import pytest

from operations.metrics.attempts import CodeSeries
from operations.metrics.dead_letters import fit_to_count
from operations.metrics.labels import campaign_labels, code_label


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("diwali 2026", "diwali 2026"),
        ("दिवाली", "दिवाली"),
        ("x" * 200, "x" * 64 + " #7"),
        ("(closed)", "(closed) #7"),
        ("win back 919800000001", "…0001 #7"),
        ("for ann.lee@example.com", "….com #7"),
        ("a\u200bb", "a\\u200bb #7"),
    ],
)
def test_a_campaigns_label_is_short_printable_and_masked(name, expected):
    assert campaign_labels([(7, name)]) == {7: expected}


def test_no_two_campaigns_have_the_same_label():
    names = ["y" * 100, "y" * 90, "y" * 64 + " #1", "(other)", "(other) #4"]
    labels = campaign_labels(enumerate(names, 1))
    assert len(set(labels.values())) == len(names)


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        (200, 200, "200"),
        (12005, 200, "12005"),
        (987654, 200, "undocumented"),
        (-1, None, "undocumented"),
        (None, 503, "http_503"),
        (None, 599, "http_other"),
        (None, None, "none"),
    ],
)
def test_a_code_that_is_not_documented_makes_no_series_of_its_own(code, status, expected):
    assert code_label(code, status) == expected


def test_results_beyond_the_bound_are_added_up_and_none_moves_later():
    series = CodeSeries()
    many = {("attempts", f"kind {place}", 200, 200): 100 - place for place in range(60)}
    found = series.fold(many)
    assert sum(found.values()) == sum(many.values())
    named = {key for key in found if key[1] == "200"}
    assert len(named) == 40
    grown = series.fold(many | {("attempts", "kind 59", 200, 200): 1_000})
    assert {key for key in grown if key[1] == "200"} == named


@pytest.mark.parametrize(
    ("by_age", "count", "expected"),
    [
        ([5, 3, 2], 10, [5, 3, 2]),
        ([5, 3, 2], 14, [9, 3, 2]),
        ([5, 3, 2], 7, [2, 3, 2]),
        ([5, 3, 2], 3, [0, 1, 2]),
        ([5, 3, 2], 0, [0, 0, 0]),
        ([0, 0, 0], 4, [4, 0, 0]),
    ],
)
def test_ages_of_a_minute_ago_add_up_to_the_present_count(by_age, count, expected):
    assert fit_to_count(by_age, count) == expected
