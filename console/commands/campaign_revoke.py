"""`issuance campaign revoke`: takes many rewards of a campaign back, as planned before."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic_core import to_json

from console.commands.interruption import interruptible
from console.rendering.layout import say
from console.rendering.revocation_plan import plan_lines, result_line, revocation_progress
from console.terminal import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    complain,
    opened,
    remark,
)
from ledger.revocation_plans import RevocationPlan
from operations.access.roles import Right
from operations.bulk_revocation import Progress, plan_bulk, revoke_all
from operations.errors import UsageError
from operations.formats import counted
from operations.request_id_file import read_request_ids
from operations.revocation_view import plan_json, result_json


def revoke(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The campaign.")],
    *,
    note: Annotated[
        str,
        typer.Option(help="Why; recorded with your name, in the ledger and at the API."),
    ] = "",
    reward: Annotated[
        list[str] | None,
        typer.Option(
            metavar="N",
            help="Only this reward: its id, or ext: and its external id; may be repeated.",
        ),
    ] = None,
    from_file: Annotated[
        Path | None,
        typer.Option(help="Only these lines: a file with a requestId in each row."),
    ] = None,
    per_second: Annotated[
        float,
        typer.Option(min=0, help="Most calls a second; 0: as many as the account's rate allows."),
    ] = 0.0,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only show what would be revoked, and why not the rest.")
    ] = False,
    digest: Annotated[
        str, typer.Option(help="Revoke only if the plan still has this digest.")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Cancel the transactions of a campaign's issued rewards and return their points, for good."""
    with opened() as (subject, services, ledger):
        subject.require(Right.REVOKE)
        if not plan and not note.strip():
            raise UsageError('Say why with --note "…"; it is recorded with your name')
        ids = None if from_file is None else read_request_ids(from_file)
        planned = plan_bulk(subject, ledger, name, rewards=reward or (), request_ids=ids)
        if plan and as_json:
            say(to_json(plan_json(planned)).decode())
            return
        for line in plan_lines(planned):
            (say if plan else remark)(line)
        if plan:
            return
        _check(planned, digest)
        _confirm(planned, yes=yes)
        progress = Progress(planned.total.lines)
        filters = {"rewards": reward or [], "file": None if from_file is None else from_file.name}
        with (
            interruptible(lambda: _end(progress)),
            revocation_progress(planned.total.lines) as show,
        ):
            revoke_all(
                subject,
                services,
                ledger,
                planned,
                note.strip(),
                progress=progress,
                filters=filters,
                per_second=per_second,
                on_progress=show,
            )
        if as_json:
            say(to_json(result_json(planned, progress)).decode())
        else:
            say(result_line(planned, progress))
        _report(progress)


def _check(planned: RevocationPlan, digest: str) -> None:
    if digest and digest != planned.digest:
        raise UsageError(
            f"The plan has changed: its digest is {planned.digest} now, not {digest}. Look at it "
            "again with --plan"
        )
    if not planned.total.lines:
        raise UsageError("There is nothing to revoke")


def _confirm(planned: RevocationPlan, *, yes: bool) -> None:
    if yes:
        return
    name = planned.campaign.name
    question = f"Vouchers end and points are returned for good. Type the campaign's name, {name}"
    if not sys.stdin.isatty():
        raise UsageError(
            f"Revoke {counted(planned.total.lines, 'reward')} of {name} for good? There is no "
            "terminal to ask on: give --yes"
        )
    if typer.prompt(question, err=True).strip() != name:
        raise typer.Abort


def _end(progress: Progress) -> None:
    progress.is_ending = True


def _report(progress: Progress) -> None:
    """Say what to do about lines that were not revoked, and end with the matching status."""
    for remedy, count in progress.remedies.items():
        complain(f"{counted(count, 'reward')}: {remedy}", label="Not revoked")
    if progress.left and progress.is_ending:
        remark("Ended early. Run the same command again for what is left.")
        sys.exit(EXIT_FAILED if progress.remedies else EXIT_INTERRUPTED)
    if progress.remedies:
        sys.exit(EXIT_FAILED)
