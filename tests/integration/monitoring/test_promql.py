"""The evaluator of the dashboards' pictures agrees with what Prometheus documents."""

import json
import math

import pytest

from tests.monitoring.promql import Expression, Series, as_vector
from tests.monitoring.recording import BOARDS, Recording


def series(**values) -> Series:
    """Make series of one metric `m`; the key is the value of its label `a`."""
    recording = Recording("made", 0, len(next(iter(values.values()))))
    recording.series = {f'm{{job="j",a="{name}"}}': found for name, found in values.items()}
    return Series.of(recording)


def value(text: str, found: Series, at: int | None = None) -> dict:
    """Evaluate at the last scrape; the result by the label `a`."""
    result = as_vector(Expression.read(text).at(found, found.scrapes - 1 if at is None else at))
    return {dict(labels).get("a", ""): number for labels, number in result.items()}


TWO = series(x=[1.0, 2.0, 3.0], y=[10.0, None, 30.0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("m", {"x": 3, "y": 30}),
        ('m{a="x"}', {"x": 3}),
        ('m{a!="x"}', {"y": 30}),
        ('m{a=~"x|z"}', {"x": 3}),
        ('m{a!~"x|z"}', {"y": 30}),
        ('m{a=~"$account"}', {"x": 3, "y": 30}),
        ("sum(m)", {"": 33}),
        ("sum by (a) (m)", {"x": 3, "y": 30}),
        ("max(m)", {"": 30}),
        ("60 * m", {"x": 180, "y": 1800}),
        ("m / m", {"x": 1, "y": 1}),
        ("m > 3", {"y": 30}),
        ("m < +Inf", {"x": 3, "y": 30}),
        ("sum(other) or vector(0)", {"": 0}),
        ('m and m{a="x"}', {"x": 3}),
        ("clamp_min(m, 5)", {"x": 5, "y": 30}),
    ],
)
def test_expressions(text, expected):
    assert value(text, TWO) == expected


def test_a_single_sample_in_a_range_is_no_difference():
    assert value("delta(m[20s])", TWO) == pytest.approx({"x": 2})


def test_a_scrape_that_failed_has_no_value():
    assert value("m", TWO, 1) == {"x": 2}


def test_a_rate_counts_restarts_and_covers_the_whole_range():
    steady = series(x=[float(n * 10) for n in range(31)])
    assert value("rate(m[5m])", steady) == pytest.approx({"x": 1.0})
    restarted = series(x=[*(float(n * 10) for n in range(15)), *(float(n * 10) for n in range(16))])
    assert value("rate(m[5m])", restarted)["x"] == pytest.approx(1.0, rel=0.05)


def test_the_slope_of_a_line_is_exact():
    assert value("deriv(m[5m])", series(x=[3.0 + n * 5 for n in range(31)])) == pytest.approx(
        {"x": 0.5}
    )


def test_a_quantile_is_interpolated_within_its_bucket():
    recording = Recording("made", 0, 1)
    buckets = {"1": 10.0, "2": 30.0, "+Inf": 40.0}
    recording.series = {f'm{{le="{bound}"}}': [count] for bound, count in buckets.items()}
    found = Series.of(recording)
    assert value("histogram_quantile(0.5, m)", found) == {"": 1.5}
    assert value("histogram_quantile(0.99, m)", found) == {"": 2.0}
    recording.series = {f'm{{le="{bound}"}}': [0.0] for bound in buckets}
    assert math.isnan(value("histogram_quantile(0.5, m)", Series.of(recording))[""])


@pytest.mark.parametrize("text", ["m offset 5m", "quantile(0.5, m)", "m[5m]", "m %% 2", "sum(m"])
def test_what_it_does_not_know_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - each has its own words
        Expression.read(text)


def test_it_knows_every_expression_of_the_dashboards():
    for path in BOARDS:
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            for target in panel.get("targets", []):
                Expression.read(target["expr"]).at(TWO, 0)
