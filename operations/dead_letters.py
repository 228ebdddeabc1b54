"""What an operator sees of dead letters, and a dead letter for programs."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

from issuance.masking import mask_customer, scrub
from issuance.redrive.forecast import Results
from ledger.audit_effects import record_reveal
from ledger.audit_log import letter_target
from ledger.campaigns import find_campaign
from ledger.dead_letters.browse import (
    DeadLetter,
    DeadLetterFilter,
    DeadLetterStory,
    count_dead_letters,
    list_dead_letters,
    show_dead_letter,
)
from ledger.dead_letters.groups import LetterGroup, open_groups
from ledger.dead_letters.trend import Hour, opened_by_hour
from ledger.store.database import Ledger
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.formats import iso


@needs(Right.VIEW)
def resolve(subject: Subject, ledger: Ledger, chosen: DeadLetterFilter) -> DeadLetterFilter:
    """Return the filter with the names that its campaigns have in the ledger.

    Raises:
        CampaignError: there is no such campaign.
    """
    names = tuple(find_campaign(ledger, name).name for name in chosen.campaigns)
    return replace(chosen, campaign=names) if names else chosen


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
    after: int = 0,
) -> Iterator[DeadLetter]:
    """List the dead letters that a filter chooses, oldest first.

    Args:
        subject: asks for it.
        ledger: the record.
        chosen: which dead letters.
        limit: how many at most; None: all.
        after: only those with larger ids.
    """
    return list_dead_letters(ledger, chosen, limit=limit, after=after)


@needs(Right.VIEW)
def list_groups(
    subject: Subject, ledger: Ledger, campaign_names: tuple[str, ...] = ()
) -> list[LetterGroup]:
    """List the groups of open dead letters, the largest first; () of all campaigns.

    Raises:
        CampaignError: there is no such campaign.
    """
    return open_groups(ledger, [find_campaign(ledger, name).id for name in campaign_names])


@needs(Right.VIEW)
def read_trend(subject: Subject, ledger: Ledger, groups: Collection[int]) -> dict[int, list[Hour]]:
    """Count the open letters of the last 24 hours by group and hour, the oldest hour first."""
    return opened_by_hour(ledger, groups)


@needs(Right.VIEW, reveal=Right.REVEAL)
def show_letter(
    subject: Subject,
    ledger: Ledger,
    letter: int,
    *,
    reveal: bool,
    note: str = "",
) -> DeadLetterStory:
    """Read a dead letter's history; `reveal`: to show it unmasked, which is recorded with the note.

    Raises:
        LedgerError: there is no such dead letter.
    """
    story = show_dead_letter(ledger, letter)
    if reveal:
        record_reveal(ledger, subject.acting(note), letter_target(letter))
    return story


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
        "rewards": letter.held.rewards,
        "units": letter.held.units,
        "requestedUnits": letter.held.requested,
        "attempts": letter.attempts,
        "openings": letter.openings,
        "reissuedAs": letter.reissued_as,
        "openedAt": iso(letter.opened_at),
        "changedAt": iso(letter.changed_at),
    }


def group_json(group: LetterGroup) -> dict[str, Any]:
    """Return a group of dead letters for programs."""
    return {
        "group": str(group.text.id),
        "reason": None if group.text.reason is None else group.text.reason.value,
        "code": group.text.code,
        "pattern": group.text.pattern,
        "letters": group.letters,
        "firstSeen": iso(group.first_seen),
        "lastSeen": iso(group.last_seen),
        "campaigns": group.campaigns,
        "lastRedrive": results_json(group.last_redrive),
    }


def results_json(results: Results | None) -> dict[str, Any] | None:
    """Return what a redrive gave for a group; None: nothing."""
    if results is None:
        return None
    return {"redrive": results.action_id, "issued": results.issued, "failed": results.failed}
