"""The lint's findings for people: warnings by kind, and the expected points."""

from collections.abc import Iterator

from console.rendering.layout import aligned
from console.terminal import remark
from operations.formats import counted
from producers.lint import Expectation, Readings, Warnings
from producers.lint.expectation import Asked, Price

_HEADINGS = (
    "reward",
    "paymentConfigId",
    "quantity",
    "redemptionValue",
    "points a row",
    "rows",
    "points",
)


def show_warnings(warnings: Warnings, unit: str, *, accepted: bool) -> None:
    """Print the warnings by kind, with the first rows of each and the first problem."""
    if not warnings.rows:
        return
    done = "accepted anyway" if accepted else "good otherwise"
    remark(f"{counted(warnings.rows, 'row')} with warnings, {done} (--strict refuses them):")
    for kind, having in warnings.kinds.items():
        lines = ", ".join(f"{line:,}" for line in having.lines)
        more = ", …" if having.rows > len(having.lines) else ""
        remark(f"  {kind}: {counted(having.rows, 'row')} ({unit} {lines}{more})")
        remark(f"    {unit} {having.lines[0]:,}: {having.first.problem}; {having.first.remedy}")


def show_readings(readings: Readings, unit: str) -> None:
    """Print which values were read from another spelling, with the first rows of each kind."""
    if not readings.rows:
        return
    remark(f"{counted(readings.rows, 'row')} read from another spelling:")
    for name, kind in readings.kinds.items():
        lines = ", ".join(f"{line:,}" for line in kind.lines)
        more = ", …" if kind.rows > len(kind.lines) else ""
        remark(f"  {name}: {counted(kind.rows, 'row')} ({unit} {lines}{more})")


def expectation_lines(expectation: Expectation) -> Iterator[str]:
    """The points that the API should charge, by reward and in total."""
    yield "Expected points, if the API issues all of it:"
    rows = [_HEADINGS, *(_cells(asked, price) for asked, price in expectation.prices.items())]
    if expectation.other_rows:
        rest = f"{expectation.other_rows:,}", f"{expectation.other_points:,}"
        rows.append(("others", "", "", "", "", *rest))
    rows.append(("all", "", "", "", "", f"{expectation.rows:,}", f"{expectation.points:,}"))
    for line in aligned(rows, right=range(1, len(_HEADINGS))):
        yield f"  {line}"


def _cells(asked: Asked, price: Price) -> tuple[str, ...]:
    return (
        str(asked.reward),
        "" if asked.payment_config_id is None else str(asked.payment_config_id),
        f"{asked.quantity:,}",
        "" if price.value is None else f"{price.value.normalize():f}",
        f"{price.points:,}",
        f"{price.rows:,}",
        f"{price.points * price.rows:,}",
    )
