"""`issuance migrate`: brings the ledger's schema to this program's version."""

from sqlalchemy.engine import make_url

from console.context import Context, explained
from console.rendering.layout import say
from ledger.store.database import Ledger


def migrate() -> None:
    """Bring the configured ledger's schema to this program's version; safe to run again."""
    with explained():
        context = Context.read()
        with Ledger(context.site.ledger_url) as ledger:
            ledger.migrate()
            ledger.check_schema()
        say(f"The ledger's schema fits this program: {make_url(context.site.ledger_url).render_as_string()}")
