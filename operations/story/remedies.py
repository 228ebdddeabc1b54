"""What may be done about a reward: each act with its command, or why it is refused."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from issuance.redrive.rules import Verb, refusal
from issuance.states import OPEN, CampaignState, DeadLetterState, State
from ledger.dead_letters.browse import DeadLetter
from ledger.search.stories import Story


@dataclass(frozen=True, slots=True)
class Remedy:
    """Something that may be done."""

    what: str
    command: str


_REDRIVES = {Verb.RESEND: "", Verb.REISSUE: " --reissue"}
_WHAT = {
    Verb.RESEND: "send it again, with the same requestId",
    Verb.REISSUE: "issue it under a new requestId, once the cause is mended",
}


def remedies(story: Story) -> list[Remedy]:
    """Return what may be done about a reward now."""
    return [*_of_state(story), *_of_letter(story.letter), *_of_links(story)]


def refused(story: Story) -> list[str]:
    """Say which redrives of its open dead letter are not allowed, and why."""
    if story.case is None or not _has_open_letter(story):
        return []
    return [why for verb in _REDRIVES if (why := refusal(story.case, verb)) is not None]


def _has_open_letter(story: Story) -> bool:
    return story.letter is not None and story.letter.state is DeadLetterState.OPEN


def _of_state(story: Story) -> Iterator[Remedy]:
    line, name = story.line, shlex.quote(story.line.campaign)
    if line.state in OPEN:
        if story.campaign_state in (CampaignState.PAUSED, CampaignState.STOPPED) or story.is_held:
            yield Remedy("resume its campaign", f"issuance campaign resume {name}")
        yield Remedy("see what the campaign waits for", f"issuance status {name}")
    is_ours = line.revoked_at is None and line.transaction_ids
    if line.state is State.ISSUED and is_ours and not _has_open_letter(story):
        yield Remedy("take it back", f"issuance revoke {line.request_id} --note WHY")


def _of_letter(letter: DeadLetter | None) -> Iterator[Remedy]:
    if letter is None or letter.state is not DeadLetterState.OPEN:
        return
    for verb, option in _REDRIVES.items():
        if refusal(letter.case, verb) is None:
            yield Remedy(_WHAT[verb], f"issuance dead-letters redrive {letter.id}{option}")
    yield Remedy("do nothing more", f"issuance dead-letters discard {letter.id} --note WHY")


def _of_links(story: Story) -> Iterator[Remedy]:
    links = links_of(story)
    if links.replaced_by:
        yield Remedy("see what took its place", f"issuance show {links.replaced_by}")
    for request_id in links.replaces:
        yield Remedy("see what it replaces", f"issuance show {request_id}")


@dataclass(frozen=True, slots=True)
class Links:
    """The lines before and after this one, by requestId."""

    replaces: Sequence[str]
    replaced_by: str | None


def links_of(story: Story) -> Links:
    """Return the lines that this one replaces, and the one that replaces it.

    A reissue of a version before 0015 is known by its job and dead letter only.
    """
    letter, reissue_of = story.letter, story.job.reissue_of
    reissued_as = None if letter is None else letter.reissued_as
    replaces = story.replaces or ([reissue_of] if reissue_of else [])
    return Links(replaces, story.replaced_by or reissued_as)
