"""`issuance user ...`: the web console's local users, and a link that logs in once."""

import sys
from typing import Annotated

import typer
from pydantic_core import to_json

from console.local.addresses import console_url
from console.rendering.layout import aligned, say
from console.terminal import explained, opened, out, read_services, remark
from operations.access.roles import Role
from operations.errors import UsageError
from operations.formats import clock
from operations.people.login import make_login_link
from operations.people.users import (
    add_web_user,
    list_web_users,
    set_web_user_disabled,
    set_web_user_password,
    set_web_user_roles,
    user_json,
)

app = typer.Typer(no_args_is_help=True, help="Manage who may log in to the web console.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.")]
Roles = Annotated[
    list[str],
    typer.Option("--role", help=f"Give it once for each role: {', '.join(Role)}."),
]
_LONGEST_LINE = 4_096


@app.command("add")
def add(name: Name, *, roles: Roles) -> None:
    """Add a user; the password is asked for, or read from standard input."""
    with opened() as (subject, _, ledger):
        add_web_user(subject, ledger, name, _password(), roles)
    remark(f"{name} may log in with {', '.join(sorted(set(roles)))}.")


@app.command("list")
def list_command(
    *, as_json: Annotated[bool, typer.Option("--json", help="One JSON array on one line.")] = False
) -> None:
    """List the users with their roles."""
    with opened() as (subject, _, ledger):
        users = list_web_users(subject, ledger)
    if as_json:
        say(to_json(list(map(user_json, users))).decode())
        return
    if not users:
        say("No local users.")
        return
    rows = [
        (
            user.name,
            ", ".join(user.roles),
            "disabled" if user.disabled_at else "locked" if user.is_locked else "may log in",
            clock(user.created_at),
        )
        for user in users
    ]
    for line in aligned([("user", "roles", "state", "added"), *rows]):
        say(line)


@app.command("disable")
def disable(name: Name) -> None:
    """Disable a user at once: their sessions end."""
    with opened() as (subject, _, ledger):
        set_web_user_disabled(subject, ledger, name, disabled=True)
    remark(f"{name} cannot log in any more; `issuance user enable {name}` undoes it.")


@app.command("enable")
def enable(name: Name) -> None:
    """Enable a user again."""
    with opened() as (subject, _, ledger):
        set_web_user_disabled(subject, ledger, name, disabled=False)
    remark(f"{name} may log in.")


@app.command("roles")
def roles_command(name: Name, *, roles: Roles) -> None:
    """Replace a user's roles; their sessions end."""
    with opened() as (subject, _, ledger):
        set_web_user_roles(subject, ledger, name, roles)
    remark(f"{name} has {', '.join(sorted(set(roles)))}.")


@app.command("passwd")
def passwd(name: Name) -> None:
    """Replace a user's password, asked for or read from standard input; their sessions end."""
    with opened() as (subject, _, ledger):
        set_web_user_password(subject, ledger, name, _password())
    remark(f"{name} has another password.")


@app.command("link")
def link() -> None:
    """Make a link that logs you in once, within 15 minutes, with your roles on the console."""
    with explained():
        services = read_services()
        with services.open_ledger() as ledger:
            token = make_login_link(services, ledger)
        url = console_url(services)
    out.print(f"{url}/login/link/{token}", soft_wrap=True)


def _password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    text = sys.stdin.readline(_LONGEST_LINE).rstrip("\r\n")
    if not text:
        raise UsageError("Write the password on the first line of standard input")
    return text
