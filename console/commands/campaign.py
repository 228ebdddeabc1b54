"""`issuance campaign`: the life of a campaign, from its settings to its end."""

import sys
from typing import Annotated

import typer

from console.commands import campaign_life
from console.commands.approvals import approvals
from console.commands.campaign_revoke import revoke
from console.commands.closing import close, statement
from console.rendering.campaign import balance_lines
from console.rendering.layout import say
from console.terminal import opened, remark
from issuance.fair_queue import WEIGHT_MAX, WEIGHT_MIN
from issuance.states import CampaignState
from ledger.queries.balance import Balance
from ledger.store.database import Ledger
from operations import campaigns
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.formats import counted

app = typer.Typer(
    help="Plan, submit, approve, pause, resume, cancel, weight or close a campaign.",
    no_args_is_help=True,
    add_completion=False,
)

app.command()(revoke)
campaign_life.add_to(app)
app.command()(approvals)
app.command()(close)
app.command()(statement)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The campaign.")]
Note = Annotated[str, typer.Option("--note", help="The reason, for the audit log.")]


@app.command()
def pause(name: Name, *, note: Note = "") -> None:
    """Start no more calls of a campaign; calls under way finish."""
    with opened() as (subject, services, ledger):
        _report(subject, ledger, campaigns.pause(subject, services, ledger, name, note))


@app.command()
def resume(
    name: Name,
    *,
    go_on: Annotated[
        bool,
        typer.Option("--go-on", help="Send the lines of stopped rewards too; they are watched."),
    ] = False,
    without_reward: Annotated[
        list[str] | None,
        typer.Option(
            metavar="REWARD", help="Cancel this reward's unsent lines instead. Repeatable."
        ),
    ] = None,
    note: Note = "",
) -> None:
    """Resume a paused or stopped campaign; one that the stop-loss stopped needs an option."""
    with opened() as (subject, services, ledger):
        change = campaigns.resume(
            subject, services, ledger, name, note, continues=go_on, without=without_reward or ()
        )
        _report(subject, ledger, change)


@app.command()
def cancel(
    name: Name,
    *,
    note: Note = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """End a campaign for good: cancels lines that were never sent; calls under way finish."""
    with opened() as (subject, services, ledger):
        subject.require(Right.CANCEL)  # before the question
        # Programs cancel too, and cannot answer a question.
        if sys.stdin.isatty() and not yes:
            _confirm_cancelling(campaigns.read_balance(subject, ledger, name))
        _report(subject, ledger, campaigns.cancel(subject, services, ledger, name, note))


@app.command()
def weight(
    name: Name,
    weight: Annotated[
        int, typer.Argument(metavar="N", min=WEIGHT_MIN, max=WEIGHT_MAX, help="1 to 100.")
    ],
    *,
    note: Note = "",
) -> None:
    """Set a campaign's share of the rate relative to other campaigns, from the next release on."""
    with opened() as (subject, _, ledger):
        changed = campaigns.weigh(subject, ledger, name, weight, note)
        _print_balance(subject, ledger, changed.name)


def _confirm_cancelling(found: Balance) -> None:
    if found.campaign.state is not CampaignState.CANCELLED:
        typer.confirm(
            f"Cancel {found.campaign.name} for good, with "
            f"{counted(found.unsettled, 'unsettled line')}?",
            abort=True,
            err=True,
        )


def _report(subject: Subject, ledger: Ledger, change: campaigns.Change) -> None:
    if change.delay:
        remark(change.delay)
    _print_balance(subject, ledger, change.campaign.name)


def _print_balance(subject: Subject, ledger: Ledger, name: str) -> None:
    for line in balance_lines(campaigns.read_balance(subject, ledger, name)):
        say(line)
