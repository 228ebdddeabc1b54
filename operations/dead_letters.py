"""What an operator sees of dead letters and does to them, and a dead letter for programs."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from issuance.masking import mask_customer, scrub
from issuance.redrive.rules import Verb
from ledger.audit_effects import record_reveal
from ledger.audit_log import Operator, letter_target
from ledger.campaigns import find_campaign
from ledger.dead_letters.browse import (
    DeadLetter,
    DeadLetterFilter,
    DeadLetterStory,
    count_dead_letters,
    list_dead_letters,
    show_dead_letter,
)
from ledger.dead_letters.redrive import Redriven
from ledger.dead_letters.redrive import discard as discard_letters
from ledger.dead_letters.redrive import redrive as redrive_letters
from ledger.store.database import Ledger
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.formats import iso
from operations.services import Services
from operations.wake_up import wake_release


@dataclass(frozen=True, slots=True)
class Redrive:
    """A redrive that was carried out."""

    result: Redriven
    delay: str
    """Why the release was not woken up; "" when it was, or nothing was redriven."""


@needs(Right.VIEW)
def resolve(subject: Subject, ledger: Ledger, chosen: DeadLetterFilter) -> DeadLetterFilter:
    """Return the filter with the name that its campaign has in the ledger.

    Raises:
        CampaignError: there is no such campaign.
    """
    if chosen.campaign is None:
        return chosen
    return replace(chosen, campaign=find_campaign(ledger, chosen.campaign).name)


@needs(Right.VIEW)
def count_letters(subject: Subject, ledger: Ledger, chosen: DeadLetterFilter) -> int:
    """Count the dead letters that a filter chooses."""
    return count_dead_letters(ledger, chosen)


@needs(Right.VIEW)
def list_letters(
    subject: Subject,
    ledger: Ledger,
    chosen: DeadLetterFilter,
    *,
    limit: int | None = None,
) -> Iterator[DeadLetter]:
    """List the dead letters that a filter chooses, oldest first; `limit` None: all."""
    return list_dead_letters(ledger, chosen, limit=limit)


@needs(Right.VIEW, reveal=Right.REVEAL)
def show_letter(
    subject: Subject,
    ledger: Ledger,
    letter: int,
    *,
    reveal: bool,
) -> DeadLetterStory:
    """Read a dead letter's history; `reveal`: to show it unmasked, which is recorded.

    Raises:
        LedgerError: there is no such dead letter.
    """
    story = show_dead_letter(ledger, letter)
    if reveal:
        record_reveal(ledger, subject.acting(), letter_target(letter))
    return story


@needs(Right.RESEND)
def resend(
    subject: Subject,
    services: Services,
    ledger: Ledger,
    chosen: DeadLetterFilter,
    note: str,
    *,
    per_second: float = 0.0,
) -> Redrive:
    """Send dead letters again unchanged, and wake the release up.

    `ledger.dead_letters.redrive` describes the arguments.
    """
    who = subject.acting(note)
    return _redrive(services, ledger, chosen, verb=Verb.RESEND, operator=who, per_second=per_second)


@needs(Right.REISSUE)
def reissue(
    subject: Subject,
    services: Services,
    ledger: Ledger,
    chosen: DeadLetterFilter,
    note: str,
    *,
    per_second: float = 0.0,
) -> Redrive:
    """Issue dead letters again under new requestIds, and wake the release up.

    `ledger.dead_letters.redrive` describes the arguments.
    """
    who = subject.acting(note)
    return _redrive(
        services, ledger, chosen, verb=Verb.REISSUE, operator=who, per_second=per_second
    )


def _redrive(
    services: Services,
    ledger: Ledger,
    chosen: DeadLetterFilter,
    *,
    verb: Verb,
    operator: Operator,
    per_second: float,
) -> Redrive:
    result = redrive_letters(ledger, chosen, verb, operator, per_second=per_second)
    return Redrive(result, wake_release(services) if result.done else "")


@needs(Right.DISCARD)
def discard(subject: Subject, ledger: Ledger, chosen: DeadLetterFilter, note: str) -> Redriven:
    """Discard dead letters for good; their lines keep their state."""
    return discard_letters(ledger, chosen, subject.acting(note))


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
