"""An operator's changes to dead letters, and a dead letter for programs."""

from dataclasses import dataclass
from typing import Any

from issuance.masking import mask_customer, scrub
from issuance.redrive.rules import Verb
from ledger.audit_log import Operator
from ledger.dead_letters.browse import DeadLetter, DeadLetterFilter
from ledger.dead_letters.redrive import Redriven
from ledger.dead_letters.redrive import discard as discard_letters
from ledger.dead_letters.redrive import redrive as redrive_letters
from ledger.store.database import Ledger
from operations.formats import iso
from operations.services import Services
from operations.wake_up import wake_release


@dataclass(frozen=True, slots=True)
class Redrive:
    """A redrive that was carried out."""

    result: Redriven
    delay: str
    """Why the release was not woken up; "" when it was, or nothing was redriven."""


def redrive(
    services: Services,
    ledger: Ledger,
    chosen: DeadLetterFilter,
    verb: Verb,
    operator: Operator,
    *,
    per_second: float = 0.0,
) -> Redrive:
    """Redrive dead letters, and wake the release up; see `ledger.dead_letters.redrive`."""
    result = redrive_letters(ledger, chosen, verb, operator, per_second=per_second)
    return Redrive(result, wake_release(services) if result.done else "")


def discard(ledger: Ledger, chosen: DeadLetterFilter, operator: Operator) -> Redriven:
    """Discard dead letters for good; their lines keep their state."""
    return discard_letters(ledger, chosen, operator)


def letter_json(letter: DeadLetter) -> dict[str, Any]:
    """Return a dead letter for programs."""
    return {
        "id": letter.id,
        "state": letter.state,
        "reason": letter.reason.value,
        "code": letter.code,
        "message": scrub(letter.message, letter.known),
        "campaign": letter.campaign,
        "jobId": letter.job_id,
        "customer": mask_customer(letter.customer),
        "attempts": letter.attempts,
        "openings": letter.openings,
        "reissuedAs": letter.reissued_as,
        "openedAt": iso(letter.opened_at),
        "changedAt": iso(letter.changed_at),
    }
