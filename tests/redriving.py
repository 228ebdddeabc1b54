"""Redrives and discards for tests: planned, begun and carried out as far as it goes at once."""

from dataclasses import dataclass, field, replace

from sqlalchemy import select

from issuance.redrive.bulk import ActionKind, ItemState
from issuance.redrive.forecast import SENDABLE
from issuance.redrive.rules import Verb
from ledger.audit_log import Operator
from ledger.dead_letters.actions import StalePlanError, begin
from ledger.dead_letters.browse import DeadLetterFilter, list_dead_letters
from ledger.dead_letters.plans import Plan, make_plan
from ledger.dead_letters.rounds import carry_out
from ledger.store.database import Ledger
from ledger.store.schema import bulk_items as items


@dataclass
class Redriven:
    """The result of an action on dead letters."""

    plan: Plan
    done: list[int] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)
    reissued: dict[int, str] = field(default_factory=dict)


def redrive(
    ledger: Ledger,
    chosen: DeadLetterFilter,
    verb: Verb,
    operator: Operator,
    *,
    per_second: float = 0.0,
) -> Redriven:
    return _do(ledger, chosen, ActionKind(verb.value), operator, per_second)


def discard(ledger: Ledger, chosen: DeadLetterFilter, operator: Operator) -> Redriven:
    return _do(ledger, chosen, ActionKind.DISCARD, operator, 0.0)


def _do(
    ledger: Ledger,
    chosen: DeadLetterFilter,
    kind: ActionKind,
    operator: Operator,
    per_second: float,
) -> Redriven:
    plan = make_plan(ledger, chosen, kind, operator)
    result = Redriven(plan)
    result.refused = dict.fromkeys(plan.unknown, "there is no such dead letter")
    for letter in list_dead_letters(ledger, replace(chosen, state=None) if chosen.ids else chosen):
        for group in plan.groups:
            cause = (letter.reason, letter.code) if group.text.id else (None, None)
            alike = (group.text.reason, group.text.code, group.state, group.reissued) == (
                *cause,
                letter.state,
                letter.reissued_as is not None,
            )
            if alike and group.verdict not in SENDABLE and group.campaign == letter.campaign:
                result.refused[letter.id] = group.why
    if plan.sendable:
        try:
            begin(ledger, plan.id, operator, per_second=per_second)
        except StalePlanError:  # another operator was faster
            return _do(ledger, chosen, kind, operator, per_second)
        carry_out(ledger, plan.id)
    with ledger.read() as connection:
        query = select(items).where(items.c.action_id == plan.id).order_by(items.c.target)
        for row in connection.execute(query):
            if row.state in (ItemState.SENT, ItemState.DONE):
                result.done.append(row.target)
            if row.state == ItemState.REFUSED:
                result.refused[row.target] = row.result
            if row.successor:
                result.reissued[row.target] = row.successor
    return result
