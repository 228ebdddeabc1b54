"""The options of a campaign's settings, shared by the commands that take them."""

import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Annotated, Any, Concatenate, Final, ParamSpec

import typer

from issuance.campaign_settings import GivenSettings
from issuance.fair_queue import WEIGHT_MAX, WEIGHT_MIN

_P = ParamSpec("_P")

_OPTIONS: Final[dict[str, tuple[Any, Any]]] = {
    "start_at": (
        str,
        typer.Option(
            metavar="TIME",
            help="Do not start before this time: 2026-11-30 09:00 in --timezone, or with an "
            "offset; none: as soon as it may.",
        ),
    ),
    "window": (
        str,
        typer.Option(
            metavar="HOURS",
            help="Start calls only then: mon-sat 09:00-21:00 in --timezone; none: always.",
        ),
    ),
    "timezone": (
        str,
        typer.Option(
            metavar="ZONE",
            help="IANA zone, for example Asia/Kolkata; default: the account's.",
        ),
    ),
    "rate": (
        int,
        typer.Option(
            metavar="PER_MINUTE", help="Most calls a minute; 0: as many as the account allows."
        ),
    ),
    "canary": (
        int,
        typer.Option(
            metavar="N", help="Try this many lines first, spread over the rewards; 0: none."
        ),
    ),
    "stop_loss": (
        str,
        typer.Option(
            metavar="default|off",
            help="Stop a reward that the API refuses time after time, or never.",
        ),
    ),
    "budget_units": (
        int,
        typer.Option(metavar="N", help="Stop before more units are issued; 0: no budget."),
    ),
    "budget_points": (
        str,
        typer.Option(metavar="N", help="Stop before more points are redeemed; 0: no budget."),
    ),
    "weight": (
        int,
        typer.Option(
            min=WEIGHT_MIN,
            max=WEIGHT_MAX,
            help="The campaign's share of the rate relative to others, 1 to 100.",
        ),
    ),
}


def with_setting_options(
    command: Callable[Concatenate[GivenSettings, _P], None],
) -> Callable[..., None]:
    """Give a command one option for each setting, in place of its first argument."""

    def run(**options: Any) -> None:
        given = {name: options.pop(name) for name in _OPTIONS}
        command(GivenSettings(**given), **options)  # type: ignore[call-arg]  # its own

    own = list(inspect.signature(command).parameters.values())[1:]
    parameters = [*own, *map(_parameter, (field.name for field in fields(GivenSettings)))]
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


def _parameter(name: str) -> inspect.Parameter:
    kind, option = _OPTIONS[name]
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, option],
    )
