"""The status of the whole system, for people."""

from rich.text import Text

from console.rendering.campaign import balance_table
from console.rendering.limits import limit_lines
from operations.status import Status


def status_lines(status: Status) -> list[Text]:
    """Lines of at most 80 columns, unless a campaign's name needs more."""
    table = balance_table(status.balances) if status.balances else [Text("No campaigns yet.")]
    limits = (
        limit_lines(status.limits)
        if status.limits
        else ["limits   unknown: no Redis or no API is there"]
    )
    system = Text(f"system   {status.where}", style="" if status.running else "yellow")
    speed = Text(f"speed    {status.attempts_per_second:,.1f} attempts a second over the last 10 s")
    return [*table, Text(), speed, *map(Text, limits), system]
