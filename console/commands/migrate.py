"""`issuance migrate`: migrates the ledger's schema."""

from typing import Annotated

import typer

from console.rendering.layout import say
from console.terminal import explained, read_services
from ledger.store.database import ledger_url
from operations.home import move_old_home


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
        moved = move_old_home(services.settings)
        if moved is not None:
            say(f"Moved {moved} to {services.settings.home}")
        with services.connect_ledger() as ledger:
            ledger.migrate()
            ledger.check_schema()
            if grant_to is not None:
                ledger.grant_rights(grant_to)
        say(
            "The ledger's schema fits this program: "
            f"{ledger_url(services.servers.ledger_url).render_as_string()}"
        )
        if grant_to is not None:
            say(f"{grant_to} may read and write its tables, and cannot change the schema")
