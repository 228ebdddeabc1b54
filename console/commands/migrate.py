"""`issuance migrate`: migrates the ledger's schema."""

from typing import Annotated

import typer

from console.rendering.layout import say
from console.terminal import explained, person, read_services
from operations import schema


def migrate(
    *,
    grant_to: Annotated[
        str | None,
        typer.Option(
            metavar="ROLE",
            help="PostgreSQL: let ROLE, with which the processes connect, use the ledger's tables.",
        ),
    ] = None,
) -> None:
    """Bring the ledger's schema to this program's version; safe to run again."""
    with explained():
        services = read_services(allow_old_home=True)
        done = schema.migrate(person(services), services, grant_to=grant_to)
        if done.moved is not None:
            say(f"Moved {done.moved} to {services.settings.home}")
        say(f"The ledger's schema fits this program: {done.ledger}")
        if grant_to is not None:
            say(f"{grant_to} may read and write its tables, and cannot change the schema")
