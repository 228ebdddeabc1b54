"""The story of one reward in plain words, found by what an operator has of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from ledger.audit_effects import record_reveal
from ledger.audit_log import line_target
from ledger.retention.tombstones import pruned_state
from ledger.search.finding import find_lines
from ledger.search.stories import Story, read_story
from ledger.store.database import Ledger
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.errors import UsageError
from operations.formats import iso, one_line
from operations.outcome_export import outcome_json
from operations.story.events import Event, events
from operations.story.present import present
from operations.story.remedies import Links, Remedy, links_of, refused, remedies


@dataclass(frozen=True, slots=True)
class ShownStory:
    """A story in plain words; masked unless it was asked for in the clear."""

    story: Story
    events: Sequence[Event]
    present: str
    """Where the reward is now, and why."""
    remedies: Sequence[Remedy]
    refused: Sequence[str]
    """Why its dead letter cannot be redriven in other ways."""
    links: Links


@needs(Right.VIEW)
def find_rewards(subject: Subject, ledger: Ledger, text: str) -> list[str]:
    """Return the requestIds of the rewards that a text means, at least one.

    Args:
        subject: asks for it.
        ledger: the record.
        text: a requestId, a job's id, a voucher, a transaction's id, a transactionNumber or an
            idempotency key.

    Raises:
        UsageError: there is none; the message says where it may be.
    """
    wanted = text.strip()
    found = find_lines(ledger, wanted)
    if found:
        return found
    raise UsageError(_not_found(ledger, wanted))


def _not_found(ledger: Ledger, text: str) -> str:
    state = _pruned(ledger, text)
    if state is not None:
        return (
            f"The line {text.lower()} was pruned. It was {state}; its story is in the archive of "
            "`issuance prune`, if one was written"
        )
    return (
        f"There is no line {one_line(text)}: `issuance customer show` lists a customer's, "
        "`issuance outcomes CAMPAIGN` a campaign's; a pruned line is only in the archive"
    )


def _pruned(ledger: Ledger, text: str) -> str | None:
    try:
        return pruned_state(ledger, text.lower())
    except ValueError:
        return None  # no requestId


@needs(Right.VIEW, reveal=Right.REVEAL)
def show_story(
    subject: Subject, ledger: Ledger, request_id: str, *, reveal: bool, note: str = ""
) -> ShownStory:
    """Read one reward's story; `reveal`: in the clear, which needs a right of its own.

    Revealing is recorded first, with the note as its reason.

    Raises:
        UsageError: there is no such line.
    """
    story = read_story(ledger, request_id)
    if story is None:
        raise UsageError(_not_found(ledger, request_id))
    if reveal:
        record_reveal(ledger, subject.acting(note), line_target(story.line.request_id))
    return ShownStory(
        story,
        events(story, reveal=reveal),
        present(story),
        remedies(story),
        refused(story),
        links_of(story),
    )


def story_json(shown: ShownStory, zone: tzinfo, *, reveal: bool) -> dict[str, Any]:
    """Return a story for programs; `zone` is the account's, for local times of the API."""
    story = shown.story
    job, letter = story.job, story.letter
    return outcome_json(story.line, zone, reveal=reveal) | {
        "account": story.line.account,
        "campaignState": story.campaign_state,
        "lane": job.lane,
        "acceptedAt": iso(job.accepted_at),
        "source": job.source,
        "sourceLine": job.source_line or None,
        "dueAt": iso(job.due_at) if story.line.settled_at is None else None,
        "present": shown.present,
        "story": [
            {"at": iso(event.at), "text": event.text, "details": event.details}
            for event in shown.events
        ],
        "deadLetter": None
        if letter is None
        else {"id": letter.id, "state": letter.state, "reason": letter.reason},
        "replaces": shown.links.replaces,
        "replacedBy": shown.links.replaced_by,
        "remedies": [{"what": each.what, "command": each.command} for each in shown.remedies],
        "refused": shown.refused,
    }
