"""`issuance limits`: shows and sets the limits of the API account."""

from collections.abc import Sequence
from typing import Annotated

import typer
from pydantic_core import to_json

from console.commands.account_option import ChosenAccount
from console.rendering.layout import say
from console.rendering.limits import account_lines, past_lines
from console.terminal import explained, opened, person, read_services
from operations.account_past import past_json, read_past
from operations.formats import counted
from operations.limits import (
    Limits,
    chosen_accounts,
    limits_json,
    read_limits,
    read_rate,
    resume_accounts,
    set_account_rate,
)

app = typer.Typer(
    help="Show or set the limits of the API accounts, which all workers share.",
    no_args_is_help=True,
    add_completion=False,
)

Note = Annotated[str, typer.Option("--note", help="The reason, for the audit log.")]


@app.command()
def show(
    *,
    account: ChosenAccount = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on one line.")] = False,
) -> None:
    """Show the rate, the adaptive limit, and what is suspended, since when and why."""
    with explained():
        services = read_services()
        limits = read_limits(person(services), services, account=account)
        if as_json:
            objects = list(map(limits_json, limits))
            say(to_json(objects[0] if len(objects) == 1 else {"accounts": objects}).decode())
            return
        _print(limits)


@app.command(name="set")
def set_rate(
    per_minute: Annotated[
        str,
        typer.Argument(
            metavar="PER_MINUTE|default", help="Calls a minute, 0 is unlimited; or `default`."
        ),
    ],
    *,
    account: ChosenAccount = None,
    note: Note = "",
) -> None:
    """Set the rate of all workers together; `default` returns to the setting."""
    with explained():
        rate = read_rate(per_minute)
        services = read_services()
        subject = person(services)
        chosen = set_account_rate(subject, services, account, rate, note)
        _print(read_limits(subject, services, account=chosen))


@app.command()
def history(
    *,
    account: ChosenAccount = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on one line.")] = False,
) -> None:
    """Show each account's last hour: what was suspended, when, how often and why."""
    with opened() as (subject, services, ledger):
        found = [
            read_past(subject, services, ledger, name)
            for name in chosen_accounts(services, account)
        ]
        if as_json:
            say(to_json({"accounts": list(map(past_json, found))}).decode())
            return
        for past in found:
            for line in past_lines(past):
                say(line)


@app.command()
def resume(*, account: ChosenAccount = None, note: Note = "") -> None:
    """End every suspension now, after its cause is removed; the call rate rises gradually."""
    with explained():
        services = read_services()
        subject = person(services)
        ended = resume_accounts(subject, services, account, note)
        say("Nothing was suspended." if ended == 0 else f"Ended {counted(ended, 'suspension')}.")
        _print(read_limits(subject, services, account=account))


def _print(limits: Sequence[Limits]) -> None:
    for line in account_lines(limits):
        say(line)
