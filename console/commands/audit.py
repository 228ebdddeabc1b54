"""`issuance audit`: lists and verifies the log of all acts."""

import sys
from typing import Annotated

import typer
from pydantic_core import to_json

from console.rendering.audit import entries_text, entry_lines
from console.rendering.layout import say
from console.terminal import EXIT_FAILED, complain, opened, remark
from ledger.queries.audit_verification import Verification
from operations.audit import list_entries, make_filter, page_json, verification_json, verify

app = typer.Typer(
    help="List or verify the log of all acts: each with its name, time and reason.",
    no_args_is_help=True,
    add_completion=False,
)

_JSON = typer.Option("--json", help="One JSON object on one line.")
_ROWS = 50


@app.command(name="list")
def list_(
    *,
    since: Annotated[
        str | None,
        typer.Option(metavar="T", help="From this date or time on; UTC unless it has a zone."),
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="T", help="Before this date or time.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option(metavar="S", help="Only acts of this user, or claimed as such.")
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="TARGET",
            help="Only acts on campaign:NAME, letter:ID, line:REQUEST_ID, account:NAME, customer "
            "or ledger.",
        ),
    ] = None,
    verb: Annotated[str | None, typer.Option(metavar="V", help="Only this act.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most entries to list.")] = _ROWS,
    before: Annotated[
        int | None, typer.Option(metavar="ID", help="Only entries older than this one.")
    ] = None,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """List acts, the newest first."""
    with opened() as (person, _, ledger):
        chosen = make_filter(since=since, until=until, user=subject, target=target, verb=verb)
        page = list_entries(person, ledger, chosen, limit=limit, before=before)
    if as_json:
        say(to_json(page_json(page)).decode())
        return
    for entry in page.entries:
        for line in entry_lines(entry):
            say(line)
    older = f"; older ones: --before {page.entries[-1].id}" if page.has_more else ""
    remark(f"{len(page.entries):,} of {entries_text(page.total)}{older}")


@app.command(name="verify")
def verify_command(
    *,
    head: Annotated[
        str | None,
        typer.Option(
            metavar="HEAD", help="The head that an earlier run printed; it must still be there."
        ),
    ] = None,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Verify that no entry was changed or removed; exit status 1 with the first broken one."""
    with opened() as (person, _, ledger):
        found = verify(person, ledger, head)
    if as_json:
        say(to_json(verification_json(found)).decode())
    else:
        _report(found)
    if found.flaw is not None:
        sys.exit(EXIT_FAILED)


def _report(found: Verification) -> None:
    if found.flaw is None:
        say(f"{entries_text(found.entries)}, unbroken")
    else:
        complain(f"{found.problem} ({found.flaw})", label=f"Broken at entry {found.broken_id}")
        say(f"{entries_text(found.entries)} before it, unbroken")
    say(f"head {found.head}")
