"""`issuance show`: the whole story of one reward."""

import sys
from typing import Annotated

import typer
from pydantic_core import to_json

from console.rendering.layout import say
from console.rendering.story import story_lines
from console.terminal import opened, remark
from operations.errors import UsageError
from operations.stories import find_rewards, show_story, story_json
from operations.time_zones import zone_of

_STDIN = "-"
_LONGEST_INPUT = 1_024
_LISTED = 20


def show(
    identifier: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]",
            help="A requestId, job id, voucher, transaction id, transactionNumber or idempotency "
            "key. - reads it from standard input; without it, it is asked for.",
            show_default=False,
        ),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on one line.")] = False,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show customer, vouchers and replies in the clear.")
    ] = False,
    note: Annotated[str, typer.Option("--note", help="Why you reveal it, for the audit log.")] = "",
) -> None:
    """Show one reward's story: its calls, where it is now and what may be done; masked."""
    with opened() as (subject, services, ledger):
        found = find_rewards(subject, ledger, _read(identifier))
        if len(found) > 1:
            _list(found)
        shown = show_story(subject, ledger, found[0], reveal=reveal, note=note)
        zone = zone_of(services, shown.story.line.account)
        if as_json:
            fields = story_json(shown, zone, reveal=reveal)
            say(to_json(fields, inf_nan_mode="null").decode())
            return
        for text in story_lines(shown, zone, reveal=reveal):
            say(text)


def _read(identifier: str | None) -> str:
    """Read what is looked for; what is asked for or read leaves no trace in a shell's history."""
    if identifier is None and sys.stdin.isatty():
        return str(typer.prompt("ID, or voucher", err=True))
    if identifier not in (None, _STDIN):
        return str(identifier)
    text = sys.stdin.readline(_LONGEST_INPUT).strip()
    if not text:
        raise UsageError("Give an ID, or write it on the first line of standard input")
    return text


def _list(found: list[str]) -> None:
    remark(f"{len(found):,} rewards; the first is shown. The others:")
    for request_id in found[1 : _LISTED + 1]:
        remark(f"  issuance show {request_id}")
    if len(found) > _LISTED + 1:
        remark(f"  and {len(found) - _LISTED - 1:,} more")
