"""Charts: valid SVG, the data in its places, gaps as gaps, nothing that a page could run."""

from datetime import UTC, datetime
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charts.bar import Part, draw_bar, draw_ranked
from charts.columns import Column, draw_columns
from charts.line import LineChart, Mark, Series, draw_lines
from charts.scale import Scale, number_ticks, short_number, time_labels, time_ticks
from charts.svg import spell

_SVG = "{http://www.w3.org/2000/svg}"
_NOON = datetime(2026, 11, 29, 12, tzinfo=UTC).timestamp()


def _texts(svg):
    return [each.text for each in ET.fromstring(svg).iter(f"{_SVG}text")]


def _paths(svg):
    return [each.get("d") for each in ET.fromstring(svg).iter(f"{_SVG}path")]


def test_a_line_goes_through_its_points():
    chart = LineChart("Rate", [Series("calls", [(0.0, 0.0), (60.0, 10.0)])], width=164, height=136)
    # 100 wide and 100 high inside its axes; y grows downwards.
    assert _paths(draw_lines(chart)) == ["M52.0 112.0L152.0 12.0"]


def test_a_value_that_is_not_known_is_a_gap_and_not_a_zero():
    points = [(0.0, 1.0), (1.0, None), (2.0, 1.0), (3.0, 1.0)]
    (path,) = _paths(draw_lines(LineChart("Rate", [Series("calls", points)])))
    assert path.count("M") == 2
    assert path.count("L") == 1


def test_without_data_it_says_so_and_draws_no_line():
    svg = draw_lines(LineChart("Rate", [Series("calls", [])], empty="Nothing was sent yet"))
    assert "Nothing was sent yet" in _texts(svg)
    assert _paths(svg) == []


def test_each_series_differs_in_more_than_colour():
    series = [Series(str(number), [(0.0, 1.0), (1.0, 2.0)]) for number in range(6)]
    root = ET.fromstring(draw_lines(LineChart("Rate", series)))
    dashes = [path.get("stroke-dasharray") for path in root.iter(f"{_SVG}path")]
    assert len(set(dashes)) == 6


def test_marks_have_a_number_and_say_what_happened():
    marks = [Mark(30.0, "paused by ann", until=40.0), Mark(50.0, "limit lowered")]
    svg = draw_lines(LineChart("Rate", [Series("calls", [(0.0, 1.0), (60.0, 2.0)])], marks))
    titles = [each.text for each in ET.fromstring(svg).iter(f"{_SVG}title")]
    assert titles == ["Rate", "paused by ann", "limit lowered"]
    assert {"1", "2"} <= set(_texts(svg))


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])))
def test_no_text_leaves_its_element(name):
    svg = draw_lines(LineChart(name, [Series(name, [(0.0, 1.0)])], [Mark(0.0, name)], width=5_000))
    root = ET.fromstring(svg)
    assert {each.tag for each in root.iter()} <= {
        f"{_SVG}{tag}" for tag in ("svg", "title", "line", "text", "path", "rect")
    }
    assert name in {each.text or "" for each in root.iter(f"{_SVG}text")} | {""}


@given(st.floats(0, 1e3), st.floats(1e-3, 1e12))
def test_ticks_enclose_the_values_in_few_round_steps(low, share):
    span = max(low, 1.0) * share
    ticks = number_ticks(low, low + span)
    assert ticks[0] <= low + 1e-6 * span
    assert ticks[-1] >= low + span * (1 - 1e-9)
    assert 2 <= len(ticks) <= 8


@pytest.mark.parametrize(
    ("value", "says"),
    [(0, "0"), (999, "999"), (1_500, "1.5k"), (20_000_000, "20M"), (0.25, "0.25")],
)
def test_numbers_on_an_axis_are_short(value, says):
    assert short_number(value) == says


def test_hours_stay_on_the_hour_through_a_change_of_daylight_saving():
    zone = ZoneInfo("Europe/Berlin")
    begin = datetime(2026, 10, 25, 0, tzinfo=zone).timestamp()
    ticks = time_ticks(begin, begin + 25 * 3600, zone)
    hours = {datetime.fromtimestamp(tick, zone).hour % 6 for tick in ticks}
    assert hours == {0}


def test_a_label_names_the_day_where_it_changes():
    ticks = [_NOON, _NOON + 12 * 3600, _NOON + 24 * 3600]
    assert time_labels(ticks) == ["12:00", "30 Nov 00:00", "12:00"]


def test_days_and_seconds_are_labelled_as_such():
    assert time_labels([_NOON, _NOON + 86_400]) == ["29 Nov", "30 Nov"]
    assert time_labels([_NOON, _NOON + 5]) == ["12:00:00", "12:00:05"]


def test_a_scale_of_nothing_stays_at_its_beginning():
    assert Scale(1.0, 1.0, 0.0, 10.0).place(1.0) == 0.0


def test_the_smallest_part_of_a_bar_is_visible():
    svg = draw_bar("Lines", [Part("issued", 1_000_000, "issued"), Part("failed", 1, "failed")])
    widths = [
        float(each.get("width"))
        for each in ET.fromstring(svg).iter(f"{_SVG}rect")
        if "part" in each.get("class")
    ]
    assert min(widths) >= 1.5
    assert sum(widths) == pytest.approx(640, abs=0.1)


def test_a_bar_names_every_part_with_its_number():
    svg = draw_bar("Lines", [Part("issued", 1_880, "issued"), Part("failed", 0, "failed")])
    assert next(ET.fromstring(svg).iter(f"{_SVG}title")).text == "Lines: issued 1,880"


def test_an_empty_bar_says_so():
    assert "Lines: nothing yet" in draw_bar("Lines", [])


def test_rows_are_ranked_by_their_numbers():
    parts = [Part("8003", 12, "failed"), Part("12034", 7, "failed"), Part("8010", 40, "partial")]
    assert _texts(draw_ranked("Refusals", parts)) == ["8010", "40", "8003", "12", "12034", "7"]


def test_numbers_have_one_spelling():
    assert [spell(value) for value in (1.0, -0.001, 2.345, 3, "x")] == ["1", "0", "2.35", "3", "x"]


def test_columns_are_as_tall_as_their_counts_and_say_them():
    svg = draw_columns("By hour", [Column("13:00", 10), Column("14:00", 0), Column("15:00", 5)])
    first, second = ET.fromstring(svg).iter(f"{_SVG}rect")
    assert float(first.get("height")) == 2 * float(second.get("height"))
    assert first.find(f"{_SVG}title").text == "13:00: 10"
    # The hour without a letter keeps its place.
    assert float(second.get("x")) == 2 * (float(first.get("width")) + 2)


def test_a_single_one_among_many_is_visible_and_nothing_draws_nothing():
    svg = draw_columns("By hour", [Column("13:00", 1_000_000), Column("14:00", 1)])
    assert all(float(each.get("height")) >= 2 for each in ET.fromstring(svg).iter(f"{_SVG}rect"))
    empty = draw_columns("<&>", [Column("13:00", 0)])
    assert not list(ET.fromstring(empty).iter(f"{_SVG}rect"))
