"""`issuance whoami`: the user of this command, as roles and the audit log see it."""

from typing import Annotated

import typer
from pydantic_core import to_json

from console.rendering.layout import say
from console.terminal import explained, read_services
from operations.access.description import subject_json, subject_lines
from operations.access.people import person_on_console


def whoami(
    *, as_json: Annotated[bool, typer.Option("--json", help="One JSON object on one line.")] = False
) -> None:
    """Show who you are to this program: your roles, what they allow, and where they come from."""
    with explained():
        subject = person_on_console(read_services())
    if as_json:
        say(to_json(subject_json(subject)).decode())
        return
    for line in subject_lines(subject):
        say(line)
