"""`issuance report`: the report of a closed campaign, for finance."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

from console.rendering.layout import say
from console.terminal import EXIT_FAILED, EXIT_REFUSED, complain, opened, remark, whole
from files.private import replace_text
from operations.formats import clock
from operations.report.report import Form, Verified, make_report, verify_report

if TYPE_CHECKING:
    from typer._click import Context

_MAKE = "make"


class _Group(TyperGroup):
    """`issuance report NAME` is short for `issuance report make NAME`."""

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        """Put `make` before arguments that begin with no command."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [_MAKE, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    add_completion=False,
    help="Write a closed campaign's report for finance, or verify one: `issuance report NAME`.",
)


@app.command(_MAKE)
def make(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The closed campaign.")],
    *,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The page, HTML in one file.")],
    as_json: Annotated[
        Path | None,
        typer.Option(
            "--json", metavar="FILE", help="The statement and all series, as canonical JSON."
        ),
    ] = None,
    as_csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="The same numbers as rows.")
    ] = None,
) -> None:
    """Write the report of a closed campaign; the audit log keeps its SHA-256."""
    chosen = {Form.HTML: out, Form.JSON: as_json, Form.CSV: as_csv}
    paths = {form: path for form, path in chosen.items() if path is not None}
    with opened() as (subject, _, ledger):
        for form, report in make_report(subject, ledger, name, list(paths)).items():
            replace_text(paths[form], report.content.decode())
            say(f"{report.sha256}  {paths[form]}")
    say(f"Verify it later with: {whole(f'issuance report verify {out}')}")


@app.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A report in any of its forms.")],
) -> None:
    """Say whether this ledger gave a file, when and to whom, and whether it would again."""
    with opened() as (subject, _, ledger):
        found = verify_report(subject, ledger, file.read_bytes())
    _show(file, found)
    if found.entry is None or found.log_problem:
        sys.exit(EXIT_FAILED)
    if not found.is_same:
        sys.exit(EXIT_REFUSED)


def _show(file: Path, found: Verified) -> None:
    if found.entry is None:
        complain(
            f"{file}: no report of this ledger. SHA-256 {found.sha256} is not in its audit log: "
            "the file was changed, or another ledger gave it",
            label="Unknown",
        )
    else:
        entry = found.entry
        say(f"{file}: report of {found.campaign}, made {clock(entry.at)} by {entry.subject}")
        say(f"SHA-256 {found.sha256}, entry {entry.id} of the audit log")
    if found.log_problem:
        complain(f"The audit log is broken: {found.log_problem}", label="Broken")
    if found.is_same:
        say("The ledger gives the same bytes today.")
    elif found.entry is not None:
        remark(f"The ledger gives other bytes today: {found.difference}")
