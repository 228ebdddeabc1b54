"""One reward's story for people."""

from collections.abc import Iterator
from datetime import tzinfo

from rich.text import Text

from console.rendering.line_details import detail_lines
from console.terminal import whole
from issuance.masking import mask_customer
from operations.formats import clock, one_line
from operations.stories import ShownStory

_NO_TIME = " " * len("2026-11-29 18:30:00Z")


def story_lines(shown: ShownStory, zone: tzinfo, *, reveal: bool) -> Iterator[Text]:
    """All of it: what it is, what happened, where it is now, and what may be done."""
    story, line = shown.story, shown.story.line
    code = "" if line.code is None else f", code {line.code}"
    yield Text(f"{line.request_id}: {line.state.value}{code}", style="bold")
    for name, value in _facts(shown, reveal=reveal):
        yield Text(f"  {name}: {value}")
    for detail in detail_lines(line, zone, reveal=reveal, known=story.known):
        yield Text(f"  {detail}")
    yield Text("Story", style="bold")
    for event in shown.events:
        yield Text(f"  {clock(event.at) or _NO_TIME}  {event.text}")
        for detail in event.details:
            yield Text(f"  {_NO_TIME}  {detail}")
    yield Text("Now", style="bold")
    yield Text(f"  {shown.present}.")
    yield Text("What may be done", style="bold")
    yield from _remedies(shown)


def _facts(shown: ShownStory, *, reveal: bool) -> Iterator[tuple[str, str]]:
    story, line = shown.story, shown.story.line
    units = "-" if line.quantity is None else line.quantity
    yield "campaign", line.campaign
    yield "customer", str(line.customer) if reveal else mask_customer(line.customer)
    yield "reward", f"{one_line(str(line.reward))}, {units}/{line.requested_quantity} units"
    if len(story.siblings) > 1:
        others = [each for each in story.siblings if each.request_id != line.request_id]
        yield "same call", ", ".join(f"{each.request_id} ({each.state})" for each in others)


def _remedies(shown: ShownStory) -> Iterator[Text]:
    for remedy in shown.remedies:
        yield Text(f"  {remedy.what}: {whole(remedy.command)}")
    for why in shown.refused:
        yield Text(f"  {why}")
    if not (shown.remedies or shown.refused):
        yield Text("  nothing: it needs nothing more")
