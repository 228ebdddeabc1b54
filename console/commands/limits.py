"""`issuance limits`: the API account's rate, ceiling and closings, shared by all workers."""

from typing import Annotated

import typer

from config.settings import SettingsError
from console.rendering.layout import say
from console.rendering.limits import limit_lines
from console.terminal import explained
from limiter.sync_limiter import LimitsConsole
from operations.errors import UsageError
from operations.services import Services

app = typer.Typer(help="Show or set the API account's limits, which all workers share.", no_args_is_help=True)

_DEFAULT = "default"
_LARGEST_RATE = 60_000_000
"""The grid of the rate is in whole microseconds."""


@app.command()
def show() -> None:
    """Show the rate in calls a minute, and for how long and why the account is closed."""
    with explained():
        for line in limit_lines(_limits().state()):
            say(line)


@app.command(name="set")
def set_rate(
    per_minute: Annotated[
        str, typer.Argument(metavar="PER_MINUTE|default", help="Calls a minute, 0 is unlimited; or `default`.")
    ],
) -> None:
    """Set the rate of all workers at once, in calls a minute; `default` goes back to the setting."""
    with explained():
        rate = _read_rate(per_minute)
        limits = _limits()
        limits.set_rate(rate)
        for line in limit_lines(limits.state()):
            say(line)


def _read_rate(text: str) -> int | None:
    if text == _DEFAULT:
        return None
    if not text.isdecimal() or int(text) > _LARGEST_RATE:
        raise UsageError(f"{text!r} is no rate: give calls a minute, 0 (unlimited) to {_LARGEST_RATE}, or `default`")
    return int(text)


def _limits() -> LimitsConsole:
    limits = Services.read().limits
    if limits is None:
        raise SettingsError(
            "The limits live in Redis and belong to an API account: set ISSUANCE_REDIS_URL (or ISSUANCE_BROKER_URL) "
            "and ISSUANCE_API_URL, or start the embedded parts with `issuance up`"
        )
    return limits
