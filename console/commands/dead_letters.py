"""`issuance dead-letters`: lists, explains, redrives and discards dead letters."""

import sys
from enum import StrEnum
from itertools import islice
from typing import Annotated

import typer

from console.commands.dead_letter_filters import (
    CampaignFilter,
    CodeFilter,
    Filters,
    Ids,
    Note,
    ReasonFilter,
    Yes,
    choose,
    confirm,
)
from console.rendering.dead_letter_detail import story_lines
from console.rendering.dead_letter_table import print_jsonl, print_table
from console.rendering.layout import say
from console.terminal import EXIT_REFUSED, EXIT_UNUSABLE, complain, opened, remark
from issuance.redrive.rules import Verb
from issuance.states import DeadLetterState
from ledger.dead_letters.browse import DeadLetterFilter
from ledger.dead_letters.redrive import Redriven
from operations import dead_letters
from operations.access.roles import Right
from operations.formats import counted
from operations.time_zones import zone_of

app = typer.Typer(
    help="List, explain, redrive or discard dead letters.",
    no_args_is_help=True,
    add_completion=False,
)

_TABLE_ROWS = 100
_IDS_SHOWN = 20
_DONE = {Verb.RESEND: "resent", Verb.REISSUE: "reissued"}


class LetterState(StrEnum):
    """Which dead letters to list, by state."""

    OPEN = "open"
    REDRIVEN = "redriven"
    CLOSED = "closed"
    DISCARDED = "discarded"
    ALL = "all"


class Format(StrEnum):
    """How the list is written."""

    TABLE = "table"
    JSONL = "jsonl"


@app.command(name="list")
def list_command(
    campaign: CampaignFilter = None,
    reason: ReasonFilter = None,
    code: CodeFilter = None,
    *,
    state: Annotated[
        LetterState, typer.Option(help="Only letters in this state.")
    ] = LetterState.OPEN,
    form: Annotated[Format, typer.Option("--format", help="jsonl has every field.")] = Format.TABLE,
    limit: Annotated[
        int | None,
        typer.Option(
            min=1, help=f"Most letters to list; default {_TABLE_ROWS} in a table, else all."
        ),
    ] = None,
) -> None:
    """List dead letters, oldest first, customers masked."""
    with opened() as (subject, _, ledger):
        wanted = None if state is LetterState.ALL else DeadLetterState(state.value)
        given = DeadLetterFilter(campaign=campaign, reason=reason, code=code, state=wanted)
        chosen = dead_letters.resolve(subject, ledger, given)
        if form is Format.JSONL:
            print_jsonl(dead_letters.list_letters(subject, ledger, chosen, limit=limit))
            return
        most = limit or _TABLE_ROWS
        letters = list(dead_letters.list_letters(subject, ledger, chosen, limit=most + 1))
        if not letters:
            remark("No dead letter fits.")
            return
        print_table(list(islice(letters, most)))
        if len(letters) > most:
            remark(f"Only the first {most:,} are listed: --limit N lists more.")


@app.command()
def show(
    letter: Annotated[int, typer.Argument(metavar="ID", help="The dead letter's id.")],
    *,
    reveal: Annotated[
        bool,
        typer.Option("--reveal", help="Show customer, vouchers, body and replies as they are."),
    ] = False,
) -> None:
    """Show a dead letter's history, and which redrive is allowed."""
    with opened() as (subject, services, ledger):
        story = dead_letters.show_letter(subject, ledger, letter, reveal=reveal)
        zone = zone_of(services, story.account)
        for line in story_lines(story, zone, reveal=reveal):
            say(line)


@app.command()
def redrive(
    ids: Ids = None,
    campaign: CampaignFilter = None,
    reason: ReasonFilter = None,
    code: CodeFilter = None,
    *,
    reissue: Annotated[
        bool, typer.Option("--reissue", help="Use new requestIds; only after a definite refusal.")
    ] = False,
    note: Note = "",
    per_second: Annotated[
        float, typer.Option(min=0, help="Most letters that become due per second; 0: all at once.")
    ] = 0.0,
    yes: Yes = False,
) -> None:
    """Send dead letters again: unchanged, or with new requestIds (--reissue)."""
    with opened() as (subject, services, ledger):
        verb = Verb.REISSUE if reissue else Verb.RESEND
        subject.require(Right.REISSUE if reissue else Right.RESEND)  # before the question
        chosen = choose(subject, ledger, ids, Filters(campaign, reason, code))
        confirm(subject, ledger, chosen, verb.value, yes=yes)
        why = note.strip() or f"{_DONE[verb]} from the console"
        again = dead_letters.reissue if reissue else dead_letters.resend
        redriven = again(subject, services, ledger, chosen, why, per_second=per_second)
        if redriven.delay:
            remark(redriven.delay)
    for letter_id, job_id in redriven.result.reissued.items():
        say(f"{letter_id} → {job_id}")
    _report(redriven.result, _DONE[verb])


@app.command()
def discard(
    ids: Ids = None,
    campaign: CampaignFilter = None,
    reason: ReasonFilter = None,
    code: CodeFilter = None,
    *,
    note: Note = "",
    yes: Yes = False,
) -> None:
    """Close dead letters without another attempt; their lines keep their state."""
    with opened() as (subject, _, ledger):
        subject.require(Right.DISCARD)  # before the question
        chosen = choose(subject, ledger, ids, Filters(campaign, reason, code))
        confirm(subject, ledger, chosen, "discard", yes=yes)
        result = dead_letters.discard(
            subject, ledger, chosen, note.strip() or "discarded from the console"
        )
    _report(result, "discarded")


def _report(result: Redriven, done: str) -> None:
    """Print what was done and why the rest was refused; end with the matching exit status."""
    by_reason: dict[str, list[int]] = {}
    for letter_id, why in result.refused.items():
        by_reason.setdefault(why, []).append(letter_id)
    for why, ids in by_reason.items():
        more = f" and {len(ids) - _IDS_SHOWN:,} more" if len(ids) > _IDS_SHOWN else ""
        complain(f"{', '.join(map(str, ids[:_IDS_SHOWN]))}{more}: {why}", label="Refused")
    say(f"{counted(len(result.done), 'dead letter')} {done}, {len(result.refused):,} refused")
    if not result.done:
        sys.exit(EXIT_UNUSABLE)
    if result.refused:
        sys.exit(EXIT_REFUSED)
