"""The chart of an account's last hour."""

from markupsafe import Markup

from charts.line import LineChart, Mark, Series, draw_lines
from operations.account_past import AccountPast, read_past
from web.routing import View
from web.shared import Moment

_LEAST_SECONDS = 600.0
"""The shortest time axis, when recording has just begun."""


def read_shared_past(view: View, name: str) -> Moment[AccountPast]:
    """Read an account's last hour; pages that are open together share it."""
    site, subject = view.site, view.viewer.subject
    return view.shared(("past", name), lambda: read_past(subject, site.services, site.ledger, name))


def account_chart(view: View, past: AccountPast, *, height: int = 200) -> Markup:
    """Draw calls, rate and adaptive limit, with the suspensions, numbered from the oldest."""
    name = past.limits.account
    lines = [Series("calls a minute", past.calls)]
    bounds = (Series("rate", past.rate), Series("adaptive limit", past.adaptive_limit))
    lines += [each for each in bounds if any(value is not None for _, value in each.points)]
    marks = [
        Mark(each.begin or past.begin, f"{past.what(each)} suspended", each.end or past.end)
        for each in reversed(past.incidents)
    ]
    chart = LineChart(
        f"Calls a minute of the account {name} over the last hour, with its limits",
        lines,
        marks,
        zone=view.viewer.zone,
        begin=max(past.begin, min(past.since or past.begin, past.end - _LEAST_SECONDS)),
        end=past.end,
        width=1000,
        height=height,
        empty="Nothing was recorded in the last hour",
        id=f"calls-{name}",
    )
    return Markup(draw_lines(chart))  # noqa: S704  # it escapes every text
