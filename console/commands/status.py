"""`issuance status`: shows the campaigns and the system, once or every second."""

import sys
import time
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import Annotated

import typer
from pydantic_core import to_json
from rich.live import Live
from rich.text import Text

from console.rendering.layout import say
from console.rendering.status import campaign_lines, status_lines, system_lines
from console.terminal import fold, opened, out
from operations.status import Status, read_status, status_json

_REFRESH_SECONDS = 1.0
_ENDS = Text("Ctrl-C ends this", style="dim")
_MORE = Text("… `issuance status` lists the other campaigns", style="dim")


class Group(StrEnum):
    """What a campaign's lines are grouped by."""

    ORG = "org"


def status(
    campaign: Annotated[
        str | None,
        typer.Argument(metavar="CAMPAIGN", help="One campaign; default: all.", show_default=False),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on one line.")] = False,
    recounted: Annotated[
        bool,
        typer.Option("--recount", help="Count every line instead of using the ledger's counters."),
    ] = False,
    by: Annotated[
        Group | None,
        typer.Option(metavar="org", help="Also each organisation's lines, units and points."),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Refresh every second until Ctrl-C.")
    ] = False,
) -> None:
    """Show campaigns, dead letters, speed, the accounts' limits, and whether the system runs."""
    with opened() as (subject, services, ledger):
        read = partial(
            read_status,
            subject,
            services,
            ledger,
            campaign,
            recounted=recounted,
            by_org=by is Group.ORG,
        )
        if not watch:
            _print(read(), campaign, as_json=as_json)
            return
        try:
            _watch(read, campaign, as_json=as_json)
        except KeyboardInterrupt:
            sys.exit(0)  # the only way to end it, so this is no failure


def _print(found: Status, campaign: str | None, *, as_json: bool) -> None:
    if as_json:
        say(to_json(status_json(found, campaign)).decode())
        return
    for line in status_lines(found):
        say(line)


def _watch(read: Callable[[], Status], campaign: str | None, *, as_json: bool) -> None:
    if not out.is_terminal or as_json:
        while True:
            _print(read(), campaign, as_json=as_json)
            say()
            time.sleep(_REFRESH_SECONDS)
    with Live(console=out, auto_refresh=False) as live:
        while True:
            live.update(block(read()), refresh=True)
            time.sleep(_REFRESH_SECONDS)


def block(found: Status) -> Text:
    """The status in the height of the terminal: drops campaigns that do not fit, and says so."""
    below = [fold(line, out.width) for line in (Text(), *system_lines(found), _ENDS)]
    room = out.height - sum(line.plain.count("\n") + 1 for line in below)
    above = [fold(line, out.width) for line in campaign_lines(found)]
    if len(above) > room:
        above = [*above[: max(0, room - 1)], _MORE]
    return Text("\n").join([*above, *below])
