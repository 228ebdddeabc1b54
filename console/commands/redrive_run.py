"""Plans and begins a redrive or a discarding, and reports what it did."""

import sys
from dataclasses import dataclass

import typer

from console.rendering.layout import say
from console.rendering.redrives import halted_text, letters_text, question_lines
from console.terminal import EXIT_REFUSED, EXIT_UNUSABLE, complain, remark
from issuance.redrive.bulk import ActionKind, ActionState, ItemState
from issuance.redrive.forecast import Verdict
from ledger.dead_letters.plans import Plan
from ledger.dead_letters.progress import Progress
from ledger.store.database import Ledger
from operations import redrives
from operations.access.subject import Subject
from operations.errors import UsageError
from operations.formats import counted, rate_text
from operations.services import Services

_IDS_SHOWN = 20
DONE = {
    ActionKind.RESEND: "queued again",
    ActionKind.REISSUE: "queued again with new requestIds",
    ActionKind.DISCARD: "discarded",
}


@dataclass(frozen=True, slots=True)
class Run:
    """How a plan is carried out."""

    note: str
    trial: int = 0
    per_second: float = 0.0
    yes: bool = False


def run_at_once(subject: Subject, services: Services, ledger: Ledger, plan: Plan, run: Run) -> None:
    """Ask, begin the plan and report; a plan that does nothing is removed.

    Raises:
        UsageError: no letter fits.
        typer.Abort: the answer was no.
    """
    begun = False
    try:
        if not plan.letters and not plan.unknown:
            raise UsageError("No open dead letter fits: `issuance dead-letters list` shows them")
        if plan.sendable:
            _confirm(plan, yes=run.yes)
            progress = begin(subject, services, ledger, plan.id, run)
            begun = True
    finally:
        if not begun:
            redrives.forget_plan(subject, ledger, plan.id)
    _report_refused(plan)
    if not begun:
        refused = plan.letters + len(plan.unknown)
        say(f"0 dead letters {DONE[plan.kind]}, {refused:,} refused")
        sys.exit(EXIT_UNUSABLE)
    report(progress, refused=plan.letters - plan.sendable + len(plan.unknown))


def begin(subject: Subject, services: Services, ledger: Ledger, plan_id: int, run: Run) -> Progress:
    """Begin a plan, and say why it may have to wait."""
    begun = redrives.begin_action(
        subject,
        services,
        ledger,
        plan_id,
        run.note,
        trial=run.trial,
        per_second=run.per_second,
    )
    if begun.delay:
        remark(begun.delay)
    return begun.progress


def _confirm(plan: Plan, *, yes: bool) -> None:
    """Ask before more than one letter changes; without a terminal, do not ask."""
    if yes or plan.sendable == 1 or not sys.stdin.isatty():
        return
    for line in question_lines(plan):
        remark(line)
    what = f"{plan.kind.capitalize()} {counted(plan.sendable, 'dead letter')}?"
    typer.confirm(what, abort=True, err=True)


def _report_refused(plan: Plan) -> None:
    for group in plan.groups:
        if group.verdict is Verdict.REFUSED:
            complain(f"{letters_text(group.letters, group.text)}: {group.why}", label="Refused")
    if plan.unknown:
        ids, left = plan.unknown[:_IDS_SHOWN], len(plan.unknown) - _IDS_SHOWN
        more = f" and {left:,} more" if left > 0 else ""
        complain(f"{', '.join(map(str, ids))}{more}: there is no such dead letter", label="Refused")


def report(progress: Progress, *, refused: int = 0) -> None:
    """Say what was done, and how to follow it; end with the matching exit status."""
    action, items = progress.action, progress.items
    late = items.get(ItemState.REFUSED, 0)
    for why, count in progress.refused.items():
        complain(f"{counted(count, 'letter')}: {why}", label="Refused")
    done = items.get(ItemState.SENT, 0) + items.get(ItemState.DONE, 0)
    waiting = items.get(ItemState.PENDING, 0)
    for letter_id, request_id in progress.successors.items() if done <= _IDS_SHOWN else ():
        say(f"{letter_id} → {request_id}")
    say(
        f"{counted(done, 'dead letter')} {DONE[action.kind]}, {refused + late:,} refused "
        f"(redrive {action.id})"
    )
    if action.state is ActionState.TRIAL:
        say(f"This is the trial; {waiting + _rest(progress):,} more follow if it is good enough.")
    elif waiting:
        pace = f" at {rate_text(action.per_second)}" if action.per_second else ""
        say(f"{waiting:,} more follow{pace}.")
    if waiting and progress.halted:
        remark(f"Letters of these campaigns wait: {halted_text(progress)}.")
    follow = "undo it" if action.kind is ActionKind.DISCARD else "follow it"
    command = "undo" if action.kind is ActionKind.DISCARD else "show"
    say(f"{follow}: issuance redrives {command} {action.id}")
    if not done and not waiting:
        sys.exit(EXIT_UNUSABLE)
    if refused or late:
        sys.exit(EXIT_REFUSED)


def _rest(progress: Progress) -> int:
    return progress.items.get(ItemState.HELD, 0)
