"""`issuance campaign set, plan, submit, approve, reject`: what happens before a campaign starts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from pydantic_core import to_json

from console.commands.setting_options import with_setting_options
from console.rendering.layout import say
from console.rendering.plan import plan_lines
from console.terminal import opened, remark
from issuance.campaign_settings import GivenSettings
from operations import campaign_life
from operations.errors import UsageError
from operations.next_step import read_next_step
from operations.plan import plan_json, read_plan
from producers.lint import read_rewards_file
from producers.lint.pricing import unit_prices

Name = Annotated[str, typer.Argument(metavar="NAME", help="The campaign.")]
Note = Annotated[str, typer.Option(help="The reason; it is kept in the audit log.")]
Rewards = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The rewards' prices (JSON), for the expected points."),
]


@with_setting_options
def set_campaign(
    settings: GivenSettings, name: Name, *, rewards: Rewards = None, note: Note = ""
) -> None:
    """Change a campaign's settings; one that was submitted is a draft again."""
    with opened() as (subject, services, ledger):
        prices = _prices(rewards)
        if settings.is_empty and prices is None:
            raise UsageError("Nothing is to be set: give an option, see --help")
        changed = campaign_life.set_settings(
            subject, services, ledger, name, settings, points=prices, note=note
        )
        campaign = changed.campaign
        if not changed.after:
            say(f"{campaign.name}: nothing changed")
            return
        was = f" (was {changed.before})" if changed.before else ""
        say(f"{campaign.name}: {changed.after}{was}")
        if changed.voided:
            remark(
                f"{campaign.name} was submitted, and is a draft again: the change is not approved."
            )
            remark(f"Next: {read_next_step(subject, ledger, campaign.name)}")


def plan(
    name: Name,
    *,
    rewards: Rewards = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on one line.")] = False,
) -> None:
    """Show what a campaign would issue, what to look at before it starts, and its digest."""
    with opened() as (subject, services, ledger):
        found = read_plan(subject, services, ledger, name, points=_prices(rewards))
        if as_json:
            say(to_json(plan_json(found)).decode())
            return
        for line in plan_lines(found):
            say(line)


def submit(name: Name, *, note: Note = "") -> None:
    """Submit a draft: for a second person's approval where that is needed, else for its start."""
    with opened() as (subject, services, ledger):
        submitted = campaign_life.submit(subject, services, ledger, name, note=note)
        campaign = submitted.campaign
        if submitted.excess:
            say(f"{campaign.name}: submitted; {submitted.excess}")
        else:
            say(f"{campaign.name}: scheduled, no approval is needed")
        remark(f"Next: {read_next_step(subject, ledger, campaign.name)}")


def approve(
    name: Name,
    *,
    digest: Annotated[
        str, typer.Option(metavar="D", help="The digest that `campaign plan` shows.")
    ],
    note: Note = "",
) -> None:
    """Approve what another person submitted, for exactly this digest."""
    with opened() as (subject, services, ledger):
        campaign = campaign_life.approve(subject, services, ledger, name, digest, note=note)
        say(f"{campaign.name}: approved")
        remark(f"Next: {read_next_step(subject, ledger, campaign.name)}")


def reject(name: Name, *, note: Annotated[str, typer.Option(help="What must be mended.")]) -> None:
    """Make a submitted campaign a draft again."""
    with opened() as (subject, _, ledger):
        campaign = campaign_life.reject(subject, ledger, name, note=note)
        say(f"{campaign.name}: rejected, and a draft again")


def _prices(path: Path | None) -> Mapping[str, int] | None:
    return None if path is None else unit_prices(read_rewards_file(path))


def add_to(app: typer.Typer) -> None:
    """Add these commands to the group `campaign`."""
    app.command(name="set")(set_campaign)
    for command in (plan, submit, approve, reject):
        app.command()(command)
