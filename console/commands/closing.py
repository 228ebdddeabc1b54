"""`issuance campaign close` and `issuance campaign statement`."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from console.rendering.layout import say
from console.rendering.progress import TimeElapsed, TimeLeft
from console.rendering.statement import findings_lines, statement_lines
from console.terminal import EXIT_FAILED, complain, err, opened, out, remark, whole
from ledger.closing.verification import Comparison, Mode
from operations.closing import closing
from operations.closing.words import verdict

Name = Annotated[str, typer.Argument(metavar="NAME", help="The campaign.")]


def close(
    name: Name,
    *,
    verify: Annotated[
        Mode,
        typer.Option(
            help="Which lines are compared with the API's transactions: none, a sample that shows "
            "at 95 % confidence that fewer than 0.1 % differ, or all."
        ),
    ] = Mode.SAMPLE,
    note: Annotated[
        str, typer.Option(help="Why; it is in the statement. Needed if lines differ.")
    ] = "",
) -> None:
    """Compare a finished campaign with the API, write its closing statement, and end it for good.

    An interrupted comparison continues where it was.
    """
    with opened() as (subject, services, ledger), _bar() as progress:
        compared = closing.close(
            subject, services, ledger, name, mode=verify, note=note.strip(), progress=progress
        )
    campaign = compared.comparison.campaign.name
    shown = verdict(compared.facts) if compared.facts else "Nothing was compared."
    if compared.closing is None:
        say(f"{campaign}: not closed. {shown}")
        for line in findings_lines(compared.facts):
            say(line)
        complain(
            "Correct the lines at the API or here and run this again, which reads them again; or "
            'close it as it is, and say why with --note "…"',
            label="Not closed",
        )
        sys.exit(EXIT_FAILED)
    say(f"{campaign}: closed. {shown}")
    say(f"SHA-256 of its statement: {compared.closing.sha256}")
    say(f"See it with: issuance campaign statement {whole(campaign)}")


def statement(
    name: Name,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="The bytes that were signed, as canonical JSON.")
    ] = False,
) -> None:
    """Show a closed campaign's statement."""
    with opened() as (subject, _, ledger):
        found = closing.statement(subject, ledger, name)
        if as_json:
            out.file.write(found.content.decode())
        else:
            for line in statement_lines(found.data, found.sha256):
                say(line)
    if found.has_changed:
        remark("The campaign's counts have changed since it was closed: `issuance status` has them")


@contextmanager
def _bar() -> Iterator[Callable[[Comparison], None]]:
    with Progress(
        TextColumn("comparing with the API"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsed(),
        TimeLeft(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    ) as progress:
        task = progress.add_task("")

        def show(comparison: Comparison) -> None:
            done = min(comparison.checked, comparison.total)
            progress.update(task, total=comparison.total, completed=done)

        yield show
