"""What happened to one reward, in order: acceptance, calls, dead letter and operators' acts."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from issuance.masking import hide, scrub
from issuance.redrive.rules import Verb
from ledger.audit_log import LETTER, LINE, AuditEntry
from ledger.dead_letters.browse import AttemptRecord, DeadLetter
from ledger.search.stories import JobFacts, Story
from operations.formats import one_line
from operations.history_sentences import sentence
from operations.reply_masking import show_reply

_LOOK_UP = "look up in"
_DECISIONS = (
    (re.compile(r"settle issued"), "issued"),
    (re.compile(r"settle failed"), "refused for good"),
    (re.compile(r"settle partial"), "issued in part"),
    (re.compile(r"settle in_doubt"), "in doubt: it may have been issued"),
    (re.compile(r"try again in (.+) s \((.+)\)"), r"to be sent again in \1 s (\2)"),
    (re.compile(r"look up in (.+) s"), r"to be looked up in the API's transactions in \1 s"),
)
"""A decision as the ledger has it, and in plain words."""
_ABOUT = {LETTER: "its dead letter", LINE: "it"}
_FIRST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a reward."""

    at: datetime | None
    text: str
    """A sentence without a full stop."""
    details: tuple[str, ...] = ()
    """More lines about it, such as the API's reply."""


def events(story: Story, *, reveal: bool) -> list[Event]:
    """Return all that happened, in order; texts and replies are masked unless `reveal`."""
    found = [
        Event(story.job.accepted_at, _accepted(story.job)),
        *_calls(story, reveal=reveal),
        *_letter(story.letter),
        *(_act(act) for act in story.acts if act.verb != "accept"),
    ]
    # Stable, so that what has the same time stays in the order of causes.
    return sorted(found, key=lambda event: event.at or _FIRST)


def _accepted(job: JobFacts) -> str:
    act = job.accepted_by
    person = "" if act is None else f", by {person_of(act)}"
    if job.reissue_of is not None:
        return f"reissued: it takes the place of {job.reissue_of}"
    if job.source is None:
        return f"accepted as a single request{person}"
    return f"accepted from {one_line(job.source)}, line {job.source_line:,}{person}"


def person_of(entry: AuditEntry) -> str:
    """Name the person of an act: `root@vm (as Asha K.)`."""
    person = f"{entry.subject}@{entry.host}" if entry.host else entry.subject
    return f"{person} (as {one_line(entry.claimed)})" if entry.claimed else person


def _calls(story: Story, *, reveal: bool) -> Iterator[Event]:
    resent = [act.at for act in story.acts if act.verb == Verb.RESEND]
    earlier: AttemptRecord | None = None
    for made in story.attempts:
        looks_up = earlier is not None and earlier.decision.startswith(_LOOK_UP)
        if looks_up and _is_between(resent, earlier, made):
            looks_up = False
        yield Event(
            made.started_at,
            _call(made, looks_up=looks_up),
            tuple(_call_details(made, story.known, reveal=reveal)),
        )
        earlier = made


def _is_between(
    times: Sequence[datetime], earlier: AttemptRecord | None, made: AttemptRecord
) -> bool:
    if earlier is None or earlier.started_at is None or made.started_at is None:
        return False
    return any(earlier.started_at <= at <= made.started_at for at in times)


def _call(made: AttemptRecord, *, looks_up: bool) -> str:
    what = "looked up in the API's transactions" if looks_up else "sent"
    code = "" if made.code is None else f", code {made.code}"
    answer = "no answer" if made.http_status is None else f"answered HTTP {made.http_status}"
    took = f"{made.took_seconds:.2f} s"
    return f"call {made.number}, {what} by {made.worker}: {answer}{code} after {took}; " + (
        _decision(made.decision)
    )


def _decision(text: str) -> str:
    for pattern, words in _DECISIONS:
        if found := pattern.fullmatch(text):
            return found.expand(words)
    return one_line(text)


def _call_details(made: AttemptRecord, known: Sequence[str], *, reveal: bool) -> Iterator[str]:
    if made.message:
        yield f"says: {one_line(made.message if reveal else scrub(made.message, known))}"
    if made.tracking_id:
        own_id = made.tracking_id if reveal else hide(made.tracking_id, known)
        yield f"API's own id: {one_line(own_id)}"
    if made.reply:
        yield f"reply: {show_reply(made.reply, reveal=reveal, known=known)}"


def _letter(letter: DeadLetter | None) -> Iterator[Event]:
    if letter is None:
        return
    times = "" if letter.openings == 1 else f", for the {letter.openings}. time"
    yield Event(
        letter.opened_at,
        f"dead letter {letter.id} opened{times}, because it is {_plain(letter.reason)}",
    )
    if letter.state == "closed":
        yield Event(letter.changed_at, f"dead letter {letter.id} closed")


def _plain(reason: str) -> str:
    return reason.replace("_", " ")


def _act(act: AuditEntry) -> Event:
    about = next((words for prefix, words in _ABOUT.items() if act.target.startswith(prefix)), "it")
    why = f": {one_line(act.reason)}" if act.reason else ""
    done = one_line(sentence(act.verb, about, act.before, act.after))
    return Event(act.at, f"{person_of(act)} {done}{why}")
