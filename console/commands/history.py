"""`issuance history`: each act in one plain sentence, with person, time and reason."""

from typing import Annotated

import typer
from pydantic_core import to_json

from console.rendering.history import act_line
from console.rendering.layout import say
from console.terminal import opened, remark
from operations.audit import make_filter
from operations.formats import counted
from operations.history import history_json, read_history

_ACTS = 50


def history(
    *,
    campaign: Annotated[
        str | None,
        typer.Option(
            metavar="C", help="Only acts on this campaign, its rewards and its dead letters."
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="T", help="From this date or time on, in UTC unless it has a zone; or 2h, 7d."
        ),
    ] = None,
    by: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only acts of this user, or claimed as such.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most acts to show.")] = _ACTS,
    before: Annotated[
        int | None, typer.Option(metavar="ID", help="Only acts older than this one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on one line.")] = False,
) -> None:
    """Show who did what, when and why, each act in one sentence; the newest first."""
    with opened() as (subject, _, ledger):
        chosen = make_filter(
            since=since, until=None, user=by, target=None, verb=None, campaign=campaign
        )
        found = read_history(subject, ledger, chosen, limit=limit, before=before)
    if as_json:
        say(to_json(history_json(found)).decode())
        return
    for act in found.acts:
        say(act_line(act))
    older = "" if found.before is None else f"; older ones: --before {found.before}"
    remark(f"{counted(len(found.acts), 'act')}{older}")
