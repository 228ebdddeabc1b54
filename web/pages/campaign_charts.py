"""The charts of a campaign: calls a minute, how long they took, and the codes of its lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from starlette.responses import Response

from charts.bar import Part, draw_ranked
from charts.line import LineChart, Series, draw_lines
from issuance.states import State
from operations.access.roles import Right
from operations.code_mix import CodeMix
from operations.series.calls import PERCENTILES, CallSeries, Point, read_calls
from operations.series.marks import Marks, read_marks
from web.routing import View, route
from web.shared import Moment

_READ_SECONDS = 0.05
"""What is not read in this time is read by the next requests."""


@dataclass(frozen=True, slots=True)
class CampaignSeries:
    """What a campaign's charts show."""

    calls: CallSeries
    marks: Marks


def read_campaign_series(view: View, name: str) -> Moment[CampaignSeries]:
    """Read what the charts show; pages that are open together share it."""
    site, subject = view.site, view.viewer.subject

    def read() -> CampaignSeries:
        calls = read_calls(subject, site.ledger, name, site.series, seconds=_READ_SECONDS)
        return CampaignSeries(calls, read_marks(subject, site.ledger, name))

    subject.require(Right.VIEW)  # also if another page read it
    return site.charts.read(("series", name), read)


def calls_charts(view: View, series: CampaignSeries) -> dict[str, Any]:
    """Draw the rate of calls with marks, and how long calls took."""
    calls = series.calls
    rate = calls.calls_per_minute()
    took = [Series(f"p{percent} in ms", calls.percentile(percent)) for percent in PERCENTILES]
    axis: dict[str, Any] = {"zone": view.viewer.zone, "begin": calls.begin, "end": calls.end}
    axis |= {"width": 1000, "height": 180, "empty": "No call yet"}
    of_rate = LineChart(
        "Calls a minute", [Series("calls a minute", rate)], series.marks.shown, id="rate", **axis
    )
    return {
        "rate": _draw(of_rate),
        "latency": _draw(LineChart("How long calls took, in ms", took, id="latency", **axis)),
        "highest": _highest(rate),
    }


def _draw(chart: LineChart) -> Markup:
    return Markup(draw_lines(chart))  # noqa: S704  # it escapes every text


def _highest(points: Sequence[Point]) -> tuple[float, float] | None:
    known = [(value, at) for at, value in points if value]
    if not known:
        return None
    value, at = max(known)
    return at, value


_LOOKS = {State.FAILED: "failed", State.PARTIAL: "partial", State.IN_DOUBT: "in-doubt"}


def codes_chart(mix: CodeMix) -> Markup:
    """Draw a bar for each code."""
    parts = [
        Part(
            f"{each.state.replace('_', ' ')} {'' if each.code is None else each.code}".strip(),
            each.lines,
            _LOOKS[each.state],
        )
        for each in mix.codes
    ]
    return Markup(draw_ranked("Lines by code", parts, width=1000))  # noqa: S704  # it escapes every text


def calls(view: View) -> Response:
    """Show the numbers of the charts."""
    name = view.request.path_params["name"]
    moment = read_campaign_series(view, name)
    series = moment.value.calls
    took = [series.percentile(percent) for percent in PERCENTILES]
    values = {
        "name": name,
        "moment": moment.at,
        "series": series,
        "marks": moment.value.marks,
        "rows": [
            (span, [each[place][1] for each in took])
            for place, span in enumerate(series.spans)
            if span.calls
        ],
    }
    return view.page("calls.html", values)


ROUTES = [route("/campaigns/{name}/calls", calls)]
