"""`issuance limits`: shows and sets the limits of the API account."""

from typing import Annotated

import typer
from pydantic_core import to_json

from console.rendering.layout import say
from console.rendering.limits import limit_lines
from console.terminal import explained, read_services
from operations.errors import UsageError
from operations.formats import counted
from operations.limits import Limits, account_limits, limits_json, read_limits
from operations.wake_up import wake_release

app = typer.Typer(
    help="Show or set the API account's limits, which all workers share.",
    no_args_is_help=True,
    add_completion=False,
)

_DEFAULT = "default"
_LARGEST_RATE = 60_000_000
"""The time between two calls is a whole number of microseconds."""


@app.command()
def show(
    *, as_json: Annotated[bool, typer.Option("--json", help="One JSON object on one line.")] = False
) -> None:
    """Show the rate, the adaptive limit, and what is suspended, since when and why."""
    with explained():
        limits = read_limits(read_services())
        if as_json:
            say(to_json(limits_json(limits)).decode())
            return
        _print(limits)


@app.command(name="set")
def set_rate(
    per_minute: Annotated[
        str,
        typer.Argument(
            metavar="PER_MINUTE|default", help="Calls a minute, 0 is unlimited; or `default`."
        ),
    ],
) -> None:
    """Set the rate of all workers together; `default` returns to the setting."""
    with explained():
        rate = _read_rate(per_minute)
        services = read_services()
        account_limits(services).set_rate(rate)
        _print(read_limits(services))


@app.command()
def resume() -> None:
    """End every suspension now, after its cause is removed; the call rate rises gradually."""
    with explained():
        services = read_services()
        ended = account_limits(services).resume()
        say("Nothing was suspended." if ended == 0 else f"Ended {counted(ended, 'suspension')}.")
        wake_release(services)
        _print(read_limits(services))


def _print(limits: Limits) -> None:
    for line in limit_lines(limits):
        say(line)


def _read_rate(text: str) -> int | None:
    if text == _DEFAULT:
        return None
    if not text.isdecimal() or int(text) > _LARGEST_RATE:
        raise UsageError(
            f"{text!r} is not a rate: give calls a minute, 0 (unlimited) to {_LARGEST_RATE:,}, "
            "or `default`"
        )
    return int(text)
