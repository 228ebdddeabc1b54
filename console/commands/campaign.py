"""`issuance campaign`: pauses, resumes, cancels or weights a campaign."""

import sys
from typing import Annotated

import typer

from console.rendering.campaign import balance_lines
from console.rendering.layout import say
from console.terminal import opened, operator, remark
from issuance.fair_queue import WEIGHT_MAX, WEIGHT_MIN
from issuance.states import CampaignState
from ledger.campaigns import Campaign, find_campaign, weigh_campaign
from ledger.queries.balance import balance
from ledger.store.database import Ledger
from operations import campaigns
from operations.formats import counted

app = typer.Typer(
    help="Pause, resume, cancel or weight a campaign.", no_args_is_help=True, add_completion=False
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The campaign.")]


@app.command()
def pause(name: Name) -> None:
    """Start no more calls of a campaign; calls under way finish."""
    with opened() as (services, ledger):
        _report(ledger, campaigns.pause(services, ledger, name, operator(services)))


@app.command()
def resume(name: Name) -> None:
    """Resume a paused campaign."""
    with opened() as (services, ledger):
        _report(ledger, campaigns.resume(services, ledger, name, operator(services)))


@app.command()
def cancel(
    name: Name, *, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False
) -> None:
    """End a campaign for good: cancels lines that were never sent; calls under way finish."""
    with opened() as (services, ledger):
        campaign = find_campaign(ledger, name)
        # Programs cancel too, and cannot answer a question.
        if sys.stdin.isatty() and not yes and campaign.state is not CampaignState.CANCELLED:
            open_lines = balance(ledger, campaign.name).unsettled
            typer.confirm(
                f"Cancel {campaign.name} for good, with {counted(open_lines, 'unsettled line')}?",
                abort=True,
                err=True,
            )
        _report(ledger, campaigns.cancel(services, ledger, name, operator(services)))


@app.command()
def weight(
    name: Name,
    weight: Annotated[
        int, typer.Argument(metavar="N", min=WEIGHT_MIN, max=WEIGHT_MAX, help="1 to 100.")
    ],
) -> None:
    """Set a campaign's share of the rate relative to other campaigns, from the next release on."""
    with opened() as (services, ledger):
        _print_balance(ledger, weigh_campaign(ledger, name, weight, operator(services)))


def _report(ledger: Ledger, change: campaigns.Change) -> None:
    if change.delay:
        remark(change.delay)
    _print_balance(ledger, change.campaign)


def _print_balance(ledger: Ledger, campaign: Campaign) -> None:
    for line in balance_lines(balance(ledger, campaign.name)):
        say(line)
