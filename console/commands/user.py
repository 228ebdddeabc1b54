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
from operations.formats import clock, counted
from operations.people.login import make_login_link
from operations.people.users import (
    add_web_user,
    end_web_sessions,
    list_web_sessions,
    list_web_users,
    make_web_user_link,
    sessions_json,
    set_web_user_disabled,
    set_web_user_password,
    set_web_user_roles,
    user_json,
)
from operations.services import Services

app = typer.Typer(no_args_is_help=True, help="Manage who may log in to the web console.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.")]
Roles = Annotated[
    list[str],
    typer.Option("--role", help=f"Give it once for each role: {', '.join(Role)}."),
]
_LONGEST_LINE = 4_096
_PEOPLE = 100


@app.command("add")
def add(
    name: Name,
    *,
    roles: Roles,
    by_link: Annotated[
        bool, typer.Option("--link", help="No password: print a link that logs the user in once.")
    ] = False,
) -> None:
    """Add a user; the password is asked for, or read from standard input."""
    with opened() as (subject, services, ledger):
        add_web_user(subject, ledger, name, None if by_link else _password(), roles)
        if by_link:
            _print_link(services, make_web_user_link(subject, ledger, name))
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
def link(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="A local user; without it, you.", show_default=False),
    ] = None,
) -> None:
    """Make a link that logs you in once, within 15 minutes, or a local user within a day."""
    if name is not None:
        with opened() as (subject, services, ledger):
            _print_link(services, make_web_user_link(subject, ledger, name))
        return
    with explained():
        services = read_services()
        with services.open_ledger() as ledger:
            _print_link(services, make_login_link(services, ledger))


@app.command("sessions")
def sessions(
    *,
    limit: Annotated[int, typer.Option(min=1, help="Most people to list.")] = _PEOPLE,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on one line.")] = False,
) -> None:
    """List who is logged in to the web console, the last seen first."""
    with opened() as (subject, _, ledger):
        found, total = list_web_sessions(subject, ledger, limit)
    if as_json:
        fields = {"people": list(map(sessions_json, found)), "total": total}
        say(to_json(fields).decode())
        return
    rows = [
        (each.name, each.kind, str(each.count), clock(each.since), clock(each.seen_at))
        for each in found
    ]
    for line in aligned([("name", "kind", "sessions", "since", "seen"), *rows], right=(2,)):
        say(line)
    remark(f"{len(found):,} of {total:,} logged in.")


@app.command("log-out")
def log_out(name: Name) -> None:
    """End all sessions of a person, local or of a provider, and void their links."""
    with opened() as (subject, _, ledger):
        ended = end_web_sessions(subject, ledger, name)
    remark(f"{counted(ended, 'session')} of {name} ended.")


def _print_link(services: Services, token: str) -> None:
    out.print(f"{console_url(services)}/login/link/{token}", soft_wrap=True)


def _password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    text = sys.stdin.readline(_LONGEST_LINE).rstrip("\r\n")
    if not text:
        raise UsageError("Write the password on the first line of standard input")
    return text
