"""A dead letter in detail: its lines, attempts, replies, actions and possible remedies."""

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from rich.text import Text

from console.rendering.layout import aligned
from console.rendering.line_details import detail_lines
from console.terminal import whole
from issuance.masking import hide, mask_customer, scrub
from issuance.redrive.rules import Verb, advice, refusal
from issuance.states import DeadLetterState
from ledger.dead_letters.browse import AttemptRecord, DeadLetter, DeadLetterStory
from ledger.queries.outcomes import LineRecord
from operations.formats import clock, one_line
from operations.reply_masking import show_reply

_COMMANDS = {
    Verb.RESEND: "issuance dead-letters redrive {id}",
    Verb.REISSUE: "issuance dead-letters redrive {id} --reissue",
}


def story_lines(story: DeadLetterStory, zone: tzinfo, *, reveal: bool) -> Iterator[Text]:
    """All of it in order; customers, vouchers and replies are masked unless `reveal`.

    `zone` is the account's time zone, for local times of the API.
    """
    letter = story.letter
    known = known_of(story.lines)
    code = "" if letter.code is None else f", code {letter.code}"
    yield Text(
        f"Dead letter {letter.id}: {letter.state}, {letter.reason.value}{code}", style="bold"
    )
    for name, value in _facts(letter, known, reveal=reveal):
        yield Text(f"  {name:<9} {value}")
    if reveal and story.body:
        yield Text(f"  {'body':<9} {show_reply(story.body, reveal=True)}")
    yield from _section("Lines", _lines(story.lines, zone, known, reveal=reveal))
    calls = [text for made in story.attempts for text in attempt_lines(made, known, reveal=reveal)]
    yield from _section("Attempts", calls)
    done = [
        f"{clock(action.at)}  {action.verb} by {action.subject}"
        + (f": {_text(action.reason, known, reveal=reveal)}" if action.reason else "")
        for action in story.actions
    ]
    yield from _section("Actions", done)
    yield from _section("What can be done", _remedies(letter))


def _section(title: str, lines: list[str]) -> Iterator[Text]:
    yield Text(title, style="bold")
    for line in lines or ["none"]:
        yield Text(f"  {line}")


def known_of(lines: Sequence[LineRecord]) -> tuple[str, ...]:
    """Return what masked texts about a job with these lines must not show."""
    return tuple(dict.fromkeys(value for line in lines for value in line.known))


def _text(text: str, known: Sequence[str], *, reveal: bool) -> str:
    return one_line(text if reveal else scrub(text, known))


def _facts(letter: DeadLetter, known: Sequence[str], *, reveal: bool) -> Iterator[tuple[str, str]]:
    yield "campaign", letter.campaign
    yield "customer", str(letter.customer) if reveal else mask_customer(letter.customer)
    yield "job", letter.job_id
    yield "message", _text(letter.message, known, reveal=reveal)
    opened = clock(letter.opened_at)
    yield "opened", opened if letter.openings == 1 else f"{letter.openings} times, last {opened}"
    if letter.state is not DeadLetterState.OPEN:
        yield letter.state, clock(letter.changed_at)
    if letter.reissued_as:
        yield "now is", letter.reissued_as


def _lines(
    lines: list[LineRecord], zone: tzinfo, known: Sequence[str], *, reveal: bool
) -> list[str]:
    rows = [("state", "code", "units", "reward", "requestId")]
    rows += [
        (
            line.state.value,
            "" if line.code is None else str(line.code),
            f"{'-' if line.quantity is None else line.quantity}/{line.requested_quantity}",
            one_line(str(line.reward)),
            line.request_id,
        )
        for line in lines
    ]
    shown = aligned(rows, right=(1, 2, 3))
    for line in lines:
        # After the first characters of the requestId, because a job may have several lines.
        shown += [
            f"{line.request_id[:8]}  {text}"
            for text in detail_lines(line, zone, reveal=reveal, known=known)
        ]
    return shown


def attempt_lines(made: AttemptRecord, known: Sequence[str], *, reveal: bool) -> Iterator[str]:
    """One call: when, the answer, and what followed; without what the job holds (`known`)."""
    answered = "no answer" if made.http_status is None else f"HTTP {made.http_status}"
    code = "" if made.code is None else f", code {made.code}"
    took = f"{made.took_seconds:.2f} s"
    begin = f"{made.number}. {clock(made.started_at)}  {took}  {made.kind}"
    yield f"{begin}  {answered}{code}  → {one_line(made.decision)}"
    if made.message:
        yield f"   says: {_text(made.message, known, reveal=reveal)}"
    if made.tracking_id:
        own_id = made.tracking_id if reveal else hide(made.tracking_id, known)
        yield f"   API's own id: {one_line(own_id)}, worker: {made.worker}"
    if made.reply:
        yield f"   reply: {show_reply(made.reply, reveal=reveal, known=known)}"


def _remedies(letter: DeadLetter) -> list[str]:
    shown = [advice(letter.case)]
    if letter.state is not DeadLetterState.OPEN:
        return shown
    for verb, command in _COMMANDS.items():
        why_not = refusal(letter.case, verb)
        shown.append(why_not or f"{verb.value}: {whole(command.format(id=letter.id))}")
    return [
        *dict.fromkeys(shown),
        f"discard: {whole(f'issuance dead-letters discard {letter.id}')}",
    ]
