"""`issuance account`: lists the API accounts, and checks one without issuing anything."""

import sys
from typing import Annotated

import typer
from pydantic_core import to_json

from console.rendering.accounts import account_table
from console.rendering.layout import say
from console.terminal import EXIT_FAILED, explained, person, read_services
from operations.accounts import (
    account_json,
    check_account,
    check_json,
    check_lines,
    list_accounts,
    passes,
)

app = typer.Typer(
    help="List the API accounts, or check one without issuing anything.",
    no_args_is_help=True,
    add_completion=False,
)

_JSON = typer.Option("--json", help="One JSON object on one line.")


@app.command(name="list")
def list_(*, as_json: Annotated[bool, _JSON] = False) -> None:
    """List the accounts with host, authentication, scope, rate, state and campaigns."""
    with explained():
        services = read_services()
        found = list_accounts(person(services), services)
    if as_json:
        say(to_json({"accounts": list(map(account_json, found))}).decode())
        return
    if not found:
        say("No account yet: set ISSUANCE_API_URL, or ISSUANCE_ACCOUNTS_FILE.")
        return
    for line in account_table(found):
        say(line)


@app.command()
def check(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The account's name.")],
    *,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Try credentials, scope and clock with a read; exit status 1 if one of them fails."""
    with explained():
        services = read_services()
        items = check_account(person(services), services, name)
    if as_json:
        say(to_json(check_json(name, items)).decode())
    else:
        for line in check_lines(items):
            say(line)
    if not passes(items):
        sys.exit(EXIT_FAILED)
