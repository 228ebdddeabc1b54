"""One dead letter's story: its lines, calls and acts, and what can be done."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from starlette.responses import Response

from issuance.masking import hide, mask, mask_customer, scrub
from issuance.redrive.rules import Verb, advice, refusal
from issuance.states import DeadLetterState
from ledger.dead_letters.browse import AttemptRecord, DeadLetterStory
from operations.dead_letters import show_letter
from operations.reply_masking import show_reply
from web.numbers import read_number
from web.routing import View, route


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the story, as the page shows it."""

    at: datetime | None
    text: str
    details: list[str] = field(default_factory=list)


def dead_letter(view: View) -> Response:
    """Show a dead letter, masked."""
    number = read_number(view.request.path_params["id"], "dead letter")
    story = show_letter(view.viewer.subject, view.site.ledger, number, reveal=False)
    return view.page("dead_letter.html", letter_values(story, reveal=False))


def letter_values(story: DeadLetterStory, *, reveal: bool) -> dict[str, object]:
    """Return what the page shows; `reveal`: in the clear."""
    letter = story.letter
    known = tuple(dict.fromkeys(value for line in story.lines for value in line.known))
    return {
        "is_revealed": reveal,
        "letter": letter,
        "customer": str(letter.customer) if reveal else mask_customer(letter.customer),
        "message": letter.message if reveal else scrub(letter.message, known),
        "body": show_reply(story.body, reveal=True) if reveal and story.body else "",
        "lines": [
            (line, line.vouchers if reveal else tuple(map(mask, line.vouchers)))
            for line in story.lines
        ],
        "calls": [_call(made, known, reveal=reveal) for made in story.attempts],
        "acts": [
            (act, act.reason if reveal else scrub(act.reason, known)) for act in story.actions
        ],
        "remedies": list(_remedies(story)),
    }


def _call(made: AttemptRecord, known: tuple[str, ...], *, reveal: bool) -> Call:
    answered = "no answer" if made.http_status is None else f"HTTP {made.http_status}"
    code = "" if made.code is None else f", code {made.code}"
    what = f"call {made.number}: {answered}{code} after {made.took_seconds:.2f} s; {made.decision}"
    call = Call(made.started_at, what)
    if made.message:
        call.details.append(made.message if reveal else scrub(made.message, known))
    if made.tracking_id:
        own_id = made.tracking_id if reveal else hide(made.tracking_id, known)
        call.details.append(f"The API's own id: {own_id}")
    if made.reply:
        call.details.append(f"Reply: {show_reply(made.reply, reveal=reveal, known=known)}")
    return call


def _remedies(story: DeadLetterStory) -> Iterator[tuple[str, str]]:
    """Yield what can be done, each with its command, or "" if there is none."""
    letter = story.letter
    yield advice(letter.case), ""
    if letter.state is not DeadLetterState.OPEN:
        return
    for verb, option in ((Verb.RESEND, ""), (Verb.REISSUE, " --reissue")):
        why_not = refusal(letter.case, verb)
        command = "" if why_not else f"issuance dead-letters redrive {letter.id}{option}"
        yield why_not or verb.value.capitalize(), command
    yield "Discard", f"issuance dead-letters discard {letter.id}"


ROUTES = [route("/dead-letters/{id}", dead_letter)]
