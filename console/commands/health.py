"""`issuance health`: checks the system; exit status 1 and a line per problem if it is not well."""

import sys
from typing import Annotated

import typer
from pydantic_core import to_json

from config.logs import configure_logs
from console.rendering.layout import say
from console.terminal import EXIT_FAILED, explained, person
from operations.health.report import check_health
from operations.health.runner import Component, Report, read_components
from operations.services import Services


def health(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on one line.")] = False,
    only: Annotated[
        str,
        typer.Option(
            metavar="PART,…", help=f"Check only these and what they need: {', '.join(Component)}."
        ),
    ] = "",
    here: Annotated[
        bool, typer.Option("--here", help="Count only processes on this machine as answering.")
    ] = False,
) -> None:
    """Check whether the system works: exit status 0 if so, else 1 and a line per problem."""
    with explained():
        services = Services.read()
        quiet = "log_level" not in services.settings.model_fields_set
        configure_logs(
            services.settings.model_copy(update={"log_level": "ERROR"})
            if quiet
            else services.settings
        )
        report = check_health(person(services), services, read_components(only), here=here)
    _print(report, as_json=as_json)
    sys.exit(0 if report.healthy else EXIT_FAILED)


def _print(report: Report, *, as_json: bool) -> None:
    if as_json:
        say(to_json(report.as_json()).decode())
        return
    say(f"healthy: {', '.join(report.findings)}" if report.healthy else "not healthy")
    for line in report.lines():
        say(line)
