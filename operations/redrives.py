"""Mass actions on dead letters: planned, begun, followed, changed and undone."""

from dataclasses import dataclass
from typing import Any

from issuance.redrive.bulk import Act, ActionKind
from issuance.redrive.forecast import Verdict
from ledger.dead_letters.actions import (
    Action,
    begin,
    change_action,
    find_action,
    list_actions,
)
from ledger.dead_letters.actions import set_rate as set_action_rate
from ledger.dead_letters.browse import DeadLetterFilter
from ledger.dead_letters.plans import (
    Plan,
    PlannedGroup,
    make_plan,
    remove_plan,
)
from ledger.dead_letters.progress import GroupProgress, Progress, read_progress
from ledger.dead_letters.rounds import carry_out
from ledger.dead_letters.undo import Undone
from ledger.dead_letters.undo import undo as undo_action
from ledger.store.database import Ledger
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.dead_letters import results_json
from operations.formats import iso
from operations.services import Services
from operations.wake_up import wake_release

RIGHT_OF = {
    ActionKind.RESEND: Right.RESEND,
    ActionKind.REISSUE: Right.REISSUE,
    ActionKind.DISCARD: Right.DISCARD,
}
"""The right that each kind needs as well, to begin it and to change it."""


VERDICT_WORDS = {
    Verdict.RESEND: "can be resent",
    Verdict.REISSUE: "would be reissued",
    Verdict.FAILS: "would fail again",
    Verdict.DISCARD: "can be discarded",
    Verdict.REFUSED: "not allowed",
}
"""What a plan says about letters, for people."""


@dataclass(frozen=True, slots=True)
class Begun:
    """An action that has begun."""

    progress: Progress
    delay: str
    """Why the release was not woken up; "" when it was, or need not be."""


@needs(Right.RESEND, reissue=Right.REISSUE)
def plan_redrive(
    subject: Subject, ledger: Ledger, chosen: DeadLetterFilter, *, reissue: bool
) -> Plan:
    """Freeze the dead letters that a filter chooses, and judge what sending them would do."""
    kind = ActionKind.REISSUE if reissue else ActionKind.RESEND
    return make_plan(ledger, chosen, kind, subject.acting())


@needs(Right.DISCARD)
def plan_discard(subject: Subject, ledger: Ledger, chosen: DeadLetterFilter) -> Plan:
    """Freeze the dead letters that a filter chooses, to discard them."""
    return make_plan(ledger, chosen, ActionKind.DISCARD, subject.acting())


@needs(Right.RESEND)
def forget_plan(subject: Subject, ledger: Ledger, plan_id: int) -> None:
    """Remove a plan that is not wanted; an action that has begun stays."""
    remove_plan(ledger, plan_id)


@needs(Right.RESEND)
def begin_action(
    subject: Subject,
    services: Services,
    ledger: Ledger,
    plan_id: int,
    note: str,
    *,
    trial: int = 0,
    per_second: float = 0.0,
) -> Begun:
    """Begin a plan, and do what can be done at once; the release does the rest.

    `ledger.dead_letters.actions.begin` describes the arguments.

    Raises:
        ActionError: there is no such plan, it has begun, it takes no letter, or it is stale.
    """
    _require_right(subject, ledger, plan_id)
    who = subject.acting(note)
    action = begin(ledger, plan_id, who, trial=trial, per_second=per_second)
    carry_out(ledger, plan_id)
    delay = "" if action.kind is ActionKind.DISCARD else wake_release(services)
    return Begun(read_progress(ledger, plan_id), delay)


@needs(Right.VIEW)
def list_redrives(
    subject: Subject, ledger: Ledger, limit: int, before: int | None = None
) -> tuple[list[Progress], int]:
    """List the actions that have begun, newest first, and count them.

    `before`: only those with a smaller id; None: from the newest on.
    """
    found, count = list_actions(ledger, limit, before)
    return [read_progress(ledger, action.id) for action in found], count


@needs(Right.VIEW)
def show_redrive(subject: Subject, ledger: Ledger, action_id: int) -> Progress:
    """Read an action with its results.

    Raises:
        ActionError: there is none.
    """
    return read_progress(ledger, action_id)


@needs(Right.RESEND)
def change_redrive(
    subject: Subject,
    services: Services,
    ledger: Ledger,
    action_id: int,
    act: Act,
    *,
    note: str,
) -> Action:
    """Pause, resume or abort an action, or send what its trial held back.

    Raises:
        ActionError: there is no such action, or its state does not allow it.
    """
    _require_right(subject, ledger, action_id)
    changed = change_action(ledger, action_id, act, subject.acting(note))
    if act in (Act.RESUME, Act.GO_ON):
        wake_release(services)
    return changed


@needs(Right.RESEND)
def set_rate(
    subject: Subject, ledger: Ledger, action_id: int, per_second: float, note: str
) -> Action:
    """Change the pace of an action; 0: no bound.

    Raises:
        ActionError: there is no such action, it has ended, or the pace cannot be kept.
    """
    _require_right(subject, ledger, action_id)
    return set_action_rate(ledger, action_id, per_second, subject.acting(note))


@needs(Right.RESEND)
def undo(subject: Subject, ledger: Ledger, action_id: int, note: str) -> Undone:
    """Take back what an action has not sent yet: these letters are open again.

    Raises:
        ActionError: there is no such action, or it has not begun.
    """
    _require_right(subject, ledger, action_id)
    return undo_action(ledger, action_id, subject.acting(note))


def _require_right(subject: Subject, ledger: Ledger, action_id: int) -> None:
    with ledger.read() as connection:
        kind = find_action(connection, action_id).kind
    subject.require(RIGHT_OF[kind])


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return a plan for programs."""
    return {
        "plan": str(plan.id),
        "kind": plan.kind,
        "digest": plan.digest,
        "letters": plan.letters,
        "counts": _counts_json(plan.counts()),
        "groups": [_planned_json(group) for group in plan.groups],
        "unknown": plan.unknown,
    }


_WORDS = {
    Verdict.RESEND: "canBeResent",
    Verdict.REISSUE: "wouldBeReissued",
    Verdict.FAILS: "wouldFailAgain",
    Verdict.DISCARD: "canBeDiscarded",
    Verdict.REFUSED: "notAllowed",
}


def _counts_json(counts: dict[Verdict, int]) -> dict[str, int]:
    return {word: counts[verdict] for verdict, word in _WORDS.items()}


def _planned_json(group: PlannedGroup) -> dict[str, Any]:
    return {
        "group": str(group.text.id),
        "reason": group.text.reason,
        "code": group.text.code,
        "pattern": group.text.pattern,
        "campaign": group.campaign,
        "letters": group.letters,
        "verdict": _WORDS[group.verdict],
        "why": group.why or None,
    }


def progress_json(progress: Progress) -> dict[str, Any]:
    """Return an action with its results for programs."""
    action = progress.action
    return {
        "redrive": str(action.id),
        "kind": action.kind,
        "state": action.state,
        "digest": action.digest,
        "filters": action.filters,
        "letters": action.selected,
        "items": {state.value: count for state, count in sorted(progress.items.items())},
        "issued": progress.issued,
        "failed": progress.failed,
        "results": dict(sorted(progress.results.items())),
        "refused": dict(progress.refused),
        "newRequestIds": {str(letter): new for letter, new in progress.successors.items()},
        "perSecond": action.per_second,
        "trial": action.trial,
        "note": action.note or None,
        "createdBy": action.created_by,
        "createdAt": iso(action.created_at),
        "startedBy": action.started_by,
        "startedAt": iso(action.started_at),
        "finishedAt": iso(action.finished_at),
        "groups": [_group_json(group) for group in progress.groups],
        "notAllowed": [
            _planned_json(group) for group in progress.planned if group.verdict == "refused"
        ],
    }


def _group_json(group: GroupProgress) -> dict[str, Any]:
    return {
        "group": str(group.text.id),
        "reason": group.text.reason,
        "code": group.text.code,
        "pattern": group.text.pattern,
        "letters": group.letters,
        "sent": group.sent,
        "issued": group.issued,
        "failed": group.failed,
        "held": group.is_held,
        "lastRedrive": results_json(group.past),
    }
