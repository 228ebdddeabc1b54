"""`issuance campaign`: pause, resume or cancel a whole campaign, or weigh it against the others."""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from console.rendering.campaign import balance_lines
from console.rendering.layout import say
from console.terminal import opened, operator, remark
from issuance.fair_queue import WEIGHT_MAX, WEIGHT_MIN
from ledger.campaigns import Campaign, find_campaign, pause_campaign, resume_campaign, weigh_campaign
from ledger.dispatch.cancellation import cancel_campaign, settle_cancelled
from ledger.queries.balance import balance
from ledger.store.database import Ledger
from limiter.sync_limiter import LimitsConsole
from limiter.unavailable import LimitsUnavailable
from operations.services import Services

app = typer.Typer(help="Pause, resume, cancel or weigh a campaign.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The campaign.")]


@app.command()
def pause(name: Name) -> None:
    """Start no more calls of a campaign until it is resumed; calls under way finish."""
    with opened() as (services, ledger):
        paused = pause_campaign(ledger, name, operator())
        _tell_workers(services, lambda limits: limits.halt(paused.id))
        _print_balance(ledger, paused)


@app.command()
def resume(name: Name) -> None:
    """Let a paused campaign go on."""
    with opened() as (services, ledger):
        resumed = resume_campaign(ledger, name, operator())
        _tell_workers(services, lambda limits: limits.lift(resumed.id))
        if services.nudge is not None:
            services.nudge.give()
        _print_balance(ledger, resumed)


@app.command()
def cancel(name: Name, *, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """End a campaign for good: lines that were never sent are cancelled, calls under way finish."""
    with opened() as (services, ledger):
        campaign = find_campaign(ledger, name)
        # Other programs cancel too, and have nobody to ask.
        if sys.stdin.isatty() and not yes and campaign.state != "cancelled":
            open_lines = balance(ledger, name).unsettled
            typer.confirm(f"Cancel {name} for good, with {open_lines:,} unsettled lines?", abort=True, err=True)

        def tell(cancelled: Campaign) -> None:
            _tell_workers(services, lambda limits: limits.halt(cancelled.id))

        cancelled = cancel_campaign(ledger, name, operator(), tell=tell)
        while settle_cancelled(ledger):
            pass
        _print_balance(ledger, cancelled)


@app.command()
def weight(
    name: Name,
    weight: Annotated[int, typer.Argument(metavar="N", min=WEIGHT_MIN, max=WEIGHT_MAX, help="1 to 100.")],
) -> None:
    """Set a campaign's part of the rate, beside the weights of others that have work; from the next release on."""
    with opened() as (_, ledger):
        _print_balance(ledger, weigh_campaign(ledger, name, weight, operator()))


def _tell_workers(services: Services, tell: Callable[[LimitsConsole], None]) -> None:
    """Let the workers know within a second; without Redis they learn it from the ledger."""
    limits = services.limits
    if limits is None:
        remark("No Redis is configured or running: this takes effect at the next release.")
        return
    try:
        tell(limits)
    except LimitsUnavailable:
        remark("Redis is out of reach: this takes effect at the next release.")


def _print_balance(ledger: Ledger, campaign: Campaign) -> None:
    for line in balance_lines(balance(ledger, campaign.name)):
        say(line)
