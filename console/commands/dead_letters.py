"""`issuance dead-letters`: lists, groups, explains, plans, redrives and discards dead letters."""

from dataclasses import replace
from enum import StrEnum
from itertools import islice
from typing import Annotated

import typer
from pydantic_core import to_json

from console.commands.dead_letter_filters import (
    CampaignFilter,
    CodeFilter,
    FailedOf,
    Filters,
    GroupFilter,
    Ids,
    Note,
    ReasonFilter,
    Yes,
    choose,
)
from console.commands.redrive_run import DONE, Run, begin, report, run_at_once
from console.rendering.dead_letter_detail import story_lines
from console.rendering.dead_letter_table import print_jsonl, print_table
from console.rendering.layout import say, say_row
from console.rendering.redrives import plan_lines, print_groups
from console.terminal import opened, remark
from issuance.redrive.bulk import ActionKind
from issuance.states import DeadLetterState
from operations import dead_letters, redrives
from operations.access.roles import Right
from operations.errors import UsageError
from operations.formats import counted
from operations.time_zones import zone_of

app = typer.Typer(
    help="List, group, explain, plan, redrive or discard dead letters.",
    no_args_is_help=True,
    add_completion=False,
)

_TABLE_ROWS = 100


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


Json = Annotated[bool, typer.Option("--json", help="One JSON object on one line.")]
Reissue = Annotated[
    bool, typer.Option("--reissue", help="Use new requestIds; only after a definite refusal.")
]


@app.command(name="list")
def list_command(  # its options
    campaign: CampaignFilter = None,
    reason: ReasonFilter = None,
    code: CodeFilter = None,
    group: GroupFilter = None,
    failed_of: FailedOf = None,
    *,
    state: Annotated[
        list[LetterState] | None,
        typer.Option(help="Only letters in this state, default open; may be given again."),
    ] = None,
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
        filters = Filters(campaign, reason, code, group, failed_of)
        given = replace(filters.chosen(), state=_states(state))
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
            count = dead_letters.count_letters(subject, ledger, chosen)
            remark(f"Only the first {most:,} of {count:,} are listed: --limit N lists more.")


def _states(given: list[LetterState] | None) -> tuple[DeadLetterState, ...] | None:
    if not given:
        return (DeadLetterState.OPEN,)
    if LetterState.ALL in given:
        return None
    return tuple(DeadLetterState(state.value) for state in dict.fromkeys(given))


@app.command(name="groups")
def groups_command(campaign: CampaignFilter = None, *, as_json: Json = False) -> None:
    """Group the open dead letters by reason, code and message, the largest group first."""
    with opened() as (subject, _, ledger):
        groups = dead_letters.list_groups(subject, ledger, tuple(campaign or ()))
        if as_json:
            objects = [dead_letters.group_json(group) for group in groups]
            say_row(to_json({"groups": objects}).decode())
            return
        if not groups:
            remark("No dead letter is open.")
            return
        print_groups(groups)
        letters = sum(group.letters for group in groups)
        say(f"{counted(letters, 'open dead letter')} in {counted(len(groups), 'group')}")


@app.command()
def show(
    letter: Annotated[int, typer.Argument(metavar="ID", help="The dead letter's id.")],
    *,
    reveal: Annotated[
        bool,
        typer.Option("--reveal", help="Show customer, vouchers, body and replies as they are."),
    ] = False,
    note: Annotated[str, typer.Option("--note", help="Why you reveal it, for the audit log.")] = "",
) -> None:
    """Show a dead letter's history, and which redrive is allowed."""
    with opened() as (subject, services, ledger):
        story = dead_letters.show_letter(subject, ledger, letter, reveal=reveal, note=note)
        zone = zone_of(services, story.account)
        for line in story_lines(story, zone, reveal=reveal):
            say(line)


@app.command(name="plan")
def plan_command(  # noqa: PLR0917  # its options
    ids: Ids = None,
    campaign: CampaignFilter = None,
    reason: ReasonFilter = None,
    code: CodeFilter = None,
    group: GroupFilter = None,
    failed_of: FailedOf = None,
    *,
    reissue: Reissue = False,
    as_json: Json = False,
) -> None:
    """Freeze a selection, and show what a redrive of it would do; nothing is sent."""
    with opened() as (subject, _, ledger):
        filters = Filters(campaign, reason, code, group, failed_of)
        chosen = choose(subject, ledger, ids, filters)
        plan = redrives.plan_redrive(subject, ledger, chosen, reissue=reissue)
        if as_json:
            say_row(to_json(redrives.plan_json(plan)).decode())
            return
        for line in plan_lines(plan):
            say(line)


@app.command()
def redrive(  # noqa: PLR0917  # its options
    ids: Ids = None,
    campaign: CampaignFilter = None,
    reason: ReasonFilter = None,
    code: CodeFilter = None,
    group: GroupFilter = None,
    failed_of: FailedOf = None,
    *,
    plan: Annotated[
        int | None, typer.Option("--plan", metavar="ID", help="Carry out this plan.")
    ] = None,
    reissue: Reissue = False,
    trial: Annotated[
        int,
        typer.Option(
            min=0, help="Send this many first; the rest follows if more is issued than before."
        ),
    ] = 0,
    note: Note = "",
    per_second: Annotated[
        float, typer.Option(min=0, help="Send at most this many a second; 0: no bound.")
    ] = 0.0,
    yes: Yes = False,
) -> None:
    """Send dead letters again: the same request, or with --reissue a new one after a refusal."""
    with opened() as (subject, services, ledger):
        filters = Filters(campaign, reason, code, group, failed_of)
        kind = ActionKind.REISSUE if reissue else ActionKind.RESEND
        if plan is not None:
            if ids or filters.given() or reissue:
                raise UsageError("A plan has its letters: give --plan without ids and filters")
            why = note.strip() or f"plan {plan} carried out from the console"
            report(begin(subject, services, ledger, plan, Run(why, trial, per_second)))
            return
        subject.require(redrives.RIGHT_OF[kind])  # before the question
        chosen = choose(subject, ledger, ids, filters)
        made = redrives.plan_redrive(subject, ledger, chosen, reissue=reissue)
        why = note.strip() or f"{DONE[kind]} from the console"
        run = Run(why, trial, per_second, yes=yes)
        run_at_once(subject, services, ledger, made, run)


@app.command()
def discard(  # noqa: PLR0917  # its options
    ids: Ids = None,
    campaign: CampaignFilter = None,
    reason: ReasonFilter = None,
    code: CodeFilter = None,
    group: GroupFilter = None,
    failed_of: FailedOf = None,
    *,
    note: Note = "",
    yes: Yes = False,
) -> None:
    """Close dead letters without another attempt; their lines keep their state."""
    with opened() as (subject, services, ledger):
        subject.require(Right.DISCARD)  # before the question
        filters = Filters(campaign, reason, code, group, failed_of)
        made = redrives.plan_discard(subject, ledger, choose(subject, ledger, ids, filters))
        run = Run(note.strip() or "discarded from the console", yes=yes)
        run_at_once(subject, services, ledger, made, run)
