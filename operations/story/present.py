"""Where a reward is now, and why."""

from collections.abc import Callable, Mapping

from issuance.plain_words import reason
from issuance.redrive.rules import advice
from issuance.states import CALLABLE, DeadLetterState, State
from ledger.search.stories import Story
from operations.formats import clock, counted, one_line
from operations.story.events import person_of


def present(story: Story) -> str:
    """Say in plain words where the reward is now and why: sentences without a last full stop."""
    return _PRESENT[story.line.state](story)


def _waiting(story: Story) -> str:
    if story.campaign_state not in CALLABLE:
        return f"Not sent: its campaign is {_campaign(story)}"
    if story.is_held:
        return "Not sent: its reward was stopped in this campaign (stop-loss)"
    job = story.job
    what = "looked up in the API's transactions" if job.is_reconciled else "sent"
    again = " again" if story.attempts and not job.is_reconciled else ""
    if job.due_at is not None and story.read_at is not None and job.due_at > story.read_at:
        return f"It will be {what}{again} at {clock(job.due_at)}"
    return f"It is due to be {what}{again}, and waits for its turn"


def _campaign(story: Story) -> str:
    words = story.campaign_state.value.replace("_", " ")
    act = story.campaign_act
    if act is None:
        return words
    why = f" ({one_line(act.reason)})" if act.reason else ""
    return f"{words} since {clock(act.at)}, by {person_of(act)}{why}"


def _queued(story: Story) -> str:
    job = story.job
    return (
        f"On its way to a worker in chunk {job.chunk_id}; if none takes it, it is released again "
        f"after {clock(job.lease_until)}"
    )


def _running(story: Story) -> str:
    return (
        f"A worker is sending it; if that worker dies, it is taken over by "
        f"{clock(story.job.lease_until)} at the latest"
    )


def _issued(story: Story) -> str:
    line = story.line
    issued = f"Issued at {clock(line.settled_at)}: {_units(story)}"
    if line.revoked_at is not None:
        return f"{issued}. It was revoked at {clock(line.revoked_at)}"
    return f"{issued}. The customer has it"


def _units(story: Story) -> str:
    line = story.line
    got = line.requested_quantity if line.quantity is None else line.quantity
    return f"{got:,} of {counted(line.requested_quantity, 'unit')}"


def _partial(story: Story) -> str:
    return f"Issued in part: {_units(story)}. {_of_letter(story)}"


def _failed(story: Story) -> str:
    line = story.line
    code = "" if line.code is None else f" (code {line.code})"
    why = reason(line.state, line.code, line.message)
    return f"Not issued: {why}{code}. {_of_letter(story)}"


def _in_doubt(story: Story) -> str:
    return (
        "It is not known whether the customer has it: no readable answer came. A resend finds it "
        f"if it was issued, and issues it if not, never twice. {_of_letter(story)}"
    )


def _cancelled(_story: Story) -> str:
    return "Not sent: its campaign was cancelled before its turn came, and nothing was issued"


def _replaced(story: Story) -> str:
    by = f"{story.replaced_by} took its place" if story.replaced_by else "another took its place"
    return f"Nothing was issued under this requestId: {by}"


def _revoked(story: Story) -> str:
    at = clock(story.line.revoked_at)
    return f"It was issued, and an operator took it back{f' at {at}' if at else ''}"


def _of_letter(story: Story) -> str:
    letter = story.letter
    if letter is None:
        return "It has no dead letter"
    if letter.reissued_as is not None and letter.state is not DeadLetterState.OPEN:
        return f"It was reissued as {letter.reissued_as}"
    if letter.state is DeadLetterState.OPEN:
        return f"Dead letter {letter.id} is open. {advice(letter.case).removesuffix('.')}"
    return f"Its dead letter {letter.id} is {letter.state} since {clock(letter.changed_at)}"


_PRESENT: Mapping[State, Callable[[Story], str]] = {
    State.WAITING: _waiting,
    State.QUEUED: _queued,
    State.RUNNING: _running,
    State.ISSUED: _issued,
    State.PARTIAL: _partial,
    State.FAILED: _failed,
    State.IN_DOUBT: _in_doubt,
    State.CANCELLED: _cancelled,
    State.REPLACED: _replaced,
    State.REVOKED: _revoked,
}
