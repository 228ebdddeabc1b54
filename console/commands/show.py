"""`issuance show`: one reward with all that replies have shown of it."""

from collections.abc import Iterator, Sequence
from typing import Annotated

import typer
from pydantic_core import to_json
from rich.text import Text

from console.rendering.dead_letter_detail import attempt_lines
from console.rendering.layout import say
from console.rendering.line_details import detail_lines
from console.terminal import opened
from issuance.masking import mask_customer, scrub
from ledger.dead_letters.browse import AttemptRecord
from ledger.queries.outcomes import LineRecord
from operations.formats import clock, one_line
from operations.outcome_export import outcome_json
from operations.outcomes import show_reward
from operations.time_zones import zone_of


def show(
    request_id: Annotated[
        str,
        typer.Argument(metavar="REQUEST_ID", help="The reward's requestId.", show_default=False),
    ],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on one line.")] = False,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show customer, vouchers and replies in the clear.")
    ] = False,
) -> None:
    """Show one reward: its state, units, points, expiry and calls; masked unless --reveal."""
    with opened() as (subject, services, ledger):
        reward = show_reward(subject, ledger, request_id, reveal=reveal)
        line, known = reward.line, reward.known
        zone = zone_of(services, line.account)
        if as_json:
            say(to_json(outcome_json(line, zone, reveal=reveal), inf_nan_mode="null").decode())
            return
        for text in _head(line, known, reveal=reveal):
            say(text)
        for detail in detail_lines(line, zone, reveal=reveal, known=known):
            say(f"  {detail}")
        for text in _calls(reward.calls, known, reveal=reveal):
            say(text)


def _head(line: LineRecord, known: Sequence[str], *, reveal: bool) -> Iterator[Text]:
    code = "" if line.code is None else f", code {line.code}"
    yield Text(f"{line.request_id}: {line.state.value}{code}", style="bold")
    units = "-" if line.quantity is None else line.quantity
    reward = line.reward_external_id if line.reward_id == 0 else line.reward_id
    facts = {
        "campaign": line.campaign,
        "customer": str(line.customer) if reveal else mask_customer(line.customer),
        "reward": f"{one_line(str(reward))}, {units}/{line.requested_quantity} units",
        "message": one_line(line.message if reveal else scrub(line.message or "", known)),
        "settled": clock(line.settled_at),
        "revoked": clock(line.revoked_at),
    }
    for name, value in facts.items():
        if value:
            yield Text(f"  {name}: {value}")


def _calls(made: list[AttemptRecord], known: Sequence[str], *, reveal: bool) -> Iterator[Text]:
    yield Text("Calls", style="bold")
    for attempt in made:
        yield from (Text(f"  {text}") for text in attempt_lines(attempt, known, reveal=reveal))
    if not made:
        yield Text("  none")
